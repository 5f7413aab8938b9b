"""When events happened: how many in each hour, and those whose times cannot be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE

_HOUR = 3_600_000_000
_ANCIENT, _BEYOND = -1, -2  # in place of an hour: there could be one for each event


@dataclass(frozen=True)
class Hours:
    """Events per hour of the years 1990-2099, and those outside.

    Attributes
    ----------
    by_hour : microseconds at which an hour begins, and how many events it has
    ancient_count, future_count : events before 1990, and events later than the moment of the look
    """

    by_hour: Mapping[int, int]
    ancient_count: int
    future_count: int


def of_events(events: DataFrame, now: int) -> Hours:
    """Count events per hour.

    Parameters
    ----------
    events : VALIDATED, without lines set aside
    now : int, microseconds
        Later events are in the future.
    """
    time = F.col("event_time")
    hour = (
        F.when(time < FIRST_PLAUSIBLE, -1).when(time >= END_PLAUSIBLE, -2).otherwise(time - F.pmod(time, F.lit(_HOUR)))
    )
    rows = (
        events.groupBy(hour.alias("hour"))
        .agg(
            F.count(F.lit(1)).alias("event_count"),
            F.sum(F.when(time > now, 1).otherwise(0)).alias("future_count"),
        )
        .collect()
    )
    counts = {row["hour"]: row["event_count"] for row in rows}
    by_hour = {hour: count for hour, count in sorted(counts.items()) if hour >= 0}
    return Hours(by_hour, counts.get(_ANCIENT, 0), sum(row["future_count"] for row in rows))
