"""Read plain lines of JSON at the machine's speed: one pass over the bytes proves a line and takes its fields.

Compiled by Numba when it is first called, and kept on the disk for the next run. It knows most lines; any other is
odd, and for the judge to read. So a rule here may be narrower than the judge's, and must never be wider: strict JSON
(RFC 8259), nested at most 60 deep, no escape in a name, no wanted name twice, no wanted text that is an object or an
array, a time that is plainly spelled.

This is written as the compiler likes it: numbers and arrays, no objects, and nothing that can fail. Every line ends
with a line feed, which no JSON may hold other than between its parts, so that no look goes beyond it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

ISO_8601 = 99  # stands where the decimal places of a number's unit would

_MOST_NESTING = 60  # the bits of one number say which are arrays
_BROKEN = -1
_NONE = -1
_UNSURE = -(2**63)
_FIRST_MICROSECOND = -62_135_596_800_000_000
_END_MICROSECOND = 253_402_300_800_000_000

_HASH_BEGIN, _HASH_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

_ONES, _TOPS = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
_SPACES, _QUOTES, _BACKSLASHES = (_ONES * np.uint64(byte) for byte in b' "\\')
_IS_SPACE = np.array([byte in b" \t\r" for byte in range(256)])
_ESCAPED = np.array([dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True)).get(byte, 0) for byte in range(256)])
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_HEX = np.array([int(chr(byte), 16) if byte in b"0123456789abcdefABCDEF" else -1 for byte in range(256)])

_Function = TypeVar("_Function", bound=Callable[..., Any])


# the columns of `Wanted.members`
NAME_BEGIN, NAME_END, OWNER, OBJECT, COLUMN, IS_TIME = range(6)
# the lines of `Rows.numbers`
MOMENT, HAS_TIME, LINE_BEGIN, LINE_END, LAST_MOMENT, LINE_COUNT, SLICE = range(7)

MOST_NOTED = 100  # members of a line
_BEFORE, _BEHIND, _STANDS_IN, _MEMBER = range(4)  # the columns of `Notes.members`

_NOT_SEEN = -1
_NULL = -2


class Wanted(NamedTuple):
    """What to look for.

    Attributes
    ----------
    names
        All wanted names in one row.
    members
        A line for each name: where it begins and ends in `names`, the number of the object that it stands in (0: the
        outermost), the number of the object that its value is (-1: wanted for itself), the number of the column that
        takes its text (-1: none), and whether it is the event's time.
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
        For each column its texts, one behind the other.
    text_ends
        For each column where each row's text ends, from the second element on; the first is 0.
    has_text
        For each column whether the row has one.
    numbers
        Lines of one number for each row: its moment, in microseconds since 1970 UTC, the first of several; whether it
        has one; where its line begins, and where the line feed is; its last moment; of how many lines it is; the slice
        of its moments. The last three are there only for rows that lines share.
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


def _compiled(function: _Function) -> _Function:
    compiler: Any = import_module("numba").njit
    # in one piece, and without Numba's run time, which would count references to each array at each call: a third of
    # the time; nothing here makes an array
    options = {"nogil": True, "forceinline": True, "_nrt": False}
    try:
        return cast(_Function, compiler(cache=True, **options)(function))
    except RuntimeError:  # there is no folder that compiled code could be kept in
        return cast(_Function, compiler(**options)(function))


@_compiled
def _width_of_character(text: Bytes, at: int) -> int:
    """Give the bytes of the UTF-8 character that begins here, 0 where there is none (Unicode 16, table 3-7)."""
    first, second = text[at], text[at + 1]
    if first < 0xC2 or first > 0xF4 or second & 0xC0 != 0x80:
        return 0
    if first < 0xE0:
        return 2
    if text[at + 2] & 0xC0 != 0x80:
        return 0
    if first < 0xF0:
        return 0 if (first == 0xE0 and second < 0xA0) or (first == 0xED and second > 0x9F) else 3
    if (first == 0xF0 and second < 0x90) or (first == 0xF4 and second > 0x8F) or text[at + 3] & 0xC0 != 0x80:
        return 0
    return 4


