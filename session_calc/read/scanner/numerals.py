"""Digits, and the numbers of JSON."""

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.layout import BROKEN, UNSURE, Bytes


@compiled
def end_of_digits(text: Bytes, at: int) -> int:
    while ord("0") <= text[at] <= ord("9"):
        at += 1
    return at


@compiled
def end_of_number(text: Bytes, at: int) -> int:
    if text[at] == ord("-"):
        at += 1
    end = at + 1 if text[at] == ord("0") else end_of_digits(text, at)
    if end == at:
        return BROKEN
    if text[end] == ord("."):
        at = end + 1
        end = end_of_digits(text, at)
        if end == at:
            return BROKEN
    if text[end] == ord("e") or text[end] == ord("E"):
        at = end + 1
        if text[at] == ord("+") or text[at] == ord("-"):
            at += 1
        end = end_of_digits(text, at)
        if end == at:
            return BROKEN
    return end


@compiled
def number_of(text: Bytes, begin: int, end: int) -> int:
    """Give the number of at most 18 digits, and a very small one where they are none."""
    number = 0
    for place in range(begin, end):
        digit = int(text[place]) - ord("0")
        if digit < 0 or digit > 9:
            return UNSURE
        number = number * 10 + digit
    return number


@compiled
def fraction_of(text: Bytes, begin: int, end: int, places: int) -> int:
    """Give the first digits behind a decimal point as a number of so many places."""
    number = 0
    for place in range(begin, begin + places):
        number = number * 10 + (int(text[place]) - ord("0") if place < end else 0)
    return number
