"""Write a table to PostgreSQL: a run's rows take the place of the former run's in one transaction, or nothing changes.

The rows come as Arrow record batches and go out by COPY, a batch at a time, so that memory does not grow with them.
Readers see the former rows until the commit. A run that is killed before it leaves nothing: the server takes it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from session_calc.errors import LedgerBroken, UnwritableOutput
from session_calc.redaction import without_secrets

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa
    from psycopg import sql
    from typing_extensions import LiteralString

_MOST_NAME_BYTES = 63  # PostgreSQL cuts longer names off, with a notice at most
_UNTOUCHED = "What stood in the table is as it was."
_PATIENCE_SECONDS = 10  # for a server that does not answer
# Arrow's types, and those of the columns as the catalog spells them
_TYPES: Mapping[str, LiteralString] = {
    "int64": "bigint",
    "string": "text",
    "timestamp[us, tz=UTC]": "timestamp with time zone",
    "double": "double precision",
    "bool": "boolean",
}


@dataclass(frozen=True)
class _Table:
    """A table and its columns in order; their names are data, and never part of a statement's text."""

    schema: str
    name: str
    columns: Mapping[str, LiteralString]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Replacement:
    """The rows that are to take the place of a table's; nobody sees them before they are published.

    The table and its schema are made if they are not there. From the first row on another run that replaces the same
    table waits until this one is done, and so do others that write to it; readers do not.

    Parameters
    ----------
    sink : str
        `postgresql://user@host:port/database`. The password comes from PGPASSWORD or ~/.pgpass.
    schema, name : str
        Of the table.
    """

    def __init__(self, sink: str, schema: str, name: str) -> None:
        self.row_count = 0
        self._sink = sink
        self._table = _Table(schema, name, {})
        self._connection: psycopg.Connection[Any] | None = None
        self._copying: AbstractContextManager[psycopg.Copy] | None = None
        self._copy: psycopg.Copy | None = None
        self._nul_counts: Counter[str] = Counter()

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()  # the server takes back what was not committed

    def begin(
        self, schema: pa.Schema, _header: str | None = None
    ) -> Callable[[pa.RecordBatch, list[int] | None], None]:
        """Say the columns, and make sure that the rows can be replaced, before any work is done; nothing changes yet.

        Raises
        ------
        UnwritableOutput
            The server, the database or the table cannot be used; the message says why.
        """
        names = {field.name: _TYPES[str(field.type)] for field in schema}
        self._table = _Table(self._table.schema, self._table.name, names)
        with _connect(self._sink) as connection:
            with self._telling(), connection.cursor() as cursor:
                self._prepare(cursor)
                cursor.execute(_statement("DELETE FROM {} WHERE false", self._table))
                with cursor.copy(_copy_statement(self._table)):
                    pass
            connection.rollback()
        return self.write

    def write(self, rows: pa.RecordBatch, _days: list[int] | None = None) -> None:
        """Copy rows; their columns are those that `begin` was told.

        From the first row on that PostgreSQL cannot store, rows are only searched, so that the message has all.
        """
        self.row_count += rows.num_rows
        self._nul_counts.update(_nul_counts(rows))
        if not self._nul_counts:
            with self._telling():
                self._opened().write(_to_csv(rows))

    def publish(self) -> None:
        """Commit: from now on everybody sees the new rows, and nobody the former ones.

        Raises
        ------
        UnwritableOutput
            A text holds U+0000, which PostgreSQL cannot store: with the columns, and how many rows have it. Or the
            server refuses.
        """
        if self._nul_counts:
            where = ", ".join(f"{name} of {count:,} rows" for name, count in self._nul_counts.items())
            what = f"U+0000 stands in {where}, and PostgreSQL cannot store that character"
            raise self._refused(what, "Mend the events, or write a file instead.")
        with self._telling():
            copy = self._opened()
            if self._copying is not None and self._connection is not None:
                self._copying.__exit__(None, None, None)
                if copy.cursor.rowcount != self.row_count:
                    took = f"the server took {copy.cursor.rowcount} of {self.row_count} rows into {self._table}"
                    raise LedgerBroken(f"{took}. {_UNTOUCHED}")
                self._connection.commit()

    def _opened(self) -> psycopg.Copy:
        """Open the transaction in which all happens; not before there are rows, for computing them may take hours."""
        if self._copy is None:
            self._connection = _connect(self._sink)
            cursor = self._connection.cursor()
            self._prepare(cursor)
            cursor.execute(_statement("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self._table))
            cursor.execute(_statement("DELETE FROM {}", self._table))
            self._copying = cursor.copy(_copy_statement(self._table))
            self._copy = self._copying.__enter__()
        return self._copy

    def _prepare(self, cursor: psycopg.Cursor[Any]) -> None:
        """Make the table if it is not there, and make sure that it has these columns and no others."""
        table = self._table
        too_long = [
            name for name in (table.schema, table.name, *table.columns) if len(name.encode()) > _MOST_NAME_BYTES
        ]
        if too_long:
            what = f"{too_long[0]!r} is a name of more than {_MOST_NAME_BYTES} bytes, which PostgreSQL would cut off"
            raise self._refused(what, "Give the field a shorter name.")
        _wait_for_others(cursor, str(table))
        found = cursor.execute(_FIND_TABLE, [table.schema, table.name]).fetchone()
        if found is None:
            _make(cursor, table)
            return
        oid, is_table = found
        what = (
            _differences(dict(cursor.execute(_FIND_COLUMNS, [oid]).fetchall()), table) if is_table else "it is no table"
        )
        if what:
            raise self._refused(what, "Name another SINK_SCHEMA, or rename or drop what is there.")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._refused(_in_one_line(error), _advice(error)) from None

    def _refused(self, what: str, advice: str) -> UnwritableOutput:
        return UnwritableOutput(
            f"SINK is {without_secrets(self._sink)!r}, but the table {self._table} cannot be replaced: {what}. "
            f"{_UNTOUCHED} {advice}"
        )


def _connect(sink: str) -> psycopg.Connection[Any]:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise UnwritableOutput(
            "SINK needs psycopg, which is not installed. Install it with: pip install 'session_calc[postgres]'."
        ) from None
    try:
        patience = conninfo_to_dict(sink).get("connect_timeout", _PATIENCE_SECONDS)
        return psycopg.connect(sink, application_name="session_calc", client_encoding="utf8", connect_timeout=patience)
    except psycopg.Error as error:
        raise UnwritableOutput(
            f"SINK is {without_secrets(sink)!r}, but there is no way in: {_in_one_line(error)}. Mend user, host, port "
            "or database, or start the server; the password comes from PGPASSWORD or ~/.pgpass."
        ) from None


def _advice(error: psycopg.Error) -> str:
    from psycopg import errors

    if isinstance(error, errors.InsufficientPrivilege):
        return (
            "Let its owner grant CREATE on the schema where the table is not there; SELECT, INSERT and DELETE on it "
            "where it is."
        )
    if isinstance(error, errors.UntranslatableCharacter):
        return "Name a database whose encoding is UTF8."
    return "Mend that, and run again."


def _in_one_line(error: psycopg.Error) -> str:
    # the primary message alone: the detail and the context may hold rows
    text = error.diag.message_primary or str(error)
    return without_secrets(" ".join(text.split()).rstrip("."))


_FIND_TABLE = (
    "SELECT c.oid, c.relkind IN ('r', 'p') FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s"
)
_FIND_SCHEMA = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s"
_FIND_COLUMNS = (
    "SELECT attname::text, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
    "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


def _wait_for_others(cursor: psycopg.Cursor[Any], what: str) -> None:
    # one after another, to the end of the transaction: two runs that make one table would fail each other
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"session_calc {what}"])


def _make(cursor: psycopg.Cursor[Any], table: _Table) -> None:
    from psycopg import sql

    _wait_for_others(cursor, table.schema)
    if cursor.execute(_FIND_SCHEMA, [table.schema]).fetchone() is None:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(table.schema)))
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in table.columns.items()]
    cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(_identifier(table), sql.SQL(", ").join(columns)))


