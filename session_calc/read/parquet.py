"""Parquet: one row is one event; a field's text is what JSON would spell."""

from collections.abc import Mapping
from functools import reduce

from pyspark import cloudpickle
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from session_calc.errors import UnreadableInput, UserError
from session_calc.read import judge, patterns
from session_calc.read.nested import field_of
from session_calc.read.times import from_plain_text
from session_calc.schemas import Fields, path_of

cloudpickle.register_pickle_by_value(judge)

# what every engine spells alike; intervals and times of day it does not
_TIME_KINDS = (T.TimestampType, T.TimestampNTZType, T.DateType)
_KINDS_WITH_TEXT = (T.StringType, T.NumericType, T.BooleanType, T.NullType, *_TIME_KINDS)


def read(spark: SparkSession, paths: Mapping[str, str], fields: Fields) -> DataFrame:
    """Read Parquet files as PARSED; files that differ in their columns are read each by its own.

    Parameters
    ----------
    spark : SparkSession
    paths : mapping
        From the path for the engine to the one that the user knows.
    fields : Fields

    Raises
    ------
    UnreadableInput
        The engine does not know a type in a file.
    UserError
        A key names a field of a type that has no text; or files with several schemas shall be kept as they came.
    """
    by_schema: dict[str, list[str]] = {}
    for path, shown in paths.items():
        by_schema.setdefault(_schema_of(spark, path, shown), []).append(path)
    if fields.keep_line and len(by_schema) > 1:
        first, second, *_ = (paths[alike[0]] for alike in by_schema.values())
        raise UserError(
            f"{first} and {second} differ in their columns or types, so no table can hold the events of both as they "
            "came. Label them one by one."
        )
    parsed = [_to_parsed(spark.read.parquet(*alike), fields) for alike in by_schema.values()]
    return reduce(DataFrame.unionByName, parsed)


def _schema_of(spark: SparkSession, path: str, shown: str) -> str:
    try:
        return spark.read.parquet(path).schema.json()
    except PySparkException as error:
        what = str(error).partition("\n")[0]
        raise UnreadableInput(
            f"{shown} has a column that this engine cannot read: {what}. Write times as microseconds instead of "
            "nanoseconds, and categories as plain strings; or try another ENGINE."
        ) from error


def _to_parsed(rows: DataFrame, fields: Fields) -> DataFrame:
    columns = {name: _text_at(rows.schema, key) for name, key in fields.text_columns.items()}
    has_time, moment = _time_at(rows.schema, fields)
    columns |= {"line_problem": F.lit(None).cast("string"), "has_timestamp": has_time, "event_time": moment}
    line = [F.struct(*map(_column, rows.columns)).alias("line")] if fields.keep_line else []
    return rows.select(*[columns[name].alias(name) for name in fields.parsed_columns], *line)


def _column(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def _text_at(schema: T.StructType, key: str) -> Column:
    kind = type_at(schema, key)
    return F.lit(None).cast("string") if kind is None else _to_text(field_of(key), kind, key)


def _time_at(schema: T.StructType, fields: Fields) -> tuple[Column, Column]:
    kind, unit = type_at(schema, fields.timestamp_key), fields.timestamp_unit
    if kind is None:
        return F.lit(False), F.lit(None).cast("bigint")
    field = field_of(fields.timestamp_key)
    if isinstance(kind, _TIME_KINDS):
        # the column says its own unit; TIMESTAMP_UNIT has nothing to add
        moment = F.unix_micros(field.cast("timestamp"))
        in_range = (moment >= judge.FIRST_MICROSECOND) & (moment < judge.END_MICROSECOND)
        return field.isNotNull(), F.when(in_range, moment)
    if unit == "iso8601" and not isinstance(kind, T.StringType):
        return field.isNotNull(), F.lit(None).cast("bigint")
    text = _to_text(field, kind, fields.timestamp_key)
    is_plain = text.rlike(patterns.plain_time(unit))
    judged = F.udf(judge.make_time_judge(unit), T.LongType(), useArrow=False)(F.when(~is_plain, text))
    return field.isNotNull(), F.when(is_plain, from_plain_text(F.when(is_plain, text), unit)).otherwise(judged)


def type_at(schema: T.StructType, key: str) -> T.DataType | None:
    """Give the type of the field that a key names, or None where the rows have no such field."""
    kind: T.DataType = schema
    for name in path_of(key):
        if not isinstance(kind, T.StructType) or name not in kind.names:
            return None
        kind = kind[name].dataType
    return kind


def _to_text(field: Column, kind: T.DataType, key: str) -> Column:
    if isinstance(kind, (T.FloatType, T.DoubleType)):
        # each engine spells a double its own way
        return F.udf(judge.spell_double, T.StringType(), useArrow=False)(field.cast("double"))
    if not isinstance(kind, _KINDS_WITH_TEXT):
        raise UserError(
            f"{key} is {kind.simpleString()} in the Parquet files, but must be a text, number, boolean, date or time. "
            "Name a field inside it with a dot, such as " + f"{key}.name."
        )
    return field.cast("string")
