"""Cut the inputs of this machine into portions of whole lines, and read a portion block by block.

A portion is what is read from its first line to its last by one process. A block is as many whole lines as fit into a
buffer, which is used over and over; the last byte of a block is a line feed, if need be one that the file lacks.
"""

from __future__ import annotations

from bz2 import BZ2File
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from session_calc.inputs import Input
from session_calc.read.verdict import BYTE_ORDER_MARK
from session_calc.read.whole import inflated

Block = npt.NDArray[np.uint8]

MORE_BYTES = 8  # than a block's own can be read behind it, by who looks at several at once

_LEAST_BYTES = 1 << 20  # of a portion
_MOST_BYTES = 16 << 20
_BLOCK_BYTES = 2 << 20  # what is made of it as well fits a core's own cache
_STORED_BYTES = 1 << 20
_TIMES_LONGER = {"gz": 10, "bz2": 20}  # compressed lines, at most but for odd ones


class Portion(NamedTuple):
    """Whole lines of a file: its bytes from `begin` to `end`; of a compressed file, all."""

    path: str
    begin: int
    end: int
    compression: str

    @property
    def size(self) -> int:
        """About how many bytes of lines it holds."""
        return (self.end - self.begin) * _TIMES_LONGER.get(self.compression, 1)


class _Source(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


def portions_of(inputs: Sequence[Input], wanted_count: int) -> list[Portion]:
    """Cut files into portions, in their order.

    Parameters
    ----------
    inputs : sequence of Input
    wanted_count : int
        Of small inputs it may be less, of large ones more.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    byte_count = sum(one.byte_count for one in inputs)
    most_bytes = min(max(byte_count // wanted_count, _LEAST_BYTES), _MOST_BYTES)
    return [portion for one in inputs for portion in _portions_of(one, most_bytes)]


def shared_out(portions: Sequence[Portion], most: int) -> list[list[int]]:
    """Share portions out among readers.

    Those that could not be cut go, the largest first, to whom has least; then each gets a run of the others, for lines
    of one user mostly stand near each other, and so does what is folded of them.

    Parameters
    ----------
    portions : sequence of Portion
    most : int
        Readers; of few portions there are fewer, but always one.

    Returns
    -------
    list
        For each reader the numbers of its portions.
    """
    shares: list[list[int]] = [[] for _ in range(most)]
    sizes = [0] * most

    def give(reader: int, number: int) -> None:
        shares[reader].append(number)
        sizes[reader] += portions[number].size

    whole = [number for number, portion in enumerate(portions) if portion.compression]
    for number in sorted(whole, key=lambda number: portions[number].size, reverse=True):
        give(sizes.index(min(sizes)), number)
    fair_size, reader = sum(portion.size for portion in portions) / most, 0
    for number, portion in enumerate(portions):
        if not portion.compression:
            while reader < most - 1 and sizes[reader] + portion.size / 2 > fair_size:
                reader += 1
            give(reader, number)
    return [share for share in shares if share] or [[]]


def buffer_for(max_line_bytes: int) -> mmap:
    """Make a buffer for blocks; what of it is not used takes no memory."""
    return mmap(-1, max(_BLOCK_BYTES, len(BYTE_ORDER_MARK) + max_line_bytes + 1) + 1 + MORE_BYTES)


def blocks_of(portion: Portion, buffer: mmap) -> Iterator[Block | None]:
    """Read a portion, block by block.

    Parameters
    ----------
    portion : Portion
    buffer : mmap
        As made by `buffer_for`; a line that it has no room for comes as None. One for many portions is faster than one
        for each.

    Yields
    ------
    array of uint8, or None
        Of use until the next is asked for; MORE_BYTES more can be read behind it. None: a line too long to be looked
        at.

    Raises
    ------
    OSError, EOFError, zlib.error
        The file cannot be read to the portion's end.
    """
    view, array, room = memoryview(buffer), np.frombuffer(buffer, np.uint8), len(buffer) - 1 - MORE_BYTES
    with _opened(portion) as source:
        filled, is_beyond = 0, False  # is_beyond: inside a line that did not fit
        while count := source.readinto(view[filled : min(filled + _BLOCK_BYTES, room)]):
            end = filled + count
            behind = buffer.rfind(b"\n", filled, end) + 1
            if not behind:
                is_beyond |= end == room
                filled = 0 if is_beyond else end
                continue
            begin = buffer.find(b"\n", filled) + 1 if is_beyond else 0
            if is_beyond:
                yield None
            if begin < behind:
                yield array[begin:behind]
            filled, is_beyond = end - behind, False
            view[:filled] = bytes(view[behind:end])
        if is_beyond:
            yield None
        elif filled:
            buffer[filled] = ord("\n")
            yield array[: filled + 1]


@contextmanager
def _opened(portion: Portion) -> Iterator[_Source]:
    with Path(portion.path).open("rb", buffering=0) as stored:
        if portion.compression == "gz":
            yield _Poured(inflated(iter(lambda: stored.read(_STORED_BYTES), b"")))
        elif portion.compression == "bz2":
            with BZ2File(stored) as source:
                yield source
        else:
            stored.seek(portion.begin)
            yield _Stretch(stored, portion.end - portion.begin)


class _Poured:
    """What comes in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        self._rest = self._rest or memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Stretch:
    """So many bytes of a file, from where it stands."""

    def __init__(self, stored: Any, byte_count: int) -> None:
        self._stored = stored
        self._left = byte_count

    def readinto(self, buffer: memoryview, /) -> int:
        count: int = self._stored.readinto(buffer[: self._left])
        if self._left and not count:
            raise EOFError(f"{self._stored.name} is shorter than it was")
        self._left -= count
        return count


def _portions_of(one: Input, most_bytes: int) -> list[Portion]:
    if not one.byte_count:  # of no format, but all engines take it for no lines
        return []
    if one.compression:
        return [Portion(one.path, 0, one.byte_count, one.compression)]
    borders = [0]
    with Path(one.path).open("rb") as source:
        for near in range(most_bytes, one.byte_count, most_bytes):
            source.seek(near)
            if near > borders[-1] and source.readline(most_bytes).endswith(b"\n"):
                borders.append(min(source.tell(), one.byte_count))
    ends = [*borders[1:], one.byte_count]
    return [Portion(one.path, begin, end, "") for begin, end in zip(borders, ends, strict=True) if begin < end]
