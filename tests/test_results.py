"""Names of results never leave their folder nor clash, and the same counts give the same bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from session_calc.results import name_of, to_json
from session_calc.write.files import publish

HALF_AN_HOUR = 1_800_000_000
SLUGGED = [
    pytest.param("../../x", id="a way out of the folder"),
    pytest.param("/etc/passwd", id="an absolute path"),
    pytest.param("a/b", id="a slash"),
    pytest.param("a\\b", id="a backslash"),
    pytest.param("a b", id="a space"),
    pytest.param("a\nb", id="a line break"),
    pytest.param("a\n", id="a line break at the end"),
    pytest.param("a\0b", id="a NUL"),
    pytest.param("größe", id="a letter beyond ASCII"),
    pytest.param("\ud800", id="a lone surrogate"),
    pytest.param("k" * 101, id="a very long key"),
    pytest.param("ж" * 10_000, id="a very long key beyond ASCII"),
    pytest.param("", id="no name at all"),
    pytest.param(".", id="this folder"),
    pytest.param("..", id="the folder above"),
    pytest.param(".hidden", id="a hidden file"),
    pytest.param("-rf", id="an option"),
    pytest.param("x.run", id="the run report of x"),
    pytest.param("reflect('java.lang.System','getenv','AWS_SECRET_ACCESS_KEY')", id="code"),
    pytest.param("`a`", id="back-ticks"),
]


@pytest.mark.parametrize(
    "key", ["device_family", "event_data.user_id", "A", "_x", "1st", "a@b+c-d", "k" * 100, "x.run.y"]
)
def test_a_safe_key_stands_in_the_name_as_it_is(key: str) -> None:
    assert name_of(key, HALF_AN_HOUR, gap_count=1) == f"sessions_by_{key}"


@pytest.mark.parametrize("key", SLUGGED)
def test_a_key_that_is_no_safe_name_is_slugged_with_a_hash(key: str) -> None:
    name = name_of(key, HALF_AN_HOUR, gap_count=1)
    assert re.fullmatch(r"sessions_by_[A-Za-z0-9_.@+-]{0,60}-[0-9a-f]{8}", name)


def test_keys_that_slug_alike_have_different_names() -> None:
    keys = ["a/b", "a\\b", "a b", "a_b", "a:b", "a\tb"]
    assert len({name_of(key, HALF_AN_HOUR, gap_count=1) for key in keys}) == len(keys)


def test_a_key_has_the_same_name_in_every_run() -> None:
    assert name_of("../../x", HALF_AN_HOUR, gap_count=1) == "sessions_by_.._.._x-9cdf6a50"


@pytest.mark.parametrize(
    ("gap", "ending"),
    [
        pytest.param(1_800_000_000, "1800s", id="whole seconds"),
        pytest.param(500_000, "0.5s", id="half a second"),
        pytest.param(1, "0.000001s", id="a microsecond without an exponent"),
        pytest.param(100_000_000_000, "100000s", id="many seconds without an exponent"),
    ],
)
def test_with_several_gaps_each_name_ends_with_its_gap_in_seconds(gap: int, ending: str) -> None:
    assert name_of("device_family", gap, gap_count=2) == f"sessions_by_device_family_{ending}"


@pytest.mark.parametrize(
    ("counts", "content"),
    [
        pytest.param({"a": 1, "b": 3, "c": 2}, '{"b":3,"c":2,"a":1}\n', id="the largest count comes first"),
        pytest.param(
            {"b": 1, "a": 1, "B": 1, "é": 1, "z": 1}, '{"B":1,"a":1,"b":1,"z":1,"é":1}\n', id="ties by code point"
        ),
        pytest.param({None: 2, "x": 2}, '{"null":2,"x":2}\n', id="no value is spelled null"),
        pytest.param({None: 1, "null": 2, "x": 2}, '{"null":3,"x":2}\n', id="the text null and no value are one name"),
        pytest.param({"": 1}, '{"":1}\n', id="an empty text is a value"),
        pytest.param({'a"\n\\': 1}, '{"a\\"\\n\\\\":1}\n', id="quotes and line breaks are escaped"),
        pytest.param({}, "{}\n", id="no session at all"),
    ],
)
def test_a_result_is_one_object_on_one_line(counts: dict[str | None, int], content: str) -> None:
    assert to_json(counts) == content.encode()


def test_the_order_in_which_an_engine_gives_the_counts_does_not_matter() -> None:
    counts: dict[str | None, int] = {"a": 1, None: 2, "b": 2, "null": 1}
    assert to_json(counts) == to_json(dict(reversed(counts.items())))
    assert list(json.loads(to_json(counts))) == ["null", "b", "a"]


@pytest.mark.parametrize("key", SLUGGED)
def test_every_name_is_one_that_a_file_can_have_in_its_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    name = f"{name_of(key, 500_000, gap_count=2)}.run.json"
    publish(folder, {name: b"{}\n"})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / name]
