"""Make sure that files are whole, for the engines take some broken ones for less than they were, without a word.

Classic Spark reads a .bz2 that was cut off between two blocks up to there, and finds nothing at all in a file that is
no bzip2; Sail takes an empty file for Parquet without rows.
"""

import bz2
import zlib
from collections.abc import Iterable, Iterator, Sequence

from session_calc.errors import UnreadableInput
from session_calc.inputs import Input, open_raw

_PARQUET_MAGIC = b"PAR1"
_SMALLEST_PARQUET = 12  # bytes: the magic twice, and a length between them
_BZIP2_END = 0x177245385090  # 48 bits; 32 of a checksum and up to 7 without meaning follow
_CHUNK_BYTES = 1 << 20
_GZIP_WINDOW = 31  # zlib's name for: with a gzip header


def require_ends(inputs: Sequence[Input]) -> None:
    """Make sure that files begin and end as their formats say, where no engine may be trusted to look.

    Raises
    ------
    UnreadableInput
        With the first file that does not.
    """
    for one in inputs:
        try:
            if one.format == "parquet":
                _require_parquet_ends(one)
            elif one.compression == "bz2" and one.byte_count:
                _require_bzip2_ends(one)
        except OSError as error:
            raise _unreadable(one, error.strerror or str(error)) from error


def require_whole(one: Input) -> None:
    """Read a file to its end, to find whether it is the cause of an engine's failure.

    Raises
    ------
    UnreadableInput
        It is gone, may not be read, or is damaged.
    """
    try:
        if one.compression == "gz":
            _read_gzip(one)
        elif one.compression == "bz2":
            _read_bzip2(one)
        else:
            next(_chunks(one), None)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(one, getattr(error, "strerror", None) or str(error)) from error


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress what a .gz holds, of several members too, a bounded piece at a time.

    It does not take zeros behind the end for padding, as the module gzip does, for the engines do not.

    Raises
    ------
    EOFError, zlib.error
        The file is cut off, or damaged.
    """
    inflater = None
    for chunk in chunks:
        rest = chunk
        while rest:
            inflater = inflater or zlib.decompressobj(_GZIP_WINDOW)
            yield inflater.decompress(rest, _CHUNK_BYTES)
            rest = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof:
                inflater = None
    if inflater:
        yield inflater.flush()
        if not inflater.eof:
            raise EOFError("it ends before its end mark")


def _require_parquet_ends(one: Input) -> None:
    first, last = _ends(one, 4)
    if one.byte_count < _SMALLEST_PARQUET or first != _PARQUET_MAGIC or last != _PARQUET_MAGIC:
        raise UnreadableInput(
            f"{one.path} is no Parquet file, or not all of one. Nothing was written. "
            "Fetch the file again, or leave it out of READ_PATH."
        )


def _require_bzip2_ends(one: Input) -> None:
    first, last = _ends(one, 11)
    bits = int.from_bytes(last, "big") >> 32
    if not first.startswith(b"BZh"):
        raise _unreadable(one, "it is no bzip2 file")
    if not any(bits >> unused & 0xFFFF_FFFF_FFFF == _BZIP2_END for unused in range(8)):
        raise _unreadable(one, "the mark that ends a bzip2 file is not there")


def _ends(one: Input, byte_count: int) -> tuple[bytes, bytes]:
    with open_raw(one) as source:
        first = source.read(byte_count)
        source.seek(max(0, one.byte_count - byte_count))
        return first, source.read(byte_count)


def _read_gzip(one: Input) -> None:
    for _ in inflated(_chunks(one)):
        pass


def _read_bzip2(one: Input) -> None:
    with open_raw(one) as raw, bz2.open(raw, "rb") as source:
        while source.read(_CHUNK_BYTES):
            pass


def _chunks(one: Input) -> Iterator[bytes]:
    with open_raw(one) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _unreadable(one: Input, what: str) -> UnreadableInput:
    return UnreadableInput(
        f"{one.path} cannot be read to its end: {what}. Nothing was written. "
        "Fetch the file again, or leave it out of READ_PATH."
    )
