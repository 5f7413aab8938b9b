"""`python -m bench`: make the events, let everybody run in turn, and print what was measured."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import click
from rich.console import Console

from bench import machine, table
from bench.contenders import ALL, BY_NAME
from bench.data import Data, Made, provide
from bench.figures import figures_of
from bench.measurements import Measurement, all_measurements
from bench.rounds import Bench

SOURCE = Path(__file__).resolve().parent.parent
CORES = 2

_NAMES = ", ".join(one.name for one in ALL)
_MEASUREMENTS = [one.name for one in all_measurements(1, [1], [])]


def _several(_context: click.Context, option: click.Parameter, text: str) -> list[str]:
    known = {"only": list(BY_NAME), "measure": _MEASUREMENTS}[str(option.name)]
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: there is no such one. There are: {', '.join(known)}.")
    return names


def _numbers(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", text):
        raise click.BadParameter(f"{text!r} must be whole numbers with commas between, such as 1,2,4.")
    return [int(number) for number in text.split(",")]


@click.command(context_settings={"auto_envvar_prefix": "BENCH", "show_default": True, "max_content_width": 110})
@click.option("--lines", default=5_000_000, help="Lines of events.", show_envvar=True)
@click.option("--rounds", default=3, help="Rounds that count, after a warm-up.", show_envvar=True)
@click.option("--only", default="", callback=_several, help=f"Contenders: {_NAMES}. None: all.", show_envvar=True)
@click.option(
    "--measure", default="", callback=_several, help=f"What: {', '.join(_MEASUREMENTS)}. None: all.", show_envvar=True
)
@click.option("--growth", default="1,2,4", callback=_numbers, help="Times --lines, for growth.", show_envvar=True)
@click.option("--limit", type=float, help="Seconds for one run; a contender that needs more is out.", show_envvar=True)
@click.option(
    "--resume", is_flag=True, help="Take the runs of the last time over, and do what is missing.", show_envvar=True
)
@click.option(
    "--data", type=click.Path(path_type=Path), default=SOURCE / "output" / "bench", help="Folder of the events."
)
@click.option("--out", type=click.Path(path_type=Path), default=SOURCE / "output", help="Folder of the report.")
@click.option("--sail-python", default=str(SOURCE / ".venv/bin/python"), help="Python with the extra sail.")
@click.option("--spark-python", default=str(SOURCE / ".venv-spark/bin/python"), help="Python with the extra spark.")
@click.option("--readme", is_flag=True, help="Measure nothing: put the last report's table into README.md.")
def command(
    *,
    lines: int,
    rounds: int,
    only: list[str],
    measure: list[str],
    growth: list[int],
    limit: float | None,
    resume: bool,
    data: Path,
    out: Path,
    sail_python: str,
    spark_python: str,
    readme: bool,
) -> None:
    """Measure the job against what one would write by hand: each a whole process, in turn, round by round."""
    report_path = out / "bench.json"
    if readme:
        table.put_into(SOURCE / "README.md", json.loads(report_path.read_bytes()))
        return
    console, aside = Console(width=None if sys.stdout.isatty() else 200), Console(stderr=True)
    measurements = [one for one in all_measurements(lines, growth, only) if not measure or one.name in measure]
    pythons = {"sail": sail_python, "spark": spark_python, "bench": sys.executable}
    _require(pythons, measurements)
    _keep_to_cores()
    out.mkdir(parents=True, exist_ok=True)
    record = out / "bench.runs.jsonl"
    if not resume:
        record.unlink(missing_ok=True)
    bench = Bench(SOURCE, pythons, rounds, limit, record)
    made: dict[Data, Made] = {}
    measured = []
    for one in measurements:
        for case in one.cases:
            if case.data not in made:
                aside.print(f"{case.data.name}: making the events, where they are not there yet ...", highlight=False)
                made[case.data] = provide(case.data, data, sail_python, _generator(), SOURCE)
        runs = list(bench.measure(one, made, lambda line: aside.print(line, highlight=False, soft_wrap=True)))
        sizes = {its.data.name: its.byte_count for its in made.values()}
        measured.append((one, figures_of(one, runs, sizes)))
        facts = {
            its.data.name: {"lines": its.data.lines, "files": its.file_count, "bytes": its.byte_count}
            for its in made.values()
        }
        report = table.to_report(machine.facts(_used(pythons, measurements), SOURCE), measured, facts, rounds)
        table.write_json(report, report_path)  # after each, for a long one may be stopped
    table.show(report, console)
    wrong = [case for one in report["measurements"] for case in one["cases"] if case["verdict"] != "ok"]
    for case in wrong:
        aside.print(f"{case['title']}: {case['verdict']}", highlight=False, soft_wrap=True, markup=False)
    aside.print(f"report: {report_path}", highlight=False, soft_wrap=True)
    sys.exit(1 if any(case["kind"] == "ours" for case in wrong) else 0)


def _used(pythons: dict[str, str], measurements: list[Measurement]) -> dict[str, str]:
    used = {case.contender.python for one in measurements for case in one.cases}
    return {name: python for name, python in pythons.items() if name in used}


def _require(pythons: dict[str, str], measurements: list[Measurement]) -> None:
    for name, python in _used(pythons, measurements).items():
        if not Path(python).exists():
            raise click.UsageError(
                f"{python} is not there. Make it with: make .venv{'-spark' if name == 'spark' else ''}/.installed"
            )


def _keep_to_cores() -> None:
    if hasattr(os, "sched_setaffinity"):  # not on macOS: there engines that take no number of threads use all cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def _generator() -> str:
    from hashlib import sha256

    sources = sorted((SOURCE / "session_calc" / "generate").glob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


if __name__ == "__main__":
    command(prog_name="python -m bench")
