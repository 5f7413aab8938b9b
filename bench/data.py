"""The events: made by `session-calc generate` from a seed, and kept for the next time."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SEED = 1
FILES = 20
_SUFFIXES = {".jsonl", ".gz", ".parquet"}


@dataclass(frozen=True)
class Data:
    """A set of events, told by what `generate` is asked for.

    Attributes
    ----------
    kind : str
        `even`, or what is particular about it; one of KINDS.
    """

    kind: str
    lines: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.lines}"

    @property
    def options(self) -> list[str]:
        return ["--lines", str(self.lines), "--seed", str(SEED), *KINDS[self.kind]]


_FILES = ["--files", str(FILES)]
KINDS: Mapping[str, list[str]] = {
    "even": _FILES,
    "broken": [*_FILES, "--broken-share", "0.001"],
    "huge": [*_FILES, "--huge-user-share", "0.5"],
    "gz": [*_FILES, "--compression", "gz"],
    "many": ["--files", "2000"],
    "parquet": [],  # the lines of `even`, in columns
    "sample": [],  # the events that the package brings
}
SAMPLE = Data("sample", 0)


@dataclass(frozen=True)
class Made:
    """Events that are there."""

    data: Data
    read_path: str
    byte_count: int
    file_count: int


def provide(data: Data, folder: Path, python: str, version: str, source: Path) -> Made:
    """Make the events, unless they are there as this version of the generator makes them."""
    if data == SAMPLE:
        return _made(data, source / "session_calc" / "sample")
    home, mark = folder / data.name, folder / f"{data.name}.made.json"
    wanted = {"options": data.options, "generator": version}
    if not (mark.is_file() and json.loads(mark.read_bytes())["asked"] == wanted):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if data.kind == "parquet":
            _to_parquet(provide(Data("even", data.lines), folder, python, version, source), home)
        else:
            command = [python, "-m", "session_calc", "generate", str(home), *data.options]
            subprocess.run(command, check=True, cwd=source, stdout=subprocess.DEVNULL)
        mark.write_text(json.dumps({"asked": wanted}) + "\n", encoding="utf-8")
    return _made(data, home)


def _made(data: Data, home: Path) -> Made:
    files = [path for path in home.iterdir() if path.suffix in _SUFFIXES]
    read_path = f"{home}/*{''.join(files[0].suffixes)}"
    return Made(data, read_path, sum(path.stat().st_size for path in files), len(files))


def _to_parquet(even: Made, home: Path) -> None:
    import polars as pl

    for path in sorted(Path(even.read_path).parent.glob("*.jsonl")):
        pl.read_ndjson(path, infer_schema_length=10_000).write_parquet(home / f"{path.stem}.parquet")
