"""Refuse answers that are surely not what the user meant, and say what was probably meant."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from session_calc import peek
from session_calc.errors import ImplausibleTimes, UnknownField, UnreadableInput, did_you_mean
from session_calc.inputs import Input, Listing
from session_calc.read.judge import to_microseconds
from session_calc.read.stage import open_bytes
from session_calc.schemas import END_PLAUSIBLE, FIRST_PLAUSIBLE, INVALID_TIMESTAMP, MISSING_TIMESTAMP, MISSING_USER, Fields, path_of
from session_calc.tally import Tally

NEARLY_ALL = 0.95
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_MOST_NAMES = 40


@contextmanager
def require_readable(listing: Listing) -> Iterator[None]:
    """Turn an engine's failure into the name of the input that cannot be read, where that is the cause.

    Raises
    ------
    UnreadableInput
        With the first file that is gone, may not be read, or is damaged.
    """
    try:
        yield
    except UnreadableInput:
        raise
    except Exception:
        for one in listing.inputs:
            _require_whole(one)
        raise


def _require_whole(one: Input) -> None:
    try:
        with open_bytes(one) as source:
            while one.compression and source.read(1 << 20):
                pass
            magic = source.read(4) if one.format == "parquet" else b"PAR1"
    except (OSError, EOFError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise UnreadableInput(
            f"{one.path} cannot be read to its end: {what}. Nothing was written. "
            "Fetch the file again, or leave it out of READ_PATH."
        ) from error
    if magic != b"PAR1":
        raise UnreadableInput(f"{one.path} is no Parquet file. Nothing was written. Leave it out of READ_PATH.")


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
    if not suspects or all(one.format == "parquet" for one in listing.inputs):
        return [f"{setting} is {key!r}, and no event has a value there." for setting, key in suspects]
    seen = peek.fields_in(peek.first_objects(listing.inputs))
    unknown = [(setting, key) for setting, key in suspects if key not in seen]
    if unknown:
        shown = ", ".join(seen[:_MOST_NAMES]) + (", ..." if len(seen) > _MOST_NAMES else "")
        raise UnknownField(
            "\n".join(
                f"{setting} is {key!r}, but no event has such a field. The events have: {shown or 'no field at all'}."
                f"{did_you_mean(key, seen)}"
                for setting, key in unknown
            )
        )
    return [f"{setting} is {key!r}, and it is null in every event." for setting, key in suspects]


def _keys_without_values(tally: Tally, fields: Fields) -> list[tuple[str, str]]:
    suspects = [("GROUP_KEY", key) for key in tally.keys_without_values()]
    rejects = tally.ledger.reject_counts
    if tally.ledger.event_count == 0:
        if rejects.get(MISSING_USER):
            suspects += [("USER_KEY", key) for key in fields.user_keys]
        if rejects.get(MISSING_TIMESTAMP) or rejects.get(MISSING_USER):
            suspects.append(("TIMESTAMP_KEY", fields.timestamp_key))
    return suspects


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
    ledger, unit = tally.ledger, fields.timestamp_unit
    timed = ledger.event_count + ledger.reject_counts.get(INVALID_TIMESTAMP, 0)
    if unit == "iso8601" or not timed or tally.plausible_event_count > (1 - NEARLY_ALL) * timed:
        return []
    numbers = list(_numbers(listing.inputs, path_of(fields.timestamp_key)))
    for other, name in _UNITS.items():
        if other != unit and _share_inside(numbers, other) >= NEARLY_ALL:
            sample = next(number for number in numbers if _is_inside(number, other))
            raise ImplausibleTimes(
                f"{fields.timestamp_key} looks like {name} ({sample} is {_day(sample, other)} in {name}, "
                f"{_day(sample, unit)} in {_UNITS[unit]}). Set TIMESTAMP_UNIT={other}."
            )
    if not numbers:
        return []
    return [f"{fields.timestamp_key} holds times such as {_day(numbers[0], unit)}, outside 1990-2100 in any unit."]


def _numbers(inputs: Sequence[Input], path: Sequence[str]) -> Iterator[str]:
    for document in peek.first_objects(inputs):
        value = peek.value_at(document, path)
        if not isinstance(value, bool) and re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", str(value)):
            yield str(value)


def _share_inside(numbers: Sequence[str], unit: str) -> float:
    return sum(_is_inside(number, unit) for number in numbers) / len(numbers) if numbers else 0.0


def _is_inside(number: str, unit: str) -> bool:
    moment = to_microseconds(number, unit)
    return moment is not None and FIRST_PLAUSIBLE <= moment < END_PLAUSIBLE


def _day(number: str, unit: str) -> str:
    moment = to_microseconds(number, unit)
    if moment is None:
        return "no day of the years 1-9999"
    return str((datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)).date())
