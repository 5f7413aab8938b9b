"""Make realistic sample events: people who come in bursts, a few who come often, and the broken lines of real logs.

Needs nothing but Python. The way of the data: `crowd` says who visits, `rhythm` when and for how long, `people` on
which device, `steps` what they do; `visits` writes the lines in order, `broken` spoils some, `files` keeps them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from session_calc.generate.broken import Spoiler, breaks
from session_calc.generate.crowd import Crowd
from session_calc.generate.files import COMPRESSIONS, require_free, targets, write
from session_calc.generate.rhythm import Clock
from session_calc.generate.visits import Visits, in_order_of_arrival

__all__ = ["DEFAULT_START", "Generated", "generate"]

DEFAULT_START = datetime(2019, 4, 8, tzinfo=timezone.utc)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_FEWEST_DAYS = 0.001
# A visit is some 20 events, so this is 2 to 3 visits each: most people come once, and a few come again and again.
_EVENTS_PER_PERSON = 50
# And nobody should have to come oftener than people do, or sessions run into each other.
_EVENTS_PER_PERSON_AND_DAY = 40


@dataclass(frozen=True)
class Generated:
    """What was written: the numbers that a run over these files must find again.

    `broken_count_by_reason` has the reject reasons of the job, and `blank`; a reason without lines is left out.
    `user_count` and the times are those of the good events.
    """

    paths: tuple[Path, ...]
    line_count: int
    user_count: int
    broken_count_by_reason: dict[str, int]
    first_event_time: datetime | None
    last_event_time: datetime | None

    @property
    def event_count(self) -> int:
        """Lines that are good events."""
        return self.line_count - sum(self.broken_count_by_reason.values())


def generate(
    path: Path,
    *,
    line_count: int,
    user_count: int | None = None,
    file_count: int = 1,
    seed: int = 1,
    broken_share: float = 0.0,
    huge_user_share: float = 0.0,
    long_line_count: int = 0,
    start: datetime = DEFAULT_START,
    days: float = 3.0,
    compression: str = "none",
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Generated:
    """Write `line_count` lines of events into the folder `path`, as `events-0001-of-0020.jsonl` and so on.

    The same arguments make the same bytes on every Python from 3.10 on. (Packed files have the same content, but
    another version of zlib may pack it differently.)

    The lines stand in order of arrival, from the first line of the first file to the last line of the last. That is the
    order of `device_sent_timestamp`, but for late arrivals: one event in a hundred comes after later ones, by up to
    ten minutes and mostly by seconds, and so a few of them stand in the file after their own.

    The files appear together, when all are whole. Memory holds the visits under way, not the events.

    Parameters
    ----------
    path : Path
        A folder; made when missing.
    line_count : int
        All lines, broken and blank ones too.
    user_count : int, optional
        Each comes at least once, as long as there are visits for all (20 lines or so each). By default one for every
        50 lines, or more when the time is short. The huge user comes on top.
    broken_share : float
        Share of lines that are no usable event: blank, or of any reject reason but `line_too_long`.
    huge_user_share : float
        Share of lines by one user, a crawler.
    long_line_count : int
        Lines longer than 10 MiB, on top of `broken_share`. Each takes that much disk and memory.
    start : datetime
        Without a time zone it is UTC.
    overwrite : bool
        Replace files of the same names.
    progress : callable, optional
        Is told the lines written so far, every some ten thousand.

    Raises
    ------
    ValueError
        An argument out of its range, or files in the folder that must not be replaced or mixed with these.
    """
    _require(line_count >= 1, "line_count", line_count, "1 or more")
    _require(user_count is None or user_count >= 1, "user_count", user_count, "1 or more")
    _require(1 <= file_count <= min(line_count, 9999), "file_count", file_count, "from 1 to line_count, at most 9999")
    _require(0 <= broken_share <= 1, "broken_share", broken_share, "from 0 to 1, such as 0.01")
    _require(0 <= huge_user_share <= 1, "huge_user_share", huge_user_share, "from 0 to 1, such as 0.5")
    _require(0 <= long_line_count <= line_count, "long_line_count", long_line_count, "from 0 to line_count")
    _require(days >= _FEWEST_DAYS, "days", days, f"{_FEWEST_DAYS} (86 seconds) or more")
    _require(compression in COMPRESSIONS, "compression", repr(compression), f"one of {', '.join(COMPRESSIONS)}")
    begin, length = _milliseconds(start, days)
    paths = targets(path, file_count, compression)
    require_free(path, paths, overwrite=overwrite)

    people_count = user_count or _people_for(line_count, days)
    rng = random.Random(seed)
    visits = Visits(Crowd(people_count, rng), Clock(begin, length), seed, rng)
    lines = in_order_of_arrival(visits.batches(line_count, crawler_share=huge_user_share))
    # Its own random numbers, so that breaking some lines leaves the other lines as they were.
    spoiler = Spoiler(people_count + 1)
    texts = spoiler.spoil(lines, breaks(line_count, broken_share, long_line_count, random.Random(f"broken {seed}")))
    write(texts, paths, line_count, compression, progress)
    return Generated(
        paths=tuple(paths),
        line_count=line_count,
        user_count=spoiler.user_count,
        broken_count_by_reason=dict(sorted(spoiler.broken_count_by_reason.items())),
        first_event_time=_moment(spoiler.first),
        last_event_time=_moment(spoiler.last),
    )


def _people_for(line_count: int, days: float) -> int:
    return max(1, line_count // _EVENTS_PER_PERSON, int(line_count / days / _EVENTS_PER_PERSON_AND_DAY))


def _milliseconds(start: datetime, days: float) -> tuple[int, int]:
    """Say where the time begins (in ms since 1970) and how long it is (in ms)."""
    begin = start if start.tzinfo else start.replace(tzinfo=timezone.utc)
    try:
        length = timedelta(days=days)
        begin.astimezone(timezone.utc) + length  # must be in the calendar, that is before the year 10000
    except OverflowError:
        raise ValueError(f"{days} days from {start.isoformat()} end after the year 9999. Choose fewer days.") from None
    return (begin - _EPOCH) // _MILLISECOND, length // _MILLISECOND


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else _EPOCH + milliseconds * _MILLISECOND


def _require(holds: bool, name: str, value: object, rule: str) -> None:
    if not holds:
        raise ValueError(f"{name} is {value}, but must be {rule}.")
