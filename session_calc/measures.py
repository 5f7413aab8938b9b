"""Measures of sessions: how many, how long, how many events, by group value, user, hour, day and over all."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.days import local_day, local_hour
from session_calc.schemas import DAY, END_PLAUSIBLE, FIRST_PLAUSIBLE, GROUP, HOUR, OVERALL, USER

SET_ASIDE = "set_aside"


def measure(
    sessions: DataFrame,
    user_columns: Sequence[str],
    group_keys: Mapping[str, str],
    dimensions: Sequence[str],
    timezone: str,
) -> DataFrame:
    """Measure sessions by each value of each dimension. All numbers are exact, percentiles too.

    Parameters
    ----------
    sessions : SESSIONS
    user_columns : sequence of str
    group_keys : mapping
        The group columns (group_1 ...) and the keys whose names their dimensions get.
    dimensions : sequence of {'overall', 'group', 'user', 'hour', 'day'}
    timezone : str
        Whose clock tells a session's hour and day: those of its first event.

    Returns
    -------
    DataFrame : MEASURED
    """
    first, last = F.col("first_event_time"), F.col("last_event_time")
    user = _text_of_users(user_columns)
    by_kind: dict[str, list[Column]] = {
        OVERALL: [_place(OVERALL, F.lit(None).cast("string"))],
        GROUP: [_place(f"{GROUP}:{key}", F.col(f"first_{name}")) for name, key in group_keys.items()],
        USER: [_place(USER, user)],
        HOUR: [_place(HOUR, local_hour(first, timezone).cast("string"))],
        DAY: [_place(DAY, local_day(first, timezone).cast("string"))],
    }
    # the whole is always measured: the ledger is held against it
    wanted = [place for kind in dict.fromkeys([OVERALL, *dimensions]) for place in by_kind[kind]]
    places = F.when(F.col("set_aside").isNull(), F.array(*wanted)).otherwise(
        F.array(_place(SET_ASIDE, F.col("set_aside")))
    )
    is_session, duration = F.col("set_aside").isNull(), last - first
    return (
        sessions.select(
            F.explode(places).alias("place"),
            F.when(is_session, user).alias("user"),
            is_session.cast("bigint").alias("session"),
            duration.alias("duration"),
            "event_count",
            "first_event_time",
            "last_event_time",
        )
        .groupBy(
            F.col("place").getField("dimension").alias("dimension"), F.col("place").getField("value").alias("value")
        )
        .agg(
            F.sum("session").alias("session_count"),
            F.count_distinct("user").alias("user_count"),
            F.sum("event_count").alias("event_count"),
            F.sum((F.col("event_count") == 1).cast("bigint") * F.col("session")).alias("bounce_count"),
            F.sum("duration").alias("duration_sum"),
            F.percentile("duration", F.lit(0.5)).alias("duration_median"),
            F.percentile("duration", F.lit(0.95)).alias("duration_p95"),
            F.max("duration").alias("duration_max"),
            F.sum(F.when(_is_plausible(), F.col("event_count")).otherwise(0)).alias("plausible_event_count"),
            F.min("first_event_time").alias("first_event_time"),
            F.max("last_event_time").alias("last_event_time"),
        )
    )


def _is_plausible() -> Column:
    return F.col("first_event_time").between(FIRST_PLAUSIBLE, END_PLAUSIBLE - 1)


def _place(dimension: str, value: Column) -> Column:
    return F.struct(F.lit(dimension).alias("dimension"), value.alias("value"))


def _text_of_users(user_columns: Sequence[str]) -> Column:
    if len(user_columns) == 1:
        return F.col(user_columns[0])
    return F.to_json(F.array(*user_columns))
