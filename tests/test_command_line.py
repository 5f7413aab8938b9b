"""The command line as a user has it: what it prints, what it writes, and with which code it exits."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from oracle import Rules, answer

from session_calc import __main__, __version__, engines
from session_calc.doctor import Finding, examine
from session_calc.engines import java, open_engine
from session_calc.errors import EngineUnavailable, LedgerBroken
from session_calc.sample import SAMPLE_PATH
from session_calc.settings import SETTINGS
from session_calc.summary import bars

COMMAND = [sys.executable, "-m", "session_calc"]
ANSI = "\x1b"
SAMPLE_RULES = Rules(("anonymous_id",), "device_sent_timestamp", "ms", ("device_family",), (1_800_000_000,))
RESULT, REPORT = Path("output/sessions_by_device_family.json"), Path("output/sessions_by_device_family.run.json")


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=200,
    )


def refusal(*arguments: str, **environment: str) -> str:
    """Call what must fail for a reason that the user can mend, and give what is said."""
    done = call(*arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def in_one_line(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------ real runs


def test_count_writes_the_result_and_its_report_and_prints_a_summary_and_nothing_else(engine_name: str) -> None:
    done = call("count", ENGINE=engine_name)
    assert (done.returncode, done.stderr) == (0, "")
    expected = answer(SAMPLE_PATH.read_bytes(), SAMPLE_RULES)
    counts = {
        value or "null": count for value, count in expected.session_counts[1_800_000_000, "device_family"].items()
    }
    assert json.loads(RESULT.read_bytes()) == counts
    assert sorted(path.name for path in Path("output").iterdir()) == [RESULT.name, REPORT.name]
    lines = done.stdout.splitlines()
    top = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    assert lines[:8] == [
        "lines      5,000",
        "  events   4,950",
        "  blank    6",
        "  rejects  44  (malformed_json 23, not_an_object 6, missing_user 6, missing_timestamp 3, invalid_timestamp 6)",
        f"users      {expected.user_count}",
        f"sessions   {sum(counts.values())}",
        "",
        "sessions by device_family  sessions",
    ]
    assert [line.rsplit(maxsplit=2)[:2] for line in lines[8:18]] == [[name, str(count)] for name, count in top[:10]]
    assert [line.rsplit(maxsplit=1)[1] for line in lines[8:18]] == bars([count for _, count in top[:10]], room=20)
    assert lines[18].split() == [str(len(top) - 10), "more", str(sum(count for _, count in top[10:]))]
    assert lines[19:21] == ["", f"result   {RESULT}"]
    assert re.fullmatch(
        r"seconds  [\d.]+  \(list [\d.]+, start [\d.]+, read [\d.]+, count [\d.]+, check [\d.]+; (Sail|Spark) .+\)",
        lines[21],
    )
    assert len(lines) == 22


@pytest.mark.one_engine
def test_what_goes_into_a_pipe_has_no_colours_no_padding_and_no_line_cut(engine_name: str, tmp_path: Path) -> None:
    folder = tmp_path / ("a folder with a long name, " * 5).strip(", ")
    events = tmp_path / "events.jsonl"
    steering = {
        "anonymous_id": "ann",
        "device_sent_timestamp": 1_554_768_000_000,
        "device_family": "\x1b[31m\nred" + "d" * 99,
    }
    events.write_text(json.dumps(steering) + "\n{\n[\n")
    done = call(
        "count",
        "--gap-rule",
        "reach",
        ENGINE=engine_name,
        WRITE_PATH=str(folder),
        READ_PATH=str(events),
        FORCE_COLOR="",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ANSI not in done.stdout
    assert f"result   {folder / RESULT.name}" in done.stdout.splitlines()
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []
    assert rf"{ANSI!r}"[1:-1] + r"[31m\nred" in done.stdout
    assert "d…  " in done.stdout


def test_a_failed_run_leaves_the_old_result_byte_for_byte_and_a_run_after_it_is_good_again(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(SAMPLE_PATH.read_bytes())
    given = {"READ_PATH": str(events)}
    assert call("count", **given).returncode == 0
    result, good = RESULT.read_bytes(), json.loads(REPORT.read_bytes())
    with events.open("ab") as file:
        file.write(b"{\n" * 5000)
    said = refusal("count", MAX_REJECT_SHARE="0.5", **given)
    assert said == (
        "Error: 5,044 of 10,000 lines were rejected (malformed_json 5,023, not_an_object 6, missing_user 6, "
        "missing_timestamp 3, invalid_timestamp 6): a share of 0.5044, but MAX_REJECT_SHARE allows 0.5. Nothing was "
        "written. Mend the events (--explain-rejects shows some), or allow a larger share.\n"
    )
    failed = json.loads(REPORT.read_bytes())
    assert RESULT.read_bytes() == result
    assert (failed["status"], failed["error"]["kind"], failed["last_done"]) == ("failed", "TooManyRejects", good)
    assert call("count", **given).returncode == 0
    assert RESULT.read_bytes() == result
    assert json.loads(REPORT.read_bytes())["status"] == "done"


def test_a_run_that_is_stopped_says_so_and_leaves_the_old_result(engine_name: str) -> None:
    Path("output").mkdir()
    RESULT.write_text('{"old":1}\n')
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it, children too
    run = subprocess.Popen(
        [*COMMAND, "count"],
        env={**os.environ, "ENGINE": engine_name},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    began = Path("output").stat().st_mtime_ns
    while run.poll() is None and Path("output").stat().st_mtime_ns == began:
        time.sleep(0.01)  # until the run has tried whether it may write there
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)
    assert said == ("", "\nError: stopped. The results of the last good run are as they were.\n")
    assert run.returncode in {1, -signal.SIGINT}  # the latter where it came while Python compiled a text
    assert RESULT.read_text() == '{"old":1}\n'
    assert json.loads(REPORT.read_bytes())["error"]["kind"] == "KeyboardInterrupt"


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_an_error_within_thirty_seconds() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens: no other program can take the port meanwhile
        address = f"sc://127.0.0.1:{free.getsockname()[1]}/;user_id="
        began = time.monotonic()
        said = refusal("count", SPARK_REMOTE=f"{address}topsecret")
        assert time.monotonic() - began < 30
    assert said == (
        f"Error: SPARK_REMOTE is {address}***, but no Spark Connect server answered there within 15 seconds. Start it "
        "or mend the address; or unset SPARK_REMOTE to count with the embedded engine.\n"
    )
    assert "topsecret" not in REPORT.read_text()


# -------------------------------------------------------------------------------------------------------------- dry run


def test_a_dry_run_lists_settings_inputs_bytes_and_engine_and_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ("a folder with a long name " * 5).strip()
    (folder / "day=1").mkdir(parents=True)
    (folder / "day=1" / "b.jsonl").write_text("{}\n")
    (folder / "a.csv.gz").write_bytes(b"x" * 1234)
    (folder / "_SUCCESS").touch()
    (tmp_path / ".env").write_text("USER_KEY=user_id\n")
    done = call("count", "--dry-run", "--group-key", "os_family", READ_PATH=str(folder), MAX_SESSION_SECONDS="60")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"READ_PATH                    {folder}  (the environment)",
        "WRITE_PATH                   output  (the default)",
        "REJECTS_PATH                 none  (the default)",
        "USER_KEY                     user_id  (.env)",
        "TIMESTAMP_KEY                device_sent_timestamp  (the default)",
        "TIMESTAMP_UNIT               ms  (the default)",
        "MAX_SESSION_SECONDS          60  (the environment)",
        "GAP_RULE                     longer  (the default)",
        "GROUP_KEY                    os_family  (the command line)",
        "SPARK_REMOTE                 none  (the default)",
        "ENGINE                       sail  (the default)",
        "MAX_LINE_BYTES               10485760  (the default)",
        "MAX_REJECT_SHARE             1.0  (the default)",
        "S3_ANONYMOUS                 false  (the default)",
        "S3_REQUESTER_PAYS            false  (the default)",
        "MAX_SESSION_DURATION_SECONDS none  (the default)",
        "MAX_SESSION_EVENTS           none  (the default)",
        "SPLIT_ON_CHANGE              none  (the default)",
        "CUT_AT_MIDNIGHT              false  (the default)",
        "TIMEZONE                     UTC  (the default)",
        "EVENT_KEY                    none  (the default)",
        "START_EVENT                  none  (the default)",
        "END_EVENT                    none  (the default)",
        "EXCLUDE_EVENTS               none  (the default)",
        "DEDUPE_KEY                   none  (the default)",
        "SESSIONS_PATH                none  (the default)",
        "LAST_VALUES                  false  (the default)",
        "PARTITION_BY_DAY             false  (the default)",
        "",
        "2 files, 1,237 bytes",
        f"          1,234  {folder}/a.csv.gz",
        f"              3  {folder}/day=1/b.jsonl",
        f"        ignored  {folder}/_SUCCESS",
        "",
        "Nothing was run. Without --dry-run the engine sail would read these.",
    ]
    assert not Path("output").exists()


def test_a_master_in_the_environment_is_of_no_concern_to_the_embedded_engine(tmp_path: Path) -> None:
    done = call("count", ENGINE="sail", MASTER="spark://elsewhere:7077", WRITE_PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_dry_run_shows_no_token() -> None:
    done = call("count", "--dry-run", SPARK_REMOTE="sc://host/;token=topsecret")
    assert done.returncode == 0
    assert "SPARK_REMOTE                 sc://host/;token=***  (the environment)\n" in done.stdout
    assert "ENGINE                       connect  (the default, for SPARK_REMOTE is set)\n" in done.stdout


def test_a_name_that_looks_like_a_setting_is_warned_of_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("USER_KYE=user_id\n")
    done = call("count", "--dry-run", GROUP_KYE="os_family")
    assert done.returncode == 0
    assert done.stderr == (
        "Warning: GROUP_KYE (from the environment) is no setting and was not used. Did you mean GROUP_KEY?\n"
        "Warning: USER_KYE (from .env) is no setting and was not used. Did you mean USER_KEY?\n"
    )


def test_a_terminal_that_cannot_show_a_letter_does_not_fail_the_run() -> None:
    done = call("count", "--dry-run", "--group-key", "größe", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "GROUP_KEY                    gr\\xf6\\xdfe  (the command line)\n" in done.stdout


# ------------------------------------------------------------------------------------------------------------- refusals


def test_all_wrong_settings_are_told_at_once_before_anything_is_done() -> None:
    assert refusal("count", "--max-line-bytes", "0", ENGINE="sial", MAX_SESSION_SECONDS="30m") == (
        "Error: MAX_SESSION_SECONDS is '30m' (from the environment), but must be a number of seconds above 0, such as "
        "1800; at most six digits behind the point, and at most 316224000000.\n"
        "Error: ENGINE is 'sial' (from the environment), but must be one of sail, spark, connect. Did you mean sail?\n"
        "Error: MAX_LINE_BYTES is '0' (from the command line), but must be a whole number of bytes from 1 to "
        "2147483647, such as 10485760.\n"
    )
    assert not Path("output").exists()


def test_an_env_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"GROUP_KEY=\xff\n")
    said = refusal("count")
    assert said.startswith("Error: .env cannot be read: 'utf-8' codec can't decode byte 0xff")
    assert said.endswith(". Mend it, or take it away.\n")


def test_every_missing_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert refusal("count", "--read-path", f"gone.jsonl, empty, *.csv, {SAMPLE_PATH}") == (
        "Error: READ_PATH has gone.jsonl, but there is no such file or folder.\n"
        "Error: READ_PATH has empty, but the folder holds no file.\n"
        "Error: READ_PATH has *.csv, but no file matches it.\n"
    )
    assert not RESULT.exists()


def test_a_signature_in_a_path_is_not_shown() -> None:
    assert refusal("count", "--read-path", "https://host/events.json?sig=topsecret") == (
        "Error: READ_PATH has https://host/events.json?sig=***, but must be local files, or s3:// URLs. Copy the "
        "files here, or mount them.\n"
    )
    assert "topsecret" not in REPORT.read_text()


def test_a_write_path_with_a_file_in_the_way_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine\n")
    said = refusal("count", WRITE_PATH="taken", READ_PATH="gone")
    assert said == (
        "Error: WRITE_PATH is 'taken', but nothing can be written there: File exists. Name another folder, or mend its "
        "permissions.\n"
    )
    assert (tmp_path / "taken").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(
            ["count", "--spark-remot", "x"],
            "No such option '--spark-remot'. Did you mean '--spark-remote'?",
            id="option",
        ),
        pytest.param(["cuont"], "No such command 'cuont'. Did you mean 'count'?", id="command"),
        pytest.param(["count", "events.jsonl"], "Got unexpected extra argument (events.jsonl)", id="argument"),
        pytest.param(["count", "--group-key"], "Option '--group-key' requires an argument.", id="value"),
        pytest.param(["generate"], "Missing argument 'FOLDER'.", id="folder"),
        pytest.param(["generate", "x", "--lines", "0"], "line_count is 0, but must be 1 or more.", id="number"),
    ],
)
def test_an_unknown_or_missing_part_of_the_command_line_is_told(arguments: list[str], hint: str) -> None:
    assert hint in refusal(*arguments)


def test_a_process_ends_with_0_once_all_is_written(tmp_path: Path) -> None:
    code = "from session_calc import __main__ as it; it.main = lambda: print('x' * 100_000, end=''); it.program()"
    written = tmp_path / "out"
    with written.open("wb") as out:
        done = subprocess.run([sys.executable, "-c", code], stdout=out, check=False)

    assert (done.returncode, written.stat().st_size) == (0, 100_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_process_whose_last_words_cannot_be_written_does_not_end_with_0() -> None:
    code = "from session_calc import __main__ as it; it.main = lambda: print('x', end=''); it.program()"
    with Path("/dev/full").open("wb") as out:
        done = subprocess.run([sys.executable, "-c", code], stdout=out, stderr=subprocess.PIPE, check=False)

    assert done.returncode != 0
    assert b"No space left on device" in done.stderr


def test_what_the_user_cannot_mend_exits_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise LedgerBroken("the lines do not add up")

    monkeypatch.setattr(__main__.command, "main", fail)
    with pytest.raises(SystemExit, match=r"^1$"):
        __main__.main()
    assert capsys.readouterr() == ("", "Error: the lines do not add up\n")


# ----------------------------------------------------------------------------------------------------- help and version


def test_the_version_is_told() -> None:
    done = call("--version")
    assert (done.returncode, done.stdout) == (0, f"session-calc, version {__version__}\n")


@pytest.mark.parametrize("name", ["count", "sessions", "label", "measure", "profile"])
def test_the_help_names_every_setting_of_a_command_with_its_option_environment_name_and_default(name: str) -> None:
    done = call(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    said = in_one_line(done.stdout)
    assert {setting.option for setting in SETTINGS} >= set(re.findall(r"(--[a-z0-9-]+) TEXT", said))
    for setting in [one for one in SETTINGS if name in one.commands]:
        default = "the bundled sample" if setting.name == "READ_PATH" else setting.default or "none"
        assert f"{setting.option} TEXT {setting.meaning} [env: {setting.name}; default: {default}]" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--help"], ["count", "doctor", "generate", "--version"], id="of all commands"),
        pytest.param(["count", "-h"], ["--dry-run", "--verbose", ".env"], id="of count"),
        pytest.param(["doctor", "--help"], ["Say what this machine can run"], id="of doctor"),
        pytest.param(
            ["generate", "--help"], ["--lines", "--broken-share", "--huge-user-share", "--seed"], id="of generate"
        ),
    ],
)
def test_every_command_has_a_help_without_an_engine(arguments: list[str], words: list[str]) -> None:
    done = call(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in words if word not in done.stdout] == []
    assert "..." not in call("--help").stdout.partition("Commands:")[2]


# ------------------------------------------------------------------------------------------------------------- generate


def test_generate_writes_what_it_says_and_replaces_nothing_unasked(tmp_path: Path) -> None:
    arguments = ["generate", "events", "--lines", "300", "--files", "2", "--broken-share", "0.1"]
    done = call(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    files = sorted((tmp_path / "events").iterdir())
    assert len(files) == 2
    assert sum(len(path.read_bytes().splitlines()) for path in files) == 300
    assert done.stdout.splitlines()[0] == "lines   300"
    assert done.stdout.splitlines()[-1] == "files   2 in events"
    before = [path.read_bytes() for path in files]
    assert "events" in refusal(*arguments)
    assert [path.read_bytes() for path in files] == before
    assert call(*arguments, "--overwrite").returncode == 0
    assert [path.read_bytes() for path in files] == before


# --------------------------------------------------------------------------------------------------------------- doctor


def found_by_doctor(environment: dict[str, str], home: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(environment, home)}


def test_doctor_says_what_this_machine_can_run_and_shows_no_secret(tmp_path: Path) -> None:
    done = call(
        "doctor", HOME=str(tmp_path), AWS_ACCESS_KEY_ID="AKIASECRET", AWS_SECRET_ACCESS_KEY="topsecret", NO_COLOR="1"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^ok       session_calc    {re.escape(__version__)}$", done.stdout, re.MULTILINE)
    assert re.search(r"^ok       Python          3\.\d+\.\d+ at /", done.stdout, re.MULTILINE)
    assert re.search(r"^ok       engine sail     pysail 0\.7\.\d+, pyspark", done.stdout, re.MULTILINE)
    assert "ok       S3 credentials  in the environment (AWS_ACCESS_KEY_ID)\n" in done.stdout
    assert "topsecret" not in done.stdout
    assert "AKIASECRET" not in done.stdout


def test_doctor_says_what_to_do_about_a_missing_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "bundled_java_home", lambda: None)
    found = found_by_doctor({"PATH": str(tmp_path)}, tmp_path)["Java"]
    assert found == Finding(
        "Java",
        is_fine=False,
        found="none that classic Spark can use",
        advice="No Java 17 or newer found (looked at JAVA_HOME=(not set), PATH). ENGINE=sail needs no Java; for "
        "ENGINE=spark, pip install 'session_calc[spark]' brings one.",
    )


@pytest.mark.usefixtures("without_py4j")
def test_doctor_says_what_to_do_about_an_engine_that_is_not_installed(tmp_path: Path) -> None:
    assert found_by_doctor({}, tmp_path)["engine spark"] == Finding(
        "engine spark",
        is_fine=False,
        found="not installed (py4j missing)",
        advice="pip install 'session_calc[spark]' in an environment of its own.",
    )


def test_doctor_says_what_is_slow_without_numba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert found_by_doctor({}, tmp_path)["scanner"] == Finding(
        "scanner",
        is_fine=False,
        found="not installed (numba missing)",
        advice="Without it, JSON lines on this machine are read by the engine, and slower: pip install numba.",
    )


def test_doctor_refuses_a_wrong_address_without_its_token(tmp_path: Path) -> None:
    found = found_by_doctor({"SPARK_REMOTE": "sc://host/path/;token=topsecret"}, tmp_path)["engine connect"]
    assert found == Finding(
        "engine connect",
        is_fine=False,
        found="no answer",
        advice="SPARK_REMOTE is sc://host/path/;token=***, but must be the address of a Spark Connect server, such as "
        "sc://host:15002.",
    )


@pytest.mark.parametrize(
    ("environment", "file", "found"),
    [
        pytest.param({}, None, "none found in the environment or in ~/.aws", id="nowhere"),
        pytest.param({}, "credentials", "profile default in ~/.aws/credentials", id="in the default profile"),
        pytest.param({"AWS_PROFILE": "work"}, "config", "profile work in ~/.aws/config", id="in a named profile"),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "AKIASECRET"}, None, "none found in the environment or in ~/.aws", id="half of a pair"
        ),
    ],
)
def test_doctor_says_where_the_credentials_for_s3_are(
    tmp_path: Path, environment: dict[str, str], file: str | None, found: str
) -> None:
    if file:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws" / file).write_text(
            "[default]\naws_secret_access_key = topsecret%\n[profile work]\nsso_session = x\n", encoding="utf-8"
        )
    assert found_by_doctor(environment, tmp_path)["S3 credentials"].found == found


# -------------------------------------------------------------------------------------------------- colours and engines


def on_a_terminal(*arguments: str, **environment: str) -> str:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        run = subprocess.Popen(
            [*COMMAND, *arguments], env={**os.environ, "TERM": "xterm", **environment}, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        said = b"".join(_until_closed(screen))
    assert run.wait(timeout=60) == 0
    return said.decode()


def _until_closed(screen: Any) -> Iterator[bytes]:
    try:
        while chunk := screen.read(4096):
            yield chunk
    except OSError:  # Linux says EIO where the other end of a terminal is closed
        return


def test_a_terminal_has_colours_and_with_no_color_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    green = f"{ANSI}[32m"
    assert green in on_a_terminal("doctor")
    assert green not in on_a_terminal("doctor", NO_COLOR="1")
    assert ANSI not in call("doctor").stdout


def test_the_top_groups_have_bars_coloured_on_a_terminal_alone_and_not_with_no_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    cyan, longest = f"{ANSI}[36m", "█" * 20
    shown = on_a_terminal("count")
    assert f"{cyan}  {longest}" in shown
    assert shown.count(cyan) == 10  # not the line of the rest
    colourless = on_a_terminal("count", NO_COLOR="1")
    assert longest in colourless
    assert cyan not in colourless
    piped = call("count").stdout
    assert longest in piped
    assert ANSI not in piped


def test_bars_are_left_out_where_there_is_no_room_or_no_letter_for_them() -> None:
    assert "█" not in on_a_terminal("count", COLUMNS="30")
    in_ascii = call("count", PYTHONIOENCODING="ascii").stdout
    assert "iPhone" in in_ascii
    assert "\\u" not in in_ascii
    assert [line for line in in_ascii.splitlines() if line != line.rstrip()] == []


def test_a_bar_is_as_long_as_its_share_of_the_largest_and_never_nothing() -> None:
    assert bars([200, 100, 25, 1, 0], room=99) == ["█" * 20, "█" * 10, "██▌", "▏", "▏"]
    assert bars([8, 1], room=8) == ["█" * 8, "█"]
    assert bars([8, 1], room=4) == ["", ""]
    assert bars([], room=20) == []


@pytest.fixture
def without_py4j(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "py4j" else find_spec(name))


@pytest.mark.usefixtures("without_py4j")
def test_an_engine_that_is_not_installed_says_what_to_install() -> None:
    message = (
        f"ENGINE=spark needs py4j, but this Python ({sys.executable}) has no such package. Install it into an "
        "environment of its own with: pip install 'session_calc[spark]'."
    )
    with pytest.raises(EngineUnavailable, match=f"^{re.escape(message)}$"), open_engine("spark", "", {}):
        pass


def test_a_missing_java_is_an_engine_that_cannot_run() -> None:
    assert issubclass(java.MissingJava, EngineUnavailable)
