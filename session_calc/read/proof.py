"""Prove lines of JSON plain on the driver, and keep aside those that are not; for an engine in this process.

The pattern is that of `text_scan`. Sail compiles it anew for every batch of 8192 lines, which takes as long as to match
them; Arrow's RE2, as linear as Rust's engine, compiles it for megabytes. So this takes a third of the processor's time,
and it knows which lines are odd: they are judged here, and only files that hold some are copied, without them.
"""

from __future__ import annotations

import os
from codecs import utf_8_decode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from session_calc.inputs import Input
from session_calc.read import patterns
from session_calc.read.nested import tree_of
from session_calc.read.pieces import LongLine, Source, pieces_of
from session_calc.read.stage import open_bytes
from session_calc.read.verdict import BYTE_ORDER_MARK
from session_calc.schemas import Fields, path_of

_READ_BYTES = 8 << 20
_PART_BYTES = 64 << 20  # of a file that several threads look at
_JACKSON_NAME_LENGTH = 50_000
_JACKSON_NUMBER_LENGTH = 1_000
_LONG_NUMBER = f"[0-9.eE+-]{{{_JACKSON_NUMBER_LENGTH}}}"
MOST_ODD_LINES = 200_000
MOST_ODD_BYTES = 64 << 20


@dataclass(frozen=True)
class OddLine:
    """A line that must not be read the fast way.

    Attributes
    ----------
    begin, end : int
        Where it stands among the decompressed bytes, its line feed included.
    text : bytes or None
        Without its line feed; None: it is longer than allowed, and was not kept.
    """

    begin: int
    end: int
    text: bytes | None


@dataclass
class Proof:
    """What the lines of a file, or of a part of it, turned out to be.

    Attributes
    ----------
    odd : list of OddLine
        In order; of too many none is kept.
    odd_count : int
        At least so many.
    is_utf8 : bool
    """

    line_count: int = 0
    blank_count: int = 0
    odd: list[OddLine] = field(default_factory=list)
    odd_count: int = 0
    is_utf8: bool = True

    def add(self, other: Proof) -> None:
        """Take in what was found behind."""
        self.line_count += other.line_count
        self.blank_count += other.blank_count
        self.odd += other.odd
        self.odd_count += other.odd_count
        self.is_utf8 &= other.is_utf8


@dataclass(frozen=True)
class _Rule:
    """By what a line is plain."""

    pattern: str
    max_line_bytes: int
    for_jackson: bool

    def is_over_limits(self, lines: Any, lengths: Any) -> Any:
        """Tell which lines are too long, or may hold what the engine's parser refuses for its length."""
        if not self.for_jackson:
            return lengths > self.max_line_bytes
        is_over = lengths > min(self.max_line_bytes, _JACKSON_NAME_LENGTH)
        long = np.flatnonzero(~is_over & (lengths > _JACKSON_NUMBER_LENGTH))
        is_over[long] = _to_numpy(pc.match_substring_regex(lines.take(pa.array(long)), _LONG_NUMBER))
        return is_over


class _Budget:
    """How many odd lines may still be kept; threads share it, and may overdraw it by a piece each."""

    def __init__(self) -> None:
        self.lines = MOST_ODD_LINES
        self.bytes = MOST_ODD_BYTES

    def spend(self, odd: Sequence[OddLine]) -> None:
        self.lines -= len(odd)
        self.bytes -= sum(len(one.text or b"") for one in odd)

    @property
    def is_spent(self) -> bool:
        return self.lines < 0 or self.bytes < 0


def prove(inputs: Sequence[Input], fields: Fields, for_jackson: bool = False) -> Mapping[Input, Proof] | None:
    """Look at every line of files on this machine; None where no pattern proves a line plain for these fields.

    Parameters
    ----------
    inputs : sequence of Input
    fields : Fields
    for_jackson : bool
        Keep aside what Jackson's limits would refuse.

    Raises
    ------
    OSError, EOFError, zlib.error
        A file cannot be read to its end.
    """
    pattern = _pattern_of(fields)
    if pattern is None:
        return None
    budget, rule = _Budget(), _Rule(pattern, fields.max_line_bytes, for_jackson)

    def look(part: _Part) -> tuple[Input, Proof]:
        with part.open() as source:
            return part.input, _prove(source, part.begin, rule, budget)

    found: dict[Input, Proof] = defaultdict(Proof)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        for one, proof in threads.map(look, [part for each in inputs for part in _parts_of(each)]):
            found[one].add(proof)
    if budget.is_spent:
        for proof in found.values():
            proof.odd.clear()
            proof.odd_count += 1  # those of the pieces behind were not counted
    return found


def _pattern_of(fields: Fields) -> str | None:
    tree = tree_of(fields.keys)
    if tree is None or not all(name.isprintable() and not set(name) & set('"\\') for name in fields.names):
        return None
    pattern = patterns.plain_line(tree, path_of(fields.timestamp_key), fields.timestamp_unit)
    pattern = pattern.removesuffix(r"\z") + r"\n?\z"  # Arrow's lines keep their line feeds, so that no byte is moved
    try:
        pc.match_substring_regex(pa.array(["{}"]), pattern)
    except pa.ArrowInvalid:  # too many fields for RE2's memory
        return None
    return pattern


