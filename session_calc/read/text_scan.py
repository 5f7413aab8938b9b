"""Look over the text of JSON lines for any on which Sail's fast reader and the rules might differ.

The fast reader takes what is no JSON (two objects on a line, an object over two lines, commas too many or too few,
`1-2` for a number), cuts the fraction off a whole number, and fails the whole read at the first value of another type.
A line is odd unless one regular expression proves it to be a strict object, and another finds none of the wanted keys
with a value of another kind.
"""

import re
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from session_calc.read import patterns
from session_calc.read.lines import is_blank, is_too_long
from session_calc.read.nested import tree_of
from session_calc.schemas import Fields, path_of

# names whose text in a pattern is their text in a line
_SIMPLE_NAME = re.compile(r"[A-Za-z0-9_@#$:/ +-]+")
_NESTING = 2


@dataclass(frozen=True)
class Scan:
    """How many lines there are, how many of them are blank, and how many must not be read the fast way."""

    line_count: int
    blank_count: int
    odd_count: int


def scan(lines: DataFrame, fields: Fields) -> Scan:
    """Count the lines of LINES by what they look like."""
    is_odd = is_too_long(fields.max_line_bytes) | (~is_blank() & ~_is_plain(fields))
    row = lines.agg(
        F.count(F.lit(1)).alias("lines"), _count_if(is_blank()).alias("blank"), _count_if(is_odd).alias("odd")
    ).collect()[0]
    return Scan(row["lines"], row["blank"], row["odd"])


def _count_if(condition: Column) -> Column:
    return F.coalesce(F.sum(condition.cast("bigint")), F.lit(0))


def _is_plain(fields: Fields) -> Column:
    if tree_of(fields.keys) is None or not all(_SIMPLE_NAME.fullmatch(name) for name in fields.names):
        return F.lit(False)
    value, time = F.col("value"), path_of(fields.timestamp_key)[-1]
    odd = [patterns.not_an_object(name) for name in fields.names_on_the_way]
    odd += [patterns.not_text(path_of(key)[-1]) for key in (*fields.user_keys, *fields.group_keys)]
    is_plain = value.rlike(patterns.strict_object(_NESTING))
    if fields.timestamp_unit == "iso8601":
        is_plain &= value.rlike(patterns.plain_moment(time)) & ~value.rlike(patterns.name_twice([time]))
    else:
        odd.append(patterns.not_plain_number(time, fields.timestamp_unit))
    return is_plain & ~value.rlike("|".join(sorted(set(odd))))
