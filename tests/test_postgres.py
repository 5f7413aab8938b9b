"""Rows in PostgreSQL: a run's in place of the former run's, all of them or none; on a real server of the tests' own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from postgres_server import PASSWORD, Server, open_server
from psycopg import sql

from session_calc import doctor
from session_calc.doctor import Finding, examine
from session_calc.errors import LedgerBroken, UnwritableOutput
from session_calc.write import postgres
from session_calc.write.postgres import Replacement

MOMENT = pa.timestamp("us", tz="UTC")
COLUMNS = pa.schema(
    [
        ("name", pa.string()),
        ("number", pa.int64()),
        ("moment", MOMENT),
        ("seconds", pa.float64()),
        ("is_so", pa.bool_()),
    ]
)
NOON = datetime(2019, 4, 9, 12, 0, 0, 123, tzinfo=timezone.utc)
OLD = [("old", 1, NOON, 1.5, True), ("older", 2, NOON, None, False)]
NEW = [("new", 3, NOON, 0.25, None)]
UNTOUCHED = "What stood in the table is as it was."

Row = tuple[Any, ...]


def batch(rows: Sequence[Row], columns: pa.Schema = COLUMNS) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(zip(columns.names, row, strict=True)) for row in rows], columns)


def replace_rows(
    sink: str, rows: Sequence[Row], columns: pa.Schema = COLUMNS, schema: str = "s", name: str = "t"
) -> None:
    with Replacement(sink, schema, name) as replacement:
        replacement.begin(columns)
        for row in rows:
            replacement.write(batch([row], columns))
        replacement.publish()


def rows_of(server: Server, database: str, table: str = "s.t") -> list[Row]:
    return server.run(f"SELECT * FROM {table} ORDER BY number", database)


def has_schema(server: Server, database: str) -> bool:
    return bool(server.run("SELECT FROM pg_namespace WHERE nspname = 's'", database))


def refusal(sink: str, rows: Sequence[Row] = NEW, columns: pa.Schema = COLUMNS, schema: str = "s") -> str:
    with pytest.raises(UnwritableOutput, match=r"^SINK ") as caught:
        replace_rows(sink, rows, columns, schema)
    assert PASSWORD not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ----------------------------------------------------------------------------------------------------------------- rows


def test_the_table_is_made_and_a_later_run_takes_the_place_of_the_former(server: Server, database: str) -> None:
    replace_rows(server.url(database), OLD)
    assert rows_of(server, database) == OLD

    replace_rows(server.url(database), NEW)
    assert rows_of(server, database) == NEW

    replace_rows(server.url(database), [])
    assert rows_of(server, database) == []


def test_the_columns_have_these_types(server: Server, database: str) -> None:
    replace_rows(server.url(database), OLD)

    query = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 't' ORDER BY ordinal_position"
    )
    assert server.run(query, database) == [
        ("name", "text"),
        ("number", "bigint"),
        ("moment", "timestamp with time zone"),
        ("seconds", "double precision"),
        ("is_so", "boolean"),
    ]


TEXTS = [
    "",
    " ",
    "NULL",
    "\\N",
    "\\.",
    "a\n\\.\nb",
    'say "so"',
    '"',
    "a,b",
    "tab\t",
    "cr\rlf\n",
    "é日本😀",
    "\x01\x7f",
    "\ufffd",
]


def test_every_text_arrives_as_it_was_and_null_is_no_text(server: Server, database: str) -> None:
    rows = [(text, number, None, None, None) for number, text in enumerate([*TEXTS, None])]
    with Replacement(server.url(database), "s", "t") as replacement:
        replacement.begin(COLUMNS)
        replacement.write(batch(rows))
        replacement.publish()

    assert rows_of(server, database) == rows


def test_numbers_and_moments_arrive_to_the_last_digit(server: Server, database: str) -> None:
    first = datetime(1, 1, 1, tzinfo=timezone.utc)
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc)
    rows = [
        ("a", -(2**63), first, 0.1, True),
        ("b", 2**53 + 1, NOON, 5e-324, False),
        ("c", 2**63 - 1, last, 1.7976931348623157e308, None),
    ]
    server.run(f"ALTER DATABASE \"{database}\" SET timezone = 'Asia/Kathmandu'")
    server.run(f"ALTER DATABASE \"{database}\" SET datestyle = 'German, DMY'")
    replace_rows(server.url(database), rows)

    moments = server.run("SELECT number, extract(epoch FROM moment)::text, seconds FROM s.t ORDER BY number", database)
    assert [(number, seconds) for number, _, seconds in moments] == [(row[1], row[3]) for row in rows]
    assert [text for _, text, _ in moments] == ["-62135596800.000000", "1554811200.000123", "253402300799.999999"]


@pytest.mark.parametrize("name", ['"; DROP TABLE s.t; --', "user id", "Größe", "select", "%s {} $1", "a.b"])
def test_names_are_data_whatever_they_hold(server: Server, database: str, name: str) -> None:
    columns = pa.schema([(name, pa.string()), ("number", pa.int64())])
    for value in ("first", "second"):
        replace_rows(server.url(database), [(value, 1)], columns, schema=name, name=name)

    table = sql.Identifier(name, name)
    found = server.run(sql.SQL("SELECT {} FROM {}").format(sql.Identifier(name), table), database)
    assert found == [("second",)]


# ------------------------------------------------------------------------------------------------------- all or nothing


def test_readers_see_the_former_rows_until_the_new_ones_are_published(server: Server, database: str) -> None:
    sink = server.url(database)
    replace_rows(sink, OLD)
    with Replacement(sink, "s", "t") as replacement:
        replacement.begin(COLUMNS)
        replacement.write(batch(NEW))
        assert rows_of(server, database) == OLD
        replacement.publish()
        assert rows_of(server, database) == NEW


def test_rows_that_are_not_published_leave_nothing_not_even_the_table(server: Server, database: str) -> None:
    with Replacement(server.url(database), "s", "t") as replacement:
        replacement.begin(COLUMNS)
        replacement.write(batch(NEW))
    assert not has_schema(server, database)

    replace_rows(server.url(database), OLD)
    with pytest.raises(ZeroDivisionError, match="division"):
        fail_after_rows(server.url(database))
    assert rows_of(server, database) == OLD


def fail_after_rows(sink: str) -> None:
    with Replacement(sink, "s", "t") as replacement:
        replacement.begin(COLUMNS)
        replacement.write(batch(NEW))
        _ = 1 / 0


KILLED = """\
import os, signal, sys
import psycopg, pyarrow as pa
from session_calc.write.postgres import Replacement

