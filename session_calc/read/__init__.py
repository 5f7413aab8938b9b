"""Read inputs of every format as PARSED; each format is one module, named here.

| suffix | module |
|---|---|
| .json, .jsonl, .ndjson | on the engine's machine `local_json`, else `json_lines`; on S3 Sail's `json_fast` as well |
| .csv | `csv_lines` |
| .parquet | `parquet` |
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from session_calc.engines.engine import Engine
from session_calc.errors import UserError
from session_calc.inputs import Input
from session_calc.read import csv_lines, fetch, json_fast, json_lines, local_json, parquet, text_scan
from session_calc.read.lines import read_lines
from session_calc.read.stage import Stage
from session_calc.read.whole import require_ends
from session_calc.s3 import split
from session_calc.schemas import Fields


@dataclass(frozen=True)
class Reading:
    """PARSED, and what the reader knows of the lines beside it.

    Attributes
    ----------
    parts : sequence of PARSED
        One; or several, where that was allowed: the rows of a user are all in the same.
    way : {'fast', 'tolerant'}
        fast: by the package's own reader, or all lines were proven plain for the engine's.
    line_count : function to int or None
        Lines counted apart from the rows, where the reader did and the rows were asked for; the ledger is held
        against it.
    blank_count : int
        Blank lines that are not in the rows.
    """

    parts: Sequence[DataFrame]
    way: str
    line_count: Callable[[], int | None] = lambda: None
    blank_count: int = 0


def read(
    engine: Engine,
    inputs: Sequence[Input],
    fields: Fields,
    stage: Stage,
    fold_gap: int = 0,
    may_part: bool = False,
) -> Reading:
    """Read the inputs the fast way where that surely gives the same numbers, and the tolerant way elsewhere.

    Parameters
    ----------
    engine : Engine
    inputs : sequence of Input
    fields : Fields
    stage : Stage
        Must outlive the reading: links and mended copies lie there.
    fold_gap : int, microseconds
        Rows may come folded to slices of it, where the reader can do that; 0: a row for each line.
    may_part : bool
        Rows may come in parts, each with other users, of which the engine is given one at a time.

    Raises
    ------
    UnreadableInput
        A file is cut off or of another kind than its name says, where the engine would not notice, or a CSV file's
        header is no text.
    UserError
        Events of several formats shall be kept as they came.
    """
    if fields.keep_line:
        _require_one_format(inputs)
    inputs = fetch.to_here(inputs, stage)
    require_ends(inputs)
    csv_lines.require_headers(inputs)
    texts = [one for one in inputs if one.format != "parquet"]
    if all(one.format == "json" and not one.is_on_s3 for one in inputs):
        reading = _by_ourselves(engine, inputs, fields, fold_gap, may_part, stage)
        if reading is not None:
            return reading
    if not (engine.scans_text_first and texts):
        return Reading([_tolerant(engine, inputs, fields, stage)], "tolerant")
    return _scanned(engine, inputs, texts, fields, stage)


def _by_ourselves(
    engine: Engine, inputs: Sequence[Input], fields: Fields, fold_gap: int, may_part: bool, stage: Stage
) -> Reading | None:
    if stage.folder is None or local_json.missing_packages():
        return None
    try:
        parts, lines_read = local_json.read(engine, inputs, fields, fold_gap, may_part, stage.folder / "lines")
    except OSError:
        return None  # the engine fails as well, and that failure is explained
    stage.when_read.append(lines_read.add_up)
    return Reading(parts, "fast", lines_read)


def _scanned(engine: Engine, inputs: Sequence[Input], texts: Sequence[Input], fields: Fields, stage: Stage) -> Reading:
    spark, lists_of_paths = engine.spark, _paths_together(texts, stage)
    try:
        scan = text_scan.scan(reduce(DataFrame.union, [read_lines(spark, paths) for paths in lists_of_paths]), fields)
    except PySparkException as error:
        if "UTF-8" not in str(error):
            raise
        return Reading([_tolerant(engine, [stage.mended(one) for one in inputs], fields, stage)], "tolerant")
    # the fast reader does not know the text of a line
    if scan.odd_count == 0 and not fields.keep_line and all(one.format == "json" for one in inputs):
        events = [json_fast.read(spark, paths, fields) for paths in lists_of_paths]
        return Reading([reduce(DataFrame.union, events)], "fast", lambda: scan.line_count, scan.blank_count)
    line_count = scan.line_count if len(texts) == len(inputs) else None
    return Reading([_tolerant(engine, inputs, fields, stage)], "tolerant", lambda: line_count)


def _require_one_format(inputs: Sequence[Input]) -> None:
    first_of = {one.format: one.path for one in reversed(inputs)}
    if len(first_of) > 1:
        raise UserError(
            f"The inputs are of several formats ({', '.join(first_of.values())}), so no table can hold the events of "
            "all as they came. Label them format by format."
        )


def _tolerant(engine: Engine, inputs: Sequence[Input], fields: Fields, stage: Stage) -> DataFrame:
    by_format: dict[str, list[Input]] = defaultdict(list)
    for one in inputs:
        by_format[one.format].append(one)
    parsed = [
        frame for name in sorted(by_format) for frame in READERS[name](engine.spark, by_format[name], fields, stage)
    ]
    return reduce(DataFrame.unionByName, parsed)


def _json(spark: SparkSession, inputs: Sequence[Input], fields: Fields, stage: Stage) -> list[DataFrame]:
    return [json_lines.parse(read_lines(spark, paths), fields) for paths in _paths_together(inputs, stage)]


def _csv(spark: SparkSession, inputs: Sequence[Input], fields: Fields, stage: Stage) -> list[DataFrame]:
    by_header: dict[str, list[Input]] = defaultdict(list)
    for one in inputs:
        by_header[csv_lines.header_of(one)].append(one)
    return [
        csv_lines.parse(read_lines(spark, paths), header, fields)
        for header, alike in by_header.items()
        for paths in _paths_together(alike, stage)
    ]


def _parquet(spark: SparkSession, inputs: Sequence[Input], fields: Fields, stage: Stage) -> list[DataFrame]:
    return [
        parquet.read(spark, {stage.path_for_engine(one): one.path for one in together}, fields)
        for together in _readable_together(inputs)
    ]


def _paths_together(inputs: Sequence[Input], stage: Stage) -> list[list[str]]:
    return [[stage.path_for_engine(one) for one in together] for together in _readable_together(inputs)]


def _readable_together(inputs: Sequence[Input]) -> list[list[Input]]:
    # Sail refuses files of several compressions in one read, and of several buckets it reads the first without a word
    alike: dict[tuple[str, str], list[Input]] = defaultdict(list)
    for one in inputs:
        alike[one.compression, split(one.path)[0] if one.is_on_s3 else ""].append(one)
    return list(alike.values())


READERS: dict[str, Callable[[SparkSession, Sequence[Input], Fields, Stage], list[DataFrame]]] = {
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
}
