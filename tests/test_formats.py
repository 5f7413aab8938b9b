"""Files of every format, under every name, whole or not: read to the last event, or refused by name."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from counting import BASE_RULES, MINUTE, assert_as_oracle, count_bytes, count_files, to_answer
from oracle import Answer, Rules
from pyarrow import parquet

from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.errors import UnreadableInput, UserError
from session_calc.inputs import list_inputs
from session_calc.job import count_sessions
from session_calc.prepare import Work
from session_calc.results import to_json
from session_calc.schemas import Fields
from session_calc.sessionize.rules import EventRules

GAP = 30 * MINUTE
UNKNOWN_SUFFIX = (
    "a suffix that says no known format. Known are .json, .jsonl, .ndjson and .csv, plain or with .gz or .bz2 behind, "
    "and .parquet. Rename the file, or name only the files to read in READ_PATH."
)
HOUR = 3_600_000  # milliseconds: each event a session of its own

LINE = b'{"user":"ann","time":0,"group":"A"}\n'
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


def line(number: int = 0, user: str = "ann", group: str = "A") -> bytes:
    return f'{{"user":"{user}","time":{number * HOUR},"group":"{group}"}}\n'.encode()


def many_lines(count: int = 30_000) -> bytes:
    """Give lines that compress badly, so that a compressed file has several blocks."""
    rng = Random(1)
    return b"".join(
        b'{"user":"u%d","time":%d,"x":"%s"}\n' % (n, n, rng.randbytes(20).hex().encode()) for n in range(count)
    )


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ledger_of(engine: Engine, *paths: Path) -> dict[str, int]:
    """Count files, and give what is not 0 in the ledger."""
    return {name: number for name, number in to_answer(count_files(engine, list(paths))).ledger.items() if number}


# ----------------------------------------------------------------------------------------------------------- JSON lines


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson", ".JSON"])
def test_every_suffix_of_json_lines_is_read_plain_and_compressed(engine: Engine, tmp_path: Path, suffix: str) -> None:
    for compression, compress in COMPRESSIONS.items():
        write(tmp_path / f"events{suffix}{compression}", compress(LINE + b"no json\n\n" + line(1)))

    assert ledger_of(engine, tmp_path) == {"lines": 12, "events": 6, "blank": 3, "malformed_json": 3}


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_a_compressed_file_may_be_put_together_of_several(engine: Engine, tmp_path: Path, suffix: str) -> None:
    compress = COMPRESSIONS[suffix]
    path = write(
        tmp_path / f"events.json{suffix}",
        compress(line(0)) + compress(b"") + compress(line(1) + line(2)[:9]) + compress(line(2)[9:]),
    )

    assert ledger_of(engine, path) == {"lines": 3, "events": 3}


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_last_line_needs_no_line_feed(engine: Engine, tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path / "events.json", line(0) + line(1).rstrip(b"\n") + end)

    assert ledger_of(engine, path) == {"lines": 2, "events": 2}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("e.json", b""),
        ("e.json.gz", b""),
        ("e.json.gz", gzip.compress(b"")),
        ("e.json.bz2", b""),
        ("e.json.bz2", bz2.compress(b"")),
        ("e.csv", b""),
        ("e.csv", b"user,time,group\n"),
    ],
    ids=["json", "gz of no bytes", "gz of nothing", "bz2 of no bytes", "bz2 of nothing", "csv", "csv with a header"],
)
def test_a_file_without_events_is_no_error_and_its_result_is_an_empty_object(
    engine: Engine, tmp_path: Path, name: str, data: bytes
) -> None:
    counted = count_files(engine, [write(tmp_path / name, data)])

    assert to_answer(counted).ledger == {"lines": 0, "events": 0, "blank": 0}
    assert to_json(counted.tally.session_counts[GAP, "group"]) == b"{}\n"


# --------------------------------------------------------------------------------------------------------- broken files


BROKEN_FILES = {
    "gzip cut off": ("e.json.gz", gzip.compress(many_lines())[:-2_000]),
    "gzip without its last byte": ("e.json.gz", gzip.compress(LINE)[:-1]),
    "gzip cut off in its second part": ("e.json.gz", gzip.compress(LINE) + gzip.compress(LINE)[:7]),
    "gzip with a wrong checksum": ("e.json.gz", gzip.compress(LINE)[:-8] + bytes(4) + gzip.compress(LINE)[-4:]),
    "gzip with a changed byte": (
        "e.json.gz",
        gzip.compress(many_lines())[:5_000] + b"\xaa\xbb\xcc" + gzip.compress(many_lines())[5_003:],
    ),
    "gzip with junk behind it": ("e.json.gz", gzip.compress(LINE) + b"junk"),
    "gzip with zeros behind it": ("e.json.gz", gzip.compress(LINE) + bytes(512)),
    "no gzip": ("e.json.gz", LINE * 9),
    "bzip2 cut off": ("e.json.bz2", bz2.compress(many_lines())[:-2_000]),
    "bzip2 without its last byte": ("e.json.bz2", bz2.compress(LINE)[:-1]),
    "bzip2 cut off in its second part": ("e.json.bz2", bz2.compress(LINE) + bz2.compress(LINE)[:9]),
    "bzip2 with a changed byte": (
        "e.json.bz2",
        bz2.compress(many_lines())[:5_000] + b"\xaa\xbb\xcc" + bz2.compress(many_lines())[5_003:],
    ),
    "bzip2 with junk behind it": ("e.json.bz2", bz2.compress(LINE) + b"junk" * 9),
    "no bzip2": ("e.json.bz2", LINE * 9),
    "CSV in a gzip cut off": ("e.csv.gz", gzip.compress(b"user,time,group\n" + b"ann,1,A\n" * 9_000)[:-9]),
}


@pytest.mark.parametrize("kind", BROKEN_FILES)
def test_a_broken_file_is_an_error_with_its_name(engine: Engine, tmp_path: Path, kind: str) -> None:
    name, data = BROKEN_FILES[kind]
    whole, broken = write(tmp_path / "a.json", LINE), write(tmp_path / name, data)

    with pytest.raises(
        UnreadableInput, match=rf"{re.escape(str(broken))} cannot be read to its end: .*\. Nothing was written\."
    ):
        count_files(engine, [whole, broken])


def bzip2_cut_between_blocks() -> bytes:
    """Cut a file off where its third block begins: classic Spark takes the first two for all of it."""
    data = bz2.compress(many_lines(), 1)
    bits = f"{int.from_bytes(data, 'big'):b}".zfill(len(data) * 8)
    block_mark = f"{0x314159265359:048b}"
    second = bits.index(block_mark, bits.index(block_mark) + 48)
    third = bits.index(block_mark, second + 48)
    return data[: third // 8 + 1]


def test_a_bzip2_file_cut_off_between_two_blocks_is_an_error_too(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "e.json.bz2", bzip2_cut_between_blocks())

    with pytest.raises(
        UnreadableInput, match=r"e\.json\.bz2 cannot be read to its end: the mark that ends a bzip2 file is not"
    ):
        count_files(engine, [path])


@contextmanager
def changed_before(step: str, change: Callable[[], Any]) -> Iterator[Clock]:
    """Give a clock that lets something happen before a step of the run."""

    class ChangingClock(Clock):
        @contextmanager
        def step(self, name: str) -> Iterator[None]:
            if name == step:
                change()
            with super().step(name):
                yield

    yield ChangingClock()


def count_while(engine: Engine, path: Path, step: str, change: Callable[[], Any]) -> None:
    fields = Fields(("user",), "time", "ms", ("group",), 10_485_760)
    listing = list_inputs([str(path)])
    with changed_before(step, change) as clock:
        count_sessions(Work(engine, listing, fields, (GAP,), EventRules(), clock))


@pytest.mark.parametrize("step", ["read", "count", "check"])
def test_an_input_that_grows_during_the_run_fails_it(engine: Engine, tmp_path: Path, step: str) -> None:
    path = write(tmp_path / "e.json", LINE)

    with pytest.raises(UnreadableInput, match=r"e\.json changed during the run, .* Nothing was written\."):
        count_while(engine, path, step, lambda: path.write_bytes(LINE * 2))


def test_an_input_that_goes_away_during_the_run_fails_it(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "e.json", LINE)

    with pytest.raises(UnreadableInput, match=r"e\.json (changed|cannot be read)"):
        count_while(engine, path, "count", path.unlink)


# ---------------------------------------------------------------------------------------------------------------- names


ODD_NAMES = [
    "a b.json",
    "a[1].json",
    "a*.json",
    "a?.json",
    "a{b,c}.json",
    "a\\b.json",
    "a:b.json",
    "a=b.json",
    "a#b.json",
    "a%20b.json",
    "%2F.json",
    "a+b&c;d.json",
    "a,b.json",
    "a'b\"c.json",
    "a\nb.json",
    "é.json",
    "日本.json",
    "\U0001f600.json",
    "~a.json",
    "$HOME.json",
    "-a.json",
    "a..b.json",
    "a._COPYING_.json",
]


def test_a_name_is_a_name_and_no_pattern(engine: Engine, tmp_path: Path) -> None:
    odd = [write(tmp_path / name, line(number)) for number, name in enumerate(ODD_NAMES)]
    for name in ("a1.json", "ab.json", "ac.json", "a c.json"):  # a pattern would find these too
        write(tmp_path / name, LINE)

    assert ledger_of(engine, *odd) == {"lines": len(odd), "events": len(odd)}


def test_a_name_with_brackets_is_found_alone(engine: Engine, tmp_path: Path) -> None:
    odd = write(tmp_path / "a[1].json", line(0))
    write(tmp_path / "a1.json", line(1))

    assert ledger_of(engine, odd) == {"lines": 1, "events": 1}


def test_files_with_odd_names_are_all_read_from_their_folder(engine: Engine, tmp_path: Path) -> None:
    for number, name in enumerate(ODD_NAMES):
        write(tmp_path / "folder=1 é" / "year=2024" / name, line(number))

    assert ledger_of(engine, tmp_path / "folder=1 é") == {"lines": len(ODD_NAMES), "events": len(ODD_NAMES)}


def test_a_folder_name_with_an_equals_sign_adds_no_field(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "group=folder" / "e.json", LINE)

    assert count_files(engine, [path]).tally.session_counts[GAP, "group"] == {"A": 1}


@pytest.mark.parametrize("name", ["_x.json", ".x.json", "_x.csv", ".x.json.gz"])
def test_a_hidden_file_that_is_named_is_refused_because_engines_would_find_nothing_in_it(
    tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / name, LINE)

    with pytest.raises(UnreadableInput, match=rf"{re.escape(name)}, but engines pass over files .* Rename the file"):
        list_inputs([str(path)])


def test_files_in_a_hidden_folder_that_is_named_are_read(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "_old" / "e.json", LINE)

    assert ledger_of(engine, tmp_path / "_old") == {"lines": 1, "events": 1}


def test_hidden_names_in_folders_are_passed_over_and_told(tmp_path: Path) -> None:
    seen = write(tmp_path / "day" / "e.json", LINE)
    hidden = [
        write(tmp_path / name, LINE) for name in (".e.json.crc", "_SUCCESS", "_temporary/0/part.json", "day/_x.json")
    ]

    listing = list_inputs([str(tmp_path)])

    assert [one.path for one in listing.inputs] == [str(seen)]
    assert listing.ignored == tuple(sorted(map(str, hidden)))


def test_hidden_names_that_a_glob_finds_are_passed_over_and_told_unless_it_spells_the_folder_out(
    tmp_path: Path,
) -> None:
    seen = write(tmp_path / "day" / "e.json", LINE)
    hidden = [write(tmp_path / name, LINE) for name in ("_old/e.json", "day/_x.json")]

    listing = list_inputs([f"{tmp_path}/*/*.json"])
    assert [one.path for one in listing.inputs] == [str(seen)]
    assert listing.ignored == tuple(sorted(map(str, hidden)))

    assert [one.path for one in list_inputs([f"{tmp_path}/_old/*.json"]).inputs] == [str(hidden[0])]


# ---------------------------------------------------------------------------------------------------------- read paths


def test_globs_folders_and_files_are_read_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["day=1/a.json", "day=1/b.json", "day=2/a.json", "c.json"]
    for name in names:
        write(tmp_path / name, LINE)
    monkeypatch.chdir(tmp_path)
    every_way = [str(tmp_path), "day=*", "day=*/*.json", "**/a.json", "c.json", "./c.json", "day=1/../c.json"]

    for read_paths in (every_way, every_way[::-1], [str(tmp_path)]):
        assert [Path(one.path).resolve() for one in list_inputs(read_paths).inputs] == sorted(
            tmp_path / name for name in names
        )


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.json", ["c.json"]),
        ("day=*", ["day=1/a.json", "day=2/b.json"]),
        ("**/[ab].json", ["day=1/a.json", "day=2/b.json"]),
        ("day=?/b.*", ["day=2/b.json"]),
    ],
)
def test_a_glob_finds_files_and_folders(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for name in ("day=1/a.json", "day=2/b.json", "c.json"):
        write(tmp_path / name, LINE)

    assert [one.path for one in list_inputs([f"{tmp_path}/{pattern}"]).inputs] == [
        str(tmp_path / name) for name in found
    ]


def test_all_paths_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "marks" / "_SUCCESS", b"")
    write(tmp_path / "notes.txt", b"")
    write(tmp_path / "good.json", LINE)
    names = ["missing.json", "empty", "marks", "day=*", "_*", "notes.txt", "good.json"]

    with pytest.raises(UnreadableInput, match="READ_PATH") as failure:
        list_inputs([f"{tmp_path}/{name}" for name in names] + ["hdfs://host/x"])

    assert str(failure.value).replace(f"{tmp_path}/", "").splitlines() == [
        "READ_PATH has missing.json, but there is no such file or folder.",
        "READ_PATH has empty, but the folder holds no file.",
        "READ_PATH has marks, but the folder holds no file but 1 with a name that begins with _ or a dot.",
        "READ_PATH has day=*, but no file matches it.",
        "READ_PATH has _*, but no file matches it.",
        f"notes.txt has {UNKNOWN_SUFFIX}",
        "READ_PATH has hdfs://host/x, but must be local files, or s3:// URLs. Copy the files here, or mount them.",
    ]


@pytest.mark.parametrize(
    "name", ["e.txt", "e", "json", "e.json.zst", "e.gz", "e.parquet.gz", "e.json.gz.gz", "e.json~"]
)
def test_an_unknown_suffix_is_an_error_even_beside_known_ones(tmp_path: Path, name: str) -> None:
    write(tmp_path / "good.json", LINE)
    write(tmp_path / name, LINE)

    with pytest.raises(UnreadableInput, match=rf"{re.escape(name)} has a suffix that says no known format\. Known are"):
        list_inputs([str(tmp_path)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "e.json", LINE)
    path.chmod(0)

    with pytest.raises(UnreadableInput, match=r"e\.json cannot be read: Permission denied"):
        list_inputs([str(path)])


# ------------------------------------------------------------------------------------------------------------------ CSV


def csv_answer(data: bytes, rules: Rules = BASE_RULES) -> dict[str, int]:
    """Say what becomes of each line of a CSV file, in plain Python."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    lines = lines if lines[-1] else lines[:-1]
    header = lines[0].rstrip(b"\r")
    names = next(csv.reader([header.decode()]))
    ledger = {"lines": 0, "events": 0}
    for one in lines:
        stripped = one.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
        if stripped == header:
            continue
        outcome = "blank" if not stripped.strip(b" \t\r") else csv_outcome(stripped, names, rules)
        ledger["lines"] += 1
        ledger[outcome] = ledger.get(outcome, 0) + 1
    return {name: number for name, number in ledger.items() if number}


