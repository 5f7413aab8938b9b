"""The oracle judges the package, so it is judged here: by hand-worked cases, fractions and datetime."""

from collections import Counter
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from math import floor

import pytest
from hostile import hostile_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from line_cases import LINE_CASES
from oracle import Event, Rules, answer, floor_shifted, microseconds, read_line, session_value, sessions, split_lines
from strict_json import Verbatim

RULES = Rules(("u",), "t", "ms", ("g",), (10_000,))
STEADY = settings(max_examples=300, deadline=None, derandomize=True, database=None)
GAP = 10

number_texts = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


def outcome(line: bytes, rules: Rules = RULES) -> str:
    result = read_line(line, rules)
    return result if isinstance(result, str) else "event"


def event(line: str, rules: Rules = RULES) -> Event:
    result = read_line(line.encode(), rules)
    assert isinstance(result, Event)
    return result


def user_of(value: str) -> str:
    return event(f'{{"u":{value},"t":0}}').user[0]


def events(*moments: tuple[int, str | None], user: str = "a") -> list[Event]:
    return [Event((user,), time, (group,)) for time, group in moments]


def times(found: list[list[Event]]) -> list[list[int]]:
    return [[one.event_time for one in session] for session in found]


def values(found: list[list[Event]]) -> list[str | None]:
    return [session_value(session, 0) for session in found]


# --------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("line", "expected"), [pytest.param(line, result, id=name) for name, line, result in LINE_CASES]
)
def test_every_line_case_holds(line: bytes, expected: str) -> None:
    assert outcome(line) == expected


def test_line_cases_have_names_of_their_own() -> None:
    assert len({name for name, _, _ in LINE_CASES}) == len(LINE_CASES) >= 90


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\n\nb\x0b\xe2\x80\xa8", [b"a\r", b"", b"b\x0b\xe2\x80\xa8"]),
    ],
)
def test_lines_end_at_line_feeds_only(data: bytes, lines: list[bytes]) -> None:
    assert split_lines(data) == lines


def test_a_line_is_too_long_by_its_bytes_without_the_mark_and_with_the_carriage_return() -> None:
    line = '{"u":"é","t":1}'.encode()
    exactly, shorter = (Rules(("u",), "t", "ms", (), (1,), max_line_bytes=len(line) - less) for less in (0, 1))
    assert outcome(line, exactly) == "event"
    assert outcome(b"\xef\xbb\xbf" + line, exactly) == "event"
    assert outcome(line + b"\r", exactly) == "line_too_long"
    assert outcome(line, shorter) == "line_too_long"
    assert outcome(b" " * len(line), shorter) == "line_too_long"


def test_a_dotted_key_leads_through_objects_only() -> None:
    rules = Rules(("d.u",), "d.t", "ms", ("d.x.g", "h"), (1,))
    assert event('{"d":{"u":"a","t":1,"x":{"g":2}},"h":[ ]}', rules) == Event(("a",), 1000, ("2", "[]"))
    assert event('{"d":{"u":"a","t":1,"x":"g"}}', rules).groups == (None, None)
    assert outcome(b'{"d.u":"a","d.t":1,"d":{"t":1}}', rules) == "missing_user"
    assert outcome(b'{"d":{"u":"a","t":1},"d":{"u":"a"}}', rules) == "missing_timestamp"
    assert outcome(b'{"d":[{"u":"a","t":1}]}', rules) == "missing_user"


def test_every_user_key_must_be_there() -> None:
    rules = Rules(("u", "v"), "t", "ms", (), (1,))
    assert event('{"u":"a","v":0,"t":1}', rules).user == ("a", "0")
    assert outcome(b'{"u":"a","v":"","t":1}', rules) == "missing_user"
    assert outcome(b'{"v":"a","t":1}', rules) == "missing_user"


@pytest.mark.parametrize(
    "text", ["1.50", "1e3", "1E+3", "-0", "0.10", "12345678901234567890123456", "true", "false", "[]", "{}"]
)
def test_what_is_no_string_is_the_user_as_it_is_written(text: str) -> None:
    assert user_of(text) == user_of(f'"{text}"') == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("[ 1.50 , -0,\t1E5 , null, true ]", "[1.50,-0,1E5,null,true]"),
        ('{ "b" : 1 , "a" : { } , "b" : [ ] }', '{"b":[],"a":{}}'),
        (r'["\u00e9\/\u001F\u007f\t\b\"\\\ud83d\ude00"]', '["é/\\u001f\x7f\\t\\b\\"\\\\\U0001f600"]'),
        (r'{"\u0062":{"b":1},"b":{"c":2}}', '{"b":{"c":2}}'),
    ],
)
def test_an_object_or_array_is_the_user_in_compact_form(written: str, text: str) -> None:
    assert user_of(written) == text


# ---------------------------------------------------------------------------------------------------------------- time


