"""Two normal distributions that together look most like the data: the expectation-maximisation algorithm, weighted.

Source: A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm",
Journal of the Royal Statistical Society B 39 (1977).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

_ROUNDS = 300
_SMALL_STEP = 1e-9  # of the mean log-likelihood: nothing changes any more
_NARROWEST = 0.15  # a component that falls into one bin would be infinitely likely


@dataclass(frozen=True)
class Normal:
    """A normal distribution, and the share of the data that is its."""

    share: float
    mean: float
    deviation: float

    def density(self, place: float) -> float:
        distance = (place - self.mean) / self.deviation
        return self.share * math.exp(-0.5 * distance * distance) / (self.deviation * math.sqrt(2 * math.pi))


@dataclass(frozen=True)
class Mixture:
    """The lower and the upper of two normal distributions."""

    lower: Normal
    upper: Normal

    @property
    def separation(self) -> float:
        """Ashman's D; above 2 the two are clearly apart (Ashman, Bird and Zepf 1994)."""
        spread = math.sqrt((self.lower.deviation**2 + self.upper.deviation**2) / 2)
        return (self.upper.mean - self.lower.mean) / spread

    def crossing(self) -> float | None:
        """Find the place between the means at which a value is as likely of the lower as of the upper one."""
        low, high = self.lower.mean, self.upper.mean
        if self._leans_up(low) or not self._leans_up(high):
            return None
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self._leans_up(middle) else (middle, high)
        return (low + high) / 2

    def _leans_up(self, place: float) -> bool:
        return self.upper.density(place) > self.lower.density(place)


def fit(weights: Mapping[float, float], splits: tuple[float, ...]) -> Mixture | None:
    """Fit two normal distributions to weighted places; the likeliest of what is found from several first splits.

    Parameters
    ----------
    weights : places, and how much of the data lies there
    splits : tuple of float
        From each the search begins once, with what is below and what is above it.
    """
    found = [mixture for split in splits if (mixture := _fit_from(weights, split))]
    return max(found, key=lambda mixture: _likelihood(weights, mixture), default=None)


def _fit_from(weights: Mapping[float, float], split: float) -> Mixture | None:
    whole = sum(weights.values())
    lower = _normal({place: weight for place, weight in weights.items() if place <= split}, whole)
    upper = _normal({place: weight for place, weight in weights.items() if place > split}, whole)
    if lower is None or upper is None:
        return None
    mixture, before = Mixture(lower, upper), -math.inf
    for _ in range(_ROUNDS):
        belongs = {place: _share_of_lower(mixture, place) for place in weights}
        lower = _normal({place: weight * belongs[place] for place, weight in weights.items()}, whole)
        upper = _normal({place: weight * (1 - belongs[place]) for place, weight in weights.items()}, whole)
        if lower is None or upper is None:
            return None
        mixture = Mixture(lower, upper)
        now = _likelihood(weights, mixture)
        if now - before < _SMALL_STEP:
            break
        before = now
    return mixture if mixture.lower.mean < mixture.upper.mean else Mixture(mixture.upper, mixture.lower)


def _normal(weights: Mapping[float, float], whole: float) -> Normal | None:
    weight = sum(weights.values())
    if weight <= 0:
        return None
    mean = sum(place * its for place, its in weights.items()) / weight
    variance = sum(its * (place - mean) ** 2 for place, its in weights.items()) / weight
    return Normal(weight / whole, mean, max(math.sqrt(variance), _NARROWEST))


def _share_of_lower(mixture: Mixture, place: float) -> float:
    lower, upper = mixture.lower.density(place), mixture.upper.density(place)
    return lower / (lower + upper) if lower + upper else float(place < mixture.upper.mean)


def _likelihood(weights: Mapping[float, float], mixture: Mixture) -> float:
    whole = sum(weights.values())
    smallest = 1e-300  # of a place that neither reaches
    return sum(
        weight * math.log(max(mixture.lower.density(place) + mixture.upper.density(place), smallest))
        for place, weight in weights.items()
    ) / (whole or 1)