sink, when = sys.argv[1:]
columns = pa.schema([("name", pa.string()), ("number", pa.int64()), ("moment", pa.timestamp("us", "UTC")),
                     ("seconds", pa.float64()), ("is_so", pa.bool_())])
rows = pa.RecordBatch.from_pylist([{"name": "new", "number": number} for number in range(50_000)], columns)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if when == "before the commit":
    psycopg.Connection.commit = die
with Replacement(sink, "s", "t") as replacement:
    replacement.begin(columns)
    for number in range(20):
        replacement.write(rows)
        if when == "in the middle of the rows" and number == 10:
            die()
    replacement.publish()
"""


@pytest.mark.parametrize("when", ["in the middle of the rows", "before the commit"])
def test_of_a_run_that_is_killed_the_old_rows_stand(server: Server, database: str, when: str, tmp_path: Path) -> None:
    replace_rows(server.url(database), OLD)
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run([sys.executable, script, server.url(database), when], check=False, timeout=100)

    assert done.returncode == -signal.SIGKILL
    assert rows_of(server, database) == OLD
    replace_rows(server.url(database), NEW)  # and nothing of it is in the way
    assert rows_of(server, database) == NEW


def test_of_two_runs_at_once_the_second_waits_and_their_rows_do_not_mix(server: Server, database: str) -> None:
    sink = server.url(database)  # the table is not there: neither may fail the other by making it
    second = threading.Thread(target=replace_rows, args=(sink, OLD))
    with Replacement(sink, "s", "t") as first:
        first.begin(COLUMNS)
        first.write(batch(NEW))
        second.start()
        second.join(0.5)
        assert second.is_alive()
        first.publish()
        assert rows_of(server, database) == NEW
    second.join(30)

    assert rows_of(server, database) == OLD


def test_a_run_is_computing_for_hours_without_holding_a_lock(server: Server, database: str) -> None:
    replace_rows(server.url(database), OLD)
    with Replacement(server.url(database), "s", "t") as replacement:
        replacement.begin(COLUMNS)

        assert server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'session_calc'") == [(0,)]


# ------------------------------------------------------------------------------------------------------------- refusals


def test_a_table_with_other_columns_is_refused_and_not_touched(server: Server, database: str) -> None:
    server.run("CREATE SCHEMA s; CREATE TABLE s.t (name text, number integer, moment timestamp, note text)", database)
    server.run("INSERT INTO s.t VALUES ('mine', 1)", database)
    sink = server.url(database)

    assert refusal(sink) == (
        f"SINK is {shown(sink)!r}, but the table s.t cannot be replaced: it has no column seconds, is_so; it has a "
        "column too many: note; number is integer and not bigint; moment is timestamp without time zone and not "
        f"timestamp with time zone. {UNTOUCHED} Name another SINK_SCHEMA, or rename or drop what is there."
    )
    assert server.run("SELECT name, number FROM s.t", database) == [("mine", 1)]


def shown(sink: str) -> str:
    return re.sub(r"host=.*", "host=***", re.sub("//.*@", "//***@", sink))


def test_columns_in_another_order_are_no_others(server: Server, database: str) -> None:
    columns = "is_so boolean, number bigint, name text, seconds float8, moment timestamptz"
    server.run(f"CREATE SCHEMA s; CREATE TABLE s.t ({columns})", database)
    replace_rows(server.url(database), OLD)

    assert server.run("SELECT name, number, moment, seconds, is_so FROM s.t ORDER BY number", database) == OLD


def test_a_view_is_refused(server: Server, database: str) -> None:
    server.run("CREATE SCHEMA s; CREATE VIEW s.t AS SELECT 1 AS number", database)

    assert "but the table s.t cannot be replaced: it is no table. " in refusal(server.url(database))


def test_u_0000_in_a_text_is_refused_with_columns_and_rows(server: Server, database: str) -> None:
    sink = server.url(database)
    columns = pa.schema([("name", pa.string()), ("number", pa.int64()), ("group", pa.string())])
    replace_rows(sink, [("old", 1, None)], columns)
    rows = [("good", 1, "A"), ("a\0b", 2, "A"), ("\0", 3, "\0\0"), (None, 4, None)]

    assert refusal(sink, rows, columns) == (
        f"SINK is {shown(sink)!r}, but the table s.t cannot be replaced: U+0000 stands in name of 2 rows, group of 1 "
        f"rows, and PostgreSQL cannot store that character. {UNTOUCHED} Mend the events, or write a file instead."
    )
    assert rows_of(server, database) == [("old", 1, None)]


def test_a_text_that_the_database_has_no_letters_for_is_refused(server: Server, database: str) -> None:
    name = server.make_database(f"{database}_latin1", "ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    sink = server.url(name)
    replace_rows(sink, [("é", *OLD[0][1:])])

    said = refusal(sink, [("日本", *OLD[0][1:])])
    assert re.search(
        r"has no equivalent in encoding \"LATIN1\"\. What stood .* Name a database whose encoding is UTF8\.$", said
    )
    assert rows_of(server, name) == [("é", *OLD[0][1:])]
    server.run(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("name", ["x" * 64, "ü" * 32])
def test_a_name_that_postgresql_would_cut_off_is_refused(server: Server, database: str, name: str) -> None:
    columns = pa.schema([(name, pa.string())])

    assert f"{name!r} is a name of more than 63 bytes, which PostgreSQL would cut off. " in refusal(
        server.url(database), [("a",)], columns
    )


def test_a_name_of_the_systems_own_columns_is_refused(server: Server, database: str) -> None:
    said = refusal(server.url(database), [("a",)], pa.schema([("xmin", pa.string())]))

    assert 'column name "xmin" conflicts with a system column name. ' in said
    assert not has_schema(server, database)


# --------------------------------------------------------------------------------------------------------------- no way


NO_WAY = "Mend user, host, port or database, or start the server; the password comes from PGPASSWORD or ~/.pgpass."


@pytest.mark.usefixtures("database")
def test_a_server_that_is_down_is_told(server: Server) -> None:
    sink = f"postgresql://ann@127.0.0.1:1/{'d'}"
    assert server.process

    assert re.fullmatch(
        r"SINK is 'postgresql://\*\*\*@127\.0\.0\.1:1/d', but there is no way in: .*Connection refused.*\. " + NO_WAY,
        refusal(sink),
    )


def test_a_database_and_a_user_that_are_not_there_are_told(server: Server, database: str) -> None:
    assert 'database "nowhere" does not exist. ' in refusal(server.url("nowhere"))
    assert 'role "nobody" does not exist. ' in refusal(server.url(database, user="nobody"))


def test_the_password_comes_from_the_environment_or_pgpass_and_a_wrong_one_is_told(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sink = server.url_by_port(database)
    assert re.search(r"no way in: .*no password supplied\. " + NO_WAY, refusal(sink))

    monkeypatch.setenv("PGPASSWORD", "a-wrong-secret")
    assert re.search(r"no way in: .*password authentication failed for user \"postgres\"\. " + NO_WAY, refusal(sink))

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    replace_rows(sink, OLD)
    monkeypatch.delenv("PGPASSWORD")
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{server.port}:*:postgres:{PASSWORD}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    replace_rows(sink, NEW)
    assert rows_of(server, database) == NEW


def test_rights_that_lack_are_told_with_what_to_grant(server: Server, database: str) -> None:
    server.run("DROP ROLE IF EXISTS guest")
    server.run("CREATE ROLE guest LOGIN")
    sink = server.url(database, user="guest")
    advice = (
        f"{UNTOUCHED} Let its owner grant CREATE on the schema where the table is not there; SELECT, INSERT and DELETE "
        "on it where it is."
    )
    assert refusal(sink).endswith(f": permission denied for database {database}. {advice}")

    replace_rows(server.url(database), OLD)
    server.run("GRANT USAGE ON SCHEMA s TO guest", database)
    assert refusal(sink).endswith(f": permission denied for table t. {advice}")
    assert rows_of(server, database) == OLD

    server.run("GRANT SELECT, INSERT, DELETE ON s.t TO guest", database)
    replace_rows(sink, NEW)
    assert rows_of(server, database) == NEW


def test_rights_and_columns_are_looked_at_before_any_row_is_there(server: Server, database: str) -> None:
    server.run("CREATE SCHEMA s; CREATE TABLE s.t (note text)", database)
    with (
        Replacement(server.url(database), "s", "t") as replacement,
        pytest.raises(UnwritableOutput, match="it has a column too many: note"),
    ):
        replacement.begin(COLUMNS)


def test_a_server_that_goes_down_in_the_middle_is_told_and_the_old_rows_stand() -> None:
    with open_server() as server:
        database = server.make_database("d")
        replace_rows(server.url(database), OLD)
        rows = batch(NEW * 50_000)
        with Replacement(server.url(database), "s", "t") as replacement:
            replacement.begin(COLUMNS)
            replacement.write(rows)
            server.stop(signal.SIGQUIT)
            with pytest.raises(UnwritableOutput, match=rf"^SINK is .* cannot be replaced: .*{UNTOUCHED}"):
                write_often(replacement, rows)
        server.start()

        assert rows_of(server, database) == OLD


def write_often(replacement: Replacement, rows: pa.RecordBatch) -> None:
    for _ in range(100):  # what is sent to a server that is gone is refused only after a while
        replacement.write(rows)


def test_a_server_that_took_other_rows_than_it_was_sent_is_a_defect(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_rows(server.url(database), OLD)
    monkeypatch.setattr(postgres, "_to_csv", lambda _: b"")
    with pytest.raises(
        LedgerBroken, match=r"^the server took 0 of 1 rows into s\.t\. What stood in the table is as it was"
    ):
        replace_rows(server.url(database), NEW)

    assert rows_of(server, database) == OLD


@pytest.mark.parametrize(
    ("lacking", "found"),
    [
        (set(), Finding("PostgreSQL", is_fine=True, found=f"psycopg {version('psycopg')}")),
        (
            {"psycopg"},
            Finding(
                "PostgreSQL",
                is_fine=False,
                found="not installed (psycopg missing)",
                advice="Only SINK needs it: pip install 'session_calc[postgres]'.",
            ),
        ),
    ],
    ids=["it is there", "it is not there"],
)
def test_doctor_says_whether_the_driver_is_there(
    lacking: set[str], found: Finding, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in lacking else find_spec(name))

    assert found in list(examine({"PATH": str(tmp_path)}, tmp_path))


def test_psycopg_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert refusal("postgresql://host/d") == (
        "SINK needs psycopg, which is not installed. Install it with: pip install 'session_calc[postgres]'."
    )
