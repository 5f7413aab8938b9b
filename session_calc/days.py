"""The calendar day of a moment, where the user's clock hangs."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_DAY = 86_400_000_000  # microseconds
_HOUR = 3_600_000_000


def with_local_day(validated: DataFrame, timezone: str) -> DataFrame:
    """Add the column local_day (bigint, days since 1970-01-01) to VALIDATED; no time zone: add nothing."""
    return validated.withColumn("local_day", local_day(F.col("event_time"), timezone)) if timezone else validated


def local_day(moment: Column, timezone: str) -> Column:
    """Give the day in a time zone, as days since 1970-01-01, of a moment in microseconds."""
    return _floor(local_time(moment, timezone), _DAY)


def local_hour(moment: Column, timezone: str) -> Column:
    """Give the hour in a time zone, as hours since 1970-01-01 of its clock, of a moment in microseconds."""
    return _floor(local_time(moment, timezone), _HOUR)


def local_time(moment: Column, timezone: str) -> Column:
    """Give what the clock of a time zone shows, in microseconds since its 1970-01-01T00:00."""
    if timezone == "UTC":
        return moment
    return F.unix_micros(F.from_utc_timestamp(F.timestamp_micros(moment), timezone))


def _floor(moment: Column, unit: int) -> Column:
    # Spark divides bigints through a double; of a multiple of the unit the quotient is whole, and small enough for one
    return ((moment - F.pmod(moment, F.lit(unit))) / F.lit(unit)).cast("bigint")
