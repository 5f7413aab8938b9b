"""Who visits next: a few come again and again, most come once or twice, nobody comes while at rest."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from itertools import accumulate

from session_calc.generate.rhythm import RESTS

_NEVER = -(2**62)
_TRIES = 4
# Zipf's law with a flattened head (Mandelbrot): without it the first person alone would have a tenth of all visits.
_HEAD = 3.0
# The last newcomer comes when this share of the time has passed, so that there is room for all.
_LAST_NEWCOMER = 0.95


class Crowd:
    """The people, by number: 16 bytes each, so that a million of them take 16 MB."""

    def __init__(self, count: int, rng: random.Random) -> None:
        self.count = count
        self._rng = rng
        # Not sum(), which rounds otherwise from Python 3.12 on.
        self._eagerness = array("d", accumulate(1.0 / (rank + _HEAD) for rank in range(count)))
        self._rests_until = array("q", [_NEVER]) * count
        self._known_count = 0

    def visitor(self, now: int, share: float) -> int:
        """Choose who comes now, when this share of all visits is done."""
        if self._newcomer_is_due(share):
            return self._known_count
        person = 0
        for choose in (self._eager, self._any):
            for _ in range(_TRIES):
                person = choose()
                if self._rests_until[person] <= now:
                    return person
        return person  # all are busy: too few people for so many events, and their visits run into each other

    def rest(self, person: int, after: int) -> None:
        """Let the person come again some hours after the last event at the soonest."""
        self._rests_until[person] = after + RESTS[int(self._rng.random() * len(RESTS))]

    def _newcomer_is_due(self, share: float) -> bool:
        while self._known_count < self.count and self._rests_until[self._known_count] != _NEVER:
            self._known_count += 1
        return self._known_count < min(self.count, share / _LAST_NEWCOMER * self.count)

    def _eager(self) -> int:
        # The last float may be rounded up to the total, hence min.
        return min(bisect_right(self._eagerness, self._rng.random() * self._eagerness[-1]), self.count - 1)

    def _any(self) -> int:
        return int(self._rng.random() * self.count)
