"""The recipe of the measures: as `session_table.py` up to the sessions, which are then measured on the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from session_calc.measures import SET_ASIDE, measure
from session_calc.packing import batches_of
from session_calc.prepare import Counted, Work, checked, inputs_of, prepare
from session_calc.schemas import DAY, DIMENSIONS, GROUP, HOUR, OVERALL, USER
from session_calc.session_table import WriteRows, sessions_of
from session_calc.write.tables import day_text

TABLE = pa.schema(
    [
        ("dimension", pa.string()),
        ("value", pa.string()),
        ("session_count", pa.int64()),
        ("user_count", pa.int64()),
        ("event_count", pa.int64()),
        ("bounce_rate", pa.float64()),
        ("duration_mean_seconds", pa.float64()),
        ("duration_median_seconds", pa.float64()),
        ("duration_p95_seconds", pa.float64()),
        ("duration_max_seconds", pa.float64()),
        ("events_per_session", pa.float64()),
        ("sessions_per_user", pa.float64()),
    ]
)


def measure_sessions(work: Work, write: WriteRows, dimensions: Sequence[str], timezone: str) -> Counted:
    """Write the measures of sessions by each value of each dimension.

    Parameters
    ----------
    work : Work
        With one gap.
    write : function
        Takes rows of TABLE.
    dimensions : sequence of {'overall', 'group', 'user', 'hour', 'day'}
    timezone : str
        Whose clock tells hours and days.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes, LedgerBroken
        As for `job.count_sessions`; the rows written are then worth nothing.
    """
    fields = work.fields
    keys = dict(zip(fields.group_columns, fields.group_keys, strict=True))
    sums = _Sums(fields.group_keys)
    # the whole and the groups are always measured: the ledger is held against them
    wanted = list(dict.fromkeys([OVERALL, GROUP, *dimensions]))
    with inputs_of(work) as stage:
        prepared = prepare(work, stage, may_fold=True)
        measured = measure(sessions_of(prepared.validated, work), fields.user_columns, keys, wanted, timezone)
        few: list[Mapping[str, Any]] = []
        with work.clock.step("write"):
            for batch in batches_of(measured, is_kept=work.engine.name != "sail"):
                rows = batch.to_pylist()
                sums.add(rows)
                users = [row for row in rows if row["dimension"] == USER]
                write(pa.RecordBatch.from_pylist([_to_row(row) for row in users], schema=TABLE), None)
                few += [row for row in rows if row["dimension"] != USER and _kind(row["dimension"]) in dimensions]
            # users may be many, and come as they come; the rest is read by people
            shown = [_to_row(row) for row in sorted(few, key=_order)]
            write(pa.RecordBatch.from_pylist(shown, schema=TABLE), None)
    return checked(work, sums.rows, fields.group_keys, prepared.reading)


def _kind(dimension: str) -> str:
    return GROUP if dimension.startswith(f"{GROUP}:") else dimension


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    kind, value = _kind(row["dimension"]), row["value"]
    by_time = int(value) if kind in {HOUR, DAY} else 0
    return DIMENSIONS.index(kind), row["dimension"], by_time, -row["session_count"], value is None, value or ""


def _to_row(row: Mapping[str, Any]) -> dict[str, Any]:
    kind, sessions = _kind(row["dimension"]), row["session_count"]
    return {
        "dimension": row["dimension"].removeprefix(f"{GROUP}:") if kind == GROUP else kind,
        "value": _value_text(kind, row["value"]),
        **{name: row[name] for name in ("session_count", "user_count", "event_count")},
        "bounce_rate": row["bounce_count"] / sessions,
        "duration_mean_seconds": _seconds(row["duration_sum"] / sessions),
        "duration_median_seconds": _seconds(row["duration_median"]),
        "duration_p95_seconds": _seconds(row["duration_p95"]),
        "duration_max_seconds": _seconds(row["duration_max"]),
        "events_per_session": row["event_count"] / sessions,
        "sessions_per_user": sessions / row["user_count"],
    }


def _seconds(microseconds: float) -> float:
    return round(microseconds) / 1_000_000


def _value_text(kind: str, value: str | None) -> str | None:
    if value is None or kind not in {HOUR, DAY}:
        return value
    if kind == DAY:
        return day_text(int(value))
    day, hour = divmod(int(value), 24)
    return f"{day_text(day)}T{hour:02}:00"


class _Sums:
    """TALLY's rows, of those of MEASURED."""

    def __init__(self, group_keys: Sequence[str]) -> None:
        self._numbers = {f"{GROUP}:{key}": number for number, key in enumerate(group_keys, start=1)}
        self._user_count = 0
        self._rows: list[dict[str, Any]] = []

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            if row["dimension"] == OVERALL:
                self._user_count = row["user_count"]
            elif row["dimension"] == SET_ASIDE:
                self._rows += [self._row(number, row, set_aside=row["value"]) for number in self._numbers.values()]
            elif row["dimension"] in self._numbers:
                self._rows.append(self._row(self._numbers[row["dimension"]], row, row["value"]))

    @property
    def rows(self) -> list[dict[str, Any]]:
        # a user with sessions of several values is in the user_count of each: the whole's stands in the first row
        counted: set[int] = set()
        for row in self._rows:
            if row["set_aside"] is None and row["group_number"] not in counted:
                counted.add(row["group_number"])
                row["user_count"] = self._user_count
        return self._rows

    def _row(
        self, number: int, row: Mapping[str, Any], value: str | None = None, set_aside: str | None = None
    ) -> dict[str, Any]:
        names = ("event_count", "plausible_event_count", "first_event_time", "last_event_time")
        return {
            "group_number": number,
            "group_value": value,
            "set_aside": set_aside,
            "user_count": 0,
            "session_count_1": row["session_count"],
            **{name: row[name] for name in names},
        }
