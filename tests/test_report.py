"""The run report says all that is needed to trust, repeat or mend a run."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from session_calc import __version__, report, run
from session_calc.engines.engine import Engine
from session_calc.errors import ImplausibleTimes, SessionCalcError, TooManyRejects, UnreadableInput
from session_calc.inputs import list_inputs
from session_calc.settings import resolve

BASE_EVENT = {"anonymous_id": "ann", "device_sent_timestamp": 1_554_768_000_123, "device_family": "iPhone"}
EVENTS = "".join(
    json.dumps({**BASE_EVENT, **differences}) + "\n"
    for differences in (
        {},
        {"device_sent_timestamp": 1_554_768_600_000},
        {"anonymous_id": "bob", "device_family": None},
        {"anonymous_id": None},
    )
)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(EVENTS + "\n{cut\n")
    return path


@pytest.fixture
def shared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine of all tests, for runs in this process: one of their own would end it with theirs."""
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    return engine


def count(engine_name: str, environment: Mapping[str, str]) -> run.Outcome:
    settings = resolve({"ENGINE": engine_name}, environment, {})
    return run.count(settings, run.Circumstances({**environment}, tell=lambda _: None))


def read_report(name: str = "device_family") -> dict[str, Any]:
    found = json.loads(Path(f"output/sessions_by_{name}.run.json").read_bytes())
    assert isinstance(found, dict)
    return found


def test_the_report_of_a_good_run_says_what_ran_on_what_and_what_was_found(shared: Engine, events: Path) -> None:
    before = datetime.now(timezone.utc)
    count(shared.name, {"READ_PATH": str(events), "MAX_SESSION_SECONDS": "60"})
    found = read_report()
    assert (found["status"], found["session_calc"]) == ("done", __version__)
    assert found["engine"] == shared.version
    assert found["versions"]["python"] == platform.python_version()
    assert found["versions"]["pysail"] == version("pysail")
    assert abs(datetime.fromisoformat(found["started_at"]) - before) < timedelta(minutes=1)
    assert list(found["seconds"]) == ["list", "start", "read", "count", "check"]
    assert found["settings"]["MAX_SESSION_SECONDS"] == {"value": "60", "source": "the environment"}
    assert found["settings"]["ENGINE"] == {"value": shared.name, "source": "the command line"}
    assert found["settings"]["USER_KEY"] == {"value": "anonymous_id", "source": "the default"}
    assert found["inputs"]["files"] == [
        {"path": str(events), "bytes": len(events.read_bytes()), "mark": str(events.stat().st_mtime_ns)}
    ]
    assert (found["inputs"]["file_count"], found["inputs"]["bytes"]) == (1, events.stat().st_size)
    assert found["ledger"] == {
        "lines": 6,
        "events": 3,
        "blank": 1,
        "rejects": 2,
        "rejects_by_reason": {"malformed_json": 1, "missing_user": 1},
        "excluded": 0,
        "duplicates": 0,
        "csv_headers": 0,
    }
    assert (found["user_count"], found["session_count"]) == (2, 3)
    assert found["first_event_time"] == "2019-04-09T00:00:00.123000Z"
    assert found["last_event_time"] == "2019-04-09T00:10:00.000000Z"
    result = Path("output/sessions_by_device_family.json")
    assert result.read_bytes() == b'{"iPhone":2,"null":1}\n'
    assert found["result"] == {
        "path": str(result.absolute()),
        "group_key": "device_family",
        "gap_seconds": "60",
        "value_count": 2,
        "session_count_without_value": 1,
        "sha256": sha256(result.read_bytes()).hexdigest(),
    }


def test_every_result_of_a_run_has_its_own_report(shared: Engine, events: Path) -> None:
    count(
        shared.name,
        {"READ_PATH": str(events), "GROUP_KEY": "device_family,anonymous_id", "MAX_SESSION_SECONDS": "60,1800"},
    )
    names = {f"{key}_{gap}s" for key in ("device_family", "anonymous_id") for gap in (60, 1800)}
    assert {path.name for path in Path("output").iterdir()} == {
        f"sessions_by_{name}.{suffix}" for name in names for suffix in ("json", "run.json")
    }
    for name in names:
        content = Path(f"output/sessions_by_{name}.json").read_bytes()
        assert read_report(name)["result"]["sha256"] == sha256(content).hexdigest()
        assert sum(json.loads(content).values()) == read_report(name)["session_count"]