@STEADY
@given(number_texts, st.sampled_from([6, 3, 0, -3]))
def test_a_number_is_floored_as_the_exact_fraction_is(text: str, power: int) -> None:
    exact = floor(Fraction(text) * Fraction(10) ** power)
    floored = floor_shifted(text, power)
    assert floored == exact if floored is not None else abs(exact) >= 10**19 - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0e999999999999", 0),
        ("1e-999999999999", 0),
        ("-1e-999999999999", -1),
        ("1e999999999999", None),
        ("-1e" + "9" * 5000, None),
        ("-1e-" + "9" * 5000, -1),
        ("0." + "0" * 5000 + "15e5001", 1_500),
        ("15" + "0" * 5000 + "e-5001", 1_500),
        ("-0.0000001", -1),
        ("-1.001", -1_001),
        ("-1.0010", -1_001),
        ("-1.0010000001", -1_002),
    ],
)
def test_a_number_of_milliseconds_is_floored_to_microseconds(text: str, expected: int | None) -> None:
    assert microseconds(Verbatim(text), "ms") == microseconds(text, "ms") == expected


@pytest.mark.parametrize(("unit", "expected"), [("s", -1_500_001), ("ms", -1_501), ("us", -2), ("ns", -1)])
def test_each_unit_is_floored_to_microseconds(unit: str, expected: int) -> None:
    assert microseconds(Verbatim("-1.5000001"), unit) == expected


@STEADY
@given(st.datetimes(), st.integers(-1439, 1439))
def test_a_moment_is_read_as_the_datetime_module_reads_it(moment: datetime, offset: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    since_1970 = zoned - datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert microseconds(zoned.isoformat(), "iso8601") == since_1970 // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400_000_000),
        ("1970-01-01T00:01", 60_000_000),
        ("1970-01-01t00:00:01z", 1_000_000),
        ("1970-01-01 00:00:01,5", 1_500_000),
        ("1970-01-01T00:00:00.0000019", 1),
        ("1969-12-31T23:59:59.9999999", -1),
        ("1970-01-01T00:00:00." + "9" * 5000, 999_999),
        ("1970-01-01T01:00+01", 0),
        ("1970-01-01T00:00-0130", 5_400_000_000),
        ("1970-01-01T00:00:00+23:59", -86_340_000_000),
        ("2000-02-29", 951_782_400_000_000),
    ],
)
def test_a_date_with_or_without_a_time_and_a_zone_is_a_moment(text: str, expected: int) -> None:
    assert microseconds(text, "iso8601") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("1900-02-29", "2020-13-01", "2020-04-31", "0000-01-01", "10000-01-01", "2020-1-1", "2020-01", "20200101"),
        *("2020-01-01Z", "2020-01-01T", "2020-01-01T10", "2020-01-01T24:00", "2020-01-01T10:60"),
        *("2020-01-01T10:00:60", "2020-01-01T10:00.5", "2020-01-01T10:00:00.", "2020-01-01T10:00+24"),
        *("2020-01-01T10:00+01:60", "2020-01-01T10:00+1", "2020-01-01T10:00+01:", "2020-01-01T10:00\u221201"),
        *("202\u0660-01-01", "now", "", " 2020-01-01", "2020-01-01\n", "2020-01-01T10:00 Z", "2020-01-01  10:00"),
        *("2020-01-01T10:00Z\n"),
    ],
)
def test_any_other_text_is_no_moment(text: str) -> None:
    assert microseconds(text, "iso8601") is None


def test_a_number_is_no_moment() -> None:
    assert microseconds(Verbatim("2020"), "iso8601") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00+00:01", "invalid_timestamp"),
        ("0001-01-01T00:00-00:01", "event"),
        ("9999-12-31T23:59:59.9999999", "event"),
        ("9999-12-31T23:59:59-00:01", "invalid_timestamp"),
    ],
)
def test_a_moment_lies_in_the_years_1_to_9999_of_utc(text: str, expected: str) -> None:
    rules = Rules(("u",), "t", "iso8601", (), (1,))
    assert outcome(f'{{"u":"a","t":"{text}"}}'.encode(), rules) == expected


# ------------------------------------------------------------------------------------------------------------ sessions


@pytest.mark.parametrize(("rule", "expected"), [("longer", [[0, 10, 20], [31]]), ("reach", [[0], [10], [20], [31]])])
def test_a_silence_of_exactly_the_gap_begins_a_session_only_when_it_may_reach(
    rule: str, expected: list[list[int]]
) -> None:
    assert times(sessions(events((0, "x"), (10, "x"), (20, "x"), (31, "x")), GAP, rule)) == expected


def test_silence_is_counted_from_the_previous_event_also_across_zero_and_out_of_order() -> None:
    shuffled = events((-1, "x"), (-25, "x"), (9, "x"), (-11, "x"), (-24, "x"))
    assert times(sessions(shuffled, GAP, "longer")) == [[-25, -24], [-11, -1, 9]]


