"""What counts as a session, one rule each; and the slices against two other algorithms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from chispa import assert_df_equality
from counting import BASE_RULES, MINUTE, count_bytes, to_answer
from oracle import Rules, answer
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from session_calc import count
from session_calc.engines.engine import Engine
from session_calc.schemas import numbered
from session_calc.sessionize import slices

GAP = 30 * MINUTE
FIRST_MOMENT = -62_135_596_800_000_000  # 0001-01-01
LAST_MOMENT = 253_402_300_799_999_999  # the last microsecond of 9999

# one event: the differences from this one matter to a test
BASE_EVENT = {"set_aside": None, "user_1": "ann", "event_time": 0, "group_1": "A"}

VALIDATED = "set_aside string, user_1 string, event_time bigint, group_1 string"
SLICES = (
    "set_aside string, user_1 string, slice_start bigint, group_1 string, "
    "first_event_time bigint, last_event_time bigint, event_count bigint"
)
MARKED = (
    "set_aside string, user_1 string, starts_user boolean, starts_session_1 boolean, group_1 string, "
    "first_event_time bigint, last_event_time bigint, event_count bigint"
)


def events_frame(engine: Engine, *differences: dict[str, Any], schema: str = VALIDATED) -> DataFrame:
    names = [column.split()[0] for column in schema.split(", ")]
    return frame(engine, [[{**BASE_EVENT, **each}.get(name) for name in names] for each in differences], schema)


def frame(engine: Engine, rows: Iterable[Sequence[Any]], schema: str) -> DataFrame:
    return engine.spark.createDataFrame([tuple(row) for row in rows], schema)


def assert_same_rows(actual: DataFrame, expected: DataFrame) -> None:
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


def mark(validated: DataFrame, gaps: Sequence[int] = (GAP,), rule: str = "longer") -> DataFrame:
    folded = slices.by_user(validated, ["user_1"], ["group_1"], min(gaps))
    return slices.mark_sessions(folded, ["user_1"], ["group_1"], gaps, rule)


def starts(marked: DataFrame) -> list[int]:
    """Give the times at which sessions begin, in order."""
    rows = marked.where("starts_session_1").select("first_event_time").collect()
    return sorted(row["first_event_time"] for row in rows)


def starts_of(engine: Engine, *times: int, gap: int = GAP, rule: str = "longer") -> list[int]:
    return starts(mark(events_frame(engine, *({"event_time": time} for time in times)), [gap], rule))


def values(marked: DataFrame, column: str = "group_1") -> list[str | None]:
    """Give the group values of the sessions, in order of time."""
    rows = marked.where("starts_session_1").select("first_event_time", column).collect()
    return [row[column] for row in sorted(rows, key=lambda row: row["first_event_time"])]


# -------------------------------------------------------------------------------------------------------------- slices


def test_events_fold_to_one_row_per_user_slice_and_group_value(engine: Engine) -> None:
    validated = events_frame(
        engine,
        {"event_time": 5},
        {"event_time": GAP - 1},
        {"event_time": 7, "group_1": "B"},
        {"event_time": GAP},
        {"user_1": "bob", "event_time": 5},
    )
    expected = frame(
        engine,
        [
            (None, "ann", 0, "A", 5, GAP - 1, 2),
            (None, "ann", 0, "B", 7, 7, 1),
            (None, "ann", GAP, "A", GAP, GAP, 1),
            (None, "bob", 0, "A", 5, 5, 1),
        ],
        SLICES,
    )

    assert_same_rows(slices.by_user(validated, ["user_1"], ["group_1"], GAP), expected)


def test_slices_before_1970_are_rounded_down_too(engine: Engine) -> None:
    validated = events_frame(engine, {"event_time": -1}, {"event_time": -GAP}, {"event_time": -GAP - 1})
    expected = frame(
        engine,
        [(None, "ann", -GAP, "A", -GAP, -1, 2), (None, "ann", -2 * GAP, "A", -GAP - 1, -GAP - 1, 1)],
        SLICES,
    )

    assert_same_rows(slices.by_user(validated, ["user_1"], ["group_1"], GAP), expected)


def test_lines_set_aside_fold_to_one_row_per_reason_and_begin_nothing(engine: Engine) -> None:
    aside = {"user_1": None, "event_time": None, "group_1": None}
    validated = events_frame(
        engine,
        {"set_aside": "blank", **aside},
        {"set_aside": "blank", **aside},
        {"set_aside": "missing_user", **aside},
        {},
    )
    expected = frame(
        engine,
        [
            ("blank", None, False, False, None, None, None, 2),
            ("missing_user", None, False, False, None, None, None, 1),
            (None, "ann", True, True, "A", 0, 0, 1),
        ],
        MARKED,
    )

    assert_same_rows(mark(validated), expected)


def test_the_tally_sums_up_each_group_value(engine: Engine) -> None:
    plausible = 1_600_000_000_000_000
    marked = frame(
        engine,
        [
            ("blank", None, False, False, None, None, None, 2),
            (None, "ann", True, True, "A", 0, 5, 3),
            (None, "ann", False, True, "A", plausible, plausible, 4),
            (None, "bob", True, True, None, 7, 7, 1),
            (None, "bob", False, False, "B", 8, 9, 2),
        ],
        MARKED,
    )
    expected = frame(
        engine,
        [
            ("blank", 1, None, 2, 0, 0, 0, None, None),
            (None, 1, "A", 7, 4, 1, 2, 0, plausible),
            (None, 1, None, 1, 0, 1, 1, 7, 7),
            (None, 1, "B", 2, 0, 0, 0, 8, 9),
        ],
        "set_aside string, group_number int, group_value string, event_count bigint, plausible_event_count bigint, "
        "user_count bigint, session_count_1 bigint, first_event_time bigint, last_event_time bigint",
    )

    assert_same_rows(count.by_group(marked, ["group_1"], 1), expected)


# -------------------------------------------------------------------------------------------------------------- silence


@pytest.mark.parametrize(("rule", "shortest_that_begins"), [("longer", GAP + 1), ("reach", GAP)])
def test_a_silence_begins_a_session_by_the_rule_wherever_slices_are_cut(
    engine: Engine, rule: str, shortest_that_begins: int
) -> None:
    firsts = [0, 1, GAP - 1, GAP, -GAP, -1, -GAP - 1, FIRST_MOMENT, FIRST_MOMENT + 1, LAST_MOMENT - GAP - 1]
    # each first moment and silence is a user of its own
    cases = {f"{first} and {silence}": (first, silence) for first in firsts for silence in (0, GAP - 1, GAP, GAP + 1)}
    validated = events_frame(
        engine,
        *({"user_1": user, "event_time": first} for user, (first, _) in cases.items()),
        *({"user_1": user, "event_time": first + silence} for user, (first, silence) in cases.items()),
    )
    begun = mark(validated, rule=rule).where("starts_session_1").select("user_1").collect()

    expected = {user: 2 if silence >= shortest_that_begins else 1 for user, (_, silence) in cases.items()}
    assert Counter(row["user_1"] for row in begun) == expected


def test_a_session_may_last_much_longer_than_the_gap(engine: Engine) -> None:
    assert starts_of(engine, *range(0, 20 * GAP, GAP)) == [0]


def test_with_a_gap_of_one_microsecond_each_later_moment_but_the_next_begins_a_session(engine: Engine) -> None:
    assert starts_of(engine, 0, 1, 2, 4, 4, 5, 9, gap=1) == [0, 4, 9]
    assert starts_of(engine, 0, 1, 2, 4, 4, 5, 9, gap=1, rule="reach") == [0, 1, 2, 4, 5, 9]


def test_the_first_and_the_last_moment_of_all_are_a_session_each_under_the_longest_gap_in_sight(engine: Engine) -> None:
    assert starts_of(engine, FIRST_MOMENT, LAST_MOMENT, gap=LAST_MOMENT - FIRST_MOMENT - 1) == [
        FIRST_MOMENT,
        LAST_MOMENT,
    ]
    assert starts_of(engine, FIRST_MOMENT, LAST_MOMENT, gap=LAST_MOMENT - FIRST_MOMENT) == [FIRST_MOMENT]


def test_silence_is_told_from_the_latest_earlier_event_where_rows_of_one_slice_overlap(engine: Engine) -> None:
    # the row of B begins after that of A and ends before it: told from B's end (lag), the silence would be too long
    late = GAP - 1
    marked = mark(
        events_frame(
            engine,
            {"event_time": 0},
            {"event_time": late},
            {"event_time": 1, "group_1": "B"},
            {"event_time": late + GAP},
        )
    )

    assert starts(marked) == [0]


def test_users_do_not_share_sessions(engine: Engine) -> None:
    marked = mark(events_frame(engine, {}, {"user_1": "bob", "event_time": 1}, {"user_1": "Ann", "event_time": 2}))

    assert starts(marked) == [0, 1, 2]


# ----------------------------------------------------------------------------------------------------------------- ties


def test_of_several_values_at_a_sessions_first_moment_the_smallest_wins(engine: Engine) -> None:
    marked = mark(events_frame(engine, {"group_1": "b"}, {"group_1": "B"}, {"group_1": "é"}, {"group_1": "a"}))

    assert values(marked) == ["B"]  # by code point


def test_null_loses_a_tie_and_the_empty_text_wins_it(engine: Engine) -> None:
    assert values(mark(events_frame(engine, {"group_1": None}, {"group_1": "z"}))) == ["z"]
    assert values(mark(events_frame(engine, {"group_1": None}, {"group_1": "z"}, {"group_1": ""}))) == [""]


def test_a_null_at_the_first_moment_is_not_filled_from_later_events(engine: Engine) -> None:
    assert values(mark(events_frame(engine, {"group_1": None}, {"event_time": 1}))) == [None]


def test_values_after_the_first_moment_do_not_matter(engine: Engine) -> None:
    assert values(mark(events_frame(engine, {"group_1": "z"}, {"event_time": 1}))) == ["z"]


def test_texts_compare_by_code_point_beyond_the_basic_plane(engine: Engine) -> None:
    # by UTF-16 units the second would be the smaller one
    assert values(mark(events_frame(engine, {"group_1": "\uffee"}, {"group_1": "\U0001f600"}))) == ["\uffee"]


def test_each_group_key_has_its_own_tie(engine: Engine) -> None:
    schema = f"{VALIDATED}, group_2 string"
    validated = events_frame(
        engine,
        {"group_1": "a", "group_2": None},
        {"group_1": "b", "group_2": "x"},
        {"group_1": None, "group_2": "w"},
        schema=schema,
    )
    folded = slices.by_user(validated, ["user_1"], ["group_1", "group_2"], GAP)
    marked = slices.mark_sessions(folded, ["user_1"], ["group_1", "group_2"], [GAP], "longer")

    assert values(marked, "group_1") == ["a"]
    assert values(marked, "group_2") == ["w"]


def test_a_group_key_counts_the_same_whichever_others_are_counted(engine: Engine, tmp_path: Path) -> None:
    rng = Random(3)
    rules = replace(BASE_RULES, group_keys=("os", "city"))
    data = json_lines(
        {
            "user": rng.randrange(40),
            "time": rng.randrange(40) * 600_000,
            "os": rng.choice([None, "a", "b", ""]),
            "city": rng.choice("xyz"),
        }
        for _ in range(600)
    )
    both = to_answer(count_bytes(engine, tmp_path, data, rules)).session_counts
    for key in rules.group_keys:
        alone = to_answer(count_bytes(engine, tmp_path, data, replace(rules, group_keys=(key,)))).session_counts
        assert both[GAP, key] == alone[GAP, key]


# ------------------------------------------------------------------------------------------------- what must not matter


def random_events(seed: int, event_count: int = 1_500, user_count: int = 150) -> list[dict[str, Any]]:
    """Give events of users with ties, and silences around the gap."""
    rng = Random(seed)
    clocks = [rng.randrange(-10 * GAP, 10 * GAP) for _ in range(user_count)]
    events = []
    for _ in range(event_count):
        user = rng.randrange(user_count)
        clocks[user] += rng.choice([0, 0, 1, GAP // 3, GAP - 1, GAP, GAP + 1, 5 * GAP])
        events.append(
            {
                "user_1": f"user {user}",
                "event_time": clocks[user],
                "group_1": rng.choice(["A", "B", "b", "", "é", None]),
            }
        )
    return events


def session_counts(marked: DataFrame) -> Counter[str | None]:
    return Counter(row["group_1"] for row in marked.where("starts_session_1").select("group_1").collect())


def test_neither_order_nor_partitions_change_a_session(engine: Engine) -> None:
    events = random_events(1)
    expected = mark(events_frame(engine, *events))

    assert_same_rows(mark(events_frame(engine, *reversed(events))), expected)
    assert_same_rows(mark(events_frame(engine, *events).repartition(7)), expected)


def test_several_gaps_in_one_pass_equal_each_gap_alone(engine: Engine) -> None:
    validated = events_frame(engine, *random_events(2))
    gaps = [GAP + 1, GAP // 3, 6 * GAP, GAP]
    together = mark(validated, gaps)
    for name, gap in zip(numbered("starts_session", len(gaps)), gaps, strict=True):
        in_one_pass = together.where(name).select("user_1", "first_event_time", "group_1")
        alone = mark(validated, [gap]).where("starts_session_1").select("user_1", "first_event_time", "group_1")
        assert_same_rows(in_one_pass.distinct(), alone.distinct())
        assert in_one_pass.count() == alone.count()


def test_slices_of_two_halves_united_and_folded_again_give_the_same_sessions(engine: Engine) -> None:
    events = random_events(3)
    whole = slices.by_user(events_frame(engine, *events), ["user_1"], ["group_1"], GAP)
    halves = [
        slices.by_user(events_frame(engine, *half), ["user_1"], ["group_1"], GAP)
        for half in (events[::2], events[1::2])
    ]
    keys = ["set_aside", "user_1", "slice_start", "group_1"]
    merged = (
        halves[0]
        .unionByName(halves[1])
        .groupBy(*keys)
        .agg(
            F.min("first_event_time").alias("first_event_time"),
            F.max("last_event_time").alias("last_event_time"),
            F.sum("event_count").alias("event_count"),
        )
    )

    assert_same_rows(merged, whole)
    marked = slices.mark_sessions(merged, ["user_1"], ["group_1"], [GAP], "longer")
    assert_same_rows(marked, slices.mark_sessions(whole, ["user_1"], ["group_1"], [GAP], "longer"))


def test_slices_may_be_finer_than_the_gap(engine: Engine) -> None:
    validated = events_frame(engine, *random_events(4))
    fine = slices.by_user(validated, ["user_1"], ["group_1"], GAP // 7)

    marked = slices.mark_sessions(fine, ["user_1"], ["group_1"], [GAP], "longer")

    assert session_counts(marked) == session_counts(mark(validated))


def test_several_fields_together_name_a_user(engine: Engine) -> None:
    schema = f"{VALIDATED}, user_2 string"
    validated = events_frame(
        engine,
        {"user_1": "a", "user_2": "bc"},
        {"user_1": "ab", "user_2": "c"},
        {"user_1": "a", "user_2": "bc"},
        schema=schema,
    )
    users = ["user_1", "user_2"]
    marked = slices.mark_sessions(
        slices.by_user(validated, users, ["group_1"], GAP), users, ["group_1"], [GAP], "longer"
    )

    assert starts(marked) == [0, 0]


# ------------------------------------------------------------------------------------------------- other algorithms


def by_lag(validated: DataFrame, gap: int, rule: str) -> DataFrame:
    """Sessionize as textbooks do: order every event, compare each with the one before."""
    by_time = Window.partitionBy("user_1").orderBy("event_time", F.col("group_1").asc_nulls_last())
    silence = F.col("event_time") - F.lag("event_time").over(by_time)
    is_long = silence > gap if rule == "longer" else silence >= gap
    return validated.withColumn("starts_session_1", F.coalesce(is_long, F.lit(True)))


@pytest.mark.parametrize("rule", ["longer", "reach"])
@pytest.mark.parametrize("seed", [11, 12])
def test_slices_give_the_sessions_of_the_textbook_lag(engine: Engine, rule: str, seed: int) -> None:
    validated = events_frame(engine, *random_events(seed))
    sessions = ["user_1", "first_event_time", "group_1"]
    expected = (
        by_lag(validated, GAP, rule).where("starts_session_1").withColumnRenamed("event_time", "first_event_time")
    )

    actual = mark(validated, rule=rule).where("starts_session_1")

    assert_same_rows(actual.select(*sessions), expected.select(*sessions))


def test_slices_give_as_many_sessions_as_sparks_session_window(engine: Engine) -> None:
    if engine.name == "sail":
        pytest.skip("Sail has no session_window")
    events = [event for event in random_events(13) if event["event_time"] >= 0]
    validated = events_frame(engine, *events)
    # an event at the very end of a window, last + gap, still belongs to it: the rule `longer`
    moment = F.timestamp_micros(F.col("event_time"))
    windows = validated.groupBy("user_1", F.session_window(moment, f"{GAP} microseconds").alias("window")).agg(
        F.min("event_time").alias("first_event_time")
    )
    actual = mark(validated).where("starts_session_1")

    assert_same_rows(actual.select("user_1", "first_event_time"), windows.select("user_1", "first_event_time"))


# ----------------------------------------------------------------------------------------------------------- end to end


def json_lines(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def test_the_seed_case_counts_three_and_one(engine: Engine, tmp_path: Path) -> None:
    rules = Rules(("user_key",), "timestamp_key", "s", ("group_field1",), (3600 * 1_000_000,))
    events = [
        (1, 1000, "A"),
        (1, 2000, "A"),
        (1, 6000, "A"),
        (1, 9600, "A"),
        (2, 1000, "A"),
        (2, 1000, "A"),
        (2, 8000, "B"),
    ]
    data = json_lines({"user_key": user, "timestamp_key": time, "group_field1": group} for user, time, group in events)

    counted = count_bytes(engine, tmp_path, data, rules)

    assert counted.tally.session_counts == {(3600 * 1_000_000, "group_field1"): {"A": 3, "B": 1}}
    assert counted.tally.user_count == 2


def test_more_than_ten_thousand_group_values_are_counted(engine: Engine, tmp_path: Path) -> None:
    data = json_lines(
        {"user": number % 7_000, "time": number * 3_600_000, "group": f"value {number}"} for number in range(12_000)
    )

    counted = count_bytes(engine, tmp_path, data)

    assert counted.tally.session_counts[GAP, "group"] == {f"value {number}": 1 for number in range(12_000)}


def test_one_user_with_half_of_all_events_is_counted_as_all_others(engine: Engine, tmp_path: Path) -> None:
    rng = Random(5)
    data = json_lines(
        {
            "user": "bot" if number % 2 else rng.randrange(500),
            "time": rng.randrange(100_000) * 60_000,
            "group": rng.choice("ABC"),
        }
        for number in range(10_000)
    )

    actual, expected = to_answer(count_bytes(engine, tmp_path, data)), answer(data, BASE_RULES)

    assert actual.session_counts == {(GAP, "group"): expected.session_counts[GAP, "group"]}
    assert (actual.user_count, actual.ledger) == (expected.user_count, expected.ledger)