def test_a_run_that_fails_leaves_the_result_and_keeps_the_last_good_report(shared: Engine, events: Path) -> None:
    environment = {"READ_PATH": str(events)}
    count(shared.name, environment)
    good, result = read_report(), Path("output/sessions_by_device_family.json").read_bytes()
    for _ in range(2):  # also after the second failure on end
        with pytest.raises(TooManyRejects, match=r"MAX_REJECT_SHARE allows 0\.1\. "):
            count(shared.name, {**environment, "MAX_REJECT_SHARE": "0.1"})
        failed = read_report()
        assert failed["status"] == "failed"
        assert failed["error"] == {
            "kind": "TooManyRejects",
            "message": "2 of 6 lines were rejected (malformed_json 1, missing_user 1): a share of 0.3333, but "
            "MAX_REJECT_SHARE allows 0.1. Nothing was written. Mend the events (--explain-rejects shows some), or "
            "allow a larger share.",
        }
        assert failed["ledger"] == good["ledger"]
        assert "result" not in failed
        assert failed["last_done"] == good
        assert Path("output/sessions_by_device_family.json").read_bytes() == result
    count(shared.name, environment)
    assert (read_report()["status"], "last_done" in read_report()) == ("done", False)


def test_a_run_that_never_succeeded_has_a_report_and_no_result(shared: Engine, events: Path) -> None:
    with pytest.raises(ImplausibleTimes, match=r"Set TIMESTAMP_UNIT=ms\.$"):
        count(shared.name, {"READ_PATH": str(events), "TIMESTAMP_UNIT": "s"})
    assert [path.name for path in Path("output").iterdir()] == ["sessions_by_device_family.run.json"]
    failed = read_report()
    assert (failed["error"]["kind"], failed["last_done"]) == ("ImplausibleTimes", None)
    assert failed["inputs"]["file_count"] == 1


def test_a_run_without_inputs_says_in_its_report_what_it_was_told_to_read() -> None:
    with pytest.raises(UnreadableInput, match=r"^READ_PATH has gone, but there is no such file or folder\.$"):
        count("sail", {"READ_PATH": "gone"})
    failed = read_report()
    assert (failed["inputs"], failed["engine"], failed["settings"]["READ_PATH"]["value"]) == (None, "", "gone")


def test_no_secret_stands_in_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise SessionCalcError("no answer from sc://host/;token=topsecret;x=1")

    monkeypatch.setattr(run, "open_engine", refuse)
    with pytest.raises(SessionCalcError, match="no answer"):
        count("connect", {"SPARK_REMOTE": "sc://host/;token=topsecret", "AWS_SECRET_ACCESS_KEY": "topsecret"})
    content = Path("output/sessions_by_device_family.run.json").read_text()
    assert "topsecret" not in content
    assert '"value": "sc://host/;token=***"' in content
    assert '"message": "no answer from sc://host/;token=***;x=***"' in content


def test_a_defect_is_called_a_defect_and_a_stopped_run_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, kind in ((ZeroDivisionError(), "defect"), (KeyboardInterrupt(), "KeyboardInterrupt")):
        monkeypatch.setattr(run, "open_engine", _raiser(error))
        with pytest.raises(type(error), match=r"^$"):
            count("sail", {})
        assert read_report()["error"] == {"kind": kind, "message": type(error).__name__}


def _raiser(error: BaseException) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param(b"", id="an empty file"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'{"status":"failed","last_done":null}', id="a first failure"),
        pytest.param(b'{"status":"failed","last_done":7}', id="something else"),
    ],
)
def test_where_no_good_report_stands_none_is_kept(content: bytes | None) -> None:
    assert report.last_done(content) is None


# --------------------------------------------------------------------------------------------------------------- digest


def digest(folder: Path) -> str:
    return list_inputs([str(folder)]).digest


def test_the_digest_is_the_same_for_the_same_files_and_another_when_bytes_change(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    first.write_text("{}\n")
    second.write_text("{}\n")
    digests = [digest(tmp_path), digest(tmp_path)]
    assert digests[0] == digests[1]
    first.write_text("[1]\n")
    digests.append(digest(tmp_path))
    second.rename(tmp_path / "c.jsonl")
    digests.append(digest(tmp_path))
    (tmp_path / "c.jsonl").unlink()
    digests.append(digest(tmp_path))
    assert len(set(digests)) == 4