@_compiled
def _code_unit(text: Bytes, at: int) -> int:
    r"""Give the code unit of four hexadecimal digits, -1 where they are none."""
    unit = 0
    for place in range(at, at + 4):
        digit = _HEX[text[place]]
        if digit < 0:
            return _BROKEN
        unit = unit << 4 | digit
    return unit


@_compiled
def _width_of_escape(text: Bytes, at: int) -> int:
    r"""Give the bytes of the escape that begins here, 0 where there is none; surrogates must come in pairs."""
    if _ESCAPED[text[at + 1]] != 0:
        return 2
    if text[at + 1] != ord("u"):
        return 0
    unit = _code_unit(text, at + 2)
    if unit < 0 or 0xDC00 <= unit <= 0xDFFF:
        return 0
    if unit < 0xD800 or unit > 0xDFFF:
        return 6
    if text[at + 6] != ord("\\") or text[at + 7] != ord("u"):
        return 0
    return 12 if 0xDC00 <= _code_unit(text, at + 8) <= 0xDFFF else 0


@_compiled
def _eight(text: Bytes, at: int) -> np.uint64:
    """Give eight bytes as one number, the first the lowest: the compiler makes it one load."""
    eight, begin = np.uint64(0), np.uint64(at)  # an index with a sign would be looked at for each byte
    for place in range(8):
        eight |= np.uint64(text[begin + np.uint64(place)]) << np.uint64(8 * place)
    return eight


@_compiled
def _are_same(one: Bytes, at: int, other: Bytes, begin: int, count: int) -> bool:
    """Tell whether so many bytes are the same; of the last eight that are looked at some may stand behind them."""
    for passed in range(0, count, 8):
        differing = _eight(one, at + passed) ^ _eight(other, begin + passed)
        if differing != 0 and (count - passed >= 8 or differing << np.uint64(8 * (8 - count + passed)) != 0):
            return False
    return True


@_compiled
def _behind_plain(text: Bytes, at: int) -> int:
    """Pass over what stands for itself in a string: ASCII without control characters, quotes and backslashes."""
    while True:
        eight = _eight(text, at)
        # the top bit of a byte is set where it is less than a space, a quote, a backslash or not ASCII; and perhaps in
        # bytes behind one of those, for a difference may borrow
        odd = (eight - _SPACES | (eight ^ _QUOTES) - _ONES | (eight ^ _BACKSLASHES) - _ONES | eight) & _TOPS
        if odd != 0:
            lowest = odd & (~odd + np.uint64(1))
            return at + int(((lowest - np.uint64(1)) & _ONES) * _ONES >> np.uint64(56)) - 1
        at += 8


@_compiled
def _end_of_string(text: Bytes, at: int) -> int:
    """Give where the closing quote stands, -1 where the string is broken; `at` is behind the opening one."""
    while True:
        at = _behind_plain(text, at)
        byte = text[at]
        if byte == ord('"'):
            return at
        if byte == ord("\\"):
            width = _width_of_escape(text, at)
        elif byte >= 0x80:
            width = _width_of_character(text, at)
        else:
            width = 0
        if width == 0:
            return _BROKEN
        at += width


@_compiled
def _end_of_name(text: Bytes, at: int) -> int:
    """Do as `_end_of_string`, but take an escape for broken: an escaped name may be a wanted one."""
    while True:
        at = _behind_plain(text, at)
        if text[at] == ord('"'):
            return at
        width = _width_of_character(text, at) if text[at] >= 0x80 else 0
        if width == 0:
            return _BROKEN
        at += width


@_compiled
def _end_of_digits(text: Bytes, at: int) -> int:
    while ord("0") <= text[at] <= ord("9"):
        at += 1
    return at


