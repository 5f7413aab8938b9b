"""Every reject is written with its file, line and text; as many as the ledger has; all of them or none."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting import BASE_RULES, MINUTE
from hostile import hostile_lines
from oracle import Event, Rules, read_line, split_lines

from session_calc import rejects, run, summary
from session_calc.engines.engine import Engine
from session_calc.errors import LedgerBroken, TooManyRejects, UnwritableOutput, UserError, WrongSettings
from session_calc.inputs import list_inputs
from session_calc.read.pieces import LongLine, pieces_of
from session_calc.read.rejects import Reject, find_rejects
from session_calc.schemas import Fields
from session_calc.settings import resolve

FIELDS = Fields(("user",), "time", "ms", ("group",), 10 * 1024**2)
SETTINGS = {"USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group"}
GOOD = b'{"user":"ann","time":1554768000000,"group":"A"}'
NO_USER = b'{"user":null,"time":1554768000000,"group":"A"}'
CUT = b'{"user":"ann","time":15547'
RESULT = Path("output/sessions_by_group.json")
KIB_64 = 64 * 1024


@pytest.fixture
def shared(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine of all tests, for runs in this process: one of their own would end it with theirs."""
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    return engine


def count(engine: Engine, path: Path | str, *, explains: bool = False, **given: str) -> run.Outcome:
    settings = resolve({"ENGINE": engine.name}, {**SETTINGS, "READ_PATH": str(path), **given}, {})
    return run.count(settings, run.Circumstances(given, tell=lambda _: None, explains_rejects=explains))


def find(*paths: Path, fields: Fields = FIELDS) -> list[Reject]:
    return list(find_rejects(list_inputs([str(path) for path in paths]).inputs, fields))


def places(found: list[Reject]) -> list[tuple[int, str]]:
    return [(one.line_number, one.reason) for one in found]


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def records(path: Path | str) -> list[dict[str, Any]]:
    data = Path(path).read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if str(path).endswith(".gz") else data).splitlines()]


# ----------------------------------------------------------------------------------------------------- what is a reject


@pytest.mark.parametrize("unit", ["ms", "s", "us", "ns", "iso8601"])
def test_of_hostile_lines_exactly_the_rejects_are_written_in_order_with_number_and_reason(
    shared: Engine, tmp_path: Path, unit: str
) -> None:
    rules = replace(BASE_RULES, timestamp_unit=unit, max_line_bytes=300)
    data = hostile_lines(21, 3_000, 300, unit=unit, gap_us=30 * MINUTE, max_line_bytes=300)
    path = write(tmp_path / "in" / "e.jsonl", data)
    count(shared, path, REJECTS_PATH="rejects.jsonl", TIMESTAMP_UNIT=unit, MAX_LINE_BYTES="300")

    assert_as_oracle(records("rejects.jsonl"), path, data, rules)


def assert_as_oracle(found: list[dict[str, Any]], path: Path, data: bytes, rules: Rules) -> None:
    lines = split_lines(data)
    outcomes = [read_line(line, rules) for line in lines]
    expected = [
        (number, outcome)
        for number, outcome in enumerate(outcomes, start=1)
        if not isinstance(outcome, Event) and outcome not in (None, "blank")
    ]
    assert [(one["line_number"], one["reject_reason"]) for one in found] == expected
    assert {one["file"] for one in found} == {str(path)}
    for one in found:
        line = lines[one["line_number"] - 1]
        assert one["text_byte_count"] == len(line)
        assert one["text_sha256"] == sha256(line).hexdigest()
        assert one["text"] == line[:KIB_64].decode(errors="replace")


