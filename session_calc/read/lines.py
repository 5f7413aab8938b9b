"""Split inputs into lines, and tell the lines that need no parser: blank ones and those that are too long."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from session_calc.read.patterns import BLANK_LINE
from session_calc.schemas import BLANK, LINE_TOO_LONG

BYTE_ORDER_MARK = "\ufeff"


def read_lines(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Read text files, all compressed alike, as LINES.

    Only a line feed ends a line. Left to themselves the engines also split at a lone carriage return, which is
    white space inside JSON.
    """
    return spark.read.option("lineSep", "\n").text(list(paths))


def is_blank() -> Column:
    return F.col("value").rlike(BLANK_LINE)


def is_too_long(max_line_bytes: int) -> Column:
    mark_bytes = F.when(F.col("value").startswith(BYTE_ORDER_MARK), F.lit(3)).otherwise(F.lit(0))
    return F.octet_length("value") - mark_bytes > max_line_bytes


def problem_before_parsing(max_line_bytes: int) -> Column:
    """Name what is wrong with a line before anyone parses it; null: it goes to the parser."""
    return F.when(is_too_long(max_line_bytes), F.lit(LINE_TOO_LONG)).when(is_blank(), F.lit(BLANK))
