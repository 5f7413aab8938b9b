"""Who the events are of: events per user, the users with the most, and users with several values of a group key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc.distributions import class_of_values, count_classes, value_sums

_TOP = 10
_EVENTS, _VALUES = 0, 1


@dataclass(frozen=True)
class People:
    """How events spread over users.

    Attributes
    ----------
    by_event_count : events, and how many users have as many
    biggest : the users with the most events, as the texts of USER_KEY's fields, and their events
    several_values, some_missing : per group key, users with more than one value, and with and without one
    """

    by_event_count: Mapping[int, int]
    biggest: Sequence[tuple[tuple[str, ...], int]]
    several_values: tuple[int, ...]
    some_missing: tuple[int, ...]

    @property
    def user_count(self) -> int:
        return sum(self.by_event_count.values())

    @property
    def event_count(self) -> int:
        return sum(events * users for events, users in self.by_event_count.items())


def of_events(events: DataFrame, user_columns: Sequence[str], group_columns: Sequence[str]) -> People:
    """Count users by how many events they have.

    Parameters
    ----------
    events : VALIDATED, without lines set aside
    user_columns, group_columns : sequence of str
    """
    users = (
        events.select(*user_columns, *group_columns, F.lit(1).alias("event_count"))
        .groupBy(*user_columns)
        .agg(*value_sums(group_columns), F.sum("event_count").alias("event_count"))
    )
    facts = [F.col("event_count"), *[class_of_values(name, F.col("event_count")) for name in group_columns]]
    rows = (
        users.select(F.posexplode(F.array(*facts)).alias("fact", "value"))
        .groupBy("fact", "value")
        .agg(F.count(F.lit(1)).alias("user_count"))
        .collect()
    )
    counts: dict[int, dict[int, int]] = {fact: {} for fact in range(_VALUES + len(group_columns))}
    for row in rows:
        counts[row["fact"]][row["value"]] = row["user_count"]
    classes = [count_classes(counts[_VALUES + place]) for place in range(len(group_columns))]
    by_event_count = dict(sorted(counts[_EVENTS].items()))
    return People(
        by_event_count,
        _biggest(users, user_columns, _least_of_top(by_event_count)),
        tuple(several for several, _ in classes),
        tuple(mixed for _, mixed in classes),
    )


def share_of_top(by_event_count: Mapping[int, int], share_of_users: float) -> float:
    """Tell which share of all events the most active users have.

    Examples
    --------
    >>> share_of_top({1: 99, 101: 1}, 0.01)
    0.505
    """
    user_count = sum(by_event_count.values())
    event_count = sum(events * users for events, users in by_event_count.items())
    left, found = -int(-user_count * share_of_users // 1), 0
    for events, users in sorted(by_event_count.items(), reverse=True):
        taken = min(left, users)
        found, left = found + taken * events, left - taken
    return found / event_count if event_count else 0.0


def _least_of_top(by_event_count: Mapping[int, int]) -> int:
    seen = 0
    for events, users in sorted(by_event_count.items(), reverse=True):
        seen += users
        if seen >= _TOP:
            return events
    return 1


def _biggest(users: DataFrame, user_columns: Sequence[str], least: int) -> list[tuple[tuple[str, ...], int]]:
    # with few users left to put in order, the engine need not sort all of them
    rows = (
        users.where(F.col("event_count") >= least)
        .select(*user_columns, "event_count")
        .orderBy(F.col("event_count").desc(), *user_columns)
        .limit(_TOP)
        .collect()
    )
    return [(tuple(row[name] for name in user_columns), row["event_count"]) for row in rows]
