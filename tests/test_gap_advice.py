"""The gap advisor finds the gap that the events were made with, and says so where there is none to find."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from session_calc.classes import LONGEST
from session_calc.profile import advice, mixture
from session_calc.profile.mixture import Mixture, Normal


def lengths(*groups: tuple[int, float, float]) -> dict[int, int]:
    """Draw silences of several groups: how many, their typical seconds, and the factor of their spread."""
    chance = random.Random(1)
    drawn = [
        round(math.exp(chance.gauss(math.log(typical), math.log(spread))))
        for count, typical, spread in groups
        for _ in range(count)
    ]
    return dict(Counter(snapped(length) for length in drawn if length > 0))


def snapped(length: int) -> int:
    if length > LONGEST:
        return LONGEST + 3_600
    step = advice._step_of(length)
    return -(-length // step) * step


def test_the_gap_lies_where_a_silence_is_as_likely_within_a_visit_as_between_two() -> None:
    found = advice.of_silences(lengths((20_000, 30, 3), (2_000, 86_400, 3)), 500, "longer")
    assert found.crossing_seconds is not None
    assert 1_200 < found.crossing_seconds < 7_200
    assert found.suggested_seconds in advice.GAPS
    assert found.why.startswith("The silences within visits and those between them part clearly")
    assert found.mixture is not None
    assert 20 < 2**found.mixture.lower.mean < 45
    assert 50_000 < 2**found.mixture.upper.mean < 140_000
    assert abs(found.mixture.lower.share - 10 / 11) < 0.02


def test_silences_of_one_group_have_no_valley_and_the_bend_is_taken() -> None:
    found = advice.of_silences(lengths((5_000, 600, 4)), 500, "longer")
    assert found.crossing_seconds is None
    assert found.suggested_seconds == found.bend_seconds
    assert found.why == "Two groups of silences do not part clearly; this is where the curve of sessions bends."


@pytest.mark.parametrize(("silences", "why"), [({}, "too few silences between"), ({60: 5}, "too few silences for two")])
def test_few_silences_are_said_to_be_few(silences: dict[int, int], why: str) -> None:
    found = advice.of_silences(silences, 5, "longer")
    assert why in found.why
    assert found.mixture is None


def test_a_silence_of_exactly_the_gap_is_over_it_as_the_rule_says() -> None:
    assert advice.of_silences({600: 3}, 1, "longer").sessions_by_gap[600] == 1
    assert advice.of_silences({600: 3}, 1, "reach").sessions_by_gap[600] == 4


def test_the_bars_hold_every_silence_from_a_second_to_thirty_days_once() -> None:
    silences = lengths((5_000, 100, 30), (1_000, 1_000_000, 5))
    found = advice.of_silences(silences, 10, "longer")
    assert [low for low, _, _ in found.bars[1:]] == [high for _, high, _ in found.bars[:-1]]
    assert (found.bars[0][0], found.bars[-1][1]) == (1, LONGEST)
    inside = sum(count for length, count in silences.items() if 1 < length <= LONGEST)
    assert sum(count for _, _, count in found.bars) == inside
    assert found.longer_count == sum(count for length, count in silences.items() if length > LONGEST)


def test_two_components_cross_where_their_densities_are_the_same() -> None:
    found = Mixture(Normal(0.5, 0.0, 1.0), Normal(0.5, 10.0, 1.0))
    assert found.separation == pytest.approx(10)
    assert found.crossing() == pytest.approx(5)


def test_one_component_inside_the_other_has_no_crossing() -> None:
    assert Mixture(Normal(0.99, 0.0, 5.0), Normal(0.01, 1.0, 4.0)).crossing() is None


def test_a_mixture_needs_something_on_either_side() -> None:
    assert mixture.fit({1.0: 5.0, 2.0: 5.0}, splits=(3.0,)) is None
