"""What the sampled lines show of time: how many stand out of order in their files, and which unit the times are in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from session_calc.profile.sample import FileSample, Line, at, spell, to_moment
from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE, TIMESTAMP_UNITS

NEARLY_ALL = 0.95
_MOST_TIMES = 5_000  # a unit shows in few


@dataclass(frozen=True)
class FileOrder:
    """How the sampled events of a file follow each other.

    Attributes
    ----------
    followed_count : int
        Events with another event before them in the same stretch of the file.
    late_count : int
        Of these, events earlier than one before them.
    latest_by : int, microseconds
        The largest step back.
    """

    path: str
    is_whole: bool
    followed_count: int
    late_count: int
    latest_by: int


@dataclass(frozen=True)
class Unit:
    """In which unit the times probably are.

    Attributes
    ----------
    share_plausible : per unit, the share of times that lie in the years 1990-2099
    suspected : the unit in which nearly all do; None where there is none, or several
    """

    time_count: int
    share_plausible: dict[str, float]
    suspected: str | None


def of_file(file: FileSample) -> FileOrder:
    """Compare each sampled event of a file with the latest one before it."""
    followed = late = latest_by = 0
    for stretch in file.stretches:
        latest: int | None = None
        for line in stretch:
            if line.set_aside is not None or line.event_time is None:
                continue
            if latest is not None:
                followed += 1
                late += line.event_time < latest
                latest_by = max(latest_by, latest - line.event_time)
            latest = line.event_time if latest is None else max(latest, line.event_time)
    return FileOrder(file.path, file.is_whole, followed, late, latest_by)


def unit_of(lines: Iterable[Line], timestamp_key: str) -> Unit:
    """Read the times in every unit, and see in which they make sense."""
    values = (at(line.document, timestamp_key) for line in lines if line.document is not None)
    times = list(islice((value for value in values if value is not None and spell(value)), _MOST_TIMES))
    inside = {unit: sum(_is_plausible(to_moment(time, unit)) for time in times) for unit in TIMESTAMP_UNITS}
    shares = {unit: count / len(times) if times else 0.0 for unit, count in inside.items()}
    fitting = [unit for unit, share in shares.items() if share >= NEARLY_ALL]
    return Unit(len(times), shares, fitting[0] if len(fitting) == 1 else None)


def _is_plausible(moment: int | None) -> bool:
    return moment is not None and FIRST_PLAUSIBLE <= moment < END_PLAUSIBLE
