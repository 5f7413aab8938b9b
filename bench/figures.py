"""From runs to figures: medians, and ratios within a round, for a machine's speed drifts from round to round."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.contenders import LIMIT, PEER
from bench.measurements import Case, Measurement
from bench.rounds import Run


@dataclass(frozen=True)
class Figures:
    """What the counted rounds of one case say; without seconds where its answer is wrong, or it failed.

    Attributes
    ----------
    ratio : float or None
        The median of: its seconds by those of the case that it is held against, in the same round.
    ratio_to_engine : float or None
        The same against the fastest program by hand on the same engine.
    disk_share : float
        Bytes read from the disk by bytes of input: near 0, it was the machine's memory that was read.
    """

    case: Case
    verdict: str
    seconds: Sequence[float]
    peak_bytes: float
    cpu_seconds: float
    ratio: float | None
    ratio_to_engine: float | None
    peak_ratio: float | None
    disk_share: float
    answer: str
    steps: Mapping[str, float]


def figures_of(measurement: Measurement, runs: Sequence[Run], input_bytes: Mapping[str, int]) -> list[Figures]:
    """Sum up a measurement, in the order of its cases."""
    by_case: dict[str, list[Run]] = defaultdict(list)
    for one in runs:
        by_case[one.case].append(one)
    verdicts = _verdicts(measurement, by_case)
    seconds = {
        case.name: {one.round: one.seconds for one in by_case[case.name] if one.round and verdicts[case.name] == "ok"}
        for case in measurement.cases
    }
    return [
        _of_case(case, measurement, by_case, verdicts, seconds, input_bytes[case.data.name])
        for case in measurement.cases
        if by_case[case.name]
    ]


def _of_case(
    case: Case,
    measurement: Measurement,
    by_case: Mapping[str, Sequence[Run]],
    verdicts: Mapping[str, str],
    seconds: Mapping[str, Mapping[int, float]],
    input_bytes: int,
) -> Figures:
    counted = [one for one in by_case[case.name] if one.round and verdicts[case.name] == "ok"]
    peers = [one.name for one in measurement.cases if one.contender.kind == PEER]
    against = [case.against] if case.against else peers
    on_engine = [
        one.name
        for one in measurement.cases
        if one.contender.kind == PEER and one.contender.engine == case.contender.engine
    ]
    peaks = {name: _median([one.peak_bytes for one in its if one.round]) for name, its in by_case.items()}
    first = next((name for name in against if peaks.get(name)), "")
    return Figures(
        case,
        verdicts[case.name],
        [one.seconds for one in counted],
        _median([one.peak_bytes for one in counted]),
        _median([one.cpu_seconds for one in counted]),
        _ratio(seconds[case.name], [seconds.get(name, {}) for name in against]),
        _ratio(seconds[case.name], [seconds.get(name, {}) for name in on_engine]),
        peaks[case.name] / peaks[first] if first and counted else None,
        max((one.disk_bytes for one in counted), default=0) / max(input_bytes, 1),
        by_case[case.name][-1].answer,
        {step: _median([one.steps[step] for one in counted]) for step in (counted[0].steps if counted else {})},
    )


def _verdicts(measurement: Measurement, by_case: Mapping[str, Sequence[Run]]) -> dict[str, str]:
    """Say of each case: ok, wrong, or how it failed. Right is what most of the cases with its question answer."""
    answers: dict[object, Counter[str]] = defaultdict(Counter)
    for case in measurement.cases:
        if case.contender.kind != LIMIT:
            answers[case.question].update({one.answer for one in by_case[case.name] if one.answer})
    return {case.name: _verdict(case, by_case[case.name], answers[case.question]) for case in measurement.cases}


def _verdict(case: Case, runs: Sequence[Run], answers: Counter[str]) -> str:
    problems = [one.problem for one in runs if one.problem]
    if problems:
        return problems[0]
    found = {one.answer for one in runs}
    if len(found) > 1:
        return "wrong: several answers"
    if case.contender.kind == LIMIT:
        return "ok"
    (right, votes), *others = answers.most_common()
    if others and others[0][1] == votes:
        return "wrong, or the others are: no two agree"
    return "ok" if found == {right} else "wrong"


def _ratio(own: Mapping[int, float], others: Sequence[Mapping[int, float]]) -> float | None:
    fastest: dict[int, float] = {}
    for other in others:
        for number, seconds in other.items():
            fastest[number] = min(seconds, fastest.get(number, seconds))
    ratios = [seconds / fastest[number] for number, seconds in own.items() if number in fastest]
    return median(ratios) if ratios else None


def _median(values: Sequence[float]) -> float:
    return median(values) if values else 0.0
