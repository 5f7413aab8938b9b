"""How long sessions are, of how many events, when they begin, and how many have more than one value of a group key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from session_calc.classes import LONGER_STILL, STEPS
from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE

_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_NO_HOUR = -1  # outside 1990-2099 there could be an hour for each session
_DURATION, _EVENTS, _HOUR_OF_START, _VALUES = range(4)
# classes of a group key's values within one session, or within one user
_SEVERAL, _SOME_MISSING = 2, 1


@dataclass(frozen=True)
class Distributions:
    """What the sessions of one gap look like.

    Attributes
    ----------
    by_duration : seconds, rounded up as STEPS say, and how many sessions are as long; 0: one moment
    by_event_count : events, and how many sessions have as many
    by_hour : microseconds at which an hour of the years 1990-2099 begins, and how many sessions begin in it
    several_values, some_missing : per group key, sessions with more than one value, and with and without one
    """

    by_duration: Mapping[int, int]
    by_event_count: Mapping[int, int]
    by_hour: Mapping[int, int]
    several_values: tuple[int, ...] = ()
    some_missing: tuple[int, ...] = ()


def of_sessions(sessions: DataFrame, group_columns: Sequence[str] = ()) -> Distributions:
    """Count sessions by what they look like, in one grouped result.

    Parameters
    ----------
    sessions : SESSIONS, or what `with_values` gives
        Without lines set aside.
    group_columns : sequence of str
        Whose values are looked at; for `with_values` alone.
    """
    first, last = F.col("first_event_time"), F.col("last_event_time")
    is_plausible = first.between(FIRST_PLAUSIBLE, END_PLAUSIBLE - 1)
    # posexplode of plain numbers: Sail 0.7.2 fails where structs with and without nulls meet in one array
    facts = [
        rounded_up(last - first),
        F.col("event_count"),
        F.when(is_plausible, first - F.pmod(first, F.lit(_HOUR))).otherwise(_NO_HOUR),
        *[class_of_values(name, F.col("event_count")) for name in group_columns],
    ]
    rows = (
        sessions.select(F.posexplode(F.array(*facts)).alias("fact", "value"))
        .groupBy("fact", "value")
        .agg(F.count(F.lit(1)).alias("session_count"))
        .collect()
    )
    return _from_rows(rows, len(group_columns))


def rounded_up(length: Column) -> Column:
    """Round a length of time in microseconds up to seconds, as finely as STEPS say; never a division of bigints."""
    return _rounded(length, lambda step: length + F.pmod(-length, F.lit(step)))


def rounded_down(length: Column) -> Column:
    """Round a length of time in microseconds down to seconds, as finely as STEPS say."""
    return _rounded(length, lambda step: length - F.pmod(length, F.lit(step)))


def _rounded(length: Column, to_step: Any) -> Column:
    found = F.when(length.isNull(), F.lit(None).cast("bigint"))
    for longest, step in STEPS:
        found = found.when(length <= longest * _SECOND, to_step(step * _SECOND))
    return found.otherwise(F.lit(LONGER_STILL * _SECOND))


def value_sums(group_columns: Sequence[str]) -> list[Column]:
    """Aggregate what `class_of_values` needs of each group key, over events or slices of an `event_count`."""
    return [
        column
        for name in group_columns
        for column in (
            F.min(name).alias(f"least_{name}"),
            F.max(name).alias(f"most_{name}"),
            F.sum(F.when(F.col(name).isNotNull(), F.col("event_count")).otherwise(0)).alias(f"with_{name}"),
        )
    ]


def class_of_values(name: str, event_count: Column) -> Column:
    """Tell by two bits whether there are several values, and whether some events have one and others none."""
    is_several = F.col(f"least_{name}") < F.col(f"most_{name}")
    is_mixed = (F.col(f"with_{name}") > 0) & (F.col(f"with_{name}") < event_count)
    return (F.when(is_several, _SEVERAL).otherwise(0) + F.when(is_mixed, _SOME_MISSING).otherwise(0)).cast("bigint")


def count_classes(counts: Mapping[int, int]) -> tuple[int, int]:
    """Sum up how many have several values, and how many have some and lack some."""
    several = sum(count for bits, count in counts.items() if bits & _SEVERAL)
    return several, sum(count for bits, count in counts.items() if bits & _SOME_MISSING)


def with_values(
    slices: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], gap: int, gap_rule: str
) -> DataFrame:
    """Put the sessions of SLICES together, with what is needed to tell whether their group values differ.

    Parameters
    ----------
    slices : SLICES
        Cut by this gap or a smaller one.
    user_columns, group_columns : sequence of str
    gap : int, microseconds
    gap_rule : {'longer', 'reach'}
    """
    by_time = Window.partitionBy(*user_columns).orderBy(
        "first_event_time", *[F.col(name).asc_nulls_last() for name in group_columns]
    )
    earlier, so_far = (
        by_time.rowsBetween(Window.unboundedPreceding, -1),
        by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow),
    )
    silence = F.col("first_event_time") - F.max("last_event_time").over(earlier)
    is_over = silence > gap if gap_rule == "longer" else silence >= gap
    return (
        slices.where(F.col("set_aside").isNull())
        .withColumn("starts_session", F.when(is_over, 1).otherwise(0))
        .withColumn("session_number", F.sum("starts_session").over(so_far))
        .groupBy(*user_columns, "session_number")
        .agg(
            F.min("first_event_time").alias("first_event_time"),
            F.max("last_event_time").alias("last_event_time"),
            *value_sums(group_columns),
            F.sum("event_count").alias("event_count"),
        )
    )


def _from_rows(rows: Iterable[Any], key_count: int) -> Distributions:
    counts: dict[int, dict[int, int]] = {fact: {} for fact in range(_VALUES + key_count)}
    for row in rows:
        counts[row["fact"]][row["value"]] = row["session_count"]
    classes = [count_classes(counts[_VALUES + place]) for place in range(key_count)]
    return Distributions(
        {length // _SECOND: count for length, count in sorted(counts[_DURATION].items())},
        dict(sorted(counts[_EVENTS].items())),
        {hour: count for hour, count in sorted(counts[_HOUR_OF_START].items()) if hour != _NO_HOUR},
        tuple(several for several, _ in classes),
        tuple(mixed for _, mixed in classes),
    )
