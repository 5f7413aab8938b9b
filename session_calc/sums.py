"""TALLY's rows, drawn on the driver from the batches of a table: one pass gives the table and the sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from session_calc.count import merged
from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE

_SUMS = ("event_count", "plausible_event_count", "user_count", "session_count_1")
_TIMES = {"first_event_time": "min", "last_event_time": "max"}
_AGGREGATES = [*[(name, "sum") for name in _SUMS], *_TIMES.items()]


class Sums:
    """Sum up rows per group key and value; `rows` are those of TALLY for one gap."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str | None, str | None], dict[str, Any]] = {}

    def add(
        self,
        set_aside: Any,
        groups: Sequence[Any],
        event_count: Any,
        starts_user: Any,
        starts_session: Any,
        times: tuple[Any, Any],
    ) -> None:
        """Add a batch, column by column; each of `groups` is the values of one group key."""
        first, last = times
        is_plausible = pc.and_(pc.greater_equal(first, FIRST_PLAUSIBLE), pc.less(first, END_PLAUSIBLE))
        columns = {
            "set_aside": set_aside,
            "event_count": event_count,
            "plausible_event_count": pc.if_else(pc.fill_null(is_plausible, False), event_count, 0),
            "user_count": starts_user.cast(pa.int64()),
            "session_count_1": starts_session.cast(pa.int64()),
            "first_event_time": first,
            "last_event_time": last,
        }
        for number, values in enumerate(groups, start=1):
            table = pa.table({**columns, "group_value": values})
            for row in table.group_by(["set_aside", "group_value"]).aggregate(_AGGREGATES).to_pylist():
                self._add(number, row)

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Give the rows of TALLY."""
        return [
            {"group_number": number, "set_aside": set_aside, "group_value": value, **sums}
            for (number, set_aside, value), sums in self._found.items()
        ]

    def _add(self, number: int, row: Mapping[str, Any]) -> None:
        key = (number, row["set_aside"], row["group_value"])
        sums = self._found.setdefault(key, {**dict.fromkeys(_SUMS, 0), **dict.fromkeys(_TIMES)})
        for name, which in _AGGREGATES:
            sums[name] = merged(name, sums[name], row[f"{name}_{which}"])