@_compiled
def _end_of_number(text: Bytes, at: int) -> int:
    if text[at] == ord("-"):
        at += 1
    end = at + 1 if text[at] == ord("0") else _end_of_digits(text, at)
    if end == at:
        return _BROKEN
    if text[end] == ord("."):
        at = end + 1
        end = _end_of_digits(text, at)
        if end == at:
            return _BROKEN
    if text[end] == ord("e") or text[end] == ord("E"):
        at = end + 1
        if text[at] == ord("+") or text[at] == ord("-"):
            at += 1
        end = _end_of_digits(text, at)
        if end == at:
            return _BROKEN
    return end


@_compiled
def _end_of_word(text: Bytes, at: int) -> int:
    """Give the end of `true`, `false` or `null`."""
    if text[at] == ord("t"):
        is_it = text[at + 1] == ord("r") and text[at + 2] == ord("u") and text[at + 3] == ord("e")
        return at + 4 if is_it else _BROKEN
    if text[at] == ord("n"):
        is_it = text[at + 1] == ord("u") and text[at + 2] == ord("l") and text[at + 3] == ord("l")
        return at + 4 if is_it else _BROKEN
    is_it = text[at] == ord("f") and text[at + 1] == ord("a") and text[at + 2] == ord("l")
    return at + 5 if is_it and text[at + 3] == ord("s") and text[at + 4] == ord("e") else _BROKEN


@_compiled
def _write_character(code: int, target: Bytes, to: int) -> int:
    if code < 0x80:
        target[to] = code
        return to + 1
    if code < 0x800:
        target[to] = 0xC0 | code >> 6
    else:
        if code < 0x10000:
            target[to] = 0xE0 | code >> 12
        else:
            target[to] = 0xF0 | code >> 18
            to += 1
            target[to] = 0x80 | code >> 12 & 0x3F
        to += 1
        target[to] = 0x80 | code >> 6 & 0x3F
    target[to + 1] = 0x80 | code & 0x3F
    return to + 2


@_compiled
def _write_escaped(text: Bytes, at: int, end: int, target: Bytes, to: int) -> int:
    while at < end:
        if text[at] != ord("\\"):
            target[to] = text[at]
            at += 1
            to += 1
        elif text[at + 1] != ord("u"):
            target[to] = _ESCAPED[text[at + 1]]
            at += 2
            to += 1
        else:
            code = _code_unit(text, at + 2)
            at += 6
            if 0xD800 <= code <= 0xDFFF:
                code = 0x10000 + ((code - 0xD800) << 10) + _code_unit(text, at + 2) - 0xDC00
                at += 6
            to = _write_character(code, target, to)
    return to


@_compiled
def _write_string(text: Bytes, begin: int, end: int, target: Bytes, to: int) -> int:
    """Copy what stands between the quotes of a string that is not broken; give where the copy ends."""
    at = begin
    while at < end:
        eight = _eight(text, at)
        bare = eight ^ _BACKSLASHES
        if (bare - _ONES) & ~bare & _TOPS != 0:
            return _write_escaped(text, at, end, target, to)
        for place in range(8):  # one store, once compiled
            target[np.uint64(to) + np.uint64(place)] = eight >> np.uint64(8 * place) & np.uint64(0xFF)
        at += 8
        to += 8
    return to + end - at


@_compiled
def _digits(text: Bytes, begin: int, end: int) -> int:
    """Give the number of at most 18 digits, and a very small one where they are none."""
    number = 0
    for place in range(begin, end):
        digit = int(text[place]) - ord("0")
        if digit < 0 or digit > 9:
            return _UNSURE
        number = number * 10 + digit
    return number


@_compiled
def _fraction(text: Bytes, begin: int, end: int, places: int) -> int:
    """Give the first digits behind a decimal point as a number of so many places."""
    number = 0
    for place in range(begin, begin + places):
        number = number * 10 + (int(text[place]) - ord("0") if place < end else 0)
    return number


