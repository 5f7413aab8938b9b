"""Run the cases of a measurement in turn, A B C A B C, so that what slows the machine down slows all of them down."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from glob import glob
from hashlib import sha256
from pathlib import Path

from bench.data import Data, Made
from bench.measurements import Case, Measurement
from bench.process import Finished, run

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One run of one case; round 0 is the warm-up."""

    measurement: str
    case: str
    lines: int
    round: int
    seconds: float
    peak_bytes: int
    cpu_seconds: float
    disk_bytes: int
    answer: str  # a hash; empty after a failure
    problem: str
    steps: Mapping[str, float]  # seconds of the job's own steps

    @property
    def place(self) -> tuple[str, str, int, int]:
        return self.measurement, self.case, self.lines, self.round


@dataclass(frozen=True)
class Bench:
    """Where things lie, and how patient we are."""

    source: Path
    pythons: Mapping[str, str]
    rounds: int
    limit_seconds: float | None
    record: Path

    def measure(self, measurement: Measurement, made: Mapping[Data, Made], tell: Tell) -> Iterator[Run]:
        """Give every run, those of an earlier time first; a case that failed is not run again."""
        known = {one.place: one for one in runs_in(self.record)}
        out: set[str] = set()
        for number in range(self.rounds + 1):
            for case in measurement.cases:
                if case.name in out:
                    continue
                there = known.get((measurement.name, case.name, case.data.lines, number))
                done = there or self._run(measurement, case, number, made[case.data])
                if done.problem:
                    out.add(case.name)
                if there is None:
                    self._keep(done)
                tell(_line(measurement, done, self.rounds))
                yield done

    def _run(self, measurement: Measurement, case: Case, number: int, made: Made) -> Run:
        with tempfile.TemporaryDirectory(prefix="session-calc-bench-") as folder:
            out = Path(folder)
            command = case.contender.command(self.pythons[case.contender.python], made.read_path, out)
            _into_memory(made.read_path)
            finished = run(command, self._environment(case), out, self.limit_seconds)
            problem = _problem(finished, self.limit_seconds)
            answer = "" if problem else _hash(case.contender.answer(finished.stdout, out))
            report = {} if problem else case.contender.report(out) or {}
            seconds = report.get("seconds")
        return Run(
            measurement.name,
            case.name,
            case.data.lines,
            number,
            round(finished.seconds, 3),
            finished.peak_bytes,
            round(finished.cpu_seconds, 2),
            finished.disk_bytes,
            answer,
            problem,
            seconds if isinstance(seconds, dict) else {},
        )

    def _environment(self, case: Case) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "MAKE", "MFLAGS"))}
        kept |= {"PYTHONPATH": str(self.source), "POLARS_MAX_THREADS": "2", "RUST_LOG": "off", "CI": "true"}
        return {**kept, **case.contender.settings, "GROUP_KEY": "device_family", **case.settings}

    def _keep(self, done: Run) -> None:
        with self.record.open("a", encoding="utf-8") as record:
            record.write(json.dumps(asdict(done)) + "\n")


def runs_in(record: Path) -> Sequence[Run]:
    if not record.is_file():
        return []
    return [Run(**json.loads(line)) for line in record.read_text(encoding="utf-8").splitlines()]


def _into_memory(read_path: str) -> None:
    """Read all files, so that nobody pays for what another has pushed out of the page cache, as far as they fit."""
    buffer = bytearray(1 << 20)
    for path in glob(read_path):
        with Path(path).open("rb", buffering=0) as source:
            while source.readinto(buffer):
                pass


def _hash(answer: Mapping[str, object]) -> str:
    return sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:16]


def _problem(finished: Finished, limit_seconds: float | None) -> str:
    if finished.is_over_time:
        return f"over {limit_seconds:g} s"
    if finished.exit_code:
        return f"failed: exit code {finished.exit_code}: {finished.stderr.strip()[-500:]}"
    return ""


def _line(measurement: Measurement, done: Run, rounds: int) -> str:
    which = f"round {done.round} of {rounds}" if done.round else "warm-up"
    told = done.problem or f"{done.seconds:.2f} s, {done.peak_bytes / 1e6:,.0f} MB, answer {done.answer}"
    return f"{measurement.name} · {which} · {done.case}: {told}"
