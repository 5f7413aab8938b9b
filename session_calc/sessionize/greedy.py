"""Sessions told event by event, in plain Python: for rules that need to know where the session before began.

It is sent to the workers by value, and works through events as they stream by, in order of user and time, holding one
session at a time: a user with a billion events needs no more memory than one with two. It imports the standard library
and PyArrow alone, so that a cluster needs no installation of this package.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

Row = tuple[Any, ...]
Batches = Iterator[Any]
_ROWS_PER_BATCH = 8192


class Event(NamedTuple):
    """What the rules look at; day is the local day, where sessions are cut at midnight."""

    user: Row
    time: int
    name: str | None
    changes: Row
    day: int | None


class Rules(NamedTuple):
    """`sessionize.rules.SessionRules` once more, for the workers have nothing of this package but this module."""

    reaches: bool
    max_duration: int | None
    max_events: int | None
    change_keys: tuple[str, ...]
    start_events: tuple[str, ...]
    end_events: tuple[str, ...]
    cuts_at_midnight: bool


class Shape(NamedTuple):
    """How many columns of each kind there are."""

    user_count: int
    change_count: int
    group_count: int


class Machine:
    """Tell one user's sessions after the other's, by one gap (in microseconds)."""

    def __init__(self, gap: int, rules: Rules) -> None:
        self._gap, self._rules = gap, rules
        # in the order of their precedence
        wanted: list[tuple[Any, Callable[[Event], str | None]]] = [
            (rules.end_events, self._after_end_event),
            (True, self._after_silence),
            (rules.cuts_at_midnight, self._after_midnight),
            (rules.start_events, self._at_start_event),
            (rules.change_keys, self._at_change),
            (rules.max_duration is not None, self._beyond_duration),
            (rules.max_events is not None, self._beyond_events),
        ]
        self._checks = [check for is_wanted, check in wanted if is_wanted]
        self.begin_user()

    def begin_user(self) -> None:
        """Forget the user before."""
        self.number = self.same_time_number = self.first = self.last = self.count = 0
        self.silence: int | None = None
        self._changes: list[str | None] = []
        self._day = 0
        self._last_name: str | None = None

    def step(self, event: Event) -> str | None:
        """Take the user's next event; give the reason why a session begins with it, '' for the first, or None."""
        reason = self._reason(event)
        if reason is not None:
            self._begin_session(event)
        self.last, self._last_name = event.time, event.name
        self.count += 1
        if self._rules.change_keys:
            pairs = zip(event.changes, self._changes, strict=True)
            self._changes = [old if new is None else new for new, old in pairs]
        if event.day is not None:
            self._day = max(self._day, event.day)
        return reason

    def _begin_session(self, event: Event) -> None:
        self.silence = event.time - self.last if self.number else None
        self.same_time_number = self.same_time_number + 1 if self.number and self.first == event.time else 0
        if not self.number and event.day is not None:
            self._day = event.day
        self.number += 1
        self.first, self.count, self._changes = event.time, 0, list(event.changes)

    def _reason(self, event: Event) -> str | None:
        if not self.number:
            return ""
        for check in self._checks:
            reason = check(event)
            if reason:
                return reason
        return None

    def _after_end_event(self, _event: Event) -> str | None:
        return "end_event" if self._last_name in self._rules.end_events else None

    def _after_silence(self, event: Event) -> str | None:
        silence = event.time - self.last
        return "silence" if silence > self._gap or (silence == self._gap and self._rules.reaches) else None

    def _after_midnight(self, event: Event) -> str | None:
        return "midnight" if event.day is not None and event.day > self._day else None

    def _at_start_event(self, event: Event) -> str | None:
        return "start_event" if event.name in self._rules.start_events else None

    def _at_change(self, event: Event) -> str | None:
        for key, new, old in zip(self._rules.change_keys, event.changes, self._changes, strict=True):
            if new is not None and old is not None and new != old:
                return f"changed_{key}"
        return None

    def _beyond_duration(self, event: Event) -> str | None:
        return "maximum_duration" if event.time - self.first > (self._rules.max_duration or 0) else None

    def _beyond_events(self, _event: Event) -> str | None:
        return "maximum_events" if self.count >= (self._rules.max_events or 0) else None


