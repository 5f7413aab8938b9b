"""Results are there whole or not at all, whatever happens on the way; and no key is run as code or leads outside."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from counting import BASE_RULES, MINUTE, count_bytes

from session_calc.engines.engine import Engine
from session_calc.errors import UnknownField, UnwritableOutput
from session_calc.write import files

NAMES = ("sessions_by_x.json", "sessions_by_x.run.json")
OLD = {name: f'{{"old {name}":1}}\n'.encode() for name in NAMES}
NEW = {name: f'{{"new {name}":2}}\n'.encode() * 9 for name in NAMES}

# counts the calls of what writing is made of, and kills its own process at the n-th, before or in the middle of it
KILLER = """\
import os, signal, sys, tempfile
from pathlib import Path

step, number = sys.argv[1], int(sys.argv[2])
calls = 0

def die_at(call):
    def counted(*args, **kwargs):
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return counted

def write_half(make):
    def with_half_writes(*args, **kwargs):
        file = make(*args, **kwargs)
        write = file.file.write
        def half_then_die(content):
            global calls
            calls += 1
            if calls == number:
                write(content[: len(content) // 2])
                file.file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            return write(content)
        file.write = half_then_die
        return file
    return with_half_writes

if step == "fsync":
    os.fsync = die_at(os.fsync)
elif step == "chmod":
    os.fchmod = die_at(os.fchmod)
elif step == "replace":
    Path.replace = die_at(Path.replace)
elif step == "unlink":
    Path.unlink = die_at(Path.unlink)
elif step == "write":
    from session_calc.write import files
    files.NamedTemporaryFile = write_half(tempfile.NamedTemporaryFile)
elif step == "count":
    from session_calc import count
    count.by_group = die_at(count.by_group)
sys.argv = sys.argv[:1] + sys.argv[3:]
"""

PUBLISH = """\
import json
from session_calc.write import files
contents = {name: text.encode() for name, text in json.loads(sys.argv[2]).items()}
files.publish(Path(sys.argv[1]), contents)
print(calls)
"""

COMMAND_LINE = """\
from session_calc.__main__ import main
sys.argv[0] = "session-calc"
main()
"""


def run_python(
    script: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script, *arguments],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the results of a good run."""
    found = tmp_path / "output"
    found.mkdir()
    for name, content in OLD.items():
        (found / name).write_bytes(content)
    return found


def contents_of(folder: Path) -> dict[str, bytes]:
    """Give the files under final names, which do not begin with a dot."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def temporary_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def assert_each_is_whole(folder: Path, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
    found = contents_of(folder)
    assert set(found) == set(old)
    for name, content in found.items():
        assert content in (old[name], new[name])


# ----------------------------------------------------------------------------------------------------------- publishing


def test_publish_puts_all_files_in_place_and_leaves_nothing_else(folder: Path) -> None:
    files.publish(folder, NEW)

    assert contents_of(folder) == NEW
    assert temporary_files(folder) == []


def test_publish_makes_files_where_there_were_none(tmp_path: Path) -> None:
    files.require_writable(tmp_path / "deep" / "output")
    files.publish(tmp_path / "deep" / "output", NEW)

    assert contents_of(tmp_path / "deep" / "output") == NEW


def fail_at(number: int, call: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error
        return call(*args, **kwargs)

    return counted


FAILING_CALLS = [
    *((os, "fsync", number) for number in range(1, 6)),
    *((os, "fchmod", number) for number in range(1, 5)),
    *((Path, "replace", number) for number in range(1, 3)),
    *((os, "open", number) for number in range(5, 6)),  # of the folder, to sync it; those before are temporary files
]


@pytest.mark.parametrize(
    ("owner", "call", "number"), FAILING_CALLS, ids=lambda value: getattr(value, "__name__", str(value))
)
@pytest.mark.parametrize("is_first_run", [False, True], ids=["with old results", "without"])
def test_a_full_disk_at_any_step_leaves_all_old_results_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, call: str, number: int, is_first_run: bool
) -> None:
    before: Mapping[str, bytes] = {} if is_first_run else OLD
    if is_first_run:
        for name in NAMES:
            (folder / name).unlink()
        number = number if owner is Path else (number + 1) // 2  # no old files to set aside: fewer calls
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patched:
        patched.setattr(owner, call, fail_at(number, getattr(owner, call), full))
        with pytest.raises(
            UnwritableOutput, match=r"but writing there failed: No space left on device\. The results of"
        ):
            files.publish(folder, NEW)

    assert contents_of(folder) == before
    assert temporary_files(folder) == []


def test_a_stop_between_two_files_puts_the_first_one_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", fail_at(2, Path.replace, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        files.publish(folder, NEW)

    assert contents_of(folder) == OLD
    assert temporary_files(folder) == []


def test_a_folder_under_a_results_name_fails_the_write_and_changes_nothing(folder: Path) -> None:
    (folder / NAMES[1]).unlink()
    (folder / NAMES[1]).mkdir()

    with pytest.raises(UnwritableOutput, match="but writing there failed: Is a directory"):
        files.publish(folder, NEW)

    assert (folder / NAMES[0]).read_bytes() == OLD[NAMES[0]]
    assert temporary_files(folder) == []


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_of_a_result_follows_the_umask(folder: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.publish(folder, NEW)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)

    assert {(folder / name).stat().st_mode & 0o777 for name in NAMES} == {mode}


def test_temporary_files_of_killed_runs_are_swept_after_a_day(folder: Path) -> None:
    now = time.time()
    ages = {
        f".{NAMES[0]}.old.tmp": 25,
        f".{NAMES[0]}.young.tmp": 23,
        ".session-calc-old.tmp": 25,
        ".session-calc-young.tmp": 23,
        ".another.tmp": 99,
    }
    for name, hours in ages.items():
        (folder / name).touch()
        os.utime(folder / name, (now - hours * 3600,) * 2)

    files.publish(folder, NEW)

    assert temporary_files(folder) == [".another.tmp", ".session-calc-young.tmp", f".{NAMES[0]}.young.tmp"]


def test_a_write_path_that_is_a_file_is_an_error_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("")

    with pytest.raises(
        UnwritableOutput, match=r"output', but nothing can be written there: File exists\. Name another folder"
    ):
        files.require_writable(tmp_path / "output")


# -------------------------------------------------------------------------------------------------------------- killing


KILLS = [
    *(("write", number) for number in range(1, 5)),
    *(("fsync", number) for number in range(1, 6)),
    *(("chmod", number) for number in range(1, 5)),
    *(("replace", number) for number in range(1, 3)),
    *(("unlink", number) for number in range(1, 3)),
]


@pytest.mark.parametrize(("step", "number"), KILLS)
def test_a_kill_at_any_step_of_the_write_leaves_each_file_whole(
    folder: Path, tmp_path: Path, step: str, number: int
) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLER + PUBLISH)
    contents = json.dumps({name: content.decode() for name, content in NEW.items()})

    killed = run_python(script, step, str(number), str(folder), contents)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert_each_is_whole(folder, OLD, NEW)
    if step != "unlink" and (step, number) not in {("replace", 2), ("fsync", 5)}:  # nothing was replaced yet
        assert contents_of(folder) == OLD
    files.publish(folder, NEW)
    assert contents_of(folder) == NEW


EVENTS = b"".join(
    b'{"user":"u%d","time":%d,"x":"%s"}\n' % (n, 1_600_000_000_000 + n, b"ABC"[n % 3 : n % 3 + 1]) for n in range(30)
)


def count_by_command_line(
    script: Path, events: Path, output: Path, step: str = "none", number: int = 0
) -> subprocess.CompletedProcess[str]:
    script.write_text(KILLER + COMMAND_LINE)
    environment = {
        "READ_PATH": str(events),
        "WRITE_PATH": str(output),
        "USER_KEY": "user",
        "TIMESTAMP_KEY": "time",
        "GROUP_KEY": "x",
        "ENGINE": "sail",
    }
    return run_python(script, step, str(number), "count", environment=environment)


# of the temporary files and renames the command line makes: none before the events are counted
@pytest.mark.parametrize(
    ("step", "number"), [("count", 1), ("write", 1), ("write", 3), ("fsync", 1), ("replace", 1), ("replace", 2)]
)
def test_a_killed_run_leaves_the_last_result_whole_and_the_next_run_succeeds(
    folder: Path, tmp_path: Path, step: str, number: int
) -> None:
    events, script = tmp_path / "events.json", tmp_path / "killed.py"
    events.write_bytes(EVENTS)

    killed = count_by_command_line(script, events, folder, step, number)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    found = contents_of(folder)
    assert set(found) == set(OLD)
    new = b'{"A":10,"B":10,"C":10}\n'
    assert found[NAMES[0]] == (new if (step, number) == ("replace", 2) else OLD[NAMES[0]])
    assert found[NAMES[1]] == OLD[NAMES[1]]
    if step == "replace":  # one run after the last kills shows what one after each would
        again = count_by_command_line(script, events, folder)
        assert again.returncode == 0, again.stderr
        assert (folder / NAMES[0]).read_bytes() == new
        assert json.loads((folder / NAMES[1]).read_bytes())["status"] == "done"


# ------------------------------------------------------------------------------------------------------------ injection


SECRET = "topsecret-7f3a"
PAYLOADS = [
    "reflect('java.lang.System','getenv','AWS_SECRET_ACCESS_KEY')",
    "a`) , (select 1) --`",
    "`",
    "``",
    "x', 'y",
    "${x}",
    "*",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_key_is_a_name_and_never_run(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], payload: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    data = b'{"user":"ann","time":0,"group":"A"}\n'

    with pytest.raises(
        UnknownField, match=r"but no event has such a field\. The events have: group, time, user"
    ) as failure:
        count_bytes(engine, tmp_path, data, replace(BASE_RULES, group_keys=(payload,)))

    output = capfd.readouterr()
    assert SECRET not in str(failure.value) + output.out + output.err


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if "." not in payload])
def test_a_field_whose_name_looks_like_code_is_counted_by_its_value(
    engine: Engine, tmp_path: Path, payload: str
) -> None:
    data = json.dumps({"user": "ann", "time": 0, payload: "A"}).encode() + b"\n" + b'{"user":"bob","time":0}\n'

    counted = count_bytes(engine, tmp_path, data, replace(BASE_RULES, group_keys=(payload,)))

    assert counted.tally.session_counts == {(30 * MINUTE, payload): {"A": 1, None: 1}}


@pytest.mark.parametrize(
    ("group_key", "exit_code"),
    [
        ("reflect('java.lang.System','getenv','AWS_SECRET_ACCESS_KEY')", 2),
        ("a`) , (select 1) --`", 2),
        ("../../x", 2),
        ("/etc/x", 0),
        ("x\n/../y", 2),
    ],
)
def test_no_key_prints_a_secret_or_writes_outside_of_the_output_folder(
    tmp_path: Path, group_key: str, exit_code: int
) -> None:
    data = tmp_path / "in" / "events.json"
    data.parent.mkdir()
    data.write_text('{"anonymous_id":"ann","device_sent_timestamp":1600000000000,"/etc/x":"A"}\n')
    output = tmp_path / "a" / "b" / "output"
    script = tmp_path / "count.py"
    script.write_text(KILLER + COMMAND_LINE)

    done = run_python(
        script,
        "none",
        "0",
        "count",
        environment={
            "READ_PATH": str(data),
            "WRITE_PATH": str(output),
            "GROUP_KEY": group_key,
            "ENGINE": "sail",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        },
    )

    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {data, script}
    assert all(path.parent == output for path in written)
    everything = done.stdout + done.stderr + "".join(path.read_text() + path.name for path in written)
    assert SECRET not in everything
