"""Sum up numbers by classes that people read: doublings of counts, and usual lengths of time."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

# how finely lengths of time are counted, in seconds: up to this long, in steps of this
STEPS = ((60, 1), (600, 5), (3_600, 30), (86_400, 300), (2_592_000, 3_600))
LONGEST = STEPS[-1][0]
LONGER_STILL = LONGEST + STEPS[-1][1]  # stands for whatever is longer

# each a place at which STEPS count exactly
_ENDS = (0, 1, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, LONGEST)


def in_doublings(counts: Mapping[int, int]) -> list[dict[str, int]]:
    """Sum up counts by classes of 1, 2 to 3, 4 to 7, 8 to 15, ...

    Examples
    --------
    >>> in_doublings({1: 5, 2: 1, 3: 1})
    [{'from': 1, 'to': 1, 'count': 5}, {'from': 2, 'to': 3, 'count': 2}]
    """
    classes: dict[int, int] = {}
    for number, count in counts.items():
        classes[number.bit_length()] = classes.get(number.bit_length(), 0) + count
    top = max(classes, default=0)
    return [{"from": 1 << bits - 1, "to": (1 << bits) - 1, "count": classes.get(bits, 0)} for bits in range(1, top + 1)]


def in_durations(by_duration: Mapping[int, int]) -> list[dict[str, Any]]:
    """Sum up durations in seconds, rounded up as STEPS say: one moment, up to a second, up to ten, ...

    Examples
    --------
    >>> in_durations({0: 2, 7: 1})[-1]
    {'from': 1, 'to': 10, 'count': 1}
    """
    found: list[dict[str, Any]] = [{"from": 0, "to": 0, "count": by_duration.get(0, 0)}]
    for low, high in pairwise([*_ENDS, LONGER_STILL]):
        count = sum(its for length, its in by_duration.items() if low < length <= high)
        found.append({"from": low, "to": None if high == LONGER_STILL else high, "count": count})
    while len(found) > 1 and not found[-1]["count"]:
        found.pop()
    return found


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """Give the smallest number that this share does not exceed.

    Examples
    --------
    >>> quantile({1: 3, 10: 1}, 0.5), quantile({1: 3, 10: 1}, 0.9)
    (1, 10)
    """
    left = share * sum(counts.values())
    for number, count in sorted(counts.items()):
        left -= count
        if left <= 0:
            return number
    return None
