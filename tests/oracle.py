"""The rules of the job once more, in plain Python: slow, obvious and independent of the package it judges."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo

from strict_json import NUMBER, MalformedError, Value, Verbatim, compact, parse

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
FIRST_MOMENT: Final = -62_135_596_800_000_000  # 0001-01-01 UTC in microseconds
END_OF_TIME: Final = 253_402_300_800_000_000  # 10000-01-01 UTC in microseconds
POWERS_TO_MICROSECONDS: Final = {"s": 6, "ms": 3, "us": 0, "ns": -3}
HUGE: Final = 10**18  # stands for any exponent too long to read; no line holds that many digits


@dataclass(frozen=True)
class Rules:
    """What a run was asked to do."""

    user_keys: tuple[str, ...]
    timestamp_key: str
    timestamp_unit: str
    group_keys: tuple[str, ...]
    gaps_us: tuple[int, ...]
    gap_rule: str = "longer"
    max_line_bytes: int = 10_485_760
    event_key: str = ""
    max_duration_us: int | None = None
    max_events: int | None = None
    change_keys: tuple[str, ...] = ()
    start_events: tuple[str, ...] = ()
    end_events: tuple[str, ...] = ()
    exclude_events: tuple[str, ...] = ()
    midnight_zone: str = ""
    id_key: str = ""


@dataclass(frozen=True)
class Event:
    """What a good line says; event_time in microseconds since 1970 UTC."""

    user: tuple[str, ...]
    event_time: int
    groups: tuple[str | None, ...]
    name: str | None = None
    changes: tuple[str | None, ...] = ()
    id: str | None = None


@dataclass
class Session:
    """Events of one user, in order, and why no more of them belong here."""

    number: int
    silence_before: int | None
    events: list[Event] = field(default_factory=list)
    end_reason: str = "end_of_data"


@dataclass
class Answer:
    """What a run must give. The ledger counts lines, events, blank and each reject reason seen."""

    ledger: dict[str, int]
    user_count: int
    session_counts: dict[tuple[int, str], dict[str | None, int]]
    first_event_time: int | None
    last_event_time: int | None


# --------------------------------------------------------------------------------------------------------------- lines


def split_lines(data: bytes) -> list[bytes]:
    """Cut at line feeds only; what follows the last one is a line when it is not empty."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def read_line(line: bytes, rules: Rules) -> Event | str:
    """Read one line: an event, or 'blank', or the reason to reject it."""
    line = line.removeprefix(BYTE_ORDER_MARK)
    if len(line) > rules.max_line_bytes:
        return "line_too_long"
    if not line.strip(b" \t\r"):
        return "blank"
    try:
        value = parse(line.decode("utf-8"))
    except (UnicodeDecodeError, MalformedError):
        return "malformed_json"
    return to_event(value, rules) if isinstance(value, dict) else "not_an_object"


def to_event(value: dict[str, Value], rules: Rules) -> Event | str:
    """Pick the fields of the run out of an object: first the user, then the time."""
    user = tuple(text_of(find(value, key)) or "" for key in rules.user_keys)
    if "" in user:
        return "missing_user"
    moment = find(value, rules.timestamp_key)
    if moment is None:
        return "missing_timestamp"
    event_time = microseconds(moment, rules.timestamp_unit)
    if event_time is None or not FIRST_MOMENT <= event_time < END_OF_TIME:
        return "invalid_timestamp"
    event = Event(
        user,
        event_time,
        tuple(text_of(find(value, key)) for key in rules.group_keys),
        text_of(find(value, rules.event_key)) if rules.event_key else None,
        tuple(text_of(find(value, key)) for key in rules.change_keys),
        text_of(find(value, rules.id_key)) if rules.id_key else None,
    )
    return "excluded" if event.name in rules.exclude_events else event


