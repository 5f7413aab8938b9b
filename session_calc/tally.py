"""The numbers of a run, on the driver: what TALLY's rows add up to, and whether they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from session_calc.errors import LedgerBroken
from session_calc.schemas import BLANK, DUPLICATE, EXCLUDED, HEADER, REJECT_REASONS, numbered

SessionCounts = Mapping[str | None, int]


@dataclass(frozen=True)
class Ledger:
    """Where every line went: lines = events + blank + rejects + excluded + duplicates. A CSV header is no line."""

    line_count: int
    event_count: int
    blank_count: int
    reject_counts: Mapping[str, int]
    header_count: int = 0
    excluded_count: int = 0
    duplicate_count: int = 0

    @property
    def reject_count(self) -> int:
        return sum(self.reject_counts.values())

    @property
    def reject_share(self) -> float:
        return self.reject_count / self.line_count if self.line_count else 0.0


@dataclass(frozen=True)
class Tally:
    """All that a run counted.

    Attributes
    ----------
    session_counts : by gap in microseconds and group key, the sessions per group value
    first_event_time, last_event_time : microseconds, None without events
    plausible_event_count : events of the years 1990-2099
    """

    ledger: Ledger
    user_count: int
    session_counts: Mapping[tuple[int, str], SessionCounts]
    first_event_time: int | None
    last_event_time: int | None
    plausible_event_count: int = 0

    def session_count(self, gap: int) -> int:
        """Give the number of sessions for a gap; each group key's counts sum up to it."""
        return next(sum(counts.values()) for (its_gap, _), counts in self.session_counts.items() if its_gap == gap)

    def keys_without_values(self) -> list[str]:
        """Give the group keys for which every event has null, where there are events."""
        keys = dict.fromkeys(key for _, key in self.session_counts)
        seen = {key for (_, key), counts in self.session_counts.items() if set(counts) - {None}}
        return [key for key in keys if key not in seen] if self.ledger.event_count else []


def add_up(
    rows: Iterable[Any], group_keys: Sequence[str], gaps: Sequence[int], line_count: int | None, blank_count: int
) -> Tally:
    """Add TALLY's rows up, and check every sum that can be had in two ways.

    Parameters
    ----------
    rows : the rows of TALLY
    group_keys, gaps : as they were counted
    line_count : int or None
        Lines that the reader counted apart, headers and blank lines included.
    blank_count : int
        Blank lines that the reader did not hand on.

    Raises
    ------
    LedgerBroken
        Two sums that must be the same are not.
    """
    by_key = _by_group_key(rows, len(group_keys))
    ledgers = [_ledger_of(its_rows, blank_count) for its_rows in by_key]
    ledger, users = ledgers[0], [sum(row["user_count"] for row in its_rows) for its_rows in by_key]
    counts = {
        (gap, key): _session_counts(its_rows, name)
        for key, its_rows in zip(group_keys, by_key, strict=True)
        for gap, name in zip(gaps, numbered("session_count", len(gaps)), strict=True)
    }
    _require_one_value("lines", [(one.line_count, one.event_count) for one in ledgers])
    _require_one_value("users", users)
    if line_count is not None:
        _require_one_value("lines", [line_count, ledger.line_count + ledger.header_count])
    for gap in gaps:
        _require_one_value("sessions", [sum(counts[gap, key].values()) for key in group_keys])
    _require_possible(ledger.event_count, users[0], {gap: sum(counts[gap, group_keys[0]].values()) for gap in gaps})
    events = [row for row in by_key[0] if row["set_aside"] is None]
    return Tally(
        ledger,
        users[0],
        {place: {value: count for value, count in found.items() if count} for place, found in counts.items()},
        min((row["first_event_time"] for row in events), default=None),
        max((row["last_event_time"] for row in events), default=None),
        sum(row["plausible_event_count"] for row in events),
    )


_WHAT_NOW = (
    "Nothing was written. This is a defect of the job or of the engine: run again with another ENGINE, and report it."
)


def _by_group_key(rows: Iterable[Any], key_count: int) -> list[list[Any]]:
    by_number: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_number[row["group_number"]].append(row)
    unknown = set(by_number) - set(range(1, key_count + 1))
    if unknown:
        raise LedgerBroken(
            f"there are counts for group key {unknown.pop()}, but only {key_count} asked for. {_WHAT_NOW}"
        )
    return [by_number[number] for number in range(1, key_count + 1)]


def _session_counts(rows: Iterable[Any], name: str) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for row in rows:
        if row["set_aside"] is not None:
            _require_nothing_counted(row, name)
        elif row["group_value"] in counts:
            raise LedgerBroken(f"a group value stands there twice: {row['group_value']!r}. {_WHAT_NOW}")
        else:
            counts[row["group_value"]] = row[name]
    return counts


def _require_nothing_counted(row: Any, name: str) -> None:
    if row[name] or row["user_count"]:
        raise LedgerBroken(f"lines set aside as {row['set_aside']} have sessions or users. {_WHAT_NOW}")


def _ledger_of(rows: Iterable[Any], blank_count: int) -> Ledger:
    counts: dict[str | None, int] = defaultdict(int)
    for row in rows:
        counts[row["set_aside"]] += row["event_count"]
    counts[BLANK] += blank_count
    rejects = {reason: counts[reason] for reason in REJECT_REASONS if counts.get(reason)}
    headers = counts.pop(HEADER, 0)
    unknown = set(counts) - {None, BLANK, EXCLUDED, DUPLICATE, *REJECT_REASONS}
    if unknown:
        raise LedgerBroken(f"lines were set aside as {sorted(map(str, unknown))}, which is no reason. {_WHAT_NOW}")
    line_count = sum(counts.values())
    return Ledger(line_count, counts[None], counts[BLANK], rejects, headers, counts[EXCLUDED], counts[DUPLICATE])


def _require_one_value(what: str, values: Sequence[Any]) -> None:
    if any(value != values[0] for value in values):
        raise LedgerBroken(f"the {what} do not add up: counted in several ways they are {list(values)}. {_WHAT_NOW}")


def _require_possible(event_count: int, user_count: int, session_counts: Mapping[int, int]) -> None:
    falling = [session_counts[gap] for gap in sorted(session_counts)]
    for sessions in falling:
        if not min(event_count, 1) <= user_count <= sessions <= event_count:
            raise LedgerBroken(
                f"{sessions} sessions of {user_count} users in {event_count} events cannot be. {_WHAT_NOW}"
            )
    if falling != sorted(falling, reverse=True):
        raise LedgerBroken(f"a longer gap cannot make more sessions, but it does: {falling}. {_WHAT_NOW}")
