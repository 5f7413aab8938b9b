"""Find every line that is a reject, with its file and number, in order; on the driver alone, without an engine.

Neither engine tells the number of a line, and Sail not even its file. So the driver reads the inputs once more, as it
listed them, and judges by the same rules, in several processes where there is much to judge; the run holds what it
finds against the ledger.

| format | module |
|---|---|
| json, csv | `verdict`, on the lines that `pieces` splits |
| parquet | `parquet_rejects` |
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from itertools import groupby

from session_calc.inputs import Input, open_raw
from session_calc.read import csv_lines, parquet_rejects, verdict
from session_calc.read.fetch import SMALL_BYTES
from session_calc.read.pieces import KEPT_BYTES, LongLine, pieces_of
from session_calc.read.side_by_side import in_order, open_processes
from session_calc.read.stage import open_bytes
from session_calc.read.verdict import BYTE_ORDER_MARK
from session_calc.schemas import LINE_TOO_LONG, Fields

_LARGE_BYTES = 128 << 20  # to start processes takes as long as to judge half of it
_FETCHERS = 16
_TIMES_LONGER = 8  # compressed lines, about


@dataclass(frozen=True)
class Reject:
    """A line that is no usable event.

    Attributes
    ----------
    line_number : int
        In the file, from 1; blank lines and headers count. In compressed files it is that of the text inside; in
        Parquet it is the row's.
    text : str
        The line as it came, at most 64 KiB of it; bytes that are no UTF-8 show as U+FFFD. Of a row in Parquet, the
        fields that the keys name, as JSON.
    text_byte_count : int
    text_sha256 : str
        Both of the whole line, its bytes as they are, without the line feed.
    """

    file: str
    line_number: int
    reason: str
    text: str
    text_byte_count: int
    text_sha256: str


@dataclass(frozen=True)
class _Task:
    """A piece of a file, and how its lines are spelled: JSON, or CSV under a header."""

    file: str
    piece: bytes | LongLine
    fields: Fields
    header: str | None


@dataclass(frozen=True)
class _Judged:
    """What became of a piece; the line numbers are those in the piece."""

    file: str
    line_count: int
    rejects: list[Reject]


def find_rejects(inputs: Sequence[Input], fields: Fields) -> Generator[Reject, None, None]:
    """Find the rejects in order of the files, and in each in order of its lines.

    Raises
    ------
    UnreadableInput
        An object on S3 changed or cannot be read any more.
    OSError
        A file is gone.
    """
    with open_processes() if _are_large(inputs) else nullcontext() as pool:
        for is_parquet, some in groupby(inputs, lambda one: one.format == "parquet"):
            alike = list(some)
            yield from _in_rows(alike, fields) if is_parquet else _in_lines(alike, fields, pool)


def _are_large(inputs: Sequence[Input]) -> bool:
    texts = [one for one in inputs if one.format != "parquet"]
    return sum(one.byte_count * (_TIMES_LONGER if one.compression else 1) for one in texts) > _LARGE_BYTES


def _in_rows(inputs: Iterable[Input], fields: Fields) -> Iterator[Reject]:
    for one in inputs:
        for number, reason, text in parquet_rejects.find(one, fields):
            yield _to_reject(one.path, number, reason, text)


def _in_lines(inputs: Sequence[Input], fields: Fields, pool: Executor | None) -> Iterator[Reject]:
    file, number = "", 0
    for judged in in_order(_judge, _tasks(inputs, fields), pool):
        if judged.file != file:
            file, number = judged.file, 0
        for reject in judged.rejects:
            yield replace(reject, line_number=number + reject.line_number)
        number += judged.line_count


def _tasks(inputs: Sequence[Input], fields: Fields) -> Iterator[_Task]:
    are_on_s3 = any(one.is_on_s3 for one in inputs)
    with ThreadPoolExecutor(_FETCHERS) if are_on_s3 else nullcontext() as fetchers:
        for one, stored in zip(inputs, in_order(_fetch_small, inputs, fetchers), strict=True):
            header = csv_lines.header_of(one) if one.format == "csv" else None
            with open_bytes(one, None if stored is None else BytesIO(stored)) as source:
                for piece in pieces_of(source, fields.max_line_bytes + len(BYTE_ORDER_MARK)):
                    yield _Task(one.path, piece, fields, header)


def _fetch_small(one: Input) -> bytes | None:
    """Fetch an object that is small ahead of its turn: to ask for it takes longer than to send it."""
    if not one.is_on_s3 or one.byte_count > SMALL_BYTES:
        return None
    with open_raw(one) as source:
        return source.read()


def _judge(task: _Task) -> _Judged:
    piece = task.piece
    if isinstance(piece, LongLine):
        text = _shown(piece.start, is_whole=False)
        return _Judged(task.file, 1, [Reject(task.file, 1, LINE_TOO_LONG, text, piece.byte_count, piece.sha256)])
    reason_of = verdict.of_json(task.fields) if task.header is None else verdict.of_csv(task.header, task.fields)
    lines, found = piece.split(b"\n"), []
    for number, line in enumerate(lines, start=1):
        if reason := reason_of(line):
            found.append(_to_reject(task.file, number, reason, line))
    return _Judged(task.file, len(lines), found)


def _to_reject(file: str, number: int, reason: str, line: bytes) -> Reject:
    is_whole = len(line) <= KEPT_BYTES
    text = _shown(line[:KEPT_BYTES], is_whole)
    return Reject(file, number, reason, text, len(line), sha256(line).hexdigest())


def _shown(start: bytes, is_whole: bool) -> str:
    # a character that was cut in two is left out, and a broken one at the end is shown
    return codecs.getincrementaldecoder("utf-8")("replace").decode(start, final=is_whole)
