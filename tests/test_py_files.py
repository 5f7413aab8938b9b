"""The zip for `spark-submit --py-files`: all that a driver needs beside PySpark, and nothing compiled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from spark_processes import Package, make_package

import session_calc
from session_calc.sample import SAMPLE_PATH

PACKAGE_FOLDER = Path(session_calc.__file__).parent


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("dist"))


def call_from_zip(package: Package, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the application file in a Python that has nothing but its standard library and the zip."""
    return subprocess.run(
        [sys.executable, "-S", package.application, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(package.py_files), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_it_holds_every_module_of_the_package_and_its_data(package: Package) -> None:
    names = set(ZipFile(package.py_files).namelist())
    expected = {f"session_calc/{path.relative_to(PACKAGE_FOLDER).as_posix()}" for path in PACKAGE_FOLDER.rglob("*.py")}

    assert expected <= names
    assert {"session_calc/sample/events.jsonl", "session_calc/engines/log4j2.properties"} <= names


def test_it_holds_what_the_package_needs_and_nothing_compiled_nor_pyspark(package: Package) -> None:
    names = ZipFile(package.py_files).namelist()
    tops = {name.split("/")[0] for name in names}

    assert {"click", "dotenv", "rich", "pygments", "markdown_it", "mdurl"} <= tops
    assert tops.isdisjoint({"pyspark", "pysail", "pandas", "numpy"})
    assert [name for name in names if name.endswith((".so", ".pyd", ".dll", ".dylib", ".pyc"))] == []


def test_the_same_files_make_the_same_bytes(package: Package, tmp_path: Path) -> None:
    assert make_package(tmp_path).py_files.read_bytes() == package.py_files.read_bytes()


def test_a_python_with_nothing_installed_runs_from_it(package: Package) -> None:
    done = call_from_zip(package, "--version")

    assert (done.returncode, done.stdout) == (0, f"session-calc, version {session_calc.__version__}\n")


def test_the_sample_is_a_file_there_too_and_gone_afterwards(package: Package) -> None:
    done = call_from_zip(package, "count", "--dry-run")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("READ_PATH ")]
    path = Path(line.split()[1])

    assert f"1 file, {SAMPLE_PATH.stat().st_size:,} bytes" in done.stdout
    assert not path.is_relative_to(package.py_files)
    assert not path.exists()


def test_under_spark_submit_the_word_count_may_be_left_out(package: Package) -> None:
    submitted = {"PYSPARK_GATEWAY_PORT": "1"}
    with_word = call_from_zip(package, "count", "--dry-run", "--read-path", str(SAMPLE_PATH), **submitted)
    without = call_from_zip(package, "--dry-run", "--read-path", str(SAMPLE_PATH), **submitted)

    assert without.stdout == with_word.stdout
    assert re.search(r"^ENGINE +spark  \(the default under spark-submit\)$", without.stdout, re.MULTILINE)
    assert call_from_zip(package, "--help", **submitted).stdout.startswith("Usage: count_sessions.py [OPTIONS] COMMAND")
