"""Count sessions, users and events per group value, and every line set aside, in one grouped result.

Everything is counted inside this one result: accumulators and observations count a retried task twice.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE, numbered


def by_group(marked: DataFrame, group_columns: Sequence[str], gap_count: int) -> DataFrame:
    """Sum up marked slice rows per group key and value.

    Parameters
    ----------
    marked : MARKED
    group_columns : sequence of str
    gap_count : int

    Returns
    -------
    DataFrame : TALLY
        Each group key sees every row, so the rows of one group_number add up to the whole run.
    """
    starts, counts = numbered("starts_session", gap_count), numbered("session_count", gap_count)
    return (
        marked.withColumn("group", _one_row_per_key(group_columns))
        .groupBy(
            "set_aside",
            F.col("group").getField("number").alias("group_number"),
            F.col("group").getField("value").alias("group_value"),
        )
        .agg(
            F.sum("event_count").alias("event_count"),
            F.sum(F.when(_is_plausible(), F.col("event_count")).otherwise(0)).alias("plausible_event_count"),
            _count_true("starts_user").alias("user_count"),
            *[_count_true(start).alias(count) for start, count in zip(starts, counts, strict=True)],
            F.min("first_event_time").alias("first_event_time"),
            F.max("last_event_time").alias("last_event_time"),
        )
    )


def _one_row_per_key(group_columns: Sequence[str]) -> Column:
    groups = [
        F.struct(F.lit(number).alias("number"), F.col(name).alias("value"))
        for number, name in enumerate(group_columns, start=1)
    ]
    # exploding costs a copy of each row: with one key there is nothing to explode
    return groups[0] if len(groups) == 1 else F.explode(F.array(*groups))


def _is_plausible() -> Column:
    return F.col("first_event_time").between(FIRST_PLAUSIBLE, END_PLAUSIBLE - 1)


def _count_true(name: str) -> Column:
    return F.sum(F.col(name).cast("bigint"))
