"""Why a line is rejected, told by the driver alone: a quick look that knows most events, and the judge for the rest.

The reasons are those of `validate`, in its order; they are held against the ledger, so the two cannot drift apart.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from session_calc.read import csv_lines
from session_calc.read.judge import (
    DECIMAL_PLACES_TO_MICROSECONDS,
    END_MICROSECOND,
    FIRST_MICROSECOND,
    Judgement,
    Path,
    make_judge,
    to_microseconds,
)
from session_calc.schemas import INVALID_TIMESTAMP, LINE_TOO_LONG, MISSING_TIMESTAMP, MISSING_USER, Fields, path_of

# From a line's bytes, without its line feed, to the reason; None: an event, a blank line, or a header.
Verdict = Callable[[bytes], str | None]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r]*")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHALLOW_BYTES = 2000  # a line of so few bytes is nested less than 1000 deep


def is_too_long(line: bytes, max_line_bytes: int) -> bool:
    """Tell whether a line is over the limit, which a byte order mark at its start does not count for."""
    return len(line) - len(BYTE_ORDER_MARK) * line.startswith(BYTE_ORDER_MARK) > max_line_bytes


def is_blank(line: bytes) -> bool:
    return _BLANK.fullmatch(line) is not None


@lru_cache(maxsize=64)
def of_json(fields: Fields) -> Verdict:
    """Build the verdict on lines of JSON."""
    judged = _judged(make_judge(*fields.for_judge()), fields)
    is_surely_event = _quick_look(fields)

    def verdict(line: bytes) -> str | None:
        return None if is_surely_event(line) else judged(line)

    return verdict


@lru_cache(maxsize=64)
def of_csv(header: str, fields: Fields) -> Verdict:
    """Build the verdict on lines of CSV files with this header."""
    judged = _judged(csv_lines.judge_of(csv_lines.names_in(header), fields), fields)
    header_bytes = header.encode()

    def verdict(line: bytes) -> str | None:
        is_header = line.removeprefix(BYTE_ORDER_MARK).rstrip(b"\r") == header_bytes
        return None if is_header else judged(line)

    return verdict


def _judged(judge: Callable[[Any], Judgement], fields: Fields) -> Verdict:
    def verdict(line: bytes) -> str | None:
        if is_too_long(line, fields.max_line_bytes):
            return LINE_TOO_LONG
        if is_blank(line):
            return None
        problem, *values = judge(line)
        users, (has_timestamp, event_time) = values[: len(fields.user_keys)], values[len(fields.user_keys) :][:2]
        return str(problem) if problem else reason_of(all(users), has_timestamp, event_time is not None)

    return verdict


def reason_of(has_user: bool, has_timestamp: bool, is_moment: bool) -> str | None:
    """Give the first reason that holds, as `validate` does."""
    if not has_user:
        return MISSING_USER
    if not has_timestamp:
        return MISSING_TIMESTAMP
    return None if is_moment else INVALID_TIMESTAMP


def _quick_look(fields: Fields) -> Callable[[bytes], bool]:
    """Build what knows most events in a quarter of the judge's time; what it does not know is judged.

    The standard parser without the judge's hooks takes the same lines, but for those that are asked for here: numbers
    are not kept as they are spelled, and no name or text is searched for lone surrogates.
    """
    parse = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
    users, time_of = [_value_at(path_of(key)) for key in fields.user_keys], _value_at(path_of(fields.timestamp_key))
    unit = fields.timestamp_unit
    first, end = _whole_numbers_inside(unit)

    def is_surely_event(line: bytes) -> bool:
        try:
            text = line.decode("utf-8")
            document, stop = parse(text)
        except (ValueError, RecursionError):
            return False
        if stop != len(text) and text[stop:].strip(" \t\r"):
            return False
        if type(document) is not dict or _may_be_misread(line) or len(line) > fields.max_line_bytes:
            return False
        for user_of in users:
            if user_of(document) in (None, ""):
                return False
        time = time_of(document)
        if type(time) is int:
            return first <= time < end
        return isinstance(time, str) and to_microseconds(time, unit) is not None

    return is_surely_event


def _value_at(path: Path) -> Callable[[dict[str, Any]], Any]:
    top, *below = path
    if not below:
        return lambda document: document.get(top)

    def walk(document: Any) -> Any:
        for name in path:
            if type(document) is not dict:
                return None
            document = document.get(name)
        return document

    return walk


def _may_be_misread(line: bytes) -> bool:
    if b"\\u" in line and _SURROGATE.search(line):
        return True
    return len(line) > _SHALLOW_BYTES and line.count(b"[") + line.count(b"{") > 100


def _whole_numbers_inside(unit: str) -> tuple[int, int]:
    """Give the first whole number of a unit that is a moment of the years 1-9999, and the first behind them."""
    if unit == "iso8601":
        return 0, 0
    places = DECIMAL_PLACES_TO_MICROSECONDS[unit]
    if places < 0:
        return FIRST_MICROSECOND * 10**-places, END_MICROSECOND * 10**-places
    return FIRST_MICROSECOND // 10**places, END_MICROSECOND // 10**places


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are no JSON
