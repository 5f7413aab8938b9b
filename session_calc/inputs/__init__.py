"""List the inputs ourselves: every engine is given explicit files, and none is trusted to find them.

Left to themselves, engines take a missing path or a glob without a match for no events at all.

| path | module |
|---|---|
| `s3://…`, `s3a://…` | `s3` |
| any other | `local` |
"""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from session_calc.errors import UnreadableInput
from session_calc.inputs import local, s3
from session_calc.inputs.listing import ANYONE, COMPRESSIONS, FORMATS, Input, Listing
from session_calc.redaction import without_secrets
from session_calc.s3 import Access, is_s3, open_object

__all__ = ["COMPRESSIONS", "FORMATS", "Input", "Listing", "list_inputs", "open_raw", "require_unchanged"]


def list_inputs(read_paths: Sequence[str], access: Access = ANYONE) -> Listing:
    """List the files that paths, folders and globs name.

    Folders are searched to the bottom. Names beginning with `_` or `.` (markers such as `_SUCCESS`, temporary files)
    are passed over there, and so are the files of a glob, and links to a file already listed; the listing says which.

    Parameters
    ----------
    read_paths : sequence of str
    access : Access
        As whom S3 is asked.

    Raises
    ------
    UnreadableInput
        With every path that is missing, holds no file, or has a suffix that says no known format.
    """
    problems: list[str] = []
    found: set[Input] = set()
    ignored: set[str] = set()
    regions: set[str] = set()
    for read_path in read_paths:
        try:
            part = _list(read_path, access)
        except UnreadableInput as error:
            problems.append(str(error))
            continue
        ignored.update(part.ignored)
        found.update(part.inputs)
        regions.update(part.regions)
    if problems:
        raise UnreadableInput("\n".join(problems))
    by_file: dict[str, Input] = {}
    for one in sorted(found, key=lambda one: one.path):
        first = by_file.setdefault(one.path if one.is_on_s3 else str(Path(one.path).resolve()), one)
        if first.path != one.path:
            ignored.add(one.path)
    inputs = tuple(by_file.values())
    return Listing(inputs, tuple(sorted(ignored)), tuple(read_paths), access, tuple(sorted(regions)))


def _list(read_path: str, access: Access) -> Listing:
    if is_s3(read_path):
        return s3.list_path(read_path, access)
    if "://" in read_path:
        raise UnreadableInput(
            f"READ_PATH has {without_secrets(read_path)}, but must be local files, or s3:// URLs. Copy the files here, "
            "or mount them."
        )
    return local.list_path(read_path)


def require_unchanged(listing: Listing) -> None:
    """Make sure that every input is still the file that was listed; S3 is listed once more for it.

    Raises
    ------
    UnreadableInput
        With the names of the files that changed or went away during the run.
    """
    local_inputs = [one for one in listing.inputs if not one.is_on_s3]
    changed = [one.path for one in local_inputs if not local.is_unchanged(one)]
    if len(local_inputs) < len(listing.inputs):
        still_there = _again_on_s3(listing)
        changed += [one.path for one in listing.inputs if one.is_on_s3 and one not in still_there]
    if changed:
        raise UnreadableInput(
            f"{_names(changed)} changed during the run, so the numbers would be of no moment in particular. "
            "Nothing was written. Run again when nothing writes to READ_PATH."
        )


def _again_on_s3(listing: Listing) -> set[Input]:
    found: set[Input] = set()
    for read_path in filter(is_s3, listing.read_paths):
        try:
            found.update(s3.list_path(read_path, listing.access).inputs)
        except s3.NothingThere:
            continue
    return found


def open_raw(one: Input) -> BinaryIO:
    """Open an input as the bytes that are stored, to read and to seek; on S3 only the object that was listed."""
    if one.is_on_s3:
        return cast(BinaryIO, open_object(one.access, one.path, one.byte_count, one.mark))
    return Path(one.path).open("rb")


def _names(paths: Sequence[str]) -> str:
    few = ", ".join(paths[:3])
    return few if len(paths) <= 3 else f"{few} and {len(paths) - 3} more"
