"""Sessions from slices: fold a user's events per stretch of time first, and only then put anything in order.

A slice is the event time rounded down to a multiple of the gap. Two events of one user in one slice are less than
a gap apart, so no session begins inside a slice other than at its first event. Folding is a hash aggregate with a
partial step before the shuffle: a user with a billion events becomes one row per slice and input partition. A slice
is parted further at the steps of a cut column, such as the day, for a session begins there as well.

Slices merge (min, max, sum), so a saved SLICES frame and a new one can be united and folded again.
"""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from session_calc.schemas import numbered
from session_calc.sessionize.rules import END_OF_DATA, MIDNIGHT, SILENCE

GAP_RULES = ("longer", "reach")


def by_user(
    validated: DataFrame,
    user_columns: Sequence[str],
    group_columns: Sequence[str],
    gap: int,
    cut_columns: Sequence[str] = (),
) -> DataFrame:
    """Fold events to slices.

    Parameters
    ----------
    validated : VALIDATED
        Rows that were folded by this gap, or a smaller one, are folded on.
    user_columns, group_columns : sequence of str
    gap : int, microseconds
        The smallest gap that sessions will be told by.
    cut_columns : sequence of str
        Columns that never fall with time, and at whose steps sessions are cut.

    Returns
    -------
    DataFrame : SLICES
        One row per user, slice and combination of group values; one row per reason for lines set aside.
    """
    event_time = F.col("event_time")
    is_folded = "event_count" in validated.columns
    # pmod, not division: a double cannot hold the microseconds of every year
    slice_start = (event_time - F.pmod(event_time, F.lit(gap))).alias("slice_start")
    return validated.groupBy("set_aside", *user_columns, slice_start, *cut_columns, *group_columns).agg(
        F.min(event_time).alias("first_event_time"),
        F.max("last_event_time" if is_folded else event_time).alias("last_event_time"),
        (F.sum("event_count") if is_folded else F.count(F.lit(1))).alias("event_count"),
    )


