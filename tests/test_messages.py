"""Refusals and warnings of a count: keys that no event has, and times in another unit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting import BASE_RULES, count_bytes, count_files
from oracle import Rules

from session_calc.engines.engine import Engine
from session_calc.errors import ImplausibleTimes, UnknownField
from session_calc.prepare import Counted
from session_calc.results import to_json

MOMENT = 1_554_767_994  # 2019-04-08 in seconds
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
BASE_EVENT = {"user": "ann", "time": MOMENT * 1000, "group": "iPhone", "os_family": "iOS", "page": {"path": "/"}}
THE_EVENTS = "no event has such a field. The events have: group, os_family, page, page.path, time, user."


def lines(*events: Mapping[str, Any]) -> bytes:
    return b"".join(json.dumps({**BASE_EVENT, **event}).encode() + b"\n" for event in events)


def count(engine: Engine, folder: Path, events: Sequence[Mapping[str, Any]], rules: Rules = BASE_RULES) -> Counted:
    return count_bytes(engine, folder, lines(*events), rules)


# ----------------------------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        pytest.param(
            replace(BASE_RULES, group_keys=("os_famly",)),
            f"GROUP_KEY is 'os_famly', but {THE_EVENTS} Did you mean os_family?",
            id="a group key",
        ),
        pytest.param(
            replace(BASE_RULES, user_keys=("usr",)),
            f"USER_KEY is 'usr', but {THE_EVENTS} Did you mean user?",
            id="a user key",
        ),
        pytest.param(
            replace(BASE_RULES, user_keys=("user", "zzz")),
            f"USER_KEY is 'zzz', but {THE_EVENTS}",
            id="one of two user keys, like none that is there",
        ),
        pytest.param(
            replace(BASE_RULES, timestamp_key="timestamp"),
            f"TIMESTAMP_KEY is 'timestamp', but {THE_EVENTS} Did you mean time?",
            id="the time key",
        ),
        pytest.param(
            replace(BASE_RULES, group_keys=("page.pth",)),
            f"GROUP_KEY is 'page.pth', but {THE_EVENTS} Did you mean page.path?",
            id="a nested key",
        ),
        pytest.param(
            replace(BASE_RULES, group_keys=("Group",)),
            f"GROUP_KEY is 'Group', but {THE_EVENTS} Did you mean group?",
            id="a key spelled with another case",
        ),
        pytest.param(
            replace(BASE_RULES, group_keys=("group", "os_famly", "browser")),
            f"GROUP_KEY is 'os_famly', but {THE_EVENTS} "
            "Did you mean os_family?\n"
            f"GROUP_KEY is 'browser', but {THE_EVENTS}",
            id="two of three group keys are told at once",
        ),
        pytest.param(
            replace(BASE_RULES, user_keys=("usr",), timestamp_key="tme", group_keys=("grp",)),
            f"USER_KEY is 'usr', but {THE_EVENTS} Did you mean user?\n"
            f"TIMESTAMP_KEY is 'tme', but {THE_EVENTS} Did you mean time?\n"
            f"GROUP_KEY is 'grp', but {THE_EVENTS} Did you mean group?",
            id="keys of all three kinds are told at once",
        ),
    ],
)
def test_a_key_that_no_event_has_is_told_with_the_fields_seen_and_the_nearest_one(
    engine: Engine, tmp_path: Path, rules: Rules, message: str
) -> None:
    with pytest.raises(UnknownField, match=f"^{re.escape(message)}$"):
        count(engine, tmp_path, [{}, {"user": "bob"}], rules)


def test_of_very_many_fields_the_first_forty_are_named_and_the_nearest_is_found_among_all(
    engine: Engine, tmp_path: Path
) -> None:
    wide = {f"field_{number:03}": 1 for number in range(100)} | {"zone_name": "UTC"}
    with pytest.raises(UnknownField, match=r"have: field_000, .*, field_039, \.\.\. Did you mean zone_name\?$"):
        count(engine, tmp_path, [wide], replace(BASE_RULES, group_keys=("zone_nam",)))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_key_that_no_row_has_is_told_for_other_formats_too(engine: Engine, tmp_path: Path, suffix: str) -> None:
    path = (tmp_path / "events").with_suffix(suffix)
    if suffix == ".csv":
        path.write_text(f'user,time,os_family\n"ann, b",{MOMENT}000,iOS\n')
    else:
        pq.write_table(pa.table({"user": ["ann"], "time": [MOMENT * 1000], "os_family": ["iOS"]}), path)
    message = (
        "GROUP_KEY is 'os_famly', but no event has such a field. The events have: os_family, time, user. "
        "Did you mean os_family?"
    )
    with pytest.raises(UnknownField, match=f"^{re.escape(message)}$"):
        count_files(engine, [path], replace(BASE_RULES, group_keys=("os_famly",)))


def test_a_group_key_that_is_null_in_every_event_only_warns(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"group": None}, {"group": None, "user": "bob"}])
    assert list(counted.warnings) == ["GROUP_KEY is 'group', and it is null in every event."]
    assert to_json(counted.tally.session_counts[BASE_RULES.gaps_us[0], "group"]) == b'{"null":2}\n'


def test_a_user_key_that_is_null_in_every_event_only_warns(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"user": None}, {"user": None}])
    assert list(counted.warnings) == ["USER_KEY is 'user', and it is null in every event."]
    assert counted.tally.ledger.reject_counts == {"missing_user": 2}


def test_a_nested_key_below_the_depth_of_the_message_is_found(engine: Engine, tmp_path: Path) -> None:
    deep = {"a": {"b": {"c": {"d": {"e": None}}}}}
    counted = count(engine, tmp_path, [deep], replace(BASE_RULES, group_keys=("a.b.c.d.e",)))
    assert list(counted.warnings) == ["GROUP_KEY is 'a.b.c.d.e', and it is null in every event."]


def test_a_group_key_that_only_some_events_have_counts_the_others_as_null(engine: Engine, tmp_path: Path) -> None:
    bare = {name: value for name, value in BASE_EVENT.items() if name != "group"}
    data = lines({}) + json.dumps({**bare, "user": "bob"}).encode()
    counted = count_bytes(engine, tmp_path, data)
    assert list(counted.warnings) == []
    assert counted.tally.session_counts[BASE_RULES.gaps_us[0], "group"] == {"iPhone": 1, None: 1}


def test_the_text_null_and_no_value_share_one_name_in_the_result(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"group": "null"}, {"group": None, "user": "bob"}, {"user": "eve"}])
    counts = counted.tally.session_counts[BASE_RULES.gaps_us[0], "group"]
    assert counts == {"null": 1, None: 1, "iPhone": 1}
    assert to_json(counts) == b'{"null":2,"iPhone":1}\n'


def test_lines_that_are_rejected_for_other_reasons_bring_no_word_about_keys(engine: Engine, tmp_path: Path) -> None:
    counted = count_bytes(engine, tmp_path, b"{\n[1]\n" + lines({"user": "", "time": 1}))
    assert list(counted.warnings) == ["none of the 3 lines is an event; the ledger says why."]
    assert counted.tally.ledger.reject_counts == {"malformed_json": 1, "not_an_object": 1, "missing_user": 1}


def day_of(text: int, unit: str) -> str:
    seconds = text / PER_SECOND[unit]
    if seconds >= 253_402_300_800:
        return "no day of the years 1-9999"
    return str(datetime.fromtimestamp(seconds, timezone.utc).date())


@pytest.mark.parametrize(("given", "actual"), list(permutations(PER_SECOND, 2)))
def test_times_in_another_unit_are_refused_and_the_right_unit_is_named(
    engine: Engine, tmp_path: Path, given: str, actual: str
) -> None:
    time = MOMENT * PER_SECOND[actual]
    message = (
        f"time looks like {NAMES[actual]} ({time} is 2019-04-08 in {NAMES[actual]}, {day_of(time, given)} in "
        f"{NAMES[given]}). Set TIMESTAMP_UNIT={actual}."
    )
    with pytest.raises(ImplausibleTimes, match=f"^{re.escape(message)}$"):
        count(engine, tmp_path, [{"time": time}, {"time": time + 1}], replace(BASE_RULES, timestamp_unit=given))


@pytest.mark.parametrize(
    ("time", "given", "actual", "message"),
    [
        pytest.param(
            "2019-04-08T23:59:54Z",
            "ms",
            "iso8601",
            "time looks like ISO 8601 (2019-04-08T23:59:54Z is 2019-04-08 in ISO 8601, no day of the years 1-9999 in "
            "milliseconds). Set TIMESTAMP_UNIT=iso8601.",
            id="ISO 8601 taken for milliseconds",
        ),
        pytest.param(
            MOMENT,
            "iso8601",
            "s",
            f"time looks like seconds ({MOMENT} is 2019-04-08 in seconds, no day of the years 1-9999 in ISO 8601). "
            "Set TIMESTAMP_UNIT=s.",
            id="seconds taken for ISO 8601",
        ),
    ],
)
def test_numbers_and_iso_8601_taken_for_each_other_are_refused(
    engine: Engine, tmp_path: Path, time: Any, given: str, actual: str, message: str
) -> None:
    with pytest.raises(ImplausibleTimes, match=f"^{re.escape(message)}$"):
        count(engine, tmp_path, [{"time": time}] * 2, replace(BASE_RULES, timestamp_unit=given))
    assert count(engine, tmp_path, [{"time": time}], replace(BASE_RULES, timestamp_unit=actual)).warnings == []


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_times_in_another_unit_are_refused_in_other_formats_too(engine: Engine, tmp_path: Path, suffix: str) -> None:
    path = (tmp_path / "events").with_suffix(suffix)
    if suffix == ".csv":
        path.write_text(f'user,group,time\n"ann, b",x,{MOMENT}\n')
    else:
        pq.write_table(pa.table({"user": ["ann"], "group": ["x"], "time": [MOMENT]}), path)
    with pytest.raises(ImplausibleTimes, match=r"^time looks like seconds .*\. Set TIMESTAMP_UNIT=s\.$"):
        count_files(engine, [path])


def test_a_nested_time_in_another_unit_is_refused_by_its_whole_name(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ImplausibleTimes, match=r"^data\.time looks like seconds "):
        count(engine, tmp_path, [{"data": {"time": MOMENT}}], replace(BASE_RULES, timestamp_key="data.time"))


def test_where_one_time_in_ten_makes_sense_in_the_given_unit_it_is_believed(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"time": MOMENT}] * 18 + [{}] * 2)
    assert counted.warnings == []


def test_tiny_times_as_in_tests_only_warn(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"time": 1000}, {"time": 8000}], replace(BASE_RULES, timestamp_unit="s"))
    assert list(counted.warnings) == [
        "time holds times such as 1000, which is 1970-01-01 in seconds: outside 1990-2100."
    ]
    assert counted.tally.ledger.event_count == 2


def test_times_that_are_none_in_any_unit_only_warn(engine: Engine, tmp_path: Path) -> None:
    counted = count(engine, tmp_path, [{"time": "yesterday"}])
    assert list(counted.warnings) == [
        "time holds times such as yesterday, which is no day of the years 1-9999 in milliseconds: outside 1990-2100."
    ]
    assert counted.tally.ledger.reject_counts == {"invalid_timestamp": 1}


def test_times_spelled_as_iso_8601_may_lie_in_any_year(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, timestamp_unit="iso8601")
    counted = count(engine, tmp_path, [{"time": "1815-06-18T11:35:00Z"}], rules)
    assert counted.warnings == []
    assert counted.tally.ledger.event_count == 1


def test_a_name_with_a_dot_in_it_cannot_be_a_key_and_the_message_says_so(engine: Engine, tmp_path: Path) -> None:
    data = b'{"user.id":"a","time":1554767994000,"group":"A"}\n'
    rules = replace(BASE_RULES, user_keys=("user.id",))

    with pytest.raises(UnknownField, match=r"in the events this is one name with a dot in it\. Such a field cannot"):
        count_bytes(engine, tmp_path, data, rules)


@pytest.mark.parametrize(
    ("data", "warning"),
    [(b"", "the inputs hold no line."), (b"x\n\n", "none of the 2 lines is an event; the ledger says why.")],
)
def test_a_run_without_events_warns(engine: Engine, tmp_path: Path, data: bytes, warning: str) -> None:
    assert warning in count_bytes(engine, tmp_path, data).warnings
