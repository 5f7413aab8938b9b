"""The page of a run: where its lines went, and what its sessions look like, from its run report and its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from session_calc.pages import plots, tables
from session_calc.pages.render import (
    Figure,
    Findings,
    Numbers,
    Page,
    Part,
    Section,
    Table,
    Text,
    named,
    to_html,
)
from session_calc.pages.words import files_text, share_text

_TOP = 20
_MOST_GROUPS = 1_000  # in the table
_MOST_HOURS = 24 * 14  # more are shown by the day


def to_page(report: Mapping[str, Any], result: bytes | None) -> bytes:
    """Give the page of a run.

    Parameters
    ----------
    report : mapping
        As `session_calc.report` has it, of a run that succeeded or failed.
    result : bytes or None
        The result's file, where there is one.
    """
    groups, problems = _groups_of(report, result)
    key = report.get("result", {}).get("group_key")
    sections = [Section("summary", "Summary", _summary(report, problems))]
    if "ledger" in report:
        sections.append(Section("lines", "Lines", tables.ledger_parts(report["ledger"])))
    if groups:
        sections.append(Section("groups", f"Sessions by {key}", _groups(groups, key)))
    if "result" in report:
        sections.append(Section("shape", "What the sessions look like", _shape(report.get("distributions"))))
    sections.append(tables.run_section(report))
    title = f"Sessions by {key}" if key else "A run of session-calc"
    day = str(report["started_at"])[:16].replace("T", " ")
    inputs = report["inputs"]
    size = f"{files_text(inputs['file_count'])}, {inputs['bytes']:,} bytes, " if inputs else ""
    return to_html(Page(title, f"{size}{day} UTC, {report['engine'] or 'no engine'}", sections))


def _groups_of(report: Mapping[str, Any], result: bytes | None) -> tuple[dict[str, int], list[str]]:
    wanted = report.get("result")
    if wanted is None:
        return {}, []
    if result is None:
        return {}, [f"The result {wanted['path']} is not beside the run report, so its groups are not shown."]
    groups = json.loads(result)
    if sha256(result).hexdigest() != wanted["sha256"]:
        return groups, ["The result is another one than this run report is of: its SHA-256 differs."]
    return groups, []


def _summary(report: Mapping[str, Any], problems: list[str]) -> list[Part]:
    findings = [("problem", text) for text in problems]
    findings += [("notice", text) for text in report.get("warnings", [])]
    if report["status"] != "done":
        error = report.get("error", {})
        findings.insert(0, ("problem", f"The run failed: {error.get('message', 'for a reason that is not known')}"))
    parts: list[Part] = [Findings(findings)] if findings else []
    if "ledger" not in report or "session_count" not in report:
        return parts
    ledger, sessions = report["ledger"], report["session_count"]
    gap = (report.get("result") or report.get("table") or {}).get("gap_seconds")
    numbers = [
        ("sessions", f"{sessions:,}"),
        ("users", f"{report['user_count']:,}"),
        ("events", f"{ledger['events']:,}"),
        ("rejects", f"{ledger['rejects']:,}"),
        ("gap", plots.length_text(float(gap)) if gap else "—"),
    ]
    when = f"First event {report['first_event_time'] or 'none'}, last event {report['last_event_time'] or 'none'}."
    return [*parts, Numbers(numbers), Text(when)]


def _groups(groups: Mapping[str, int], key: str) -> list[Part]:
    whole = sum(groups.values()) or 1
    rows = [(value or "(empty)", count) for value, count in groups.items()]
    rest = rows[_TOP:]
    shown = rows[:_TOP] + ([(f"{len(rest):,} more", sum(count for _, count in rest))] if rest else [])
    says = f"Sessions by {key}; the most are of {rows[0][0]}: {rows[0][1]:,} of {whole:,}."
    table = [(value, count, share_text(count / whole)) for value, count in rows[:_MOST_GROUPS]]
    many = f", the first {_MOST_GROUPS:,} of {len(rows):,} values" if len(rows) > _MOST_GROUPS else ""
    caption = f"Sessions by {key}" + (f", the first {_TOP} and the rest" if rest else "")
    return [
        Figure(plots.bars("groups", says, shown, "sessions"), caption),
        Table(f"Sessions by {key}, in numbers{many}", named(key, "sessions", "share", numbers="sessions|share"), table),
    ]


def _shape(distributions: Mapping[str, Any] | None) -> list[Part]:
    if distributions is None:
        return [Text("This run did not count how long its sessions are. `session-calc count --report` does.")]
    hours = tables.without_gaps(distributions["sessions_by_hour"], timedelta(hours=1))
    by_day: dict[str, int] = {}
    for hour, count in distributions["sessions_by_hour"].items():
        by_day[hour[:10]] = by_day.get(hour[:10], 0) + count
    days = tables.without_gaps(by_day, timedelta(days=1))
    is_short = len(hours) <= _MOST_HOURS
    durations = tables.duration_rows(distributions["sessions_by_duration_seconds"])
    events = tables.class_rows(distributions["sessions_by_events"])
    what = "sessions"
    return [
        *(
            tables.over_time_parts("hours", "Sessions by the hour they begin in", hours, what, "hour")
            if is_short
            else []
        ),
        *tables.over_time_parts("days", "Sessions by the day they begin on", days, what, "day"),
        *tables.classes_parts("durations", "Sessions by duration", durations, what, "duration"),
        *tables.classes_parts("events", "Sessions by their events", events, what, "events"),
    ]