def find(value: Value, dotted_key: str) -> Value:
    """Follow a dotted key; None when it is missing, null, or leads through something that is no object."""
    for part in dotted_key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def text_of(value: Value) -> str | None:
    """Write a value as user or group: a string as itself, anything else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


# ---------------------------------------------------------------------------------------------------------------- time

_NUMBER_PARTS = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?)([0-9]+))?")
_MOMENT = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<offset_hour>[0-9]{2})(?::?(?P<offset_minute>[0-9]{2}))?)?)?"
)


def microseconds(value: Value, unit: str) -> int | None:
    """Read a time as microseconds since 1970; None when it is no time, or far out of the years 1-9999."""
    if unit == "iso8601":
        return iso_microseconds(value) if isinstance(value, str) else None
    text = value.text if isinstance(value, Verbatim) else value
    if not isinstance(text, str) or not re.fullmatch(NUMBER, text):
        return None
    return floor_shifted(text, POWERS_TO_MICROSECONDS[unit])


def floor_shifted(number: str, power: int) -> int | None:
    """Floor `number` times ten to the `power`, by moving the point; None from 20 digits on."""
    parts = _NUMBER_PARTS.fullmatch(number)
    if parts is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = parts.groups(default="")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    point = len(digits) - len(fraction) + _exponent(exponent_sign, exponent) + power
    if point >= 20:
        return None
    kept = int(digits[:point].ljust(point, "0")) if point > 0 else 0
    has_rest = bool(digits[max(point, 0) :].strip("0"))
    return -kept - has_rest if sign else kept


def _exponent(sign: str, digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    size = int(significant) if len(significant) < 18 else HUGE
    return -size if sign == "-" else size


def iso_microseconds(text: str) -> int | None:
    """Read a date or a moment; UTC without a zone."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day = _days(*(int(part) for part in found.group("year", "month", "day")))
    clock = _minutes(found["hour"], found["minute"])
    offset = _minutes(found["offset_hour"], found["offset_minute"])
    second = int(found["second"] or 0)
    if day is None or clock is None or offset is None or second > 59:
        return None
    minutes = day * 1440 + clock - (-offset if found["sign"] == "-" else offset)
    return (minutes * 60 + second) * 1_000_000 + int((found["fraction"] or "")[:6].ljust(6, "0"))


def _days(year: int, month: int, day: int) -> int | None:
    """Count the days since 1970; None for a day that the calendar lacks."""
    try:
        return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None


def _minutes(hour: str | None, minute: str | None) -> int | None:
    """Read hours and minutes, 0 where they are left out; None from 24 hours or 60 minutes on."""
    hours, minutes = int(hour or 0), int(minute or 0)
    return hours * 60 + minutes if hours < 24 and minutes < 60 else None


# ------------------------------------------------------------------------------------------------------------ sessions


def sessions(events: Iterable[Event], gap_us: int, gap_rule: str) -> list[list[Event]]:
    """Cut the events of each user, in order of time, where the silence is too long."""
    found: list[list[Event]] = []
    for event in sorted(events, key=lambda event: (event.user, event.event_time)):
        if not found or _begins_session(found[-1][-1], event, gap_us, gap_rule):
            found.append([])
        found[-1].append(event)
    return found


def _begins_session(before: Event, event: Event, gap_us: int, gap_rule: str) -> bool:
    silence = event.event_time - before.event_time
    too_long = {"longer": silence > gap_us, "reach": silence >= gap_us}[gap_rule]
    return event.user != before.user or too_long


def session_value(session: list[Event], place: int) -> str | None:
    """Give the smallest group value among the events at the session's first time; None only if all are."""
    start = min(event.event_time for event in session)
    values = [event.groups[place] for event in session if event.event_time == start]
    return min((value for value in values if value is not None), default=None)


def without_duplicates(events: list[Event]) -> list[Event]:
    """Keep the earliest event of each id, of those at one moment the one with the smallest content, null last."""
    kept: dict[str, Event] = {}
    for event in events:
        if event.id is not None and (event.id not in kept or _content(event) < _content(kept[event.id])):
            kept[event.id] = event
    return [event for event in events if event.id is None] + list(kept.values())


def _content(event: Event) -> tuple[Any, ...]:
    rest = (*event.user, *event.groups, event.name, *event.changes)
    return (event.event_time, *map(_null_last, rest))


def _null_last(value: str | None) -> tuple[bool, str]:
    return value is None, value or ""


