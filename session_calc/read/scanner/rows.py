"""Fill rows in, and have lines that are alike share one."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.eights import are_same, eight_at
from session_calc.read.scanner.layout import (
    COLUMN,
    HAS_TIME,
    IS_TIME,
    LAST_MOMENT,
    LINE_COUNT,
    MOMENT,
    NONE,
    NOT_SEEN,
    SLICE,
    UNSURE,
    Bytes,
    Numbers,
    Rows,
    Wanted,
)
from session_calc.read.scanner.moments import moment_of
from session_calc.read.scanner.texts import write_string
from session_calc.read.scanner.values import opens

_HASH_BEGIN, _HASH_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


@compiled
def fill_in(text: Bytes, wanted: Wanted, spans: Numbers, rows: Rows, row: int) -> bool:
    """Fill a row in; tell whether that could be done."""
    for column in range(len(rows.texts)):
        rows.has_text[column, row] = 0
        rows.text_ends[column, row + 1] = rows.text_ends[column, row]
    rows.numbers[MOMENT, row] = rows.numbers[HAS_TIME, row] = 0
    for member in range(len(spans)):
        begin, end, column = spans[member, 0], spans[member, 1], wanted.members[member, COLUMN]
        is_time = wanted.members[member, IS_TIME]
        if begin == NOT_SEEN or (column == NONE and not is_time) or text[begin] == ord("n"):
            continue
        if opens(text, begin):
            return False
        if text[begin] == ord('"'):
            begin, end = begin + 1, end - 1
        if column >= 0:
            to = rows.text_ends[column, row]
            rows.text_ends[column, row + 1] = write_string(text, begin, end, rows.texts[column], to)
            rows.has_text[column, row] = 1
        if is_time:
            rows.numbers[MOMENT, row] = moment_of(text, begin, end, wanted.unit)
            rows.numbers[HAS_TIME, row] = 1
    return bool(rows.numbers[MOMENT, row] != UNSURE)


@compiled
def _hash_of_text(text: Bytes, begin: int, end: int) -> int:
    """Mix bytes as FNV-1a does (RFC 9923), but eight at a time."""
    mixed = _HASH_BEGIN
    for at in range(begin, end, 8):
        eight = eight_at(text, at)
        if end - at < 8:
            eight <<= np.uint64(8 * (8 - end + at))
        mixed = (mixed ^ eight) * _HASH_PRIME
        mixed ^= mixed >> np.uint64(32)
    return int(np.int64(mixed))


@compiled
def _place_of(rows: Rows, row: int) -> int:
    """Give where a row is looked for first."""
    mixed = rows.numbers[SLICE, row]
    for column in range(len(rows.texts)):
        mixed = mixed * 31 + _hash_of_text(
            rows.texts[column], rows.text_ends[column, row], rows.text_ends[column, row + 1]
        )
    return int((mixed ^ mixed >> 17) & (len(rows.places) - 1))


@compiled
def _is_alike(rows: Rows, one: int, other: int) -> bool:
    """Tell whether two rows hold the same but for their moments, which must be in the same slice."""
    for number in (HAS_TIME, SLICE):
        if rows.numbers[number, one] != rows.numbers[number, other]:
            return False
    for column in range(len(rows.texts)):
        begin, at = rows.text_ends[column, one], rows.text_ends[column, other]
        length = rows.text_ends[column, one + 1] - begin
        if length != rows.text_ends[column, other + 1] - at:
            return False
        if rows.has_text[column, one] != rows.has_text[column, other]:
            return False
        if not are_same(rows.texts[column], begin, rows.texts[column], at, length):
            return False
    return True


@compiled
def find_shared(rows: Rows, row: int, gap: int) -> bool:
    """Add a row that was filled in to one that is alike; tell whether there is one."""
    moment = rows.numbers[MOMENT, row]
    rows.numbers[SLICE, row] = moment - moment % gap
    place = _place_of(rows, row)
    while rows.places[place] != 0:
        other = rows.places[place] - 1
        if _is_alike(rows, other, row):
            rows.numbers[MOMENT, other] = min(rows.numbers[MOMENT, other], moment)
            rows.numbers[LAST_MOMENT, other] = max(rows.numbers[LAST_MOMENT, other], moment)
            rows.numbers[LINE_COUNT, other] += 1
            return True
        place = (place + 1) & (len(rows.places) - 1)
    rows.places[place] = row + 1
    rows.numbers[LAST_MOMENT, row], rows.numbers[LINE_COUNT, row] = moment, 1
    return False
