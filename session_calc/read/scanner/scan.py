"""Read lines, one after the other."""

from typing import Any

import numpy as np

from session_calc.read.scanner.compiled import compiled, numba
from session_calc.read.scanner.layout import LINE_BEGIN, LINE_END, NONE, STANDS_IN, Bytes, Notes, Others, Rows, Wanted
from session_calc.read.scanner.members import end_of_event
from session_calc.read.scanner.rows import fill_in, find_shared
from session_calc.read.scanner.values import behind_spaces, line_feed_from


@compiled
def scan(text: Bytes, at: int, row: int, wanted: Wanted, rows: Rows, others: Others, notes: Notes) -> int:
    """Read lines from a place on, until all are read or there is no room for more rows or odd lines.

    Parameters
    ----------
    text : array of uint8
        Whole lines; its last byte is a line feed. Seven more bytes behind it can be read.
    at : int
        Where to begin.
    row : int
        How many rows there are already.
    wanted : Wanted
    rows : Rows
        Its texts must have room for as many more bytes as `text` has, and eight.
    others : Others
    notes : Notes

    Returns
    -------
    int
        Where to go on: the beginning of a line, or the end of `text`.
    """
    odd_count, blank_count, row_line_count = 0, 0, 0
    notes.members[:, STANDS_IN] = NONE  # they were of another text
    while at < len(text) and row < len(rows.numbers) and odd_count < len(others.odd):
        line = at
        at = behind_spaces(text, at)
        is_blank = text[at] == ord("\n")
        end = at if is_blank else end_of_event(text, at, wanted, notes)
        is_odd = end < 0 or end - line > wanted.max_line_bytes
        if is_odd or not (is_blank or fill_in(text, wanted, notes.spans, rows, row)):
            end = line_feed_from(text, line)
            others.odd[odd_count, 0], others.odd[odd_count, 1] = line, end
            odd_count += 1
        elif is_blank:
            blank_count += 1
        else:
            row_line_count += 1
            rows.numbers[row, LINE_BEGIN], rows.numbers[row, LINE_END] = line, end
            if wanted.gap == 0 or not find_shared(rows, row, wanted.gap):
                row += 1
        at = end + 1
    others.counts[0], others.counts[1], others.counts[2], others.counts[3] = row, odd_count, blank_count, row_line_count
    return at


def scan_at(addresses: Any, numbers: Any) -> int:
    """Do as `scan`, for a caller who has nothing but addresses: the arrays' and then the numbers of `layout.flat`."""
    given, count = numba.carray(addresses, (13,)), numba.carray(numbers, (23,))
    text = numba.carray(given[0], (count[5],), np.uint8)
    wanted = Wanted(
        numba.carray(given[1], (count[6],), np.uint8),
        numba.carray(given[2], (count[7], count[8]), np.int64),
        numba.carray(given[3], (count[9],), np.int64),
        count[2],
        count[3],
        count[4],
    )
    rows = Rows(
        numba.carray(given[4], (count[10],), np.uint8),
        numba.carray(given[5], (count[11],), np.int32),
        numba.carray(given[6], (count[12],), np.uint8),
        numba.carray(given[7], (count[13], count[14]), np.int64),
        numba.carray(given[8], (count[15],), np.int32),
    )
    others = Others(
        numba.carray(given[9], (count[16], count[17]), np.int64),
        numba.carray(given[10], (count[18],), np.int64),
    )
    notes = Notes(
        numba.carray(given[11], (count[19], count[20]), np.int64),
        numba.carray(given[12], (count[21], count[22]), np.int64),
    )
    return scan(text, count[0], count[1], wanted, rows, others, notes)
