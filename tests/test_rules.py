"""The rules beside the gap, each by itself and all together, held against the oracle on both plans."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from counting import BASE_RULES, MINUTE, assert_as_oracle, count_bytes, event_rules_of, fields_of
from oracle import Rules, Session, events_in, last_value, session_value, told_sessions
from pyspark.sql import DataFrame

from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.inputs import list_inputs
from session_calc.prepare import Work, prepare
from session_calc.read.stage import open_stage
from session_calc.sessionize import ordered, slices

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


@pytest.mark.parametrize("changes", RULE_SETS.values(), ids=RULE_SETS)
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
            sessions = slices.sessions(folded, users, groups, rules.gaps_us[0], told.gap_rule, told.cut_columns)
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
