"""Lines of JSON on this machine: how files are cut, read block by block, and held against the ledger."""

from __future__ import annotations

import bz2
import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from counting import BASE_RULES, assert_as_oracle, count_bytes, count_files
from hostile import hostile_lines

from session_calc.engines.engine import Engine
from session_calc.errors import LedgerBroken, UnreadableInput
from session_calc.inputs import list_inputs
from session_calc.read import local_json, portions
from session_calc.read.portions import Portion, blocks_of, buffer_for, portions_of
from session_calc.read.scanner import machine_code
from session_calc.schemas import Fields

FIELDS = Fields(("user",), "time", "ms", ("group",), 100)
PLAIN = b'{"user":"ann","time":1,"group":"A"}'
ODD = b'{"user":"bob","time":2}{"user":"eve","time":3}'
BROKEN = b'{"user":"b\xffb","time":4}'
GAP = BASE_RULES.gaps_us[0]

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


def small(monkeypatch: pytest.MonkeyPatch, block_bytes: int, portion_bytes: int = 1 << 30) -> None:
    monkeypatch.setattr(portions, "_BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(portions, "_LEAST_BYTES", portion_bytes)
    monkeypatch.setattr(portions, "_MOST_BYTES", portion_bytes)


def portions_in(folder: Path) -> list[Portion]:
    return portions_of(list_inputs([str(folder)]).inputs, 8)


def lines_of(portion: Portion, max_line_bytes: int = 100) -> list[bytes | None]:
    lines: list[bytes | None] = []
    for block in blocks_of(portion, buffer_for(max_line_bytes)):
        lines += [None] if block is None else block.tobytes().removesuffix(b"\n").split(b"\n")
    return lines


@pytest.mark.one_engine
@pytest.mark.parametrize("block_bytes", [1, 107, 130, 5000])
@pytest.mark.parametrize("portion_bytes", [1, 30, 77, 5000])
@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_lines_are_the_same_however_a_file_is_cut(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block_bytes: int, portion_bytes: int, suffix: str, end: bytes
) -> None:
    small(monkeypatch, block_bytes, portion_bytes)
    lines = [PLAIN, b"", ODD, b" \t\r", BROKEN, b"x" * 103, b"\xef\xbb\xbf", PLAIN * 2, b"", b"y"]
    data = b"\n".join(lines) + end
    (tmp_path / f"e.jsonl{suffix}").write_bytes(COMPRESSIONS[suffix](data))
    found = sorted(portions_in(tmp_path), key=lambda portion: portion.begin)

    assert len(found) > 1 or suffix or portion_bytes == 5000
    assert [line for portion in found for line in lines_of(portion)] == lines


@pytest.mark.one_engine
@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_line_that_fits_no_block_is_passed_over_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str
) -> None:
    small(monkeypatch, 200)
    long = b"x" * 1_000_000
    for number, data in enumerate([long, long + b"\n", PLAIN + b"\n" + long + b"\n" + PLAIN, long + b"\n" + long]):
        path = tmp_path / f"{number}.jsonl{suffix}"
        path.write_bytes(COMPRESSIONS[suffix](data))
        [portion] = portions_in(path)

        assert lines_of(portion) == [[None], [None], [PLAIN, None, PLAIN], [None, None]][number]


@pytest.mark.one_engine
def test_no_two_portions_overlap(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jsonl").write_bytes((PLAIN + b"\n") * 50_000 * (number + 1))
    found = portions_in(tmp_path)

    for number in range(3):
        of_file = [(one.begin, one.end) for one in found if one.path.endswith(f"{number}.jsonl")]
        assert [begin for begin, _ in of_file] == [0, *[end for _, end in of_file[:-1]]]
        assert of_file[-1][1] == (tmp_path / f"{number}.jsonl").stat().st_size
        assert len(of_file) > 1


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("sizes", "readers", "shares"),
    [
        ([], 3, [[]]),
        ([5], 3, [[0]]),
        ([5, 5, 5, 5, 5, 5], 3, [[0, 1], [2, 3], [4, 5]]),
        ([5, 5, 5, 5, 5], 2, [[0, 1, 2], [3, 4]]),
        ([1, 9, 1, 9], 2, [[0, 1], [2, 3]]),
        ([9, 1, 1], 2, [[0], [1, 2]]),
        ([-2, -9, -4, -4], 2, [[1], [2, 3, 0]]),
        ([-6, 2, 2, 2, 2, -1], 2, [[0, 1], [5, 2, 3, 4]]),
    ],
    ids=str,
)
def test_each_reader_gets_a_run_of_lines_and_as_much_as_another(
    sizes: list[int], readers: int, shares: list[list[int]]
) -> None:
    found = [
        Portion("", 0, 10 * size if size > 0 else -size, "" if size > 0 else "gz")  # compressed are ten times longer
        for size in sizes
    ]

    assert portions.shared_out(found, readers) == shares


