"""Refuse answers that are surely not what the user meant, and say what was probably meant."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from session_calc import peek
from session_calc.engines.failures import explained
from session_calc.errors import ImplausibleTimes, UnknownField, UnreadableInput, did_you_mean
from session_calc.inputs import Input, Listing
from session_calc.read.judge import to_microseconds
from session_calc.read.whole import require_whole
from session_calc.schemas import (
    END_PLAUSIBLE,
    FIRST_PLAUSIBLE,
    INVALID_TIMESTAMP,
    MISSING_TIMESTAMP,
    MISSING_USER,
    Fields,
    path_of,
)
from session_calc.tally import Tally

NEARLY_ALL = 0.95
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "iso8601": "ISO 8601"}
_MOST_NAMES = 40
_LONGEST_TIME = 64  # characters; what is longer is no time


@contextmanager
def require_readable(listing: Listing) -> Iterator[None]:
    """Turn an engine's failure into the name of the input that cannot be read, or into what else can be mended.

    Raises
    ------
    UnreadableInput
        With the first file that is gone, may not be read, or is damaged.
    EngineUnavailable
        The engine's workers do not fit this process.
    """
    try:
        yield
    except UnreadableInput:
        raise
    except Exception as failure:
        for one in listing.inputs:
            require_whole(one)
        known = explained(failure)
        if known:
            raise known from failure
        raise


def require_plausible(tally: Tally, listing: Listing, fields: Fields) -> list[str]:
    """Look at a run's numbers in every way that this module has, and give the warnings.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes
        As the functions below.
    """
    require_lines(tally, listing)
    unknown = require_known_fields(tally, listing, fields)
    implausible = require_plausible_times(tally, listing, fields)
    return [*unknown, *warn_of_unseen_keys(listing, fields), *implausible] or warn_of_no_events(tally)


def require_lines(tally: Tally, listing: Listing) -> None:
    """Make sure that lines were found where there are some, for not every engine says when it does not see a file.

    Raises
    ------
    UnreadableInput
        An input holds bytes as they are, and there was no line in all of them.
    """
    with_lines = [one for one in listing.inputs if one.byte_count and one.format != "parquet" and not one.compression]
    if with_lines and not tally.ledger.line_count + tally.ledger.header_count:
        raise UnreadableInput(
            f"The engine found no line in {with_lines[0].path}, which has {with_lines[0].byte_count:,} bytes, nor in "
            "any other input. Nothing was written. A server must find READ_PATH by the same name as this machine: on "
            "S3, or in a folder that both mount."
        )


def require_known_fields(tally: Tally, listing: Listing, fields: Fields) -> list[str]:
    """Make sure that every key names a field that some event has.

    Returns
    -------
    list of str
        Warnings: keys whose field is there, but always null.

    Raises
    ------
    UnknownField
        With every such key, the fields that are there, and the nearest one.
    """
    suspects = _keys_without_values(tally, fields)
    if not suspects:
        return []
    depth = max(peek.DEEPEST, *(len(path_of(key)) for _, key in suspects))
    seen = peek.fields_in(peek.first_objects(listing.inputs), depth)
    unknown = [(setting, key) for setting, key in suspects if key not in seen]
    if unknown and seen:
        raise UnknownField("\n".join(_unknown_field(setting, key, list(seen)) for setting, key in unknown))
    return [
        f"{setting} is {key!r}, and it is null in every event." for setting, key in suspects if not seen.get(key, False)
    ]


def warn_of_unseen_keys(listing: Listing, fields: Fields) -> list[str]:
    """Give a warning for each key of a rule that the first events lack: no error, for later ones may have it."""
    keys = [("EVENT_KEY", fields.event_key), ("DEDUPE_KEY", fields.id_key)]
    keys = [(setting, key) for setting, key in keys if key]
    keys += [("SPLIT_ON_CHANGE", key) for key in fields.change_keys]
    if not keys:
        return []
    seen = peek.fields_in(peek.first_objects(listing.inputs), max(len(path_of(key)) for _, key in keys))
    return [
        f"{setting} is {key!r}, which none of the first events has.{did_you_mean(key, list(seen))}"
        for setting, key in keys
        if seen and key not in seen
    ]


def warn_of_no_events(tally: Tally) -> list[str]:
    """Give a warning where no line is an event."""
    ledger = tally.ledger
    if ledger.event_count:
        return []
    if not ledger.line_count:
        return ["the inputs hold no line."]
    return [f"none of the {ledger.line_count:,} lines is an event; the ledger says why."]


def _keys_without_values(tally: Tally, fields: Fields) -> list[tuple[str, str]]:
    if tally.ledger.event_count:
        return [("GROUP_KEY", key) for key in tally.keys_without_values()]
    rejects = tally.ledger.reject_counts
    if not (rejects.get(MISSING_USER) or rejects.get(MISSING_TIMESTAMP)):
        return []
    users, groups = [("USER_KEY", key) for key in fields.user_keys], [("GROUP_KEY", key) for key in fields.group_keys]
    return [*users, ("TIMESTAMP_KEY", fields.timestamp_key), *groups]


def _unknown_field(setting: str, key: str, seen: Sequence[str]) -> str:
    few = ", ".join(seen[:_MOST_NAMES]) + (", ..." if len(seen) > _MOST_NAMES else ".")
    if f'"{key}"' in seen:
        return (
            f"{setting} is {key!r}, which names a field inside an object, but in the events this is one name with a "
            f"dot in it. Such a field cannot be a key: rename it. The events have: {few}"
        )
    return f"{setting} is {key!r}, but no event has such a field. The events have: {few}{did_you_mean(key, seen)}"


def require_plausible_times(tally: Tally, listing: Listing, fields: Fields) -> list[str]:
    """Make sure that the times are not in another unit than TIMESTAMP_UNIT says.

    Returns
    -------
    list of str
        A warning where the times fit no unit.

    Raises
    ------
    ImplausibleTimes
        Nearly all times lie outside 1990-2100, and in another unit nearly all lie inside.
    """
    ledger, unit, key = tally.ledger, fields.timestamp_unit, fields.timestamp_key
    timed = ledger.event_count + ledger.reject_counts.get(INVALID_TIMESTAMP, 0)
    if not timed or tally.plausible_event_count > (1 - NEARLY_ALL) * timed:
        return []
    texts = list(_times_as_text(listing.inputs, key))
    for other, name in _UNITS.items():
        if other != unit and _share_inside(texts, other) >= NEARLY_ALL:
            sample = next(text for text in texts if _is_inside(text, other))
            raise ImplausibleTimes(
                f"{key} looks like {name} ({sample} is {_day(sample, other)} in {name}, "
                f"{_day(sample, unit)} in {_UNITS[unit]}). Set TIMESTAMP_UNIT={other}."
            )
    if not texts or (unit == "iso8601" and ledger.event_count):  # who spells a date out means it
        return []
    sample = next((text for text in texts if to_microseconds(text, unit) is not None), texts[0])
    return [f"{key} holds times such as {sample}, which is {_day(sample, unit)} in {_UNITS[unit]}: outside 1990-2100."]


def _times_as_text(inputs: Sequence[Input], key: str) -> Iterator[str]:
    for document in peek.first_objects(inputs):
        value = document[key] if key in document else peek.value_at(document, path_of(key))
        if isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
            yield str(value)[:_LONGEST_TIME]


def _share_inside(texts: Sequence[str], unit: str) -> float:
    return sum(_is_inside(text, unit) for text in texts) / len(texts) if texts else 0.0


def _is_inside(text: str, unit: str) -> bool:
    moment = to_microseconds(text, unit)
    return moment is not None and FIRST_PLAUSIBLE <= moment < END_PLAUSIBLE


def _day(text: str, unit: str) -> str:
    moment = to_microseconds(text, unit)
    if moment is None:
        return "no day of the years 1-9999"
    return str((datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)).date())
