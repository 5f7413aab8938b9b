"""The lines that are no usable event: every reject reason of the job, in the shapes of real logs, and blank lines."""

from __future__ import annotations

import heapq
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter

from session_calc.generate.visits import Line

# Takes a share drawn by lot and a good line, and gives the broken one.
# A byte that is no UTF-8 is written as a lone surrogate, as Python's surrogateescape has it.
Shape = Callable[[float, str], str]
# The line's number from 0, the reject reason or `blank`, the broken line.
Break = tuple[int, str, Callable[[str], str]]

_MAX_LINE_BYTES = 10 * 1024 * 1024
_USER = re.compile(r',"anonymous_id":"[^"]*"')
_TIME = re.compile(r',"device_sent_timestamp":-?\d+')


def _cut_off(luck: float, line: str) -> str:
    return line[: 1 + int(luck * (len(line) - 1))]


def _always(text: str) -> Shape:
    return lambda _luck, _line: text


def _without(field: re.Pattern[str]) -> Shape:
    return lambda _, line: field.sub("", line)


def _user(value: str) -> Shape:
    return lambda _, line: _USER.sub(f',"anonymous_id":{value}', line)


def _time(value: str) -> Shape:
    return lambda _, line: _TIME.sub(f',"device_sent_timestamp":{value}', line)


# Dealt like cards: all of them once before any comes again, so that a few broken lines already show many shapes.
_DECK: tuple[tuple[str, Shape], ...] = (
    ("malformed_json", _cut_off),
    ("malformed_json", _cut_off),
    ("malformed_json", _cut_off),
    ("malformed_json", lambda _, line: line + " WARN collector: buffer full"),
    ("malformed_json", lambda _, line: line + line),  # a lost line end
    ("malformed_json", lambda _, line: "[collector-2] " + line),
    ("malformed_json", lambda _, line: line.replace('"path":"/', '"path":"/m\udcfcsli/')),  # ü in Latin-1
    ("malformed_json", lambda _, line: line.replace('"path":"/', '"path":"/\\ud83d')),  # half an emoji
    ("malformed_json", lambda _, line: line.replace('"path":"/', '"path":"/\t')),
    ("malformed_json", lambda _, line: line.replace('"', "'")),  # print() of a dict
    ("malformed_json", lambda _, line: line[:-1] + ",}"),
    ("malformed_json", _time("NaN")),
    ("not_an_object", lambda _, line: f"[{line}]"),
    ("not_an_object", lambda _, line: json.dumps(line, ensure_ascii=False)),  # encoded twice
    ("not_an_object", _always("null")),
    ("missing_user", _user("null")),
    ("missing_user", _user('""')),
    ("missing_user", _without(_USER)),
    ("missing_timestamp", _time("null")),
    ("missing_timestamp", _without(_TIME)),
    ("invalid_timestamp", _time('"Mon Apr 08 2019 12:00:00 GMT+0200"')),
    ("invalid_timestamp", _time('""')),
    ("invalid_timestamp", _time("1554768000123000000")),  # nanoseconds for milliseconds: after the year 9999
    ("blank", _always("")),
    ("blank", _always("\r")),
    ("blank", _always("  \t")),
)


def breaks(line_count: int, share: float, long_line_count: int, rng: random.Random) -> Iterator[Break]:
    """Say which lines are to be broken and how, in order of their numbers. Some may come twice: the first holds."""
    return heapq.merge(_long(line_count, long_line_count), _short(line_count, share, rng), key=itemgetter(0))


def _short(line_count: int, share: float, rng: random.Random) -> Iterator[Break]:
    """Break one line by lot in each stretch of 1/share lines: spread like chance, and nearly exact in number."""
    hand: list[tuple[str, Shape]] = []
    last = -1
    for number in range(round(line_count * share)):
        at = max(last + 1, int((number + rng.random()) / share))
        last = min(at, line_count - 1)
        hand = hand or sorted(_DECK, key=lambda _: rng.random())
        reason, shape = hand.pop()
        yield last, reason, partial(shape, rng.random())


def _long(line_count: int, count: int) -> Iterator[Break]:
    for number in range(count):
        yield (2 * number + 1) * line_count // (2 * count), "line_too_long", _lengthened


def _lengthened(line: str) -> str:
    return line.replace('"path":"/', '"path":"/' + "x" * _MAX_LINE_BYTES)


class Spoiler:
    """Breaks lines, and counts what is broken and what stays whole."""

    def __init__(self, people_count: int) -> None:
        self.broken_count_by_reason: Counter[str] = Counter()
        self.first: int | None = None
        self.last: int | None = None
        self._seen = bytearray(people_count)

    @property
    def user_count(self) -> int:
        """People with a good line."""
        return sum(self._seen)

    def spoil(self, batches: Iterable[list[Line]], all_breaks: Iterator[Break]) -> Iterator[list[str]]:
        """Take the lines in order, and give their texts."""
        before = 0
        upcoming = next(all_breaks, None)
        for lines in batches:
            texts = [text for _, _, _, text in lines]
            broken = set()
            while upcoming and upcoming[0] < before + len(lines):
                number, reason, break_it = upcoming
                if number not in broken:
                    texts[number - before] = break_it(texts[number - before])
                    self.broken_count_by_reason[reason] += 1
                    broken.add(number)
                upcoming = next(all_breaks, None)
            self._note([line for number, line in enumerate(lines, before) if number not in broken] if broken else lines)
            before += len(lines)
            yield texts

    def _note(self, good: list[Line]) -> None:
        if not good:
            return
        for _, _, person, _ in good:
            self._seen[person] = 1
        first, last = min(map(itemgetter(1), good)), max(map(itemgetter(1), good))
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)
