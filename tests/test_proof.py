"""The proof by which Sail's fast reader is trusted: what it passes, in pieces and parts, and what it keeps aside."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest
from counting import BASE_RULES, assert_as_oracle, count_bytes, count_files
from hostile import hostile_lines

from session_calc.engines.engine import Engine
from session_calc.inputs import Input, list_inputs
from session_calc.read import aside, proof
from session_calc.read.stage import open_stage
from session_calc.schemas import Fields

FIELDS = Fields(("user",), "time", "ms", ("group",), 1000)
PLAIN = b'{"user":"ann","time":1,"group":"A"}'
ODD = b'{"user":"bob","time":2}{"user":"eve","time":3}'
BROKEN = b'{"user":"b\xffb","time":4}'


def prove(path: Path, data: bytes, fields: Fields = FIELDS) -> proof.Proof:
    path.write_bytes(data)
    found = proof.prove(list_inputs([str(path)]).inputs, fields)
    assert found is not None
    return next(iter(found.values()))


def small_pieces(monkeypatch: pytest.MonkeyPatch, read_bytes: int, part_bytes: int = 1 << 30) -> None:
    monkeypatch.setattr(proof, "_READ_BYTES", read_bytes)
    monkeypatch.setattr(proof, "_PART_BYTES", part_bytes)


@pytest.mark.parametrize("read_bytes", [1, 7, 40, 1000])
@pytest.mark.parametrize("part_bytes", [1, 30, 77, 5000])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_are_told_alike_however_a_file_is_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, read_bytes: int, part_bytes: int, end: bytes
) -> None:
    small_pieces(monkeypatch, read_bytes, part_bytes)
    lines = [PLAIN, b"", ODD, b" \t\r", BROKEN, b"x" * 1001, PLAIN, b"\xef\xbb\xbf", b" " + PLAIN, ODD]
    data = b"\n".join(lines) + end
    found = prove(tmp_path / "e.jsonl", data)

    assert (found.line_count, found.blank_count, found.is_utf8) == (10, 2, False)
    assert [line.text for line in found.odd] == [ODD, BROKEN, b"x" * 1001, b"\xef\xbb\xbf", ODD]
    assert [data[line.begin : line.end].removesuffix(b"\n") for line in found.odd] == [line.text for line in found.odd]


def test_a_line_far_over_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_pieces(monkeypatch, 1 << 16)
    found = prove(tmp_path / "e.jsonl", PLAIN + b"\n" + b"x" * 500_000 + b"\n" + PLAIN + b"\n")

    assert (found.line_count, [line.text for line in found.odd]) == (3, [None])
    assert found.odd[0].end - found.odd[0].begin == 500_001


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_copy_holds_all_lines_but_the_odd_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    small_pieces(monkeypatch, 50, 100)
    data = b"\n".join([ODD, PLAIN, BROKEN, b"", PLAIN, ODD])
    path = tmp_path / f"e.jsonl{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    inputs = list_inputs([str(path)]).inputs
    with open_stage(is_here=True) as stage:
        [copy] = aside.plain_inputs(proof.prove(inputs, FIELDS) or {}, stage)

        assert Path(copy.path).read_bytes() == b"\n".join([PLAIN, b"", PLAIN]) + b"\n"
        assert copy.compression == ""


def test_a_file_without_odd_lines_is_not_copied_and_one_of_nothing_else_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_bytes(PLAIN)
    (tmp_path / "2.jsonl").write_bytes(ODD)
    inputs = list_inputs([str(tmp_path)]).inputs
    with open_stage(is_here=True) as stage:
        assert aside.plain_inputs(proof.prove(inputs, FIELDS) or {}, stage) == [inputs[0]]


def test_too_many_odd_lines_are_counted_and_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_pieces(monkeypatch, 100)
    monkeypatch.setattr(proof, "MOST_ODD_LINES", 5)
    found = prove(tmp_path / "e.jsonl", (ODD + b"\n") * 100 + BROKEN)

    assert (found.line_count, found.odd, found.is_utf8) == (101, [], False)
    assert found.odd_count > 5


def test_files_with_too_many_odd_lines_or_too_large_for_the_disk_count_as_the_oracle_says(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = hostile_lines(11, 2_000, 200, gap_us=BASE_RULES.gaps_us[0])
    with monkeypatch.context() as patched:
        patched.setattr(proof, "MOST_ODD_LINES", 5)
        assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)
    monkeypatch.setattr(aside, "has_room", lambda *_: False)
    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_files_with_and_without_odd_lines_and_of_nothing_else_count_together(engine: Engine, tmp_path: Path) -> None:
    parts = [PLAIN + b"\n", PLAIN + b"\n" + ODD + b"\n\n", BROKEN + b"\n", b"", b"\n"]
    for number, part in enumerate(parts):
        (tmp_path / f"{number}.jsonl").write_bytes(part)

    counted = count_files(engine, [tmp_path])

    assert counted.read_way == "tolerant"
    assert_as_oracle(counted, b"".join(parts), BASE_RULES)


def test_nothing_but_odd_lines_counts_as_the_oracle_says(engine: Engine, tmp_path: Path) -> None:
    data = ODD + b"\n" + BROKEN + b"\n" + b'{"user":5,"time":"7","group":1.50}\n'

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_a_blank_line_with_a_byte_order_mark_does_not_stop_the_fast_reader(engine: Engine, tmp_path: Path) -> None:
    data = PLAIN + b"\n\xef\xbb\xbf\n" + PLAIN + b"\n"

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


@pytest.mark.parametrize("seed", range(4))
def test_plain_lines_spoiled_at_random_count_as_the_oracle_says(engine: Engine, tmp_path: Path, seed: int) -> None:
    """Each byte that is changed, lost, doubled or put in makes a line that the fast reader must not misread."""
    chance = random.Random(seed)
    line = b'{"id":"x\\u00e9","user":"%d","n":[1,{"a":-0.5e3}],"time":%d,"group":null,"page":{"b":true}}'
    lines = []
    for number in range(3000):
        spoiled = bytearray(line % (number % 50, number * 400_000))
        for _ in range(chance.choice([0, 1, 1, 2])):
            place = chance.randrange(len(spoiled))
            new = bytes([chance.choice(b'{}[]",:0-.e\\u \t\r\x00n1')])
            spoiled[place : place + chance.choice([0, 1, 2])] = chance.choice([b"", new, new * 2])
        lines.append(bytes(spoiled))
    data = b"\n".join(lines)

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


@pytest.mark.parametrize(
    "line",
    [
        b'{"user":"ann","time":1,"x":' + b"1" * 1001 + b"}",
        b'{"user":"ann","time":1,"x":1.' + b"1" * 1001 + b"e5}",
        b'{"user":"ann","time":1,"' + b"x" * 50_001 + b'":1}',
        b'{"user":"ann","time":1,"x":"' + b"x" * 60_000 + b'"}',
    ],
    ids=["a long number", "a long fraction", "a long name", "a long text"],
)
def test_what_a_parser_may_refuse_for_its_length_counts_as_the_oracle_says(
    engine: Engine, tmp_path: Path, line: bytes
) -> None:
    data = PLAIN + b"\n" + line + b"\n"

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_clean_lines_are_read_the_fast_way_on_every_engine_that_is_here(engine: Engine, tmp_path: Path) -> None:
    data = (PLAIN + b" \r\n\r\n") * 3
    counted = count_bytes(engine, tmp_path, data)

    assert counted.read_way == "fast"
    assert_as_oracle(counted, data, BASE_RULES)


def test_fields_that_no_pattern_can_prove_are_left_to_the_engine() -> None:
    assert proof.prove([], replace(FIELDS, user_keys=('us"er',))) is None


def test_a_cut_off_file_is_explained_by_the_engine_s_failure(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(gzip.compress(PLAIN * 1000)[:-20])
    one = Input(str(path), path.stat().st_size, "", "json", "gz")

    with pytest.raises(EOFError, match="ended before"):
        proof.prove([one], FIELDS)
