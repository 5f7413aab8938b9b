"""The page of a run: what it says comes from the run report and the result, and it says so where they do not fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from session_calc import pages, run
from session_calc.engines.engine import Engine
from session_calc.errors import TooManyRejects, UserError
from session_calc.pages.write import write_page
from session_calc.settings import resolve

RESULT, REPORT = Path("output/sessions_by_device_family.json"), Path("output/sessions_by_device_family.run.json")
PAGE = Path("output/sessions_by_device_family.html")
HOUR = 3_600_000
START = 1_554_681_600_000  # 2019-04-08


@pytest.fixture
def shared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine of all tests, for runs in this process."""
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    return engine


def count(engine: Engine, environment: Mapping[str, str], with_page: bool = True) -> run.Outcome:
    settings = resolve({"ENGINE": engine.name}, environment, {})
    return run.count(settings, run.Circumstances(environment, lambda _: None, with_page=with_page))


def write_events(folder: Path, events: list[tuple[str, int, str]]) -> str:
    path = folder / "events.jsonl"
    lines = [
        {"anonymous_id": user, "device_sent_timestamp": time, "device_family": device} for user, time, device in events
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def read_report() -> dict[str, Any]:
    found = json.loads(REPORT.read_bytes())
    assert isinstance(found, dict)
    return found


def page_text() -> str:
    return unescape(PAGE.read_text(encoding="utf-8"))


EVENTS = [
    ("ann", START, "a"),
    ("ann", START + 60_000, "a"),
    ("ann", START + 5 * HOUR, "b"),
    ("bob", START + HOUR + 1, "a"),
    ("bob", START + HOUR + 500, "a"),
    ("bob", START + 2 * HOUR, "a"),
]


@pytest.mark.parametrize("rules", [{}, {"MAX_SESSION_EVENTS": "1000"}], ids=["told from slices", "told event by event"])
def test_the_run_report_has_hours_durations_and_events_where_a_page_is_asked_for(
    shared: Engine, tmp_path: Path, rules: Mapping[str, str]
) -> None:
    count(shared, {"READ_PATH": write_events(tmp_path, EVENTS), **rules})
    assert read_report()["distributions"] == {
        "sessions_by_hour": {
            "2019-04-08T00:00Z": 1,
            "2019-04-08T01:00Z": 1,
            "2019-04-08T02:00Z": 1,
            "2019-04-08T05:00Z": 1,
        },
        "sessions_by_duration_seconds": [
            {"from": 0, "to": 0, "count": 2},
            {"from": 0, "to": 1, "count": 1},
            {"from": 1, "to": 10, "count": 0},
            {"from": 10, "to": 30, "count": 0},
            {"from": 30, "to": 60, "count": 1},
        ],
        "sessions_by_events": [{"from": 1, "to": 1, "count": 2}, {"from": 2, "to": 3, "count": 2}],
    }
    assert "distributions" in read_report()["seconds"]


def test_a_page_changes_no_number_and_without_it_nothing_more_is_counted(shared: Engine, tmp_path: Path) -> None:
    path = write_events(tmp_path, EVENTS)
    count(shared, {"READ_PATH": path}, with_page=False)
    result, without = RESULT.read_bytes(), read_report()
    assert "distributions" not in without
    assert not PAGE.exists()
    count(shared, {"READ_PATH": path})
    assert (RESULT.read_bytes(), read_report()["ledger"]) == (result, without["ledger"])
    assert PAGE.exists()


def test_every_gap_has_distributions_of_its_own(shared: Engine, tmp_path: Path) -> None:
    count(shared, {"READ_PATH": write_events(tmp_path, EVENTS), "MAX_SESSION_SECONDS": "10,1800"})
    for gap, sessions in (("10", 5), ("1800", 4)):
        found = json.loads(Path(f"output/sessions_by_device_family_{gap}s.run.json").read_bytes())
        assert found["session_count"] == sessions
        for name in ("sessions_by_duration_seconds", "sessions_by_events"):
            assert sum(row["count"] for row in found["distributions"][name]) == sessions


def test_the_page_shows_twenty_groups_and_the_rest(shared: Engine, tmp_path: Path) -> None:
    events = [
        (f"{device}-{number}", START, f"device {device:02}") for device in range(30) for number in range(40 - device)
    ]
    count(shared, {"READ_PATH": write_events(tmp_path, events)})
    groups = Counter(device for _, _, device in events)
    text = page_text()
    for device, sessions in groups.most_common(20):
        assert f">{device}</text>" in text
        assert f">{sessions}</text>" in text
    assert ">10 more</text>" in text
    assert f">{sum(sessions for _, sessions in groups.most_common()[20:])}</text>" in text
    assert ">device 29</text>" not in text
    assert '<th scope="row">device 29</th>' in text


def test_report_writes_the_page_of_a_run_that_had_none(shared: Engine, tmp_path: Path) -> None:
    count(shared, {"READ_PATH": write_events(tmp_path, EVENTS)}, with_page=False)
    assert write_page(str(REPORT)) == str(PAGE)
    assert "This run did not count how long its sessions are. `session-calc count --report` does." in page_text()
    assert ">a</text>" in page_text()


def test_report_writes_the_same_page_as_the_run(shared: Engine, tmp_path: Path) -> None:
    count(shared, {"READ_PATH": write_events(tmp_path, EVENTS)})
    page = PAGE.read_bytes()
    write_page(str(REPORT))
    assert PAGE.read_bytes() == page


def test_a_result_of_another_run_is_said_to_be_one(shared: Engine, tmp_path: Path) -> None:
    count(shared, {"READ_PATH": write_events(tmp_path, EVENTS)}, with_page=False)
    RESULT.write_text('{"x":1}\n')
    write_page(str(REPORT))
    assert "The result is another one than this run report is of: its SHA-256 differs." in page_text()
    RESULT.unlink()
    write_page(str(REPORT))
    assert "is not beside the run report, so its groups are not shown." in page_text()


def test_a_failed_run_has_a_page_that_says_why(shared: Engine, tmp_path: Path) -> None:
    path = write_events(tmp_path, EVENTS)
    Path(path).write_text("{\n<script>alert(1)</script>\n")
    with pytest.raises(TooManyRejects, match="2 of 2 lines were rejected"):
        count(shared, {"READ_PATH": path, "MAX_REJECT_SHARE": "0"})
    write_page(str(REPORT))
    assert "The run failed: 2 of 2 lines were rejected" in page_text()
    assert not RESULT.exists()


def test_a_table_of_sessions_has_a_page_too(shared: Engine, tmp_path: Path) -> None:
    settings = resolve({"ENGINE": shared.name}, {"READ_PATH": write_events(tmp_path, EVENTS)}, {})
    run.sessions(settings, run.Circumstances({}, lambda _: None))
    write_page("output/sessions.run.json")
    assert "<h1>A run of session-calc</h1>" in Path("output/sessions.html").read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("x.json", None, r"^x\.json is no run report: its name must end in \.run\.json\. ", id="name"),
        pytest.param("x.run.json", None, r"^x\.run\.json cannot be read: there is no such file", id="no file"),
        pytest.param("x.run.json", "{", r"^x\.run\.json is no run report\. Name one that ", id="no JSON"),
        pytest.param("x.run.json", "[1]", r"^x\.run\.json is no run report\. ", id="no object"),
        pytest.param("x.run.json", '{"status": "done"}', r"^x\.run\.json is no run report\. ", id="another object"),
    ],
)
def test_what_is_no_run_report_is_refused(name: str, content: str | None, message: str) -> None:
    if content is not None:
        Path(name).write_text(content)
    with pytest.raises(UserError, match=message):
        write_page(name)


def test_a_run_is_refused_before_any_work_where_its_page_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "find_spec", lambda _: None)
    settings = resolve({}, {}, {})
    with pytest.raises(UserError, match=r"^The page needs jinja2 and matplotlib, but this Python \("):
        run.count(settings, run.Circumstances({}, lambda _: None, with_page=True))
    assert not Path("output").exists()


@pytest.mark.one_engine
def test_the_commands_write_the_pages_and_say_where(engine_name: str) -> None:
    for command, told in (
        (["count", "--report"], "result   output/sessions_by_device_family.json"),
        (["report", str(REPORT)], f"page     {PAGE}"),
        (["profile"], "result   output/eda.html"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "session_calc", *command],
            env={**os.environ, "ENGINE": engine_name},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert told in done.stdout.splitlines()
    assert {path.suffix for path in Path("output").iterdir()} == {".json", ".html"}
