"""The report as tables on a terminal, as Markdown for the README, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.contenders import LIMIT
from bench.figures import Figures
from bench.measurements import Measurement

README_BEGIN = "<!-- made by make bench_readme, {lines:,} lines: begin -->"
README_END = "<!-- made by make bench_readme: end -->"

Report = dict[str, Any]


def to_report(
    machine: Mapping[str, object],
    measured: Sequence[tuple[Measurement, Sequence[Figures]]],
    data: Mapping[str, Mapping[str, int]],
    rounds: int,
) -> Report:
    """Arrange everything for the JSON file; tables are made of it alone."""
    return {
        "machine": dict(machine),
        "rounds": rounds,
        "data": dict(data),
        "measurements": [
            {"name": one.name, "title": one.title, "cases": [_case(figures) for figures in found]}
            for one, found in measured
        ],
    }


def _case(figures: Figures) -> Report:
    seconds = figures.seconds
    return {
        "name": figures.case.name,
        "title": figures.case.title,
        "kind": figures.case.contender.kind,
        "engine": figures.case.contender.engine,
        "data": figures.case.data.name,
        "lines": figures.case.data.lines,
        "verdict": figures.verdict,
        "seconds": {"median": median(seconds), "min": min(seconds), "max": max(seconds)} if seconds else None,
        "seconds_of_rounds": list(seconds),
        "peak_bytes": round(figures.peak_bytes),
        "cpu_seconds": figures.cpu_seconds,
        "ratio": figures.ratio,
        "ratio_to_engine": figures.ratio_to_engine,
        "peak_ratio": figures.peak_ratio,
        "disk_share": round(figures.disk_share, 3),
        "against": figures.case.against or "the fastest by hand",
        "answer": figures.answer,
        "steps": dict(figures.steps),
    }


def show(report: Report, console: Console) -> None:
    """Print all tables."""
    console.print(head(report), highlight=False, soft_wrap=True)
    for measurement in report["measurements"]:
        console.print(_table(measurement))
    console.print(_MEANINGS, style="dim", highlight=False, soft_wrap=True)


_MEANINGS = (
    "Seconds: whole processes, start included; median (least to most). Ratio: the median over the rounds of the "
    "seconds by those of the fastest program by hand with the right answer, or of the case that is meant; engine: by "
    "the fastest by hand on the same engine. Our plan in another engine is not among those by hand. MB: the most that "
    "the process and all below it had resident. Disk: bytes read from the disk by bytes of input; near 0, the input "
    "was in memory."
)


def head(report: Report) -> str:
    machine = report["machine"]
    versions = {name: number for found in machine["versions"].values() for name, number in found.items()}
    changed = " with changes" if machine["is_changed"] else ""
    sizes = [f"{name}: {one['bytes'] / 1e9:,.2f} GB in {one['files']:,} files" for name, one in report["data"].items()]
    return (
        f"{machine['date']}, commit {machine['commit'] or 'none'}{changed}; {_hardware(machine)}; {machine['system']}, "
        f"Python {machine['python']}; "
        f"{', '.join(f'{name} {number}' for name, number in sorted(versions.items()))}; "
        f"{report['rounds']} rounds after a warm-up.\nEvents: {'; '.join(sizes)}."
    )


def _hardware(machine: Report) -> str:
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB"


def _table(measurement: Report) -> Table:
    table = Table(title=measurement["title"], title_justify="left", title_style="bold", header_style="")
    table.add_column("")
    for name in ("seconds", "ratio", "engine", "MB", "MB ratio", "CPU s", "disk", "answer", "where the seconds go"):
        table.add_column(name, justify="right" if name not in ("answer", "where the seconds go") else "left")
    for case in measurement["cases"]:
        table.add_row(case["title"], *_cells(case))
    return table


def _cells(case: Report) -> list[str]:
    if case["verdict"] != "ok":
        return [case["verdict"].splitlines()[0][:60], "", "", "", "", "", "", case["answer"][:8], ""]
    seconds = case["seconds"]
    if seconds is None:
        return ["warm-up alone", "", "", "", "", "", "", case["answer"][:8], ""]
    outside = seconds["median"] - sum(case["steps"].values())
    steps = {**case["steps"], "outside": outside} if case["steps"] else {}
    return [
        f"{seconds['median']:.2f} ({seconds['min']:.2f} to {seconds['max']:.2f})",
        _ratio(case["ratio"]),
        _ratio(case["ratio_to_engine"]),
        f"{case['peak_bytes'] / 1e6:,.0f}",
        _ratio(case["peak_ratio"]),
        f"{case['cpu_seconds']:.1f}",
        f"{case['disk_share']:.2f}",
        "reads only" if case["kind"] == LIMIT else case["answer"][:8],
        ", ".join(f"{step} {its:.2f}" for step, its in steps.items() if its >= 0.005),
    ]


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def to_markdown(report: Report) -> str:
    """Make the README's small table: the first measurement."""
    machine, measurement = report["machine"], report["measurements"][0]
    data = report["data"][measurement["cases"][0]["data"]]
    caption = (
        f"{data['lines']:,} lines, {data['bytes'] / 1e9:.1f} GB of JSON; {_hardware(machine)}; {machine['date']}; "
        f"median of {report['rounds']} rounds, whole processes, start included."
    )
    lines = [
        caption,
        "",
        "| | seconds | by the fastest by hand | peak memory, MB |",
        "|---|--:|--:|--:|",
    ]
    for case in measurement["cases"]:
        title = f"**{case['title']}**" if case["kind"] == "ours" else case["title"]
        if case["seconds"] is None:
            lines.append(f"| {title} | {case['verdict'].splitlines()[0][:60]} | | |")
            continue
        ratio = "" if case["kind"] == LIMIT or not case["against"].startswith("the") else _ratio(case["ratio"])
        lines.append(f"| {title} | {case['seconds']['median']:.1f} | {ratio} | {case['peak_bytes'] / 1e6:,.0f} |")
    return "\n".join(lines)


def put_into(readme: Path, report: Report) -> None:
    """Replace what stands between the markers for as many lines; tables for other numbers of lines stay.

    Raises
    ------
    ValueError
        The markers are not there.
    """
    text = readme.read_text(encoding="utf-8")
    measurement = report["measurements"][0]
    wanted = README_BEGIN.format(lines=report["data"][measurement["cases"][0]["data"]]["lines"])
    before, begin, rest = text.partition(wanted)
    _, end, after = rest.partition(README_END)
    if not (begin and end):
        raise ValueError(f"{readme} lacks the markers {wanted} and {README_END}.")
    readme.write_text(f"{before}{begin}\n{to_markdown(report)}\n{end}{after}", encoding="utf-8")


def write_json(report: Report, path: Path) -> None:
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
