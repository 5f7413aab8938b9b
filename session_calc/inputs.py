"""List the inputs ourselves: every engine is given explicit files, and none is trusted to find them.

Left to themselves, engines take a missing path or a glob without a match for no events at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path

from session_calc.errors import UnreadableInput

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
    are passed over there, and so are the files of a glob; the listing says which.

    Raises
    ------
    UnreadableInput
        With every path that is missing, holds no file, or has a suffix that says no known format.
    """
    problems: list[str] = []
    found: dict[str, Input] = {}
    ignored: set[str] = set()
    for read_path in read_paths:
        try:
            files, hidden = _files_of(read_path)
            inputs = [_to_input(file) for file in files]
        except UnreadableInput as error:
            problems.append(str(error))
            continue
        ignored.update(map(str, hidden))
        found.update((one.path, one) for one in inputs)
    if problems:
        raise UnreadableInput("\n".join(problems))
    return Listing(tuple(found[path] for path in sorted(found)), tuple(sorted(ignored)))


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
            f"READ_PATH has {read_path}, but must be local files for now. Copy them here, or mount them."
        )
    path = Path(read_path).expanduser()
    if path.is_file():
        return [path], []
    if path.is_dir():
        return _in_folder(path, read_path)
    if has_magic(read_path):
        return _by_glob(str(path), read_path)
    raise UnreadableInput(f"READ_PATH has {read_path}, but there is no such file or folder.")


def _in_folder(folder: Path, read_path: str) -> tuple[list[Path], list[Path]]:
    try:
        files = [path for path in folder.rglob("*") if path.is_file()]
    except PermissionError as error:
        raise UnreadableInput(f"READ_PATH has {read_path}, but {error.filename} may not be read.") from None
    seen = [path for path in files if not _is_hidden(path.relative_to(folder).parts)]
    hidden = [path for path in files if _is_hidden(path.relative_to(folder).parts)]
    if not seen:
        passed_over = f" but {len(hidden)} whose names begin with _ or ." if hidden else ""
        raise UnreadableInput(f"READ_PATH has {read_path}, but the folder holds no file{passed_over}.")
    return seen, hidden


def _by_glob(pattern: str, read_path: str) -> tuple[list[Path], list[Path]]:
    matches = [Path(match) for match in glob(pattern, recursive=True)]
    seen: list[Path] = []
    hidden: list[Path] = []
    for match in matches:
        if _is_hidden([match.name]):
            hidden.append(match)
        elif match.is_dir():
            inner = [path for path in match.rglob("*") if path.is_file()]
            seen += [path for path in inner if not _is_hidden(path.relative_to(match).parts)]
            hidden += [path for path in inner if _is_hidden(path.relative_to(match).parts)]
        else:
            seen.append(match)
    if not seen:
        raise UnreadableInput(f"READ_PATH has {read_path}, but no file matches it.")
    return seen, hidden


def _is_hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(("_", ".")) for part in parts)


def _to_input(path: Path) -> Input:
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
    except PermissionError:
        raise UnreadableInput(f"{path} may not be read: permission denied.") from None
    return Input(str(path.absolute()), facts.st_size, str(facts.st_mtime_ns), known, compression)


def _names(paths: Sequence[str]) -> str:
    few = ", ".join(paths[:3])
    return few if len(paths) <= 3 else f"{few} and {len(paths) - 3} more"