def mark_sessions(
    slices: DataFrame,
    user_columns: Sequence[str],
    group_columns: Sequence[str],
    gaps: Sequence[int],
    gap_rule: str,
    cut_columns: Sequence[str] = (),
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
    cut_columns : sequence of str
        As the slices were folded by.

    Returns
    -------
    DataFrame : MARKED
        Of several group columns, what begins at one moment of a user is one row.
    """
    if len(group_columns) > 1:  # of one, the order of the rows puts the smallest value of a tie first already
        slices = _one_row_per_first_time(slices, user_columns, group_columns, cut_columns)
    with_silence = _with_silence(slices, user_columns, group_columns, cut_columns)
    starts = [
        _starts_session(gap, gap_rule).alias(name)
        for name, gap in zip(numbered("starts_session", len(gaps)), gaps, strict=True)
    ]
    return with_silence.select(
        "set_aside",
        *user_columns,
        _starts_user().alias("starts_user"),
        *starts,
        *group_columns,
        "first_event_time",
        "last_event_time",
        "event_count",
    )


def sessions(
    slices: DataFrame,
    user_columns: Sequence[str],
    group_columns: Sequence[str],
    gap: int,
    gap_rule: str,
    cut_columns: Sequence[str] = (),
    with_last_values: bool = False,
) -> DataFrame:
    """Put slices together to sessions.

    Parameters
    ----------
    slices, user_columns, group_columns, gap, gap_rule, cut_columns
        As for `mark_sessions`.
    with_last_values : bool
        Look for the last values too; the columns are not there otherwise.

    Returns
    -------
    DataFrame : SESSIONS
        One row per session; one row per reason for lines set aside.
    """
    so_far = _by_time(user_columns, group_columns).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    number = F.sum(F.col("starts_session").cast("bigint")).over(so_far)
    start_reason = F.when(_is_over(F.col("silence"), gap, gap_rule), F.lit(SILENCE)).otherwise(F.lit(MIDNIGHT))
    rows = (
        _with_silence(slices, user_columns, group_columns, cut_columns)
        .select("*", *_values_at_first_time(user_columns, group_columns))
        .withColumn("starts_session", _starts_session(gap, gap_rule))
        .withColumn("session_number", number)
    )
    firsts = {name: F.when(F.col("starts_session"), F.col(name)) for name in _named("first", group_columns)}
    lasts: dict[str, Column] = {}
    if with_last_values:
        of_session = Window.partitionBy("set_aside", *user_columns, "session_number")
        rows = rows.withColumn("is_last", F.col("last_event_time") == F.max("last_event_time").over(of_session))
        lasts = {f"last_{name}": F.when(F.col("is_last"), F.col(name)) for name in group_columns}
    told = rows.groupBy("set_aside", *user_columns, "session_number").agg(
        F.min("first_event_time").alias("first_event_time"),
        F.max("last_event_time").alias("last_event_time"),
        F.sum("event_count").alias("event_count"),
        F.max(F.when(F.col("starts_session"), F.col("silence"))).alias("silence_before"),
        F.max(F.when(F.col("starts_session"), start_reason)).alias("start_reason"),
        *[F.min(value).alias(name) for name, value in {**firsts, **lasts}.items()],
    )
    by_number = Window.partitionBy("set_aside", *user_columns).orderBy("session_number")
    return told.select(
        "set_aside",
        *user_columns,
        "session_number",
        F.lit(0).cast("bigint").alias("same_time_number"),
        "first_event_time",
        "last_event_time",
        "event_count",
        "silence_before",
        F.coalesce(F.lead("start_reason").over(by_number), F.lit(END_OF_DATA)).alias("end_reason"),
        *firsts,
        *lasts,
    )


def _one_row_per_first_time(
    slices: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], cut_columns: Sequence[str]
) -> DataFrame:
    # none but the first of them could begin a session, and a window for each value takes much longer
    return slices.groupBy("set_aside", *user_columns, "first_event_time", *cut_columns).agg(
        *[F.min(name).alias(name) for name in group_columns],
        F.max("last_event_time").alias("last_event_time"),
        F.sum("event_count").alias("event_count"),
    )


def _named(which: str, group_columns: Sequence[str]) -> list[str]:
    return [f"{which}_{name}" for name in group_columns]


def _by_time(user_columns: Sequence[str], group_columns: Sequence[str]) -> WindowSpec:
    return Window.partitionBy("set_aside", *user_columns).orderBy(
        "first_event_time", *[F.col(name).asc_nulls_last() for name in group_columns]
    )


def _with_silence(
    slices: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], cut_columns: Sequence[str]
) -> DataFrame:
    earlier = _by_time(user_columns, group_columns).rowsBetween(Window.unboundedPreceding, -1)
    steps = [F.col(name) > F.max(name).over(earlier) for name in cut_columns]
    is_cut = F.coalesce(reduce(Column.__or__, steps, F.lit(False)), F.lit(False))
    return slices.withColumn("silence", F.col("first_event_time") - F.max("last_event_time").over(earlier)).withColumn(
        "is_cut", is_cut
    )


def _starts_user() -> Column:
    return F.col("set_aside").isNull() & F.col("silence").isNull()


def _starts_session(gap: int, gap_rule: str) -> Column:
    is_event = F.col("set_aside").isNull()
    return is_event & (F.col("silence").isNull() | _is_over(F.col("silence"), gap, gap_rule) | F.col("is_cut"))


def _values_at_first_time(user_columns: Sequence[str], group_columns: Sequence[str]) -> list[Column]:
    if len(group_columns) == 1:  # the order of the rows has put the smallest value of a tie first already
        return [F.col(group_columns[0]).alias(f"first_{group_columns[0]}")]
    # of the same partitions as the other windows, so that no engine shuffles and sorts anew
    at_same_time = (
        Window.partitionBy("set_aside", *user_columns)
        .orderBy("first_event_time")
        .rangeBetween(Window.currentRow, Window.currentRow)
    )
    return [F.min(name).over(at_same_time).alias(f"first_{name}") for name in group_columns]


def _is_over(silence: Column, gap: int, gap_rule: str) -> Column:
    return F.coalesce(silence > gap if gap_rule == "longer" else silence >= gap, F.lit(False))
