"""Which lines are events, and why the others are not: one Column per rule, and two ways a line can go."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.schemas import EXCLUDED, INVALID_TIMESTAMP, MISSING_TIMESTAMP, MISSING_USER, Fields


def by_rules(parsed: DataFrame, fields: Fields, exclude_events: Sequence[str] = ()) -> DataFrame:
    """Set aside every line that is no usable event, with the first reason that holds.

    Parameters
    ----------
    parsed : PARSED
    fields : Fields
    exclude_events : sequence of str
        Events of these names are left out: set aside as `excluded`, which is no reject.

    Returns
    -------
    DataFrame : VALIDATED
        As many rows as came in. Where set_aside is not null all other columns but event_count are null, so that such
        rows fold into one per reason.
    """
    set_aside = F.coalesce(F.col("line_problem"), _missing_user(fields), _missing_timestamp(), _invalid_timestamp())
    if exclude_events:
        set_aside = F.coalesce(set_aside, F.when(F.col("event_name").isin(*exclude_events), F.lit(EXCLUDED)))
    marked = parsed.withColumn("set_aside", set_aside)
    is_event = F.col("set_aside").isNull()
    kept = [*fields.user_columns, "event_time", *fields.group_columns, *fields.rule_columns]
    kept += [name for name in ("line", "last_event_time") if name in parsed.columns]
    counted = [name for name in ("event_count",) if name in parsed.columns]
    return marked.select("set_aside", *[F.when(is_event, F.col(name)).alias(name) for name in kept], *counted)


def _missing_user(fields: Fields) -> Column:
    is_missing = [F.col(name).isNull() | (F.col(name) == "") for name in fields.user_columns]
    return F.when(reduce(Column.__or__, is_missing), F.lit(MISSING_USER))


def _missing_timestamp() -> Column:
    return F.when(~F.col("has_timestamp"), F.lit(MISSING_TIMESTAMP))


def _invalid_timestamp() -> Column:
    return F.when(F.col("event_time").isNull(), F.lit(INVALID_TIMESTAMP))
