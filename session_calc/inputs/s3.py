"""List objects on S3: what stands below a prefix, what a glob matches, or one object."""

import re
from collections.abc import Iterator
from glob import has_magic
from typing import Any, NamedTuple

from session_calc.errors import UnreadableInput
from session_calc.inputs.listing import Input, Listing, but, format_of, is_hidden
from session_calc.s3 import Access, S3Refused, client, reason_of_denial, split, telling

_MAGIC = re.compile(r"[*?\[]")
_SPECIAL_IN_A_SET, _ESCAPED = re.compile(r"([\\^\[\]&~|])"), r"\\\1"


class NothingThere(UnreadableInput):
    """No object has such a name."""


class _Found(NamedTuple):
    key: str
    byte_count: int
    etag: str
    region: str


def list_path(read_path: str, access: Access) -> Listing:
    """List what a URL names: the object of that very name, else what is below it, else what matches it as a glob.

    In a glob `*` and `?` match inside one name between slashes, `**` any number of names, and what is below a match is
    listed as well. Keys that end with a slash and hold nothing stand for folders, and are ignored.

    Raises
    ------
    UnreadableInput
        There is no such bucket or object, S3 denies it, or no known format has such a suffix.
    """
    bucket, name = split(read_path)
    if not bucket:
        raise UnreadableInput(f"READ_PATH has {read_path}, but it names no bucket. Write s3://bucket/prefix/.")
    try:
        with telling(access, bucket):
            found, status = _exact(access, bucket, name)
            if found:
                _require_open_name(read_path, name)
                return _to_listing(bucket, [found], [], access)
            below = name if name.endswith("/") or not name else f"{name}/"
            seen, hidden = _sorted_out(_below(access, bucket, below), len(below))
            if not (seen or hidden) and has_magic(name):
                return _by_glob(read_path, bucket, name, access)
            if not (seen or hidden) and status == 403:  # who may list is told 404 of what is not there
                raise S3Refused(reason_of_denial(access, "Forbidden"))
    except S3Refused as error:
        raise UnreadableInput(f"READ_PATH has {read_path}, but {error}") from error
    if not seen:
        what = f"below it is no object{but(hidden)}" if hidden or name in {"", below} else "there is no such object"
        raise NothingThere(f"READ_PATH has {read_path}, but {what}.")
    return _to_listing(bucket, seen, hidden, access)


def _require_open_name(read_path: str, key: str) -> None:
    if is_hidden([key.rpartition("/")[2]]):
        raise UnreadableInput(
            f"READ_PATH has {read_path}, but engines pass over objects whose names begin with _ or . without a word. "
            "Copy it to another name."
        )


def _by_glob(read_path: str, bucket: str, pattern: str, access: Access) -> Listing:
    begin = _MAGIC.split(pattern, maxsplit=1)[0]
    matcher, spelled = re.compile(to_expression(pattern)), set(pattern.split("/"))
    seen: list[_Found] = []
    hidden: list[_Found] = []
    for one in _below(access, bucket, begin):
        match = matcher.match(one.key)
        if match and not one.key.endswith("/"):
            name, inner = match.group().split("/"), one.key[match.end() :].split("/")
            is_passed_over = is_hidden([name[-1], *inner]) or is_hidden(set(name) - spelled)
            (hidden if is_passed_over else seen).append(one)
    if not seen:
        raise NothingThere(f"READ_PATH has {read_path}, but no object matches it{but(hidden)}.")
    return _to_listing(bucket, seen, hidden, access)


def to_expression(pattern: str) -> str:
    r"""Give the regular expression that matches a key, or a folder above it, as a glob does a path.

    Examples
    --------
    >>> bool(re.match(to_expression("day=*/*.json"), "day=1/a.json"))
    True
    >>> bool(re.match(to_expression("day=*/*.json"), "day=1/deep/a.json"))
    False
    >>> bool(re.match(to_expression("**/[ab].json"), "day=1/deep/a.json"))
    True
    >>> bool(re.match(to_expression("day=?"), "day=1/deep/a.json"))
    True
    """
    names = pattern.rstrip("/").split("/")
    parts = []
    for place, name in enumerate(names):
        is_last = place == len(names) - 1
        if name == "**":
            parts.append(".*" if is_last else "(?:[^/]+/)*")
        else:
            parts.append(_of_name(name) + ("" if is_last else "/"))
    end = "(?=/)" if pattern.endswith("/") else "(?=/|\\Z)"
    return f"(?s){''.join(parts)}{end}"


def _of_name(name: str) -> str:
    pieces = re.findall(r"\[!?\]?[^\]]*\]|.", name, re.DOTALL)
    return "".join(map(_of_piece, pieces))


def _of_piece(piece: str) -> str:
    if piece in {"*", "?"}:
        return "[^/]*" if piece == "*" else "[^/]"
    if len(piece) > 1:
        inner = piece[1:-1]
        negated, chosen = inner.startswith("!"), inner.removeprefix("!")
        return f"[{'^/' if negated else ''}{_SPECIAL_IN_A_SET.sub(_ESCAPED, chosen)}]"
    return re.escape(piece)


def _exact(access: Access, bucket: str, key: str) -> tuple[_Found | None, int]:
    # not by listing: who may read an object need not be allowed to list its bucket
    from botocore.exceptions import ClientError

    if not key or key.endswith("/"):
        return None, 404
    try:
        found = client(access).head_object(Bucket=bucket, Key=key, **access.arguments)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status in {400, 403, 404}:
            return None, status  # the listing that follows tells why: an answer to HEAD has no text
        raise
    return _Found(key, found["ContentLength"], found["ETag"], _region_in(found)), 200


def _below(access: Access, bucket: str, prefix: str) -> Iterator[_Found]:
    pages = client(access).get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, **access.arguments):
        for one in page.get("Contents", []):
            yield _Found(one["Key"], one["Size"], one["ETag"], _region_in(page))


def _region_in(answer: Any) -> str:
    return str(answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region", ""))


def _sorted_out(found: Iterator[_Found], prefix_length: int) -> tuple[list[_Found], list[_Found]]:
    seen: list[_Found] = []
    hidden: list[_Found] = []
    for one in found:
        if not one.key.endswith("/"):
            (hidden if is_hidden(one.key[prefix_length:].split("/")) else seen).append(one)
    return seen, hidden


def _to_listing(bucket: str, seen: list[_Found], hidden: list[_Found], access: Access) -> Listing:
    inputs = []
    for one in seen:
        url = f"s3://{bucket}/{one.key}"
        inputs.append(Input(url, one.byte_count, one.etag, *format_of(url), access=access))
    ignored = tuple(f"s3://{bucket}/{one.key}" for one in hidden)
    return Listing(tuple(inputs), ignored, regions=tuple({one.region for one in seen} - {""}))
