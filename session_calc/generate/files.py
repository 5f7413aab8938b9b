"""The files: their names, what must not be overwritten, and how they come to be whole."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path

_SUFFIXES = {"none": ".jsonl", "gz": ".jsonl.gz", "bz2": ".jsonl.bz2"}
COMPRESSIONS = tuple(_SUFFIXES)

# Is told how many lines are written so far.
Progress = Callable[[int], None]

_LINES_AT_ONCE = 20_000


def targets(folder: Path, file_count: int, compression: str) -> list[Path]:
    """Name the files, in order of time.

    >>> [path.name for path in targets(Path("events"), 2, "gz")]
    ['events-0001-of-0002.jsonl.gz', 'events-0002-of-0002.jsonl.gz']
    """
    names = (f"events-{number:04}-of-{file_count:04}" for number in range(1, file_count + 1))
    return [folder / (name + _SUFFIXES[compression]) for name in names]


def require_free(folder: Path, paths: list[Path], *, overwrite: bool) -> None:
    """Refuse to replace files unless asked to, and to leave files of an earlier set beside the new ones."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, but must be a folder. Choose another path.")
    there = {path for suffix in _SUFFIXES.values() for path in folder.glob(f"events-????-of-????{suffix}")}
    others = sorted(there.difference(paths))
    if others:
        raise ValueError(
            f"{folder} holds {others[0].name} of another set of events, and a job would read both sets together. "
            "Delete the old files or choose another folder."
        )
    if there and not overwrite:
        raise ValueError(
            f"{folder} already holds {min(there).name}, which would be overwritten. "
            "Allow it (overwrite) or choose another folder."
        )


def write(
    batches: Iterable[list[str]], paths: list[Path], line_count: int, compression: str, progress: Progress | None
) -> None:
    """Share the lines out to the files evenly. They get their names when all are whole; after an error none is left."""
    lines = chain.from_iterable(batches)
    with ExitStack() as leftovers:
        partials = []
        for number, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            leftovers.callback(partial.unlink, missing_ok=True)
            partials.append(partial)
            before, until = (line_count * n // len(paths) for n in (number, number + 1))
            _write_file(partial, islice(lines, until - before), before, compression, progress)
        for partial, path in zip(partials, paths, strict=True):
            partial.replace(path)


def _write_file(path: Path, lines: Iterator[str], before: int, compression: str, progress: Progress | None) -> None:
    with _writer(path, compression) as put:
        while some := list(islice(lines, _LINES_AT_ONCE)):
            # surrogateescape turns the marked characters of broken lines into bytes that are no UTF-8.
            put(("\n".join(some) + "\n").encode("utf-8", "surrogateescape"))
            before += len(some)
            if progress:
                progress(before)


@contextmanager
def _writer(path: Path, compression: str) -> Iterator[Callable[[bytes], object]]:
    with path.open("wb") as raw:
        if compression == "none":
            yield raw.write
        elif compression == "gz":
            # Neither name nor time in the header, or no two runs would make the same bytes.
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                yield packed.write
        else:
            with bz2.BZ2File(raw, "wb") as packed_bz2:
                yield packed_bz2.write
