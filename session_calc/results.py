"""What a result looks like: its file's name and its bytes."""

import json
import re
from decimal import Decimal
from hashlib import sha256

from session_calc.tally import SessionCounts

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,99}")
_MICROSECONDS = 1_000_000


def name_of(group_key: str, gap: int, gap_count: int) -> str:
    """Name a result's file, without its suffix; it never leads out of its folder.

    Examples
    --------
    >>> name_of("device_family", 1_800_000_000, gap_count=1)
    'sessions_by_device_family'
    >>> name_of("device_family", 500_000, gap_count=2)
    'sessions_by_device_family_0.5s'
    >>> name_of("../../x", 1_800_000_000, gap_count=1)
    'sessions_by_.._.._x-9cdf6a50'
    """
    ending = f"_{seconds_text(gap)}s" if gap_count > 1 else ""
    return f"sessions_by_{_safe(group_key)}{ending}"


def _safe(key: str) -> str:
    if _SAFE_NAME.fullmatch(key) and not key.endswith(".run"):  # x.run.json is the run report of x
        return key
    slug = re.sub(r"[^A-Za-z0-9_.@+-]", "_", key)[:60]
    return f"{slug}-{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def seconds_text(gap: int) -> str:
    """Spell microseconds as seconds, without zeros to spare.

    Examples
    --------
    >>> seconds_text(1_800_000_000), seconds_text(500_000)
    ('1800', '0.5')
    """
    return f"{Decimal(gap) / _MICROSECONDS:f}"


def by_name(counts: SessionCounts) -> dict[str, int]:
    """Give session counts by the names they have in the result: the largest count first, then by name.

    Sessions without a value count under `null`, and so do those whose value is the text "null".

    Examples
    --------
    >>> by_name({"Mac": 1, None: 2, "iPhone": 2, "null": 1})
    {'null': 3, 'iPhone': 2, 'Mac': 1}
    """
    merged: dict[str, int] = {}
    for value, count in counts.items():
        name = "null" if value is None else value
        merged[name] = merged.get(name, 0) + count
    return dict(sorted(merged.items(), key=lambda item: (-item[1], item[0])))


def to_json(counts: SessionCounts) -> bytes:
    r"""Spell session counts as one JSON object on one line, in the order of `by_name`.

    Examples
    --------
    >>> to_json({"Mac": 1, None: 2, "iPhone": 2})
    b'{"iPhone":2,"null":2,"Mac":1}\n'
    """
    return (json.dumps(by_name(counts), ensure_ascii=False, separators=(",", ":")) + "\n").encode()
