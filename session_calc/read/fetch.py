"""Fetch objects from S3 to this machine, where an engine would ask for each too often, or cannot say its name.

Sail asks up to nine times for a small object, and classic Spark five times. So where there are many, they are fetched
here, side by side and once each, and put together into a few files.
"""

import shutil
from bz2 import BZ2File
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from gzip import GzipFile
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from session_calc.errors import UnreadableInput
from session_calc.inputs import Input, open_raw
from session_calc.read.csv_lines import header_of
from session_calc.read.stage import Stage, is_speakable, open_bytes
from session_calc.read.whole import require_whole
from session_calc.s3 import split

SMALL_BYTES = 1 << 20
MANY = 64  # below it the engines' own way is as fast
_FETCHERS = 16
_TIMES_LONGER = {"gz": 10, "bz2": 20}  # compressed lines, at most but for odd ones; the disk must hold them
_CHUNK_BYTES = 1 << 20


def to_here(inputs: Sequence[Input], stage: Stage) -> list[Input]:
    """Give the inputs as the engine is to read them: some of those on S3 from this machine.

    Raises
    ------
    UnreadableInput
        An object is damaged, changed since it was listed, or cannot be read; or it has a name that an engine
        elsewhere cannot say.
    """
    if stage.folder is None:
        _require_speakable(inputs)
        return list(inputs)
    twins = _twins(inputs)
    left = [_copy(one, stage.path_of(one)) if one in twins or not is_speakable(one) else one for one in inputs]
    small = [one for one in left if one.is_on_s3 and one.format != "parquet" and one.byte_count <= SMALL_BYTES]
    if len(small) <= MANY or not _has_room(stage.folder, small):
        return left
    fetched = set(small)
    return [*(one for one in left if one not in fetched), *_gather(small, stage.folder)]


def _twins(inputs: Sequence[Input]) -> set[Input]:
    """Find Parquet objects of one key and size in several buckets, all but the first.

    Sail 0.7.2 keeps what it knows of a Parquet file by key, size and time alone: it took one bucket's values for the
    other's.
    """
    first: dict[tuple[str, int], Input] = {}
    on_s3 = [one for one in inputs if one.is_on_s3 and one.format == "parquet"]
    return {one for one in on_s3 if first.setdefault((split(one.path)[1], one.byte_count), one) != one}


def _require_speakable(inputs: Sequence[Input]) -> None:
    for one in inputs:
        if not is_speakable(one):
            raise UnreadableInput(
                f"{one.path!r} has a name that engines cannot read by: two slashes in a row, a dot alone between "
                "slashes, or a control character. Copy it to another name."
            )


def _has_room(folder: Path, small: Sequence[Input]) -> bool:
    wanted = sum(one.byte_count * _TIMES_LONGER.get(one.compression, 1) for one in small)
    return 2 * wanted < shutil.disk_usage(folder).free


def _gather(small: Sequence[Input], folder: Path) -> list[Input]:
    with ThreadPoolExecutor(_FETCHERS) as fetchers:
        parts = fetchers.map(lambda place: _gather_part(small[place::_FETCHERS], folder, place), range(_FETCHERS))
        return [one for part in parts for one in part]


def _gather_part(inputs: Sequence[Input], folder: Path, place: int) -> list[Input]:
    """Put objects together that are alike: of one format, and CSV of one header."""
    gathered: dict[Path, Input] = {}
    for one in inputs:
        copy = _copy(one, folder / f"fetched-{place}.{one.format}{'.' if one.compression else ''}{one.compression}")
        try:
            require_whole(copy)
            kind = header_of(copy) if one.format == "csv" else ""
        except UnreadableInput as error:
            raise UnreadableInput(str(error).replace(copy.path, one.path)) from error
        target = folder / f"gathered-{place}-{sha256(kind.encode()).hexdigest()[:16]}.{one.format}"
        with open_bytes(copy) as source, target.open("ab") as lines:
            _append(source, lines)
        gathered[target] = Input(str(target), target.stat().st_size, "", one.format, compression="")
    return list(gathered.values())


def _append(source: BinaryIO | GzipFile | BZ2File, lines: BinaryIO) -> None:
    last = b"\n"
    while chunk := source.read(_CHUNK_BYTES):
        lines.write(chunk)
        last = chunk[-1:]
    if last != b"\n":  # the next object's first line is a line of its own
        lines.write(b"\n")


def _copy(one: Input, path: Path) -> Input:
    with open_raw(one) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK_BYTES)
    if path.stat().st_size != one.byte_count:
        raise UnreadableInput(f"{one.path} gave {path.stat().st_size} of its {one.byte_count} bytes. Run again.")
    return Input(str(path), one.byte_count, one.mark, one.format, one.compression)
