"""Who takes part: ours, what one would write by hand, and what only reads. A new one is a program and a line here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

BY_HAND = Path(__file__).with_name("by_hand")

OURS, PEER, PLAN, LIMIT = "ours", "by hand", "our plan", "limit"

Answer = Mapping[str, object]


@dataclass(frozen=True)
class Contender:
    """A way to the answer.

    Attributes
    ----------
    python : {'sail', 'spark', 'bench'}
        The environment that it runs in.
    kind : {'ours', 'by hand', 'our plan', 'limit'}
        `our plan` is by hand as well, but after this package's idea: it shows what is plan and what is engine, and
        nobody is held against it. A limit only reads, so its answer is another.
    engine : str
        What it runs on; ours on Spark is held against the others on Spark too.
    most_lines : int or None
        With more of them it is left out: it would take all memory, or all day.
    """

    name: str
    title: str
    python: str
    kind: str
    engine: str
    program: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    most_lines: int | None = None

    def command(self, python: str, read_path: str, out: Path) -> list[str]:
        if self.kind != OURS:
            return [python, str(BY_HAND / self.program), read_path]
        how = [str(BY_HAND.parent / self.program)] if self.program else ["-m", "session_calc"]
        return [python, *how, "count", "--read-path", read_path, "--write-path", str(out)]

    def answer(self, stdout: str, out: Path) -> Answer:
        """Find the answer of a run that exited with 0."""
        if self.kind != OURS:
            return dict(json.loads(stdout.splitlines()[-1]))
        results = [path for path in out.glob("sessions_by_*.json") if not path.name.endswith(".run.json")]
        answers = {path.name: json.loads(path.read_bytes()) for path in results}
        return dict(next(iter(answers.values()))) if len(answers) == 1 else answers

    def report(self, out: Path) -> Mapping[str, object] | None:
        """Find the job's own run report, for where its seconds went."""
        found = None if self.kind != OURS else next(out.glob("*.run.json"), None)
        return None if found is None else dict(json.loads(found.read_bytes()))


_SPARK_HERE = {"ENGINE": "spark", "MASTER": "local[2]"}

ALL = [
    Contender("ours_sail", "session_calc on Sail", "sail", OURS, "sail", settings={"ENGINE": "sail"}),
    Contender(
        "ours_tolerant",
        "session_calc on Sail, the tolerant way forced",
        "sail",
        OURS,
        "sail",
        "ours_tolerant.py",
        {"ENGINE": "sail"},
        most_lines=10_000_000,
    ),
    Contender("ours_spark", "session_calc on Spark", "spark", OURS, "spark", settings=_SPARK_HERE),
    Contender("duckdb_lag", "DuckDB, lag", "bench", PEER, "duckdb", "duckdb_lag.py"),
    Contender("polars_shift", "Polars, sort and shift", "bench", PEER, "polars", "polars_shift.py"),
    Contender(
        "pandas_shift", "pandas, sort and shift", "bench", PEER, "pandas", "pandas_shift.py", most_lines=1_000_000
    ),
    Contender("duckdb_slices", "DuckDB, our plan of slices", "bench", PLAN, "duckdb", "duckdb_slices.py"),
    Contender("sail_lag", "Sail, lag", "sail", PEER, "sail", "sail_lag.py"),
    Contender("spark_lag", "Spark, lag", "spark", PEER, "spark", "spark_lag.py"),
    Contender(
        "spark_session_window", "Spark, session_window and min_by", "spark", PEER, "spark", "spark_session_window.py"
    ),
    Contender(
        "spark_first_version",
        "Spark, the first version's plan (schema inferred, pivot)",
        "spark",
        PEER,
        "spark",
        "spark_first_version.py",
    ),
    Contender("duckdb_read", "DuckDB only reads three fields", "bench", LIMIT, "duckdb", "duckdb_read.py"),
    Contender("sail_read", "Sail only reads three fields", "sail", LIMIT, "sail", "sail_read.py"),
]
BY_NAME: Mapping[str, Contender] = {one.name: one for one in ALL}

Chosen = Callable[[str], bool]
