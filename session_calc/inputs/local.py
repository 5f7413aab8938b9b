"""List local files, folders and globs."""

import os
from collections.abc import Iterator
from glob import glob, has_magic
from pathlib import Path

from session_calc.errors import UnreadableInput
from session_calc.inputs.listing import Input, Listing, but, format_of, is_hidden


def list_path(read_path: str) -> Listing:
    """List what one path, folder or glob names; the same file may be in it under several names.

    Raises
    ------
    UnreadableInput
    """
    files, hidden = _files_of(read_path)
    return Listing(tuple(_to_input(file) for file in files), tuple(map(str, hidden)))


def is_unchanged(one: Input) -> bool:
    try:
        return _to_input(Path(one.path)) == one
    except (OSError, UnreadableInput):
        return False


def _files_of(read_path: str) -> tuple[list[Path], list[Path]]:
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
    if is_hidden([path.name]):
        raise UnreadableInput(
            f"READ_PATH has {path}, but engines pass over files whose names begin with _ or . without a word. "
            "Rename the file, or link to it by another name."
        )


def _in_folder(folder: Path, read_path: str) -> tuple[list[Path], list[Path]]:
    files = list(_below(folder))
    seen = [path for path in files if not is_hidden(path.relative_to(folder).parts)]
    hidden = [path for path in files if is_hidden(path.relative_to(folder).parts)]
    if not seen:
        raise UnreadableInput(f"READ_PATH has {read_path}, but the folder holds no file{but(hidden)}.")
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
        if is_hidden([match.name]) or is_hidden(set(match.parts) - set(Path(pattern).parts)):
            hidden.append(match)  # the pattern has not spelled the hidden name out
        elif match.is_dir():
            inner = list(_below(match))
            seen += [path for path in inner if not is_hidden(path.relative_to(match).parts)]
            hidden += [path for path in inner if is_hidden(path.relative_to(match).parts)]
        else:
            seen.append(match)
    if not seen:
        raise UnreadableInput(f"READ_PATH has {read_path}, but no file matches it{but(hidden)}.")
    return seen, hidden


def _to_input(path: Path) -> Input:
    _require_utf8_name(path)
    known, compression = format_of(str(path))
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