def test_files_are_in_order_of_their_paths_and_each_has_its_own_numbers(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", CUT + b"\n" + GOOD)
    write(tmp_path / "a.jsonl.gz", gzip.compress(b"\n" + GOOD + b"\r\n\r\n" + CUT + b"\r\n"))
    write(tmp_path / "c.jsonl.bz2", bz2.compress(b"[1]"))

    assert [(Path(one.file).name, one.line_number, one.reason) for one in find(tmp_path)] == [
        ("a.jsonl.gz", 4, "malformed_json"),
        ("b.jsonl", 1, "malformed_json"),
        ("c.jsonl.bz2", 1, "not_an_object"),
    ]


def test_in_csv_headers_and_blank_lines_count_as_lines_and_are_no_rejects(shared: Engine, tmp_path: Path) -> None:
    header = b"user,time,group\r\n"
    rows = b"\r\nann,5,A\r\n" + header + b',5,A\r\nann,,A\r\nann,x,A\r\n"ann,5,A\r\na\rb,5,A\n'
    data = b"\xef\xbb\xbf" + header + rows
    path = write(tmp_path / "in" / "e.csv", data)
    count(shared, path, REJECTS_PATH="r.jsonl")

    assert [(one["line_number"], one["reject_reason"], one["text"]) for one in records("r.jsonl")] == [
        (5, "missing_user", ",5,A\r"),
        (6, "missing_timestamp", "ann,,A\r"),
        (7, "invalid_timestamp", "ann,x,A\r"),
        (8, "malformed_csv", '"ann,5,A\r'),
        (9, "malformed_csv", "a\rb,5,A"),
    ]


def test_in_parquet_the_row_is_numbered_and_the_text_is_the_keys_fields_with_nulls(
    shared: Engine, tmp_path: Path
) -> None:
    rows = {
        "user": ["ann", None, "", "bob", "bob"],
        "time": [Decimal(1), Decimal(2), None, None, Decimal("9e17")],
        "group": [None, "A", "B", "C", "é"],
        "more": [1, 2, 3, 4, 5],
    }
    path = tmp_path / "in" / "e.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table(rows, schema=_schema(pa.decimal128(20, 1))), path, row_group_size=2)
    count(shared, path, REJECTS_PATH="r.jsonl")

    assert [(one["line_number"], one["reject_reason"], one["text"]) for one in records("r.jsonl")] == [
        (2, "missing_user", '{"user":null,"time":"2.0","group":"A"}'),
        (3, "missing_user", '{"user":"","time":null,"group":"B"}'),
        (4, "missing_timestamp", '{"user":"bob","time":null,"group":"C"}'),
        (5, "invalid_timestamp", '{"user":"bob","time":"900000000000000000.0","group":"é"}'),
    ]


def _schema(time: pa.DataType) -> pa.Schema:
    return pa.schema([("user", pa.string()), ("time", time), ("group", pa.string()), ("more", pa.int64())])


MOMENT = datetime(2019, 4, 9, tzinfo=timezone.utc)
TIMES = {
    "whole numbers": (pa.int64(), [5, 10**18, None]),
    "doubles": (pa.float64(), [5.5, float("nan"), 1e300, None]),
    "floats": (pa.float32(), [5.5, float("inf"), None]),
    "booleans": (pa.bool_(), [True, None]),
    "texts": (pa.large_string(), ["5", "3e3", "", "x", "2019-04-09T00:00:00Z", None]),
    "moments": (pa.timestamp("us", "UTC"), [MOMENT, None]),
    "moments beyond the year 9999": (
        pa.timestamp("us", "UTC"),
        [pa.scalar(4 * 10**17, pa.timestamp("us", "UTC")), MOMENT],
    ),
    "milliseconds": (pa.timestamp("ms"), [MOMENT.replace(tzinfo=None), None]),
    "days": (pa.date32(), [MOMENT.date(), None]),
}


@pytest.mark.parametrize("unit", ["ms", "iso8601"])
@pytest.mark.parametrize(("kind", "times"), TIMES.values(), ids=TIMES.keys())
def test_times_of_every_type_in_parquet_are_judged_as_the_engine_does(
    shared: Engine, tmp_path: Path, kind: pa.DataType, times: list[Any], unit: str
) -> None:
    values = [one if isinstance(one, pa.Scalar) else pa.scalar(one, kind) for one in times]
    time = (
        pa.array([one.as_py() for one in values], kind) if not pa.types.is_timestamp(kind) else _moments(values, kind)
    )
    size = len(values)
    table = pa.table({"user": ["ann"] * size, "time": time, "group": ["A"] * size})
    path = tmp_path / "in" / "e.parquet"
    path.parent.mkdir()
    pq.write_table(table, path)

    # the run itself holds what is found against its ledger
    outcome = count(shared, path, REJECTS_PATH="r.jsonl", TIMESTAMP_UNIT=unit)
    assert len(records("r.jsonl")) == outcome.counted.tally.ledger.reject_count > 0


def _moments(values: list[pa.Scalar], kind: pa.DataType) -> pa.Array:
    return pa.array([one.cast(pa.int64()).as_py() for one in values], pa.int64()).cast(kind)


def test_fields_nested_in_parquet_and_fields_that_are_not_there_are_judged_too(shared: Engine, tmp_path: Path) -> None:
    inner = pa.array([{"id": "ann"}, {"id": None}, None])
    path = tmp_path / "in" / "e.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"who": inner, "time": [1, 2, 3], "group": ["A", "B", "C"]}), path)
    pq.write_table(pa.table({"group": ["A"]}), path.with_name("f.parquet"))
    count(shared, path.parent, REJECTS_PATH="r.jsonl", USER_KEY="who.id")

    assert [(Path(one["file"]).name, one["line_number"], one["text"]) for one in records("r.jsonl")] == [
        ("e.parquet", 2, '{"who.id":null,"time":2,"group":"B"}'),
        ("e.parquet", 3, '{"who.id":null,"time":3,"group":"C"}'),
        ("f.parquet", 1, '{"who.id":null,"time":null,"group":"A"}'),
    ]


# ------------------------------------------------------------------------------------------------------------- the text


@pytest.mark.one_engine
def test_the_fields_of_a_reject_are_these(shared: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + NO_USER + b"\n")
    count(shared, path, REJECTS_PATH="r.jsonl")

    assert records("r.jsonl") == [
        {
            "file": str(path),
            "line_number": 2,
            "reject_reason": "missing_user",
            "text": NO_USER.decode(),
            "text_byte_count": len(NO_USER),
            "text_sha256": sha256(NO_USER).hexdigest(),
        }
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"x" * KIB_64, "x" * KIB_64),
        (b"x" * (KIB_64 + 1), "x" * KIB_64),
        (b"x" * (KIB_64 - 1) + "é".encode(), "x" * (KIB_64 - 1)),
        (b"x" * (KIB_64 - 2) + "é".encode() + b"x", "x" * (KIB_64 - 2) + "é"),
        (b"x" * 10 + b"\xc3", "x" * 10 + "\ufffd"),
        (b'{"\xff\xfe\x00\x1b\xe2\x80\xa8', '{"\ufffd\ufffd\x00\x1b\u2028'),
        (b"\xef\xbb\xbfx\r", "\ufeffx\r"),
    ],
    ids=[
        "64 KiB are kept",
        "one byte more is cut off",
        "a character that does not fit is left out",
        "one that fits is kept",
        "half a character at the end is broken",
        "broken bytes show as U+FFFD, control characters are kept",
        "byte order mark and carriage return are kept",
    ],
)
def test_the_text_is_clipped_at_64_kib_and_its_length_and_hash_are_of_all_bytes(
    tmp_path: Path, line: bytes, shown: str
) -> None:
    [found] = find(write(tmp_path / "e.jsonl", line + b"\n" + GOOD))

    assert (found.text, found.text_byte_count, found.text_sha256) == (shown, len(line), sha256(line).hexdigest())
    assert json.loads(rejects.to_json(found))["text"] == shown


