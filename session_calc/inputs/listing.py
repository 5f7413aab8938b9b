"""What a listing is made of, and what a name says of a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

from session_calc.errors import UnreadableInput
from session_calc.s3 import Access, is_s3

FORMATS = {".json": "json", ".jsonl": "json", ".ndjson": "json", ".csv": "csv", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gz", ".bz2": "bz2"}


ANYONE = Access()


@dataclass(frozen=True)
class Input:
    """One file to read.

    Attributes
    ----------
    path : str
        An absolute path, or an `s3://` URL.
    mark : str
        What changes when the file does: the modification time in nanoseconds; for objects on S3 the etag.
    access : Access
        As whom S3 is asked for it.
    """

    path: str
    byte_count: int
    mark: str
    format: str
    compression: str
    access: Access = ANYONE

    @property
    def is_on_s3(self) -> bool:
        return is_s3(self.path)


@dataclass(frozen=True)
class Listing:
    """The files a run reads, in order of their paths, and the names it passed over.

    Attributes
    ----------
    read_paths : tuple of str
        What was listed: S3 is listed again at the end of a run.
    regions : tuple of str
        The regions that S3 names for the buckets; stores other than AWS name none.
    """

    inputs: tuple[Input, ...]
    ignored: tuple[str, ...]
    read_paths: tuple[str, ...] = ()
    access: Access = ANYONE
    regions: tuple[str, ...] = ()

    @property
    def byte_count(self) -> int:
        return sum(one.byte_count for one in self.inputs)

    @property
    def digest(self) -> str:
        """The SHA-256 over every path, size and mark: two runs with the same digest read the same files."""
        lines = (f"{one.path}\t{one.byte_count}\t{one.mark}\n" for one in self.inputs)
        return sha256("".join(lines).encode()).hexdigest()


def format_of(path: str) -> tuple[str, str]:
    """Tell format and compression by a file's suffixes.

    Raises
    ------
    UnreadableInput
        They say no known format.

    Examples
    --------
    >>> format_of("logs/events.jsonl.gz")
    ('json', 'gz')
    """
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    suffix = next(iter(suffixes[-2:-1] if compression else suffixes[-1:]), "")
    known = FORMATS.get(suffix)
    if known is None or (known == "parquet" and compression):
        raise UnreadableInput(
            f"{path} has a suffix that says no known format. Known are .json, .jsonl, .ndjson and .csv, plain or with "
            ".gz or .bz2 behind, and .parquet. Rename the file, or name only the files to read in READ_PATH."
        )
    return known, compression


def is_hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(("_", ".")) for part in parts)


def but(hidden: Sequence[object]) -> str:
    return f" but {len(hidden)} with a name that begins with _ or a dot" if hidden else ""
