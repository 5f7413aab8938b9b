"""Write small files all or nothing: what stood there before stays whole until the new file is whole on disk."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from session_calc.errors import UnwritableOutput

_PROBE_PREFIX = ".session-calc-"
_LEFT_OVER_SECONDS = 24 * 3600  # no write takes a day: an older temporary file is a killed run's


def do_nothing() -> None:
    """Put nothing in place elsewhere."""


@dataclass(frozen=True)
class Folder:
    """A place for results on this machine."""

    path: Path
    setting: str = "WRITE_PATH"

    def require_writable(self) -> None:
        require_writable(self.path, self.setting)

    def publish(self, contents: Mapping[str, bytes], at_last: Callable[[], None] = do_nothing) -> None:
        publish(self.path, contents, at_last, self.setting)

    def read(self, name: str) -> bytes | None:
        """Read what stands here under a name; None where nothing does, or it cannot be read."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    def path_of(self, name: str) -> str:
        return str(self.path / name)

    def absolute_path_of(self, name: str) -> str:
        return str((self.path / name).absolute())


def require_writable(folder: Path, setting: str = "WRITE_PATH") -> None:
    """Make the folder if it is not there, and make sure that a file can be written in it.

    Raises
    ------
    UnwritableOutput
        Before any work is done, not after.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=_PROBE_PREFIX, suffix=".tmp"):
            pass
    except OSError as error:
        raise UnwritableOutput(
            f"{setting} is {str(folder)!r}, but nothing can be written there: {error.strerror}. "
            "Name another folder, or mend its permissions."
        ) from None


def publish(
    folder: Path,
    contents: Mapping[str, bytes],
    at_last: Callable[[], None] = do_nothing,
    setting: str = "WRITE_PATH",
) -> None:
    """Put files in place: first all of them whole under temporary names, then each by one rename, in the order given.

    A process that is killed between two renames leaves some files new and some old, each of them whole. `at_last` puts
    in place what belongs to them elsewhere; where it fails, they are put back.

    Raises
    ------
    UnwritableOutput
        The disk is full or the folder is gone; all files are as they were.
    """
    waiting: dict[str, Path] = {}
    former: dict[str, Path] = {}
    try:
        for name, content in contents.items():
            waiting[name] = _write_whole(folder, name, content)
            if (folder / name).is_file():
                former[name] = _write_whole(folder, name, (folder / name).read_bytes())
        _put_in_place(folder, waiting, former, at_last)
    except OSError as error:
        raise UnwritableOutput(
            f"{setting} is {str(folder)!r}, but writing there failed: {error.strerror}. "
            "The results of the last good run are as they were."
        ) from None
    finally:
        for temporary in (*waiting.values(), *former.values()):
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    sweep(folder, contents)


def _put_in_place(
    folder: Path, waiting: Mapping[str, Path], former: Mapping[str, Path], at_last: Callable[[], None]
) -> None:
    placed: list[str] = []
    try:
        for name, temporary in waiting.items():
            temporary.replace(folder / name)
            placed.append(name)
        sync(folder)
        at_last()
    except BaseException:
        for name in placed:
            if name in former:
                former[name].replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        raise


def _write_whole(folder: Path, name: str, content: bytes) -> Path:
    with NamedTemporaryFile(dir=folder, prefix=f".{name}.", suffix=".tmp", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o666 & ~umask())
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return Path(file.name)


def umask() -> int:
    # there is no way to ask for it without setting it; a temporary file is private, a result is for its readers
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove what runs that were killed have left of files with these names."""
    oldest = time.time() - _LEFT_OVER_SECONDS
    for name in names:
        for temporary in (*folder.glob(f".{name}.*.tmp"), *folder.glob(f"{_PROBE_PREFIX}*.tmp")):
            with suppress(OSError):
                if temporary.stat().st_mtime < oldest:
                    temporary.unlink()
