"""The job on real clusters, submitted as a user would: the numbers of one machine, whatever dies on the way."""

from __future__ import annotations

import gzip
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from counting import BASE_RULES
from hostile import hostile_lines
from oracle import Answer, answer
from spark_processes import (
    Cluster,
    Package,
    SparkHome,
    assert_published,
    call_here,
    connect_server,
    event_log_settings,
    events_of,
    free_port,
    has_session_calc,
    make_package,
    make_spark_home,
    report_of,
    require_done,
    result_of,
    run_command,
    standalone_cluster,
    started,
    submit_command,
    wait_for,
    wait_for_port,
    worker,
)

pytestmark = pytest.mark.cluster

KEYS = {"USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group"}
PARTS = 60
# as many tasks as files, on one core each: a run that is long enough to lose half of its cluster in the middle
ONE_FILE_A_TASK = {"spark.sql.files.maxPartitionBytes": "1", "spark.sql.shuffle.partitions": "4"}


@pytest.fixture(scope="module")
def spark(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> SparkHome:
    assert engine_name == "spark"
    import pyspark

    return make_spark_home(Path(pyspark.__file__).parent, Path(sys.executable), tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def cluster(spark: SparkHome) -> Iterator[Cluster]:
    with standalone_cluster(spark, worker_count=2) as running:
        yield running


@dataclass(frozen=True)
class Hostile:
    """Hostile lines in many files, and what the oracle says of them all."""

    folder: Path
    expected: Answer


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("hostile")
    lines = hostile_lines(21, 60_000, 3_000).removesuffix(b"\n").split(b"\n")
    for number in range(PARTS):
        part = b"".join(line + b"\n" for line in lines[number::PARTS])
        (folder / f"part-{number:02}.jsonl.gz").write_bytes(gzip.compress(part, 1))
    return Hostile(folder, answer(b"\n".join(lines) + b"\n", BASE_RULES))


@pytest.fixture(scope="module")
def local_sample(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sample's result on the embedded engine."""
    folder = tmp_path_factory.mktemp("local")
    require_done(call_here(folder, {"ENGINE": "sail"}))
    return result_of(folder, "device_family")


# ------------------------------------------------------------------------------------------------------- spark-submit


def test_a_driver_and_executors_without_the_package_count_the_sample_as_one_machine_does(
    cluster: Cluster, package: Package, local_sample: bytes, tmp_path: Path
) -> None:
    assert not has_session_calc(cluster.spark)
    command = submit_command(cluster.spark, package, cluster.url)
    done = run_command(command, cluster.spark.environment, tmp_path)

    require_done(done)
    assert result_of(tmp_path, "device_family") == local_sample
    assert report_of(tmp_path, "device_family")["settings"]["ENGINE"]["source"] == "the default under spark-submit"


def test_settings_come_from_the_environment_and_as_arguments_behind_the_file(
    cluster: Cluster, package: Package, hostile: Hostile, tmp_path: Path
) -> None:
    (event_log := tmp_path / "event-log").mkdir()
    conf = event_log_settings(event_log)
    command = submit_command(cluster.spark, package, cluster.url, "--group-key", "group", conf=conf)
    environment = {**cluster.spark.environment, **KEYS, "GROUP_KEY": "other", "READ_PATH": str(hostile.folder)}

    require_done(run_command(command, environment, tmp_path))
    assert_published(tmp_path, hostile.expected)
    assert len(events_of(event_log, "TaskEnd")) < PARTS, "small files are to be read by few tasks"


def test_an_installed_driver_needs_nothing_on_its_executors_for_the_judge_travels_by_value(
    cluster: Cluster, hostile: Hostile, tmp_path: Path
) -> None:
    environment = {
        "ENGINE": "spark",
        "MASTER": cluster.url,
        "JAVA_HOME": str(cluster.spark.java_home),
        "PYSPARK_PYTHON": str(cluster.spark.python),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "READ_PATH": str(hostile.folder),
        **KEYS,
    }

    require_done(call_here(tmp_path, environment))
    assert_published(tmp_path, hostile.expected)
    assert report_of(tmp_path, "group")["engine"].endswith(cluster.url)


def test_what_the_user_can_mend_ends_spark_submit_with_2_and_says_so(
    spark: SparkHome, package: Package, tmp_path: Path
) -> None:
    command = submit_command(spark, package, "local[1]", "--read-path", "gone")
    done = run_command(command, spark.environment, tmp_path)

    assert done.returncode == 2
    # spark-submit hands both streams of its Python on as standard output
    assert done.stdout == "Error: READ_PATH has gone, but there is no such file or folder.\n"


@pytest.mark.parametrize("master", ["local[1]", "local-cluster[1,1,1024]"])
def test_files_of_this_machine_are_read_from_it_whatever_their_names_where_the_default_is_hdfs(
    spark: SparkHome, package: Package, tmp_path: Path, master: str
) -> None:
    data = hostile_lines(24, 1_000, 100).removesuffix(b"\n") + b"\n"
    for name in ("day [1] a=b.jsonl", "day {2} é%20.jsonl"):
        (tmp_path / name).write_bytes(data)
    command = submit_command(spark, package, master, conf={"spark.hadoop.fs.defaultFS": "hdfs://127.0.0.1:1"})
    done = run_command(command, {**spark.environment, **KEYS, "READ_PATH": "*.jsonl"}, tmp_path)

    require_done(done)
    assert_published(tmp_path, answer(data + data, BASE_RULES))


def test_a_cut_off_file_fails_even_where_the_cluster_is_told_to_pass_over_such(
    spark: SparkHome, package: Package, tmp_path: Path
) -> None:
    whole = gzip.compress(hostile_lines(23, 2_000, 100), 1)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    command = submit_command(spark, package, "local[1]", conf={"spark.sql.files.ignoreCorruptFiles": "true"})
    done = run_command(command, {**spark.environment, **KEYS, "READ_PATH": "cut.jsonl.gz"}, tmp_path)

    assert done.returncode == 2
    assert "cut.jsonl.gz cannot be read to its end" in done.stdout
    assert not (tmp_path / "output" / "sessions_by_group.json").exists()


# -------------------------------------------------------------------------------------------------- failures on the way


def logged_submission(
    cluster: Cluster, package: Package, hostile: Hostile, event_log: Path
) -> tuple[list[str], dict[str, str]]:
    conf = {**event_log_settings(event_log), **ONE_FILE_A_TASK}
    environment = {**cluster.spark.environment, **KEYS, "READ_PATH": str(hostile.folder)}
    return submit_command(cluster.spark, package, cluster.url, conf=conf), environment


def busy_executor(cluster: Cluster, before: set[Path], work_folder: str) -> int:
    """Wait until an executor has finished some tasks of the run and has more to do; give its process id."""

    def look() -> int | None:
        for log in set(cluster.executor_logs()) - before:
            text = log.read_text(errors="replace")
            if work_folder in str(log) and text.count("Finished task") >= 3:
                return int(text.partition("Started daemon with process name: ")[2].partition("@")[0])
        return None

    return wait_for(look, "an executor in the middle of its work")


def assert_tasks_were_retried(event_log: Path) -> None:
    ends = events_of(event_log, "TaskEnd")
    lost = [end for end in ends if end["Task End Reason"]["Reason"] in {"ExecutorLostFailure", "Resubmitted"}]
    again = [
        end
        for end in ends
        if end["Task End Reason"]["Reason"] == "Success"
        and (end["Task Info"]["Attempt"] > 0 or end["Stage Attempt ID"] > 0)
    ]
    reading = {end["Task Info"]["Index"] for end in ends if end["Stage ID"] == 0}
    assert len(reading) == PARTS, "--conf did not win"
    assert events_of(event_log, "ExecutorRemoved")
    assert lost
    assert again


def test_an_executor_that_dies_in_the_middle_changes_no_number(
    cluster: Cluster, package: Package, hostile: Hostile, tmp_path: Path
) -> None:
    (event_log := tmp_path / "event-log").mkdir()
    command, environment = logged_submission(cluster, package, hostile, event_log)
    before = set(cluster.executor_logs())
    with started(command, environment, tmp_path / "submit.log") as run:
        os.kill(busy_executor(cluster, before, "work-"), signal.SIGKILL)
        assert run.process.wait(timeout=250) == 0, run.log.read_text()[-6000:]

    assert_published(tmp_path, hostile.expected)
    assert_tasks_were_retried(event_log)


def test_a_worker_that_dies_in_the_middle_changes_no_number(
    cluster: Cluster, package: Package, hostile: Hostile, tmp_path: Path
) -> None:
    (event_log := tmp_path / "event-log").mkdir()
    command, environment = logged_submission(cluster, package, hostile, event_log)
    before = set(cluster.executor_logs())
    with worker(cluster, "doomed") as doomed, started(command, environment, tmp_path / "submit.log") as run:
        busy_executor(cluster, before, "work-doomed")
        doomed.kill()
        assert run.process.wait(timeout=250) == 0, run.log.read_text()[-6000:]

    assert_published(tmp_path, hostile.expected)
    assert_tasks_were_retried(event_log)


# ----------------------------------------------------------------------------------------------------- other clusters


def test_a_local_cluster_counts_hostile_lines_as_the_oracle_does(
    spark: SparkHome, package: Package, hostile: Hostile, tmp_path: Path
) -> None:
    environment = {**spark.environment, **KEYS, "READ_PATH": str(hostile.folder)}
    command = submit_command(spark, package, "local-cluster[2,1,1024]")

    require_done(run_command(command, environment, tmp_path))
    assert_published(tmp_path, hostile.expected)


@pytest.fixture
def connect_port(spark: SparkHome, tmp_path: Path) -> Iterator[int]:
    with connect_server(spark, tmp_path / "connect.log", {}, spark.environment) as port:
        yield port


def test_a_spark_connect_server_counts_hostile_lines_as_the_oracle_does(
    connect_port: int, hostile: Hostile, tmp_path: Path
) -> None:
    environment = {**KEYS, "SPARK_REMOTE": f"sc://127.0.0.1:{connect_port}", "READ_PATH": str(hostile.folder)}

    require_done(call_here(tmp_path, environment))
    assert_published(tmp_path, hostile.expected)


@pytest.fixture
def sail_server(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    sail = Path(sys.executable).with_name("sail")
    command = [str(sail), "spark", "server", "--ip", "127.0.0.1", "--port", str(port)]
    with started(command, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, tmp_path / "sail.log") as server:
        wait_for_port(server, port)
        yield port


def test_a_sail_server_in_another_process_counts_hostile_lines_as_the_oracle_does(
    sail_server: int, tmp_path: Path
) -> None:
    lines = [line for line in hostile_lines(22, 20_000, 1_000).split(b"\n") if is_utf8(line)]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    environment = {**KEYS, "SPARK_REMOTE": f"sc://127.0.0.1:{sail_server}", "READ_PATH": "events.jsonl"}

    require_done(call_here(tmp_path, environment))
    assert_published(tmp_path, answer(b"\n".join(lines), BASE_RULES))


def test_a_server_that_refuses_a_file_for_a_byte_that_is_no_utf8_is_told_apart(
    sail_server: int, hostile: Hostile, tmp_path: Path
) -> None:
    environment = {**KEYS, "SPARK_REMOTE": f"sc://127.0.0.1:{sail_server}", "READ_PATH": str(hostile.folder)}
    done = call_here(tmp_path, environment)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: An input holds bytes that are no UTF-8, and this server refuses a whole file for one of them. Nothing "
        "was written. Count with ENGINE=sail or ENGINE=spark, which reject such lines alone; or mend the file.\n"
    )


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
