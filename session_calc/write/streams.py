"""Write one large file all or nothing, as its lines come: aside first, and in place by one step when all is known.

On this machine it is a temporary file in the same folder, then renamed; on S3 a multipart upload, then completed. What
stood there before stays as it was until then, and a run that fails leaves nothing.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from session_calc.errors import UnwritableOutput
from session_calc.s3 import Access, S3Refused, client, is_s3, split, telling
from session_calc.write.files import sweep, sync, umask

_PART_BYTES = 16 << 20  # an object has at most 10,000 parts: 160 GB
_UNTOUCHED = "What stood there before is as it was."


class Stream(Protocol):
    """A file that is being written aside; each method raises UnwritableOutput."""

    def write(self, data: bytes, /) -> int: ...

    def finish(self) -> None:
        """Bring all that was written to where it is safe, still aside."""

    def put_in_place(self) -> None:
        """Put the file in place of the one before, by one step; only after `finish`."""


class LinesFile:
    """Lines on their way to a file, compressed where asked for, and the SHA-256 of its bytes."""

    def __init__(self, stream: Stream, is_compressed: bool) -> None:
        self._stream = stream
        self._digest = sha256()
        # no name and no time in the header: the same lines make the same bytes
        self._packer = gzip.GzipFile("", "wb", fileobj=self, mtime=0) if is_compressed else None
        self.line_count = 0

    def add(self, line: bytes) -> None:
        """Add a line, without its line feed."""
        self.line_count += 1
        (self._packer or self).write(line + b"\n")

    def write(self, data: bytes) -> int:
        """Take bytes as they will stand in the file."""
        self._digest.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        """The packer asks for it."""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def finish(self) -> None:
        if self._packer:
            self._packer.close()
        self._stream.finish()

    def put_in_place(self) -> None:
        self._stream.put_in_place()


@contextmanager
def open_lines(path: str, setting: str, access: Access) -> Iterator[LinesFile]:
    """Open a file for lines; what was not put in place when this is left is gone.

    Parameters
    ----------
    path : str
        A local path or an `s3://` URL; with the suffix .gz the file is compressed.
    setting : str
        The setting that the path came from, for messages.
    access : Access

    Raises
    ------
    UnwritableOutput
        At once, where nothing can be written there.
    """
    opened: AbstractContextManager[Stream] = (
        _open_on_s3(path, setting, access) if is_s3(path) else _open_here(Path(path).expanduser(), setting)
    )
    with opened as stream:
        yield LinesFile(stream, is_compressed=path.endswith(".gz"))


@contextmanager
def _open_here(path: Path, setting: str) -> Iterator[Stream]:
    with ExitStack() as until_left:
        with _telling_of(path, setting):
            if path.is_dir():
                raise OSError(None, "it is a folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent, [path.name])
            file = until_left.enter_context(
                NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False)
            )
        until_left.callback(Path(file.name).unlink, missing_ok=True)
        yield _TemporaryFile(file, path, setting)


@contextmanager
def _telling_of(path: Path, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableOutput(
            f"{setting} is {str(path)!r}, but writing there failed: {error.strerror}. {_UNTOUCHED}"
        ) from None


class _TemporaryFile:
    def __init__(self, file: Any, path: Path, setting: str) -> None:
        self._file, self._path, self._setting = file, path, setting

    def write(self, data: bytes, /) -> int:
        with _telling_of(self._path, self._setting):
            return int(self._file.write(data))

    def finish(self) -> None:
        with _telling_of(self._path, self._setting):
            self._file.flush()
            os.fsync(self._file.fileno())
            os.fchmod(self._file.fileno(), 0o666 & ~umask())

    def put_in_place(self) -> None:
        with _telling_of(self._path, self._setting):
            Path(self._file.name).replace(self._path)
            sync(self._path.parent)


@contextmanager
def _open_on_s3(url: str, setting: str, access: Access) -> Iterator[Stream]:
    upload = _Upload(url, setting, access)
    try:
        yield upload
    finally:
        upload.give_up()


class _Upload:
    """A multipart upload: nothing of it is to be seen before it is completed."""

    def __init__(self, url: str, setting: str, access: Access) -> None:
        bucket, key = split(url)
        self._url, self._setting, self._access = url, setting, access
        self._place = {"Bucket": bucket, "Key": key, **access.arguments}
        self._part = bytearray()
        self._etags: list[str] = []
        self._id: str | None = self._ask("create_multipart_upload")["UploadId"]

    def write(self, data: bytes, /) -> int:
        self._part += data
        if len(self._part) >= _PART_BYTES:
            self._send()
        return len(data)

    def finish(self) -> None:
        if self._part or not self._etags:  # an object without bytes has one part too
            self._send()

    def put_in_place(self) -> None:
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(self._etags, start=1)]
        self._ask("complete_multipart_upload", UploadId=self._id, MultipartUpload={"Parts": parts})
        self._id = None

    def give_up(self) -> None:
        if self._id is not None:
            with suppress(Exception):  # what is not completed costs its storage until the bucket's rules sweep it away
                client(self._access).abort_multipart_upload(**self._place, UploadId=self._id)

    def _send(self) -> None:
        number = len(self._etags) + 1
        answer = self._ask("upload_part", UploadId=self._id, PartNumber=number, Body=bytes(self._part))
        self._etags.append(answer["ETag"])
        self._part.clear()

    def _ask(self, request: str, **arguments: Any) -> Any:
        try:
            with telling(self._access, self._place["Bucket"]):
                return getattr(client(self._access), request)(**self._place, **arguments)
        except S3Refused as error:
            raise UnwritableOutput(
                f"{self._setting} is {self._url!r}, but writing there failed: {error} {_UNTOUCHED}"
            ) from error
