"""Tables of sessions, labelled events and measures: what is in them, and what becomes of an old one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pytest
from counting import BASE_RULES, MINUTE
from oracle import events_in, local_date, session_value, told_sessions
from pyarrow import parquet
from test_rules import NAMED, random_events

from session_calc import run
from session_calc.engines.engine import Engine
from session_calc.errors import TooManyRejects, UnwritableOutput, UserError, WrongSettings
from session_calc.settings import resolve

BASE_SETTINGS = {"USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group", "READ_PATH": "events.jsonl"}

# Ann: two sessions, the second of one event; Bob: one. One line is a reject.
SMALL = """\
{"user":"ann","time":0,"group":"A", "n" : 1.50}
{"user":"ann","time":60000,"group":"B"}
{cut
{"user":"ann","time":3600000}
{"user":"bob","time":86399999,"group":"B"}
{"user":"bob","time":86400000,"group":"C"}
"""


@pytest.fixture(autouse=True)
def shared(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    """The engine of all tests, for runs in this process; and small events to read."""
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    (tmp_path / "events.jsonl").write_text(SMALL)
    return engine


Command = Callable[[Any, run.Circumstances], run.Outcome]


def call(command: Command, **environment: str) -> run.Outcome:
    settings = resolve({"ENGINE": "sail"}, {**BASE_SETTINGS, **environment}, {})
    return command(settings, run.Circumstances({}, tell=lambda _: None))


def rows_of(path: str | Path) -> list[dict[str, Any]]:
    """Read a table, in the order of user and number where it has them."""
    path = Path(path)
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = parquet.ParquetFile(path).read().to_pylist()
    return sorted(rows, key=lambda row: (row.get("user", ""), int(row.get("session_number", 0))))


def report_of(name: str) -> dict[str, Any]:
    found = json.loads(Path(f"{name}.run.json").read_bytes())
    assert isinstance(found, dict)
    return found


# ------------------------------------------------------------------------------------------------------------ sessions


def test_a_session_is_a_row_that_says_all_of_it() -> None:
    call(run.sessions, SESSIONS_PATH="s.jsonl")
    rows = rows_of("s.jsonl")
    ids = [row.pop("session_id") for row in rows]
    assert rows == [
        {
            "user": "ann",
            "session_number": 1,
            "first_event_time": "1970-01-01T00:00:00.000000Z",
            "last_event_time": "1970-01-01T00:01:00.000000Z",
            "duration_seconds": 60.0,
            "event_count": 2,
            "silence_before_seconds": None,
            "first_group": "A",
            "is_bounce": False,
            "end_reason": "silence",
        },
        {
            "user": "ann",
            "session_number": 2,
            "first_event_time": "1970-01-01T01:00:00.000000Z",
            "last_event_time": "1970-01-01T01:00:00.000000Z",
            "duration_seconds": 0.0,
            "event_count": 1,
            "silence_before_seconds": 3540.0,
            "first_group": None,
            "is_bounce": True,
            "end_reason": "end_of_data",
        },
        {
            "user": "bob",
            "session_number": 1,
            "first_event_time": "1970-01-01T23:59:59.999000Z",
            "last_event_time": "1970-01-02T00:00:00.000000Z",
            "duration_seconds": 0.001,
            "event_count": 2,
            "silence_before_seconds": None,
            "first_group": "B",
            "is_bounce": False,
            "end_reason": "end_of_data",
        },
    ]
    assert len(set(ids)) == 3


def test_a_session_id_is_the_sha_256_of_user_first_event_time_and_gap() -> None:
    call(run.sessions, SESSIONS_PATH="s.jsonl")
    found = {row["session_id"] for row in rows_of("s.jsonl") if row["user"] == "bob"}
    assert found == {sha256(b"3:bob@86399999000/1800000000").hexdigest()[:32]}


@pytest.mark.one_engine
def test_a_session_id_is_unmoved_by_other_sessions_of_the_user_and_by_the_order_of_files() -> None:
    call(run.sessions, SESSIONS_PATH="s.jsonl")
    before = {(row["user"], row["first_event_time"]): row["session_id"] for row in rows_of("s.jsonl")}
    Path("a.jsonl").write_text('{"user":"ann","time":-9999999999}\n{"user":"ann","time":9999999999}\n')
    call(run.sessions, SESSIONS_PATH="s.jsonl", READ_PATH="events.jsonl,a.jsonl")
    after = {(row["user"], row["first_event_time"]): row["session_id"] for row in rows_of("s.jsonl")}
    assert len(after) == 5
    assert before.items() <= after.items()


def test_sessions_that_begin_in_one_microsecond_have_ids_of_their_own() -> None:
    Path("events.jsonl").write_text('{"user":"ann","time":0,"c":"x"}\n{"user":"ann","time":0,"c":"y"}\n')
    call(run.sessions, SESSIONS_PATH="s.jsonl", SPLIT_ON_CHANGE="c", GROUP_KEY="c")
    rows = rows_of("s.jsonl")
    assert [row["first_c"] for row in rows] == ["x", "y"]
    assert [row["session_id"] for row in rows] == [
        sha256(text).hexdigest()[:32] for text in (b"3:ann@0/1800000000", b"3:ann@0/1800000000#1")
    ]


def test_last_values_are_there_when_asked_for() -> None:
    call(run.sessions, SESSIONS_PATH="s.jsonl", LAST_VALUES="true")
    assert [(row["first_group"], row["last_group"]) for row in rows_of("s.jsonl")] == [
        ("A", "B"),
        (None, None),
        ("B", "C"),
    ]


@pytest.mark.one_engine
def test_parquet_has_types_and_csv_has_the_same_values() -> None:
    call(run.sessions)
    call(run.sessions, SESSIONS_PATH="output/s.csv")
    schema = parquet.read_schema("output/sessions.parquet")
    assert {field.name: str(field.type) for field in schema} == {
        "session_id": "string",
        "user": "string",
        "session_number": "int64",
        "first_event_time": "timestamp[us, tz=UTC]",
        "last_event_time": "timestamp[us, tz=UTC]",
        "duration_seconds": "double",
        "event_count": "int64",
        "silence_before_seconds": "double",
        "first_group": "string",
        "is_bounce": "bool",
        "end_reason": "string",
    }
    typed, spelled = rows_of("output/sessions.parquet"), rows_of("output/s.csv")
    assert [row["session_id"] for row in typed] == [row["session_id"] for row in spelled]
    assert typed[2]["last_event_time"].isoformat() == "1970-01-02T00:00:00+00:00"
    assert spelled[2]["last_event_time"] == "1970-01-02T00:00:00.000000Z"
    assert spelled[1]["silence_before_seconds"] == "3540"
    assert (spelled[0]["silence_before_seconds"], spelled[1]["first_group"]) == ("", "")


@pytest.mark.one_engine
def test_the_run_report_of_a_table_has_the_ledger_and_the_rows() -> None:
    call(run.sessions, SESSIONS_PATH="tables/s.csv", EXCLUDE_EVENTS="1.50", EVENT_KEY="n")
    found = report_of("tables/s")
    assert found["status"] == "done"
    assert found["ledger"] == {
        "lines": 6,
        "events": 4,
        "blank": 0,
        "rejects": 1,
        "rejects_by_reason": {"malformed_json": 1},
        "excluded": 1,
        "duplicates": 0,
        "csv_headers": 0,
    }
    assert (found["user_count"], found["session_count"]) == (2, 3)
    assert found["table"] == {"path": str(Path("tables/s.csv").absolute()), "gap_seconds": "1800", "row_count": 3}


def test_count_writes_the_table_of_sessions_too_and_the_same_counts() -> None:
    call(run.count)
    alone = Path("output/sessions_by_group.json").read_bytes()
    outcome = call(run.count, SESSIONS_PATH="s.parquet")
    assert Path("output/sessions_by_group.json").read_bytes() == alone == b'{"A":1,"B":1,"null":1}\n'
    assert len(rows_of("s.parquet")) == outcome.counted.tally.session_count(30 * MINUTE) == 3


def test_random_events_make_the_table_that_the_oracle_makes() -> None:
    data = random_events(5)
    Path("events.jsonl").write_bytes(data)
    rules = replace(NAMED, max_events=4, change_keys=("campaign",), midnight_zone="Europe/Berlin", id_key="id")
    environment = {
        "GROUP_KEY": "group,campaign",
        "MAX_SESSION_EVENTS": "4",
        "SPLIT_ON_CHANGE": "campaign",
        "CUT_AT_MIDNIGHT": "true",
        "TIMEZONE": "Europe/Berlin",
        "DEDUPE_KEY": "id",
    }
    call(run.sessions, SESSIONS_PATH="s.jsonl", **environment)
    told = told_sessions(events_in(data, rules)[0], 30 * MINUTE, rules)
    expected = [(one.events[0].user[0], one.number, len(one.events), one.end_reason) for one in told]
    rows = rows_of("s.jsonl")
    assert [(row["user"], row["session_number"], row["event_count"], row["end_reason"]) for row in rows] == expected
    assert len({row["session_id"] for row in rows}) == len(rows)


@pytest.mark.one_engine
def test_several_gaps_make_no_table() -> None:
    with pytest.raises(WrongSettings, match="names several gaps, but a table holds the sessions of one gap"):
        call(run.sessions, MAX_SESSION_SECONDS="60,1800")


# ------------------------------------------------------------------------------------------------------------- by day


def days_in(folder: str) -> dict[str, int]:
    return {path.name: sum(len(rows_of(part)) for part in path.iterdir()) for path in sorted(Path(folder).iterdir())}


@pytest.mark.one_engine
def test_a_table_by_day_has_a_folder_for_each_day_of_first_events_in_the_time_zone() -> None:
    call(run.sessions, SESSIONS_PATH="d.parquet", PARTITION_BY_DAY="true")
    assert days_in("d.parquet") == {"day=1970-01-01": 3}
    call(run.sessions, SESSIONS_PATH="d.parquet", PARTITION_BY_DAY="true", TIMEZONE="America/New_York")
    assert days_in("d.parquet") == {"day=1969-12-31": 2, "day=1970-01-01": 1}


@pytest.mark.one_engine
def test_days_of_the_run_before_do_not_stay() -> None:
    call(run.sessions, SESSIONS_PATH="d.csv", PARTITION_BY_DAY="true", TIMEZONE="America/New_York")
    call(run.sessions, SESSIONS_PATH="d.csv", PARTITION_BY_DAY="true")
    assert days_in("d.csv") == {"day=1970-01-01": 3}
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


@pytest.mark.one_engine
def test_a_table_by_day_and_a_single_file_replace_each_other() -> None:
    for by_day in ("true", "false", "true"):
        call(run.sessions, SESSIONS_PATH="s.parquet", PARTITION_BY_DAY=by_day)
        assert Path("s.parquet").is_dir() == (by_day == "true")


# ------------------------------------------------------------------------------------------------------ all or nothing


@pytest.mark.one_engine
@pytest.mark.parametrize("by_day", ["true", "false"])
def test_a_failed_run_leaves_the_old_table_as_it_was(by_day: str) -> None:
    call(run.sessions, SESSIONS_PATH="s.parquet", PARTITION_BY_DAY=by_day)
    before = {path: path.read_bytes() for path in Path().rglob("*.parquet") if path.is_file()}
    Path("events.jsonl").write_text("{cut\n" * 5 + SMALL)
    with pytest.raises(TooManyRejects, match="were rejected"):
        call(run.sessions, SESSIONS_PATH="s.parquet", PARTITION_BY_DAY=by_day, MAX_REJECT_SHARE="0.5")
    assert {path: path.read_bytes() for path in Path().rglob("*.parquet") if path.is_file()} == before
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []
    found = report_of("s")
    assert (found["status"], found["error"]["kind"], found["last_done"]["status"]) == (
        "failed",
        "TooManyRejects",
        "done",
    )


@pytest.mark.one_engine
def test_a_folder_of_other_files_is_not_replaced() -> None:
    Path("home.parquet").mkdir()
    Path("home.parquet/letter.txt").write_text("dear ann")
    with pytest.raises(UnwritableOutput, match="no part of a table") as refused:
        call(run.sessions, SESSIONS_PATH="home.parquet", PARTITION_BY_DAY="true")
    assert str(refused.value) == (
        f"SESSIONS_PATH is '{Path('home.parquet').absolute()}', a folder that holds letter.txt, which is no part of a "
        "table of this job. Name another path, or take the folder away."
    )
    assert Path("home.parquet/letter.txt").read_text() == "dear ann"


@pytest.mark.one_engine
def test_a_folder_that_a_killed_run_moved_aside_comes_back() -> None:
    call(run.sessions, SESSIONS_PATH="d.parquet", PARTITION_BY_DAY="true")
    Path("d.parquet").rename(".d.parquet.old")
    with pytest.raises(TooManyRejects, match="were rejected"):
        call(run.sessions, SESSIONS_PATH="d.parquet", PARTITION_BY_DAY="true", MAX_REJECT_SHARE="0")
    assert days_in("d.parquet") == {"day=1970-01-01": 3}


# --------------------------------------------------------------------------------------------------------------- label


def test_a_labelled_json_event_is_its_very_text_with_three_more_fields() -> None:
    call(run.label, LABELS_PATH="l.jsonl")
    lines = Path("l.jsonl").read_text(encoding="utf-8").splitlines()
    ann = sha256(b"3:ann@0/1800000000").hexdigest()[:32]
    assert (
        f'{{"user":"ann","time":0,"group":"A", "n" : 1.50,"session_id":"{ann}","session_number":1,"event_number":1}}'
    ) in lines
    found = sorted((row["user"], row["time"], row["session_number"], row["event_number"]) for row in rows_of("l.jsonl"))
    assert found == [
        ("ann", 0, 1, 1),
        ("ann", 60000, 1, 2),
        ("ann", 3600000, 2, 1),
        ("bob", 86399999, 1, 1),
        ("bob", 86400000, 1, 2),
    ]
    assert report_of("l")["ledger"]["rejects"] == 1


def test_labels_have_the_ids_of_the_table_of_sessions() -> None:
    data = random_events(8)
    Path("events.jsonl").write_bytes(data)
    rules = {"MAX_SESSION_DURATION_SECONDS": "2700", "EVENT_KEY": "name", "END_EVENT": "logout"}
    call(run.sessions, SESSIONS_PATH="s.parquet", **rules)
    call(run.label, LABELS_PATH="l.parquet", **rules)
    labelled = parquet.ParquetFile("l.parquet").read().to_pylist()
    counts: dict[str, int] = {}
    for row in labelled:
        counts[row["session_id"]] = max(counts.get(row["session_id"], 0), row["event_number"])
    assert counts == {row["session_id"]: row["event_count"] for row in rows_of("s.parquet")}
    assert len(labelled) == sum(counts.values())


def test_a_labelled_csv_event_is_its_very_line() -> None:
    Path("e.csv").write_text('user,time,"a ""b"""\nann,0,"x, y"\nann,60000,\nbob,5,z\n')
    call(run.label, READ_PATH="e.csv", LABELS_PATH="l.csv")
    header, *lines = Path("l.csv").read_text().splitlines()
    ann, bob = (sha256(text).hexdigest()[:32] for text in (b"3:ann@0/1800000000", b"3:bob@5000/1800000000"))
    assert header == 'user,time,"a ""b""",session_id,session_number,event_number'
    assert sorted(lines) == [f'ann,0,"x, y",{ann},1,1', f"ann,60000,,{ann},1,2", f"bob,5,z,{bob},1,1"]


@pytest.mark.one_engine
def test_csv_events_become_columns_of_parquet() -> None:
    Path("e.csv").write_text('user,time,more\nann,0,"x, y"\nann,60000,\n')
    call(run.label, READ_PATH="e.csv", LABELS_PATH="l.parquet")
    rows = sorted(parquet.ParquetFile("l.parquet").read().to_pylist(), key=lambda row: row["event_number"])
    assert [(row["user"], row["time"], row["more"], row["event_number"]) for row in rows] == [
        ("ann", "0", "x, y", 1),
        ("ann", "60000", None, 2),
    ]


def test_parquet_events_keep_their_columns_and_types() -> None:
    table = pa.table(
        {
            "user": ["ann", "ann"],
            "time": pa.array([0, 60000], pa.int64()),
            "tags": pa.array([["a", "b"], None], pa.list_(pa.string())),
            "small": pa.array([1, None], pa.int16()),
            "at": pa.array([1, None], pa.timestamp("us", tz="UTC")),
        }
    )
    parquet.write_table(table, "e.parquet")
    call(run.label, READ_PATH="e.parquet", LABELS_PATH="l.parquet")
    found = parquet.ParquetFile("l.parquet").read()
    assert {name: found.schema.field(name).type for name in table.schema.names} == {
        field.name: field.type for field in table.schema
    }
    assert found.select(table.schema.names).sort_by("time").to_pylist() == table.to_pylist()
    assert sorted(found.column("event_number").to_pylist()) == [1, 2]


@pytest.mark.one_engine
def test_events_that_have_a_label_already_are_refused() -> None:
    Path("events.jsonl").write_text('{"user":"ann","time":0,"session_id":"mine"}\n')
    with pytest.raises(UserError, match="already") as refused:
        call(run.label, LABELS_PATH="l.jsonl")
    assert str(refused.value) == (
        "The events have a field session_id already, which labelling would add. Rename the field, or read the events "
        "without it."
    )
    assert not Path("l.jsonl").exists()


@pytest.mark.one_engine
def test_the_name_of_a_label_as_a_value_is_no_label() -> None:
    Path("events.jsonl").write_text('{"user":"ann","time":0,"what":"session_id"}\n')
    call(run.label, LABELS_PATH="l.jsonl")
    [row] = rows_of("l.jsonl")
    assert (row["what"], row["event_number"]) == ("session_id", 1)


@pytest.mark.one_engine
def test_events_of_several_formats_are_not_labelled_together() -> None:
    Path("e.csv").write_text("user,time\nann,0\n")
    with pytest.raises(UserError, match=r"of several formats \(.*events.jsonl, .*e.csv\).*Label them format by format"):
        call(run.label, READ_PATH="events.jsonl,e.csv")


# ------------------------------------------------------------------------------------------------------------ measures


def percentile(values: list[int], share: float) -> float:
    place = share * (len(values) - 1)
    low = sorted(values)[int(place)]
    high = sorted(values)[min(int(place) + 1, len(values) - 1)]
    return low + (high - low) * (place - int(place))


def measures_of(sessions: list[Any]) -> dict[str, float]:
    durations = [one.events[-1].event_time - one.events[0].event_time for one in sessions]
    events, users = sum(len(one.events) for one in sessions), len({one.events[0].user for one in sessions})
    return {
        "session_count": len(sessions),
        "user_count": users,
        "event_count": events,
        "bounce_rate": sum(len(one.events) == 1 for one in sessions) / len(sessions),
        "duration_mean_seconds": round(sum(durations) / len(durations)) / 1e6,
        "duration_median_seconds": round(median(durations)) / 1e6,
        "duration_p95_seconds": round(percentile(durations, 0.95)) / 1e6,
        "duration_max_seconds": max(durations) / 1e6,
        "events_per_session": events / len(sessions),
        "sessions_per_user": len(sessions) / users,
    }


def test_measures_of_random_events_are_those_of_the_oracle() -> None:
    data = random_events(11)
    Path("events.jsonl").write_bytes(data)
    zone = "America/New_York"
    call(run.measure, MEASURE_BY="overall,group,user,hour,day", MEASURES_PATH="m.json", TIMEZONE=zone)
    rules = replace(BASE_RULES, group_keys=("group",))
    by_value: dict[tuple[str, str | None], list[Any]] = {}
    for one in told_sessions(events_in(data, rules)[0], 30 * MINUTE, rules):
        first = one.events[0]
        day, hour = local_date(first.event_time, zone).isoformat(), _local_hour(first.event_time, zone)
        places = {"group": session_value(one.events, 0), "user": first.user[0], "day": day, "hour": hour}
        for place in [("overall", None), *places.items()]:
            by_value.setdefault(place, []).append(one)
    found = {
        (row.pop("dimension"), row.pop("value")): row for row in json.loads(Path("m.json").read_text(encoding="utf-8"))
    }
    assert found == {place: pytest.approx(measures_of(sessions), rel=1e-12) for place, sessions in by_value.items()}


def _local_hour(moment: int, zone: str) -> str:
    from datetime import datetime, timedelta, timezone
    from zoneinfo import ZoneInfo

    utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)
    return utc.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:00")


