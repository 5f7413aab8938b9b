"""Find the rejects of a Parquet file without an engine: by pyarrow, the columns of the keys alone, some rows at a time.

No line of a Parquet file is malformed; a row can only lack a user or a time, or have a time that is none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from session_calc.errors import UserError
from session_calc.inputs import Input, open_raw
from session_calc.read.judge import END_MICROSECOND, FIRST_MICROSECOND, spell_double, to_microseconds
from session_calc.read.verdict import reason_of
from session_calc.schemas import Fields, path_of

_ROWS = 10_000  # at a time
_MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1, "day": 86_400_000_000}


def require_reader() -> None:
    """Make sure that pyarrow is there; a cluster's own PySpark may come without.

    Raises
    ------
    UserError
    """
    if find_spec("pyarrow") is None:
        raise UserError(
            "The rejects of Parquet files are found by pyarrow, which is not installed. Install it with: "
            "pip install pyarrow. Or leave REJECTS_PATH and --explain-rejects out."
        )


def find(one: Input, fields: Fields) -> Iterator[tuple[int, str, bytes]]:
    """Find the rejects of a file: the number of each row, from 1, the reason, and the keys' fields as JSON."""
    import pyarrow.parquet as pq

    number = 0
    wanted = sorted({path_of(key)[0] for key in fields.keys})
    with open_raw(one) as source, pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_ROWS, columns=wanted):
            for place, reason in enumerate(_reasons(batch, fields)):
                if reason:
                    yield number + place + 1, reason, _row_as_json(batch.slice(place, 1), fields)
            number += batch.num_rows


def _reasons(batch: Any, fields: Fields) -> Iterator[str | None]:
    users = zip(*[_are_users(_column(batch, key)) for key in fields.user_keys], strict=True)
    times = _times(_column(batch, fields.timestamp_key), fields.timestamp_unit)
    for has_parts, (has_timestamp, is_moment) in zip(users, times, strict=True):
        yield reason_of(all(has_parts), has_timestamp, is_moment)


def _column(batch: Any, key: str) -> Any:
    """Give the column that a key names; one of nulls where the file has no such field."""
    import pyarrow as pa
    import pyarrow.compute as pc

    top, *below = path_of(key)
    column = batch.column(top) if top in batch.schema.names else pa.nulls(batch.num_rows)
    for name in below:
        place = column.type.get_field_index(name) if pa.types.is_struct(column.type) else -1
        column = pc.struct_field(column, [place]) if place >= 0 else pa.nulls(batch.num_rows)
    return column


def _are_users(column: Any) -> Iterator[bool]:
    is_text = _is_text(column.type)
    return map(bool, column.to_pylist()) if is_text else iter(column.is_valid().to_pylist())


def _times(column: Any, unit: str) -> Iterator[tuple[bool, bool]]:
    """Tell of each row whether it has a time, and whether that is a moment of the years 1-9999."""
    if _is_time(column.type):
        for moment in _moments(column):
            yield moment is not None, _is_inside(moment)
        return
    is_spelled = unit != "iso8601" or _is_text(column.type)
    for value in column.to_pylist():
        text = spell_double(value) if isinstance(value, float) else None if value is None else str(value)
        yield value is not None, is_spelled and to_microseconds(text, unit) is not None


def _moments(column: Any) -> Iterator[int | None]:
    # as whole numbers of the column's own unit: Python's dates end with the year 9999
    import pyarrow as pa

    kind = column.type
    is_day = pa.types.is_date32(kind)
    unit = "day" if is_day else "ms" if pa.types.is_date64(kind) else kind.unit
    for number in column.cast(pa.int32() if is_day else pa.int64()).to_pylist():
        yield None if number is None else number // 1000 if unit == "ns" else number * _MICROSECONDS[unit]


def _is_inside(moment: int | None) -> bool:
    return moment is not None and FIRST_MICROSECOND <= moment < END_MICROSECOND


def _is_time(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))


def _row_as_json(row: Any, fields: Fields) -> bytes:
    values = {key: _json_value(_column(row, key)) for key in fields.keys}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _json_value(column: Any) -> Any:
    import pyarrow as pa

    if _is_time(column.type):
        [moment] = _moments(column)
        return column.cast(pa.string())[0].as_py() if _is_inside(moment) else moment
    [value] = column.to_pylist()
    is_plain = value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else str(value)
