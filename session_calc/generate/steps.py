"""What people do: an event on a page, and how late its line arrives."""

from __future__ import annotations

import random
from collections.abc import Mapping

# The event's name, the end of the line from the page's path on, and how many ms late it arrives.
Step = tuple[str, str, int]

# Names and their weights.
_EVENTS = {"page_view": 60, "click": 17, "scroll": 8, "search": 5, "ad_view": 4, "cart": 3, "login": 2, "purchase": 1}
_PAGES = {"/": 12, "/news": 8, "/sport": 6, "/search?q=rad": 2, "/search?q=müsli": 1, "/cart": 4, "/checkout": 2}
_PATHS = {
    **_PAGES,
    **{f"/c/{category}": 2 for category in ("bikes", "books", "garden", "jobs", "homes", "cars", "toys", "phones")},
    **{f"/ad/{7_919 * number % 90_000 + 10_000}": 1 for number in range(60)},
}
_REFERRERS = {"null": 73, '"/"': 10, '"https://www.google.com/"': 14, '"https://t.co/"': 3}

_STEP_COUNT = 4_096
_LATE_EVERY = 100
_LATEST = 10 * 60 * 1_000


def steps(rng: random.Random) -> list[Step]:
    """Draw the steps beforehand: 4,096 look like any number of them, and a look-up beats drawing three times."""
    events, paths, referrers = _deck(_EVENTS), _deck(_PATHS), _deck(_REFERRERS)

    def draw(deck: list[str]) -> str:
        return deck[int(rng.random() * len(deck))]

    return [
        (draw(events), f'{draw(paths)}","referrer":{draw(referrers)}}}}}', _delay(number, rng.random()))
        for number in range(_STEP_COUNT)
    ]


def _delay(number: int, luck: float) -> int:
    """Be late once in a hundred steps, mostly by seconds: the cube of a share is mostly small."""
    return int(luck * luck * luck * _LATEST) if number % _LATE_EVERY == 0 else 0


def _deck(weights: Mapping[str, int]) -> list[str]:
    return [name for name, weight in weights.items() for _ in range(weight)]
