"""Run the job on an engine and put its numbers in the oracle's form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oracle import Answer, Rules, answer

from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.inputs import list_inputs
from session_calc.job import Counted, count_sessions
from session_calc.schemas import Fields

MINUTE = 60_000_000
BASE_RULES = Rules(
    user_keys=("user",),
    timestamp_key="time",
    timestamp_unit="ms",
    group_keys=("group",),
    gaps_us=(30 * MINUTE,),
)


def count_files(engine: Engine, paths: list[Path], rules: Rules = BASE_RULES) -> Counted:
    fields = Fields(rules.user_keys, rules.timestamp_key, rules.timestamp_unit, rules.group_keys, rules.max_line_bytes)
    listing = list_inputs([str(path) for path in paths])
    return count_sessions(engine, listing, fields, rules.gaps_us, rules.gap_rule, Clock())


def count_bytes(engine: Engine, folder: Path, data: bytes, rules: Rules = BASE_RULES) -> Counted:
    path = folder / "events.jsonl"
    path.write_bytes(data)
    return count_files(engine, [path], rules)


def to_answer(counted: Counted) -> Answer:
    tally = counted.tally
    ledger = {"lines": tally.ledger.line_count, "events": tally.ledger.event_count, "blank": tally.ledger.blank_count}
    return Answer(
        ledger={**ledger, **tally.ledger.reject_counts},
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