def test_of_a_line_far_over_the_limit_the_start_is_kept_and_all_is_hashed(tmp_path: Path) -> None:
    line = b'{"user":"' + b"y" * 12_000_000
    found = find(write(tmp_path / "e.jsonl.gz", gzip.compress(GOOD + b"\n" + line + b"\n" + CUT, compresslevel=1)))

    assert places(found) == [(2, "line_too_long"), (3, "malformed_json")]
    assert (len(found[0].text), found[0].text_byte_count) == (KIB_64, len(line))
    assert found[0].text_sha256 == sha256(line).hexdigest()


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_the_lines_whatever_the_blocks_in_which_they_come(seed: int) -> None:
    rng = Random(seed)
    lines = [b"x" * rng.choice([0, 0, 1, 5, 70_000, 200_000]) for _ in range(rng.randrange(12))]
    data = b"\n".join(lines) + rng.choice([b"", b"\n"])
    found: list[tuple[int, str]] = []
    for piece in pieces_of(io.BytesIO(data), 100_000, read_bytes=rng.choice([1, 7, 65_536, 1 << 20])):
        if isinstance(piece, LongLine):
            assert piece.start == b"x" * KIB_64
            found.append((piece.byte_count, piece.sha256))
        else:
            found += [(len(line), sha256(line).hexdigest()) for line in piece.split(b"\n")]

    assert found == [(len(line), sha256(line).hexdigest()) for line in split_lines(data)]


