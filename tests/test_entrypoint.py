"""What a container of the image becomes, by its first word; the programs it would start only print their words."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from session_calc.settings import SETTINGS

ENTRYPOINT = Path(__file__).parent.parent / "docker/entrypoint.sh"
PROGRAMS = ("java", "pyspark", "session-calc", "spark-class", "spark-submit", "true")
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")

KUBERNETES = {
    "SPARK_HOME": "/opt/spark",
    "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.1",
    "SPARK_DRIVER_URL": "spark://driver",
    "SPARK_EXECUTOR_ID": "1",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_EXECUTOR_MEMORY": "3g",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.2",
    "SPARK_EXECUTOR_POD_NAME": "pod",
    "SPARK_APPLICATION_ID": "app",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_JAVA_OPT_0": "-Da=b c",
    "SPARK_JAVA_OPT_1": "-Dd=e",
}


@pytest.fixture
def application(tmp_path: Path) -> Path:
    return tmp_path / "count_sessions.py"


def started(tmp_path: Path, application: Path, *words: str) -> list[str]:
    """Give the program that the entrypoint ends in, and its words."""
    script = tmp_path / "entrypoint"
    script.write_text(ENTRYPOINT.read_text().replace("/opt/count_sessions.py", str(application)))
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    for name in PROGRAMS:
        (programs / name).write_text('#!/bin/sh\nprintf "%s\\n" "${0##*/}" "$@"\n')
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), **KUBERNETES}
    done = subprocess.run(["bash", script, *words], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("count --group-key os_family", "session-calc count --group-key os_family"),
        ("--help", "session-calc --help"),
        ("", "session-calc"),
        ("master --host m", "spark-class org.apache.spark.deploy.master.Master --host m"),
        ("worker spark://m:7077", "spark-class org.apache.spark.deploy.worker.Worker spark://m:7077"),
        ("pyspark --master x", "pyspark --master x"),
        ("run true --count", "true --count"),
        ("driver --class x", "spark-submit --conf spark.driver.bindAddress=10.0.0.1 --deploy-mode client --class x"),
    ],
)
def test_the_first_word_says_what_it_is(tmp_path: Path, application: Path, words: str, expected: str) -> None:
    assert started(tmp_path, application, *words.split()) == expected.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "spark-submit APP count"),
        ("--master m", "spark-submit --master m APP count"),
        ("--master m count --group-key count", "spark-submit --master m APP count --group-key count"),
        ("--master m sessions --write-path label", "spark-submit --master m APP sessions --write-path label"),
    ],
)
def test_submit_puts_the_job_between_sparks_words_and_its_own(
    tmp_path: Path, application: Path, words: str, expected: str
) -> None:
    application.touch()
    assert started(tmp_path, application, "submit", *words.split()) == expected.replace("APP", str(application)).split()


def test_submit_knows_every_command_that_runs_on_an_engine(tmp_path: Path, application: Path) -> None:
    application.touch()
    for name in sorted({name for setting in SETTINGS for name in setting.commands}):
        assert started(tmp_path, application, "submit", name) == ["spark-submit", str(application), name]


def test_submit_is_plain_spark_submit_in_the_image_without_the_job(tmp_path: Path, application: Path) -> None:
    words = ["spark-submit", "--master", "m", "job.py", "count"]
    assert started(tmp_path, application, "submit", *words[1:]) == words


def test_an_executor_on_kubernetes_is_told_all_by_the_environment(tmp_path: Path, application: Path) -> None:
    words = started(tmp_path, application, "executor")
    assert words[:5] == ["java", "-Da=b c", "-Dd=e", "-Xms3g", "-Xmx3g"]
    assert words[7] == "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
    assert dict(zip(words[8::2], words[9::2], strict=True)) == {
        "--driver-url": "spark://driver",
        "--executor-id": "1",
        "--cores": "2",
        "--app-id": "app",
        "--hostname": "10.0.0.2",
        "--resourceProfileId": "0",
        "--podName": "pod",
    }
