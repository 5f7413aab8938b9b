"""What one line of CSV becomes, in plain Python: for lines with quotes, odd times or broken bytes.

Like `read.judge` it is sent to the workers by value; it needs that module and the standard library alone.
"""

import csv
from collections.abc import Callable, Sequence
from typing import Any

from session_calc.read.judge import to_microseconds

Judgement = tuple[Any, ...]


def make_judge(
    field_count: int,
    user_places: Sequence[int | None],
    timestamp_place: int | None,
    timestamp_unit: str,
    group_places: Sequence[int | None],
) -> Callable[[Any], Judgement]:
    """Build the function from a line's bytes (None for a line that needs no judging) to its judgement."""
    unjudged = (None,) * (3 + len(user_places) + len(group_places))

    def judge(line: Any) -> Judgement:
        if line is None:
            return unjudged
        cells = split(bytes(line))
        if cells is None or len(cells) != field_count:
            return ("malformed_csv", *unjudged[1:])
        time = _cell(cells, timestamp_place)
        return (
            None,
            *(_cell(cells, place) for place in user_places),
            time is not None,
            to_microseconds(time, timestamp_unit),
            *(_cell(cells, place) for place in group_places),
        )

    return judge


def split(line: bytes) -> list[str] | None:
    """Split one line into its fields; None where its quotes do not match or a byte is no UTF-8."""
    try:
        text = line.decode("utf-8").removeprefix("\ufeff").rstrip("\r")
        if "\0" in text:  # csv of Python 3.10 refuses it, later ones do not
            return None
        csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
        return next(csv.reader([text], strict=True), [])
    except (ValueError, csv.Error):
        return None


def _cell(cells: Sequence[str], place: int | None) -> str | None:
    return None if place is None else cells[place] or None
