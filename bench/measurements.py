"""What is measured: lists of cases that run in turn, round by round, and which of them the others are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.contenders import ALL, BY_NAME, OURS, Contender
from bench.data import SAMPLE, Data

_SAME_LINES = {"gz": "even", "many": "even", "parquet": "even"}  # kinds that hold the lines of another


@dataclass(frozen=True)
class Case:
    """One contender on one set of events with some settings."""

    name: str
    title: str
    contender: Contender
    data: Data
    settings: Mapping[str, str] = field(default_factory=dict)
    against: str = ""  # the case whose seconds this one's are divided by; none: the fastest by hand

    @property
    def question(self) -> tuple[object, ...]:
        """Cases with the same question have the same answer."""
        kind = _SAME_LINES.get(self.data.kind, self.data.kind)
        return kind, self.data.lines, tuple(sorted(self.settings.items()))


@dataclass(frozen=True)
class Measurement:
    name: str
    title: str
    cases: Sequence[Case]


def all_measurements(lines: int, growth: Sequence[int], only: Sequence[str]) -> list[Measurement]:
    """List what can be measured with `lines` lines; `only` names the contenders, and none of them means all."""
    found = [
        Measurement("peers", "The same sessions, counted in several ways", _peers(lines)),
        Measurement("broken", "0.1 % of the lines broken", _beside(lines, "broken", "0.1 % of the lines broken")),
        Measurement("growth", "More lines", _growth(lines, growth)),
        Measurement("huge_user", "One user with half of all events", _beside(lines, "huge", "one huge user")),
        Measurement("group_keys", "Three group keys in one run", _settings(lines, "3 group keys", GROUP_KEY=_KEYS)),
        Measurement("gaps", "Three gaps in one run", _settings(lines, "3 gaps", MAX_SESSION_SECONDS="900,1800,3600")),
        Measurement("gz", "Compressed lines", _beside(lines, "gz", "gz")),
        Measurement("files", "2,000 files instead of 20", _beside(lines, "many", "2,000 files")),
        Measurement("start", "The bundled sample: what a run costs before it has work", _start()),
        Measurement("parquet", "Parquet instead of JSON lines", _beside(lines, "parquet", "Parquet")),
    ]
    chosen = [
        Measurement(one.name, one.title, [case for case in one.cases if not only or case.contender.name in only])
        for one in found
    ]
    return [one for one in chosen if one.cases]


_KEYS = "device_family,os_family,browser_family"


def _peers(lines: int) -> list[Case]:
    even = Data("even", lines)
    return [Case(one.name, one.title, one, even) for one in ALL if one.most_lines is None or lines <= one.most_lines]


def _growth(lines: int, growth: Sequence[int]) -> list[Case]:
    return [
        Case(
            f"{one.name}_{times}", f"{one.title}, {lines * times:,} lines", one, Data("even", lines * times), {}, first
        )
        for one in (BY_NAME["ours_sail"], BY_NAME["duckdb_lag"])
        for first in [f"{one.name}_{growth[0]}"]
        for times in growth
    ]


def _beside(lines: int, kind: str, what: str) -> list[Case]:
    cases = []
    for one in _ours():
        cases.append(Case(one.name, one.title, one, Data("even", lines)))
        cases.append(Case(f"{one.name}_{kind}", f"{one.title}, {what}", one, Data(kind, lines), {}, one.name))
    return cases


def _settings(lines: int, what: str, **settings: str) -> list[Case]:
    cases = []
    for one in _ours():
        even = Data("even", lines)
        cases.append(Case(one.name, one.title, one, even))
        cases.append(Case(f"{one.name}_with", f"{one.title}, {what}", one, even, settings, one.name))
    return cases


def _start() -> list[Case]:
    return [Case(one.name, one.title, one, SAMPLE, against=one.name) for one in _ours()]


def _ours() -> list[Contender]:
    return [one for one in ALL if one.kind == OURS and not one.program]
