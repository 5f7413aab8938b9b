"""Sums that can be had in two ways must be the same, or nothing is published."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from session_calc.errors import LedgerBroken
from session_calc.tally import Tally, add_up

MINUTE = 60_000_000
WHAT_NOW = (
    "Nothing was written. This is a defect of the job or of the engine: run again with another ENGINE, and report it."
)

EVENTS_ROW: dict[str, Any] = {
    "set_aside": None,
    "group_number": 1,
    "group_value": "iPhone",
    "event_count": 10,
    "plausible_event_count": 9,
    "user_count": 2,
    "session_count_1": 3,
    "first_event_time": 1_000,
    "last_event_time": 9_000,
}
ASIDE_ROW: dict[str, Any] = dict.fromkeys(EVENTS_ROW) | {
    "group_number": 1,
    "event_count": 1,
    "plausible_event_count": 0,
    "user_count": 0,
    "session_count_1": 0,
}


def events(**differences: Any) -> dict[str, Any]:
    return EVENTS_ROW | differences


def aside(reason: str, **differences: Any) -> dict[str, Any]:
    return ASIDE_ROW | {"set_aside": reason} | differences


def tally_of(
    *rows: dict[str, Any],
    group_keys: Sequence[str] = ("device",),
    gaps: Sequence[int] = (MINUTE,),
    line_count: int | None = None,
    blank_count: int = 0,
) -> Tally:
    return add_up(rows, group_keys, gaps, line_count, blank_count)


def test_every_line_is_an_event_a_blank_or_a_reject() -> None:
    tally = tally_of(
        events(),
        events(group_value=None, event_count=1, plausible_event_count=1, user_count=1, session_count_1=1),
        aside("blank", event_count=2),
        aside("malformed_json", event_count=4),
        aside("missing_user"),
        aside("header", event_count=3),
        line_count=26,
        blank_count=5,
    )
    ledger = tally.ledger
    assert (ledger.line_count, ledger.event_count, ledger.blank_count, ledger.reject_count) == (23, 11, 7, 5)
    assert ledger.reject_counts == {"malformed_json": 4, "missing_user": 1}
    assert (ledger.header_count, ledger.reject_share) == (3, 5 / 23)
    assert (tally.user_count, tally.session_count(MINUTE)) == (3, 4)
    assert tally.session_counts == {(MINUTE, "device"): {"iPhone": 3, None: 1}}
    assert (tally.first_event_time, tally.last_event_time, tally.plausible_event_count) == (1_000, 9_000, 10)


def test_no_row_at_all_is_an_empty_tally() -> None:
    tally = tally_of(line_count=0)
    assert (tally.ledger.line_count, tally.ledger.reject_share, tally.user_count) == (0, 0.0, 0)
    assert (tally.session_counts, tally.first_event_time) == ({(MINUTE, "device"): {}}, None)


def test_values_with_which_no_session_begins_are_no_part_of_the_result() -> None:
    tally = tally_of(events(), events(group_value="Mac", user_count=0, session_count_1=0))
    assert tally.session_counts == {(MINUTE, "device"): {"iPhone": 3}}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([events()], [], id="a key with a value is none of them"),
        pytest.param([events(group_value=None)], ["device"], id="a key that is always null is one"),
        pytest.param([aside("missing_user")], [], id="without events nothing is said"),
    ],
)
def test_keys_that_are_null_in_every_event_are_known(rows: list[dict[str, Any]], told: list[str]) -> None:
    assert tally_of(*rows).keys_without_values() == told


@pytest.mark.parametrize(
    ("rows", "given", "problem"),
    [
        pytest.param(
            [events(), aside("eaten", event_count=2)],
            {},
            "lines were set aside as ['eaten'], which is no reason.",
            id="a reason that nobody knows",
        ),
        pytest.param(
            [events(), aside("blank")],
            {"line_count": 12},
            "the lines do not add up: counted in several ways they are [12, 11].",
            id="fewer lines than the reader counted",
        ),
        pytest.param(
            [events(), aside("header")],
            {"line_count": 12, "blank_count": 2},
            "the lines do not add up: counted in several ways they are [12, 13].",
            id="more lines than the reader counted, headers and its blanks included",
        ),
        pytest.param(
            [events(), events(group_number=2, event_count=9)],
            {"group_keys": ("device", "country")},
            "the lines do not add up: counted in several ways they are [(10, 10), (9, 9)].",
            id="one group key saw fewer events than the other",
        ),
        pytest.param(
            [events(), events(group_number=2, event_count=9), aside("blank", group_number=2)],
            {"group_keys": ("device", "country")},
            "the lines do not add up: counted in several ways they are [(10, 10), (10, 9)].",
            id="one group key saw an event where the other saw a blank line",
        ),
        pytest.param(
            [events()],
            {"group_keys": ("device", "country")},
            "the lines do not add up: counted in several ways they are [(10, 10), (0, 0)].",
            id="one group key saw nothing",
        ),
        pytest.param(
            [events(), events(group_number=2, user_count=1)],
            {"group_keys": ("device", "country")},
            "the users do not add up: counted in several ways they are [2, 1].",
            id="one group key saw fewer users than the other",
        ),
        pytest.param(
            [events(), events(group_number=2, session_count_1=4)],
            {"group_keys": ("device", "country")},
            "the sessions do not add up: counted in several ways they are [3, 4].",
            id="one group key saw more sessions than the other",
        ),
        pytest.param(
            [events(session_count_2=3), events(group_number=2, session_count_2=2)],
            {"group_keys": ("device", "country"), "gaps": (MINUTE, 2 * MINUTE)},
            "the sessions do not add up: counted in several ways they are [3, 2].",
            id="the keys differ at the second gap alone",
        ),
        pytest.param(
            [events(session_count_1=1)],
            {},
            "1 sessions of 2 users in 10 events cannot be.",
            id="fewer sessions than users",
        ),
        pytest.param(
            [events(session_count_1=11)],
            {},
            "11 sessions of 2 users in 10 events cannot be.",
            id="more sessions than events",
        ),
        pytest.param(
            [events(user_count=0, session_count_1=0)],
            {},
            "0 sessions of 0 users in 10 events cannot be.",
            id="events without a user",
        ),
        pytest.param(
            [events(), aside("missing_user", session_count_1=1)],
            {},
            "lines set aside as missing_user have sessions or users.",
            id="a reject that begins a session",
        ),
        pytest.param(
            [events(), events()],
            {},
            "a group value stands there twice: 'iPhone'.",
            id="one value in two rows",
        ),
        pytest.param(
            [events(session_count_1=4, session_count_2=3)],
            {"gaps": (2 * MINUTE, MINUTE)},
            "a longer gap cannot make more sessions, but it does: [3, 4].",
            id="more sessions at a longer gap",
        ),
        pytest.param(
            [events(), events(group_number=2)],
            {},
            "there are counts for group key 2, but only 1 asked for.",
            id="a group key that nobody asked for",
        ),
    ],
)
def test_sums_that_differ_break_the_ledger(rows: list[dict[str, Any]], given: dict[str, Any], problem: str) -> None:
    with pytest.raises(LedgerBroken, match=f"^{re.escape(f'{problem} {WHAT_NOW}')}$"):
        tally_of(*rows, **given)