class Told:
    """A session so far: what will be said of it when it ends."""

    __slots__ = ("count", "first", "firsts", "last", "lasts", "names", "silence")

    def __init__(self, machine: Machine, user: Row, groups: Sequence[Any]) -> None:
        self.names = (*user, machine.number, machine.same_time_number)
        self.first = self.last = machine.first
        self.silence, self.count = machine.silence, 1
        self.firsts, self.lasts = list(groups), list(groups)

    def add(self, time: int, groups: Sequence[Any]) -> None:
        """Take the session's next event."""
        if time == self.first:
            self.firsts = list(map(_smaller, self.firsts, groups))
        self.lasts = list(map(_smaller, self.lasts, groups)) if time == self.last else list(groups)
        self.last = time
        self.count += 1

    def row(self, gap_number: int, end_reason: str) -> Row:
        times = self.first, self.last, self.count, self.silence
        return (None, gap_number, *self.names, *times, end_reason, *self.firsts, *self.lasts)


class Teller:
    """Make session rows, by several gaps, of events in order."""

    def __init__(self, shape: Shape, gaps: Sequence[int], rules: Rules) -> None:
        self._shape = shape
        self._machines = [Machine(gap, rules) for gap in gaps]
        self._told: list[Told | None] = [None] * len(gaps)
        self._user: Row | None = None
        self._aside: Counter[str] = Counter()

    def rows(self, batches: Batches) -> Iterator[Row]:
        """Give a row for each session as it ends, and at last one for each reason of lines set aside."""
        for event, all_groups in ties(batches, self._shape, self._aside):
            if event.user != self._user:
                yield from self._end_user()
                self._user = event.user
            for groups in all_groups:
                yield from self._take(event, groups)
        yield from self._end_user()
        nobody, nothing = (None,) * self._shape.user_count, (None,) * (2 * self._shape.group_count)
        for reason, count in self._aside.items():
            yield (reason, 1, *nobody, 0, 0, None, None, count, None, "end_of_data", *nothing)

    def _take(self, event: Event, groups: Row) -> Iterator[Row]:
        for place, machine in enumerate(self._machines):
            reason, told = machine.step(event), self._told[place]
            if told is not None and reason is None:
                told.add(event.time, groups)
                continue
            if told is not None:
                yield told.row(place + 1, reason or "")
            self._told[place] = Told(machine, event.user, groups)

    def _end_user(self) -> Iterator[Row]:
        for place, (machine, told) in enumerate(zip(self._machines, self._told, strict=True)):
            if told is not None:
                yield told.row(place + 1, "end_of_data")
            self._told[place] = None
            machine.begin_user()


class Order:
    """Make sure that events come in the order that the engine was asked for."""

    def __init__(self) -> None:
        self._key: Row | None = None
        self._place = 0

    def check(self, set_aside: str | None, user: Row, place: int) -> None:
        key = (set_aside, user)
        if place != (self._place + 1 if key == self._key else 1):
            raise ValueError("the engine did not hand on the events in order")
        self._key, self._place = key, place


def make_teller(shape: Shape, gaps: Sequence[int], rules: Rules) -> Callable[[Any], Any]:
    """Build the function from batches of events in order to batches of sessions.

    Events have the columns set_aside, users, event_time, place, event_name, changes, local_day, groups; sessions
    set_aside, gap_number, users, session_number, same_time_number, first_event_time, last_event_time, event_count,
    silence_before, end_reason, first and last value of each group.
    """

    def tell(batches: Any) -> Any:
        rows: list[Row] = []
        for row in Teller(shape, gaps, rules).rows(batches):
            rows.append(row)
            if len(rows) >= _ROWS_PER_BATCH:
                yield to_batch(rows, shape)
                rows = []
        yield to_batch(rows, shape)

    return tell


