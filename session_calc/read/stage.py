"""Make files fit for an engine on this machine: names it would take for patterns, and bytes it refuses.

Engines take `[`, `*` and their like in a file's name for a pattern, and then find nothing or too much. Sail refuses a
whole file for one byte that is no UTF-8. Both are mended beside the data, in a temporary folder: a link with a plain
name, or a copy in which the broken bytes are NUL, which no JSON and no CSV line may hold, so that the line is rejected.
"""

import bz2
import codecs
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from session_calc.inputs import Input

_PATTERN_CHARACTERS = re.compile(r"[\[\]{}*?\\:\n\r]")
_GLOB_CHARACTERS = re.compile(r"([\[\]{}*?\\])")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stage:
    """Where links and mended copies lie; `folder` is None where the engine does not see this machine's files."""

    folder: Path | None

    def path_for_engine(self, one: Input) -> str:
        """Give the path by which an engine reads exactly this file."""
        if self.folder is None:
            return _GLOB_CHARACTERS.sub(r"\\\1", one.path)
        if not _PATTERN_CHARACTERS.search(one.path):
            return one.path
        link = self._path_of(one)
        if not link.is_symlink():
            link.symlink_to(one.path)
        return str(link)

    def mended(self, one: Input) -> Input:
        """Give the input, or where a byte of it is no UTF-8, a copy in which such bytes are NUL."""
        if self.folder is None or one.format == "parquet" or is_utf8(one):
            return one
        copy = self._path_of(one).with_suffix(".mended")
        with open_bytes(one) as source, copy.open("wb") as target:
            for text in _decoded(source, errors="nul"):
                target.write(text.encode("utf-8"))
        return Input(str(copy), copy.stat().st_size, one.mark, one.format, compression="")

    def _path_of(self, one: Input) -> Path:
        if self.folder is None:
            raise ValueError("nothing can be staged for an engine elsewhere")
        suffix = f".{one.compression}" if one.compression else ""
        return self.folder / f"{sha256(one.path.encode()).hexdigest()[:16]}.{one.format}{suffix}"


@contextmanager
def open_stage(is_here: bool) -> Iterator[Stage]:
    """Make a temporary folder for an engine on this machine, and remove it afterwards."""
    if not is_here:
        yield Stage(None)
        return
    with TemporaryDirectory(prefix="session-calc-") as folder:
        yield Stage(Path(folder))


def open_bytes(one: Input) -> BinaryIO | gzip.GzipFile | bz2.BZ2File:
    """Open an input as the bytes that were written before any compression."""
    if one.compression == "gz":
        return gzip.open(one.path, "rb")
    if one.compression == "bz2":
        return bz2.open(one.path, "rb")
    return Path(one.path).open("rb")


def is_utf8(one: Input) -> bool:
    """Tell whether every byte of a file is UTF-8."""
    try:
        with open_bytes(one) as source:
            for _ in _decoded(source, errors="strict"):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _decoded(source: BinaryIO | gzip.GzipFile | bz2.BZ2File, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    while chunk := source.read(_CHUNK_BYTES):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _to_nul(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    # one NUL a byte: the line keeps its length
    return "\0" * (error.end - error.start), error.end


codecs.register_error("nul", _to_nul)
