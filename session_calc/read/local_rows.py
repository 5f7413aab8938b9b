"""The lines of portions as batches of PARSED; this runs in the engine's workers on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from session_calc.read import parts
from session_calc.read.judge import DECIMAL_PLACES_TO_MICROSECONDS, Judgement, make_judge
from session_calc.read.portions import MORE_BYTES, Block, Portion, blocks_of, buffer_for
from session_calc.read.scanner import layout
from session_calc.read.verdict import is_blank, is_too_long
from session_calc.schemas import BLANK, LINE_TOO_LONG, Fields, path_of

_ROWS = 1 << 13  # of a batch
_SHARED_ROWS = 1 << 16  # where lines share rows: enough to find a user again, and few enough for a core's cache
_ODD_LINES = 1 << 12
_TEXT_BYTES = 16 << 20  # of a batch's texts; what stays empty takes no memory


class Reader(Protocol):
    """What makes batches of PARSED of blocks.

    Attributes
    ----------
    line_count : int
        Lines read so far.
    """

    line_count: int

    def read(self, block: Block) -> Iterator[Any]:
        """Read the lines of a block; what is made of them may come later."""

    def rest(self) -> Iterator[Any]:
        """Give what did not come yet."""


def rows_of(
    share: Sequence[tuple[int, tuple[Any, ...]]],
    field_values: tuple[Any, ...],
    code: bytes | None,
    fold_gap: int,
    told_folder: str,
) -> Iterator[Any]:
    """Read portions, and tell how many lines each had.

    Parameters
    ----------
    share : sequence of number and Portion
    field_values : of Fields
    code : bytes, or None
        Of the `scanner`, to read plain lines by; None: the judge reads all.
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
    fields = Fields(*field_values)
    reader: Reader = Judging(fields, fold_gap) if code is None else Scanning(code, fields, fold_gap)
    line_counts, buffer = {}, buffer_for(fields.max_line_bytes)
    for number, values in share:
        before, long_count = reader.line_count, 0
        for block in blocks_of(Portion(*values), buffer):
            if block is None:
                long_count += 1
                yield _batch_of([_too_long(fields)], fields, fold_gap)
            else:
                yield from reader.read(block)
        line_counts[number] = reader.line_count - before + long_count
    yield from reader.rest()
    for number, line_count in line_counts.items():
        Path(told_folder, str(number)).write_text(str(line_count))


def part_rows(path: str, part_count: int, *reading: Any) -> Iterator[Any]:
    """Read portions as `rows_of`, and lay the rows down in parts by their users, as `parts.write`."""
    return parts.write(rows_of(*reading), path, "user_1", part_count)


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


class Judging:
    """Have every line judged."""

    def __init__(self, fields: Fields, fold_gap: int) -> None:
        self.line_count = 0
        self._fields = fields
        self._fold_gap = fold_gap
        self._judge_line = make_line_judge(fields)

    def read(self, block: Block) -> Iterator[Any]:
        lines = block.tobytes().split(b"\n")[:-1]
        self.line_count += len(lines)
        for first in range(0, len(lines), _ROWS):
            some = lines[first : first + _ROWS]
            yield _batch_of([self._judge_line(line) for line in some], self._fields, self._fold_gap)

    def rest(self) -> Iterator[Any]:
        return iter(())


class Scanning:
    """Have plain lines scanned, and the others judged.

    Attributes
    ----------
    judge_line : function from a line to a row of PARSED
    """

    def __init__(self, code: bytes, fields: Fields, fold_gap: int) -> None:
        from session_calc.read.scanner import machine_code  # it needs LLVM, which not everybody has

        self.line_count = 0
        self._fields = fields
        self._scan = machine_code.load(code)
        self.judge_line = make_line_judge(fields)
        self._blank = self.judge_line(b"")
        self._wanted, self._keys = _wanted(fields, fold_gap)
        self._others = layout.Others(np.empty((_ODD_LINES, 2), np.int64), np.zeros(4, np.int64))
        self._notes = layout.Notes(
            np.empty((len(self._wanted.members), 2), np.int64), np.empty((layout.MOST_NOTED, 4), np.int64)
        )
        self._text_bytes = _TEXT_BYTES
        self._row_count = 0
        self._rows = self._new_rows()

    def read(self, block: Block) -> Iterator[Any]:
        if len(block) + self._used_bytes() > self._text_bytes:
            yield from self.rest()
            if len(block) > self._text_bytes:
                self._text_bytes = len(block)
                self._rows = self._new_rows()
        at = 0
        while at < len(block):
            at = self._scan(block, at, self._row_count, self._wanted, self._rows, self._others, self._notes)
            self._row_count, odd_count, blank_count, row_line_count = self._others.counts.tolist()
            self.line_count += row_line_count + odd_count + blank_count
            odd = [self.judge_line(block[begin:end].tobytes()) for begin, end in self._others.odd[:odd_count].tolist()]
            if odd or blank_count:
                yield _batch_of([*odd, *[self._blank] * blank_count], self._fields, self._wanted.gap)
            if self._row_count == len(self._rows.numbers):
                yield from self._batch(block)
        if self._fields.keep_line:
            yield from self._batch(block)  # its lines are in the block

    def rest(self) -> Iterator[Any]:
        return self._batch(np.empty(0, np.uint8))

    def _batch(self, block: Block) -> Iterator[Any]:
        if self._row_count:
            found, count = self._rows, self._row_count
            self._rows, self._row_count = self._new_rows(), 0  # the batch keeps the old ones
            yield _batch_of_found(found, count, self._keys, self._fields, self._wanted.gap, block)

    def _used_bytes(self) -> int:
        return int(self._rows.text_ends[self._row_count * len(self._keys)])

    def _new_rows(self) -> layout.Rows:
        row_count = _SHARED_ROWS if self._wanted.gap else _ROWS
        text_count = row_count * len(self._keys)
        return layout.Rows(
            np.empty(self._text_bytes + MORE_BYTES, np.uint8),
            np.zeros(text_count + 1, np.int32),
            np.empty(text_count, np.uint8),
            np.empty((row_count, 8), np.int64),
            np.zeros(2 * row_count, np.int32),
        )


