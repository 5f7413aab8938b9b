"""Sessions from slices: fold a user's events per stretch of time first, and only then put anything in order.

A slice is the event time rounded down to a multiple of the gap. Two events of one user in one slice are less than
a gap apart, so no session begins inside a slice other than at its first event. Folding is a hash aggregate with a
partial step before the shuffle: a user with a billion events becomes one row per slice and input partition.

Slices merge (min, max, sum), so a saved SLICES frame and a new one can be united and folded again.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from session_calc.schemas import numbered

GAP_RULES = ("longer", "reach")


def by_user(validated: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], gap: int) -> DataFrame:
    """Fold events to slices.

    Parameters
    ----------
    validated : VALIDATED
    user_columns, group_columns : sequence of str
    gap : int, microseconds
        The smallest gap that sessions will be told by.

    Returns
    -------
    DataFrame : SLICES
        One row per user, slice and combination of group values; one row per reason for lines set aside.
    """
    event_time = F.col("event_time")
    # pmod, not division: a double cannot hold the microseconds of every year
    slice_start = (event_time - F.pmod(event_time, F.lit(gap))).alias("slice_start")
    return validated.groupBy("set_aside", *user_columns, slice_start, *group_columns).agg(
        F.min(event_time).alias("first_event_time"),
        F.max(event_time).alias("last_event_time"),
        F.count(F.lit(1)).alias("event_count"),
    )


def mark_sessions(
    slices: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], gaps: Sequence[int], gap_rule: str
) -> DataFrame:
    """Mark the slice rows at which a session begins, and give them the session's group values.

    A session begins where the silence since the latest of all the user's earlier events is longer than the gap
    (`longer`; a silence of exactly the gap does not) or as long or longer (`reach`). The running maximum is needed,
    and lag is not enough: rows of one slice with other group values overlap in time.

    A session's group value is that of its first event. Of several events at that very moment the smallest value
    wins, null last; each group key for itself, so that no key's answer depends on which others are counted.

    Parameters
    ----------
    slices : SLICES
    user_columns, group_columns : sequence of str
    gaps : sequence of int, microseconds
        None smaller than the gap of the slices.
    gap_rule : {'longer', 'reach'}

    Returns
    -------
    DataFrame : MARKED
        As many rows as came in.
    """
    is_event = F.col("set_aside").isNull()
    by_time = Window.partitionBy("set_aside", *user_columns).orderBy(
        "first_event_time", *[F.col(name).asc_nulls_last() for name in group_columns]
    )
    earlier = by_time.rowsBetween(Window.unboundedPreceding, -1)
    with_silence = slices.withColumn(
        "silence", F.col("first_event_time") - F.max("last_event_time").over(earlier)
    ).select("*", *_values_at_first_time(user_columns, group_columns))
    starts_user = is_event & F.col("silence").isNull()
    starts = [
        (starts_user | (is_event & _is_over(F.col("silence"), gap, gap_rule))).alias(name)
        for name, gap in zip(numbered("starts_session", len(gaps)), gaps, strict=True)
    ]
    return with_silence.select(
        "set_aside",
        *user_columns,
        starts_user.alias("starts_user"),
        *starts,
        *[F.col(f"first_{name}").alias(name) for name in group_columns],
        "first_event_time",
        "last_event_time",
        "event_count",
    )


def _values_at_first_time(user_columns: Sequence[str], group_columns: Sequence[str]) -> list[Column]:
    if len(group_columns) == 1:  # the order of the rows has put the smallest value of a tie first already
        return [F.col(group_columns[0]).alias(f"first_{group_columns[0]}")]
    at_same_time = Window.partitionBy("set_aside", *user_columns, "first_event_time")
    return [F.min(name).over(at_same_time).alias(f"first_{name}") for name in group_columns]


def _is_over(silence: Column, gap: int, gap_rule: str) -> Column:
    return F.coalesce(silence > gap if gap_rule == "longer" else silence >= gap, F.lit(False))
