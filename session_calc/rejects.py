"""The second recipe: every reject with its file, line and text, once a run's ledger says that there are some."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from session_calc.errors import LedgerBroken, WrongSettings
from session_calc.inputs import Listing, require_unchanged
from session_calc.plausible import require_readable
from session_calc.read import parquet_rejects
from session_calc.read.rejects import Reject, find_rejects
from session_calc.s3 import is_s3, split
from session_calc.schemas import Fields
from session_calc.tally import Ledger
from session_calc.write.streams import LinesFile

EXAMPLES = 3  # per reason

Examples = Mapping[str, Sequence[Reject]]  # by reason


def require_possible(path: str, listing: Listing) -> None:
    """Make sure, before any work is done, that rejects can be found, and that no later run takes them for events.

    Raises
    ------
    WrongSettings
        The file for them lies where the inputs do.
    UserError
        pyarrow is not installed, and an input is Parquet.
    """
    if any(one.format == "parquet" for one in listing.inputs):
        parquet_rejects.require_reader()
    where = [*listing.read_paths, *(one.path for one in listing.inputs)]
    inside = [one for one in where if path and _is_inside(path, one)]
    if inside:
        raise WrongSettings(
            [f"REJECTS_PATH is {path!r}, but {inside[0]} is read: the rejects would be events. Name another place."]
        )


def _is_inside(path: str, other: str) -> bool:
    if is_s3(path) != is_s3(other):
        return False
    if not is_s3(path):
        return Path(path).expanduser().resolve().is_relative_to(Path(other).expanduser().resolve())
    (bucket, key), (its_bucket, prefix) = split(path), split(other)
    return bucket == its_bucket and (key == prefix or key.startswith(f"{prefix.rstrip('/')}/" if prefix else ""))


def find(listing: Listing, fields: Fields, ledger: Ledger, target: LinesFile | None) -> Examples:
    """Find the first rejects of each reason; where there is a target, find all and write them there.

    They are written in order of file and line, and are whole and aside when this is done.

    Raises
    ------
    UnreadableInput
        An input changed since it was counted.
    LedgerBroken
        There are not as many rejects of each reason as the ledger has.
    """
    if target is None:
        return _first_of_each(listing, fields, ledger)
    examples = _write_all(listing, fields, ledger, target)
    target.finish()
    return examples


def _write_all(listing: Listing, fields: Fields, ledger: Ledger, target: LinesFile) -> Examples:
    counts: Counter[str] = Counter()
    examples: dict[str, list[Reject]] = defaultdict(list)
    inputs = listing.inputs if ledger.reject_count else ()
    with require_readable(listing), closing(find_rejects(inputs, fields)) as found:
        for reject in found:
            counts[reject.reason] += 1
            if counts[reject.reason] <= EXAMPLES:
                examples[reject.reason].append(reject)
            target.add(to_json(reject))
    require_unchanged(listing)  # before the counts, which would only say that they differ
    if counts != Counter(ledger.reject_counts):
        raise LedgerBroken(
            f"the rejects do not add up: the ledger has {dict(ledger.reject_counts)}, but the lines themselves are "
            f"{dict(counts)}. Nothing was written. This is a defect of the job or of the engine: run again without "
            "REJECTS_PATH or with another ENGINE, and report it."
        )
    return {reason: examples[reason] for reason in ledger.reject_counts}


def _first_of_each(listing: Listing, fields: Fields, ledger: Ledger) -> Examples:
    examples: dict[str, list[Reject]] = {reason: [] for reason in ledger.reject_counts}
    missing = sum(min(count, EXAMPLES) for count in ledger.reject_counts.values())
    inputs = listing.inputs if missing else ()
    with require_readable(listing), closing(find_rejects(inputs, fields)) as found:
        for reject in found:
            if len(examples.setdefault(reject.reason, [])) < EXAMPLES:
                examples[reject.reason].append(reject)
                missing -= 1
            if not missing:
                break
    return examples


def to_json(reject: Reject) -> bytes:
    """Spell a reject as one line of JSON.

    Examples
    --------
    >>> to_json(Reject("/a", 7, "not_an_object", "5", 1, "ef2d"))
    b'{"file":"/a","line_number":7,"reject_reason":"not_an_object","text":"5","text_byte_count":1,"text_sha256":"ef2d"}'
    """
    fields = {
        "file": reject.file,
        "line_number": reject.line_number,
        "reject_reason": reject.reason,
        "text": reject.text,
        "text_byte_count": reject.text_byte_count,
        "text_sha256": reject.text_sha256,
    }
    # a file's name may hold bytes that are no UTF-8; they show as escapes
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
