"""What one line of JSON becomes, in plain Python: the last word on every line that an engine's parser may misread.

The engines' parsers differ in what they let through (numbers beyond 64 bits, lone surrogates, junk after an object).
So plain lines are parsed by the engine, and only the suspect ones come here, through a Python function that runs
next to the data. This module imports the standard library alone: it is sent to the workers by value, so that a
cluster needs no installation of this package.

Sources: JSON is RFC 8259, without lone surrogates as RFC 7493 section 2.1 asks; a nesting limit is allowed by
RFC 8259 section 9 and is the one of Spark's own parser.
"""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

MAX_NESTING = 1000
FIRST_MICROSECOND = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z
END_MICROSECOND = 253_402_300_800_000_000  # 10000-01-01T00:00:00Z
DECIMAL_PLACES_TO_MICROSECONDS = {"s": 6, "ms": 3, "us": 0, "ns": -3}

# line_problem, the user texts, has_timestamp, event_time in microseconds, the group texts
Judgement = tuple[Any, ...]
Path = tuple[str, ...]

_JSON_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_MISSING = object()


class Malformed(Exception):
    """The line is no JSON text, or nested too deep."""


class Number(str):
    """A number as the line spells it, so that every digit is kept."""

    __slots__ = ()


def make_judge(
    user_paths: Iterable[Path], timestamp_path: Path, timestamp_unit: str, group_paths: Iterable[Path]
) -> Callable[[Any], Judgement]:
    """Build the function from a line's bytes (None for a line that needs no judging) to its judgement."""
    users, groups = tuple(user_paths), tuple(group_paths)
    unjudged = (None,) * (3 + len(users) + len(groups))
    decoders: list[json.JSONDecoder] = []  # made next to the data, for a decoder cannot be sent

    def judge(line: Any) -> Judgement:
        if line is None:
            return unjudged
        if not decoders:
            decoders.append(new_decoder())
        try:
            document = parse(bytes(line), decoders[0])
        except Malformed:
            return ("malformed_json", *unjudged[1:])
        if not isinstance(document, dict):
            return ("not_an_object", *unjudged[1:])
        time = _at(document, timestamp_path)
        return (
            None,
            *(text_of(_at(document, path)) for path in users),
            time is not None,
            to_microseconds(time, timestamp_unit),
            *(text_of(_at(document, path)) for path in groups),
        )

    return judge


def make_time_judge(timestamp_unit: str) -> Callable[[str | None], int | None]:
    """Build the function from a time's text to microseconds."""

    def judge_time(text: str | None) -> int | None:
        return None if text is None else to_microseconds(text, timestamp_unit)

    return judge_time


def spell_double(number: float | None) -> str | None:
    """Spell a double with the fewest digits that give it back; each engine has its own way."""
    return None if number is None else repr(number)


def new_decoder() -> json.JSONDecoder:
    """Make a strict decoder that keeps numbers as they are spelled."""
    return json.JSONDecoder(
        object_pairs_hook=_to_object,
        parse_float=Number,
        parse_int=Number,
        parse_constant=_refuse_constant,
        strict=True,
    )


def parse(line: bytes, decoder: json.JSONDecoder) -> Any:
    """Parse one line as strict JSON; numbers keep their text; the last of duplicate keys wins.

    Raises
    ------
    Malformed
        The line is no JSON text, or nested deeper than 1000 levels.
    """
    try:
        text = line.decode("utf-8").removeprefix("\ufeff")
        is_shallow = text.count("[") + text.count("{") <= 100
        document = decoder.decode(text) if is_shallow else _parse_deep(text, decoder)
        _refuse_lone_surrogates(document)
        return document
    except (ValueError, RecursionError):
        raise Malformed from None


def to_microseconds(value: Any, unit: str) -> int | None:
    """Give the moment in microseconds since 1970 UTC, rounded down; None where it is no moment of the years 1-9999."""
    if not isinstance(value, str):
        return None
    if unit == "iso8601":
        moment = None if isinstance(value, Number) else _from_iso_8601(value)
    else:
        moment = _from_number(value, DECIMAL_PLACES_TO_MICROSECONDS[unit])
    return moment if moment is not None and FIRST_MICROSECOND <= moment < END_MICROSECOND else None


