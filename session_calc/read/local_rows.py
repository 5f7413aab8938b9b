"""The lines of portions as batches of PARSED; this runs in the engine's workers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from session_calc.read.fold import Folding
from session_calc.read.judge import DECIMAL_PLACES_TO_MICROSECONDS, Judgement, make_judge
from session_calc.read.portions import Block, Portion, blocks_of
from session_calc.read.verdict import is_blank, is_too_long
from session_calc.schemas import BLANK, LINE_TOO_LONG, Fields, path_of

_ROWS = 1 << 13  # of a batch, at most
_ODD_LINES = 1 << 12

Rows = Callable[[Block], Iterator[Any]]


def rows_of(
    share: Sequence[tuple[int, tuple[Any, ...]]], fields: Fields, is_compiled: bool, fold_gap: int, told_folder: str
) -> Iterator[Any]:
    """Read portions, and tell how many lines each had.

    Parameters
    ----------
    share : sequence of number and Portion
    fields : Fields
    is_compiled : bool
        Read plain lines by `scanner`; else the judge reads all.
    fold_gap : int, microseconds
        Fold the rows to slices of it; 0: do not.
    told_folder : str
        Where a portion that was read to its end leaves a file: its name is the portion's number, its text the number
        of lines.

    Yields
    ------
    pyarrow.RecordBatch
        Of PARSED, a row for each line unless they are folded.
    """
    folding = Folding(fold_gap) if fold_gap else None
    judge = make_line_judge(fields)
    rows = compiled_rows(fields, judge) if is_compiled else judged_rows(fields, judge)
    for number, values in share:
        line_count = 0
        for block in blocks_of(Portion(*values), fields.max_line_bytes):
            batches = rows(block) if block is not None else iter([_batch_of([_too_long(fields)], fields)])
            for batch in batches:
                line_count += batch.num_rows
                yield from folding.add(batch) if folding else [batch]
        if folding:
            yield from folding.rest()
        Path(told_folder, str(number)).write_text(str(line_count))


def make_line_judge(fields: Fields) -> Callable[[bytes], Judgement]:
    """Build the function from a line, without its line feed, to a row of PARSED."""
    judge = make_judge(*fields.for_judge())
    too_long = _too_long(fields)
    blank = (BLANK, *too_long[1:])

    def judge_line(line: bytes) -> Judgement:
        if is_too_long(line, fields.max_line_bytes):
            return too_long
        if is_blank(line):
            return blank
        judgement = judge(line)
        if not fields.keep_line:
            return judgement
        return (*judgement, None if judgement[0] else line.decode())

    return judge_line


def compile_reader(fields: Fields) -> None:
    """Compile what `compiled_rows` calls, or load what an earlier run has compiled."""
    for _ in compiled_rows(fields, lambda _: _too_long(fields))(np.frombuffer(bytearray(b"{}\n"), np.uint8)):
        pass


def judged_rows(fields: Fields, judge_line: Callable[[bytes], Judgement]) -> Rows:
    """Build what has every line of a block judged."""

    def rows(block: Block) -> Iterator[Any]:
        lines = block.tobytes().split(b"\n")[:-1]
        for first in range(0, len(lines), _ROWS):
            yield _batch_of([judge_line(line) for line in lines[first : first + _ROWS]], fields)

    return rows


def compiled_rows(fields: Fields, judge_line: Callable[[bytes], Judgement]) -> Rows:
    """Build what has the plain lines of a block scanned, and the others judged."""
    from session_calc.read import scanner

    keys = list(dict.fromkeys(fields.text_columns.values()))
    wanted = _wanted(fields, keys)
    others = scanner.Others(np.empty((_ODD_LINES, 2), np.int64), np.zeros(3, np.int64))
    spans = np.empty((len(wanted.members), 2), np.int64)
    blank = judge_line(b"")

    def rows(block: Block) -> Iterator[Any]:
        at = 0
        while at < len(block):
            # new ones each time, for the batch keeps them; what stays empty of them takes no memory
            found = scanner.Rows(
                np.empty((len(keys), len(block)), np.uint8),
                np.zeros((len(keys), _ROWS + 1), np.int32),
                np.empty((len(keys), _ROWS), np.uint8),
                np.empty((4, _ROWS), np.int64),
            )
            at = scanner.scan(block, at, wanted, found, others, spans)
            row_count, odd_count, blank_count = others.counts.tolist()
            if row_count:
                yield _batch_of_found(found, row_count, keys, fields, block)
            odd = [judge_line(block[begin:end].tobytes()) for begin, end in others.odd[:odd_count].tolist()]
            if odd or blank_count:
                yield _batch_of([*odd, *[blank] * blank_count], fields)

    return rows


def _wanted(fields: Fields, keys: Sequence[str]) -> Any:
    from session_calc.read import scanner

    names = bytearray()
    numbers: dict[tuple[str, ...], int] = {(): 0}  # of the objects, by the way to them
    members: dict[tuple[str, ...], list[int]] = {}

    def member_at(path: tuple[str, ...]) -> list[int]:
        if path not in members:
            begin = len(names)
            names.extend(path[-1].encode())
            members[path] = [begin, len(names), object_at(path[:-1]), -1, -1, 0]
        return members[path]

    def object_at(path: tuple[str, ...]) -> int:
        if path not in numbers:
            member = member_at(path)
            member[scanner.OBJECT] = numbers[path] = len(numbers)
        return numbers[path]

    for column, key in enumerate(keys):
        member_at(path_of(key))[scanner.COLUMN] = column
    member_at(path_of(fields.timestamp_key))[scanner.IS_TIME] = 1
    parents = [numbers[path[:-1]] if path else -1 for path in numbers]
    unit = DECIMAL_PLACES_TO_MICROSECONDS.get(fields.timestamp_unit, scanner.ISO_8601)
    return scanner.Wanted(
        np.frombuffer(bytearray(names) or bytearray(1), np.uint8),
        np.array(list(members.values()), np.int64),
        np.array(parents, np.int64),
        unit,
        fields.max_line_bytes,
    )


def _batch_of_found(found: Any, count: int, keys: Sequence[str], fields: Fields, block: Block) -> Any:
    from session_calc.read import scanner

    texts = {key: _texts(found, column, count) for column, key in enumerate(keys)}
    has_time = _bits(found.numbers[scanner.HAS_TIME, :count])
    arrays = {name: texts[key] for name, key in fields.text_columns.items()}
    arrays["line_problem"] = pa.nulls(count, pa.string())
    arrays["has_timestamp"] = pa.BooleanArray.from_buffers(pa.bool_(), count, [None, has_time])
    moments = [has_time, pa.py_buffer(found.numbers[scanner.MOMENT])]
    arrays["event_time"] = pa.Int64Array.from_buffers(pa.int64(), count, moments)
    if fields.keep_line:
        begins, ends = (
            found.numbers[scanner.LINE_BEGIN, :count].tolist(),
            found.numbers[scanner.LINE_END, :count].tolist(),
        )
        text = block.tobytes()
        lines = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        arrays["line"] = pa.array(lines, pa.binary()).cast(pa.string())
    return pa.RecordBatch.from_arrays([arrays[name] for name in _columns(fields)], names=_columns(fields))


def _texts(found: Any, column: int, count: int) -> Any:
    buffers = [pa.py_buffer(found.text_ends[column]), pa.py_buffer(found.texts[column])]
    return pa.StringArray.from_buffers(count, *buffers, _bits(found.has_text[column, :count]))


def _bits(flags: Any) -> Any:
    return pa.py_buffer(np.packbits(flags.astype(np.bool_), bitorder="little"))


def _batch_of(judgements: Sequence[Judgement], fields: Fields) -> Any:
    types = {"has_timestamp": pa.bool_(), "event_time": pa.int64()}
    columns = zip(_columns(fields), zip(*judgements, strict=True), strict=True)
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns}
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _too_long(fields: Fields) -> Judgement:
    return (LINE_TOO_LONG, *[None] * (len(_columns(fields)) - 1))


def _columns(fields: Fields) -> list[str]:
    return [*fields.parsed_columns, "line"] if fields.keep_line else fields.parsed_columns