def test_each_user_has_sessions_of_their_own() -> None:
    both = events((0, "x"), (10, "x")) + events((5, "y"), (21, "y"), user="b")
    assert times(sessions(both, GAP, "longer")) == [[0, 10], [5], [21]]


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ([(0, "b"), (1, "a")], "b"),
        ([(1, "a"), (0, "b")], "b"),
        ([(0, "b"), (0, "a")], "a"),
        ([(0, None), (0, "z"), (1, "a")], "z"),
        ([(0, None), (0, None), (1, "a")], None),
        ([(0, ""), (0, "a"), (0, None)], ""),
        ([(0, "a"), (0, "Z")], "Z"),
        ([(0, "\U00010000"), (0, "\uffff")], "\uffff"),
    ],
)
def test_a_session_has_the_smallest_value_of_its_first_moment(
    moments: list[tuple[int, str | None]], expected: str | None
) -> None:
    assert values(sessions(events(*moments), GAP, "longer")) == [expected]


def test_the_seed_case_counts_three_sessions_of_a_and_one_of_b() -> None:
    rows = [
        (1, 1000, "A"),
        (1, 2000, "A"),
        (1, 6000, "A"),
        (1, 9600, "A"),
        (2, 1000, "A"),
        (2, 1000, "A"),
        (2, 8000, "B"),
    ]
    data = "".join(
        f'{{"user_key": {user}, "timestamp_key": {time}, "group_field1": "{group}"}}\n' for user, time, group in rows
    )
    hour = 3_600_000_000
    result = answer(data.encode(), Rules(("user_key",), "timestamp_key", "s", ("group_field1",), (hour,)))
    assert result.session_counts == {(hour, "group_field1"): {"A": 3, "B": 1}}
    assert result.ledger == {"lines": 7, "events": 7, "blank": 0}
    assert (result.user_count, result.first_event_time, result.last_event_time) == (2, 1_000_000_000, 9_600_000_000)


def test_the_answer_counts_every_line_once_and_each_gap_and_group_apart() -> None:
    data = b'{"u":1,"t":0,"g":"x"}\n\n{"u":"1","t":20}\n[]\nno\n{"t":1}\n{"u":1}\n{"u":1,"t":"x"}'
    result = answer(data, Rules(("u",), "t", "us", ("g", "h"), (10, 20)))
    reasons = ["blank", "not_an_object", "malformed_json", "missing_user", "missing_timestamp", "invalid_timestamp"]
    assert result.ledger == {"lines": 8, "events": 2} | dict.fromkeys(reasons, 1)
    assert result.user_count == 1
    one, two = {"x": 1}, {"x": 1, None: 1}
    assert result.session_counts == {(10, "g"): two, (10, "h"): {None: 2}, (20, "g"): one, (20, "h"): {None: 1}}


def test_no_events_give_no_sessions_and_no_times() -> None:
    result = answer(b"", RULES)
    assert (result.ledger, result.session_counts) == ({"lines": 0, "events": 0, "blank": 0}, {(10_000, "g"): {}})
    assert (result.user_count, result.first_event_time, result.last_event_time) == (0, None, None)


# ------------------------------------------------------------------------------------------------------- hostile files


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "iso8601"])
def test_a_file_without_hostile_lines_has_only_events(unit: str) -> None:
    data = hostile_lines(1, 300, 10, unit=unit, hostile_share=0)
    assert answer(data, Rules(("user",), "time", unit, ("group",), (1,))).ledger == {
        "lines": 300,
        "events": 300,
        "blank": 0,
    }


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "iso8601"])
def test_a_hostile_file_has_every_outcome_and_sessions_that_depend_on_the_gap_and_its_rule(unit: str) -> None:
    groups = ("data.os", "plan")
    data = hostile_lines(
        2, 3000, 20, user_key="data.user_id", timestamp_key="data.at", group_keys=groups, unit=unit, max_line_bytes=2000
    )
    gap = 1_800_000_000
    longer, reach = (
        answer(data, Rules(("data.user_id",), "data.at", unit, groups, (gap - 1, gap), rule, 2000))
        for rule in ("longer", "reach")
    )
    reasons = {
        "malformed_json",
        "not_an_object",
        "missing_user",
        "missing_timestamp",
        "invalid_timestamp",
        "line_too_long",
    }
    assert set(longer.ledger) == {"lines", "events", "blank"} | reasons
    assert longer.ledger["lines"] == sum(count for name, count in longer.ledger.items() if name != "lines")
    sizes = Counter({key: sum(counts.values()) for key, counts in longer.session_counts.items()})
    assert sizes[gap - 1, "plan"] == sizes[gap - 1, "data.os"] > sizes[gap, "plan"]
    assert sum(reach.session_counts[gap, "plan"].values()) == sizes[gap - 1, "plan"]


def test_a_hostile_file_depends_on_its_seed_only() -> None:
    assert hostile_lines(5, 50, 3) == hostile_lines(5, 50, 3) != hostile_lines(6, 50, 3)
