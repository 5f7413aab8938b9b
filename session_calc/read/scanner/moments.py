"""Microseconds since 1970 UTC from numbers and from dates as ISO 8601 spells them."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.layout import ISO_8601, UNSURE, Bytes
from session_calc.read.scanner.numerals import end_of_digits, fraction_of, number_of

_FIRST_MICROSECOND = -62_135_596_800_000_000
_END_MICROSECOND = 253_402_300_800_000_000

_POWERS_OF_TEN = np.array([10**places for places in range(7)])  # a second has a million microseconds
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@compiled
def _moment_of_number(text: Bytes, begin: int, end: int, places: int) -> int:
    """Give the microseconds of a number whose unit has so many decimal places to a microsecond, rounded down."""
    is_negative = text[begin] == ord("-")
    begin += 1 if is_negative else 0
    whole_end = end_of_digits(text, begin)
    digit_count, has_fraction = whole_end - begin, whole_end < end
    if digit_count == 0 or digit_count + places > 18 or (digit_count > 1 and text[begin] == ord("0")):
        return UNSURE
    is_plain_fraction = text[whole_end] == ord(".") and (whole_end + 1 < end == end_of_digits(text, whole_end + 1))
    if has_fraction and (is_negative or not is_plain_fraction):
        return UNSURE
    kept_end = max(begin, whole_end + min(places, 0))
    number, dropped = number_of(text, begin, kept_end), number_of(text, kept_end, whole_end)
    if is_negative:
        number = -number - (1 if dropped > 0 else 0)
    return int(number * _POWERS_OF_TEN[max(places, 0)]) + (
        fraction_of(text, whole_end + 1, end, places) if has_fraction else 0
    )


@compiled
def _days_in(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else int(_DAYS[month])


@compiled
def _days_since_1970(text: Bytes, at: int) -> int:
    """Give the days of a date, YYYY-MM-DD, in the proleptic Gregorian calendar."""
    year, month, day = number_of(text, at, at + 4), number_of(text, at + 5, at + 7), number_of(text, at + 8, at + 10)
    is_date = text[at + 4] == ord("-") and text[at + 7] == ord("-") and year >= 1
    if not is_date or month < 1 or month > 12 or day < 1 or day > _days_in(year, month):
        return UNSURE
    if month <= 2:  # a year that begins in March has its odd day at the end
        year, month = year - 1, month + 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719_469


@compiled
def _minutes(text: Bytes, at: int, gap: int) -> int:
    """Give the minutes of two digits and two, with so many bytes between them; UNSURE beyond 23:59."""
    hour, minute = number_of(text, at, at + 2), number_of(text, at + 2 + gap, at + 4 + gap)
    return hour * 60 + minute if 0 <= hour <= 23 and 0 <= minute <= 59 else UNSURE


@compiled
def _offset(text: Bytes, at: int, end: int) -> int:
    """Give the minutes by which Z, +HH, +HHMM, +HH:MM or nothing is ahead of UTC."""
    if at == end or (text[at] | 0x20 == ord("z") and at + 1 == end):
        return 0
    sign = -1 if text[at] == ord("-") else 1
    is_well_made = (text[at] == ord("+") or sign == -1) and (
        end - at == 3 or end - at == 5 or (end - at == 6 and text[at + 3] == ord(":"))
    )
    if not is_well_made:
        return UNSURE
    if end - at == 3:
        hours = number_of(text, at + 1, end)
        return sign * hours * 60 if 0 <= hours <= 23 else UNSURE
    minutes = _minutes(text, at + 1, end - at - 5)
    return sign * minutes if minutes >= 0 else UNSURE


@compiled
def _seconds(text: Bytes, at: int) -> tuple[int, int]:
    """Give the microseconds of :SS, :SS.f, :SS,f or nothing, UNSURE where they are none, and where they end."""
    if text[at] != ord(":"):
        return 0, at
    second, behind = number_of(text, at + 1, at + 3), at + 3
    if second < 0 or second > 59:
        return UNSURE, at
    if text[behind] != ord(".") and text[behind] != ord(","):
        return second * 1_000_000, behind
    end = end_of_digits(text, behind + 1)
    if end == behind + 1:
        return UNSURE, at
    return second * 1_000_000 + fraction_of(text, behind + 1, end, 6), end


@compiled
def _moment_of_iso_8601(text: Bytes, begin: int, end: int) -> int:
    """Give the microseconds of a date with a time, YYYY-MM-DDTHH:MM and more; behind `end` stands a quote."""
    if end - begin < 16 or text[begin + 13] != ord(":"):
        return UNSURE
    mark = text[begin + 10]
    days, minutes = _days_since_1970(text, begin), _minutes(text, begin + 11, 1)
    microseconds, at = _seconds(text, begin + 16)
    offset = _offset(text, at, end)
    is_known = days != UNSURE and minutes >= 0 and microseconds >= 0 and offset != UNSURE
    if not is_known or not (mark | 0x20 == ord("t") or mark == ord(" ")):
        return UNSURE
    return ((days * 24 * 60 + minutes - offset) * 60) * 1_000_000 + microseconds


@compiled
def moment_of(text: Bytes, begin: int, end: int, unit: int) -> int:
    # a number without quotes is never taken for a date: its digits end before the fifth byte's dash
    is_date = unit == ISO_8601
    moment = _moment_of_iso_8601(text, begin, end) if is_date else _moment_of_number(text, begin, end, unit)
    return moment if _FIRST_MICROSECOND <= moment < _END_MICROSECOND else UNSURE
