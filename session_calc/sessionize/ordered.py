"""Sessions by rules that need a user's events one by one: the engine puts them in order, `greedy` tells the sessions.

The order is that of a window function, on purpose: Sail drops a sort before a Python function as of no use, but not
the order in which a window hands on its rows. The row numbers are looked at on the way, so that events in any other
order fail the run.

Events of one user at the very same moment are in this order: a START_EVENT first and an END_EVENT last, then by the
value of EVENT_KEY, then by the fields of SPLIT_ON_CHANGE; what is still alike, by the rest of the event.
"""

from collections.abc import Sequence

from pyspark import cloudpickle
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, IntegerType, LongType, StringType, StructField, StructType

from session_calc.schemas import numbered
from session_calc.sessionize import greedy
from session_calc.sessionize.rules import SessionRules

cloudpickle.register_pickle_by_value(greedy)


def sessions(
    validated: DataFrame,
    user_columns: Sequence[str],
    group_columns: Sequence[str],
    gaps: Sequence[int],
    rules: SessionRules,
) -> DataFrame:
    """Tell sessions event by event.

    Parameters
    ----------
    validated : VALIDATED
        With event_name, change_1 ... change_n and local_day where the rules look at them.
    user_columns, group_columns : sequence of str
    gaps : sequence of int, microseconds
    rules : SessionRules

    Returns
    -------
    DataFrame : SESSIONS
        With one more column, gap_number (1 ... k): the sessions by each gap. One row and more per reason for lines
        set aside, with gap_number 1.
    """
    events = _in_order(validated, user_columns, group_columns, rules)
    shape = greedy.Shape(len(user_columns), len(rules.change_keys), len(group_columns))
    teller = greedy.make_teller(shape, list(gaps), _for_workers(rules))
    text, number = StringType(), LongType()
    types: dict[str, DataType] = {
        "set_aside": text,
        "gap_number": IntegerType(),
        **dict.fromkeys(user_columns, text),
        **dict.fromkeys(["session_number", "same_time_number", "first_event_time", "last_event_time"], number),
        **dict.fromkeys(["event_count", "silence_before"], number),
        "end_reason": text,
        **{f"{which}_{name}": text for which in ("first", "last") for name in group_columns},
    }
    return events.mapInArrow(teller, StructType([StructField(name, kind) for name, kind in types.items()]))


def marked(told: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str], gap_count: int) -> DataFrame:
    """Make MARKED of SESSIONS by several gaps, so that the same sums are drawn from both plans.

    Parameters
    ----------
    told : SESSIONS
        With gap_number.
    user_columns, group_columns : sequence of str
    gap_count : int

    Returns
    -------
    DataFrame : MARKED
        One row per session and gap; the events are counted with the first gap alone.
    """
    is_session, is_first = F.col("set_aside").isNull(), F.col("gap_number") == 1
    return told.select(
        "set_aside",
        *user_columns,
        (is_session & is_first & (F.col("session_number") == 1)).alias("starts_user"),
        *[
            (is_session & (F.col("gap_number") == number)).alias(name)
            for number, name in enumerate(numbered("starts_session", gap_count), start=1)
        ],
        *[F.col(f"first_{name}").alias(name) for name in group_columns],
        "first_event_time",
        "last_event_time",
        F.when(is_first, F.col("event_count")).otherwise(0).alias("event_count"),
    )


def label(validated: DataFrame, user_columns: Sequence[str], gap: int, rules: SessionRules) -> DataFrame:
    """Say of every event in which session it is.

    Parameters
    ----------
    validated : VALIDATED
        With `line`, and with event_name, change_1 ... change_n and local_day where the rules look at them.
    user_columns : sequence of str
    gap : int, microseconds
    rules : SessionRules

    Returns
    -------
    DataFrame : LABELLED
    """
    events = _in_order(validated, user_columns, ["line"], rules)
    shape = greedy.Shape(len(user_columns), len(rules.change_keys), 0)
    labeller = greedy.make_labeller(shape, gap, _for_workers(rules))
    schema = StructType([StructField("set_aside", StringType())])
    for name in user_columns:
        schema = schema.add(name, StringType())
    schema = schema.add("event_time", LongType()).add("line", validated.schema["line"].dataType)
    for name in ("session_number", "same_time_number", "event_number", "first_event_time"):
        schema = schema.add(name, LongType())
    return events.mapInArrow(labeller, schema)


def _in_order(validated: DataFrame, user_columns: Sequence[str], rest: Sequence[str], rules: SessionRules) -> DataFrame:
    there = set(validated.columns)
    change_columns = numbered("change", len(rules.change_keys))
    name = F.col("event_name") if "event_name" in there else F.lit(None).cast("string")
    day = F.col("local_day") if rules.midnight_zone else F.lit(None).cast("bigint")
    events = validated.withColumn("event_name", name).withColumn("local_day", day).withColumn("rank", _rank(rules))
    ranks = [F.col(each).asc_nulls_last() for each in ("event_name", *change_columns)]
    # a struct holds the columns of Parquet, of which some have no order: rows alike in all else may go either way
    ordered = [
        F.col(each).asc_nulls_last() for each in rest if not isinstance(validated.schema[each].dataType, StructType)
    ]
    window = Window.partitionBy("set_aside", *user_columns).orderBy("event_time", "rank", *ranks, *ordered)
    return events.withColumn("place", F.row_number().over(window).cast("bigint")).select(
        "set_aside", *user_columns, "event_time", "place", "event_name", *change_columns, "local_day", *rest
    )


def _rank(rules: SessionRules) -> Column:
    name = F.col("event_name")
    # an empty list of values is no list to every engine
    is_end = name.isin(*rules.end_events) if rules.end_events else F.lit(False)
    is_start = name.isin(*rules.start_events) if rules.start_events else F.lit(False)
    return F.when(is_start, F.lit(0)).when(is_end, F.lit(2)).otherwise(F.lit(1))


def _for_workers(rules: SessionRules) -> greedy.Rules:
    return greedy.Rules(
        rules.gap_rule == "reach",
        rules.max_duration,
        rules.max_events,
        rules.change_keys,
        rules.start_events,
        rules.end_events,
        bool(rules.midnight_zone),
    )
