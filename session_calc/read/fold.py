"""Fold rows of PARSED to slices where they are read, so that an engine is handed a sixth of them.

A log's lines are nearly in order of time, so among a hundred thousand of them most of a user's events of half an hour
stand together. Where that is not so, nothing is won, and rows pass as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

_ROWS = 1 << 17  # folded at a time: enough to find a user again, and few enough for a core's cache
_WORTH = 0.7  # of the rows; if more are left, it was in vain


class Folding:
    """Fold batches, some at a time.

    Parameters
    ----------
    gap : int, microseconds
        A row stands for the events of one slice, as in `sessionize.slices`, that are alike in all but their times:
        event_time is the first, last_event_time the last, event_count how many they are.
    """

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._waiting: list[Any] = []
        self._row_count = 0
        self._is_worth = True

    def add(self, batch: Any) -> Iterator[Any]:
        """Take a batch of PARSED, and give what is folded by now."""
        if not self._is_worth:
            yield _as_it_is(batch)
            return
        self._waiting.append(batch)
        self._row_count += batch.num_rows
        if self._row_count >= _ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Any]:
        """Fold what waits."""
        if self._waiting:
            folded = _fold(pa.Table.from_batches(self._waiting), self._gap)
            self._is_worth = self._row_count < _ROWS or folded.num_rows <= _WORTH * self._row_count
            self._waiting, self._row_count = [], 0
            yield from folded.to_batches()


def _as_it_is(batch: Any) -> Any:
    ones = pa.array(np.ones(batch.num_rows, np.int64))
    names = [*batch.schema.names, "last_event_time", "event_count"]
    return pa.RecordBatch.from_arrays([*batch.columns, batch.column("event_time"), ones], names=names)


def _fold(rows: Any, gap: int) -> Any:
    names = rows.column_names
    times = rows.column("event_time").combine_chunks()
    moments = times.fill_null(0).to_numpy(zero_copy_only=False)
    slices = pa.array(moments - moments % gap, mask=times.is_null().to_numpy(zero_copy_only=False))
    alike = [name for name in names if name != "event_time"]
    folded = (
        rows.append_column("slice_start", slices)
        .group_by([*alike, "slice_start"], use_threads=False)
        .aggregate([("event_time", "min"), ("event_time", "max"), ([], "count_all")])
    )
    found = {"event_time": "event_time_min", "last_event_time": "event_time_max", "event_count": "count_all"}
    wanted = [*names, "last_event_time", "event_count"]
    return folded.select([found.get(name, name) for name in wanted]).rename_columns(wanted)
