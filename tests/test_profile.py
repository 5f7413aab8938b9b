"""The profile: its exact numbers are those of plain Python, and what the sample shows is said to be the sample's."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from session_calc import run_profile
from session_calc.classes import STEPS
from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.errors import UnreadableInput
from session_calc.inputs import list_inputs
from session_calc.profile import Profile, advice, profile_events, silences
from session_calc.profile.document import of_profile
from session_calc.sample import SAMPLE_PATH
from session_calc.schemas import Fields
from session_calc.settings import resolve

SECOND = 1_000_000
HOUR = 3_600 * SECOND
START = 1_554_681_600 * SECOND  # 2019-04-08
NOW = START + 10 * 24 * HOUR
FIELDS = Fields(("user",), "time", "us", ("group", "country"), 10 << 20)
Event = tuple[str, int, str | None, str | None]


def a_profile(
    engine: Engine,
    folder: Path,
    lines: list[str],
    fields: Fields = FIELDS,
    gap_rule: str = "longer",
    gaps: tuple[int, ...] = (1_800 * SECOND,),
) -> Profile:
    path = folder / "events.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return profile_events(engine, list_inputs([str(path)]), fields, gaps, gap_rule, NOW, Clock())


def a_document(found: Profile, fields: Fields = FIELDS, gap_rule: str = "longer") -> dict[str, Any]:
    document = of_profile(found, fields, (1_800 * SECOND,), gap_rule)
    assert json.loads(json.dumps(document))  # it is plain JSON
    return document


def to_line(event: Event) -> str:
    user, time, group, country = event
    return json.dumps({"user": user, "time": time, "group": group, **({"country": country} if country else {})})


def random_events(seed: int) -> list[Event]:
    chance = random.Random(seed)
    events: list[Event] = []
    for user in range(60):
        time = START + chance.randrange(HOUR)
        for _ in range(chance.choice([1, 2, 5, 40])):
            group = chance.choice(["a", "b", None]) if user % 3 == 0 else "a"
            events.append((f"user{user}", time, group, chance.choice(["DE", None]) if user % 5 == 0 else "AT"))
            steps = [0, 1, SECOND, SECOND + 1, chance.choice(advice.GAPS) * SECOND, chance.randrange(40 * 24 * HOUR)]
            time += chance.choice(steps)
    chance.shuffle(events)
    return events


def by_user(events: list[Event]) -> dict[str, list[Event]]:
    found = defaultdict(list)
    for event in sorted(events, key=lambda event: event[1]):
        found[event[0]].append(event)
    return found


def sessions_of(events: list[Event], gap: int, gap_rule: str) -> list[list[Event]]:
    found: list[list[Event]] = []
    for its in by_user(events).values():
        found.append([its[0]])
        for before, event in pairwise(its):
            silence = event[1] - before[1]
            if silence > gap or (gap_rule == "reach" and silence == gap):
                found.append([])
            found[-1].append(event)
    return found


@pytest.mark.parametrize("gap_rule", ["longer", "reach"])
def test_sessions_of_every_gap_come_out_of_one_pass_exactly(engine: Engine, tmp_path: Path, gap_rule: str) -> None:
    events = random_events(1)
    found = a_profile(engine, tmp_path, [to_line(event) for event in events], gap_rule=gap_rule)

    assert found.advice.sessions_by_gap == {
        gap: len(sessions_of(events, gap * SECOND, gap_rule)) for gap in advice.GAPS
    }


def test_users_hours_durations_and_values_are_those_of_plain_python(engine: Engine, tmp_path: Path) -> None:
    events = random_events(2)
    found = a_profile(engine, tmp_path, [to_line(event) for event in events])
    users, sessions = by_user(events), sessions_of(events, 1_800 * SECOND, "longer")
    biggest = sorted(((user, len(its)) for user, its in users.items()), key=lambda one: (-one[1], one[0]))

    assert found.hours.by_hour == dict(Counter(event[1] // HOUR * HOUR for event in events))
    assert found.hours.future_count == sum(event[1] > NOW for event in events)
    assert found.people.by_event_count == Counter(len(its) for its in users.values())
    assert found.people.biggest == [((user,), count) for user, count in biggest[:10]]
    assert found.people.several_values == (several(users.values(), 2), several(users.values(), 3))
    assert found.people.some_missing == (mixed(users.values(), 2), mixed(users.values(), 3))
    assert found.sessions.by_event_count == Counter(len(its) for its in sessions)
    assert found.sessions.by_duration == Counter(rounded_up(its[-1][1] - its[0][1]) for its in sessions)
    assert found.sessions.by_hour == Counter(its[0][1] // HOUR * HOUR for its in sessions)
    assert found.sessions.several_values == (several(sessions, 2), several(sessions, 3))
    assert found.sessions.some_missing == (mixed(sessions, 2), mixed(sessions, 3))


def several(parts: Any, place: int) -> int:
    return sum(len({event[place] for event in its} - {None}) > 1 for its in parts)


def mixed(parts: Any, place: int) -> int:
    return sum({event[place] is None for event in its} == {True, False} for its in parts)


def rounded_up(length: int) -> int:
    step = next(step for longest, step in STEPS if length <= longest * SECOND) * SECOND
    return -(-length // step) * step // SECOND


def test_each_gap_is_a_place_at_which_silences_are_counted_exactly() -> None:
    assert len(advice.GAPS) >= 40
    assert (advice.GAPS[0], advice.GAPS[-1]) == (1, 30 * 86_400)
    for gap in advice.GAPS:
        assert gap % next(step for longest, step in STEPS if gap <= longest) == 0


def test_the_numbers_are_the_same_in_parts_and_where_two_users_have_one_number(engine: Engine, tmp_path: Path) -> None:
    events = random_events(3)
    whole = a_profile(engine, tmp_path, [to_line(event) for event in events])
    rows = engine.spark.createDataFrame(events, "user_1 string, event_time bigint, group_1 string, group_2 string")
    groups = ["group_1", "group_2"]
    for user_count, part_count in ((whole.people.user_count, 3), (whole.people.user_count + 1, 1), (0, 2)):
        found = silences.of_events(rows, ["user_1"], groups, "longer", user_count=user_count, part_count=part_count)
        assert found == whole.silences


def test_events_like_another_one_are_counted(engine: Engine, tmp_path: Path) -> None:
    lines = [
        to_line(("ann", START, group, country))
        for group, country in (("a", "DE"), ("a", "DE"), (None, None), ("a", None), (None, None), ("a", "DE"))
    ]
    its = a_document(a_profile(engine, tmp_path, [*lines, to_line(("bob", START, "a", "DE"))]))

    assert its["duplicates"] == {
        "same_user_and_moment": 5,
        "same_user_moment_and_group_values": 3,
        "share": round(3 / 7, 6),
    }
    assert its["sample"]["lines_like_an_earlier_line"] == 3


# --------------------------------------------------------------------------------------------------------------- sample


def test_fields_types_and_shares_are_those_of_the_lines(engine: Engine, tmp_path: Path) -> None:
    lines = [
        '{"user": "ann", "time": 1554681600000000, "page": {"path": "/"}, "n": 1}',
        '{"user": "bob", "time": 1554681600000000, "page": {"path": ""}, "n": 1.5}',
        '{"user": "cid", "time": 1554681600000000, "page": null, "n": "1", "a.b": [1]}',
        '{"user": "ann", "time": 1554681600000000, "n": true}',
        "{",
    ]
    its = a_document(a_profile(engine, tmp_path, lines))["fields"]
    assert its["looked_for_in_lines"] == 4
    assert list(its["by_name"]) == ['"a.b"', "n", "page", "page.path", "time", "user"]
    assert its["by_name"]["n"]["types"] == {"integer": 1, "number": 1, "string": 1, "boolean": 1}
    page, path = its["by_name"]["page"], its["by_name"]["page.path"]
    assert (page["missing_share"], page["null_share"], page["types"]) == (0.25, 0.25, {"object": 2})
    assert (path["missing_share"], path["empty_share"], path["distinct_values"]) == (0.5, 0.25, 2)
    assert its["by_name"]["user"]["top_values"][0] == {"value": "ann", "count": 2}


def test_rejects_come_with_examples_and_their_places(engine: Engine, tmp_path: Path) -> None:
    lines = [
        to_line(("ann", START, "a", "DE")),
        "{cut",
        "",
        "[1]",
        '{"user": "", "time": 1}',
        '{"user": "x"}',
        '{"user": "x", "time": "soon"}',
        *["{cut"] * 4,
    ]
    its = a_document(a_profile(engine, tmp_path, lines))
    assert its["ledger"]["lines"] == 11
    assert {reason: one["lines"] for reason, one in its["rejects"].items()} == {
        "malformed_json": 5,
        "not_an_object": 1,
        "missing_user": 1,
        "missing_timestamp": 1,
        "invalid_timestamp": 1,
    }
    assert its["rejects"]["malformed_json"]["examples_in_sample"] == [
        {"path": str(tmp_path / "events.jsonl"), "place": f"line {number}", "text": "{cut"} for number in (2, 8, 9)
    ]
    assert all(one["examples_in_sample"] for one in its["rejects"].values())


def test_late_events_are_counted_per_file(engine: Engine, tmp_path: Path) -> None:
    times = [0, 10, 5, 20, 20, 1]
    its = a_document(
        a_profile(engine, tmp_path, [to_line(("ann", START + time * SECOND, "a", "DE")) for time in times])
    )
    assert its["order_in_files"] == [
        {
            "path": str(tmp_path / "events.jsonl"),
            "is_whole": True,
            "compared_events_in_sample": 5,
            "late_events_in_sample": 2,
            "late_share_in_sample": 0.4,
            "latest_by_seconds": 19.0,
        }
    ]


def test_a_large_input_is_sampled_in_stretches_and_says_so(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_calc.profile.sample.WHOLE_BYTES", 1 << 16)
    monkeypatch.setattr("session_calc.profile.sample.SAMPLE_BYTES", 1 << 16)
    lines = [to_line((f"user{number}", START + number * SECOND, "a", "DE")) for number in range(20_000)]
    its = a_document(a_profile(engine, tmp_path, lines))
    assert (its["ledger"]["lines"], its["sample"]["is_whole"]) == (20_000, False)
    assert 500 < its["sample"]["lines"] < 2_000
    assert its["sample"]["lines_with_fields"] == its["sample"]["lines"]  # no stretch begins inside a line
    order = its["order_in_files"][0]
    assert (order["is_whole"], order["late_events_in_sample"]) == (False, 0)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl.gz"])
def test_every_format_can_be_looked_at(engine: Engine, tmp_path: Path, suffix: str) -> None:
    path, events = tmp_path / f"events.{suffix}", random_events(4)
    if suffix == "csv":
        rows = [f"{user},{time},{group or ''},{country or ''}" for user, time, group, country in events]
        path.write_text("\n".join(["user,time,group,country", *rows]))
    elif suffix == "parquet":
        from pyarrow import Table, parquet

        names = ["user", "time", "group", "country"]
        parquet.write_table(Table.from_pylist([dict(zip(names, event, strict=True)) for event in events]), path)
    else:
        import gzip

        path.write_bytes(gzip.compress("\n".join(map(to_line, events)).encode()))
    found = profile_events(engine, list_inputs([str(path)]), FIELDS, (1_800 * SECOND,), "longer", NOW, Clock())
    its = a_document(found)

    assert its["sample"]["is_whole"]
    assert its["ledger"]["events"] == its["sample"]["lines_with_fields"] == len(events)
    assert {"user", "time", "group", "country"} <= set(its["fields"]["by_name"])
    assert its["times"]["suspected_unit_in_sample"] == "us"
    assert found.silences == a_profile(engine, tmp_path, [to_line(event) for event in events]).silences


# ------------------------------------------------------------------------------------------------------------- findings


def findings(document: dict[str, Any], level: str) -> str:
    return "\n".join(one["text"] for one in document["findings"] if one["level"] == level)


def test_events_that_could_not_be_counted_are_looked_at_all_the_same(engine: Engine, tmp_path: Path) -> None:
    fields = Fields(("usr",), "time", "ms", ("group",), 10 << 20)
    found = a_profile(engine, tmp_path, [to_line(("ann", START, "a", "DE"))] * 20, fields)
    its = a_document(found, fields)
    assert "USER_KEY is 'usr', but no event has such a field." in findings(its, "problem")
    assert "Did you mean user?" in findings(its, "problem")
    assert "20 of 20 lines are rejects (100.00%): missing_user 20." in findings(its, "problem")
    assert its["times"]["suspected_unit_in_sample"] == "us"


def test_a_wrong_unit_is_a_finding(engine: Engine, tmp_path: Path) -> None:
    fields = Fields(("user",), "time", "ms", ("group",), 10 << 20)
    lines = [to_line(("ann", START // 1_000_000, "a", "DE"))] * 20
    its = a_document(a_profile(engine, tmp_path, lines, fields), fields)
    assert "Set TIMESTAMP_UNIT=s." in findings(its, "problem")
    assert "20 events are from before 1990" in findings(its, "notice")


def test_inputs_without_lines_have_an_empty_profile(engine: Engine, tmp_path: Path) -> None:
    its = a_document(a_profile(engine, tmp_path, [""]))
    assert (its["ledger"]["lines"], its["ledger"]["blank"], its["users"]["users"]) == (1, 1, 0)
    assert its["gap_advice"]["suggested_gap_seconds"] is None
    assert findings(its, "problem") == "none of the 1 lines is an event; the ledger says why."


def test_the_first_versions_check_of_users_with_several_devices_holds_for_texts(engine: Engine, tmp_path: Path) -> None:
    lines = [
        to_line(("ann", START, "a", None)),
        to_line(("ann", START + 1, None, None)),
        to_line(("bob", START, "a", None)),
        to_line(("bob", START + 1, "b", None)),
        to_line(("cid", START, None, None)),
    ]
    its = a_document(a_profile(engine, tmp_path, lines))
    assert its["users"]["with_several_values"] == {"group": 1, "country": 0}
    assert its["users"]["with_and_without_a_value"] == {"group": 1, "country": 0}
    assert its["sessions"]["with_several_values"] == {"group": 1, "country": 0}
    assert "1 users and 1 sessions have more than one value of group." in findings(its, "notice")


# ------------------------------------------------------------------------------------------------------------------ run


def test_a_run_writes_eda_json_and_leaves_it_when_a_later_one_fails(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_profile, "open_engine", lambda *_: nullcontext(engine))
    seen = run_profile.profile(resolve({"ENGINE": engine.name}, {}, {}), {}, verbose=False, tell=lambda _: None)
    written = json.loads(Path("output/eda.json").read_bytes())
    assert written["ledger"]["lines"] == len(SAMPLE_PATH.read_bytes().splitlines())
    assert (written["engine"], written["sample"]["is_whole"]) == (engine.version, True)
    assert written["findings"] == seen.document["findings"]
    with pytest.raises(UnreadableInput, match="no such file or folder"):
        run_profile.profile(resolve({"READ_PATH": "gone"}, {}, {}), {}, verbose=False, tell=lambda _: None)
    assert json.loads(Path("output/eda.json").read_bytes()) == written


def test_rules_that_the_profile_does_not_know_are_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_profile, "open_engine", lambda *_: nullcontext(engine))
    given = {"MAX_SESSION_EVENTS": "5", "EVENT_KEY": "event", "GAP_RULE": "reach"}
    settings = resolve({"ENGINE": engine.name}, given, {})
    seen = run_profile.profile(settings, {}, verbose=False, tell=lambda _: None, with_page=False)
    assert seen.document["findings"][0]["text"] == (
        "The profile does not use MAX_SESSION_EVENTS, EVENT_KEY: it tells sessions by the gap alone."
    )
