"""The recipe of the table of sessions: as `job.py` up to the sessions, which then are not counted but written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc.days import local_day
from session_calc.packing import batches_of
from session_calc.prepare import Counted, Work, checked, inputs_of, prepare
from session_calc.schemas import Fields
from session_calc.sessionize import ordered, slices
from session_calc.sessionize.session_ids import session_id
from session_calc.sums import Sums

MICROSECONDS = 1_000_000.0
MOMENT = pa.timestamp("us", tz="UTC")

WriteRows = Callable[[pa.RecordBatch, "list[int] | None"], None]


def tell_sessions(work: Work, write: WriteRows, with_last_values: bool = False, day_zone: str = "") -> Counted:
    """Write a row for each session, and count on the way.

    Parameters
    ----------
    work : Work
        With one gap.
    write : function
        Takes rows of `table_schema`, and the day of each row's first event where day_zone is given.
    with_last_values : bool
    day_zone : str
        The time zone of those days.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes, LedgerBroken
        As for `job.count_sessions`; the rows written are then worth nothing.
    """
    fields = work.fields
    sums, ids = Sums(), session_id(fields.user_columns, work.gaps[0])
    with inputs_of(work) as stage:
        parts, reading = prepare(work, stage, may_fold=True, may_part=True)
        with work.clock.step("write"):
            for validated in parts:
                told = sessions_of(validated, work, with_last_values).withColumn("session_id", ids)
                if day_zone:
                    told = told.withColumn("day", local_day(F.col("first_event_time"), day_zone))
                for batch in batches_of(told, is_kept=work.engine.name != "sail"):
                    _add(sums, batch, fields)
                    rows = batch.filter(pc.is_null(batch.column("set_aside")))
                    days = rows.column("day").to_pylist() if day_zone else None
                    write(_to_rows(rows, fields, with_last_values), days)
    return checked(work, sums.rows, fields.group_keys, reading)


def sessions_of(validated: DataFrame, work: Work, with_last_values: bool = False) -> DataFrame:
    """Tell SESSIONS by the plan that the rules need."""
    users, groups, rules = work.fields.user_columns, work.fields.group_columns, work.rules.sessions
    [gap] = work.gaps
    if rules.need_order:
        return ordered.sessions(validated, users, groups, [gap], rules).drop("gap_number")
    folded = slices.by_user(validated, users, groups, gap, rules.cut_columns)
    return slices.sessions(folded, users, groups, gap, rules.gap_rule, rules.cut_columns, with_last_values)


def _add(sums: Sums, batch: pa.RecordBatch, fields: Fields) -> None:
    set_aside = batch.column("set_aside")
    is_session = pc.is_null(set_aside)
    sums.add(
        set_aside,
        [batch.column(f"first_{name}") for name in fields.group_columns],
        batch.column("event_count"),
        pc.and_(is_session, pc.equal(batch.column("session_number"), 1)),
        is_session,
        (batch.column("first_event_time"), batch.column("last_event_time")),
    )


def table_schema(fields: Fields, with_last_values: bool) -> pa.Schema:
    """Give the columns of the table.

    Returns
    -------
    pyarrow.Schema

        | column | type | meaning |
        |---|---|---|
        | session_id | string | see `sessionize.session_ids` |
        | the name of each user key | string | the user |
        | session_number | int64 | 1, 2, 3 ... within the user |
        | first_event_time, last_event_time | timestamp, microseconds, UTC | seen |
        | duration_seconds | double | between the two |
        | event_count | int64 | events in the session |
        | silence_before_seconds | double | since the user's event before; null for the first session |
        | first_<group key>, last_<group key> | string | the value of the first, of the last event |
        | is_bounce | bool | there is only one event |
        | end_reason | string | see `sessionize.rules` |
    """
    own = {
        "session_number": pa.int64(),
        "first_event_time": MOMENT,
        "last_event_time": MOMENT,
        "duration_seconds": pa.float64(),
        "event_count": pa.int64(),
        "silence_before_seconds": pa.float64(),
        **{f"{which}_{key}": pa.string() for which in _whiches(with_last_values) for key in fields.group_keys},
        "is_bounce": pa.bool_(),
        "end_reason": pa.string(),
    }
    users = user_names(fields, {"session_id", *own})
    return pa.schema([("session_id", pa.string()), *[(name, pa.string()) for name in users], *own.items()])


def user_names(fields: Fields, others: set[str]) -> list[str]:
    """Name the columns of the user: as the keys, with `user_` before those that another column has."""
    return [f"user_{key}" if key in others else key for key in fields.user_keys]


def seconds(microseconds: Any) -> Any:
    return pc.divide(microseconds.cast(pa.float64()), MICROSECONDS)


def _to_rows(batch: pa.RecordBatch, fields: Fields, with_last_values: bool) -> pa.RecordBatch:
    first, last, count = (batch.column(name) for name in ("first_event_time", "last_event_time", "event_count"))
    columns = [
        batch.column("session_id"),
        *[batch.column(name) for name in fields.user_columns],
        batch.column("session_number"),
        first.cast(MOMENT),
        last.cast(MOMENT),
        seconds(pc.subtract(last, first)),
        count,
        seconds(batch.column("silence_before")),
        *[batch.column(f"{which}_{name}") for which in _whiches(with_last_values) for name in fields.group_columns],
        pc.equal(count, 1),
        batch.column("end_reason"),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=table_schema(fields, with_last_values))


def _whiches(with_last_values: bool) -> tuple[str, ...]:
    return ("first", "last") if with_last_values else ("first",)
