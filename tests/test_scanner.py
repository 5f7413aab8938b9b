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
from session_calc.read.portions import MORE_BYTES
from session_calc.read.scanner import machine_code
from session_calc.schemas import Fields

FIELDS = Fields(("user",), "time", "ms", ("group",), 1 << 20)
EVENT = b'{"id":"x\\u00e9","user":"%d","n":[1,{"a":-0.5e3}],"time":%d,"group":null,"page":{"b":true}}'


def block_of(lines: Sequence[bytes]) -> Any:
    text = b"".join(line + b"\n" for line in lines)
    return np.frombuffer(bytearray(text + b'"' * MORE_BYTES), np.uint8)[: len(text)]


def read(reader: local_rows.Reader, *blocks: Sequence[bytes]) -> list[Mapping[str, Any]]:
    batches = [batch for lines in blocks for batch in reader.read(block_of(lines))]
    return [row for batch in (*batches, *reader.rest()) for row in checked(batch).to_pylist()]


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

    reader = local_rows.Scanning(machine_code.get(), fields, 0)
    reader.judge_line = judge_and_note
    rows = read(reader, lines)
    assert reader.line_count == len(rows) == len(lines)
    return rows, odd


def assert_read_as_judged(lines: Sequence[bytes], fields: Fields = FIELDS) -> None:
    by_judge = read(local_rows.Judging(fields, 0), lines)
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


SPACES = st.sampled_from(["", "", "", " ", "\t "])
NAMES = st.sampled_from(["user", "users", "use", "time", "who", "group", "id", "é" * 9, "a" * 300])
SCALARS = st.sampled_from(["1", "-2.5", "null", "true", '"x"', '"\\n"', '"' + "long " * 9 + '"', "[]", "{}"])
MARKS = st.sampled_from([",", ",", ",", ",", ",,", "", ":"])


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(SPACES, NAMES, SPACES, SPACES, values, SPACES, MARKS).map(
        lambda parts: '{}"{}"{}:{}{}{}{}'.format(*parts)
    )
    return st.tuples(SPACES, st.lists(member, max_size=6), MARKS).map(
        lambda parts: f"{{{parts[0]}{''.join(parts[1]).removesuffix(parts[2])}}}"
    )


@given(st.lists(objects(SCALARS | objects(SCALARS)), max_size=30))
def test_a_member_is_read_as_judged_whatever_stood_there_in_the_lines_before(lines: list[str]) -> None:
    fields = replace(FIELDS, user_keys=("user", "who.user"), group_keys=("who.group", "group"))

    assert_read_as_judged([line.encode() for line in lines], fields)


@pytest.mark.parametrize("before", [98, 99, 100, 101, 300])
def test_lines_of_more_members_than_are_noted_are_read_as_judged(before: int) -> None:
    rest = b"".join(b'"x%d":%d,' % (number, number) for number in range(before))
    lines = [b'{%b"user":"%d","time":4,"group":"A"}' % (rest, number) for number in range(3)]
    lines += [b'{%b"time":"%d","user":4,"group":"A"}' % (rest, number) for number in range(3)]

    assert all(not scanned([line])[1] for line in lines)
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


def folded(rows: Sequence[Mapping[str, Any]], gap: int) -> Mapping[tuple[Any, ...], tuple[int, int, int]]:
    """Give the first and the last moment and the number of the lines of each slice, None for no moment."""
    found: dict[tuple[Any, ...], tuple[int, int, int]] = {}
    for row in rows:
        first = row["event_time"]
        last, count = row.get("last_event_time", first), row.get("event_count", 1)
        others = [value for name, value in row.items() if name not in {"event_time", "last_event_time", "event_count"}]
        if first is None or last is None:
            assert first is last
            first = last = 0
        assert first - first % gap == last - last % gap
        key = (*others, first - first % gap)
        before = found.get(key, (first, last, 0))
        found[key] = (min(before[0], first), max(before[1], last), before[2] + count)
    return found


@pytest.mark.parametrize("gap", [1, 7_000, 60_000_000, 2**62])
@pytest.mark.parametrize("room", [2, 8, 1 << 15])
def test_folded_rows_hold_the_same_moments_and_numbers_of_lines(
    monkeypatch: pytest.MonkeyPatch, gap: int, room: int
) -> None:
    monkeypatch.setattr(local_rows, "_SHARED_ROWS", room)
    monkeypatch.setattr(local_rows, "_ODD_LINES", 5)
    monkeypatch.setattr(local_rows, "_TEXT_BYTES", 1 << 15)
    fields = replace(FIELDS, group_keys=("group", "page.b"), max_line_bytes=300)
    lines = hostile_lines(3, 4_000, 300, gap_us=60_000_000).split(b"\n")
    every = read(local_rows.Judging(fields, 0), lines)
    for reader in (local_rows.Judging(fields, gap), local_rows.Scanning(machine_code.get(), fields, gap)):
        rows = read(reader, *[lines[first : first + 100] for first in range(0, len(lines), 100)])

        assert folded(rows, gap) == folded(every, gap)
        assert sum(row["event_count"] for row in rows) == reader.line_count == len(lines)
        assert all(row["event_count"] == 1 for row in rows) == isinstance(reader, local_rows.Judging)


def test_lines_share_a_row_only_if_they_are_alike_in_all_but_the_moment() -> None:
    lines = [
        b'{"user":"ann","group":"A","time":1}',
        b'{"user":"ann","group":"A","time":9}',
        b'{"group":"A","time":0,"user":"ann"}',
        b'{"user":"ann","group":"A","time":10}',  # the next slice
        b'{"user":"ann","group":"A","time":-1}',
        b'{"user":"ann","group":"A"}',  # no moment is not the moment 0
        b'{"user":"ann","group":"A","time":null}',
        b'{"user":"ann","group":null,"time":1}',  # no text is not an empty one
        b'{"user":"ann","time":2}',
        b'{"user":"ann","group":"","time":1}',
        b'{"user":"annA","group":"","time":1}',
        b'{"user":"an","group":"nA","time":1}',
    ]
    rows = read(local_rows.Scanning(machine_code.get(), FIELDS, 10_000), lines)

    assert [tuple(row.values())[1:] for row in rows] == [
        ("ann", True, 0, "A", 9_000, 3),
        ("ann", True, 10_000, "A", 10_000, 1),
        ("ann", True, -1_000, "A", -1_000, 1),
        ("ann", False, None, "A", None, 2),
        ("ann", True, 1_000, None, 2_000, 2),
        ("ann", True, 1_000, "", 1_000, 1),
        ("annA", True, 1_000, "", 1_000, 1),
        ("an", True, 1_000, "nA", 1_000, 1),
    ]


def test_rows_of_several_blocks_are_shared_until_their_texts_have_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_rows, "_TEXT_BYTES", 1_000)
    reader = local_rows.Scanning(machine_code.get(), FIELDS, 10_000)
    few = [b'{"user":"ann","time":%d}' % number for number in range(9)]
    rows = read(reader, few, few, [b'{"user":"%b","time":1}' % (b"b" * 3_000)], few, few * 100)

    assert [(row["user_1"][0], row["event_count"]) for row in rows] == [("a", 18), ("b", 1), ("a", 9), ("a", 900)]
