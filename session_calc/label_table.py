"""The recipe of labelled events: every event as it came, and which event of which session it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from session_calc.errors import UserError
from session_calc.inputs import Input, Listing, open_raw
from session_calc.packing import batches_of
from session_calc.prepare import Counted, Work, checked, inputs_of, prepare
from session_calc.read import csv_lines
from session_calc.session_table import WriteRows
from session_calc.sessionize import ordered
from session_calc.sessionize.session_ids import session_id
from session_calc.sums import Sums
from session_calc.write.formats import LINES

LABELS = {"session_id": pa.string(), "session_number": pa.int64(), "event_number": pa.int64()}
EVENT = "event"


def label_events(work: Work, open_table: Callable[[pa.Schema, str | None], WriteRows], suffix: str) -> Counted:
    """Write every event with its session.

    The same format in and out, and the event stays what it was, with three more fields at its end. From JSON to Parquet
    or CSV the event's text is one column, `event`; from CSV or Parquet to another format each field is a column.

    Parameters
    ----------
    work : Work
        With one gap. Group keys are not looked at.
    open_table : function
        Is given the columns and, for ready lines, the first line; gives the function that takes rows.
    suffix : {'.parquet', '.csv', '.jsonl'}

    Raises
    ------
    UserError
        An event has a field of the same name as a label already, or the inputs differ in format or columns.
    UnreadableInput, UnknownField, ImplausibleTimes, LedgerBroken
        As for `job.count_sessions`.
    """
    work = replace(work, fields=replace(work.fields, group_keys=(), keep_line=True))
    users, [gap], sums = work.fields.user_columns, work.gaps, Sums()
    with inputs_of(work) as stage:
        header = _header_of(work.listing)
        parts, reading = prepare(work, stage, may_part=True)
        columns, first_line, shape = _shape(work.listing.inputs[0], header, suffix)
        write = open_table(columns, first_line)
        with work.clock.step("write"):
            for validated in parts:
                labelled = ordered.label(validated, users, gap, work.rules.sessions)
                named = labelled.withColumn("session_id", session_id(users, gap))
                for batch in batches_of(named, is_kept=work.engine.name != "sail"):
                    _add(sums, batch)
                    write(shape(batch.filter(pc.is_null(batch.column("set_aside")))), None)
    return checked(work, sums.rows, [EVENT], reading)


def _add(sums: Sums, batch: pa.RecordBatch) -> None:
    set_aside, time = batch.column("set_aside"), batch.column("event_time")
    starts = pc.and_(pc.is_null(set_aside), pc.fill_null(pc.equal(batch.column("event_number"), 1), False))
    starts_user = pc.and_(starts, pc.fill_null(pc.equal(batch.column("session_number"), 1), False))
    ones = pa.array([1] * batch.num_rows, pa.int64())
    sums.add(set_aside, [pa.array([EVENT] * batch.num_rows)], ones, starts_user, starts, (time, time))


def _header_of(listing: Listing) -> str:
    headers = {csv_lines.header_of(one): one.path for one in listing.inputs if one.format == "csv"}
    if len(headers) > 1:
        first, second, *_ = headers.values()
        raise UserError(
            f"{first} and {second} differ in their header lines, so no table can hold the events of both as they came. "
            "Label them one by one."
        )
    return next(iter(headers), "")


Shaper = Callable[[pa.RecordBatch], pa.RecordBatch]


def _shape(example: Input, header: str, suffix: str) -> tuple[pa.Schema, str | None, Shaper]:
    """Choose how events look: the columns, the first line of ready lines, and what makes rows of a batch."""
    kind = example.format
    lines = pa.schema([(LINES, pa.string())])
    if kind == "json" and suffix == ".jsonl":
        return lines, None, _json_lines
    if kind == "csv":
        names = csv_lines.names_in(header)
        _require_free(names)
        if suffix == ".csv":
            return lines, ",".join([header, *LABELS]), _csv_lines
        columns = pa.schema([*[(name, pa.string()) for name in names], *LABELS.items()])
        return columns, None, lambda rows: _csv_cells(rows, columns)
    if kind == "json":
        columns = pa.schema([(EVENT, pa.string()), *LABELS.items()])
        return columns, None, lambda rows: _with_labels([_texts(rows)], rows, columns)
    with open_raw(example) as source:
        inner = parquet.read_schema(source).remove_metadata()
    _require_free(inner.names)
    columns = pa.schema([*inner, *LABELS.items()])
    return columns, None, lambda rows: _parquet_rows(rows, columns)


def _parquet_rows(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    # an engine may hand on another width or unit than the file has
    values = [value.cast(field.type) for value, field in zip(rows.column("line").flatten(), schema, strict=False)]
    return _with_labels(values, rows, schema)


def _with_labels(columns: list[Any], rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([*columns, *[rows.column(name) for name in LABELS]], schema=schema)


def _texts(rows: pa.RecordBatch) -> Any:
    return pc.utf8_trim(pc.replace_substring_regex(rows.column("line"), "^\ufeff", ""), characters=" \t\r")


def _labels_of(rows: pa.RecordBatch) -> zip[tuple[Any, ...]]:
    return zip(*[rows.column(name).to_pylist() for name in LABELS], strict=True)


def _json_lines(rows: pa.RecordBatch) -> pa.RecordBatch:
    texts = _texts(rows).to_pylist()
    for text in texts:
        if any(f'"{name}"' in text for name in LABELS):
            _require_free(json.loads(text))
    found = [
        f'{text[:-1]},"session_id":"{session}","session_number":{number},"event_number":{event}}}'
        for text, (session, number, event) in zip(texts, _labels_of(rows), strict=True)
    ]
    return pa.RecordBatch.from_arrays([pa.array(found, pa.string())], names=[LINES])


def _csv_lines(rows: pa.RecordBatch) -> pa.RecordBatch:
    texts = _csv_texts(rows)
    found = [
        f"{text},{session},{number},{event}"
        for text, (session, number, event) in zip(texts, _labels_of(rows), strict=True)
    ]
    return pa.RecordBatch.from_arrays([pa.array(found, pa.string())], names=[LINES])


def _csv_texts(rows: pa.RecordBatch) -> list[str]:
    return [text.removeprefix("\ufeff").rstrip("\r") for text in rows.column("line").to_pylist()]


def _csv_cells(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    cells = [next(csv.reader(io.StringIO(text), strict=True)) for text in _csv_texts(rows)]
    columns = [
        pa.array([row[place] or None for row in cells], pa.string()) for place in range(len(schema) - len(LABELS))
    ]
    return _with_labels(columns, rows, schema)


def _require_free(names: Any) -> None:
    taken = [name for name in LABELS if name in names]
    if taken:
        raise UserError(
            f"The events have a field {taken[0]} already, which labelling would add. Rename the field, or read the "
            "events without it."
        )