@pytest.mark.one_engine
def test_measures_come_in_order_and_in_each_format() -> None:
    call(run.measure, MEASURE_BY="day,overall,group")
    call(run.measure, MEASURE_BY="overall", MEASURES_PATH="m.csv")
    call(run.measure, MEASURE_BY="overall", MEASURES_PATH="m.parquet")
    call(run.measure, MEASURE_BY="overall", MEASURES_PATH="m.jsonl")
    rows = json.loads(Path("output/measures.json").read_text())
    assert [(row["dimension"], row["value"], row["session_count"]) for row in rows] == [
        ("overall", None, 3),
        ("group", "A", 1),
        ("group", "B", 1),
        ("group", None, 1),
        ("day", "1970-01-01", 3),
    ]
    [line], [spelled], [typed] = rows_of("m.jsonl"), rows_of("m.csv"), rows_of("m.parquet")
    assert line == typed == rows[0]
    assert float(spelled["duration_p95_seconds"]) == typed["duration_p95_seconds"]


def test_users_of_several_keys_are_measured_by_all_of_them() -> None:
    Path("events.jsonl").write_text('{"user":"a\\"b","u2":1,"time":0,"group":"x"}\n')
    call(run.measure, USER_KEY="user,u2", MEASURE_BY="user", MEASURES_PATH="m.json")
    [row] = json.loads(Path("m.json").read_text())
    assert json.loads(row["value"]) == ['a"b', "1"]


def test_an_input_without_events_gives_empty_tables() -> None:
    Path("events.jsonl").write_text("\n")
    call(run.sessions, SESSIONS_PATH="s.parquet")
    call(run.label, LABELS_PATH="l.jsonl")
    call(run.measure, MEASURES_PATH="m.json")
    assert (rows_of("s.parquet"), Path("l.jsonl").read_text(), json.loads(Path("m.json").read_text())) == ([], "", [])


MISSING_KEYS: Mapping[str, str] = {"SPLIT_ON_CHANGE": "grup", "EVENT_KEY": "grup", "DEDUPE_KEY": "grup"}


@pytest.mark.one_engine
@pytest.mark.parametrize("setting", MISSING_KEYS)
def test_a_key_of_a_rule_that_the_first_events_lack_is_told(setting: str) -> None:
    outcome = call(run.sessions, **{setting: MISSING_KEYS[setting]})
    assert outcome.counted.warnings[:1] == [
        f"{setting} is 'grup', which none of the first events has. Did you mean group?"
    ]
