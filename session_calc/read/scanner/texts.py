"""Strings of JSON: where they end, and what they say."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.eights import BACKSLASHES, ONES, TOPS, behind_plain, eight_at
from session_calc.read.scanner.layout import BROKEN, Bytes

_ESCAPED = np.array([dict(zip(b'"\\/bfnrt', b'"\\/\b\f\n\r\t', strict=True)).get(byte, 0) for byte in range(256)])
_HEX = np.array([int(chr(byte), 16) if byte in b"0123456789abcdefABCDEF" else -1 for byte in range(256)])


@compiled
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


@compiled
def _code_unit(text: Bytes, at: int) -> int:
    r"""Give the code unit of four hexadecimal digits, -1 where they are none."""
    unit = 0
    for place in range(at, at + 4):
        digit = _HEX[text[place]]
        if digit < 0:
            return BROKEN
        unit = unit << 4 | digit
    return unit


@compiled
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


@compiled
def end_of_string(text: Bytes, at: int) -> int:
    """Give where the closing quote stands, -1 where the string is broken; `at` is behind the opening one."""
    while True:
        at = behind_plain(text, at)
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
            return BROKEN
        at += width


@compiled
def end_of_name(text: Bytes, at: int) -> int:
    """Do as `end_of_string`, but take an escape for broken: an escaped name may be a wanted one."""
    while True:
        at = behind_plain(text, at)
        if text[at] == ord('"'):
            return at
        width = _width_of_character(text, at) if text[at] >= 0x80 else 0
        if width == 0:
            return BROKEN
        at += width


@compiled
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


@compiled
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


@compiled
def write_string(text: Bytes, begin: int, end: int, target: Bytes, to: int) -> int:
    """Copy what stands between the quotes of a string that is not broken; give where the copy ends."""
    at = begin
    while at < end:
        eight = eight_at(text, at)
        bare = eight ^ BACKSLASHES
        if (bare - ONES) & ~bare & TOPS != 0:
            return _write_escaped(text, at, end, target, to)
        for place in range(8):  # one store, once compiled
            target[np.uint64(to) + np.uint64(place)] = eight >> np.uint64(8 * place) & np.uint64(0xFF)
        at += 8
        to += 8
    return to + end - at