# --------------------------------------------------------------------------------------------------------- side by side


@pytest.fixture
def mixed(tmp_path: Path) -> list[Path]:
    """Files of every format, some of several pieces, with rejects in all."""
    folder = tmp_path / "in"
    lines = hostile_lines(23, 3_000, 300)
    long = b'{"user":"' + b"y" * 12_000_000
    write(folder / "a.jsonl", lines * 8 + b"\n" + long + b"\n" + CUT)
    write(folder / "b.csv", b"user,time,group\n,5,A\nann,5\n")
    pq.write_table(pa.table({"user": ["ann", None], "time": [1, 2]}), folder / "c.parquet")
    write(folder / "d.jsonl.gz", gzip.compress(lines))
    write(folder / "e.csv", b"time,user,group\nx,ann,A\n")
    return sorted(folder.iterdir())


def test_many_processes_find_what_one_finds_in_the_same_order(
    mixed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one = find(*mixed)
    monkeypatch.setattr("session_calc.read.rejects._LARGE_BYTES", 0)
    monkeypatch.setattr("session_calc.read.side_by_side.core_count", lambda: 2)

    assert find(*mixed) == in_one
    assert {Path(one.file).name for one in in_one} == {path.name for path in mixed}


def test_where_no_process_can_be_started_one_finds_them_all(mixed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    in_one = find(*mixed)
    started: list[int] = []

    def refuse(count: int, *_: Any) -> None:
        started.append(count)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("session_calc.read.rejects._LARGE_BYTES", 0)
    monkeypatch.setattr("session_calc.read.side_by_side.core_count", lambda: 64)
    monkeypatch.setattr("session_calc.read.side_by_side.ProcessPoolExecutor", refuse)

    assert find(*mixed) == in_one
    assert started == [8]


# ----------------------------------------------------------------------------------------------------------- the ledger


@pytest.mark.one_engine
def test_a_run_without_rejects_writes_an_empty_file_in_place_of_the_one_before(shared: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD)
    write(Path("r.jsonl"), b"old\n")
    count(shared, path, REJECTS_PATH="r.jsonl")

    assert Path("r.jsonl").read_bytes() == b""


@pytest.mark.one_engine
@pytest.mark.parametrize("name", ["r.jsonl", "deep/r.jsonl.gz"])
def test_the_same_inputs_make_the_same_bytes_and_the_report_has_their_hash(
    shared: Engine, tmp_path: Path, name: str
) -> None:
    path = write(tmp_path / "in" / "e.jsonl", hostile_lines(22, 500, 50))
    digests = []
    for _ in range(2):
        outcome = count(shared, path, REJECTS_PATH=name)
        digests.append(sha256(Path(name).read_bytes()).hexdigest())
    report = json.loads(RESULT.with_suffix(".run.json").read_bytes())

    assert digests[0] == digests[1]
    assert report["rejects"] == {
        "path": str(Path(name).absolute()),
        "line_count": outcome.counted.tally.ledger.reject_count,
        "sha256": digests[0],
    }
    assert Counter(one["reject_reason"] for one in records(name)) == outcome.counted.tally.ledger.reject_counts


def test_a_run_whose_rejects_are_not_those_of_the_ledger_fails_and_publishes_nothing(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + CUT + b"\n" + NO_USER)
    write(Path("r.jsonl"), b"old\n")
    monkeypatch.setattr(rejects, "find_rejects", _without_the_last)
    message = (
        "the rejects do not add up: the ledger has {'malformed_json': 1, 'missing_user': 1}, but the lines themselves "
        "are {'malformed_json': 1}. Nothing was written. This is a defect of the job or of the engine: run again "
        "without REJECTS_PATH or with another ENGINE, and report it."
    )
    with pytest.raises(LedgerBroken, match=f"^{re.escape(message)}$"):
        count(shared, path, REJECTS_PATH="r.jsonl")

    assert_nothing_published(b"old\n")


def _without_the_last(*arguments: Any) -> Any:
    yield from list(find_rejects(*arguments))[:-1]


def assert_nothing_published(before: bytes) -> None:
    assert not RESULT.exists()
    assert Path("r.jsonl").read_bytes() == before
    assert list(Path().glob(".r.jsonl*")) == []


# ------------------------------------------------------------------------------------------------------ all or nothing


@pytest.mark.one_engine
def test_where_the_rejects_cannot_be_put_in_place_the_results_are_put_back(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + CUT)
    count(shared, path, REJECTS_PATH="r.jsonl")
    before = RESULT.read_bytes(), Path("r.jsonl").read_bytes()
    write(path, GOOD + b"\n" + GOOD.replace(b"ann", b"bob"))
    replace_file = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == "r.jsonl":
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UnwritableOutput, match=r"^REJECTS_PATH is 'r\.jsonl', but writing there failed: No space left"):
        count(shared, path, REJECTS_PATH="r.jsonl")

    assert (RESULT.read_bytes(), Path("r.jsonl").read_bytes()) == before
    assert json.loads(RESULT.with_suffix(".run.json").read_bytes())["status"] == "failed"
    assert list(Path().glob(".r.jsonl*")) == []


@pytest.mark.one_engine
def test_where_the_results_cannot_be_published_the_old_rejects_stand(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + CUT)
    write(Path("r.jsonl"), b"old\n")
    replace_file = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target.name == RESULT.name:
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UnwritableOutput, match=r"^WRITE_PATH is 'output', but writing there failed: No space left"):
        count(shared, path, REJECTS_PATH="r.jsonl")

    assert_nothing_published(b"old\n")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("name", "why"),
    [("folder.jsonl", "it is a folder"), ("file/r.jsonl", "File exists")],
    ids=["a folder", "in a file"],
)
def test_a_place_where_nothing_can_be_written_is_told_before_any_work(
    shared: Engine, tmp_path: Path, name: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path("folder.jsonl/x"), b"")
    write(Path("file"), b"")
    monkeypatch.setattr(run, "open_engine", None)
    message = f"REJECTS_PATH is '{name}', but writing there failed: {why}. What stood there before is as it was."
    with pytest.raises(UnwritableOutput, match=f"^{re.escape(message)}$"):
        count(shared, write(tmp_path / "in" / "e.jsonl", GOOD), REJECTS_PATH=name)


