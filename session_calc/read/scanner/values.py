"""Pass over values of JSON, and prove them on the way."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.layout import BROKEN, Bytes
from session_calc.read.scanner.numerals import end_of_number
from session_calc.read.scanner.texts import end_of_name, end_of_string

_MOST_NESTING = 60  # the bits of one number say which are arrays
_IS_SPACE = np.array([byte in b" \t\r" for byte in range(256)])


@compiled
def behind_spaces(text: Bytes, at: int) -> int:
    while text[at] <= ord(" ") and _IS_SPACE[text[at]]:
        at += 1
    return at


@compiled
def line_feed_from(text: Bytes, at: int) -> int:
    while text[at] != ord("\n"):
        at += 1
    return at


@compiled
def _end_of_word(text: Bytes, at: int) -> int:
    """Give the end of `true`, `false` or `null`."""
    if text[at] == ord("t"):
        is_it = text[at + 1] == ord("r") and text[at + 2] == ord("u") and text[at + 3] == ord("e")
        return at + 4 if is_it else BROKEN
    if text[at] == ord("n"):
        is_it = text[at + 1] == ord("u") and text[at + 2] == ord("l") and text[at + 3] == ord("l")
        return at + 4 if is_it else BROKEN
    is_it = text[at] == ord("f") and text[at + 1] == ord("a") and text[at + 2] == ord("l")
    return at + 5 if is_it and text[at + 3] == ord("s") and text[at + 4] == ord("e") else BROKEN


@compiled
def _behind_colon(text: Bytes, at: int) -> int:
    at = behind_spaces(text, at)
    return behind_spaces(text, at + 1) if text[at] == ord(":") else BROKEN


@compiled
def _behind_scalar(text: Bytes, at: int) -> int:
    if text[at] == ord('"'):
        end = end_of_string(text, at + 1)
        return end + 1 if end >= 0 else BROKEN
    if text[at] == ord("-") or ord("0") <= text[at] <= ord("9"):
        return end_of_number(text, at)
    return _end_of_word(text, at)


@compiled
def opens(text: Bytes, at: int) -> bool:
    return bool(text[at] == ord("{") or text[at] == ord("["))


@compiled
def _behind_comma(text: Bytes, at: int, is_first: bool) -> int:
    """Pass over the comma before a member or an element that is not the first."""
    if is_first:
        return at
    return behind_spaces(text, at + 1) if text[at] == ord(",") else BROKEN


@compiled
def next_member(text: Bytes, at: int, is_first: bool) -> tuple[int, int, int]:
    """Give where the name begins and ends, and where the value is; that is BROKEN where there is no member."""
    begin = _behind_comma(text, at, is_first)
    if begin < 0 or text[begin] != ord('"'):
        return BROKEN, BROKEN, BROKEN
    end = end_of_name(text, begin + 1)
    return begin + 1, end, _behind_colon(text, end + 1) if end >= 0 else BROKEN


@compiled
def _next_value(text: Bytes, at: int, is_first: bool, is_named: bool) -> int:
    return next_member(text, at, is_first)[2] if is_named else _behind_comma(text, at, is_first)


@compiled
def _behind_container(text: Bytes, at: int) -> int:
    """Pass over an object or an array of which nothing is wanted."""
    depth, is_first = 1, True
    arrays = 1 if text[at] == ord("[") else 0  # a bit for each container around, the innermost last
    at = behind_spaces(text, at + 1)
    while True:
        if text[at] == (ord("]") if arrays & 1 else ord("}")):
            depth, arrays, is_first = depth - 1, arrays >> 1, False
            at += 1
            if depth == 0:
                return at
        else:
            at = _next_value(text, at, is_first, not arrays & 1)
            is_first = at >= 0 and opens(text, at)
            if is_first:
                depth, arrays = depth + 1, arrays << 1 | (1 if text[at] == ord("[") else 0)
                at = at + 1 if depth <= _MOST_NESTING else BROKEN
            elif at >= 0:
                at = _behind_scalar(text, at)
            if at < 0:
                return BROKEN
        at = behind_spaces(text, at)


@compiled
def behind_value(text: Bytes, at: int) -> int:
    return _behind_container(text, at) if opens(text, at) else _behind_scalar(text, at)
