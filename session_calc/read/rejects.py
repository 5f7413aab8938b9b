"""Find every line that is a reject, with its file and number, in order; on the driver alone, without an engine.

Neither engine tells the number of a line, and Sail not even its file. So the driver reads the inputs once more, as it
listed them, and judges by the same rules; the run holds what it finds against the ledger.

| format | module |
|---|---|
| json, csv | `verdict`, on the lines that `pieces` splits |
| parquet | `parquet_rejects` |
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from session_calc.inputs import Input
from session_calc.read import csv_lines, parquet_rejects, verdict
from session_calc.read.pieces import KEPT_BYTES, LongLine, pieces_of
from session_calc.read.stage import open_bytes
from session_calc.read.verdict import BYTE_ORDER_MARK, Verdict
from session_calc.schemas import LINE_TOO_LONG, Fields


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


def find_rejects(inputs: Iterable[Input], fields: Fields) -> Generator[Reject, None, None]:
    """Find the rejects in order of the files, and in each in order of its lines.

    Raises
    ------
    UnreadableInput
        An object on S3 changed or cannot be read any more.
    OSError
        A file is gone.
    """
    for one in inputs:
        if one.format == "parquet":
            for number, reason, text in parquet_rejects.find(one, fields):
                yield _to_reject(one.path, number, reason, text)
        else:
            yield from _in_lines(one, fields)


def _in_lines(one: Input, fields: Fields) -> Iterator[Reject]:
    judge = verdict_for(one, fields)
    number = 0
    with open_bytes(one) as source:
        for piece in pieces_of(source, fields.max_line_bytes + len(BYTE_ORDER_MARK)):
            if isinstance(piece, LongLine):
                number += 1
                text = _shown(piece.start, is_whole=False)
                yield Reject(one.path, number, LINE_TOO_LONG, text, piece.byte_count, piece.sha256)
                continue
            lines = piece.split(b"\n")
            for place, line in enumerate(lines, start=number + 1):
                if reason := judge(line):
                    yield _to_reject(one.path, place, reason, line)
            number += len(lines)


def verdict_for(one: Input, fields: Fields) -> Verdict:
    """Give the verdict on the lines of an input."""
    return verdict.of_json(fields) if one.format == "json" else verdict.of_csv(csv_lines.header_of(one), fields)


def _to_reject(file: str, number: int, reason: str, line: bytes) -> Reject:
    is_whole = len(line) <= KEPT_BYTES
    text = _shown(line[:KEPT_BYTES], is_whole)
    return Reject(file, number, reason, text, len(line), sha256(line).hexdigest())


def _shown(start: bytes, is_whole: bool) -> str:
    # a character that was cut in two is left out, and a broken one at the end is shown
    return codecs.getincrementaldecoder("utf-8")("replace").decode(start, final=is_whole)