def text_of(value: Any) -> str | None:
    """Give a value as text: a string as it is, a number as spelled, an object or array as compact JSON."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return "".join(_compact(value))


def _at(document: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def _compact(value: Any) -> list[str]:
    # an explicit stack: a value may be nested as deep as the line's limit allows
    pieces: list[str] = []
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, _Piece):
            pieces.append(part.text)
        elif isinstance(part, dict):
            waiting.extend(reversed(_object_parts(part)))
        elif isinstance(part, list):
            waiting.extend(reversed(_array_parts(part)))
        else:
            pieces.append(part if isinstance(part, Number) else json.dumps(part, ensure_ascii=False))
    return pieces


class _Piece:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _object_parts(value: dict[str, Any]) -> list[Any]:
    parts: list[Any] = [_Piece("{")]
    for number, (name, member) in enumerate(value.items()):
        parts += [_Piece("," if number else ""), name, _Piece(":"), member]
    return [*parts, _Piece("}")]


def _array_parts(value: list[Any]) -> list[Any]:
    parts: list[Any] = [_Piece("[")]
    for number, member in enumerate(value):
        parts += [_Piece("," if number else ""), member]
    return [*parts, _Piece("]")]


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        _refuse_lone_surrogates(name)
        _refuse_lone_surrogates(value)
    return dict(pairs)


def _refuse_lone_surrogates(value: Any) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if not part.isascii():
                part.encode("utf-8")  # UnicodeEncodeError is a ValueError
        elif isinstance(part, list):
            waiting.extend(part)


def _parse_deep(text: str, decoder: json.JSONDecoder) -> Any:
    if _nesting(text) > MAX_NESTING:
        raise ValueError("nested too deep")
    # The standard parser recurses: 1000 levels need more stack than a worker's thread may have left.
    outcome: list[Any] = [_MISSING]

    def parse_here() -> None:
        try:
            outcome[0] = decoder.decode(text)
        except (ValueError, RecursionError) as error:
            outcome.append(error)

    _in_roomy_thread(parse_here)
    if outcome[0] is _MISSING:
        raise ValueError("malformed")
    return outcome[0]


def _in_roomy_thread(work: Callable[[], None]) -> None:
    # never set back: another thread may be deep inside the parser too, and a higher limit harms nobody
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20 * MAX_NESTING))
    before = threading.stack_size(64 * 1024 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()


def _nesting(text: str) -> int:
    deepest = level = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text, re.DOTALL):
        if bracket in "[{":
            level += 1
            deepest = max(deepest, level)
        elif bracket in "]}":
            level -= 1
    return deepest


def _from_number(text: str, places: int) -> int | None:
    found = _JSON_NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, fraction, exponent = found.groups()
    all_digits = whole + (fraction or "")
    digits = all_digits.lstrip("0")
    if not digits:
        return 0
    # digits before the decimal point once the number is in microseconds; no big number is ever built
    point = len(whole) - (len(all_digits) - len(digits)) + _exponent(exponent) + places
    if point > 20:
        return None
    kept, dropped = (digits[:point].ljust(point, "0"), digits[point:]) if point > 0 else ("0", digits)
    return -int(kept) - bool(dropped.strip("0")) if sign else int(kept)


def _exponent(text: str | None) -> int:
    if text is None:
        return 0
    digits = text.lstrip("+-").lstrip("0") or "0"
    size = int(digits) if len(digits) <= 18 else 10**18
    return -size if text.startswith("-") else size


def _from_iso_8601(text: str) -> int | None:
    found = _ISO_8601.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        clock = int(hour or 0), int(minute or 0), int(second or 0)
        moment = datetime(int(year), int(month), int(day), *clock, tzinfo=timezone.utc)
    except ValueError:
        return None
    offset = _offset_minutes(zone)
    if offset is None:
        return None
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    whole = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    return whole + microsecond - offset * 60_000_000


def _offset_minutes(zone: str | None) -> int | None:
    if zone is None or zone in "Zz":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
