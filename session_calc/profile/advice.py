"""Which gap fits the data: sessions as a function of the gap, and where the silences within and between visits meet.

Method, as in A. Halfaker et al., "User Session Identification Based on Strong Regularities in Inter-activity Time",
WWW 2015, doi:10.1145/2736277.2741117 (arXiv 1411.2878), a study over Wikipedia, search, games and more: the logarithms
of the silences are taken for a mixture of two normal distributions, the silences within visits and those between them.
The gap is where a silence is as likely the one as the other.

Beside it, and where the two do not part clearly, the bend of the curve of sessions over the logarithm of the gap: the
place furthest below the straight line between its ends (V. Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from session_calc.classes import LONGEST, STEPS
from session_calc.profile import mixture
from session_calc.profile.mixture import Mixture

# seconds: 1 s to 30 days, each a place at which `classes.STEPS` counts exactly
GAPS = (
    *(1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45),
    *(60, 90, 120, 180, 240, 300, 420, 600, 720, 900, 1_200, 1_500, 1_800, 2_100, 2_400, 2_700, 3_000),
    *(3_600, 5_400, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 57_600),
    *(86_400, 129_600, 172_800, 259_200, 345_600, 432_000, 604_800, 864_000, 1_209_600, 1_814_400, 2_592_000),
)
COMPARED_GAPS = (600, 1_800, 3_600)
METHOD = (
    "Two normal distributions are fitted to the binary logarithm of the silences between 1 second and 30 days "
    "(expectation maximisation): the silences within visits, and those between them. The gap is where a silence is "
    "as likely the one as the other. Where the two do not part clearly (Ashman's D below 2), it is the bend of the "
    "curve: the gap at which the sessions, over the logarithm of the gap, are furthest below the line between the "
    "curve's ends."
)
SOURCES = (
    (
        "Halfaker et al.: User Session Identification Based on Strong Regularities in Inter-activity Time. WWW 2015, "
        "doi:10.1145/2736277.2741117"
    ),
    "Satopää et al.: Finding a 'Kneedle' in a Haystack. ICDCS Workshops 2011, doi:10.1109/ICDCSW.2011.20",
    (
        "Ashman, Bird and Zepf: Detecting Bimodality in Astronomical Datasets. Astronomical Journal 108 (1994), "
        "doi:10.1086/117248"
    ),
)
_BARS_PER_DECADE = 8
_FEWEST_SILENCES = 100
_CLEARLY_APART = 2.0  # Ashman's D
_SMALLEST_SHARE = 0.005
_BINS_PER_DOUBLING = 6


@dataclass(frozen=True)
class Advice:
    """What the silences say about the gap.

    Attributes
    ----------
    sessions_by_gap : seconds, and the sessions of that gap, exact
    bars : from and to which length in seconds, and how many silences are as long
    crossing_seconds, bend_seconds : float or None
        What the two methods find.
    suggested_seconds : int or None
        The gap of GAPS next to it.
    """

    sessions_by_gap: Mapping[int, int]
    bars: Sequence[tuple[int, int, int]]
    longer_count: int
    mixture: Mixture | None
    crossing_seconds: float | None
    bend_seconds: int | None
    suggested_seconds: int | None
    why: str


def of_silences(by_length: Mapping[int, int], user_count: int, gap_rule: str) -> Advice:
    """Advise on the gap.

    Parameters
    ----------
    by_length : as `silences.Silences` has it
    user_count : int
    gap_rule : {'longer', 'reach'}
    """
    sessions = {gap: user_count + _count_over(by_length, gap, gap_rule) for gap in GAPS}
    found = _fitted(by_length)
    crossing = None if found is None else _clear_crossing(found)
    bend = _bend(sessions) if by_length else None
    chosen = crossing or bend
    return Advice(
        sessions_by_gap=sessions,
        bars=_bars(by_length, gap_rule),
        longer_count=_count_over(by_length, LONGEST, gap_rule),
        mixture=found,
        crossing_seconds=crossing,
        bend_seconds=bend,
        suggested_seconds=None if chosen is None else _nearest(chosen),
        why=_why(found, crossing, bend),
    )


def _count_over(by_length: Mapping[int, int], gap: int, gap_rule: str) -> int:
    is_longer = gap_rule == "longer"
    return sum(count for length, count in by_length.items() if (length > gap if is_longer else length >= gap))


def _fitted(by_length: Mapping[int, int]) -> Mixture | None:
    """Fit the silences longer than a second, in bins of their logarithm to the base 2."""
    weights: dict[float, float] = {}
    for length, count in by_length.items():
        if 1 < length <= LONGEST:
            place = round(math.log2(length - _step_of(length) / 2) * _BINS_PER_DOUBLING) / _BINS_PER_DOUBLING
            weights[place] = weights.get(place, 0) + count
    if sum(weights.values()) < _FEWEST_SILENCES or len(weights) < 2:
        return None
    return mixture.fit(weights, splits=tuple(math.log2(minutes * 60) for minutes in (5, 30, 180)))


def _step_of(length: int) -> int:
    return next(step for longest, step in STEPS if length <= longest)


def _clear_crossing(found: Mixture) -> float | None:
    if found.separation < _CLEARLY_APART or min(found.lower.share, found.upper.share) < _SMALLEST_SHARE:
        return None
    place = found.crossing()
    return None if place is None else 2.0**place


def _bend(sessions: Mapping[int, int]) -> int | None:
    gaps = list(sessions)
    first, last = sessions[gaps[0]], sessions[gaps[-1]]
    if first == last:
        return None
    width = math.log(gaps[-1] / gaps[0])

    def depth(gap: int) -> float:
        return 1 - math.log(gap / gaps[0]) / width - (sessions[gap] - last) / (first - last)

    return max(gaps, key=depth)


def _nearest(seconds: float) -> int:
    return min(GAPS, key=lambda gap: abs(math.log(gap / seconds)))


def _bars(by_length: Mapping[int, int], gap_rule: str) -> list[tuple[int, int, int]]:
    edges = _edges()
    over = {edge: _count_over(by_length, edge, gap_rule) for edge in edges}
    return [(low, high, over[low] - over[high]) for low, high in pairwise(edges)]


def _edges() -> list[int]:
    decades = math.log10(LONGEST)
    places = (10 ** (place / _BARS_PER_DECADE) for place in range(int(decades * _BARS_PER_DECADE) + 1))
    snapped = {round(place / _step_of(round(place))) * _step_of(round(place)) for place in places}
    return sorted(snapped | {LONGEST})


def _why(found: Mixture | None, crossing: float | None, bend: int | None) -> str:
    if crossing is not None:
        return "The silences within visits and those between them part clearly; here one is as likely as the other."
    if bend is None:
        return "There are too few silences between events to tell."
    if found is None:
        return "There are too few silences for two groups; this is where the curve of sessions bends."
    return "Two groups of silences do not part clearly; this is where the curve of sessions bends."
