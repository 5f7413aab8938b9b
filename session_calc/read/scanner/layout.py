"""What the scanner is given and fills in: numbers and arrays, as the compiler likes them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

ISO_8601 = 99  # stands where the decimal places of a number's unit would

BROKEN = -1
NONE = -1
NOT_SEEN = -1
UNSURE = -(2**63)

# the columns of `Wanted.members`
NAME_BEGIN, NAME_END, OWNER, OBJECT, COLUMN, IS_TIME = range(6)
# the columns of `Rows.numbers`: 64 bytes, for what is looked at together is to lie together
HAS_TIME, MOMENT, LAST_MOMENT, LINE_COUNT, SLICE, HASH, LINE_BEGIN, LINE_END = range(8)

MOST_NOTED = 100  # members of a line
BEFORE, BEHIND, STANDS_IN, MEMBER = range(4)  # the columns of `Notes.members`


class Wanted(NamedTuple):
    """What to look for.

    Attributes
    ----------
    names
        All wanted names in one row.
    members
        A line for each name: where it begins and ends in `names`, the number of the object that it stands in (0: the
        outermost), the number of the object that its value is (-1: wanted for itself), the number of the column that
        takes its text, rising from name to name (-1: none), and whether it is the event's time.
    parents
        For each object the number of the one around it (-1: none).
    unit : int
        Decimal places from the time's unit to microseconds, or ISO_8601.
    max_line_bytes : int
    gap : int, microseconds
        Lines that are alike, and whose moments are in one slice of it, share a row; 0: each line has its own.
    """

    names: Bytes
    members: Numbers
    parents: Numbers
    unit: int
    max_line_bytes: int
    gap: int


class Rows(NamedTuple):
    """What is filled in, a row for each plain line.

    Attributes
    ----------
    texts
        The texts of the first row's columns, of the second's, ..., one behind the other.
    text_ends
        Where each of them ends, from the second element on; the first is 0.
    has_text
        For each of them whether it is there.
    numbers
        For each row: whether it has a moment; its moment, in microseconds since 1970 UTC, the first of several; the
        last moment; of how many lines it is; the slice of its moments; what its place hangs on; where its line begins,
        and where the line feed is. Only rows that lines share have the third to sixth.
    places
        Where rows stand by what they hold: a number from 1 on, 0 where there is none. Its length is a power of two,
        twice the number of rows at least; it begins with zeros.
    """

    texts: Bytes
    text_ends: npt.NDArray[np.int32]
    has_text: Bytes
    numbers: Numbers
    places: npt.NDArray[np.int32]


class Others(NamedTuple):
    """The lines that have no row.

    Attributes
    ----------
    odd
        Where an odd line begins, and where its line feed is.
    counts
        Of rows, odd lines, blank lines, and lines that rows are made of.
    """

    odd: Numbers
    counts: Numbers


class Notes(NamedTuple):
    """What is noted of a line.

    Attributes
    ----------
    spans
        For each wanted name where its value begins and ends, or that it was not seen.
    members
        For the first, second, third ... member that was passed over, in this line or an earlier one: where what stands
        before its value begins and ends in the text, what it stands in, and the number of the wanted name. Lines of a
        log are much alike, and what has the same bytes need not be looked at again.
    """

    spans: Numbers
    members: Numbers


_BYTES, _NUMBERS, _SHORT_NUMBERS = np.dtype(np.uint8), np.dtype(np.int64), np.dtype(np.int32)
# in the order of `flat`: of what, and of how many dimensions
_ARRAYS = (
    *[(_BYTES, 1), (_BYTES, 1), (_NUMBERS, 2), (_NUMBERS, 1)],
    *[(_BYTES, 1), (_SHORT_NUMBERS, 1), (_BYTES, 1), (_NUMBERS, 2), (_SHORT_NUMBERS, 1)],
    *[(_NUMBERS, 2), (_NUMBERS, 1)],
    *[(_NUMBERS, 2), (_NUMBERS, 2)],
)


def flat(
    text: Bytes, at: int, row: int, wanted: Wanted, rows: Rows, others: Others, notes: Notes
) -> tuple[npt.NDArray[np.uintp], Numbers]:
    """Give what `scan` takes as two rows of numbers: addresses of arrays; numbers, and then the arrays' lengths.

    Raises
    ------
    TypeError
        An array is not of the layout: it would be read as something else.
    """
    arrays: tuple[npt.NDArray[Any], ...] = (text, wanted.names, wanted.members, wanted.parents, *rows, *others, *notes)
    for array, (dtype, dimensions) in zip(arrays, _ARRAYS, strict=True):
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
            wanted_here = f"{dtype} in {dimensions} dimensions and in one piece"
            raise TypeError(f"the scanner takes {wanted_here} here, not {array.dtype} in {array.ndim}")
    lengths = [length for array in arrays for length in array.shape]
    numbers = [at, row, wanted.unit, wanted.max_line_bytes, wanted.gap, *lengths]
    return np.array([array.ctypes.data for array in arrays], np.uintp), np.array(numbers, np.int64)
