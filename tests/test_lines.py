"""Long lines, broken bytes, and the fast way of Sail on S3: taken for clean files, left for lines that it misreads."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from counting import BASE_RULES, assert_as_oracle, count_bytes, count_files, to_answer

from session_calc.engines.engine import Engine

pytestmark = pytest.mark.usefixtures("reader")

MIB = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

CLEAN = b'{"user":"ann","time":%d,"group":"A","x":[1,{"y":"z"}]}\n'
BEFORE, AFTER = CLEAN % 1 + CLEAN % 2, CLEAN % 3_600_000 + CLEAN % 9_000_000

# --------------------------------------------------------------------------------------------------------- long lines


def long_line(byte_count: int) -> bytes:
    start, end = b'{"user":"long","time":5,"x":"', b'"}'
    return start + b"x" * (byte_count - len(start) - len(end)) + end


def test_a_line_of_twelve_mebibytes_is_rejected_and_its_neighbours_are_not(engine: Engine, tmp_path: Path) -> None:
    data = BEFORE + long_line(12 * MIB) + b"\n" + AFTER
    counted = count_bytes(engine, tmp_path, data)

    assert to_answer(counted).ledger == {"lines": 5, "events": 4, "blank": 0, "line_too_long": 1}
    assert_as_oracle(counted, data, BASE_RULES)


@pytest.mark.slow
def test_a_line_of_sixty_four_mebibytes_is_rejected_and_its_neighbours_are_not(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "e.json.gz"
    path.write_bytes(gzip.compress(BEFORE + long_line(64 * MIB) + b"\n" + AFTER, compresslevel=1))

    answer = to_answer(count_files(engine, [path]))

    assert answer.ledger == {"lines": 5, "events": 4, "blank": 0, "line_too_long": 1}


def test_a_line_of_the_default_limit_is_an_event_and_one_byte_more_is_not(engine: Engine, tmp_path: Path) -> None:
    limit = BASE_RULES.max_line_bytes
    data = long_line(limit) + b"\n" + long_line(limit + 1) + b"\n" + BYTE_ORDER_MARK + long_line(limit) + b"\n"

    assert to_answer(count_bytes(engine, tmp_path, data)).ledger == {
        "lines": 3,
        "events": 2,
        "blank": 0,
        "line_too_long": 1,
    }


# -------------------------------------------------------------------------------------------------------- broken bytes


BROKEN_UTF8 = (
    BEFORE + b'{"user":"b\xffb","time":4,"group":"B"}\n' + b'{"user":"bob","time":4,"group":"\xc3"}\n\xff\n\n' + AFTER
)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_lines_that_are_no_utf8_are_rejected_and_all_others_counted(
    engine: Engine, reader: str, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"e.json{suffix}"
    path.write_bytes(COMPRESSIONS[suffix](BROKEN_UTF8))

    counted = count_files(engine, [path])

    assert counted.read_way == ("tolerant" if reader == "engine" else "fast")
    assert to_answer(counted).ledger == {"lines": 8, "events": 4, "blank": 1, "malformed_json": 3}
    assert_as_oracle(counted, BROKEN_UTF8, BASE_RULES)


def test_a_broken_character_over_the_border_of_two_chunks_is_mended_as_one(engine: Engine, tmp_path: Path) -> None:
    # the mended copy is written in chunks of a mebibyte: a whole character and a broken one lie over the first borders
    start = b'{"user":"a","time":1,"x":"'
    whole = start + b"x" * (MIB - len(start) - 1) + "é".encode() + b'"}\n'
    broken = start + b"x" * (2 * MIB - len(whole) - len(start) - 2) + "日".encode()[:2] + b'"}\n'
    data = whole + broken + AFTER

    assert data[MIB - 1 : MIB + 1] == "é".encode()
    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_a_broken_line_keeps_its_length_in_the_mended_copy(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, max_line_bytes=60)
    cut_off = b"\xf0\x9f\x98"  # three bytes that make one mistake
    longest, too_long = (b'{"user":"' + cut_off * 16 + b"\xff" * count + b'"}\n' for count in (1, 2))
    data = BEFORE + longest + too_long
    counted = count_bytes(engine, tmp_path, data, rules)

    assert to_answer(counted).ledger == {"lines": 4, "events": 2, "blank": 0, "malformed_json": 1, "line_too_long": 1}
    assert_as_oracle(counted, data, rules)


@pytest.mark.parametrize("inside", [b"\x00", b"\xef\xbf\xbd", b"\\ufffd", b"\\u0000"])
def test_a_line_that_holds_what_broken_bytes_become_is_told_from_a_broken_one(
    engine: Engine, tmp_path: Path, inside: bytes
) -> None:
    data = BEFORE + b'{"user":"a%bb","time":4}\n' % inside + b'{"user":"bro\xffken","time":4}\n'

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_a_byte_order_mark_before_a_file_or_a_line_is_ignored(engine: Engine, tmp_path: Path) -> None:
    data = BYTE_ORDER_MARK + BEFORE + BYTE_ORDER_MARK + AFTER + BYTE_ORDER_MARK

    counted = count_bytes(engine, tmp_path, data)

    assert to_answer(counted).ledger == {"lines": 5, "events": 4, "blank": 1}
    assert_as_oracle(counted, data, BASE_RULES)


def test_utf16_is_rejected_line_by_line(engine: Engine, tmp_path: Path) -> None:
    data = (BEFORE + AFTER).decode().encode("utf-16")

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


# ------------------------------------------------------------------------------------------------- the fast way on Sail


FAST_LINES = {
    "a plain event": b'{"user":"bob","time":4,"group":"B"}',
    "spaces and tabs": b' {\t"user" : "bob" , "time" : 4 ,"group":\t"B" } ',
    "a carriage return at the end": b'{"user":"bob","time":4,"group":"B"}\r',
    "keys in another order": b'{"group":"B","x":1,"time":4,"user":"bob"}',
    "no user": b'{"time":4,"group":"B"}',
    "a null user": b'{"user":null,"time":4}',
    "an empty user": b'{"user":"","time":4}',
    "no time": b'{"user":"bob","group":"B"}',
    "a null time": b'{"user":"bob","time":null}',
    "a time before 1970": b'{"user":"bob","time":-4}',
    "a time outside the years": b'{"user":"bob","time":999999999999999}',
    "no group": b'{"user":"bob","time":4}',
    "an empty object": b"{}",
    "escapes": b'{"user":"b\\"o\\\\b\\u00e9\\n","time":4,"group":"\\u0000"}',
    "other characters": '{"user":"é","time":4,"group":"日本\U0001f600"}'.encode(),
    "two levels of nesting": b'{"user":"bob","time":4,"x":{"y":[1,2.5e-3,true,null,"z"],"user":"no"}}'.replace(
        b'"user":"no"', b'"w":1'
    ),
    "a blank line": b"",
    "a line of spaces": b" \t \r",
}

ODD_LINES = {
    "two objects on a line": b'{"user":"bob","time":4}{"user":"bob","time":4}',
    "two objects with a space between": b'{"user":"bob","time":4} {"user":"bob","time":4}',
    "two objects with a comma between": b'{"user":"bob","time":4},{"user":"bob","time":4}',
    "an object over two lines": b'{"user":"bob",\n"time":4}',
    "a value over two lines": b'{"user":"bob","time":\n4}',
    "an array over three lines": b'{"user":"bob","time":4,"x":[1,\n\n2]}',
    "a raw line feed in a string": b'{"user":"bob","time":4,"x":"a\nb"}',
    "a trailing comma": b'{"user":"bob","time":4,}',
    "a trailing comma in an array": b'{"user":"bob","time":4,"x":[1,]}',
    "two commas": b'{"user":"bob",,"time":4}',
    "a leading comma": b'{,"user":"bob","time":4}',
    "a comma after the object": b'{"user":"bob","time":4},',
    "no comma": b'{"user":"bob" "time":4}',
    "minus signs in an unused number": b'{"user":"bob","time":4,"x":1-2-3}',
    "a leading zero in an unused number": b'{"user":"bob","time":4,"x":01}',
    "a plus sign": b'{"user":"bob","time":+4}',
    "two points in an unused number": b'{"user":"bob","time":4,"x":1.2.3}',
    "a raw tab in a string": b'{"user":"bob","time":4,"x":"a\tb"}',
    "a raw tab in a key": b'{"user":"bob","time":4,"x\t":1}',
    "a raw carriage return in a string": b'{"user":"bob","time":4,"x":"a\rb"}',
    "NUL": b'{"user":"bob","time":4,"x":"a\x00b"}',
    "a carriage return between marks": b'{"user":"bob",\r"time":4}',
    "an unknown escape": b'{"user":"bob","time":4,"x":"\\x41"}',
    "a lone surrogate": b'{"user":"bob","time":4,"x":"\\ud800"}',
    "a pair of surrogates": b'{"user":"\\ud83d\\ude00","time":4}',
    "a number for a user": b'{"user":12345678901234567890123,"time":4}',
    "a number with a fraction for a user": b'{"user":1.50,"time":4}',
    "a boolean for a user": b'{"user":true,"time":4}',
    "an object for a group": b'{"user":"bob","time":4,"group":{"b":1, "a":[ ]}}',
    "an array for a group": b'{"user":"bob","time":4,"group":[1, 2]}',
    "a number for a group": b'{"user":"bob","time":4,"group":7}',
    "a time with a fraction": b'{"user":"bob","time":4.0009}',
    "a time with an exponent": b'{"user":"bob","time":4e3}',
    "a text for a time": b'{"user":"bob","time":"4"}',
    "a word for a time": b'{"user":"bob","time":"noon"}',
    "a boolean for a time": b'{"user":"bob","time":false}',
    "an object for a time": b'{"user":"bob","time":{}}',
    "a time beyond 64 bits": b'{"user":"bob","time":99999999999999999999}',
    "a key spelled with escapes": b'{"\\u0075ser":"bob","time":4}',
    "four levels of nesting": b'{"user":"bob","time":4,"x":[[[[1]]]]}',
    "a thousand and one levels of nesting": b'{"user":"bob","time":4,"x":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "an array": b'[{"user":"bob","time":4}]',
    "a number alone": b"5",
    "null alone": b"null",
    "words": b"no json",
    "a cut-off object": b'{"user":"bob","time":4',
    "single quotes": b"{'user':'bob','time':4}",
    "NaN": b'{"user":"bob","time":4,"x":NaN}',
    "a comment": b'{"user":"bob","time":4} // x',
    "a no-break space after the object": b'{"user":"bob","time":4}\xc2\xa0',
    "a byte order mark": BYTE_ORDER_MARK + b'{"user":"bob","time":4}',
    "broken UTF-8": b'{"user":"bob","time":4,"x":"\xff"}',
}


def require_sail(engine: Engine) -> None:
    if engine.name != "sail":
        pytest.skip("only Sail has a fast way")


by_engine = pytest.mark.parametrize("reader", ["engine"], indirect=True)


@by_engine
@pytest.mark.parametrize("kind", FAST_LINES)
def test_a_clean_line_is_read_the_fast_way(engine: Engine, tmp_path: Path, kind: str) -> None:
    require_sail(engine)
    data = BEFORE + FAST_LINES[kind] + b"\n" + AFTER

    counted = count_bytes(engine, tmp_path, data)

    assert counted.read_way == "fast"
    assert_as_oracle(counted, data, BASE_RULES)


@by_engine
@pytest.mark.parametrize("kind", ODD_LINES)
def test_one_odd_line_keeps_a_clean_file_from_the_fast_way(engine: Engine, tmp_path: Path, kind: str) -> None:
    require_sail(engine)
    data = BEFORE + ODD_LINES[kind] + b"\n" + AFTER

    counted = count_bytes(engine, tmp_path, data)

    assert counted.read_way == "tolerant"
    assert_as_oracle(counted, data, BASE_RULES)


EITHER_WAY = {
    "a time of minus zero": b'{"user":"bob","time":-0}',
    "a user twice": b'{"user":"ann","user":"bob","time":4}',
    "a user twice, null first": b'{"user":null,"user":"bob","time":4}',
    "a user twice, null last": b'{"user":"bob","user":null,"time":4}',
    "a time twice": b'{"user":"bob","time":1,"time":4}',
    "a time twice, null last": b'{"user":"bob","time":1,"time":null}',
    "a group twice": b'{"user":"bob","time":4,"group":"A","group":"B"}',
    "a group twice, null last": b'{"user":"bob","time":4,"group":"A","group":null}',
    "an unused field twice": b'{"user":"bob","time":4,"x":1,"x":"2"}',
    "a key and its text inside a string": b'{"user":"bob","time":4,"x":"\\"user\\":5,\\"time\\":\\"x\\""}',
    "a key inside another object": b'{"user":"bob","time":4,"x":{"user":"eve","time":9,"group":"C"}}',
}


@pytest.mark.parametrize("kind", EITHER_WAY)
def test_a_line_counts_as_the_oracle_says_whichever_way_it_is_read(engine: Engine, tmp_path: Path, kind: str) -> None:
    data = BEFORE + EITHER_WAY[kind] + b"\n" + AFTER

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


@by_engine
@pytest.mark.parametrize("moment", [b'"2024-01-01T00:00:00Z"', b'"2024-01-01T00:00:00.123456Z"', b"null"])
def test_plain_iso_8601_moments_are_read_the_fast_way(engine: Engine, tmp_path: Path, moment: bytes) -> None:
    require_sail(engine)
    rules = replace(BASE_RULES, timestamp_unit="iso8601")
    data = b'{"user":"bob","time":%b,"group":"B"}\n' % moment

    counted = count_bytes(engine, tmp_path, data, rules)

    assert counted.read_way == "fast"
    assert_as_oracle(counted, data, rules)


@pytest.mark.parametrize(
    "moment",
    [
        b'"2024-01-01"',
        b'"2024-01-01 00:00:00"',
        b'"2024-02-30T00:00:00Z"',
        b'"2024-01-01T00:00:00+01:00"',
        b"5",
        b'"2024-01-01T00:00:00.1234567Z"',
    ],
)
def test_other_moments_are_not_and_count_as_the_oracle_says(engine: Engine, tmp_path: Path, moment: bytes) -> None:
    rules = replace(BASE_RULES, timestamp_unit="iso8601")
    data = b'{"user":"ann","time":"2024-01-01T00:00:00Z","group":"A"}\n{"user":"bob","time":%b}\n' % moment

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


@by_engine
def test_nested_keys_are_read_the_fast_way_unless_an_object_on_the_way_is_none(engine: Engine, tmp_path: Path) -> None:
    require_sail(engine)
    rules = replace(BASE_RULES, user_keys=("who.id",))
    clean = b'{"who":{"id":"ann"},"time":4,"group":"A"}\n{"who":{},"time":4}\n{"who":null,"time":4}\n{"time":4}\n'
    odd = clean + b'{"who":"ann","time":4}\n'

    for data, way in ((clean, "fast"), (odd, "tolerant")):
        counted = count_bytes(engine, tmp_path, data, rules)
        assert counted.read_way == way
        assert_as_oracle(counted, data, rules)


@by_engine
def test_compressed_clean_files_are_read_the_fast_way_too(engine: Engine, tmp_path: Path) -> None:
    require_sail(engine)
    for name, data in (("1.json", BEFORE), ("2.json.gz", gzip.compress(AFTER)), ("3.jsonl.bz2", bz2.compress(b"\n"))):
        (tmp_path / name).write_bytes(data)

    counted = count_files(engine, [tmp_path])

    assert counted.read_way == "fast"
    assert_as_oracle(counted, BEFORE + AFTER + b"\n", BASE_RULES)