@pytest.mark.one_engine
@pytest.mark.parametrize("place", ["in/e.jsonl", "in/r.jsonl", "in/deep/r.jsonl"])
def test_rejects_among_the_inputs_are_refused_for_a_later_run_would_count_them(
    shared: Engine, tmp_path: Path, place: str
) -> None:
    write(tmp_path / "in" / "e.jsonl", GOOD)
    path = tmp_path / place
    message = (
        f"REJECTS_PATH is '{path}', but {tmp_path / 'in'} is read: the rejects would be events. Name another place."
    )
    with pytest.raises(WrongSettings, match=f"^{re.escape(message)}$"):
        count(shared, tmp_path / "in", REJECTS_PATH=str(path))

    assert (tmp_path / "in" / "e.jsonl").read_bytes() == GOOD


@pytest.mark.one_engine
def test_parquet_without_pyarrow_is_told_before_any_work(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_calc.read.parquet_rejects.find_spec", lambda _: None)
    monkeypatch.setattr(run, "open_engine", None)
    pq.write_table(pa.table({"user": ["ann"]}), tmp_path / "e.parquet")
    with pytest.raises(
        UserError, match=r"found by pyarrow, which is not installed\. Install it with: pip install pyarrow"
    ):
        count(shared, tmp_path / "e.parquet", explains=True)


# ------------------------------------------------------------------------------------------------------- on a terminal


def shown(outcome_or_error: Any, capsys: pytest.CaptureFixture[str]) -> str:
    from rich.console import Console

    summary.show_examples(outcome_or_error, Console(width=200))
    return capsys.readouterr().out


@pytest.mark.one_engine
def test_three_rejects_of_each_reason_are_shown_with_place_and_both_ends(
    shared: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = b'{"user":"' + b"x" * 200 + b"the end"
    path = write(tmp_path / "in" / "e.jsonl", b"\n".join([NO_USER, GOOD, long, CUT, b"\x1b[2J\xff", CUT, NO_USER]))
    outcome = count(shared, path, explains=True)

    assert shown(outcome.run.reject_examples, capsys) == (
        "malformed_json\n"
        f'  {path}:3  {{"user":"{"x" * 111} … {"x" * 33}the end\n'
        f"  {path}:4  {CUT.decode()}\n"
        f"  {path}:5  \\x1b[2J\ufffd\n"
        "\n"
        "missing_user\n"
        f"  {path}:1  {NO_USER.decode()}\n"
        f"  {path}:7  {NO_USER.decode()}\n"
        "\n"
    )


@pytest.mark.one_engine
def test_without_being_asked_no_examples_are_looked_for(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "find_rejects", None)
    outcome = count(shared, write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + CUT))

    assert outcome.run.reject_examples == {}


@pytest.mark.one_engine
def test_examples_alone_are_read_no_further_than_to_the_last_of_them(
    shared: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Reject] = []

    def noting(*arguments: Any) -> Any:
        for one in find_rejects(*arguments):
            taken.append(one)
            yield one

    monkeypatch.setattr(rejects, "find_rejects", noting)
    path = write(tmp_path / "in" / "e.jsonl", (CUT + b"\n") * 5000 + GOOD)
    outcome = count(shared, path, explains=True)

    assert len(taken) == 3
    assert [one.line_number for one in outcome.run.reject_examples["malformed_json"]] == [1, 2, 3]


@pytest.mark.one_engine
def test_a_run_with_too_many_rejects_shows_examples_and_writes_nothing(shared: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "e.jsonl", GOOD + b"\n" + CUT)
    write(Path("r.jsonl"), b"old\n")
    given: Mapping[str, str] = {"REJECTS_PATH": "r.jsonl", "MAX_REJECT_SHARE": "0.1"}
    with pytest.raises(TooManyRejects, match=r"\(--explain-rejects shows some\), or allow a larger share\.$") as caught:
        count(shared, path, explains=True, **given)

    assert [one.line_number for one in caught.value.examples["malformed_json"]] == [2]
    assert_nothing_published(b"old\n")
