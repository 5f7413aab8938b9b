"""A bounded sample of the lines, parsed by the driver: it shows what fields there are, and lines in their order.

The engines read only the fields that they are told of, and in no order. Small inputs are sampled whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from session_calc.inputs import Input, open_raw
from session_calc.peek import Row, value_at
from session_calc.profile.stretches import LONGEST_LINE, RawLine, of_file
from session_calc.read import csv_judge, judge
from session_calc.read.csv_lines import header_of, names_in
from session_calc.read.lines import BYTE_ORDER_MARK
from session_calc.schemas import (
    BLANK,
    HEADER,
    INVALID_TIMESTAMP,
    LINE_TOO_LONG,
    MALFORMED_CSV,
    MALFORMED_JSON,
    MISSING_TIMESTAMP,
    MISSING_USER,
    NOT_AN_OBJECT,
    Fields,
    path_of,
)

WHOLE_BYTES = 8 << 20  # inputs of no more are sampled whole
SAMPLE_BYTES = 4 << 20  # some ten thousand lines: a second of parsing
MOST_FILES = 200
_LEAST_BYTES = 32 << 10  # of a file
_TIMES_LONGER = 20  # than packed
_PARQUET_ROWS = 2_000


@dataclass(frozen=True)
class Line:
    """One sampled line.

    Attributes
    ----------
    text : str
        Empty for a row of Parquet.
    place : str
        Where it stands in its file.
    document : dict or None
        Its fields, where it has some; numbers in JSON keep their text.
    set_aside : str or None
        None: an event.
    event_time : int or None, microseconds
    """

    text: str
    place: str
    document: dict[str, Any] | None
    set_aside: str | None
    event_time: int | None = None


@dataclass(frozen=True)
class FileSample:
    """The sampled lines of a file: stretches of it, in which one line follows the other."""

    path: str
    is_whole: bool
    stretches: Sequence[Sequence[Line]]

    @property
    def lines(self) -> Iterator[Line]:
        return (line for stretch in self.stretches for line in stretch)


@dataclass(frozen=True)
class Sample:
    """The sampled lines of all files.

    Attributes
    ----------
    is_whole : bool
        They are all lines there are.
    """

    files: Sequence[FileSample]
    is_whole: bool

    @property
    def lines(self) -> Iterator[Line]:
        return (line for file in self.files for line in file.lines)


def take(inputs: Sequence[Input], fields: Fields) -> Sample:
    """Read all lines where they are few, and else stretches of them from as many files as there is room for."""
    chosen = inputs
    if len(inputs) > MOST_FILES:
        chosen = [inputs[place * len(inputs) // MOST_FILES] for place in range(MOST_FILES)]
    is_small = sum(one.byte_count * (_TIMES_LONGER if one.compression else 1) for one in inputs) <= WHOLE_BYTES
    byte_count = WHOLE_BYTES if is_small else max(SAMPLE_BYTES // len(chosen), _LEAST_BYTES)
    files = [_of_rows(one, fields) if one.format == "parquet" else _of_lines(one, byte_count, fields) for one in chosen]
    return Sample(files, len(chosen) == len(inputs) and all(file.is_whole for file in files))


def _of_lines(one: Input, byte_count: int, fields: Fields) -> FileSample:
    parse = _json_parser() if one.format == "json" else _csv_parser(header_of(one))
    found = of_file(one, byte_count)
    stretches = [[_to_line(raw, parse, fields) for raw in stretch.lines] for stretch in found]
    return FileSample(one.path, len(found) == 1 and found[0].reaches_end, stretches)


def _of_rows(one: Input, fields: Fields) -> FileSample:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:  # beside a cluster's own PySpark; then nothing is known of the fields of Parquet
        return FileSample(one.path, False, [])
    with open_raw(one) as source, ParquetFile(source) as file:
        rows = [row for batch in islice(file.iter_batches(batch_size=_PARQUET_ROWS), 1) for row in batch.to_pylist()]
        lines = [_of_document("", f"row {number:,}", row, fields) for number, row in enumerate(rows, start=1)]
        return FileSample(one.path, file.metadata.num_rows == len(rows), [lines])


Parsed = tuple["dict[str, Any] | None", "str | None"]


def _to_line(raw: RawLine, parse: Callable[[bytes], Parsed], fields: Fields) -> Line:
    text = raw.content.decode("utf-8", errors="replace").removeprefix(BYTE_ORDER_MARK)
    if raw.byte_count > min(fields.max_line_bytes, LONGEST_LINE):
        # one that is not held whole cannot be judged
        return Line(text, raw.place, None, LINE_TOO_LONG if raw.byte_count > fields.max_line_bytes else BLANK)
    if not text.strip(" \t\r"):
        return Line(text, raw.place, None, BLANK)
    document, problem = parse(raw.content)
    return Line(text, raw.place, None, problem) if document is None else _of_document(text, raw.place, document, fields)


def _of_document(text: str, place: str, document: dict[str, Any], fields: Fields) -> Line:
    users = [judge.text_of(_plain(at(document, key))) for key in fields.user_keys]
    time = at(document, fields.timestamp_key)
    if not all(users):
        return Line(text, place, document, MISSING_USER)
    if time is None:
        return Line(text, place, document, MISSING_TIMESTAMP)
    moment = to_moment(time, fields.timestamp_unit)
    return Line(text, place, document, INVALID_TIMESTAMP if moment is None else None, moment)


def at(document: dict[str, Any], key: str) -> Any:
    """Give the value of the field that a key names, or None."""
    return document.get(key) if isinstance(document, Row) else value_at(document, path_of(key))


def to_moment(time: Any, unit: str) -> int | None:
    """Give a time's microseconds; a moment of Parquet says its own unit."""
    if hasattr(time, "isoformat"):
        time, unit = time.isoformat(), "iso8601"
    return judge.to_microseconds(judge.Number(time) if type(time) in {int, float} else time, unit)


def _plain(value: Any) -> Any:
    """Spell what JSON does not know: moments, decimals and numbers of Parquet."""
    return value if value is None or isinstance(value, (str, bool, dict, list)) else str(value)


def _json_parser() -> Callable[[bytes], Parsed]:
    decoder = judge.new_decoder()

    def parse(content: bytes) -> Parsed:
        try:
            document = judge.parse(content, decoder)
        except judge.Malformed:
            return None, MALFORMED_JSON
        return (document, None) if isinstance(document, dict) else (None, NOT_AN_OBJECT)

    return parse


def _csv_parser(header: str) -> Callable[[bytes], Parsed]:
    names = names_in(header)

    def parse(content: bytes) -> Parsed:
        cells = csv_judge.split(content)
        if cells == names:
            return None, HEADER
        if cells is None or len(cells) != len(names):
            return None, MALFORMED_CSV
        return Row((name, cell or None) for name, cell in zip(names, cells, strict=True)), None

    return parse


def spell(value: Any) -> str:
    """Spell a value as the job would: a text as it is, all else as compact JSON."""
    if isinstance(value, str):
        return value
    try:
        return judge.text_of(_plain(value)) or ""
    except TypeError:  # moments and bytes inside the objects of Parquet
        return json.dumps(value, default=str, ensure_ascii=False)
