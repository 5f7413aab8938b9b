"""Spell numbers and texts for people; what steers a screen is shown instead of done."""

from __future__ import annotations

from typing import Any


def files_text(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def spell(value: Any) -> str:
    """Spell what stands in a table.

    Examples
    --------
    >>> spell(1234567), spell(0.5), spell(None), spell("text")
    ('1,234,567', '0.5', '—', 'text')
    """
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else printable(str(value))


def printable(text: str) -> str:
    """Give a text without what steers a screen: control characters, and those that turn the direction of writing."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def share_text(share: float | None) -> str:
    """Spell a share, small ones with the digits that they need.

    Examples
    --------
    >>> [share_text(share) for share in (0.5, 0.0004, 0.0, None)]
    ['50.0%', '0.04%', '0%', '—']
    """
    if share is None:
        return "—"
    if not share:
        return "0%"
    return f"{share:.1%}" if abs(share) >= 0.01 else f"{share * 100:.2g}%"
