"""Write the same rows to several tables, such as a database and a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

WriteRows = Callable[["pa.RecordBatch", "list[int] | None"], None]


class RowTable(Protocol):
    """A table that is being written; nothing is to be seen of it until it is published."""

    row_count: int

    def begin(self, schema: pa.Schema, header: str | None = None) -> WriteRows: ...

    def write(self, rows: pa.RecordBatch, days: list[int] | None = None) -> None: ...

    def publish(self) -> None: ...


class Several:
    """Tables that are written as one; they are published in order, so that the one most likely to fail comes first."""

    def __init__(self, tables: Sequence[RowTable]) -> None:
        self._tables = tables
        self.row_count = 0

    def begin(self, schema: pa.Schema, header: str | None = None) -> WriteRows:
        for table in self._tables:
            table.begin(schema, header)
        return self.write

    def write(self, rows: pa.RecordBatch, days: list[int] | None = None) -> None:
        self.row_count += rows.num_rows
        for table in self._tables:
            table.write(rows, days)

    def publish(self) -> None:
        for table in self._tables:
            table.publish()
