"""The scanner's machine code: compiled once, kept, and called with nothing but LLVM."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from session_calc.read.scanner import layout, machine_code

Look = Callable[[], list[Path]]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Keep code in two folders of the test's own, and give what looks at them."""
    monkeypatch.setattr(machine_code, "cache_from_source", lambda _: str(tmp_path / "beside" / "x.pyc"))
    monkeypatch.setattr(machine_code, "user_cache_path", lambda _: tmp_path / "home" / "cache")
    return lambda: sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Note what is compiled; only that it takes its time is left out."""
    real, done = machine_code.get(), list[bytes]()

    def compile_it() -> bytes:
        done.append(real)
        return real

    monkeypatch.setattr(machine_code, "_compile", compile_it)
    return done


def test_code_is_compiled_once_and_kept_beside_the_package(compiled: list[bytes], kept: Look) -> None:
    codes = [machine_code.get() for _ in range(3)]

    assert codes == [compiled[0]] * 3
    assert len(compiled) == 1
    assert [path.parent for path in kept()] == [Path("beside")]


def test_code_is_kept_in_the_user_s_folder_where_the_package_s_cannot_be_written(
    compiled: list[bytes], kept: Look, tmp_path: Path
) -> None:
    (tmp_path / "beside").write_text("not a folder")
    codes = [machine_code.get() for _ in range(2)]

    assert codes == [compiled[0]] * 2
    assert len(compiled) == 1
    assert [path.parent for path in kept()] == [Path(), Path("home/cache")]


def test_code_that_can_be_kept_nowhere_is_compiled_each_time(compiled: list[bytes], kept: Look, tmp_path: Path) -> None:
    for name in ("beside", "home"):
        (tmp_path / name).write_text("not a folder")

    assert [machine_code.get() for _ in range(2)] == compiled
    assert len(compiled) == 2
    assert [str(path) for path in kept()] == ["beside", "home"]


@pytest.mark.parametrize("damage", [b"", b"x", None])
def test_kept_code_that_is_damaged_is_compiled_again(
    compiled: list[bytes], kept: Look, tmp_path: Path, damage: bytes | None
) -> None:
    code = machine_code.get()
    path = tmp_path / kept()[0]
    path.write_bytes(path.read_bytes()[:-1] + b"~" if damage is None else damage)

    assert machine_code.get() == code
    assert len(compiled) == 2
    assert machine_code.get() == code
    assert len(compiled) == 2


def test_code_goes_by_every_source_that_it_is_compiled_of() -> None:
    folder = Path(machine_code.__file__).parent
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}

    assert sorted(machine_code._SOURCES) == sorted(names)


def test_code_of_other_sources_has_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine_code._file_name()
    monkeypatch.setattr(machine_code, "_SOURCES", machine_code._SOURCES[:-1])

    assert machine_code._file_name() != before


def test_code_runs_without_its_compiler() -> None:
    machine_code.get()
    program = """
import sys
sys.modules["numba"] = None
sys.path.insert(0, sys.argv[1])
from session_calc.read import local_rows
from session_calc.read.scanner import machine_code
from test_scanner import EVENT, FIELDS, read
reader = local_rows.Scanning(machine_code.get(), FIELDS, 10_000)
rows = read(reader, [EVENT % (number % 2, number) for number in range(9)], [b"", b'{"time":1e1}', b"{"])
print(sorted((row["line_problem"], row["user_1"], row["event_count"]) for row in rows if row["user_1"]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)], capture_output=True, text=True, check=False
    )

    assert ran.stderr == ""
    assert ran.stdout == "[(None, '0', 5), (None, '1', 4)]\n"


def given(text: Any) -> tuple[Any, ...]:
    numbers, two = np.zeros(4, np.int64), np.zeros((2, 6), np.int64)
    byte_rows = np.zeros((1, 9), np.uint8)
    rows = layout.Rows(byte_rows, np.zeros((1, 9), np.int32), byte_rows, two, np.zeros(16, np.int32))
    wanted = layout.Wanted(np.zeros(4, np.uint8), two, numbers, 3, 100, 0)
    return text, 0, 0, wanted, rows, layout.Others(two, numbers), layout.Notes(two, two)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (np.zeros(8, np.int64), "the scanner takes uint8 in 1 dimensions and in one piece here, not int64 in 1"),
        (np.zeros((2, 8), np.uint8), "the scanner takes uint8 in 1 dimensions and in one piece here, not uint8 in 2"),
        (np.zeros(16, np.uint8)[::2], "the scanner takes uint8 in 1 dimensions and in one piece here, not uint8 in 1"),
    ],
)
def test_an_array_that_is_not_of_the_layout_is_refused(text: Any, message: str) -> None:
    scan = machine_code.load(machine_code.get())
    with pytest.raises(TypeError, match=f"^{message}$"):
        scan(*given(text))
