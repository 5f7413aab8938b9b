"""Look at the first lines of the inputs on the driver, for messages that say what the events hold.

Nothing here decides a number. It runs only when a run found no value for a key, or times that make no sense.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from session_calc.inputs import Input, open_raw
from session_calc.read.csv_lines import header_of, names_in
from session_calc.read.stage import open_bytes

LINES_PER_FILE = 1000
FILES = 20
DEEPEST = 3


class Row(dict[str, Any]):
    """A row of CSV: a dot in a column's name is a part of it."""


def first_objects(inputs: Sequence[Input]) -> Iterator[dict[str, Any]]:
    """Give the JSON objects, CSV rows and Parquet rows among the first ones of the first and the last files."""
    for one in _some(inputs):
        if one.format == "json":
            yield from _json_objects(one)
        elif one.format == "csv":
            yield from _csv_rows(one)
        else:
            yield from _parquet_rows(one)


def fields_in(objects: Iterable[dict[str, Any]], depth: int = DEEPEST) -> dict[str, bool]:
    """Name every field of the objects, nested ones with dots, in alphabetical order, and whether one has a value.

    A name with a dot in it stands in quotes, except in CSV: no key can name it, for a key's dot leads into an object.
    """
    found: dict[str, bool] = {}
    for document in objects:
        for name, value in _fields(document, "", depth):
            found[name] = found.get(name, False) or value is not None
    return dict(sorted(found.items()))


def value_at(document: Any, path: Sequence[str]) -> Any:
    """Give the value that a path leads to, or None."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _some(inputs: Sequence[Input]) -> list[Input]:
    return list(dict.fromkeys([*inputs[: FILES // 2], *inputs[-FILES // 2 :]]))


def _lines(one: Input) -> Iterator[str]:
    with open_bytes(one) as source:
        for _ in range(LINES_PER_FILE):
            line = source.readline(1 << 20)
            if not line:
                return
            yield line.decode("utf-8", errors="replace").rstrip("\r\n")


def _json_objects(one: Input) -> Iterator[dict[str, Any]]:
    for line in _lines(one):
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield document


def _csv_rows(one: Input) -> Iterator[dict[str, Any]]:
    names = names_in(header_of(one))
    for line in islice(_lines(one), 1, None):
        try:
            cells = names_in(line)
        except csv.Error:
            continue
        yield Row((name, cell or None) for name, cell in zip(names, cells, strict=False))


def _parquet_rows(one: Input) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:  # beside a cluster's own PySpark; the messages then say less
        return
    with open_raw(one) as source, ParquetFile(source) as file:
        for batch in islice(file.iter_batches(batch_size=LINES_PER_FILE), 1):
            yield from batch.to_pylist()


def _fields(document: dict[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        yield (f"{before}{name}" if "." not in name or isinstance(document, Row) else f'{before}"{name}"'), value
        if isinstance(value, dict) and depth > 1:
            yield from _fields(value, f"{before}{name}.", depth - 1)