@_compiled
def _moment_of_number(text: Bytes, begin: int, end: int, places: int) -> int:
    """Give the microseconds of a number whose unit has so many decimal places to a microsecond, rounded down."""
    is_negative = text[begin] == ord("-")
    begin += 1 if is_negative else 0
    whole_end = _end_of_digits(text, begin)
    digit_count, has_fraction = whole_end - begin, whole_end < end
    if digit_count == 0 or digit_count + places > 18 or (digit_count > 1 and text[begin] == ord("0")):
        return _UNSURE
    is_plain_fraction = text[whole_end] == ord(".") and (whole_end + 1 < end == _end_of_digits(text, whole_end + 1))
    if has_fraction and (is_negative or not is_plain_fraction):
        return _UNSURE
    kept_end = max(begin, whole_end + min(places, 0))
    number, dropped = _digits(text, begin, kept_end), _digits(text, kept_end, whole_end)
    if is_negative:
        number = -number - (1 if dropped > 0 else 0)
    return int(number * 10 ** max(places, 0)) + (_fraction(text, whole_end + 1, end, places) if has_fraction else 0)


@_compiled
def _days_in(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else int(_DAYS[month])


@_compiled
def _days_since_1970(text: Bytes, at: int) -> int:
    """Give the days of a date, YYYY-MM-DD, in the proleptic Gregorian calendar."""
    year, month, day = _digits(text, at, at + 4), _digits(text, at + 5, at + 7), _digits(text, at + 8, at + 10)
    is_date = text[at + 4] == ord("-") and text[at + 7] == ord("-") and year >= 1
    if not is_date or month < 1 or month > 12 or day < 1 or day > _days_in(year, month):
        return _UNSURE
    if month <= 2:  # a year that begins in March has its odd day at the end
        year, month = year - 1, month + 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719_469


@_compiled
def _minutes(text: Bytes, at: int, gap: int) -> int:
    """Give the minutes of two digits and two, with so many bytes between them; _UNSURE beyond 23:59."""
    hour, minute = _digits(text, at, at + 2), _digits(text, at + 2 + gap, at + 4 + gap)
    return hour * 60 + minute if 0 <= hour <= 23 and 0 <= minute <= 59 else _UNSURE


@_compiled
def _offset(text: Bytes, at: int, end: int) -> int:
    """Give the minutes by which Z, +HH, +HHMM, +HH:MM or nothing is ahead of UTC."""
    if at == end or (text[at] | 0x20 == ord("z") and at + 1 == end):
        return 0
    sign = -1 if text[at] == ord("-") else 1
    is_well_made = (text[at] == ord("+") or sign == -1) and (
        end - at == 3 or end - at == 5 or (end - at == 6 and text[at + 3] == ord(":"))
    )
    if not is_well_made:
        return _UNSURE
    if end - at == 3:
        hours = _digits(text, at + 1, end)
        return sign * hours * 60 if 0 <= hours <= 23 else _UNSURE
    minutes = _minutes(text, at + 1, end - at - 5)
    return sign * minutes if minutes >= 0 else _UNSURE


@_compiled
def _seconds(text: Bytes, at: int) -> tuple[int, int]:
    """Give the microseconds of :SS, :SS.f, :SS,f or nothing, _UNSURE where they are none, and where they end."""
    if text[at] != ord(":"):
        return 0, at
    second, behind = _digits(text, at + 1, at + 3), at + 3
    if second < 0 or second > 59:
        return _UNSURE, at
    if text[behind] != ord(".") and text[behind] != ord(","):
        return second * 1_000_000, behind
    end = _end_of_digits(text, behind + 1)
    if end == behind + 1:
        return _UNSURE, at
    return second * 1_000_000 + _fraction(text, behind + 1, end, 6), end


@_compiled
def _moment_of_iso_8601(text: Bytes, begin: int, end: int) -> int:
    """Give the microseconds of a date with a time, YYYY-MM-DDTHH:MM and more; behind `end` stands a quote."""
    if end - begin < 16 or text[begin + 13] != ord(":"):
        return _UNSURE
    mark = text[begin + 10]
    days, minutes = _days_since_1970(text, begin), _minutes(text, begin + 11, 1)
    microseconds, at = _seconds(text, begin + 16)
    offset = _offset(text, at, end)
    is_known = days != _UNSURE and minutes >= 0 and microseconds >= 0 and offset != _UNSURE
    if not is_known or not (mark | 0x20 == ord("t") or mark == ord(" ")):
        return _UNSURE
    return ((days * 24 * 60 + minutes - offset) * 60) * 1_000_000 + microseconds


@_compiled
def _moment(text: Bytes, begin: int, end: int, unit: int) -> int:
    # a number without quotes is never taken for a date: its digits end before the fifth byte's dash
    is_date = unit == ISO_8601
    moment = _moment_of_iso_8601(text, begin, end) if is_date else _moment_of_number(text, begin, end, unit)
    return moment if _FIRST_MICROSECOND <= moment < _END_MICROSECOND else _UNSURE


@_compiled
def _behind_spaces(text: Bytes, at: int) -> int:
    while text[at] <= ord(" ") and _IS_SPACE[text[at]]:
        at += 1
    return at


@_compiled
def _line_feed(text: Bytes, at: int) -> int:
    while text[at] != ord("\n"):
        at += 1
    return at


@_compiled
def _behind_colon(text: Bytes, at: int) -> int:
    at = _behind_spaces(text, at)
    return _behind_spaces(text, at + 1) if text[at] == ord(":") else _BROKEN


@_compiled
def _behind_scalar(text: Bytes, at: int) -> int:
    if text[at] == ord('"'):
        end = _end_of_string(text, at + 1)
        return end + 1 if end >= 0 else _BROKEN
    if text[at] == ord("-") or ord("0") <= text[at] <= ord("9"):
        return _end_of_number(text, at)
    return _end_of_word(text, at)


@_compiled
def _opens(text: Bytes, at: int) -> bool:
    return bool(text[at] == ord("{") or text[at] == ord("["))


@_compiled
def _behind_comma(text: Bytes, at: int, is_first: bool) -> int:
    """Pass over the comma before a member or an element that is not the first."""
    if is_first:
        return at
    return _behind_spaces(text, at + 1) if text[at] == ord(",") else _BROKEN


@_compiled
def _next_member(text: Bytes, at: int, is_first: bool) -> tuple[int, int, int]:
    """Give where the name begins and ends, and where the value is; that is _BROKEN where there is no member."""
    begin = _behind_comma(text, at, is_first)
    if begin < 0 or text[begin] != ord('"'):
        return _BROKEN, _BROKEN, _BROKEN
    end = _end_of_name(text, begin + 1)
    return begin + 1, end, _behind_colon(text, end + 1) if end >= 0 else _BROKEN


@_compiled
def _next_value(text: Bytes, at: int, is_first: bool, is_named: bool) -> int:
    return _next_member(text, at, is_first)[2] if is_named else _behind_comma(text, at, is_first)


@_compiled
def _behind_container(text: Bytes, at: int) -> int:
    """Pass over an object or an array of which nothing is wanted."""
    depth, is_first = 1, True
    arrays = 1 if text[at] == ord("[") else 0  # a bit for each container around, the innermost last
    at = _behind_spaces(text, at + 1)
    while True:
        if text[at] == (ord("]") if arrays & 1 else ord("}")):
            depth, arrays, is_first = depth - 1, arrays >> 1, False
            at += 1
            if depth == 0:
                return at
        else:
            at = _next_value(text, at, is_first, not arrays & 1)
            is_first = at >= 0 and _opens(text, at)
            if is_first:
                depth, arrays = depth + 1, arrays << 1 | (1 if text[at] == ord("[") else 0)
                at = at + 1 if depth <= _MOST_NESTING else _BROKEN
            elif at >= 0:
                at = _behind_scalar(text, at)
            if at < 0:
                return _BROKEN
        at = _behind_spaces(text, at)


@_compiled
def _behind_value(text: Bytes, at: int) -> int:
    return _behind_container(text, at) if _opens(text, at) else _behind_scalar(text, at)


@_compiled
def _member_named(text: Bytes, begin: int, end: int, owner: int, wanted: Wanted) -> int:
    """Give the number of the wanted name that stands here, in the object `owner`; _NONE where it is none."""
    for member in range(len(wanted.members)):
        name = wanted.members[member, NAME_BEGIN]
        if wanted.members[member, NAME_END] - name == end - begin and wanted.members[member, OWNER] == owner:
            place = begin
            while place < end and wanted.names[name + place - begin] == text[place]:
                place += 1
            if place == end:
                return member
    return _NONE


@_compiled
def _known_member(text: Bytes, at: int, stands_in: int, noted: Numbers) -> int:
    """Give where the value is if before it stands what stood here in an earlier line; else _BROKEN."""
    length = noted[_BEHIND] - noted[_BEFORE]
    if noted[_STANDS_IN] != stands_in or not _are_same(text, at, text, noted[_BEFORE], length):
        return _BROKEN
    return _behind_spaces(text, at + length)


@_compiled
def _before_value(text: Bytes, at: int, is_first: bool, owner: int, wanted: Wanted, noted: Numbers) -> tuple[int, int]:
    """Pass over a member's name and colon; give where its value is, and the number of the wanted name."""
    stands_in = 2 * owner + is_first
    value = _known_member(text, at, stands_in, noted)
    if value >= 0:
        return value, noted[_MEMBER]
    begin, end, value = _next_member(text, at, is_first)
    if value < 0:
        return _BROKEN, _NONE
    member = _member_named(text, begin, end, owner, wanted)
    noted[_BEFORE], noted[_BEHIND], noted[_STANDS_IN], noted[_MEMBER] = at, value, stands_in, member
    return value, member


@_compiled
def _behind_member(
    text: Bytes, at: int, is_first: bool, owner: int, number: int, wanted: Wanted, notes: Notes
) -> tuple[int, int]:
    """Pass over a member, and note where its value stands if it is wanted.

    Of a member that is an object with wanted members, pass over the opening brace alone, and give its number as well.
    """
    spans = notes.spans
    at, member = _before_value(text, at, is_first, owner, wanted, notes.members[min(number, MOST_NOTED - 1)])
    if at < 0:
        return _BROKEN, _NONE
    if member == _NONE:
        return _behind_value(text, at), _NONE
    if spans[member, 0] != _NOT_SEEN:
        return _BROKEN, _NONE
    spans[member, 0] = at
    below = wanted.members[member, OBJECT]
    if below >= 0 and text[at] == ord("{"):
        return at + 1, below
    spans[member, 1] = _behind_value(text, at)
    return spans[member, 1], _NONE


@_compiled
def _find(text: Bytes, at: int, wanted: Wanted, notes: Notes) -> int:
    """Pass over a line's object, and note where the wanted values stand."""
    owner, is_first, number = 0, True, 0
    at = _behind_spaces(text, at + 1)
    while True:
        if text[at] == ord("}"):
            owner, is_first = wanted.parents[owner], False
            at += 1
            if owner == _NONE:
                return at
        else:
            at, below = _behind_member(text, at, is_first, owner, number, wanted, notes)
            number += 1
            if at < 0:
                return _BROKEN
            is_first = below >= 0
            owner = below if is_first else owner
        at = _behind_spaces(text, at)


@_compiled
def _take(text: Bytes, wanted: Wanted, spans: Numbers, rows: Rows, row: int) -> bool:
    """Fill a row in; tell whether that could be done."""
    for column in range(len(rows.texts)):
        rows.has_text[column, row] = 0
        rows.text_ends[column, row + 1] = rows.text_ends[column, row]
    rows.numbers[MOMENT, row] = rows.numbers[HAS_TIME, row] = 0
    for member in range(len(spans)):
        begin, end, column = spans[member, 0], spans[member, 1], wanted.members[member, COLUMN]
        is_time = wanted.members[member, IS_TIME]
        if begin == _NOT_SEEN or (column == _NONE and not is_time) or text[begin] == ord("n"):
            continue
        if _opens(text, begin):
            return False
        if text[begin] == ord('"'):
            begin, end = begin + 1, end - 1
        if column >= 0:
            to = rows.text_ends[column, row]
            rows.text_ends[column, row + 1] = _write_string(text, begin, end, rows.texts[column], to)
            rows.has_text[column, row] = 1
        if is_time:
            rows.numbers[MOMENT, row] = _moment(text, begin, end, wanted.unit)
            rows.numbers[HAS_TIME, row] = 1
    return bool(rows.numbers[MOMENT, row] != _UNSURE)


@_compiled
def _end_of_event(text: Bytes, at: int, wanted: Wanted, notes: Notes) -> int:
    """Give where the line feed of a line with one object is; _BROKEN where the line is none."""
    for member in range(len(notes.spans)):
        notes.spans[member, 0] = _NOT_SEEN
    at = _find(text, at, wanted, notes) if text[at] == ord("{") else _BROKEN
    if at < 0:
        return _BROKEN
    at = _behind_spaces(text, at)
    return at if text[at] == ord("\n") else _BROKEN


@_compiled
def _hash_of_text(text: Bytes, begin: int, end: int) -> int:
    """Mix bytes as FNV-1a does (RFC 9923), but eight at a time."""
    mixed = _HASH_BEGIN
    for at in range(begin, end, 8):
        eight = _eight(text, at)
        if end - at < 8:
            eight <<= np.uint64(8 * (8 - end + at))
        mixed = (mixed ^ eight) * _HASH_PRIME
        mixed ^= mixed >> np.uint64(32)
    return int(np.int64(mixed))


@_compiled
def _place_of(rows: Rows, row: int) -> int:
    """Give where a row is looked for first."""
    mixed = rows.numbers[SLICE, row]
    for column in range(len(rows.texts)):
        mixed = mixed * 31 + _hash_of_text(
            rows.texts[column], rows.text_ends[column, row], rows.text_ends[column, row + 1]
        )
    return int((mixed ^ mixed >> 17) & (len(rows.places) - 1))


@_compiled
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
        if not _are_same(rows.texts[column], begin, rows.texts[column], at, length):
            return False
    return True


@_compiled
def _shares(rows: Rows, row: int, gap: int) -> bool:
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


@_compiled
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
        Its arrays of texts must have room for as many more bytes as `text` has, and eight.
    others : Others
    notes : Notes

    Returns
    -------
    int
        Where to go on: the beginning of a line, or the end of `text`.
    """
    odd_count, blank_count, row_line_count = 0, 0, 0
    notes.members[:, _STANDS_IN] = _NONE  # they were of another text
    while at < len(text) and row < rows.numbers.shape[1] and odd_count < len(others.odd):
        line = at
        at = _behind_spaces(text, at)
        is_blank = text[at] == ord("\n")
        end = at if is_blank else _end_of_event(text, at, wanted, notes)
        is_odd = end < 0 or end - line > wanted.max_line_bytes
        if is_odd or not (is_blank or _take(text, wanted, notes.spans, rows, row)):
            end = _line_feed(text, line)
            others.odd[odd_count, 0], others.odd[odd_count, 1] = line, end
            odd_count += 1
        elif is_blank:
            blank_count += 1
        else:
            row_line_count += 1
            rows.numbers[LINE_BEGIN, row], rows.numbers[LINE_END, row] = line, end
            if wanted.gap == 0 or not _shares(rows, row, wanted.gap):
                row += 1
        at = end + 1
    others.counts[0], others.counts[1], others.counts[2], others.counts[3] = row, odd_count, blank_count, row_line_count
    return at
