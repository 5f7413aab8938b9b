"""The gap advisor's part of the page: how long users are silent, and what each gap makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from session_calc.pages import plots
from session_calc.pages.plots import length_text
from session_calc.pages.render import Figure, Heading, Numbers, Part, Section, Table, Text, named
from session_calc.pages.words import share_text


def gap_section(document: Mapping[str, Any]) -> Section:
    """Show the silences, the sessions of each gap, and what is suggested."""
    advised, silences = document["gap_advice"], document["silences"]
    suggested = advised["suggested_gap_seconds"]
    if suggested is None:
        return Section("gap", "Which gap fits", [Text(advised["why"])])
    marks = _marks(advised)
    return Section(
        "gap",
        "Which gap fits",
        [
            Numbers(
                [
                    ("suggested gap", length_text(suggested)),
                    ("gap of this run", length_text(float(advised["own_gap_seconds"]))),
                    ("where silences cross", _length(advised["crossing_seconds"])),
                    ("where the curve bends", _length(advised["bend_seconds"])),
                ]
            ),
            Text(advised["why"]),
            *_silences(silences, marks),
            *_curve(advised, marks),
            *_compared(advised),
            Heading("Method"),
            Text(advised["method"], is_aside=True),
            *[Text(source, is_aside=True) for source in advised["sources"]],
        ],
    )


def _marks(advised: Mapping[str, Any]) -> list[tuple[float, str]]:
    own, suggested = float(advised["own_gap_seconds"]), float(advised["suggested_gap_seconds"])
    if own == suggested:
        return [(own, f"this run and suggested: {length_text(own)}")]
    return [(own, f"this run: {length_text(own)}"), (suggested, f"suggested: {length_text(suggested)}")]


def _length(seconds: float | None) -> str:
    return "nowhere" if seconds is None else length_text(seconds)


def _silences(silences: Mapping[str, Any], marks: list[tuple[float, str]]) -> list[Part]:
    bars = [(bar["from_seconds"], bar["to_seconds"], bar["silences"]) for bar in silences["bars"]]
    low, high, count = max(bars, key=lambda bar: bar[2])
    says = (
        f"The distribution of {silences['silences']:,} silences on a logarithmic scale from 1 second to 30 days. "
        f"Most are from {length_text(low)} to {length_text(high)}: {count:,}. "
        + "; ".join(f"{text}" for _, text in marks)
    )
    caption = (
        f"How long users are silent between two events. Not shown: {silences['up_to_a_second']:,} silences of up to a "
        f"second, {silences['longer_than_30_days']:,} of more than 30 days."
    )
    rows = [
        (length_text(low), length_text(high), count, share_text(count / silences["silences"]))
        for low, high, count in bars
    ]
    return [
        Figure(plots.silences("silences", says, bars, marks), caption),
        Table("Silences, in numbers", named("from", "to", "silences", "share", numbers="silences|share"), rows),
    ]


def _curve(advised: Mapping[str, Any], marks: list[tuple[float, str]]) -> list[Part]:
    points = {int(gap): count for gap, count in advised["sessions_by_gap_seconds"].items()}
    first, last = next(iter(points)), list(points)[-1]
    says = (
        f"Sessions over the gap: {points[first]:,} at {length_text(first)}, falling to {points[last]:,} at "
        f"{length_text(last)}. " + "; ".join(f"{text}" for _, text in marks)
    )
    rows = [(length_text(gap), gap, count) for gap, count in points.items()]
    return [
        Figure(plots.curve("curve", says, points, marks), f"Sessions for {len(points)} gaps, all from one pass"),
        Table("Sessions by gap, in numbers", named("gap", "seconds", "sessions", numbers="seconds|sessions"), rows),
    ]


def _compared(advised: Mapping[str, Any]) -> list[Part]:
    compared = advised["compared"]
    rows = [
        (length_text(float(row["gap_seconds"])), row["sessions"], _change(row["change"]), _is_what(row, advised))
        for row in compared
    ]
    parts: list[Part] = [
        Heading("What another gap would change"),
        Table("Sessions by gap", named("gap", "sessions", "change", "", numbers="sessions|change"), rows, is_open=True),
    ]
    for key, groups in advised["compared_by_group"].items():
        names = [length_text(float(row["gap_seconds"])) for row in compared]
        columns = named(key, *names, numbers="|".join(names))
        lines = [(group["value"], *group["sessions_by_gap_seconds"].values()) for group in groups]
        parts.append(Table(f"Sessions by {key} and gap, the first {len(groups)} values", columns, lines))
    return parts


def _change(change: float | None) -> str:
    return "—" if not change else f"{change:+.1%}"


def _is_what(row: Mapping[str, Any], advised: Mapping[str, Any]) -> str:
    what = ["this run"] if row["gap_seconds"] == advised["own_gap_seconds"] else []
    return ", ".join([*what, "suggested"] if row["gap_seconds"] == str(advised["suggested_gap_seconds"]) else what)