def csv_outcome(one: bytes, names: list[str], rules: Rules) -> str:
    try:
        cells = next(csv.reader(io.StringIO(one.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return "malformed_csv"
    if len(cells) != len(names) or b"\0" in one:
        return "malformed_csv"
    row = dict(zip(names, cells, strict=True))  # of two columns of one name the last stays
    if not row.get(rules.user_keys[0]):
        return "missing_user"
    if not row.get(rules.timestamp_key):
        return "missing_timestamp"
    return "events" if re.fullmatch(r"-?[0-9]{1,14}(\.[0-9]+)?", row[rules.timestamp_key]) else "invalid_timestamp"


CSV_FILES = {
    "plain": b"user,time,group\nann,0,A\nbob,1,B\n",
    "in another order, with other columns": b"x,group,time,user,y\n1,A,0,ann,\n,,1,bob,2\n",
    "quotes around everything": b'"user","time","group"\n"ann","0","A"\n"bob","1","B"\n',
    "commas and doubled quotes inside quotes": b'user,time,group\n"ann, the first",0,"say ""A"""\n"""",1,","\n',
    "headers repeated, as cat leaves them": b"user,time,group\nann,0,A\nuser,time,group\nbob,1,B\nuser,time,group",
    "CRLF": b"user,time,group\r\nann,0,A\r\nuser,time,group\r\nbob,1,B\r\n",
    "carriage returns inside a line": b"user,time,group\na\rnn,0,A\n\rann,0,A\nann,0,A\r\r\nbob,1,B\n",
    "a byte order mark": b"\xef\xbb\xbfuser,time,group\nann,0,A\n",
    "a byte order mark in the middle, as cat leaves it": (
        b"\xef\xbb\xbfuser,time\nann,0\n\xef\xbb\xbfuser,time\n\xef\xbb\xbfbob,1\n"
    ),
    "too few and too many fields": b"user,time,group\nann,0\nann,0,A,B\nann\n,,,\nann,0,A\n",
    "broken UTF-8": b"user,time,group\nann\xff,0,A\nann,0,A\nbob,1,\xc3\n\xe2\x82,2,A\n",
    "NUL": b"user,time,group\nan\0n,0,A\nann,0,A\n",
    "quotes that do not match": b'user,time,group\n"ann,0,A\nann,0,A\n"an"n,0,A\nbob,1,"A\n',
    "a line break inside quotes": b'user,time,group\nann,0,"A\nB"\nbob,1,A\n',
    "empty cells": b'user,time,group\n,0,A\nann,,A\nann,0,\n"",0,A\nann,"",A\n,,\n',
    "blank lines": b"user,time,group\n\nann,0,A\n \r\n\n",
    "odd times": b"user,time,group\nann,x,A\nann, 1,A\nann,1.5,A\nann,true,A\nann,-5,A\n",
    "no user column": b"usr,time,group\nann,0,A\n",
    "two columns of one name": b"user,user,time,time\n,ann,x,0\nbob,,0,x\n",
    "characters from all over": "user,time,group\né,0,日本\n\U0001f600,1,ü\u2028\n".encode(),
    "one quote in a plain cell": b'user,time,group\na"nn,0,A\n',
    "no line feed at the end": b"user,time,group\nann,0,A",
}


@pytest.mark.parametrize("kind", CSV_FILES)
def test_csv_lines_become_what_plain_python_makes_of_them(engine: Engine, tmp_path: Path, kind: str) -> None:
    expected = csv_answer(CSV_FILES[kind])
    other = write(tmp_path / "other.csv", b"user,time,group\ncarl,0,C\n")  # so that USER_KEY is a field of some event

    actual = ledger_of(engine, write(tmp_path / "e.csv", CSV_FILES[kind]), other)

    assert actual == {**expected, "lines": expected["lines"] + 1, "events": expected.get("events", 0) + 1}


def csv_counts(engine: Engine, tmp_path: Path, data: bytes, **rules: Any) -> dict[str | None, int]:
    counted = count_files(engine, [write(tmp_path / "e.csv", data)], replace(BASE_RULES, **rules))
    return dict(counted.tally.session_counts[GAP, "group"])


def test_csv_cells_keep_their_text(engine: Engine, tmp_path: Path) -> None:
    data = 'user,time,group\n1,0,"say ""A"", B"\n2,0, x \n3,0,007\n4,0,\n5,0,null\n6,0,é\n7,0,"é,"\n'.encode()

    assert csv_counts(engine, tmp_path, data) == {
        'say "A", B': 1,
        " x ": 1,
        "007": 1,
        None: 1,
        "null": 1,
        "é": 1,
        "é,": 1,
    }


def test_of_two_csv_columns_of_one_name_the_last_counts_in_plain_and_in_quoted_lines(
    engine: Engine, tmp_path: Path
) -> None:
    data = b'user,time,group,group\n1,0,x,A\n2,0,"x","B"\n'

    assert csv_counts(engine, tmp_path, data) == {"A": 1, "B": 1}


def test_csv_without_the_group_column_counts_under_null(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "with.csv", b"user,time,group\nann,0,A\n")
    write(tmp_path / "without.csv", b"time,user\n0,bob\n")

    counted = count_files(engine, [tmp_path])

    assert counted.tally.session_counts[GAP, "group"] == {"A": 1, None: 1}


def test_csv_names_may_have_dots(engine: Engine, tmp_path: Path) -> None:
    data = b"geo.user,time,group\nann,0,A\nbob,0,B\n"

    assert csv_counts(engine, tmp_path, data, user_keys=("geo.user",)) == {"A": 1, "B": 1}


def test_csv_times_may_be_iso_8601(engine: Engine, tmp_path: Path) -> None:
    rows = [b"ann,2024-01-01T00:00:00Z,A", b'ann,"2024-01-01 00:30:00,000001",B', b"ann,2024-01-01T00:30:00.000001Z,C"]
    data = b"user,time,group\n" + b"\n".join(rows)

    assert csv_counts(engine, tmp_path, data, timestamp_unit="iso8601") == {"A": 1, "B": 1}


@pytest.mark.parametrize("compression", ["", ".gz", ".bz2"])
def test_csv_may_be_compressed(engine: Engine, tmp_path: Path, compression: str) -> None:
    data = CSV_FILES["commas and doubled quotes inside quotes"]
    path = write(tmp_path / f"e.csv{compression}", COMPRESSIONS[compression](data))

    assert ledger_of(engine, path) == csv_answer(data)


def test_a_csv_header_may_follow_blank_lines(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", b"\n\r\nuser,time,group\nann,0,A\n")

    assert ledger_of(engine, path) == {"lines": 3, "events": 1, "blank": 2}


def test_a_csv_header_that_is_no_utf8_is_an_error(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", b"us\xe9r,time\nann,0\n")

    with pytest.raises(
        UnreadableInput, match=rf"{re.escape(str(path))} has a header line that is no UTF-8\. Save the file as UTF-8"
    ):
        count_files(engine, [path])


# -------------------------------------------------------------------------------------------------------------- Parquet


NOON = datetime.fromisoformat("2024-02-29T12:00:00.123456")
NOON_US = 1_709_208_000_123_456


def write_parquet(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({"user": ["ann", "bob"], "time": [0, 1], "group": ["A", "B"], **columns}), path)
    return path


def parquet_answer(engine: Engine, tmp_path: Path, rules: Rules = BASE_RULES, **columns: Any) -> Answer:
    return to_answer(count_files(engine, [write_parquet(tmp_path / "e.parquet", **columns)], rules))


@pytest.mark.parametrize(
    ("times", "microseconds"),
    [
        (pa.array([NOON] * 2, pa.timestamp("us")), NOON_US),
        (pa.array([NOON] * 2, pa.timestamp("us", "UTC")), NOON_US),
        (pa.array([NOON_US] * 2, pa.timestamp("us", "America/New_York")), NOON_US),
        (pa.array([NOON.replace(microsecond=0)] * 2, pa.timestamp("ms")), NOON_US - 123_456),
        (pa.array([date(2024, 2, 29)] * 2), NOON_US - 123_456 - 12 * 3_600_000_000),
        (pa.array([-1_000_001] * 2, pa.timestamp("us")), -1_000_001),
        (pa.array([253_402_300_799_999_999] * 2, pa.timestamp("us", "UTC")), 253_402_300_799_999_999),
        (pa.array([5] * 2, pa.int32()), 5_000),
        (pa.array([-5] * 2, pa.int8()), -5_000),
        (pa.array([7] * 2, pa.uint64()), 7_000),
        (pa.array([1.0019] * 2, pa.float64()), 1_001),
        (pa.array([2e12] * 2, pa.float64()), 2_000_000_000_000_000),
        (pa.array([Decimal("-1.5009")] * 2), -1_501),
        (pa.array(["3e3"] * 2), 3_000_000),
        (pa.array(["2024"] * 2, pa.large_string()), 2_024_000),
    ],
    ids=[
        "microseconds",
        "microseconds in UTC",
        "microseconds in another zone",
        "milliseconds",
        "dates",
        "before 1970",
        "the last moment",
        "int32",
        "int8",
        "uint64",
        "doubles",
        "large doubles",
        "decimals",
        "strings",
        "large strings",
    ],
)
def test_every_parquet_type_of_time_is_the_right_moment(
    engine: Engine, tmp_path: Path, times: pa.Array, microseconds: int
) -> None:
    answer = parquet_answer(engine, tmp_path, time=times)

    assert answer.ledger == {"lines": 2, "events": 2, "blank": 0}
    assert (answer.first_event_time, answer.last_event_time) == (microseconds, microseconds)


def test_a_parquet_timestamp_needs_no_unit(engine: Engine, tmp_path: Path) -> None:
    answer = parquet_answer(
        engine, tmp_path, replace(BASE_RULES, timestamp_unit="iso8601"), time=pa.array([NOON] * 2, pa.timestamp("us"))
    )

    assert answer.first_event_time == NOON_US


def test_parquet_times_that_are_none_are_rejected(engine: Engine, tmp_path: Path) -> None:
    times = [1.0, float("nan"), float("inf"), None, 1e300]

    assert parquet_answer(engine, tmp_path, user=["a"] * 5, time=times, group=["A"] * 5).ledger == {
        "lines": 5,
        "events": 1,
        "blank": 0,
        "missing_timestamp": 1,
        "invalid_timestamp": 3,
    }


@pytest.mark.parametrize(
    ("groups", "texts"),
    [
        (["A", None], ["A", None]),
        (["", "é, \U0001f600"], ["", "é, \U0001f600"]),
        ([1, -(2**63)], ["1", "-9223372036854775808"]),
        (pa.array([1, 2**64 - 1], pa.uint64()), ["1", "18446744073709551615"]),
        ([0.1, 1e22], ["0.1", "1e+22"]),
        ([1.0, -0.0], ["1.0", "-0.0"]),
        ([True, False], ["true", "false"]),
        ([Decimal("1.50"), Decimal("-0.05")], ["1.50", "-0.05"]),
        (
            pa.array([Decimal(0), Decimal("1e-15")], pa.decimal128(38, 20)),
            ["0.00000000000000000000", "0.00000000000000100000"],
        ),
        ([date(2024, 2, 29), date(1, 1, 1)], ["2024-02-29", "0001-01-01"]),
        ([NOON, NOON.replace(microsecond=0)], ["2024-02-29 12:00:00.123456", "2024-02-29 12:00:00"]),
        (pa.array([NOON, None], pa.timestamp("us", "UTC")), ["2024-02-29 12:00:00.123456", None]),
        (pa.nulls(2), [None, None]),
        (pa.nulls(2, pa.string()), [None, None]),
    ],
    ids=[
        "strings",
        "odd strings",
        "integers",
        "unsigned integers",
        "doubles",
        "whole doubles",
        "booleans",
        "decimals",
        "long decimals",
        "dates",
        "timestamps",
        "timestamps in UTC",
        "nulls of no type",
        "null strings",
    ],
)
def test_every_parquet_type_has_one_text_on_every_engine(
    engine: Engine, tmp_path: Path, groups: Any, texts: list[str | None]
) -> None:
    counts = parquet_answer(engine, tmp_path, group=groups).session_counts[GAP, "group"]

    assert counts == ({None: 2} if texts == [None, None] else dict.fromkeys(texts, 1))


def test_parquet_users_may_be_numbers_null_or_empty(engine: Engine, tmp_path: Path) -> None:
    assert parquet_answer(engine, tmp_path, user=[2**62, None]).ledger["missing_user"] == 1
    assert parquet_answer(engine, tmp_path, user=["", "ann"]).ledger["missing_user"] == 1


def test_a_dotted_key_names_a_parquet_struct_field(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, user_keys=("event.who.id",), timestamp_key="event.at")
    events = [{"who": {"id": "ann"}, "at": 1}, {"who": {"id": None}, "at": 2}, {"who": None, "at": 3}, None]
    answer = parquet_answer(engine, tmp_path, rules, user=[None] * 4, time=[None] * 4, group=["A"] * 4, event=events)

    assert answer.ledger == {"lines": 4, "events": 1, "blank": 0, "missing_user": 3}


def test_parquet_names_are_told_apart_by_case_and_may_hold_any_character(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, user_keys=("us`er x",))
    answer = parquet_answer(
        engine, tmp_path, rules, **{"us`er x": ["ann", "ann"], "Group": ["x", "y"], "USER": ["p", "q"]}
    )

    assert (answer.user_count, answer.session_counts[GAP, "group"]) == (1, {"A": 1})


def test_parquet_files_that_differ_in_columns_and_types_are_read_each_by_its_own(
    engine: Engine, tmp_path: Path
) -> None:
    write_parquet(tmp_path / "1.parquet")
    write_parquet(tmp_path / "2.parquet", group=[1, 2])
    write_parquet(tmp_path / "3.parquet", time=pa.array([NOON] * 2, pa.timestamp("us")), extra=[[1], []])
    parquet.write_table(pa.table({"time": [HOUR], "user": ["ann"]}), tmp_path / "4.parquet")
    parquet.write_table(
        pa.table({"time": pa.array([], pa.int64()), "user": pa.array([], pa.string())}), tmp_path / "5.parquet"
    )

    answer = to_answer(count_files(engine, [tmp_path]))

    assert answer.ledger == {"lines": 7, "events": 7, "blank": 0}
    assert answer.session_counts[GAP, "group"] == {"A": 1, "B": 1, "1": 1, "2": 1, None: 1}


@pytest.mark.parametrize("unit_zone", [None, "UTC"])
def test_parquet_with_nanoseconds_is_an_error_that_says_what_to_do(
    engine: Engine, tmp_path: Path, unit_zone: str | None
) -> None:
    path = write_parquet(tmp_path / "e.parquet", time=pa.array([1, 2], pa.timestamp("ns", unit_zone)))

    with pytest.raises(
        UnreadableInput,
        match=rf"{re.escape(str(path))} has a column that this engine cannot read: .* Write times as microseconds",
    ):
        count_files(engine, [path])


@pytest.mark.parametrize("values", [[b"x", b"y"], [[1], [2]], [{"a": 1}, {"a": 2}]], ids=["bytes", "lists", "structs"])
def test_a_parquet_field_without_a_text_is_an_error(engine: Engine, tmp_path: Path, values: list[Any]) -> None:
    with pytest.raises(
        UserError, match=r"group is (binary|array|struct).* in the Parquet files, but must be a text, number"
    ):
        parquet_answer(engine, tmp_path, group=values)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"hello",
        lambda data: data[:-20],
        lambda data: data[:4],
        lambda data: b"XXXX" + data[4:],
    ],
    ids=["no bytes", "a text", "cut off", "the first bytes alone", "another beginning"],
)
def test_what_is_no_whole_parquet_file_is_an_error(
    engine: Engine, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = write_parquet(tmp_path / "e.parquet")
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(
        UnreadableInput, match=rf"{re.escape(str(path))} is no Parquet file, or not all of one\. Nothing was written\."
    ):
        count_files(engine, [path])


# ------------------------------------------------------------------------------------------------------- all of them


def test_a_folder_of_all_formats_is_read_in_one_run(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "1.json", line(0, group="A"))
    write(tmp_path / "2.jsonl.gz", gzip.compress(line(1, group="B") + b"[]\n"))
    write(tmp_path / "3.ndjson.bz2", bz2.compress(line(2, group="C") + b"\n"))
    write(tmp_path / "4.csv", b"user,time,group\nann,%d,D\nann,x,D\n" % (3 * HOUR))
    write(tmp_path / "deep" / "5.csv.gz", gzip.compress(b"group,time,user\nE,%d,ann\n" % (4 * HOUR)))
    write_parquet(tmp_path / "deep" / "6.parquet", user=["ann", None], time=[5 * HOUR, 0], group=["F", "F"])
    write_parquet(
        tmp_path / "7.parquet",
        user=["ann"],
        time=pa.array([datetime(1970, 1, 1, 6, tzinfo=timezone.utc)], pa.timestamp("us", "UTC")),
        group=["G"],
    )

    answer = to_answer(count_files(engine, [tmp_path]))

    assert answer.user_count == 1
    assert answer.session_counts[GAP, "group"] == dict.fromkeys("ABCDEFG", 1)
    expected = {"lines": 11, "events": 7, "blank": 1, "not_an_object": 1, "missing_user": 1, "invalid_timestamp": 1}
    assert answer.ledger == expected


def test_sessions_go_on_over_files_and_formats(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "1.json", b'{"user":"ann","time":0,"group":"A"}\n')
    write(tmp_path / "2.csv", b"user,time,group\nann,1800000,B\n")
    write_parquet(tmp_path / "3.parquet", user=["ann"], time=[3_600_000], group=["C"])

    assert count_files(engine, [tmp_path]).tally.session_counts[GAP, "group"] == {"A": 1}


def test_broken_utf8_in_one_file_of_many_changes_nothing_in_the_others(engine: Engine, tmp_path: Path) -> None:
    write(tmp_path / "1.json", line(0) + b'{"user":"a\xff","time":1}\n')
    write(tmp_path / "2.csv", b"user,time,group\nann,0,A\nbob,0,\xff\n")
    write(tmp_path / "3.json.gz", gzip.compress(line(1) + b"\xff\n"))
    write_parquet(tmp_path / "4.parquet")

    expected = {"lines": 8, "events": 5, "malformed_json": 2, "malformed_csv": 1}
    assert ledger_of(engine, tmp_path) == expected


def test_the_bytes_of_one_run_over_a_single_json_file_are_those_of_the_oracle(engine: Engine, tmp_path: Path) -> None:
    data = b"".join(line(number, user=f"u{number % 5}", group="AB"[number % 2]) for number in range(50))

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)
