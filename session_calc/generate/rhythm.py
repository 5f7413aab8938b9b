"""When people act: silences inside a visit, events of a visit, rests between visits, and the hours of the day.

Everything here is made of +, -, *, / and tables: `math.log` and the like differ in the last bit between systems, and
so would the files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

Knots = Sequence[tuple[float, float]]

# (share of cases, what they are at most). One silence in 250 is near the usual gap of 30 minutes, some of them exactly
# that long: the case which every definition of a session must decide.
_SILENCES: Knots = (
    (0.0, 0.3 * SECOND),
    (0.25, 4 * SECOND),
    (0.5, 12 * SECOND),
    (0.75, 30 * SECOND),
    (0.9, 75 * SECOND),
    (0.97, 3 * MINUTE),
    (0.996, 10 * MINUTE),
    (0.996, 26 * MINUTE),
    (0.9975, 30 * MINUTE),
    (0.998, 30 * MINUTE),
    (1.0, 38 * MINUTE),
)
_EVENT_COUNTS: Knots = ((0.0, 1), (0.2, 3), (0.5, 11), (0.8, 30), (0.95, 70), (1.0, 150))  # 21 on average
_RESTS: Knots = ((0.0, 45 * MINUTE), (0.3, 75 * MINUTE), (0.7, 3 * HOUR), (0.95, 9 * HOUR), (1.0, 24 * HOUR))

# How lively each hour of the day is, in UTC: asleep at 3, at its best at 20.
_LIVELINESS = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 9, 9, 9, 10, 12, 14, 15, 14, 10, 6)


def by_share(knots: Knots, size: int) -> list[int]:
    """Turn the knots into a table of `size` equally likely values, on straight lines between the knots."""
    return [int(_value_at(knots, (number + 0.5) / size)) for number in range(size)]


def _value_at(knots: Knots, share: float) -> float:
    upper = next(number for number, (at, _) in enumerate(knots) if at > share)
    (left, low), (right, high) = knots[upper - 1], knots[upper]
    return low + (high - low) * (share - left) / (right - left)


# 8,192 different silences look like any number of them, and a look-up is faster than arithmetic.
SILENCES = by_share(_SILENCES, 8_192)
EVENT_COUNTS = by_share(_EVENT_COUNTS, 1_024)
RESTS = by_share(_RESTS, 1_024)


class Clock:
    """Tells the time (in ms since 1970) at which a share of all visits is done."""

    def __init__(self, begin: int, length: int) -> None:
        self.begin = begin
        self.length = length
        self.end = begin + length
        self._hours: list[int] = [*range(begin, self.end, HOUR), self.end]
        spans = zip(self._hours, self._hours[1:], strict=False)
        visits = (_LIVELINESS[hour // HOUR % 24] * (until - hour) for hour, until in spans)
        self._done: list[float] = [0.0, *accumulate(visits)]

    def at(self, share: float) -> int:
        """Never before `begin`, always before `end`; a greater share is never earlier."""
        done = share * self._done[-1]
        number = min(bisect_right(self._done, done), len(self._hours) - 1) - 1
        hour, until = self._hours[number], self._hours[number + 1]
        into = (done - self._done[number]) / (self._done[number + 1] - self._done[number])
        return min(hour + int((until - hour) * into), self.end - 1)
