"""Look at the first lines of the inputs on the driver, for messages that say what the events hold.

Nothing here decides a number. It runs only when a run found no value for a key, or times that make no sense.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from session_calc.inputs import Input
from session_calc.read.csv_lines import header_of, names_in
from session_calc.read.stage import open_bytes

LINES_PER_FILE = 1000
FILES = 20
_DEEPEST = 3


def first_objects(inputs: Sequence[Input]) -> Iterator[dict[str, Any]]:
    """Give the JSON objects and CSV rows among the first lines of the first and the last files."""
    for one in _some(inputs):
        if one.format == "json":
            yield from _json_objects(one)
        elif one.format == "csv":
            names = names_in(header_of(one))
            yield from (dict(zip(names, row.split(","), strict=False)) for row in islice(_lines(one), 1, None))


def fields_in(objects: Iterable[dict[str, Any]]) -> list[str]:
    """Name every field of the objects, nested ones with dots, in alphabetical order."""
    names: set[str] = set()
    for document in objects:
        names.update(_names(document, "", _DEEPEST))
    return sorted(names)


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


def _names(document: dict[str, Any], before: str, depth: int) -> Iterator[str]:
    for name, value in document.items():
        yield f"{before}{name}"
        if isinstance(value, dict) and depth > 1:
            yield from _names(value, f"{before}{name}.", depth - 1)
