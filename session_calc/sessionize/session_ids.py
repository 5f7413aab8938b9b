"""Ids of sessions: the same on every run, engine and order of files, and unmoved by other sessions of the user."""

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

LENGTH = 32  # hexadecimal digits, 128 bits: two of 10 billion sessions are alike with a chance of 1 in 10**19


def session_id(user_columns: Sequence[str], gap: int) -> Column:
    """Give the id of a session.

    It is the beginning of the SHA-256 of a text: each part of the user's name as its number of characters, a colon,
    and itself; then `@`, the microseconds of the first event, `/`, and those of the gap. The second, third ... session
    that a user begins in one and the same microsecond has `#1`, `#2` ... behind it.

    Parameters
    ----------
    user_columns : sequence of str
    gap : int, microseconds
        first_event_time and same_time_number are columns too.
    """
    users = [part for name in user_columns for part in (F.length(name).cast("string"), F.lit(":"), F.col(name))]
    again = F.when(F.col("same_time_number") > 0, F.concat(F.lit("#"), F.col("same_time_number").cast("string")))
    text = F.concat(
        *users, F.lit("@"), F.col("first_event_time").cast("string"), F.lit(f"/{gap}"), F.coalesce(again, F.lit(""))
    )
    return F.substring(F.sha2(text, 256), 1, LENGTH)
