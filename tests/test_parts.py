"""Rows in parts by their users: what does not fit an engine's memory is given to it one part at a time."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from counting import BASE_RULES, assert_as_oracle, count_bytes
from test_rules import random_events
from test_tables import call, rows_of

from session_calc import count, run
from session_calc.engines.engine import Engine
from session_calc.errors import LedgerBroken, UserError
from session_calc.read import local_json, parts

pytestmark = pytest.mark.one_engine

EVENTS = random_events(11)
LINES = EVENTS + b'\n{"user":"","time":1}\n\n{"time":1}\n{cut\n'


@pytest.fixture
def parted(monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path) -> list[int]:
    """Have everything that may come in parts come in five; gives the numbers of the parts that were read."""
    seen: list[int] = []
    read = parts.read

    def read_and_note(path: str, part: int, part_count: int) -> Any:
        seen.append(part)
        return read(path, part, part_count)

    monkeypatch.setattr(local_json, "_part_count", lambda *_, **__: 5)
    monkeypatch.setattr(parts, "read", read_and_note)
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    (tmp_path / "events.jsonl").write_bytes(LINES)
    return seen


TEXTS = [
    *[f"{number}" for number in range(300)],
    *[f"user-{number:012}@example.com" for number in range(300)],
    *["é" * number for number in range(300)],
]


@pytest.mark.parametrize("part_count", [1, 2, 7, parts.MOST_PARTS])
def test_a_text_has_the_same_number_whatever_stands_around_it(part_count: int) -> None:
    numbers = parts.part_numbers(pa.array(TEXTS), part_count).tolist()
    order = random.Random(1).sample(range(len(TEXTS)), len(TEXTS))

    assert set(numbers) <= set(range(part_count))
    assert [parts.part_numbers(pa.array([text]), part_count)[0] for text in TEXTS] == numbers
    assert parts.part_numbers(pa.array(TEXTS[number] for number in order), part_count).tolist() == [
        numbers[number] for number in order
    ]
    assert parts.part_numbers(pa.array(TEXTS).slice(100, 50), part_count).tolist() == numbers[100:150]


def test_nulls_empty_texts_and_no_texts_have_numbers_too() -> None:
    nothing, empty = parts.part_numbers(pa.array([None, ""], pa.string()), 5)

    assert nothing == empty
    assert parts.part_numbers(pa.array([], pa.string()), 5).tolist() == []


@pytest.mark.parametrize("spell", ["{}", "user-{:09}@example.com", "{:036}", "x" * 90 + "{}"])
def test_parts_are_much_of_a_size(spell: str) -> None:
    numbers = parts.part_numbers(pa.array([spell.format(number) for number in range(10_000)]), 10)

    assert all(800 < size < 1_200 for size in Counter(numbers.tolist()).values())


@pytest.mark.parametrize("room", [1, 7, 1 << 16])
def test_every_row_is_in_one_part_and_a_user_s_are_in_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(parts, "_ROWS", room)
    users = [*TEXTS, None, "", *TEXTS[:50]]
    batches = [
        pa.RecordBatch.from_arrays([pa.array(users[first : first + 9], pa.string())], names=["who"])
        for first in range(0, len(users), 9)
    ]
    path = str(tmp_path / "rows")
    [told] = parts.write(batches, path, "who", 4)
    found = [[row["who"] for batch in parts.read(path, part, 4) for row in batch.to_pylist()] for part in range(4)]

    assert told.to_pylist() == [{"row_count": len(users)}]
    assert Counter(user for part in found for user in part) == Counter(users)
    assert sum(len(set(part)) for part in found) == len(set(users))


def test_a_gathered_batch_ends_by_its_bytes_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_BYTES", 100)
    batches = [pa.RecordBatch.from_arrays([pa.array(["x" * 60])], names=["who"]) for _ in range(6)]
    path = str(tmp_path / "rows")
    list(parts.write(batches, path, "who", 1))

    assert [batch.num_rows for batch in parts.read(path, 0, 1)] == [2, 2, 2]


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    [told] = parts.write([], str(tmp_path / "rows"), "who", 4)

    assert told.to_pylist() == [{"row_count": 0}]
    assert list(tmp_path.iterdir()) == []


def test_counts_of_parts_are_summed_up_by_group_value_and_reason(engine: Engine) -> None:
    columns = "group_number long, set_aside string, group_value string, event_count long, first_event_time long"
    frames = [
        [(1, None, "A", 2, 5), (1, None, None, 3, 9), (1, "blank", None, 1, None)],
        [(1, None, "A", 4, 3), (2, None, "A", 1, 1), (1, "blank", None, 1, None)],
        [(1, None, "A", 8, 7), (1, None, "A", 16, 7)],  # twice in one part: no engine may do that, and it stays visible
    ]
    rows = count.together([engine.spark.createDataFrame(frame, columns).collect() for frame in frames])

    assert [tuple(row.values()) for row in rows] == [
        (1, None, "A", 14, 3),
        (1, None, None, 3, 9),
        (1, "blank", None, 2, None),
        (2, None, "A", 1, 1),
        (1, None, "A", 16, 7),
    ]


@pytest.mark.parametrize(
    "lines", [LINES, b"", b"\n", b'{"user":"ann","time":1,"group":"A"}\n'], ids=["many", "none", "blank", "one"]
)
def test_counts_in_parts_are_those_of_the_oracle(
    engine: Engine, parted: list[int], tmp_path: Path, lines: bytes
) -> None:
    assert_as_oracle(count_bytes(engine, tmp_path, lines), lines, BASE_RULES)
    assert set(parted) == (set(range(5)) if lines else set())


# what is counted, by which rules; and whether it comes in parts
RUNS: dict[str, tuple[Any, dict[str, str], bool]] = {
    "count": (run.count, {"GROUP_KEY": "campaign,ad", "MAX_SESSION_SECONDS": "600,1800"}, True),
    "count in order": (run.count, {"MAX_SESSION_EVENTS": "3"}, True),
    "count by days": (run.count, {"CUT_AT_MIDNIGHT": "true", "TIMEZONE": "Europe/Berlin"}, True),
    "count without duplicates": (run.count, {"DEDUPE_KEY": "id"}, False),
    "count with sessions": (run.count, {"SESSIONS_PATH": "rows.jsonl"}, True),
    "sessions": (run.sessions, {"SESSIONS_PATH": "rows.jsonl"}, True),
    "sessions in order": (run.sessions, {"SESSIONS_PATH": "rows.jsonl", "MAX_SESSION_EVENTS": "3"}, True),
    "label": (run.label, {"LABELS_PATH": "rows.jsonl"}, True),
    "measure": (run.measure, {"MEASURES_PATH": "rows.jsonl"}, False),
}


@pytest.mark.parametrize("kind", RUNS)
def test_what_comes_in_parts_comes_out_as_what_does_not(
    parted: list[int], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    command, settings, is_parted = RUNS[kind]
    tallies, tables, results = [], [], []
    for how in ("parted", "whole"):
        if how == "whole":
            monkeypatch.setattr(local_json, "_part_count", lambda *_, **__: 1)
        tallies.append(call(command, **{"GROUP_KEY": "campaign", "WRITE_PATH": how, **settings}).counted.tally)
        table = Path("rows.jsonl")
        tables.append(Counter(map(repr, rows_of(table))) if table.exists() else None)
        found = [path for path in Path(how).glob("*_by_*.json") if not path.name.endswith(".run.json")]
        results.append({path.name: path.read_bytes() for path in found})

    assert (set(parted) == set(range(5))) == is_parted
    assert tallies[0] == tallies[1]
    assert tables[0] == tables[1]
    assert (tables[0] is not None) == any(name.endswith("_PATH") for name in settings)
    assert results[0] == results[1]
    assert bool(results[0]) == (command is run.count)


def test_rows_that_a_part_lost_break_the_ledger(
    engine: Engine, parted: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = parts.read
    monkeypatch.setattr(parts, "read", lambda path, part, part_count: list(read(path, part, part_count))[part == 2 :])

    with pytest.raises(LedgerBroken, match=r"^the lines do not add up: counted in several ways they are \["):
        count_bytes(engine, tmp_path, LINES)
    assert 2 in parted


def test_a_full_disk_is_told_with_what_to_do(engine: Engine, parted: list[int]) -> None:
    class Full:
        def write_batch(self, _: object) -> None:
            raise OSError(28, "Error writing bytes to file")

        def close(self) -> None:
            pass

    told = (
        r"^\S+/session-calc-\w+, a temporary folder, cannot be written to: No space left on device\. Nothing was "
        r"written\. Set TMPDIR to a folder with more room: most inputs take a tenth of their size there, `label` takes "
        r"all of it\.$"
    )
    with patch.object(pa.ipc, "new_file", lambda *_, **__: Full()), pytest.raises(UserError, match=told):
        call(run.count, GROUP_KEY="campaign")
    assert engine.name == "sail"
    assert parted == []
