"""Make files fit for an engine on this machine: names it would take for patterns, and bytes it refuses.

Engines take `[`, `*` and their like in a file's name for a pattern, and then find nothing or too much. Sail refuses a
whole file for one byte that is no UTF-8. Both are mended beside the data, in a temporary folder: a link with a plain
name, or a copy in which the broken bytes are NUL, which no JSON and no CSV line may hold, so that the line is rejected.
"""

import bz2
import codecs
import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.parse import quote

from session_calc.inputs import Input, open_raw
from session_calc.s3 import split

_PATTERN_CHARACTERS = re.compile(r"[\[\]{}*?\\:\n\r]")
_GLOB_CHARACTERS = re.compile(r"([\[\]{}*?\\])")
# what engines cannot say of an object's name: their paths have no empty names, no dots alone, no control characters
_UNSPEAKABLE = re.compile(r"(?:^|/)(?:\.{0,2})(?:/|$)|[\x00-\x1f\x7f]")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stage:
    """Where links and mended copies lie; `folder` is None where the engine does not see this machine's files.

    `decodes_urls` says that to the engine `%20` in a URL is a space, as it is to Sail and not to Spark; `file_scheme`
    is what the engine needs before a path. What is in `when_read` is done once the inputs were read, and while the
    folder is still there.
    """

    folder: Path | None
    decodes_urls: bool = False
    file_scheme: str = ""
    when_read: list[Callable[[], None]] = field(default_factory=list)

    def path_for_engine(self, one: Input) -> str:
        """Give the path by which an engine reads exactly this file."""
        if one.is_on_s3:
            return self._url_for_engine(one)
        if self.folder is None:
            return self.file_scheme + _GLOB_CHARACTERS.sub(r"\\\1", one.path)
        if not _PATTERN_CHARACTERS.search(one.path):
            return self.file_scheme + one.path
        link = self.path_of(one)
        if not link.is_symlink():
            link.symlink_to(one.path)
        return f"{self.file_scheme}{link}"

    def _url_for_engine(self, one: Input) -> str:
        bucket, key = split(one.path)
        spelled = quote(key, safe="/=") if self.decodes_urls else _GLOB_CHARACTERS.sub(r"\\\1", key)
        return f"s3a://{bucket}/{spelled}"  # the one scheme that every engine knows

    def mended(self, one: Input) -> Input:
        """Give the input, or where a byte of it is no UTF-8, a copy in which such bytes are NUL."""
        if self.folder is None or one.format == "parquet" or is_utf8(one):
            return one
        copy = self.path_of(one).with_suffix(".mended")
        with open_bytes(one) as source, copy.open("wb") as target:
            for text in _decoded(source, errors="nul"):
                target.write(text.encode("utf-8"))
        return Input(str(copy), copy.stat().st_size, one.mark, one.format, compression="")

    def path_of(self, one: Input) -> Path:
        """Give the path of what stands in for an input here."""
        if self.folder is None:
            raise ValueError("nothing can be staged for an engine elsewhere")
        suffix = f".{one.compression}" if one.compression else ""
        return self.folder / f"{sha256(one.path.encode()).hexdigest()[:16]}.{one.format}{suffix}"


@contextmanager
def open_stage(is_here: bool, decodes_urls: bool = False, file_scheme: str = "") -> Iterator[Stage]:
    """Make a temporary folder for an engine on this machine, and remove it afterwards."""
    if not is_here:
        yield Stage(None, decodes_urls, file_scheme)
        return
    with TemporaryDirectory(prefix="session-calc-") as folder:
        stage = Stage(Path(folder), decodes_urls, file_scheme)
        yield stage
        for deed in stage.when_read:
            deed()


def is_speakable(one: Input) -> bool:
    """Tell whether engines can be told to read an object by its name."""
    return not (one.is_on_s3 and _UNSPEAKABLE.search(split(one.path)[1]))


def open_bytes(one: Input, stored: BinaryIO | None = None) -> BinaryIO | gzip.GzipFile | bz2.BZ2File:
    """Open an input as the bytes that were written before any compression; from those stored, if at hand."""
    if not one.compression:
        return stored or open_raw(one)
    # a file that was opened here would not be closed with it
    source = stored or (open_raw(one) if one.is_on_s3 else one.path)
    return gzip.open(source, "rb") if one.compression == "gz" else bz2.open(source, "rb")


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
