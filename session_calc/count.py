"""Count sessions, users and events per group value, and every line set aside, in one grouped result.

Everything is counted inside this one result: accumulators and observations count a retried task twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE, numbered

_KEYS = ("group_number", "set_aside", "group_value")


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
    sums = _sums(gap_count)
    if len(group_columns) > 1:  # what has the same values is summed up before each row becomes one for each key
        marked = _summed_up(marked, ["set_aside", *group_columns], sums)
        sums = {name: F.col(name) for name in sums}
    of_keys = (
        marked.withColumn("group", _one_row_per_key(group_columns))
        .withColumn("group_number", F.col("group").getField("number"))
        .withColumn("group_value", F.col("group").getField("value"))
    )
    return _summed_up(of_keys, ["set_aside", "group_number", "group_value"], sums)


def together(parts: Sequence[Sequence[Any]]) -> list[Mapping[str, Any]]:
    """Sum up the rows of TALLY of several parts of the users; what stands twice in one part stays two rows."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for rows in parts:
        seen: Counter[tuple[Any, ...]] = Counter()
        for row in (one.asDict() for one in rows):
            key = tuple(row[name] for name in _KEYS)
            seen[key] += 1
            before = found.setdefault((*key, seen[key]), row)
            if before is not row:
                before.update({name: merged(name, before[name], row[name]) for name in row if name not in _KEYS})
    return list(found.values())


def merged(name: str, one: int | None, other: int | None) -> int | None:
    """Give what a column of TALLY holds for two rows together; null stands for nothing."""
    if one is None or other is None:
        return other if one is None else one
    return {"first_event_time": min, "last_event_time": max}.get(name, int.__add__)(one, other)


def _sums(gap_count: int) -> dict[str, Column]:
    starts, counts = numbered("starts_session", gap_count), numbered("session_count", gap_count)
    return {
        "event_count": F.col("event_count"),
        "plausible_event_count": F.when(_is_plausible(), F.col("event_count")).otherwise(0),
        "user_count": F.col("starts_user").cast("bigint"),
        **{count: F.col(start).cast("bigint") for start, count in zip(starts, counts, strict=True)},
    }


def _summed_up(rows: DataFrame, keys: Sequence[str], sums: Mapping[str, Column]) -> DataFrame:
    return rows.groupBy(*keys).agg(
        *[F.sum(value).alias(name) for name, value in sums.items()],
        F.min("first_event_time").alias("first_event_time"),
        F.max("last_event_time").alias("last_event_time"),
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
