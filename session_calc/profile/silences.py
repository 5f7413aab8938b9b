"""How long users are silent between two events: counted by length, from which the sessions of every gap follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Row, Window, WindowSpec
from pyspark.sql import functions as F

from session_calc.distributions import rounded_down, rounded_up

_SECOND = 1_000_000
ROWS_IN_ORDER = 5_000_000  # at a time, on an engine that holds them in memory: half a gigabyte


@dataclass(frozen=True)
class Silences:
    """How often users were silent for how long.

    Attributes
    ----------
    by_length : seconds, and how many silences there are of that length, rounded as GAP_RULE asks: a silence ends a
        session of any gap of `classes.STEPS` exactly where its rounded length does
    same_moment_count : events at the very moment of another event of the user
    duplicate_count : of these, events with the same group values as well
    """

    by_length: Mapping[int, int]
    same_moment_count: int
    duplicate_count: int


def of_events(
    events: DataFrame,
    user_columns: Sequence[str],
    group_columns: Sequence[str],
    gap_rule: str,
    *,
    user_count: int,
    part_count: int,
) -> Silences:
    """Count the silences between each user's events, put in order of time.

    Parameters
    ----------
    events : VALIDATED, without lines set aside
    user_columns, group_columns : sequence of str
    gap_rule : {'longer', 'reach'}
    user_count : int
        Numbers that stand in for users are put in order in a third of the time and memory of texts. Where two users
        have the same number, it shows in this count, and the texts are taken.
    part_count : int
        In how many parts of the users, one after the other.
    """
    number = F.xxhash64(*user_columns)
    numbered = events.select(number.alias("user_number"), "event_time", *group_columns)
    who = ["user_number"]
    if numbered.select("user_number").distinct().count() != user_count:
        who = list(user_columns)
        numbered = events.select(number.alias("user_number"), *user_columns, "event_time", *group_columns)
    by_length: dict[int, int] = {}
    same_moment_count = duplicate_count = 0
    for part in range(part_count):
        its_events = numbered.where(F.pmod("user_number", F.lit(part_count)) == part) if part_count > 1 else numbered
        for row in _rows(its_events, who, group_columns, gap_rule):
            if row["length"] is not None:
                length = row["length"] // _SECOND
                by_length[length] = by_length.get(length, 0) + row["silence_count"]
            same_moment_count += row["silence_count"] * row["is_same_moment"]
            duplicate_count += row["silence_count"] * row["is_duplicate"]
    return Silences(dict(sorted(by_length.items())), same_moment_count, duplicate_count)


def _rows(events: DataFrame, who: Sequence[str], group_columns: Sequence[str], gap_rule: str) -> list[Row]:
    by_time = Window.partitionBy(*who).orderBy("event_time", "values_number")
    silence = F.col("silence")
    is_same_moment = F.coalesce(silence == 0, F.lit(False))
    return (
        events.withColumn("values_number", F.xxhash64(*group_columns))
        .select(
            (F.col("event_time") - F.lag("event_time").over(by_time)).alias("silence"),
            _is_as_before(group_columns, by_time).alias("is_as_before"),
        )
        .groupBy(
            (rounded_up(silence) if gap_rule == "longer" else rounded_down(silence)).alias("length"),
            is_same_moment.cast("int").alias("is_same_moment"),
            (is_same_moment & F.col("is_as_before")).cast("int").alias("is_duplicate"),
        )
        .agg(F.count(F.lit(1)).alias("silence_count"))
        .collect()
    )


def _is_as_before(group_columns: Sequence[str], by_time: WindowSpec) -> Column:
    found = F.lit(True)
    for name in group_columns:
        found &= F.col(name).eqNullSafe(F.lag(name).over(by_time))
    return found
