"""Sections that the page of a profile and the page of a run share: the ledger, classes of numbers, settings, inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from session_calc.pages import plots
from session_calc.pages.render import Figure, Part, Section, Table, Text, named
from session_calc.pages.words import files_text, share_text

MOST_COLUMNS = 4_000
_MOST_FILES = 50
_DAY = len("2019-04-08")


def ledger_parts(ledger: Mapping[str, Any]) -> list[Part]:
    """Show where every line went."""
    others = {name: ledger[name] for name in ("excluded", "duplicates") if ledger.get(name)}
    parts = {"events": ledger["events"], "blank": ledger["blank"], **ledger["rejects_by_reason"], **others}
    lines = ledger["lines"]
    shown = {name: count for name, count in parts.items() if count or name == "events"}
    says = f"Of {lines:,} lines, " + ", ".join(f"{count:,} are {name}" for name, count in shown.items()) + "."
    rows = [(name, count, share_text(count / lines if lines else None)) for name, count in parts.items()]
    table = Table("Where every line went", named("what", "lines", "share", numbers="lines|share"), rows, is_open=True)
    if not lines:
        return [Text("There is no line."), table]
    return [Figure(plots.stacked("ledger", says, shown), "Every line is one of these"), table]


def class_rows(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Name classes such as 4 to 7."""
    return [
        (str(row["from"]) if row["from"] == row["to"] else f"{row['from']}-{row['to']}", row["count"]) for row in rows
    ]


def duration_rows(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Name classes of durations by their upper ends."""
    found = []
    for row in rows:
        if row["to"] is None:
            name = f"> {plots.length_text(row['from'])}"
        else:
            name = f"≤ {plots.length_text(row['to'])}" if row["to"] else "0 s"
        found.append((name, row["count"]))
    return found


def classes_parts(name: str, title: str, rows: Sequence[tuple[str, int]], what: str, x_label: str) -> list[Part]:
    """Show how many there are in each class, as a picture and as a table."""
    if not rows:
        return []
    whole = sum(count for _, count in rows) or 1
    most, count = max(rows, key=lambda row: row[1])
    says = f"{title}: columns for {len(rows)} classes; the largest is {most} with {count:,} {what}."
    table = [(label, count, share_text(count / whole)) for label, count in rows]
    return [
        Figure(plots.classes(name, says, rows, x_label, what), title),
        Table(f"{title}, in numbers", named(x_label, what, "share", numbers=f"{what}|share"), table),
    ]


def over_time_parts(name: str, title: str, rows: Sequence[tuple[str, int]], what: str, when: str) -> list[Part]:
    """Show how many there were in each hour or day."""
    if len(rows) < 2:
        return []
    most_at, most = max(rows, key=lambda row: row[1])
    says = f"{title}, from {rows[0][0]} to {rows[-1][0]}; the most are {most:,} {what} at {most_at}."
    return [
        Figure(plots.columns_over_time(name, says, rows, what), f"{title} (UTC)"),
        Table(f"{title}, in numbers", named(when, what, numbers=what), rows),
    ]


def without_gaps(by_time: Mapping[str, int], step: timedelta) -> list[tuple[str, int]]:
    """Put a zero where there is nothing for an hour or a day, as long as the times span few enough.

    Examples
    --------
    >>> without_gaps({"2019-04-08": 1, "2019-04-10": 2}, timedelta(days=1))
    [('2019-04-08', 1), ('2019-04-09', 0), ('2019-04-10', 2)]
    """
    if not by_time:
        return []
    names = list(by_time)
    first, last = (datetime.fromisoformat(name.replace("Z", "+00:00")) for name in (names[0], names[-1]))
    if (last - first) / step > MOST_COLUMNS:
        return list(by_time.items())
    length = len(names[0])
    moments = (first + place * step for place in range(round((last - first) / step) + 1))
    spelled = (moment.isoformat().replace("+00:00", "Z") for moment in moments)
    keys = (name[:length] if length == _DAY else f"{name[:16]}Z" for name in spelled)
    return [(key.removesuffix("Z"), by_time.get(key, 0)) for key in keys]


def run_section(document: Mapping[str, Any]) -> Section:
    """Show what ran, with which settings, on what."""
    settings = [(name, one["value"] or None, one["source"]) for name, one in document["settings"].items()]
    given = [row for row in settings if not row[2].startswith("the default")]
    columns = named("setting", "value", "from", code="value")
    inputs = document["inputs"] or {"files": [], "file_count": 0, "bytes": 0, "digest": "", "ignored": []}
    files = [(file["path"], file["bytes"]) for file in inputs["files"][:_MOST_FILES]]
    seconds = [(name, float(value)) for name, value in document["seconds"].items()]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    more = f" (the first {_MOST_FILES} of them)" if inputs["file_count"] > _MOST_FILES else ""
    return Section(
        "run",
        "Settings and inputs",
        [
            *([Table("Settings that were given", columns, given, is_open=True)] if given else []),
            Table("All settings", columns, settings),
            Text(
                f"{files_text(inputs['file_count'])}, {inputs['bytes']:,} bytes; digest of the list {inputs['digest']}"
            ),
            Table(f"Inputs{more}", named("file", "bytes", numbers="bytes"), files),
            Table("Seconds per step", named("step", "seconds", numbers="seconds"), seconds, is_open=True),
            Text(f"session_calc {document['session_calc']}; {document['engine']}; {versions}", is_aside=True),
        ],
    )
