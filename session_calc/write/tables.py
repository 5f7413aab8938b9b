"""Tables of any size, written by the driver: Parquet, CSV or JSON Lines; a file, or a folder with a folder per day.

What stood there before stays whole until the new table is whole: the rows go to a temporary file or folder beside it,
which then takes its place. On S3 an object appears whole or not at all; of a table of several objects the new ones are
put beside the old ones, which go when all of the new ones are there.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from session_calc.errors import UnwritableOutput
from session_calc.s3 import Access, S3Refused, client, is_s3, split, telling
from session_calc.write.files import sync, umask
from session_calc.write.formats import RowWriter, open_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

_PART = re.compile(r"day=[^/]+/part-[^/]+")
_MOST_OPEN = 64  # files of days at a time; a day that comes back gets another file
_LEFT_OVER_SECONDS = 24 * 3600
_NO_DAY = -1


class Table:
    """A table that is being written; nothing is to be seen of it until it is published.

    Parameters
    ----------
    setting, path : str
        Which setting names the path, for messages.
    access : Access
    by_day : bool
        The table is a folder with a folder for each day.
    """

    def __init__(self, setting: str, path: str, access: Access, by_day: bool = False) -> None:
        self.path = path
        self.row_count = 0
        self._by_day = by_day
        self._schema: pa.Schema | None = None
        self._header: str | None = None
        self.suffix = path[path.rindex(".") :]
        self._writers: dict[int, RowWriter] = {}
        self._files: list[tuple[str, Path]] = []  # the name of each in the table, and where it waits
        self._place: _Here | _OnS3 = _OnS3(setting, path, access) if is_s3(path) else _Here(setting, Path(path))
        self._token = uuid4().hex[:12]

    def __enter__(self) -> Table:
        self._place.prepare(self._by_day)
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            with suppress(Exception):
                writer.close()
        self._place.clean()

    def begin(self, schema: pa.Schema, header: str | None = None) -> Callable[[pa.RecordBatch, list[int] | None], None]:
        """Say the columns, and of a table of ready lines the first line; give the function that takes rows."""
        self._schema, self._header = schema, header
        return self.write

    def write(self, rows: pa.RecordBatch, days: Sequence[int] | None = None) -> None:
        """Add rows; where the table is by day, with the day of each, counted from 1970-01-01."""
        import pyarrow as pa

        self.row_count += rows.num_rows
        with self._place.telling():
            if not self._by_day or days is None:
                self._writer(_NO_DAY).write(rows)
                return
            places: dict[int, list[int]] = {}
            for place, day in enumerate(days):
                places.setdefault(day, []).append(place)
            for day, of_day in places.items():
                self._writer(day).write(rows.take(pa.array(of_day)))

    def publish(self) -> None:
        """Put the table in its place.

        Raises
        ------
        UnwritableOutput
            The old table is as it was.
        """
        with self._place.telling():
            if not self._by_day:
                self._writer(_NO_DAY)  # an empty table is one too
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()
            self._place.publish(self._files, self._by_day)

    def _writer(self, day: int) -> RowWriter:
        if day not in self._writers:
            if len(self._writers) >= _MOST_OPEN:
                self._writers.pop(next(iter(self._writers))).close()
            name = f"day={day_text(day)}/part-{self._token}-{len(self._files)}{self.suffix}" if self._by_day else ""
            path = self._place.waiting_path(name or f"table{self.suffix}")
            self._files.append((name, path))
            self._writers[day] = open_rows(path, self.suffix, self._schema, self._header)
        return self._writers[day]


def day_text(day: int) -> str:
    """Spell a day, counted from 1970-01-01, as ISO 8601.

    Examples
    --------
    >>> day_text(17994)
    '2019-04-08'
    """
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


class _Here:
    """A table on this machine."""

    def __init__(self, setting: str, path: Path) -> None:
        self._setting, self._path = setting, path.expanduser().absolute()
        self._old = self._path.parent / f".{self._path.name}.old"
        self._waiting: Path | None = None

    def prepare(self, by_day: bool) -> None:
        with self.telling():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._heal()
            self._require_ours()
            self._sweep()
            self._waiting = Path(mkdtemp(dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".tmp"))
            if by_day:
                self._waiting.chmod(0o777 & ~umask())

    def waiting_path(self, name: str) -> Path:
        path = (self._waiting or Path()) / name
        path.parent.mkdir(exist_ok=True)
        return path

    def publish(self, files: Sequence[tuple[str, Path]], by_day: bool) -> None:
        for _, path in files:
            sync(path)
        new = self._waiting if by_day else files[0][1]
        if new is None:
            raise RuntimeError("nothing was written")
        if not by_day and not self._path.is_dir():
            new.replace(self._path)
        else:  # a folder cannot be replaced by one rename; a run that is killed in between is healed by the next
            if self._path.exists():
                self._path.rename(self._old)
            try:
                new.rename(self._path)
            except BaseException:
                self._heal()
                raise
            _remove(self._old)
        sync(self._path.parent)

    def clean(self) -> None:
        if self._waiting is not None:
            shutil.rmtree(self._waiting, ignore_errors=True)

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnwritableOutput(
                f"{self._setting} is {str(self._path)!r}, but writing there failed: {error.strerror or error}. "
                "The table of the last good run is as it was."
            ) from None

    def _heal(self) -> None:
        if self._old.exists():
            if self._path.exists():
                _remove(self._old)
            else:
                self._old.rename(self._path)

    def _require_ours(self) -> None:
        if not self._path.is_dir():
            return
        found = [path.relative_to(self._path).as_posix() for path in self._path.rglob("*") if not path.is_dir()]
        strange = next((name for name in sorted(found) if not _PART.fullmatch(name)), None)
        if strange:
            raise UnwritableOutput(
                f"{self._setting} is {str(self._path)!r}, a folder that holds {strange}, which is no part of a table "
                "of this job. Name another path, or take the folder away."
            )

    def _sweep(self) -> None:
        oldest = time.time() - _LEFT_OVER_SECONDS
        for left in self._path.parent.glob(f".{self._path.name}.*.tmp"):
            with suppress(OSError):
                if left.stat().st_mtime < oldest:
                    _remove(left)


class _OnS3:
    """A table on S3: written here, then sent."""

    def __init__(self, setting: str, url: str, access: Access) -> None:
        self._setting, self._url, self._access = setting, url, access
        self._folder: TemporaryDirectory[str] | None = None
        self._bucket, self._key = split(url)

    def prepare(self, _by_day: bool) -> None:
        place = {"Bucket": self._bucket, "Key": self._key, **self._access.arguments}
        with self.telling(), telling(self._access, self._bucket):
            s3 = client(self._access)
            upload = s3.create_multipart_upload(**place)["UploadId"]
        with suppress(Exception):  # an upload without parts is nothing, and is swept away in time
            s3.abort_multipart_upload(**place, UploadId=upload)
        self._folder = TemporaryDirectory(prefix="session-calc-")

    def waiting_path(self, name: str) -> Path:
        path = Path(self._folder.name if self._folder else ".") / name
        path.parent.mkdir(exist_ok=True)
        return path

    def publish(self, files: Sequence[tuple[str, Path]], by_day: bool) -> None:
        former = self._parts() if by_day else []
        sent: list[str] = []
        try:
            for name, path in files:
                key = f"{self._key}/{name}" if by_day else self._key
                sent.append(key)
                with telling(self._access, self._bucket):
                    client(self._access).upload_file(str(path), self._bucket, key, ExtraArgs=self._access.arguments)
        except BaseException:
            if by_day:
                self._delete(sent)
            raise
        self._delete(former)

    def clean(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    @contextmanager
    def telling(self) -> Iterator[None]:
        try:
            yield
        except (S3Refused, OSError) as error:
            raise UnwritableOutput(
                f"{self._setting} is {self._url!r}, but writing there failed: {error} "
                "The table of the last good run is as it was."
            ) from error

    def _parts(self) -> list[str]:
        with telling(self._access, self._bucket):
            pages = client(self._access).get_paginator("list_objects_v2")
            place: Mapping[str, Any] = {"Bucket": self._bucket, "Prefix": f"{self._key}/", **self._access.arguments}
            keys = [one["Key"] for page in pages.paginate(**place) for one in page.get("Contents", [])]
        return [key for key in keys if _PART.fullmatch(key[len(self._key) + 1 :])]

    def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with telling(self._access, self._bucket):
                client(self._access).delete_object(Bucket=self._bucket, Key=key, **self._access.arguments)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
