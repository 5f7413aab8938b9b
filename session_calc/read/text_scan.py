"""Look over the text of JSON lines for any on which Sail's fast reader and the rules might differ.

The fast reader takes what is no JSON (two objects on a line, an object over two lines, commas too many or too few,
`1-2` for a number), cuts the fraction off a whole number, and fails the whole read at the first value of another type.
A line is odd unless one regular expression proves it to be strict JSON with the wanted fields of the expected kinds.

This is for files on S3; those on this machine are read by `local_json`.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.read import patterns
from session_calc.read.lines import is_blank, is_too_long
from session_calc.read.nested import tree_of
from session_calc.schemas import Fields, path_of


@dataclass(frozen=True)
class Scan:
    """How many lines there are, how many of them are blank, and how many must not be read the fast way."""

    line_count: int
    blank_count: int
    odd_count: int


def scan(lines: DataFrame, fields: Fields) -> Scan:
    """Count the lines of LINES by what they look like."""
    is_odd = is_too_long(fields.max_line_bytes) | ~_is_plain(fields)
    row = lines.agg(
        F.count(F.lit(1)).alias("lines"), _count_if(is_blank()).alias("blank"), _count_if(is_odd).alias("odd")
    ).collect()[0]
    return Scan(row["lines"], row["blank"], row["odd"])


def _count_if(condition: Column) -> Column:
    return F.coalesce(F.sum(condition.cast("bigint")), F.lit(0))


def _is_plain(fields: Fields) -> Column:
    tree = tree_of(fields.keys)
    # a name that JSON must escape cannot be told by its text
    if tree is None or not all(name.isprintable() and not set(name) & set('"\\') for name in fields.names):
        return F.lit(False)
    return F.col("value").rlike(patterns.plain_line(tree, path_of(fields.timestamp_key), fields.timestamp_unit))
