"""Split the bytes of an input into its lines without an engine, as the engines do: at line feeds alone.

The lines come in pieces of about a mebibyte, so that one piece can be looked at while the next is read. No piece holds
a line far over the limit: of such a line only the beginning is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

KEPT_BYTES = 64 * 1024  # of a line's text
_READ_BYTES = 1 << 20


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class LongLine:
    """A line of which not all is kept.

    Attributes
    ----------
    start : bytes
        Its first 64 KiB.
    sha256 : str
        Of all its bytes.
    """

    start: bytes
    byte_count: int
    sha256: str


def pieces_of(source: Source, most_bytes: int, read_bytes: int = _READ_BYTES) -> Iterator[bytes | LongLine]:
    r"""Split what a source gives into whole lines, with line feeds between them and none behind the last.

    Parameters
    ----------
    source : Source
    most_bytes : int
        A line of more bytes, and more than are kept, may become a LongLine.
    read_bytes : int
        Asked of the source at a time.

    Examples
    --------
    >>> from io import BytesIO
    >>> list(pieces_of(BytesIO(b"a\n\nbc\nd"), most_bytes=100, read_bytes=4))
    [b'a\n', b'bc', b'd']
    """
    most_bytes = max(most_bytes, KEPT_BYTES)
    rest = b""  # the beginning of a line whose end was not read yet
    block = source.read(read_bytes)
    while block:
        lines, found, behind = block.rpartition(b"\n")
        if found:
            yield rest + lines
            rest = behind
        else:
            rest += block
        block = b""
        if len(rest) > most_bytes:
            long_line, block = _to_line_feed(rest, source, read_bytes)
            rest = b""
            yield long_line
        block = block or source.read(read_bytes)
    if rest:
        yield rest


def _to_line_feed(start: bytes, source: Source, read_bytes: int) -> tuple[LongLine, bytes]:
    """Read on to the end of a long line; give what was read behind it too."""
    digest: Any = sha256(start)
    byte_count = len(start)
    while block := source.read(read_bytes):
        end, found, behind = block.partition(b"\n")
        digest.update(end)
        byte_count += len(end)
        if found:
            return LongLine(start[:KEPT_BYTES], byte_count, digest.hexdigest()), behind
    return LongLine(start[:KEPT_BYTES], byte_count, digest.hexdigest()), b""