def told_sessions(events: Iterable[Event], gap_us: int, rules: Rules, place: int = 0) -> list[Session]:
    """Tell every user's sessions by all the rules; events that no rule tells apart go by the group value at `place`."""
    by_user: dict[tuple[str, ...], list[Event]] = {}
    for event in events:
        by_user.setdefault(event.user, []).append(event)
    return [session for user in sorted(by_user) for session in _sessions_of(by_user[user], gap_us, rules, place)]


def _sessions_of(events: list[Event], gap_us: int, rules: Rules, place: int) -> list[Session]:
    def order(event: Event) -> tuple[Any, ...]:
        rank = 0 if event.name in rules.start_events else 2 if event.name in rules.end_events else 1
        groups = event.groups[place : place + 1]
        return (event.event_time, rank, *map(_null_last, (event.name, *event.changes, *groups)))

    found: list[Session] = []
    before: list[Event] = []
    for event in sorted(events, key=order):
        reason = _end_reason(found[-1].events, before, event, gap_us, rules) if found else "first"
        if reason:
            if found:
                found[-1].end_reason = reason
            silence = event.event_time - before[-1].event_time if before else None
            found.append(Session(len(found) + 1, silence))
        found[-1].events.append(event)
        before.append(event)
    return found


def _end_reason(session: list[Event], before: list[Event], event: Event, gap_us: int, rules: Rules) -> str:
    last, length = session[-1], event.event_time - session[0].event_time
    silence, zone = event.event_time - last.event_time, rules.midnight_zone
    truths = [
        ("end_event", last.name in rules.end_events),
        ("silence", silence > gap_us or (rules.gap_rule == "reach" and silence == gap_us)),
        ("midnight", bool(zone) and local_date(event.event_time, zone) > local_date(before[-1].event_time, zone)),
        ("start_event", event.name in rules.start_events),
        *[(f"changed_{key}", _is_change(session, event, number)) for number, key in enumerate(rules.change_keys)],
        ("maximum_duration", rules.max_duration_us is not None and length > rules.max_duration_us),
        ("maximum_events", rules.max_events == len(session)),
    ]
    return next((reason for reason, holds in truths if holds), "")


def _is_change(session: list[Event], event: Event, number: int) -> bool:
    known = [one.changes[number] for one in session if one.changes[number] is not None]
    return bool(known) and event.changes[number] not in {None, known[-1]}


def local_date(moment: int, zone: str) -> date:
    utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)
    return utc.astimezone(ZoneInfo(zone)).date()


def last_value(session: list[Event], place: int) -> str | None:
    """Give the smallest group value among the events at the session's last time; None only if all are."""
    end = max(event.event_time for event in session)
    values = [event.groups[place] for event in session if event.event_time == end]
    return min((value for value in values if value is not None), default=None)


def events_in(data: bytes, rules: Rules) -> tuple[list[Event], dict[str, int]]:
    """Read all lines: the events that count, and the ledger."""
    outcomes = [read_line(line, rules) for line in split_lines(data)]
    events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    kept = without_duplicates(events)
    reasons = Counter(outcome for outcome in outcomes if isinstance(outcome, str))
    if len(kept) < len(events):
        reasons["duplicate"] = len(events) - len(kept)
    return kept, {"lines": len(outcomes), "events": len(kept), "blank": 0} | reasons


def answer(data: bytes, rules: Rules) -> Answer:
    """Do the whole job on the bytes of a file."""
    events, ledger = events_in(data, rules)
    times = [event.event_time for event in events]
    return Answer(
        ledger=ledger,
        user_count=len({event.user for event in events}),
        session_counts=_session_counts(events, rules),
        first_event_time=min(times, default=None),
        last_event_time=max(times, default=None),
    )


def _session_counts(events: list[Event], rules: Rules) -> dict[tuple[int, str], dict[str | None, int]]:
    counts: dict[tuple[int, str], dict[str | None, int]] = {}
    for gap_us in rules.gaps_us:
        for place, key in enumerate(rules.group_keys):
            found = told_sessions(events, gap_us, rules, place)
            counts[gap_us, key] = dict(Counter(session_value(session.events, place) for session in found))
    return counts
