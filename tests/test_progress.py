"""What a run tells while it goes on: lines of JSON for machines, a bar on a terminal, nothing in logs and CI."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hostile import hostile_lines
from spark_processes import call_here, require_done

from session_calc.progress import JsonLog, Step, failure

STEPS = ["run_started", "inputs_listed", "engine_started", "reading", "counted", "published"]


def steps_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_step_of_a_run_is_one_json_object_on_a_line_with_what_is_known_by_then(
    engine_name: str, tmp_path: Path
) -> None:
    done = call_here(tmp_path, {"ENGINE": engine_name}, "--log-format", "json")
    require_done(done)
    steps = steps_in(done.stderr)
    started, listed, up, reading, counted, published = steps

    assert [step["step"] for step in steps] == STEPS
    assert all(step["time"].endswith("Z") and step["message"] for step in steps)
    assert [step["seconds"] for step in steps] == sorted(step["seconds"] for step in steps)
    assert started["settings"]["GROUP_KEY"] == "device_family"
    assert (listed["files"], reading["files"]) == (1, 1)
    assert up["engine"].lower().startswith(engine_name)
    assert (counted["ledger"]["lines"], counted["users"], counted["sessions_by_gap"]) == (5000, 220, {"1800": 258})
    assert [Path(path).name for path in published["results"]] == ["sessions_by_device_family.json"]
    assert done.stdout.startswith("lines      5,000\n")


@pytest.mark.parametrize(
    ("environment", "kind", "message"),
    [
        pytest.param({"ENGINE": "sial"}, "WrongSettings", "ENGINE is 'sial' (from the environment)", id="a setting"),
        pytest.param({"READ_PATH": "gone"}, "UnreadableInput", "READ_PATH has gone, but", id="an input"),
    ],
)
def test_a_failure_is_the_last_line_and_nothing_else_is_said(
    tmp_path: Path, environment: dict[str, str], kind: str, message: str
) -> None:
    done = call_here(tmp_path, environment, "--log-format", "json")
    last = steps_in(done.stderr)[-1]

    assert (done.returncode, done.stdout) == (2, "")
    assert (last["step"], last["kind"], last["exit_code"]) == ("failed", kind, 2)
    assert last["message"].startswith(message)
    assert "traceback" not in last


def test_what_was_not_foreseen_is_told_with_its_traceback_and_without_secrets() -> None:
    stream = StringIO()
    try:
        raise RuntimeError("no answer from s3://me:hunter2@bucket")
    except RuntimeError as error:
        JsonLog(stream)(failure(error, str(error), 1))
    (told,) = steps_in(stream.getvalue())

    assert (told["kind"], told["exit_code"]) == ("RuntimeError", 1)
    assert told["traceback"].startswith("Traceback (most recent call last)")
    assert "hunter2" not in stream.getvalue()


def test_a_line_stays_one_line_of_plain_characters_whatever_it_tells() -> None:
    stream = StringIO()
    JsonLog(stream)(Step("warning", "été\n\ud800", {"key": "日本"}))

    assert stream.getvalue().isascii()
    (told,) = steps_in(stream.getvalue())
    assert (told["message"], told["key"]) == ("été\n\ud800", "日本")


# ------------------------------------------------------------------------------------------------------- on a terminal


@pytest.fixture(scope="module")
def slow_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough for Spark to draw its bar, which it does after half a second."""
    folder = tmp_path_factory.mktemp("slow")
    for number in range(2):
        (folder / f"part-{number}.jsonl.gz").write_bytes(gzip.compress(hostile_lines(41, 2_000, 200), 1))
    return folder


def said_on_a_terminal(folder: Path, events: Path, **environment: str) -> str:
    ours, theirs = pty.openpty()
    known = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    keys = {"READ_PATH": str(events), "USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group"}
    with os.fdopen(ours, "rb", buffering=0) as screen:
        run = subprocess.Popen(
            [sys.executable, "-m", "session_calc", "count"],
            env={**known, **keys, "TERM": "xterm", **environment},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
        )
        os.close(theirs)
        said = b"".join(_until_closed(screen))
        assert run.wait(timeout=60) == 0, said.decode()
    return said.decode()


def _until_closed(screen: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := screen.read(4096):
            yield chunk
    except OSError:  # Linux says EIO where the other end of a terminal is closed
        return


@pytest.mark.cluster
def test_classic_spark_draws_its_stages_and_tasks_on_a_terminal(
    engine_name: str, slow_events: Path, tmp_path: Path
) -> None:
    watched = said_on_a_terminal(tmp_path, slow_events, ENGINE=engine_name)

    assert "Starting the engine spark ..." in watched
    assert "[Stage 0:" in watched


def test_in_ci_a_terminal_is_told_no_more_than_a_log(slow_events: Path, tmp_path: Path) -> None:
    assert "Starting the engine sail ..." in said_on_a_terminal(tmp_path, slow_events, ENGINE="sail")
    assert said_on_a_terminal(tmp_path, slow_events, ENGINE="sail", CI="true") == ""
