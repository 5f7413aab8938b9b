"""Sessions and measures in PostgreSQL, as a user has them: by the command line, on the engine under test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from postgres_server import PASSWORD, Server

pytestmark = pytest.mark.parametrize("server", [18], indirect=True, ids=["PostgreSQL 18"])

EVENTS = "".join(
    json.dumps(
        {"anonymous_id": user, "device_sent_timestamp": 1_554_768_000_000 + minute * 60_000, "device_family": "A"}
    )
    + "\n"
    for user, minute in [("ann", 0), ("ann", 10), ("ann", 50), ("bob", 5), ('"; --', 7)]
)


def call(engine: str, command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    master = {"MASTER": "local[2]"} if engine == "spark" else {}
    return subprocess.run(
        [sys.executable, "-m", "session_calc", command],
        env={**os.environ, **master, "ENGINE": engine, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


@pytest.fixture
def events(tmp_path: Path) -> str:
    path = tmp_path / "in" / "events.jsonl"
    path.parent.mkdir()
    path.write_text(EVENTS)
    return str(path)


def rows_of(server: Server, database: str, table: str) -> list[dict[str, Any]]:
    [(rows,)] = server.run(f"SELECT coalesce(json_agg(t), '[]') FROM {table} t", database)
    return list(rows)


def test_sessions_go_to_the_database_and_to_the_file_where_one_is_named(
    engine_name: str, server: Server, database: str, events: str
) -> None:
    sink = server.url(database)
    done = call(engine_name, "sessions", READ_PATH=events, SINK=sink, SESSIONS_PATH="s.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    assert "table    s.parquet\n" in done.stdout

    found = server.run("SELECT * FROM session_calc.sessions ORDER BY session_id", database)
    written = sorted(pq.read_table("s.parquet").to_pylist(), key=lambda row: str(row["session_id"]))
    assert found == [tuple(row.values()) for row in written]
    assert len(found) == 4
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'sessions' ORDER BY ordinal_position"
    assert [name for (name,) in server.run(query, database)] == list(written[0])


@pytest.mark.one_engine
def test_a_later_run_takes_the_place_of_the_former_and_one_that_fails_does_not(
    engine_name: str, server: Server, database: str, events: str
) -> None:
    given = {"READ_PATH": events, "SINK": server.url(database), "SINK_SCHEMA": "Mine"}
    done = call(engine_name, "sessions", **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"table    postgresql://***@:{server.port}/{database}?host=*** Mine.sessions\n" in done.stdout
    assert not Path("output/sessions.parquet").exists()
    report = json.loads(Path("output/sessions.run.json").read_bytes())
    assert report["table"] == {
        "sink": f"postgresql://***@:{server.port}/{database}?host=*** Mine.sessions",
        "gap_seconds": "1800",
        "row_count": 4,
    }
    before = rows_of(server, database, '"Mine".sessions')

    with Path(events).open("a") as file:
        file.write("{cut\n" * 100)
    failed = call(engine_name, "sessions", **given, MAX_REJECT_SHARE="0.5")
    assert failed.returncode == 2
    assert rows_of(server, database, '"Mine".sessions') == before

    done = call(engine_name, "sessions", **given, MAX_SESSION_SECONDS="3600")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows_of(server, database, '"Mine".sessions')) == 3


def test_measures_go_to_a_table_of_their_own(engine_name: str, server: Server, database: str, events: str) -> None:
    done = call(engine_name, "measure", READ_PATH=events, SINK=server.url(database), MEASURE_BY="overall,user")
    assert (done.returncode, done.stderr) == (0, "")

    rows = rows_of(server, database, "session_calc.measures")
    assert sorted((row["dimension"], row["value"] or "", row["session_count"]) for row in rows) == [
        ("overall", "", 4),
        ("user", '"; --', 1),
        ("user", "ann", 2),
        ("user", "bob", 1),
    ]


KILLER = """\
import os, signal, sys
import psycopg
psycopg.Connection.commit = lambda _: os.kill(os.getpid(), signal.SIGKILL)
from session_calc.__main__ import main
sys.argv = ["session-calc", "sessions"]
main()
"""


@pytest.mark.one_engine
def test_of_a_run_that_is_killed_before_the_commit_the_old_rows_stand(
    engine_name: str, server: Server, database: str, events: str, tmp_path: Path
) -> None:
    given = {"READ_PATH": events, "SINK": server.url(database)}
    assert call(engine_name, "sessions", **given).returncode == 0
    before = rows_of(server, database, "session_calc.sessions")
    (tmp_path / "killer.py").write_text(KILLER)
    environment = {**os.environ, **given, "ENGINE": engine_name, "MAX_SESSION_SECONDS": "60", "MASTER": "local[2]"}
    if engine_name != "spark":
        del environment["MASTER"]
    done = subprocess.run([sys.executable, tmp_path / "killer.py"], env=environment, check=False, timeout=250)

    assert done.returncode == -signal.SIGKILL
    assert rows_of(server, database, "session_calc.sessions") == before


@pytest.mark.one_engine
@pytest.mark.usefixtures("database")
def test_a_database_that_cannot_be_reached_is_told_with_code_2_and_without_the_password(
    engine_name: str, server: Server, events: str
) -> None:
    given = {"READ_PATH": events, "SINK": server.url_by_port("nowhere"), "PGPASSWORD": PASSWORD}
    done = call(engine_name, "sessions", **given)

    assert done.returncode == 2
    assert done.stderr.startswith(
        f"Error: SINK is 'postgresql://***@127.0.0.1:{server.port}/nowhere', but there is no way"
    )
    assert 'database "nowhere" does not exist. ' in done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr + Path("output/sessions.run.json").read_text()
