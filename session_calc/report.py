"""The run report: all that a reader needs to trust, repeat or mend a run, as one JSON file beside each result."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_calc import __version__
from session_calc.classes import in_doublings, in_durations
from session_calc.inputs import Listing
from session_calc.results import seconds_text
from session_calc.s3 import is_s3
from session_calc.settings import Settings
from session_calc.tally import Ledger

if TYPE_CHECKING:
    from session_calc.distributions import Distributions
    from session_calc.prepare import Counted

DONE, FAILED = "done", "failed"
_PACKAGES = ("pysail", "pyspark", "pyspark-client", "pandas", "pyarrow")


def of_run(
    settings: Settings, started_at: datetime, seconds: Mapping[str, float], engine: str, listing: Listing | None
) -> dict[str, Any]:
    """Say what ran, with which settings, on what; what is known of a run whether it succeeds or fails."""
    return {
        "session_calc": __version__,
        "engine": engine,
        "versions": {"python": platform.python_version(), **_package_versions()},
        "started_at": started_at.isoformat(timespec="milliseconds"),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "settings": {name: {"value": text, "source": settings.sources[name]} for name, text in settings.texts.items()},
        "inputs": None if listing is None else _of_inputs(listing),
    }


def of_result(counted: Counted, group_key: str, gap: int, path: str, content: bytes) -> dict[str, Any]:
    """Say what a run found, and which bytes it published."""
    tally = counted.tally
    return {
        **_found(counted, gap),
        **({"distributions": _of_distributions(counted.distributions[gap])} if counted.distributions else {}),
        "result": {
            "path": path,
            "group_key": group_key,
            "gap_seconds": seconds_text(gap),
            "value_count": len(tally.session_counts[gap, group_key]),
            "session_count_without_value": tally.session_counts[gap, group_key].get(None, 0),
            "sha256": sha256(content).hexdigest(),
        },
    }


def of_table(counted: Counted, gap: int, path: str, in_database: str, row_count: int) -> dict[str, Any]:
    """Say what a run found, and which table it published: as a file, in the database, or both."""
    places = {name: place for name, place in (("path", path), ("sink", in_database)) if place}
    return {
        **_found(counted, gap),
        "table": {**places, "gap_seconds": seconds_text(gap), "row_count": row_count},
    }


def _found(counted: Counted, gap: int) -> dict[str, Any]:
    tally = counted.tally
    return {
        "ledger": of_ledger(tally.ledger),
        "read": counted.read_way,
        "warnings": list(counted.warnings),
        "user_count": tally.user_count,
        "session_count": tally.session_count(gap),
        "first_event_time": moment_text(tally.first_event_time),
        "last_event_time": moment_text(tally.last_event_time),
    }


def _of_distributions(found: Distributions) -> dict[str, Any]:
    return {
        "sessions_by_hour": {f"{(moment_text(hour) or '')[:16]}Z": count for hour, count in found.by_hour.items()},
        "sessions_by_duration_seconds": in_durations(found.by_duration),
        "sessions_by_events": in_doublings(found.by_event_count),
    }


def of_ledger(ledger: Ledger) -> dict[str, Any]:
    return {
        "lines": ledger.line_count,
        "events": ledger.event_count,
        "blank": ledger.blank_count,
        "rejects": ledger.reject_count,
        "rejects_by_reason": dict(ledger.reject_counts),
        "excluded": ledger.excluded_count,
        "duplicates": ledger.duplicate_count,
        "csv_headers": ledger.header_count,
    }


def of_rejects(path: str, line_count: int, digest: str) -> dict[str, Any]:
    """Say which file of rejects was published."""
    place = path if is_s3(path) else str(Path(path).expanduser().absolute())
    return {"path": place, "line_count": line_count, "sha256": digest}


def to_json(report: Mapping[str, Any]) -> bytes:
    return (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode()


def last_done(former: bytes | None) -> dict[str, Any] | None:
    """Find the report of the last good run in the report that a failed run's is to replace, and which keeps it."""
    try:
        found = json.loads(former or b"null")
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    kept = found if found.get("status") == DONE else found.get("last_done")
    return kept if isinstance(kept, dict) else None


def moment_text(moment: int | None) -> str | None:
    """Spell microseconds since 1970 as ISO 8601 in UTC.

    Examples
    --------
    >>> moment_text(1_554_768_000_123_000)
    '2019-04-09T00:00:00.123000Z'
    """
    if moment is None:
        return None
    spelled = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)
    return spelled.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _of_inputs(listing: Listing) -> dict[str, Any]:
    return {
        "file_count": len(listing.inputs),
        "bytes": listing.byte_count,
        "digest": listing.digest,
        "files": [{"path": one.path, "bytes": one.byte_count, "mark": one.mark} for one in listing.inputs],
        "ignored": list(listing.ignored),
    }


def _package_versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
