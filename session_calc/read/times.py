"""Turn the plain spellings of a time into microseconds; `patterns.plain_time` says which are plain."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from session_calc.read.judge import END_MICROSECOND, FIRST_MICROSECOND

_FACTORS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def from_plain_text(text: Column, unit: str) -> Column:
    """Give event_time for a plain time's text; null outside the years 1-9999."""
    if unit == "iso8601":
        return F.unix_micros(F.try_to_timestamp(text))
    return from_whole_number(text.cast("bigint"), unit)


def from_whole_number(number: Column, unit: str) -> Column:
    """Give event_time for a whole number of the unit; null outside the years 1-9999."""
    moment = _thousandth_down(number) if unit == "ns" else number * _FACTORS[unit]
    return F.when((moment >= FIRST_MICROSECOND) & (moment < END_MICROSECOND), moment)


def _thousandth_down(number: Column) -> Column:
    # Spark divides bigints through a double, which loses digits; dropping three digits does not
    digits = (number - F.pmod(number, F.lit(1000))).cast("string")
    return F.when(F.length(digits) <= 3, F.lit(0)).otherwise(
        digits.substr(F.lit(1), F.length(digits) - 3).cast("bigint")
    )
