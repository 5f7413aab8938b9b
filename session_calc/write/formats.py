"""Rows of a table as bytes of a file: Parquet, CSV, JSON Lines, JSON, or lines that are ready.

Parquet keeps the types. In the others a moment is ISO 8601 in UTC, with microseconds. Null is an empty field of CSV
(an empty text is one in quotes), and null in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

LINES = "line"  # a table whose only column is this one holds ready lines
_ROWS_TOGETHER = 1 << 17


class RowWriter(Protocol):
    """A file that takes rows."""

    def write(self, rows: pa.RecordBatch) -> None: ...

    def close(self) -> None: ...


def open_rows(path: Path, suffix: str, schema: pa.Schema, header: str | None = None) -> RowWriter:
    """Open a file for rows of a schema."""
    if schema.names == [LINES] and suffix != ".parquet":
        return _Lines(path, header)
    return _KINDS[suffix](path, schema)


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = parquet.ParquetWriter(path, schema, compression="zstd")
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._count = 0

    def write(self, rows: pa.RecordBatch) -> None:
        # each write makes a row group, and small ones make a slow table
        self._waiting.append(rows)
        self._count += rows.num_rows
        if self._count >= _ROWS_TOGETHER:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._count = [], 0


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = csv.CSVWriter(path, _with_texts(schema.empty_table()).schema)

    def write(self, rows: pa.RecordBatch) -> None:
        self._file.write_table(_with_texts(pa.Table.from_batches([rows])))

    def close(self) -> None:
        self._file.close()


class _JsonLines:
    def __init__(self, path: Path, _schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, rows: pa.RecordBatch) -> None:
        for row in _with_texts(pa.Table.from_batches([rows])).to_pylist():
            self._file.write(_to_json(row) + "\n")

    def close(self) -> None:
        self._file.close()


class _Json:
    """One array, an object on each line of it."""

    def __init__(self, path: Path, _schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._before = "[\n"

    def write(self, rows: pa.RecordBatch) -> None:
        for row in _with_texts(pa.Table.from_batches([rows])).to_pylist():
            self._file.write(self._before + _to_json(row))
            self._before = ",\n"

    def close(self) -> None:
        self._file.write("[]\n" if self._before == "[\n" else "\n]\n")
        self._file.close()


class _Lines:
    def __init__(self, path: Path, header: str | None) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        if header is not None:
            self._file.write(f"{header}\n")

    def write(self, rows: pa.RecordBatch) -> None:
        self._file.writelines(f"{line}\n" for line in rows.column(0).to_pylist())

    def close(self) -> None:
        self._file.close()


_KINDS: dict[str, Callable[[Path, pa.Schema], RowWriter]] = {
    ".parquet": _Parquet,
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".json": _Json,
}


def moment_texts(moments: Any) -> Any:
    """Spell timestamps as ISO 8601 in UTC."""
    plain = moments.cast(pa.int64()).cast(pa.timestamp("us"))
    return pc.binary_join_element_wise(pc.strftime(plain, format="%Y-%m-%dT%H:%M:%S"), "Z", "")


def _with_texts(rows: pa.Table) -> pa.Table:
    for place, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(place, field.name, moment_texts(rows.column(place)))
        elif pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            texts = [None if value is None else _to_json(value) for value in rows.column(place).to_pylist()]
            rows = rows.set_column(place, field.name, pa.array(texts, pa.string()))
    return rows


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
