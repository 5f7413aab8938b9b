"""The benchmark's arithmetic: who is right, which rounds count, and what is divided by what. No time is asserted."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import table
from bench.contenders import BY_NAME
from bench.data import Data, Made
from bench.figures import Figures, figures_of
from bench.measurements import Case, Measurement, all_measurements
from bench.process import run
from bench.rounds import Bench, Run, runs_in

EVEN = Data("even", 100)
INPUT_BYTES = {"even-100": 1000}


def a_case(name: str, against: str = "") -> Case:
    return Case(name, f"The {name}", BY_NAME[name], EVEN, {}, against)


def a_run(case: str, number: int, seconds: float, answer: str = "right", problem: str = "") -> Run:
    return Run("peers", case, 100, number, seconds, 7_000_000, 1.5, 500, answer, problem, {"count": seconds / 2})


PEERS = Measurement("peers", "Peers", [a_case("ours_sail"), a_case("duckdb_lag"), a_case("polars_shift")])


def figures_by_name(runs: list[Run], measurement: Measurement = PEERS) -> dict[str, Figures]:
    return {one.case.name: one for one in figures_of(measurement, runs, INPUT_BYTES)}


def three_rounds(**seconds: list[float]) -> list[Run]:
    return [a_run(case, number, its) for case, all_of_its in seconds.items() for number, its in enumerate(all_of_its)]


def test_the_warm_up_does_not_count() -> None:
    found = figures_by_name(three_rounds(ours_sail=[99, 1, 2, 3], duckdb_lag=[99, 4, 4, 4], polars_shift=[9, 8, 8, 8]))

    assert found["ours_sail"].seconds == [1, 2, 3]


def test_a_ratio_is_the_median_over_the_rounds_against_the_fastest_by_hand_of_the_same_round() -> None:
    found = figures_by_name(three_rounds(ours_sail=[0, 1, 2, 3], duckdb_lag=[0, 2, 10, 10], polars_shift=[0, 8, 8, 5]))

    assert found["ours_sail"].ratio == 0.5  # of 1/2, 2/8, 3/5
    assert found["duckdb_lag"].ratio == 1.25  # of 2/2, 10/8, 10/5


def test_a_wrong_answer_is_shown_as_wrong_and_not_timed_and_nobody_is_held_against_it() -> None:
    runs = three_rounds(ours_sail=[0, 2, 2, 2], polars_shift=[0, 4, 4, 4])
    runs += [a_run("duckdb_lag", number, 1, "another") for number in range(4)]
    found = figures_by_name(runs)

    assert (found["duckdb_lag"].verdict, found["duckdb_lag"].seconds) == ("wrong", [])
    assert found["ours_sail"].ratio == 0.5


def test_of_two_answers_given_equally_often_none_is_right() -> None:
    runs = [a_run("ours_sail", 1, 1, "one"), a_run("duckdb_lag", 1, 1, "another")]

    assert {one.verdict for one in figures_by_name(runs).values()} == {"wrong, or the others are: no two agree"}


def test_a_contender_whose_answer_changes_is_wrong() -> None:
    runs = three_rounds(duckdb_lag=[0, 1, 1], polars_shift=[0, 1, 1])
    runs += [a_run("ours_sail", 0, 1), a_run("ours_sail", 1, 1, "another")]

    assert figures_by_name(runs)["ours_sail"].verdict == "wrong: several answers"


def test_a_failure_is_shown_with_its_reason() -> None:
    runs = [*three_rounds(duckdb_lag=[0, 1]), a_run("ours_sail", 0, 1, "", "failed: exit code 1: no memory")]

    assert figures_by_name(runs)["ours_sail"].verdict == "failed: exit code 1: no memory"


def test_a_case_may_be_held_against_another_case() -> None:
    measurement = Measurement("m", "M", [a_case("ours_sail"), a_case("ours_spark", against="ours_sail")])
    found = figures_by_name(three_rounds(ours_sail=[0, 2, 2], ours_spark=[0, 6, 8]), measurement)

    assert found["ours_spark"].ratio == 3.5


def test_packed_and_split_lines_have_the_answer_of_the_plain_ones_and_other_settings_another() -> None:
    def question(kind: str, **settings: str) -> object:
        return Case("c", "C", BY_NAME["ours_sail"], Data(kind, 100), settings).question

    assert question("even") == question("gz") == question("many") == question("parquet")
    assert len({question("even"), question("broken"), question("huge"), question("even", GROUP_KEY="os")}) == 4


def test_every_measurement_can_be_cut_down_to_some_contenders() -> None:
    found = all_measurements(5_000_000, [1, 2, 4], ["duckdb_lag"])

    assert [one.name for one in found] == ["peers", "growth"]
    assert [case.data.lines for case in found[1].cases] == [5_000_000, 10_000_000, 20_000_000]


def test_a_contender_that_cannot_do_so_many_lines_is_left_out() -> None:
    def names(lines: int) -> set[str]:
        return {case.contender.name for case in all_measurements(lines, [1], [])[0].cases}

    assert names(1_000_000) - names(1_000_001) == {"pandas_shift"}


def test_a_process_is_watched_with_all_below_it(tmp_path: Path) -> None:
    child = "b = bytearray(80_000_000); import time; time.sleep(0.8)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    finished = run([sys.executable, "-c", program], {}, tmp_path)

    assert (finished.exit_code, finished.stdout) == (0, "done\n")
    assert finished.peak_bytes > 80_000_000


def test_the_processor_time_of_a_child_that_nobody_waited_for_counts(tmp_path: Path) -> None:
    child = (
        "import time; end = time.perf_counter() + 1.5; [None for _ in iter(lambda: time.perf_counter() > end, True)]"
    )
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(2)"

    assert run([sys.executable, "-c", program], {}, tmp_path).cpu_seconds > 0.2


def test_a_process_over_the_limit_is_stopped_with_all_below_it(tmp_path: Path) -> None:
    finished = run([sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path, limit_seconds=0.2)

    assert finished.is_over_time


def test_runs_of_the_last_time_are_taken_over(tmp_path: Path) -> None:
    record = tmp_path / "runs.jsonl"
    bench = Bench(tmp_path, {"bench": sys.executable}, 1, None, record)
    measurement = Measurement("peers", "Peers", [a_case("duckdb_lag")])
    made = {EVEN: Made(EVEN, "no-such-file", 0, 0)}
    told: list[str] = []
    first = list(bench.measure(measurement, made, told.append))  # fails, and so is not run in round 1

    assert [one.round for one in first] == [0]
    assert first[0].problem.startswith("failed: exit code 1")
    assert list(bench.measure(measurement, made, told.append)) == first == list(runs_in(record))


@pytest.fixture
def report() -> table.Report:
    runs = three_rounds(ours_sail=[0, 1, 2, 3], duckdb_lag=[0, 4, 4, 4])
    runs += [a_run("polars_shift", number, 1, "another") for number in range(4)]
    machine = {
        "date": "2024-01-02",
        "processor": "a processor",
        "cores": 2,
        "memory_bytes": 8 * 2**30,
        "system": "Linux",
        "python": "3.11",
        "commit": "abc",
        "is_changed": False,
        "versions": {"bench": {"duckdb": "2.0"}},
    }
    data = {"even-100": {"lines": 100, "files": 1, "bytes": 1000}}
    return table.to_report(machine, [(PEERS, figures_of(PEERS, runs, INPUT_BYTES))], data, 3)


def test_the_table_on_the_terminal_shows_medians_ratios_and_what_is_wrong(report: table.Report) -> None:
    out = StringIO()
    table.show(report, Console(file=out, width=200))
    rows = {line.split("│")[1].strip(): line for line in out.getvalue().splitlines() if line.startswith("│")}

    assert "2.00 (1.00 to 3.00) │  0.50 │" in rows["The ours_sail"]
    assert "wrong" in rows["The polars_shift"]
    assert "1.00" not in rows["The polars_shift"]


def test_the_readme_gets_the_first_table_between_the_markers_for_as_many_lines(
    report: table.Report, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    begins = [table.README_BEGIN.format(lines=lines) for lines in (1000, 100)]
    sections = "".join(f"{begin}\nold\n{table.README_END}\n" for begin in begins)
    readme.write_text(f"before\n{sections}after\n", encoding="utf-8")
    table.put_into(readme, json.loads(json.dumps(report)))
    text = readme.read_text(encoding="utf-8")

    assert text.startswith(f"before\n{begins[0]}\nold\n{table.README_END}\n{begins[1]}\n100 lines, ")
    assert text.endswith(f"\n{table.README_END}\nafter\n")
    assert text.count("old") == 1
    assert "| **The ours_sail** | 2.0 | 0.50 | 7 |" in text
    assert "| The polars_shift | wrong | | |" in text


@pytest.mark.parametrize("there", ["nothing", table.README_BEGIN.format(lines=5)])
def test_a_readme_without_markers_for_as_many_lines_is_refused(
    report: table.Report, tmp_path: Path, there: str
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{there}\n{table.README_END}\n", encoding="utf-8")

    with pytest.raises(ValueError, match="lacks the markers <!-- made by make bench_readme, 100 lines: begin -->"):
        table.put_into(readme, report)
    assert readme.read_text(encoding="utf-8").startswith(there)
