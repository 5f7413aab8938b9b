"""The page of `session-calc profile`: what is in the events, what is broken, and which gap fits them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from session_calc.pages import plots, tables
from session_calc.pages.gap import gap_section
from session_calc.pages.render import (
    Findings,
    Heading,
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

_MOST_HOURS = 24 * 14  # more are shown by the day
_MOST_FILES = 20
_VALUES = "users with several|users with and without|sessions with several"


def to_page(document: Mapping[str, Any]) -> bytes:
    """Give the page of a profile, as `profile.document.of_profile` has it with the facts of the run."""
    ledger, times, inputs = document["ledger"], document["times"], document["inputs"]
    sections = [
        Section("findings", "What to look at first", _findings(document)),
        Section("lines", "Lines", [*tables.ledger_parts(ledger), *_rejects(document)]),
        Section("fields", "Fields", _fields(document)),
        Section("times", "Times", _times(times)),
        Section("order", "Order in the files", _order(document)),
        Section("users", "Users", _users(document)),
        Section("sessions", "Sessions", _sessions(document)),
        gap_section(document),
        tables.run_section(document),
    ]
    day = str(document["started_at"])[:16].replace("T", " ")
    size = f"{files_text(inputs['file_count'])}, {inputs['bytes']:,} bytes"
    subtitle = f"{size}, looked at on {day} UTC with {document['engine']}"
    return to_html(Page("What is in the events", subtitle, sections))


def sample_text(document: Mapping[str, Any]) -> str:
    """Say what the sampled numbers rest on."""
    sample = document["sample"]
    if sample["is_whole"]:
        return f"From all {sample['lines']:,} lines."
    return f"From a sample of {sample['lines']:,} lines in {files_text(sample['files'])}; other lines may hold more."


def _findings(document: Mapping[str, Any]) -> list[Part]:
    ledger, times = document["ledger"], document["times"]
    return [
        Numbers(
            [
                ("lines", f"{ledger['lines']:,}"),
                ("events", f"{ledger['events']:,}"),
                ("rejects", f"{ledger['rejects']:,}"),
                ("users", f"{document['users']['users']:,}"),
                (f"sessions at {document['sessions']['gap_seconds']} s", f"{document['sessions']['sessions']:,}"),
            ]
        ),
        Findings([(one["level"], one["text"]) for one in document["findings"]]),
        Text(f"First event {times['first_event_time'] or 'none'}, last event {times['last_event_time'] or 'none'}."),
    ]


def _rejects(document: Mapping[str, Any]) -> list[Part]:
    rows = [
        (reason, example["text"], f"{example['path']}, {example['place']}")
        for reason, one in document["rejects"].items()
        for example in one["examples_in_sample"]
    ]
    if not document["rejects"]:
        return []
    without = [reason for reason, one in document["rejects"].items() if not one["examples_in_sample"]]
    parts: list[Part] = [Heading("Examples of rejects")]
    if rows:
        parts.append(Table("Rejects in the sample", named("reason", "text", "where", code="text"), rows, is_open=True))
    if without:
        parts.append(Text(f"The sample holds none of: {', '.join(without)}.", is_aside=True))
    return parts


def _fields(document: Mapping[str, Any]) -> list[Part]:
    seen = document["fields"]
    rows = [
        (
            name,
            ", ".join(one["types"]) or "only null",
            share_text(one["missing_share"]),
            share_text(one["null_share"]),
            share_text(one["empty_share"]),
            f"{one['distinct_values']:,}{' or more' if one['distinct_values_are_more'] else ''}",
            ", ".join(f"{top['value'] or '(empty)'} ({top['count']:,})" for top in one["top_values"]) or None,
        )
        for name, one in seen["by_name"].items()
    ]
    columns = named(
        "field", "types", "missing", "null", "empty", "distinct", "most frequent", numbers="missing|null|empty|distinct"
    )
    parts: list[Part] = [Text(sample_text(document), is_aside=True)]
    parts.append(Table("Fields of the lines that have some", columns, rows, is_open=True))
    if seen["left_out"]:
        parts.append(Text(f"{seen['left_out']:,} more fields are not shown: objects seem to serve as maps."))
    return parts


def _times(times: Mapping[str, Any]) -> list[Part]:
    hours = tables.without_gaps(times["events_by_hour"], timedelta(hours=1))
    days = tables.without_gaps(times["events_by_day"], timedelta(days=1))
    is_short = len(hours) <= _MOST_HOURS
    of_day = [(f"{hour:02}", count) for hour, count in times["events_by_hour_of_day"].items()]
    suspected = times["suspected_unit_in_sample"]
    fits = "no unit, or several," if suspected is None else f"the unit {suspected}"
    facts = [
        ("first event", times["first_event_time"]),
        ("last event", times["last_event_time"]),
        ("TIMESTAMP_UNIT", times["unit"]),
        ("the sampled times fit", fits),
        ("events later than now", times["future_events"]),
        ("events before 1990", times["events_before_1990"]),
    ]
    return [
        Table("Times", named("what", "value"), facts, is_open=True),
        *(tables.over_time_parts("hours", "Events per hour", hours, "events", "hour") if is_short else []),
        *tables.over_time_parts("days", "Events per day", days, "events", "day"),
        *(tables.classes_parts("of-day", "Events by hour of the day", of_day, "events", "hour, UTC") if hours else []),
    ]


def _order(document: Mapping[str, Any]) -> list[Part]:
    files = sorted(document["order_in_files"], key=lambda file: -(file["late_share_in_sample"] or 0))
    rows = [
        (
            file["path"],
            share_text(file["late_share_in_sample"]),
            file["late_events_in_sample"],
            file["compared_events_in_sample"],
            plots.length_text(file["latest_by_seconds"]),
            "all lines" if file["is_whole"] else "a sample",
        )
        for file in files[:_MOST_FILES]
    ]
    columns = named(
        "file",
        "late",
        "late events",
        "of events",
        "by at most",
        "seen",
        numbers="late|late events|of events|by at most",
    )
    what = "An event is late where an event before it in its file (or in the same sampled stretch of it) is later."
    return [Text(what, is_aside=True), Table("Late events by file, the worst first", columns, rows, is_open=True)]


def _users(document: Mapping[str, Any]) -> list[Part]:
    its, events = document["users"], document["users"]["events_per_user"]
    twice = document["duplicates"]
    biggest = [(" / ".join(one["user"]), one["events"], share_text(one["share"])) for one in its["biggest"]]
    return [
        Numbers(
            [
                ("users", f"{its['users']:,}"),
                ("events per user, median", _number(events["median"])),
                ("99 in 100 have at most", _number(events["p99"])),
                ("the most", _number(events["most"])),
                ("share of the top 1%", share_text(its["share_of_events_of_top_1_percent"])),
            ]
        ),
        *tables.classes_parts(
            "users", "Users by their events", tables.class_rows(its["users_by_events"]), "users", "events"
        ),
        Table(
            "The users with the most events",
            named("user", "events", "share", numbers="events|share"),
            biggest,
            is_open=True,
        ),
        Table(
            "Values of the group keys",
            named(
                "group key", "users with several", "users with and without", "sessions with several", numbers=_VALUES
            ),
            [
                (key, several, its["with_and_without_a_value"][key], document["sessions"]["with_several_values"][key])
                for key, several in its["with_several_values"].items()
            ],
            is_open=True,
        ),
        Heading("Duplicates"),
        Text(
            f"{twice['same_user_and_moment']:,} events happened at the very moment of another event of their user; "
            f"{twice['same_user_moment_and_group_values']:,} of them ({share_text(twice['share'])} of all events) have "
            f"its group values as well. {document['sample']['lines_like_an_earlier_line']:,} of the "
            f"{document['sample']['lines']:,} sampled lines are like an earlier one, byte by byte."
        ),
    ]


def _number(number: int | None) -> str:
    return "—" if number is None else f"{number:,}"


def _sessions(document: Mapping[str, Any]) -> list[Part]:
    its = document["sessions"]
    durations, events = its["duration_seconds_rounded_up"], its["events_per_session"]
    median = durations["median"]
    return [
        Numbers(
            [
                (f"sessions at {its['gap_seconds']} s", f"{its['sessions']:,}"),
                ("of one event", f"{its['with_one_event']:,}"),
                ("events, median", _number(events["median"])),
                ("duration, median", "—" if median is None else plots.length_text(median)),
            ]
        ),
        *tables.classes_parts(
            "durations",
            "Sessions by duration",
            tables.duration_rows(its["sessions_by_duration"]),
            "sessions",
            "duration",
        ),
        *tables.classes_parts(
            "events", "Sessions by their events", tables.class_rows(its["sessions_by_events"]), "sessions", "events"
        ),
    ]
