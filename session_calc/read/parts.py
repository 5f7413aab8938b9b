"""Part rows by their users, so that an engine without room for all of them can take some at a time.

What readers make lies in a file each, in the order in which it came: again and again a batch for each part. So a part
is read from every file, and no file for each part need be open. This runs in the engine's workers on this machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MOST_PARTS = 128

_ROWS = 1 << 16  # are parted at a time
_BYTES = 64 << 20  # the same
_LOOKED_AT_BYTES = 128  # of a user's name
_EIGHT = 8
_PRIME = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 by the golden ratio: a product's upper bits hang on all that is below


def write(batches: Iterable[Any], path: str, user_column: str, part_count: int) -> Iterator[Any]:
    """Write rows, each to the part of its user.

    Parameters
    ----------
    batches : of pyarrow.RecordBatch
    path : str
        Of the file to make; without rows there will be none.
    user_column : str
        A column of texts; rows that have the same one get into the same part.
    part_count : int
        At most MOST_PARTS.

    Yields
    ------
    pyarrow.RecordBatch
        One, with the number of rows.

    Raises
    ------
    OSError
        The file cannot be written; `engines.failures` knows the words.
    """
    row_count = 0
    with _Writer(path) as writer:
        for batch in _gathered(batches):
            numbers = part_numbers(batch.column(user_column), part_count)
            by_part = batch.take(pa.array(np.argsort(numbers, kind="stable")))
            ends = np.cumsum(np.bincount(numbers, minlength=part_count)).tolist()
            writer.write([by_part.slice(begin, end - begin) for begin, end in zip([0, *ends], ends, strict=False)])
            row_count += batch.num_rows
    yield pa.RecordBatch.from_arrays([pa.array([row_count])], names=["row_count"])


def read(path: str, part: int, part_count: int) -> Iterator[Any]:
    """Read the rows of one part again, the parts being counted from 0."""
    with pa.OSFile(path) as source, pa.ipc.open_file(source) as reader:
        for number in range(part, reader.num_record_batches, part_count):
            yield reader.get_batch(number)


def part_numbers(texts: Any, part_count: int) -> npt.NDArray[np.uint8]:
    """Give each text a number below part_count, by its first 128 bytes and its length.

    Parameters
    ----------
    texts : pyarrow.StringArray
        A null has the same number as an empty text.
    part_count : int
        At most MOST_PARTS.
    """
    texts = texts.fill_null("")
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    text = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: ends[-1]]
    padded = np.concatenate([text, np.zeros(_LOOKED_AT_BYTES, np.uint8)])
    eights = np.ndarray((len(padded) - _EIGHT + 1,), "<u8", padded, strides=(1,))  # at every byte, not every eighth
    begins, lengths = ends[:-1], np.diff(ends)
    mixed = lengths.astype(np.uint64)
    for passed in range(0, min(int(lengths.max(initial=0)), _LOOKED_AT_BYTES), _EIGHT):
        beyond = np.clip(_EIGHT - (lengths - passed), 0, _EIGHT - 1).astype(np.uint64) * np.uint64(8)
        product = (mixed ^ (eights[begins + passed] << beyond)) * _PRIME
        mixed = np.where(
            lengths > passed, product ^ product >> np.uint64(32), mixed
        )  # else it would hang on the others
    return ((mixed * _PRIME >> np.uint64(32)) % np.uint64(part_count)).astype(np.uint8)


def _gathered(batches: Iterable[Any]) -> Iterator[Any]:
    waiting: list[Any] = []
    row_count, byte_count = 0, 0
    for batch in batches:
        waiting.append(batch)
        row_count, byte_count = row_count + batch.num_rows, byte_count + batch.nbytes
        if row_count >= _ROWS or byte_count >= _BYTES:
            yield _together(waiting)
            waiting, row_count, byte_count = [], 0, 0
    if waiting:
        yield _together(waiting)


def _together(batches: Sequence[Any]) -> Any:
    [one] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return one


class _Writer:
    """Write batches to a file that is made with the first of them."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with _told(self._path):
                self._file.close()

    def write(self, batches: Sequence[Any]) -> None:
        with _told(self._path):
            if self._file is None:
                schema = batches[0].schema
                # lines shrink to a third; packing all else takes longer than what it saves
                options = pa.ipc.IpcWriteOptions(compression="lz4" if "line" in schema.names else None)
                self._file = pa.ipc.new_file(self._path, schema, options=options)
            for batch in batches:
                self._file.write_batch(batch)


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        why = os.strerror(failure.errno) if failure.errno else str(failure)
        raise OSError(f"temporary rows cannot be written to {path}: {why}") from failure
