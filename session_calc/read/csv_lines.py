"""CSV with a header line: one line is one event, its fields named by the header.

Fields may be quoted as RFC 4180 says; a line break inside quotes is not supported, and the pieces are rejected as
`malformed_csv`. An empty field counts as missing. A line that repeats the header is a header, not an event: files that
were put together with `cat` have several.
"""

import csv
from collections.abc import Callable, Iterable
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc.errors import UnreadableInput
from session_calc.inputs import Input
from session_calc.read import csv_judge
from session_calc.read.judged import unite
from session_calc.read.lines import BYTE_ORDER_MARK, problem_before_parsing
from session_calc.read.stage import open_bytes
from session_calc.schemas import HEADER, Fields

cloudpickle.register_pickle_by_value(csv_judge)

_LONGEST_HEADER = 1 << 20  # bytes


def require_headers(inputs: Iterable[Input]) -> None:
    """Make sure that every CSV file's header can be read; before a mended copy stands in for the file.

    Raises
    ------
    UnreadableInput
        With the first file whose header is no UTF-8.
    """
    for one in inputs:
        if one.format == "csv":
            header_of(one)


def header_of(one: Input) -> str:
    """Read a file's first line that is not blank, without a byte order mark and its line ending."""
    try:
        with open_bytes(one) as source:
            while line := source.readline(_LONGEST_HEADER).decode("utf-8"):
                header = line.removeprefix(BYTE_ORDER_MARK).rstrip("\r\n")
                if header.strip(" \t\r"):
                    return header
    except UnicodeDecodeError:
        raise UnreadableInput(f"{one.path} has a header line that is no UTF-8. Save the file as UTF-8.") from None
    return ""


def names_in(header: str) -> list[str]:
    """Split a header line into the names of its fields."""
    return next(csv.reader([header]), [])


def parse(lines: DataFrame, header: str, fields: Fields) -> DataFrame:
    """Parse LINES of files with one header to PARSED."""
    names = names_in(header)
    line = F.regexp_replace("value", r"^\x{feff}|\r+\z", "")
    is_header = F.when(line == header, F.lit(HEADER))
    # a carriage return inside the line ends no line, and no field either: the judge refuses it
    cells, is_unquoted = F.split(line, ",", -1), ~line.rlike('["\\x{fffd}\\x00\\r]')
    split = lines.select(
        "value",
        F.coalesce(is_header, problem_before_parsing(fields.max_line_bytes)).alias("problem"),
        # an index beyond the last cell fails the job: lines with other numbers of cells go to the judge
        F.when(is_unquoted & (F.size(cells) == len(names)), cells).alias("cells"),
    )
    keys = {**fields.text_columns, "time": fields.timestamp_key}
    texts = [
        (F.col("cells").getItem(_last_place(names, key)) if key in names else F.lit(None).cast("string")).alias(name)
        for name, key in keys.items()
    ]
    found = split.select("value", "problem", F.col("cells").isNotNull().alias("is_plain"), *texts)
    empty_is_missing = [F.when(F.col(name) != "", F.col(name)).alias(name) for name in keys]
    return unite(found.select("value", "problem", "is_plain", *empty_is_missing), judge_of(names, fields), fields)


def judge_of(names: list[str], fields: Fields) -> Callable[[Any], tuple[Any, ...]]:
    """Build the judge of lines whose fields have these names."""
    places = {key: _last_place(names, key) if key in names else None for key in fields.keys}
    return csv_judge.make_judge(
        len(names),
        [places[key] for key in fields.user_keys],
        places[fields.timestamp_key],
        fields.timestamp_unit,
        [places[key] for key in fields.value_keys],
    )


def _last_place(names: list[str], key: str) -> int:
    # the last of two columns with one name, as with a key twice in one JSON object
    return len(names) - 1 - names[::-1].index(key)
