"""Unite what an engine found in plain lines with what the judge says of the others."""

from collections.abc import Callable
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DataType, LongType, StringType, StructField, StructType

from session_calc.read import judge, patterns
from session_calc.read.times import from_plain_text
from session_calc.schemas import Fields

# the judge travels to the workers as code: a cluster needs no installation of this package
cloudpickle.register_pickle_by_value(judge)


def unite(found: DataFrame, judge_line: Callable[[Any], tuple[Any, ...]], fields: Fields) -> DataFrame:
    """Take each line's fields from the engine where the line is plain, and from the judge where it is not.

    Parameters
    ----------
    found : value, problem, is_plain, user_1 ..., time, group_1 ...
        problem: what is wrong with the line before parsing, or null. is_plain: the engine's reading is surely what
        the rules say. time: the time's text; a line whose time is not plainly spelled is judged as well.
    judge_line : function
        From a line's bytes, or None, to PARSED's columns.
    fields : Fields

    Returns
    -------
    DataFrame : PARSED
    """
    is_plain_time = F.col("time").isNull() | F.col("time").rlike(patterns.plain_time(fields.timestamp_unit))
    is_parsed = F.col("problem").isNull()
    is_suspect = is_parsed & ~F.coalesce(F.col("is_plain") & is_plain_time, F.lit(False))
    # bytes, for only Python checks their UTF-8 strictly; null for plain lines, which the judge passes over
    to_judge = F.when(F.col("is_suspect"), F.col("value").cast("binary"))
    # a Python function is a step of its own in the plan, and a wall: what stands before it is computed once
    judged = found.withColumn("is_suspect", is_suspect).withColumn(
        "judged", F.udf(judge_line, parsed_type(fields), useArrow=False)(to_judge)
    )
    plain = {name: F.col(name) for name in fields.text_columns}
    plain["has_timestamp"] = F.col("time").isNotNull()
    plain["event_time"] = from_plain_text(F.col("time"), fields.timestamp_unit)
    by_judge = F.col("judged").getField
    return judged.select(
        F.coalesce(F.col("problem"), by_judge("line_problem")).alias("line_problem"),
        *[
            F.when(F.col("is_suspect"), by_judge(name)).when(is_parsed, plain[name]).alias(name)
            for name in fields.parsed_columns[1:]
        ],
        *([F.col("value").alias("line")] if fields.keep_line else []),
    )


def parsed_type(fields: Fields) -> StructType:
    """Give PARSED's schema."""
    types: dict[str, DataType] = {"has_timestamp": BooleanType(), "event_time": LongType()}
    return StructType([StructField(name, types.get(name, StringType())) for name in fields.parsed_columns])