def make_labeller(shape: Shape, gap: int, rules: Rules) -> Callable[[Any], Any]:
    """Build the function that adds to each event its session's first_event_time and numbers.

    Events have the columns set_aside, users, event_time, place, event_name, changes, local_day, line; they get
    session_number, same_time_number, event_number and first_event_time. Lines set aside get nulls.
    """

    def label(batches: Any) -> Any:
        machine, order = Machine(gap, rules), Order()
        user: Row | None = None
        for batch in batches:
            found: list[Row] = []
            for set_aside, place, event in _events(batch, shape):
                order.check(set_aside, event.user, place)
                if set_aside is not None:
                    found.append((None, None, None, None))
                    continue
                if event.user != user:
                    user = event.user
                    machine.begin_user()
                machine.step(event)
                found.append((machine.number, machine.same_time_number, machine.count, machine.first))
            yield _labelled(batch, found, shape)

    return label


def _labelled(batch: Any, found: Sequence[Row], shape: Shape) -> Any:
    kept = ["set_aside", *[f"user_{number}" for number in range(1, shape.user_count + 1)], "event_time", "line"]
    numbers = [pa.array([row[place] for row in found], pa.int64()) for place in range(4)]
    return pa.RecordBatch.from_arrays(
        [batch.column(batch.schema.get_field_index(name)) for name in kept] + numbers,
        names=[*kept, "session_number", "same_time_number", "event_number", "first_event_time"],
    )


def ties(batches: Batches, shape: Shape, aside: Counter[str]) -> Iterator[tuple[Event, Sequence[Row]]]:
    """Give the events that nothing but their group values tells apart together, each group's values in their own order.

    So no group key's answer depends on which other keys are counted. Lines set aside are counted by their reason.
    """
    order = Order()
    former: Event | None = None
    groups: list[Row] = []
    for batch in batches:
        every_group = _side_by_side(_columns(batch, batch.num_columns - shape.group_count), batch.num_rows)
        for (set_aside, place, event), its_groups in zip(_events(batch, shape), every_group, strict=True):
            order.check(set_aside, event.user, place)
            if set_aside is not None:
                aside[set_aside] += 1
            elif event == former:
                groups.append(its_groups)
            else:
                if former is not None:
                    yield former, _each_in_order(groups)
                former, groups = event, [its_groups]
    if former is not None:
        yield former, _each_in_order(groups)


def _each_in_order(groups: Sequence[Row]) -> Sequence[Row]:
    if len(groups) == 1 or not groups[0]:
        return groups
    return list(zip(*[sorted(column, key=_null_last) for column in zip(*groups, strict=True)], strict=True))


def _null_last(value: str | None) -> tuple[bool, str]:
    return value is None, value or ""


def _smaller(one: str | None, other: str | None) -> str | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _events(batch: Any, shape: Shape) -> Iterator[tuple[str | None, int, Event]]:
    """Give set_aside, place and event of each row."""
    users, changes = shape.user_count, shape.change_count
    columns, rows = _columns(batch, 0, 5 + users + changes), batch.num_rows
    times, places, names = columns[1 + users : 4 + users]
    every_user = _side_by_side(columns[1 : 1 + users], rows)
    every_change = _side_by_side(columns[4 + users : 4 + users + changes], rows)
    events = map(Event, every_user, times, names, every_change, columns[4 + users + changes])
    return zip(columns[0], places, events, strict=True)


def _columns(batch: Any, begin: int, end: int | None = None) -> list[list[Any]]:
    return [batch.column(place).to_pylist() for place in range(begin, batch.num_columns if end is None else end)]


def _side_by_side(columns: Sequence[Sequence[Any]], row_count: int) -> Iterator[Row]:
    return zip(*columns, strict=True) if columns else iter([()] * row_count)


def to_batch(rows: Sequence[Row], shape: Shape) -> Any:
    """Make an Arrow batch of session rows."""
    text, number = pa.string(), pa.int64()
    numbers = [number] * 6
    types = [text, pa.int32(), *[text] * shape.user_count, *numbers, text, *[text] * (2 * shape.group_count)]
    return pa.RecordBatch.from_arrays(
        [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(types)],
        names=[f"column_{place}" for place in range(len(types))],
    )
