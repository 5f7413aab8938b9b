"""The lines of all visits, and the order in which they arrive."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import count

from session_calc.generate.crowd import Crowd
from session_calc.generate.people import Person, crawler, person_by_number
from session_calc.generate.rhythm import EVENT_COUNTS, SILENCES, Clock
from session_calc.generate.steps import steps

# When it arrives, when it happened (both in ms since 1970), the number of the person, the text.
# A plain tuple, because it sorts fastest.
Line = tuple[int, int, int, str]
# Lines, and a time before which no later batch has any.
Batch = tuple[list[Line], int]

# Sorting more lines at once is not faster, and 50,000 lines take 20 MB.
_BATCH = 50_000
# Odd, so that 0, 1, 2 ... times this are all different in 48 bits, and look like nothing in particular.
_SCATTER = 0x9E37_79B9_7F4B
_ID_BITS = 2**48 - 1
# The crawler rests 3 parts of every 16: about 45 minutes every 4 hours.
_CRAWL_PARTS, _ALL_PARTS = 13, 16
_CRAWLS_PER_DAY = 6
_DAY = 24 * 60 * 60 * 1_000


class Visits:
    """Writes visit after visit. `batches` can run once only: it uses up the random numbers."""

    def __init__(self, crowd: Crowd, clock: Clock, seed: int, rng: random.Random) -> None:
        self._crowd = crowd
        self._clock = clock
        self._seed = seed
        self._rng = rng
        self._steps = steps(rng)
        self._crawler = crawler(seed)
        self._crawl_length = clock.length // max(1, round(clock.length / _DAY * _CRAWLS_PER_DAY))
        self._ids = count(int(rng.random() * _ID_BITS), _SCATTER)

    def batches(self, line_count: int, *, crawler_share: float) -> Iterator[Batch]:
        """Write exactly `line_count` lines, in order of the beginnings of the visits."""
        crawled_count = round(line_count * crawler_share)
        visited_count = line_count - crawled_count
        visited = crawled = 0
        lines: list[Line] = []
        while visited + crawled < line_count:
            if visited < visited_count:
                visited += self._visit(lines, visited, visited_count)
            due = crawled_count * visited // visited_count if visited_count else min(crawled + _BATCH, crawled_count)
            self._crawl(lines, crawled, due, crawled_count)
            crawled = due
            if len(lines) >= _BATCH:
                # Visits and the crawler advance together, the crawler never ahead by as much as one line.
                yield lines, self._clock.at(crawled / crawled_count if crawled_count else visited / visited_count)
                lines = []
        yield lines, self._clock.end

    def _visit(self, lines: list[Line], done: int, total: int) -> int:
        """Add a visit of one person, and say how many events it has."""
        random_share = self._rng.random
        event_count = min(EVENT_COUNTS[int(random_share() * len(EVENT_COUNTS))], total - done)
        time = self._clock.at((done + random_share() * event_count) / total)
        number = self._crowd.visitor(time, done / total)
        person = person_by_number(self._seed, number)
        before = len(lines)
        for tail, some in self._by_device(person, event_count):
            time = self._act(lines, number, person.head, tail, time, some)
        self._crowd.rest(number, after=time)
        return len(lines) - before

    def _by_device(self, person: Person, event_count: int) -> list[tuple[str, int]]:
        """Split a visit's events by device: who has two takes either, or changes in the middle of the visit."""
        if len(person.tails) == 1:
            return [(person.tails[0], event_count)]
        luck = self._rng.random()
        first_count = event_count if luck < 0.5 else 0 if luck < 0.8 else event_count // 2
        return [(person.tails[0], first_count), (person.tails[1], event_count - first_count)]

    def _act(self, lines: list[Line], number: int, head: str, tail: str, time: int, event_count: int) -> int:
        """Add `event_count` events, or fewer when the time is up, and say when the next would come."""
        # Local names, because this loop runs for every line.
        random_share, all_steps, silences, text = self._rng.random, self._steps, SILENCES, self._text
        step_count, silence_count, end = len(all_steps), len(silences), self._clock.end
        for _ in range(event_count):
            if time >= end:
                break
            event, page, delay = all_steps[int(random_share() * step_count)]
            lines.append((time + delay, time, number, text(head, event, time, tail, page)))
            time += silences[int(random_share() * silence_count)]
        return time

    def _crawl(self, lines: list[Line], done: int, due: int, total: int) -> None:
        """Add the crawler's lines from number `done` up to `due`."""
        (tail,) = self._crawler.tails
        for crawled in range(done, due):
            time = self._awake(self._clock.at((crawled + 0.5) / total))
            event, page, delay = self._steps[int(self._rng.random() * len(self._steps))]
            lines.append(
                (time + delay, time, self._crowd.count, self._text(self._crawler.head, event, time, tail, page))
            )

    def _awake(self, time: int) -> int:
        """Squeeze the crawler's time, so that each round begins with a rest.

        Never earlier than `time`, or its lines would come after a batch that is sorted already.
        """
        into = (time - self._clock.begin) % self._crawl_length
        rest = self._crawl_length - self._crawl_length * _CRAWL_PARTS // _ALL_PARTS
        return min(time - into + rest + into * _CRAWL_PARTS // _ALL_PARTS, self._clock.end - 1)

    def _text(self, head: str, event: str, time: int, tail: str, page: str) -> str:
        return (
            f'{{"event_id":"{next(self._ids) & _ID_BITS:012x}{head}{event}","device_sent_timestamp":{time}{tail}{page}'
        )


def in_order_of_arrival(batches: Iterable[Batch]) -> Iterator[list[Line]]:
    """Sort what can be sorted by now, and keep the rest: the visits under way."""
    waiting: list[Line] = []
    for lines, until in batches:
        waiting += lines
        waiting.sort()
        cut = bisect_left(waiting, (until,))
        yield waiting[:cut]
        del waiting[:cut]
    yield waiting
