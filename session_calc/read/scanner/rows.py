"""Fill rows in, and have lines that are alike share one."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.eights import are_same, eight_at
from session_calc.read.scanner.layout import (
    COLUMN,
    HAS_TIME,
    HASH,
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
    number = row * _column_count(rows)  # of a text
    to = rows.text_ends[number]
    rows.numbers[row, MOMENT] = rows.numbers[row, HAS_TIME] = 0
    for member in range(len(spans)):
        begin, end, column = spans[member, 0], spans[member, 1], wanted.members[member, COLUMN]
        is_there = begin != NOT_SEEN and text[begin] != ord("n")
        if is_there and (column != NONE or wanted.members[member, IS_TIME]):
            if opens(text, begin):
                return False
            if text[begin] == ord('"'):
                begin, end = begin + 1, end - 1
            if column != NONE:
                to = write_string(text, begin, end, rows.texts, to)
            if wanted.members[member, IS_TIME]:
                rows.numbers[row, MOMENT] = moment_of(text, begin, end, wanted.unit)
                rows.numbers[row, HAS_TIME] = 1
        if column != NONE:
            rows.text_ends[number + 1], rows.has_text[number] = to, is_there
            number += 1
    return bool(rows.numbers[row, MOMENT] != UNSURE)


@compiled
def find_shared(rows: Rows, row: int, gap: int) -> bool:
    """Add a row that was filled in to one that is alike; tell whether there is one."""
    moment = rows.numbers[row, MOMENT]
    rows.numbers[row, SLICE] = moment - moment % gap
    rows.numbers[row, HASH] = _hash_of(rows, row)
    place = (rows.numbers[row, HASH] ^ rows.numbers[row, HASH] >> 17) & (len(rows.places) - 1)
    while rows.places[place] != 0:
        other = rows.places[place] - 1
        if _is_alike(rows, other, row):
            rows.numbers[other, MOMENT] = min(rows.numbers[other, MOMENT], moment)
            rows.numbers[other, LAST_MOMENT] = max(rows.numbers[other, LAST_MOMENT], moment)
            rows.numbers[other, LINE_COUNT] += 1
            return True
        place = (place + 1) & (len(rows.places) - 1)
    rows.places[place] = row + 1
    rows.numbers[row, LAST_MOMENT], rows.numbers[row, LINE_COUNT] = moment, 1
    return False


@compiled
def _column_count(rows: Rows) -> int:
    return len(rows.has_text) // len(rows.numbers)


@compiled
def _hash_of(rows: Rows, row: int) -> int:
    """Mix the texts and the slice as FNV-1a does (RFC 9923), but eight bytes at a time."""
    first = row * _column_count(rows)
    begin, end = rows.text_ends[first], rows.text_ends[first + _column_count(rows)]
    mixed = (_HASH_BEGIN ^ np.uint64(rows.numbers[row, SLICE])) * _HASH_PRIME
    for at in range(begin, end, 8):
        eight = eight_at(rows.texts, at)
        if end - at < 8:
            eight <<= np.uint64(8 * (8 - end + at))
        mixed = (mixed ^ eight) * _HASH_PRIME
        mixed ^= mixed >> np.uint64(32)
    return int(np.int64(mixed))


@compiled
def _is_alike(rows: Rows, one: int, other: int) -> bool:
    """Tell whether two rows hold the same but for their moments, which must be in the same slice."""
    for number in (HASH, SLICE, HAS_TIME):
        if rows.numbers[one, number] != rows.numbers[other, number]:
            return False
    column_count = _column_count(rows)
    first, again = one * column_count, other * column_count
    begin, at = rows.text_ends[first], rows.text_ends[again]
    for column in range(column_count):
        if rows.text_ends[first + column + 1] - begin != rows.text_ends[again + column + 1] - at:
            return False
        if rows.has_text[first + column] != rows.has_text[again + column]:
            return False
    return are_same(rows.texts, begin, rows.texts, at, rows.text_ends[first + column_count] - begin)
