"""What stays the same about a person: id, account, country, and nearly always the device."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from session_calc.generate.devices import CRAWLER, DEVICES, MISSING, Device

_T = TypeVar("_T")

_COUNTRIES = {
    "DE": 40,
    "AT": 9,
    "CH": 8,
    "FR": 7,
    "NO": 7,
    "SE": 6,
    "NL": 5,
    "PL": 5,
    "IT": 4,
    "ES": 4,
    "GB": 3,
    "US": 2,
}
_COUNTRY_DECK = [country for country, weight in _COUNTRIES.items() for _ in range(weight)]
_LOGGED_IN_SHARE = 0.35
_TWO_DEVICES_SHARE = 0.03


class Person(NamedTuple):
    """The constant pieces of a person's lines: before the event name, and after the time, one for each device."""

    head: str
    tails: tuple[str, ...]


def person_by_number(seed: int, number: int) -> Person:
    """Make a person from a digest, the same at every visit, so that nobody has to be kept in memory."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    country = _pick(_COUNTRY_DECK, digest[16:18])
    devices = [_pick(_DEVICE_DECK, digest[18:20])]
    if _share(digest[20:22]) < _TWO_DEVICES_SHARE:
        devices.append(_pick(_DEVICE_DECK, digest[22:24]))
    account = str(100_000 + 7 * number) if _share(digest[24:26]) < _LOGGED_IN_SHARE else "null"
    return Person(_head(digest, account), tuple(_tail(device, country) for device in devices))


def crawler(seed: int) -> Person:
    """Make the huge user."""
    digest = hashlib.sha256(f"{seed}/crawler".encode()).digest()
    return Person(_head(digest, "null"), (_tail(_fields(CRAWLER), "US"),))


def _head(digest: bytes, account: str) -> str:
    return f'","anonymous_id":"{uuid.UUID(bytes=digest[:16], version=4)}","user_id":{account},"event":"'


def _tail(device_fields: str, country: str) -> str:
    return f'{device_fields},"country":"{country}","page":{{"path":"'


def _fields(device: Device) -> str:
    """Write a device as JSON fields.

    >>> _fields(Device(1, MISSING, None, "Safari"))
    ',"os_family":null,"browser_family":"Safari"'
    """
    names = {"device_family": device.family, "os_family": device.os, "browser_family": device.browser}
    return "".join(f',"{name}":{json.dumps(value)}' for name, value in names.items() if value != MISSING)


_DEVICE_DECK = [fields for device in DEVICES for fields in [_fields(device)] * device.weight]


def _pick(deck: Sequence[_T], two_bytes: bytes) -> _T:
    return deck[int.from_bytes(two_bytes, "big") * len(deck) >> 16]


def _share(two_bytes: bytes) -> float:
    return int.from_bytes(two_bytes, "big") / 65_536