def _wanted(fields: Fields, gap: int) -> tuple[layout.Wanted, list[str]]:
    """Say what the scanner is to look for, and of which field each of its columns of texts is."""
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
            member[layout.OBJECT] = numbers[path] = len(numbers)
        return numbers[path]

    keys = {path_of(key): key for key in fields.text_columns.values()}
    for path in (*keys, path_of(fields.timestamp_key)):
        member_at(path)
    paths = [path for path in members if path in keys]
    for column, path in enumerate(paths):
        members[path][layout.COLUMN] = column
    members[path_of(fields.timestamp_key)][layout.IS_TIME] = 1
    parents = [numbers[path[:-1]] if path else -1 for path in numbers]
    unit = DECIMAL_PLACES_TO_MICROSECONDS.get(fields.timestamp_unit, layout.ISO_8601)
    wanted = layout.Wanted(
        np.frombuffer(bytearray(names) or bytearray(1), np.uint8),
        np.array(list(members.values()), np.int64),
        np.array(parents, np.int64),
        unit,
        fields.max_line_bytes,
        gap,
    )
    return wanted, [keys[path] for path in paths]


def _batch_of_found(found: layout.Rows, count: int, keys: Sequence[str], fields: Fields, gap: int, block: Block) -> Any:
    texts = dict(zip(keys, _texts(found, count, len(keys)), strict=True))
    has_time = _bits(found.numbers[:count, layout.HAS_TIME])
    arrays = {name: texts[key] for name, key in fields.text_columns.items()}
    arrays["line_problem"] = pa.nulls(count, pa.string())
    arrays["has_timestamp"] = pa.BooleanArray.from_buffers(pa.bool_(), count, [None, has_time])
    arrays["event_time"] = _numbers(found, layout.MOMENT, count, has_time)
    if gap:
        arrays["last_event_time"] = _numbers(found, layout.LAST_MOMENT, count, has_time)
        arrays["event_count"] = _numbers(found, layout.LINE_COUNT, count)
    if fields.keep_line:
        begins, ends = (found.numbers[:count, which].tolist() for which in (layout.LINE_BEGIN, layout.LINE_END))
        text = block.tobytes()
        lines = [text[begin:end] for begin, end in zip(begins, ends, strict=True)]
        arrays["line"] = pa.array(lines, pa.binary()).cast(pa.string())
    names = _columns(fields, gap)
    return pa.RecordBatch.from_arrays([arrays[name] for name in names], names=names)


def _numbers(found: layout.Rows, which: int, count: int, is_there: Any = None) -> Any:
    numbers = pa.py_buffer(np.ascontiguousarray(found.numbers[:count, which]))
    return pa.Int64Array.from_buffers(pa.int64(), count, [is_there, numbers])


def _texts(found: layout.Rows, row_count: int, column_count: int) -> list[Any]:
    count = row_count * column_count
    buffers = [pa.py_buffer(found.text_ends), pa.py_buffer(found.texts)]
    every = pa.StringArray.from_buffers(count, *buffers, _bits(found.has_text[:count]))
    return [every.take(pa.array(np.arange(column, count, column_count))) for column in range(column_count)]


def _bits(flags: Any) -> Any:
    return pa.py_buffer(np.packbits(flags.astype(np.bool_), bitorder="little"))


def _batch_of(judgements: Sequence[Judgement], fields: Fields, gap: int) -> Any:
    types = {"has_timestamp": pa.bool_(), "event_time": pa.int64()}
    columns = zip(_columns(fields), zip(*judgements, strict=True), strict=True)
    arrays = {name: pa.array(values, types.get(name, pa.string())) for name, values in columns}
    if gap:
        arrays["last_event_time"] = arrays["event_time"]
        arrays["event_count"] = pa.array(np.ones(len(judgements), np.int64))
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _too_long(fields: Fields) -> Judgement:
    return (LINE_TOO_LONG, *[None] * (len(_columns(fields)) - 1))


def _columns(fields: Fields, gap: int = 0) -> list[str]:
    line = ["line"] if fields.keep_line else []
    return [*fields.parsed_columns, *line, *(["last_event_time", "event_count"] if gap else [])]
