"""The job against the independent oracle, on lines that engines misread each in its own way."""

from dataclasses import replace
from pathlib import Path

import pytest
from counting import BASE_RULES, MINUTE, assert_as_oracle, count_bytes, count_files, to_answer
from hostile import hostile_lines
from line_cases import LINE_CASES

from session_calc.engines.engine import Engine

GAP = 30 * MINUTE

pytestmark = pytest.mark.usefixtures("reader")


@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_thousand_hostile_lines_of_two_thousand_users_count_as_the_oracle_says(
    engine: Engine, tmp_path: Path, seed: int
) -> None:
    data = hostile_lines(seed, 20_000, 2_000, gap_us=GAP)

    assert_as_oracle(count_bytes(engine, tmp_path, data), data, BASE_RULES)


@pytest.mark.parametrize("unit", ["s", "us", "ns", "iso8601"])
def test_every_unit_of_time_is_read_as_the_oracle_reads_it(engine: Engine, tmp_path: Path, unit: str) -> None:
    rules = replace(BASE_RULES, timestamp_unit=unit)
    data = hostile_lines(3, 4_000, 300, unit=unit, gap_us=GAP)

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


def test_several_user_keys_group_keys_and_gaps_count_in_one_pass(engine: Engine, tmp_path: Path) -> None:
    rules = replace(
        BASE_RULES,
        user_keys=("user", "device"),
        group_keys=("group", "os", "country"),
        gaps_us=(GAP, GAP - 1, 90 * MINUTE),
        gap_rule="reach",
    )
    data = hostile_lines(4, 6_000, 300, user_key=rules.user_keys, group_keys=rules.group_keys, gap_us=GAP)

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


def test_dotted_keys_name_nested_fields(engine: Engine, tmp_path: Path) -> None:
    rules = replace(
        BASE_RULES,
        user_keys=("event_data.user_id",),
        timestamp_key="meta.time",
        group_keys=("event_data.geo.city", "kind"),
    )
    data = hostile_lines(
        5,
        6_000,
        300,
        user_key="event_data.user_id",
        timestamp_key="meta.time",
        group_keys=rules.group_keys,
        gap_us=GAP,
    )

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


@pytest.mark.parametrize(
    "key", ["@user", "user-id", "user id", "us'er", 'us"er', "us\\er", "us`er", "üser", "$", "us[0]"]
)
def test_a_key_may_hold_any_character(engine: Engine, tmp_path: Path, key: str) -> None:
    rules = replace(BASE_RULES, user_keys=(key,), group_keys=(f"{key}2",))
    data = hostile_lines(6, 400, 40, user_key=key, group_keys=rules.group_keys, gap_us=GAP)

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


def test_lines_over_the_limit_are_rejected_and_those_at_it_are_not(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, max_line_bytes=200)
    data = hostile_lines(7, 3_000, 300, gap_us=GAP, max_line_bytes=200)

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


def test_all_named_lines_become_what_their_names_say(engine: Engine, tmp_path: Path) -> None:
    rules = replace(BASE_RULES, user_keys=("u",), timestamp_key="t", group_keys=("g",))
    data = b"".join(line + b"\n" for _, line, _ in LINE_CASES)

    assert_as_oracle(count_bytes(engine, tmp_path, data, rules), data, rules)


def test_the_same_lines_in_any_order_and_over_one_or_two_hundred_files_count_the_same(
    engine: Engine, tmp_path: Path
) -> None:
    lines = hostile_lines(9, 2_000, 100, gap_us=GAP).split(b"\n")
    whole = to_answer(count_bytes(engine, tmp_path, b"\n".join(lines) + b"\n"))
    paths = []
    for number in range(200):
        paths.append(tmp_path / f"part-{number:03}.jsonl")
        paths[-1].write_bytes(b"".join(line + b"\n" for line in reversed(lines[number::200])))

    assert to_answer(count_files(engine, paths)) == whole
