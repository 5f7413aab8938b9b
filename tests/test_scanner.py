"""The compiled scanner against the judge: what it takes for plain it must read alike, and the rest it leaves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hostile import hostile_lines
from hostile_values import ODD_MOMENTS, ODD_NUMBERS, ODD_TIMES, ODD_VALUES
from hypothesis import given
from hypothesis import strategies as st
from line_cases import LINE_CASES
from test_lines import FAST_LINES, ODD_LINES

from session_calc.read import local_rows
from session_calc.schemas import Fields

FIELDS = Fields(("user",), "time", "ms", ("group",), 1 << 20)
EVENT = b'{"id":"x\\u00e9","user":"%d","n":[1,{"a":-0.5e3}],"time":%d,"group":null,"page":{"b":true}}'


def block_of(lines: Sequence[bytes]) -> Any:
    return np.frombuffer(bytearray(b"".join(line + b"\n" for line in lines)), np.uint8)


def read(rows: local_rows.Rows, lines: Sequence[bytes]) -> list[Mapping[str, Any]]:
    return [row for batch in rows(block_of(lines)) for row in checked(batch).to_pylist()]


def checked(batch: Any) -> Any:
    batch.validate(full=True)
    return batch


def scanned(lines: Sequence[bytes], fields: Fields = FIELDS) -> tuple[list[Mapping[str, Any]], list[bytes]]:
    """Give the rows, and the lines that were left to the judge."""
    odd: list[bytes] = []
    judge = local_rows.make_line_judge(fields)

    def judge_and_note(line: bytes) -> Any:
        odd.append(line)
        return judge(line)

    rows = local_rows.compiled_rows(fields, judge_and_note)
    odd.clear()  # what a blank line becomes was asked once
    return read(rows, lines), odd


def assert_read_as_judged(lines: Sequence[bytes], fields: Fields = FIELDS) -> None:
    by_judge = read(local_rows.judged_rows(fields, local_rows.make_line_judge(fields)), lines)
    by_scanner, _ = scanned(lines, fields)

    assert Counter(map(repr, by_scanner)) == Counter(map(repr, by_judge))


def is_plain(line: bytes, fields: Fields = FIELDS) -> bool:
    rows, odd = scanned([line], fields)
    return rows[0]["line_problem"] is None and not odd


PLAIN_LINES = {
    **{name: line for name, line in FAST_LINES.items() if line.strip() and name != "a time outside the years"},
    "a pair of surrogates": ODD_LINES["a pair of surrogates"],
    "a number for a user": ODD_LINES["a number for a user"],
    "a number with a fraction for a user": ODD_LINES["a number with a fraction for a user"],
    "a boolean for a user": ODD_LINES["a boolean for a user"],
    "a number for a group": ODD_LINES["a number for a group"],
    "a time with a fraction": ODD_LINES["a time with a fraction"],
    "a text for a time": ODD_LINES["a text for a time"],
    "a carriage return between marks": ODD_LINES["a carriage return between marks"],
    "sixty levels of nesting": b'{"user":"bob","time":4,"x":' + b'{"a":[' * 30 + b"]}" * 30 + b"}",
    "every escape": rb'{"user":"\"\\\/\b\f\n\r\t\u0041\u00e9\u65e5\ud83d\ude00","time":4}',
    "the ends of UTF-8's ranges": '{"user":"\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"}'.encode(),
}


@pytest.mark.parametrize("kind", PLAIN_LINES)
def test_a_common_line_is_read_without_the_judge(kind: str) -> None:
    assert is_plain(PLAIN_LINES[kind])
    assert_read_as_judged([PLAIN_LINES[kind]])


@pytest.mark.parametrize(
    ("moment", "unit"),
    [
        *[(moment, "ms") for moment in ("0", "-1", "1555287972693", '"1555287972693"', "1555287972693.25", "null")],
        *[
            ("1555287972.693000999", "s"),
            ("1555287972693000", "us"),
            ("1555287972693000999", "ns"),
            ("-1001", "ns"),
            ("7", "ns"),
            ("-7", "ns"),
        ],
        *[
            (f'"{moment}"', "iso8601")
            for moment in (
                "2024-02-29T10:00Z",
                "2024-02-29T10:00:01Z",
                "2024-02-29 10:00:01.5",
                "2024-02-29t10:00:01,123456789z",
                "2024-02-29T10:00:01.000001+05:30",
                "2024-02-29T10:00:01-0130",
                "2024-02-29T10:00:01+01",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999Z",
            )
        ],
    ],
)
def test_a_common_moment_is_read_without_the_judge(moment: str, unit: str) -> None:
    line, fields = b'{"user":"bob","time":%b}' % moment.encode(), replace(FIELDS, timestamp_unit=unit)

    assert is_plain(line, fields)
    assert_read_as_judged([line], fields)


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (b'{"who":{"id":"ann","x":{"id":9}},"time":4,"id":"no"}', ("who.id",)),
        (b'{"who":{},"time":4}', ("who.id",)),
        (b'{"who":null,"time":4}', ("who.id",)),
        (b'{"who":"ann","time":4}', ("who.id",)),
        (b'{"who":["ann"],"time":4}', ("who.id",)),
        (b'{"a":{"b":{"c":"x"},"d":"y"},"time":4}', ("a.b.c", "a.d")),
        (b'{"time":{"time":"x"},"user":{"time":1}}', ("time.user", "user.time")),
        (b'{"time":4}', ("time",)),
        ('{"ключ":{"日本":"x"},"time":4}'.encode(), ("ключ.日本",)),
        (b'{"":{"":"x"},"time":4}', (".",)),
    ],
)
def test_nested_keys_are_read_as_the_judge_reads_them(line: bytes, keys: tuple[str, ...]) -> None:
    assert_read_as_judged([line], replace(FIELDS, user_keys=keys))


@pytest.mark.parametrize(
    "line",
    [
        b'{"user":"bob","user":"ann","time":4}',
        b'{"who":{"id":1},"who":{"id":2},"user":"bob","time":4}',
        b'{"user":{"a":1},"time":4}',
        b'{"user":["a"],"time":4}',
        b'{"\\u0075ser":"bob","time":4}',
        b'{"user":"bob","time":1e3}',
        b'{"user":"bob","time":4,"x":' + b"[" * 61 + b"]" * 61 + b"}",
        b"\xef\xbb\xbf" + EVENT % (1, 1),
    ],
)
def test_a_line_on_which_names_or_values_need_thought_is_left_to_the_judge(line: bytes) -> None:
    fields = replace(FIELDS, group_keys=("who.id",))

    assert scanned([line], fields)[1] == [line]
    assert_read_as_judged([line], fields)


@pytest.mark.parametrize("user", ["a", "a.b"])
def test_a_field_that_is_also_an_object_on_another_s_way_is_read_as_judged(user: str) -> None:
    fields = replace(FIELDS, user_keys=(user,), group_keys=("a", "a.b"))
    lines = [b'{"a":{"b":"x"},"time":4}', b'{"a":"x","time":4}', b'{"a":7,"time":4}', b'{"a":[1, 2],"time":4}']

    assert_read_as_judged(lines, fields)


def test_all_named_lines_and_values_are_read_as_judged() -> None:
    named = [line.replace(b'"u"', b'"user"').replace(b'"t"', b'"time"') for _, line, _ in LINE_CASES]
    values = [b'{"user":%b,"time":%b}' % (one.encode(), b"4") for one in (*ODD_VALUES, *ODD_NUMBERS)]
    times = [b'{"user":"a","time":%b}' % one.encode() for one in (*ODD_TIMES, *ODD_NUMBERS)]
    moments = [b'{"user":"a","time":"%b"}' % one.encode() for one in ODD_MOMENTS]
    lines = [*named, *FAST_LINES.values(), *ODD_LINES.values(), *values, *times, *moments]

    for unit in ("s", "ms", "us", "ns", "iso8601"):
        for line in b"\n".join(lines).split(b"\n"):
            assert_read_as_judged([line], replace(FIELDS, timestamp_unit=unit))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "iso8601"])
def test_hostile_lines_are_read_as_judged(unit: str) -> None:
    for seed in range(4):
        lines = hostile_lines(seed, 3_000, 300, unit=unit).split(b"\n")
        assert_read_as_judged(lines, replace(FIELDS, timestamp_unit=unit, max_line_bytes=300))


@pytest.mark.parametrize("seed", range(8))
def test_plain_lines_with_bytes_changed_lost_doubled_or_put_in_are_read_as_judged(seed: int) -> None:
    chance = random.Random(seed)
    lines = []
    for number in range(8_000):
        spoiled = bytearray(EVENT % (number % 50, number * 400_000))
        for _ in range(chance.choice([0, 1, 1, 2])):
            place = chance.randrange(len(spoiled))
            new = bytes([chance.choice(b'{}[]",:0-.e\\u \t\r\x00n1\x7f\x80\xc3\xe9\xed\xf0\xff')])
            spoiled[place : place + chance.choice([0, 1, 2])] = chance.choice([b"", new, new * 2])
        lines.append(bytes(spoiled).replace(b"\n", b""))

    assert_read_as_judged(lines)


@given(st.lists(st.binary(max_size=12).map(lambda some: b'{"user":"' + some.replace(b"\n", b"") + b'","time":1}')))
def test_any_bytes_in_a_string_are_read_as_judged(lines: list[bytes]) -> None:
    assert_read_as_judged(lines)


DIGITS = st.text("0123456789.,:+-TtZz eE", max_size=9)


@given(st.lists(st.tuples(st.sampled_from(ODD_MOMENTS), DIGITS), max_size=20), st.sampled_from(["iso8601", "s", "ns"]))
def test_any_spelling_of_a_moment_is_read_as_judged(parts: list[tuple[str, str]], unit: str) -> None:
    texts = [text for start, rest in parts for text in (start[: 19 - len(rest)] + rest, rest)]
    lines = [b'{"user":"a","time":%b}' % spelled.encode() for text in texts for spelled in (f'"{text}"', text or "0")]

    assert_read_as_judged([line.replace(b"\n", b"") for line in lines], replace(FIELDS, timestamp_unit=unit))


def test_more_rows_and_odd_lines_than_a_batch_holds_are_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_rows, "_ROWS", 7)
    monkeypatch.setattr(local_rows, "_ODD_LINES", 3)
    lines = [EVENT % (number, number) if number % 3 else b"{}{}" for number in range(100)] + [b""] * 20

    assert_read_as_judged(lines)


def test_the_line_itself_comes_along_where_it_is_wanted() -> None:
    fields = replace(FIELDS, keep_line=True)
    event, twice = EVENT % (1, 1), b'{"user":"\xc3\xa9","user":"ann","time":4}\r'
    rows, odd = scanned([event, twice, b"", b"x"], fields)

    assert sorted(row["line"] or "" for row in rows) == ["", "", event.decode(), twice.decode()]
    assert odd == [twice, b"x"]
    assert_read_as_judged([event, twice, b"", b"x"], fields)
