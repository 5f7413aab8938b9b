"""Run the job on an engine and put its numbers in the oracle's form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oracle import Answer, Rules, answer

from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.inputs import list_inputs
from session_calc.job import count_sessions
from session_calc.prepare import Counted, Work
from session_calc.schemas import Fields
from session_calc.sessionize.rules import EventRules, SessionRules

MINUTE = 60_000_000
BASE_RULES = Rules(
    user_keys=("user",),
    timestamp_key="time",
    timestamp_unit="ms",
    group_keys=("group",),
    gaps_us=(30 * MINUTE,),
)


def count_files(engine: Engine, paths: list[Path], rules: Rules = BASE_RULES) -> Counted:
    listing = list_inputs([str(path) for path in paths])
    return count_sessions(Work(engine, listing, fields_of(rules), rules.gaps_us, event_rules_of(rules), Clock()))


def fields_of(rules: Rules) -> Fields:
    return Fields(
        rules.user_keys,
        rules.timestamp_key,
        rules.timestamp_unit,
        rules.group_keys,
        rules.max_line_bytes,
        rules.event_key,
        rules.change_keys,
        rules.id_key,
    )


def event_rules_of(rules: Rules) -> EventRules:
    return EventRules(
        SessionRules(
            rules.gap_rule,
            rules.max_duration_us,
            rules.max_events,
            rules.change_keys,
            rules.start_events,
            rules.end_events,
            rules.midnight_zone,
        ),
        rules.exclude_events,
    )


def count_bytes(engine: Engine, folder: Path, data: bytes, rules: Rules = BASE_RULES) -> Counted:
    path = folder / "events.jsonl"
    path.write_bytes(data)
    return count_files(engine, [path], rules)


def to_answer(counted: Counted) -> Answer:
    tally = counted.tally
    ledger = {"lines": tally.ledger.line_count, "events": tally.ledger.event_count, "blank": tally.ledger.blank_count}
    left_out = {"excluded": tally.ledger.excluded_count, "duplicate": tally.ledger.duplicate_count}
    return Answer(
        ledger={**ledger, **tally.ledger.reject_counts, **{name: count for name, count in left_out.items() if count}},
        user_count=tally.user_count,
        session_counts={place: dict(counts) for place, counts in tally.session_counts.items()},
        first_event_time=tally.first_event_time,
        last_event_time=tally.last_event_time,
    )


def assert_as_oracle(counted: Counted, data: bytes, rules: Rules) -> None:
    expected, actual = answer(data, rules), to_answer(counted)
    assert actual.ledger == expected.ledger
    assert actual.user_count == expected.user_count
    assert actual.session_counts == _by_place(expected.session_counts)
    assert (actual.first_event_time, actual.last_event_time) == (expected.first_event_time, expected.last_event_time)


def _by_place(
    counts: Mapping[tuple[int, str], Mapping[str | None, int]],
) -> dict[tuple[int, str], dict[str | None, int]]:
    return {place: dict(found) for place, found in counts.items()}