@pytest.mark.one_engine
def test_blocks_are_small_where_long_lines_are_allowed_but_not_there(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes((PLAIN + b"\n") * 200_000)

    for portion in portions_in(tmp_path):
        assert all(block is not None and len(block) <= 2 << 20 for block in blocks_of(portion, buffer_for(10 << 20)))


@pytest.mark.one_engine
def test_a_gzip_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl.gz").write_bytes(b"".join(gzip.compress(PLAIN + b"\n") for _ in range(3)))

    assert lines_of(portions_in(tmp_path)[0]) == [PLAIN] * 3


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("suffix", "spoil", "message"),
    [
        (".gz", lambda data: data[:-20], "it ends before its end mark"),
        (".gz", lambda data: data + bytes(8), "incorrect header check"),
        (".bz2", lambda data: data[:-20], "Compressed file ended before"),
    ],
)
def test_a_damaged_file_is_never_read_in_part(
    tmp_path: Path, suffix: str, spoil: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / f"e.jsonl{suffix}"
    path.write_bytes(spoil(COMPRESSIONS[suffix](PLAIN * 1000)))

    with pytest.raises(Exception, match=message):
        lines_of(Portion(str(path), 0, path.stat().st_size, suffix[1:]))


@pytest.mark.one_engine
def test_a_file_that_has_become_shorter_is_never_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(PLAIN)

    with pytest.raises(EOFError, match=r"e\.jsonl is shorter than it was"):
        lines_of(Portion(str(path), 0, 100, ""))


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_a_damaged_file_fails_the_run_with_its_name(engine: Engine, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"e.jsonl{suffix}"
    spoiled = bytearray(COMPRESSIONS[suffix](hostile_lines(1, 2_000, 100)))
    spoiled[len(spoiled) // 2] ^= 0xFF
    path.write_bytes(spoiled)

    with pytest.raises(UnreadableInput, match=rf"e\.jsonl{suffix} cannot be read to its end: "):
        count_files(engine, [path])


@pytest.mark.one_engine
def test_a_portion_that_nobody_read_breaks_the_ledger(tmp_path: Path) -> None:
    told = local_json.LinesRead(tmp_path, [Portion("a", 0, 5, ""), Portion("b", 7, 9, "")])
    (tmp_path / "0").write_text("3")

    with pytest.raises(LedgerBroken, match=r"b was not read from byte 7 to 9\. Nothing was written"):
        told.add_up()
    (tmp_path / "1").write_text("4")
    told.add_up()

    assert told() == 7


def test_rows_that_an_engine_loses_break_the_ledger(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_json.LinesRead, "__call__", lambda _: 3)

    with pytest.raises(LedgerBroken, match=r"the lines do not add up: counted in several ways they are \[3, 2\]"):
        count_bytes(engine, tmp_path, PLAIN + b"\n" + PLAIN)


def test_many_portions_of_many_files_count_as_the_oracle_says(
    engine: Engine, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "_LEAST_BYTES", 10_000)
    data = hostile_lines(11, 6_000, 200, gap_us=GAP).split(b"\n")
    parts = [b"\n".join(data[first::3]) + b"\n" for first in range(3)]
    for number, part in enumerate(parts):
        suffix = list(COMPRESSIONS)[number]
        (tmp_path / f"{number}.jsonl{suffix}").write_bytes(COMPRESSIONS[suffix](part))

    counted = count_files(engine, [tmp_path])

    assert counted.read_way == ("tolerant" if reader == "engine" else "fast")
    assert_as_oracle(counted, b"".join(parts), BASE_RULES)


def test_files_with_and_without_odd_lines_and_of_nothing_else_count_together(
    engine: Engine, reader: str, tmp_path: Path
) -> None:
    assert reader
    parts = [PLAIN + b"\n", PLAIN + b"\n" + ODD + b"\n\n", BROKEN + b"\n", b"", b"\n"]
    for number, part in enumerate(parts):
        (tmp_path / f"{number}.jsonl").write_bytes(part)

    assert_as_oracle(count_files(engine, [tmp_path]), b"".join(parts), BASE_RULES)


def test_clean_lines_count_as_the_oracle_says(engine: Engine, reader: str, tmp_path: Path) -> None:
    assert reader
    data = hostile_lines(8, 5_000, 300, gap_us=GAP, hostile_share=0)

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


@pytest.mark.parametrize("seed", range(2))
def test_plain_lines_spoiled_at_random_count_as_the_oracle_says(
    engine: Engine, reader: str, tmp_path: Path, seed: int
) -> None:
    assert reader
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
    engine: Engine, reader: str, tmp_path: Path, line: bytes
) -> None:
    assert reader
    data = PLAIN + b"\n" + line + b"\n"

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_a_blank_line_with_a_byte_order_mark_does_not_stop_any_reader(
    engine: Engine, reader: str, tmp_path: Path
) -> None:
    assert reader
    data = PLAIN + b"\n\xef\xbb\xbf\n" + PLAIN + b"\n"

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


def test_small_inputs_are_judged_and_large_ones_scanned(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned: list[bytes] = []

    def code() -> bytes:
        scanned.append(machine_code.get())
        return scanned[-1]

    monkeypatch.setattr(local_json, "_code", code)
    monkeypatch.setattr(local_json, "SMALL_BYTES", 2 * len(PLAIN))
    for times in (2, 3):
        assert_as_oracle(count_bytes(engine, tmp_path, PLAIN * times, BASE_RULES), PLAIN * times, BASE_RULES)
        assert len(scanned) == times - 2


def test_a_python_without_the_libraries_reads_as_a_cluster_does(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_json, "_NEEDED", ("numpy", "no_such_package"))
    data = PLAIN + b"\n" + ODD + b"\n"
    counted = count_bytes(engine, tmp_path, data)

    assert counted.read_way == "tolerant"
    assert_as_oracle(counted, data, BASE_RULES)
