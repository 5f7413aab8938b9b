"""Stretches of lines from every part of a file: all of a small one, and of a large one as much as is asked for.

A file that is packed can be read from its beginning alone.
"""

from __future__ import annotations

from bz2 import BZ2File
from dataclasses import dataclass
from gzip import GzipFile
from typing import BinaryIO
from zlib import crc32

from session_calc.inputs import Input
from session_calc.read.stage import open_bytes

LONGEST_LINE = 1 << 20  # bytes; of a longer one no more is held
_STRETCHES = 8
Source = BinaryIO | GzipFile | BZ2File
_SHORTEST = 32 << 10  # bytes


@dataclass(frozen=True)
class RawLine:
    """A line as it stands in its file.

    Attributes
    ----------
    content : bytes
        Without its line feed; at most the first MiB.
    place : str
        `line 7`, or `a line from byte 12345 on` where the lines before were not counted.
    byte_count : int
        Of the whole line.
    """

    content: bytes
    place: str
    byte_count: int


@dataclass(frozen=True)
class Stretch:
    """Lines that follow each other in a file."""

    lines: list[RawLine]
    reaches_end: bool


def of_file(one: Input, byte_count: int) -> list[Stretch]:
    """Read about so many bytes of a file's lines, from as many places of it as it is worth.

    Returns
    -------
    list of Stretch
        One that reaches the end where all of the file was read. The same file gives the same stretches.
    """
    with open_bytes(one) as source:
        if one.compression or one.byte_count <= byte_count:
            return [_read(source, byte_count, is_start=True)]
        count = max(1, min(_STRETCHES, byte_count // _SHORTEST))
        found = [_read(source, byte_count // count, is_start=True)]
        part = one.byte_count // count
        for number in range(1, count):
            by_chance = crc32(f"{one.byte_count} {number}".encode()) % max(1, part - byte_count // count)
            source.seek(number * part + by_chance)
            _next_line(source)  # we are probably in the midst of one
            found.append(_read(source, byte_count // count, is_start=False))
        return [Stretch(stretch.lines, reaches_end=False) for stretch in found]


def _read(source: Source, byte_count: int, is_start: bool) -> Stretch:
    lines: list[RawLine] = []
    seen = 0
    begins_at = 0 if is_start else source.tell()
    while seen < byte_count:
        content, length = _next_line(source)
        if not length:
            return Stretch(lines, reaches_end=True)
        place = f"line {len(lines) + 1:,}" if is_start else f"the line at byte {begins_at + seen:,}"
        seen += length
        lines.append(RawLine(content.removesuffix(b"\n"), place, length - content.endswith(b"\n")))
    return Stretch(lines, reaches_end=not source.read(1))


def _next_line(source: Source) -> tuple[bytes, int]:
    content = source.readline(LONGEST_LINE)
    length = len(content)
    piece = content
    while len(piece) == LONGEST_LINE and not piece.endswith(b"\n"):
        piece = source.readline(LONGEST_LINE)
        length += len(piece)
    return (content + b"\n" if piece is not content and piece.endswith(b"\n") else content), length