def _prove(source: Source, begin: int, rule: _Rule, budget: _Budget) -> Proof:
    proof = Proof()
    for piece in pieces_of(source, rule.max_line_bytes + len(BYTE_ORDER_MARK), _READ_BYTES):
        if isinstance(piece, LongLine):
            end = begin + piece.byte_count + 1
            found = Proof(1, 0, [OddLine(begin, end, None)], 1)
        else:
            end = begin + len(piece) + 1
            found = _prove_piece(piece, begin, rule, budget.is_spent)
        budget.spend(found.odd)
        proof.add(found)
        begin = end
    return proof


def _prove_piece(piece: bytes, begin: int, rule: _Rule, counts_only: bool) -> Proof:
    ends = np.append(np.flatnonzero(np.frombuffer(piece, np.uint8) == ord("\n")) + 1, len(piece))
    starts = np.concatenate(([0], ends[:-1]))
    offsets = pa.py_buffer(np.concatenate((starts, ends[-1:])).astype(np.int32))
    lines = pa.StringArray.from_buffers(len(ends), offsets, pa.py_buffer(piece))
    broken = [] if _is_utf8(lines) else _lines_that_are_no_utf8(piece, ends)
    if counts_only:
        return Proof(len(ends), 0, [], 0, not broken)
    if broken:
        mended = _without(piece, [(starts[number], ends[number]) for number in broken])
        lines = pa.StringArray.from_buffers(len(ends), offsets, pa.py_buffer(mended))
    lengths = ends - starts
    lengths[:-1] -= 1  # behind the last line of a piece there is no line feed
    is_odd = ~_to_numpy(pc.match_substring_regex(lines, rule.pattern)) | rule.is_over_limits(lines, lengths)
    is_odd[broken] = True
    no_object = np.flatnonzero(~is_odd & (_first_bytes(piece, starts, ends) != ord("{")))
    blank_count = len(no_object) - int(_to_numpy(pc.match_substring(lines.take(pa.array(no_object)), "{")).sum())
    odd = [
        OddLine(begin + int(starts[n]), begin + int(ends[n]), piece[starts[n] : ends[n]].removesuffix(b"\n"))
        for n in np.flatnonzero(is_odd)
    ]
    if odd and odd[-1].end == begin + len(piece):  # the line feed behind a piece is no part of it
        odd[-1] = OddLine(odd[-1].begin, odd[-1].end + 1, odd[-1].text)
    return Proof(len(ends), blank_count, odd, len(odd), not broken)


def _first_bytes(piece: bytes, starts: Any, ends: Any) -> Any:
    first = np.zeros(len(starts), np.uint8)
    has_any = ends > starts
    first[has_any] = np.frombuffer(piece, np.uint8)[starts[has_any]]
    return first


def _to_numpy(column: Any) -> Any:
    return column.to_numpy(zero_copy_only=False).astype(bool)


def _is_utf8(lines: Any) -> bool:
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _lines_that_are_no_utf8(piece: bytes, ends: Any) -> list[int]:
    broken: list[int] = []
    start, view = 0, memoryview(piece)
    while start < len(piece):
        try:
            utf_8_decode(view[start:], "strict", True)
        except UnicodeDecodeError as error:
            broken.append(int(np.searchsorted(ends, start + error.start, side="right")))
            start = int(ends[broken[-1]])
        else:
            break
    return broken


def _without(piece: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    text = bytearray(piece)
    for begin, end in spans:
        text[begin:end] = bytes(end - begin)
    return bytes(text)


@dataclass(frozen=True)
class _Part:
    """Some whole lines of a file; `end` is None for all of them."""

    input: Input
    begin: int = 0
    end: int | None = None

    @contextmanager
    def open(self) -> Iterator[Source]:
        with open_bytes(self.input) as source:
            if self.end is None:
                yield source
            else:
                source.seek(self.begin)
                yield _Limited(source, self.end - self.begin)


class _Limited:
    def __init__(self, source: Source, byte_count: int) -> None:
        self._source = source
        self._left = byte_count

    def read(self, size: int, /) -> bytes:
        block = self._source.read(min(size, self._left))
        self._left -= len(block)
        return block


def _parts_of(one: Input) -> list[_Part]:
    if one.compression or one.byte_count <= _PART_BYTES:
        return [_Part(one)]
    borders = [0]
    with Path(one.path).open("rb") as source:
        for near in range(_PART_BYTES, one.byte_count, _PART_BYTES):
            source.seek(near)
            if near > borders[-1] and source.readline(_PART_BYTES).endswith(b"\n"):
                borders.append(source.tell())
    return [
        _Part(one, begin, end)
        for begin, end in zip(borders, [*borders[1:], one.byte_count], strict=True)
        if begin < end
    ]
