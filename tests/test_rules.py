"""The rules beside the gap, each by itself and all together, held against the oracle on both plans."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from counting import BASE_RULES, MINUTE, assert_as_oracle, count_bytes, event_rules_of, fields_of
from oracle import Rules, Session, events_in, last_value, local_date, session_value, told_sessions
from pyspark.sql import DataFrame

from session_calc.clock import Clock
from session_calc.days import with_local_day
from session_calc.engines.engine import Engine
from session_calc.inputs import list_inputs
from session_calc.prepare import Work, prepare
from session_calc.read.stage import open_stage
from session_calc.sessionize import greedy, ordered, slices

NAMED = replace(BASE_RULES, event_key="name", group_keys=("group", "campaign"))
VALUES: dict[str, tuple[str | int | None, ...]] = {
    "name": ("view", "click", "login", "logout", "ping", None),
    "group": ("x", "y", None),
    "campaign": ("p", "q", "p", None),
    "ad": (1, 2, None),
}


def to_bytes(*events: dict[str, Any]) -> bytes:
    base = {"user": "ann", "time": 0, "group": "g"}
    return "".join(json.dumps({**base, **event}) + "\n" for event in events).encode()


def random_events(seed: int, count: int = 1_500) -> bytes:
    """Few users, few moments, few values: ties, changes and full sessions are frequent."""
    random = Random(seed)
    events = []
    for number in range(count):
        event: dict[str, Any] = {
            "user": random.choice("abcdefghijkl"),
            "time": random.choice([random.randrange(4_000), random.randrange(0, 400_000, 40)]) * 60_000
            + random.choice([0, 0, 1]),
            "id": f"id-{random.randrange(count)}" if random.random() < 0.8 else None,
        }
        for key, values in VALUES.items():
            value = random.choice(values)
            if value is not None:
                event[key] = value
        if number % 50 == 0:
            del event["user"]
        events.append(event)
    return to_bytes(*({**event, "user": event.get("user")} for event in events))


RULE_SETS: dict[str, dict[str, Any]] = {
    "duration": {"max_duration_us": 45 * MINUTE},
    "events": {"max_events": 3},
    "one event": {"max_events": 1},
    "change": {"change_keys": ("campaign",)},
    "changes": {"change_keys": ("campaign", "ad")},
    "midnight": {"midnight_zone": "America/New_York"},
    "midnight in UTC": {"midnight_zone": "UTC"},
    "start": {"start_events": ("login",)},
    "end": {"end_events": ("logout",)},
    "start and end": {"start_events": ("login", "view"), "end_events": ("logout", "view")},
    "exclude": {"exclude_events": ("ping", "click")},
    "dedupe": {"id_key": "id"},
    "midnight, exclude and dedupe": {"midnight_zone": "Asia/Kolkata", "exclude_events": ("ping",), "id_key": "id"},
    "all": {
        "max_duration_us": 90 * MINUTE,
        "max_events": 4,
        "change_keys": ("campaign", "ad"),
        "midnight_zone": "Europe/Berlin",
        "start_events": ("login",),
        "end_events": ("logout",),
        "exclude_events": ("ping",),
        "id_key": "id",
        "gap_rule": "reach",
    },
}


COUNTED_ON_EVERY_ENGINE = ("all", "midnight", "dedupe")  # the sessions of every rule are told on every engine, below


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(rules, id=name, marks=() if name in COUNTED_ON_EVERY_ENGINE else pytest.mark.one_engine)
        for name, rules in RULE_SETS.items()
    ],
)
def test_random_events_are_counted_as_the_oracle_counts_them(
    engine: Engine, tmp_path: Path, changes: dict[str, Any]
) -> None:
    rules = replace(NAMED, **changes, gaps_us=(30 * MINUTE, 200 * MINUTE))
    data = random_events(len(str(changes)))

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


# ------------------------------------------------------------------------------------------------------ both plans


def told_by(engine: Engine, folder: Path, data: bytes, rules: Rules, plan: str) -> list[dict[str, Any]]:
    """Tell the sessions by one of the plans, as rows in the order of user and number."""
    path = folder / "events.jsonl"
    path.write_bytes(data)
    fields, event_rules = fields_of(rules), event_rules_of(rules)
    users, groups, told = fields.user_columns, fields.group_columns, event_rules.sessions
    with open_stage(engine.is_here, engine.decodes_urls, engine.file_scheme) as stage:
        work = Work(engine, list_inputs([str(path)]), fields, rules.gaps_us, event_rules, Clock())
        validated = prepare(work, stage).validated
        sessions: DataFrame
        if plan == "slices":
            folded = slices.by_user(validated, users, groups, rules.gaps_us[0], told.cut_columns)
            sessions = slices.sessions(
                folded, users, groups, rules.gaps_us[0], told.gap_rule, told.cut_columns, with_last_values=True
            )
        else:
            sessions = ordered.sessions(validated, users, groups, rules.gaps_us, told).drop("gap_number")
        rows = [row.asDict() for row in sessions.where("set_aside is null").drop("set_aside").collect()]
    return sorted(rows, key=lambda row: (row["user_1"], row["session_number"]))


def told_by_oracle(data: bytes, rules: Rules) -> list[dict[str, Any]]:
    events, _ = events_in(data, rules)
    by_place = [told_sessions(events, rules.gaps_us[0], rules, place) for place in range(len(rules.group_keys))]
    rows = []
    begun: dict[tuple[tuple[str, ...], int], int] = {}
    for sessions in zip(*by_place, strict=True):
        session: Session = sessions[0]
        first, last = session.events[0], session.events[-1]
        beginning = first.user, first.event_time
        begun[beginning] = begun.get(beginning, -1) + 1
        rows.append(
            {
                "user_1": first.user[0],
                "session_number": session.number,
                "same_time_number": begun[beginning],
                "first_event_time": first.event_time,
                "last_event_time": last.event_time,
                "event_count": len(session.events),
                "silence_before": session.silence_before,
                "end_reason": session.end_reason,
                **{f"first_group_{place + 1}": session_value(one.events, place) for place, one in enumerate(sessions)},
                **{f"last_group_{place + 1}": last_value(one.events, place) for place, one in enumerate(sessions)},
            }
        )
    return rows


SLICES_SUFFICE: dict[str, dict[str, Any]] = {
    "gap alone": {},
    **{name: rules for name, rules in RULE_SETS.items() if "midnight" in name or name in {"exclude", "dedupe"}},
}


@pytest.mark.parametrize("changes", RULE_SETS.values(), ids=RULE_SETS)
def test_the_sessions_told_event_by_event_are_those_of_the_oracle(
    engine: Engine, tmp_path: Path, changes: dict[str, Any]
) -> None:
    rules = replace(NAMED, **changes)
    data = random_events(len(str(changes)))

    assert told_by(engine, tmp_path, data, rules, "in order") == told_by_oracle(data, rules)


@pytest.mark.parametrize("changes", SLICES_SUFFICE.values(), ids=SLICES_SUFFICE)
def test_the_sessions_told_from_slices_are_those_of_the_oracle(
    engine: Engine, tmp_path: Path, changes: dict[str, Any]
) -> None:
    rules = replace(NAMED, **changes)
    data = random_events(len(str(changes)))

    assert not event_rules_of(rules).sessions.need_order
    assert told_by(engine, tmp_path, data, rules, "slices") == told_by_oracle(data, rules)


# ------------------------------------------------------------------------------------------------------------ midnight

DAYS = [(1, 1), (3, 10), (3, 11), (3, 31), (4, 1), (4, 7), (7, 1), (10, 6), (10, 27), (10, 28), (11, 3), (12, 31)]
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana"]


@pytest.mark.parametrize("zone", ["UTC", *ZONES])
def test_the_local_day_is_that_of_the_time_zone_with_its_daylight_saving(engine: Engine, zone: str) -> None:
    random = Random(zone)
    first, last = -2_000_000_000_000_000, 4_100_000_000_000_000  # 1906 to 2099, in microseconds
    moments = [random.randrange(first, last) for _ in range(1_000)]
    # the last and the first moments of days, around changes of the clock too
    starts = [datetime(year, month, day, tzinfo=ZoneInfo(zone)) for year in (1970, 2019, 2050) for month, day in DAYS]
    for start in starts:
        begun = round(start.timestamp()) * 1_000_000
        moments += [begun, begun - 1]
    rows = engine.spark.createDataFrame([(moment,) for moment in moments], "event_time bigint")
    found = with_local_day(rows, zone).select("event_time", "local_day").collect()

    days = {row["event_time"]: row["local_day"] for row in found}
    assert days == {moment: (local_date(moment, zone) - date(1970, 1, 1)).days for moment in moments}


def test_a_session_is_cut_at_the_midnight_of_a_day_of_23_hours(engine: Engine, tmp_path: Path) -> None:
    # Berlin set its clocks forward on 2019-03-31: that day ended 23 hours after it began
    begun = round(datetime(2019, 3, 31, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * 1_000
    ended = begun + 23 * 3_600_000
    data = to_bytes({"time": begun - 1}, {"time": begun}, {"time": ended - 1}, {"time": ended})
    rules = replace(BASE_RULES, midnight_zone="Europe/Berlin", gaps_us=(24 * 60 * MINUTE,))
    found = told_by(engine, tmp_path, data, rules, "slices")

    assert [(row["first_event_time"] // 1_000, row["end_reason"]) for row in found] == [
        (begun - 1, "midnight"),
        (begun, "midnight"),
        (ended, "end_of_data"),
    ]


# ----------------------------------------------------------------------------------------------- one rule after another


def ends_of(engine: Engine, folder: Path, *events: dict[str, Any], **rules: Any) -> list[tuple[int, str]]:
    """Give the number of events and the end_reason of each session; times are in minutes."""
    data = to_bytes(*({**event, "time": event["time"] * 60_000} for event in events))
    found = told_by(engine, folder, data, replace(NAMED, **rules), "in order")
    return [(row["event_count"], row["end_reason"]) for row in found]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("rules", "events", "expected"),
    [
        pytest.param(
            {"max_duration_us": 45 * MINUTE},
            [{"time": 0}, {"time": 20}, {"time": 45}, {"time": 46}, {"time": 70}, {"time": 92}],
            [(3, "maximum_duration"), (2, "maximum_duration"), (1, "end_of_data")],
            id="an event later than the first by exactly the longest duration stays, a later one begins a session",
        ),
        pytest.param(
            {"max_events": 2},
            [{"time": 0}, {"time": 0}, {"time": 0}, {"time": 40}],
            [(2, "maximum_events"), (1, "silence"), (1, "end_of_data")],
            id="a session has at most so many events, also at one moment",
        ),
        pytest.param(
            {"change_keys": ("campaign",)},
            [{"time": 0}, {"time": 1, "campaign": "p"}, {"time": 2}, {"time": 3, "campaign": "q"}, {"time": 4}],
            [(3, "changed_campaign"), (2, "end_of_data")],
            id="a missing value is no change, nor is the first value of a session",
        ),
        pytest.param(
            {"change_keys": ("campaign",)},
            [{"time": 0, "campaign": "p"}, {"time": 40}, {"time": 41, "campaign": "q"}],
            [(1, "silence"), (2, "end_of_data")],
            id="a session knows nothing of the values of the session before it",
        ),
        pytest.param(
            {"start_events": ("login",)},
            [{"time": 0}, {"time": 1, "name": "login"}, {"time": 2, "name": "login"}],
            [(1, "start_event"), (1, "start_event"), (1, "end_of_data")],
            id="every start event begins a session",
        ),
        pytest.param(
            {"end_events": ("logout",)},
            [{"time": 0, "name": "logout"}, {"time": 0, "name": "view"}, {"time": 1}, {"time": 90, "name": "logout"}],
            [(2, "end_event"), (1, "silence"), (1, "end_of_data")],
            id="an end event is the last of its session and of its moment",
        ),
        pytest.param(
            {"end_events": ("logout",), "max_events": 1, "change_keys": ("campaign",)},
            [
                {"time": 0, "name": "logout", "campaign": "p"},
                {"time": 90, "campaign": "q"},
                {"time": 190, "campaign": "r"},
                {"time": 191, "campaign": "s"},
                {"time": 192, "campaign": "s"},
            ],
            [
                *[(1, "end_event"), (1, "silence"), (1, "changed_campaign"), (1, "maximum_events")],
                (1, "end_of_data"),
            ],
            id="of several reasons the first of the order is told",
        ),
    ],
)
def test_a_rule_ends_a_session(
    engine: Engine,
    tmp_path: Path,
    rules: dict[str, Any],
    events: list[dict[str, Any]],
    expected: list[tuple[int, str]],
) -> None:
    assert ends_of(engine, tmp_path, *events, **rules) == expected


def test_no_group_keys_answer_depends_on_the_others_where_a_moment_is_cut(engine: Engine, tmp_path: Path) -> None:
    data = to_bytes({"group": "a", "campaign": "y"}, {"group": "b", "campaign": "x"}, {"group": "c", "campaign": "w"})
    both = replace(NAMED, max_events=2)
    first = {"group": {"a": 1, "c": 1}, "campaign": {"w": 1, "y": 1}}
    for keys in (("group", "campaign"), ("campaign",), ("campaign", "group")):
        counted = count_bytes(engine, tmp_path, data, replace(both, group_keys=keys))
        assert {key: dict(counts) for (_, key), counts in counted.tally.session_counts.items()} == {
            key: first[key] for key in keys
        }


def test_events_out_of_order_fail_the_run() -> None:
    order = greedy.Order()
    order.check(None, ("ann",), 1)
    order.check(None, ("ann",), 2)
    with pytest.raises(ValueError, match="the engine did not hand on the events in order"):
        order.check(None, ("ann",), 2)
