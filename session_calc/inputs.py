"""List the inputs ourselves: every engine is given explicit files, and none is trusted to find them.

Left to themselves, engines take a missing path or a glob without a match for no events at all.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path

from session_calc.errors import UnreadableInput
from session_calc.redaction import without_secrets

FORMATS = {".json": "json", ".jsonl": "json", ".ndjson": "json", ".csv": "csv", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gz", ".bz2": "bz2"}


@dataclass(frozen=True)
class Input:
    """One file to read.

    `mark` is what changes when the file does: the modification time in nanoseconds (for objects on S3, the etag).
    """

    path: str
    byte_count: int
    mark: str
    format: str
    compression: str


@dataclass(frozen=True)
class Listing:
    """The files a run reads, in order of their paths, and the names it passed over."""

    inputs: tuple[Input, ...]
    ignored: tuple[str, ...]

    @property
    def byte_count(self) -> int:
        return sum(one.byte_count for one in self.inputs)

    @property
    def digest(self) -> str:
        """The SHA-256 over every path, size and mark: two runs with the same digest read the same files."""
        lines = (f"{one.path}\t{one.byte_count}\t{one.mark}\n" for one in self.inputs)
        return sha256("".join(lines).encode()).hexdigest()


def list_inputs(read_paths: Sequence[str]) -> Listing:
    """List the files that paths, folders and globs name.

    Folders are searched to the bottom. Names beginning with `_` or `.` (markers such as `_SUCCESS`, temporary files)
    are passed over there, and so are the files of a glob, and links to a file already listed; the listing says which.

    Raises
    ------
    UnreadableInput
        With every path that is missing, holds no file, or has a suffix that says no known format.
    """
    problems: list[str] = []
    found: set[Input] = set()
    ignored: set[str] = set()
    for read_path in read_paths:
        try:
            files, hidden = _files_of(read_path)
            inputs = [_to_input(file) for file in files]
        except UnreadableInput as error:
            problems.append(str(error))
            continue
        ignored.update(map(str, hidden))
        found.update(inputs)
    if problems:
        raise UnreadableInput("\n".join(problems))
    by_file: dict[Path, Input] = {}
    for one in sorted(found, key=lambda one: one.path):
        first = by_file.setdefault(Path(one.path).resolve(), one)
        if first.path != one.path:
            ignored.add(one.path)
    return Listing(tuple(by_file.values()), tuple(sorted(ignored)))


def require_unchanged(listing: Listing) -> None:
    """Make sure that every input is still the file that was listed.

    Raises
    ------
    UnreadableInput
        With the names of the files that changed or went away during the run.
    """
    changed = [one.path for one in listing.inputs if not _is_unchanged(one)]
    if changed:
        raise UnreadableInput(
            f"{_names(changed)} changed during the run, so the numbers would be of no moment in particular. "
            "Nothing was written. Run again when nothing writes to READ_PATH."
        )


def _is_unchanged(one: Input) -> bool:
    try:
        return _to_input(Path(one.path)) == one
    except (OSError, UnreadableInput):
        return False


def _files_of(read_path: str) -> tuple[list[Path], list[Path]]:
    if "://" in read_path:
        raise UnreadableInput(
            f"READ_PATH has {without_secrets(read_path)}, but must be local files for now. Copy them here, or mount "
            "them."
        )
    path = Path(read_path).expanduser()
    if path.is_file():
        _require_open_name(path)
        return [path], []
    if path.is_dir():
        return _in_folder(path, read_path)
    if has_magic(read_path):
        return _by_glob(str(path), read_path)
    raise UnreadableInput(f"READ_PATH has {read_path}, but there is no such file or folder.")


def _require_open_name(path: Path) -> None:
    if _is_hidden([path.name]):
        raise UnreadableInput(
            f"READ_PATH has {path}, but engines pass over files whose names begin with _ or . without a word. "
            "Rename the file, or link to it by another name."
        )


def _in_folder(folder: Path, read_path: str) -> tuple[list[Path], list[Path]]:
    files = list(_below(folder))
    seen = [path for path in files if not _is_hidden(path.relative_to(folder).parts)]
    hidden = [path for path in files if _is_hidden(path.relative_to(folder).parts)]
    if not seen:
        raise UnreadableInput(f"READ_PATH has {read_path}, but the folder holds no file{_but(hidden)}.")
    return seen, hidden


def _below(folder: Path) -> Iterator[Path]:
    # not rglob: it passes over linked folders, and over those that may not be read, without a word
    for here, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        above = {path.resolve() for path in (Path(here), *Path(here).absolute().parents)}
        folders[:] = [name for name in folders if Path(here, name).resolve() not in above]  # a link that leads back up
        yield from (path for path in (Path(here, name) for name in names) if path.is_file() or not path.exists())


def _refuse(error: OSError) -> None:
    raise UnreadableInput(f"READ_PATH has a folder {error.filename} that cannot be read: {error.strerror}.")


def _by_glob(pattern: str, read_path: str) -> tuple[list[Path], list[Path]]:
    matches = [Path(match) for match in glob(pattern, recursive=True)]
    seen: list[Path] = []
    hidden: list[Path] = []
    for match in matches:
        if _is_hidden([match.name]) or _is_hidden(set(match.parts) - set(Path(pattern).parts)):
            hidden.append(match)  # the pattern has not spelled the hidden name out
        elif match.is_dir():
            inner = list(_below(match))
            seen += [path for path in inner if not _is_hidden(path.relative_to(match).parts)]
            hidden += [path for path in inner if _is_hidden(path.relative_to(match).parts)]
        else:
            seen.append(match)
    if not seen:
        raise UnreadableInput(f"READ_PATH has {read_path}, but no file matches it{_but(hidden)}.")
    return seen, hidden


def _but(hidden: Sequence[Path]) -> str:
    return f" but {len(hidden)} with a name that begins with _ or a dot" if hidden else ""


def _is_hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(("_", ".")) for part in parts)


def _to_input(path: Path) -> Input:
    _require_utf8_name(path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    suffix = next(iter(suffixes[-2:-1] if compression else suffixes[-1:]), "")
    known = FORMATS.get(suffix)
    if known is None or (known == "parquet" and compression):
        raise UnreadableInput(
            f"{path} has a suffix that says no known format. Known are .json, .jsonl, .ndjson and .csv, plain or with "
            ".gz or .bz2 behind, and .parquet. Rename the file, or name only the files to read in READ_PATH."
        )
    try:
        with path.open("rb"):
            facts = path.stat()
    except OSError as error:
        raise UnreadableInput(f"{path} cannot be read: {error.strerror}.") from None
    return Input(str(path.absolute()), facts.st_size, str(facts.st_mtime_ns), known, compression)


def _require_utf8_name(path: Path) -> None:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise UnreadableInput(f"{str(path)!r} has a name that is no UTF-8. Rename the file.") from None


def _names(paths: Sequence[str]) -> str:
    few = ", ".join(paths[:3])
    return few if len(paths) <= 3 else f"{few} and {len(paths) - 3} more"