def _differences(has: Mapping[str, str], table: _Table) -> str:
    wanted = table.columns
    missing = [name for name in wanted if name not in has]
    others = [name for name in has if name not in wanted]
    kinds = [f"{name} is {has[name]} and not {kind}" for name, kind in wanted.items() if has.get(name, kind) != kind]
    parts = [
        f"it has no column {', '.join(missing)}" if missing else "",
        f"it has a column too many: {', '.join(others)}" if others else "",
        *kinds,
    ]
    return "; ".join(filter(None, parts))


def _identifier(table: _Table) -> sql.Identifier:
    from psycopg import sql

    return sql.Identifier(table.schema, table.name)


def _statement(text: LiteralString, table: _Table) -> sql.Composed:
    from psycopg import sql

    return sql.SQL(text).format(_identifier(table))


def _copy_statement(table: _Table) -> sql.Composed:
    from psycopg import sql

    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(_identifier(table), columns)


def _nul_counts(batch: pa.RecordBatch) -> dict[str, int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [name for name in batch.schema.names if pa.types.is_string(batch.schema.field(name).type)]
    counts = {name: pc.sum(pc.match_substring(batch.column(name), "\0")).as_py() for name in texts}
    return {name: count for name, count in counts.items() if count}


def _to_csv(batch: pa.RecordBatch) -> memoryview:
    """Spell rows as COPY reads them: texts in quotes, null as nothing at all, moments in UTC."""
    import pyarrow as pa
    from pyarrow import csv

    target = pa.BufferOutputStream()
    csv.write_csv(batch, target, csv.WriteOptions(include_header=False))
    return memoryview(target.getvalue())
