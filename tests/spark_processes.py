"""Real Spark for tests: spark-submit, masters, workers and servers as processes on loopback, each stopped by its id."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from oracle import Answer

from session_calc.engines.java import java_home_for_spark
from session_calc.results import name_of, to_json

QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# the last three give a user id without a name one, as in our image
KEPT = ("PATH", "HOME", "LANG", "LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP")
PATIENCE_SECONDS = 150  # for what a busy machine does in five; nothing is measured by it
Found = TypeVar("Found")
Run = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class SparkHome:
    """A Spark from PyPI as a cluster's own would be: with a bare Python, which has this package as little as any other.

    Attributes
    ----------
    home : Path
        SPARK_HOME, made of links: Spark writes into it.
    python : Path
        A Python that looks at no site-packages.
    java_home : Path
    scratch : Path
        Where its processes keep their files.
    """

    home: Path
    python: Path
    java_home: Path
    scratch: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.scratch),
            "JAVA_HOME": str(self.java_home),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "PYSPARK_DRIVER_PYTHON": str(self.python),
            "PYSPARK_PYTHON": str(self.python),
            "SPARK_HOME": str(self.home),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def command(self, name: str) -> str:
        return str(self.home / "bin" / name)


def make_spark_home(pyspark: Path, python: Path, scratch: Path) -> SparkHome:
    """Link to an installed PySpark, and start its Pythons and Javas from small scripts of our own."""
    home, bare = scratch / "spark-home", scratch / "bare-python"
    home.mkdir(parents=True)
    for part in pyspark.iterdir():
        (home / part.name).symlink_to(part)
    bare.write_text(f'#!/bin/sh\nexec "{python}" -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    return SparkHome(home, bare, quick_java_home(scratch / "java"), scratch)


def quick_java_home(folder: Path) -> Path:
    """Find the Java for Spark, and let it compile no better than a run of seconds is worth: half the work."""
    java_home = java_home_for_spark(os.environ, folder)
    launcher = java_home / "bin" / "java"
    quick = launcher.read_text(encoding="utf-8").replace(' "$@"\n', f' {QUICK_JAVA} "$@"\n')
    launcher.write_text(quick, encoding="utf-8")
    return java_home


def has_session_calc(spark: SparkHome) -> bool:
    done = subprocess.run(
        [spark.python, "-c", "import session_calc"], cwd=spark.scratch, capture_output=True, check=False
    )
    return done.returncode == 0


# ----------------------------------------------------------------------------------------------------------- processes


@dataclass
class Started:
    """A process that a test started, in a group of its own with all that it starts itself."""

    process: subprocess.Popen[bytes]
    log: Path

    def find(self, pattern: str) -> str:
        """Wait for the first group of a pattern to stand in the log."""

        def look() -> str | None:
            assert self.process.poll() is None, f"it ended before it said {pattern}:\n{self.log.read_text()[-3000:]}"
            found = re.search(pattern, self.log.read_text(errors="replace"))
            return found[1] if found else None

        return wait_for(look, pattern)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Started]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        yield Started(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):  # executors that have not yet seen that their worker is gone
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(look: Callable[[], Found | None], what: str) -> Found:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for {what}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(process: Started, port: int) -> None:
    def knock() -> bool | None:
        assert process.process.poll() is None, process.log.read_text()[-3000:]
        with socket.socket() as caller:
            return True if caller.connect_ex(("127.0.0.1", port)) == 0 else None

    wait_for(knock, f"port {port}")


# ------------------------------------------------------------------------------------------------------------- cluster


@dataclass
class Cluster:
    """A standalone master and its workers, of one core each."""

    spark: SparkHome
    url: str
    workers: list[Started] = field(default_factory=list)

    def executor_logs(self) -> list[Path]:
        return sorted(self.spark.scratch.glob("work-*/app-*/*/stderr"))


@contextmanager
def standalone_cluster(spark: SparkHome, worker_count: int) -> Iterator[Cluster]:
    spark_class = spark.command("spark-class")
    master = [spark_class, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0"]
    with started([*master, "--webui-port", "0"], spark.environment, spark.scratch / "master.log") as process:
        cluster = Cluster(spark, process.find(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)"))
        with _workers(cluster, worker_count):
            yield cluster


@contextmanager
def _workers(cluster: Cluster, count: int) -> Iterator[None]:
    if count == 0:
        yield
        return
    with worker(cluster, str(count)), _workers(cluster, count - 1):
        yield


@contextmanager
def worker(cluster: Cluster, name: str) -> Iterator[Started]:
    """Add a worker to the cluster."""
    spark = cluster.spark
    command = [spark.command("spark-class"), "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1"]
    command += ["--port", "0", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
    command += ["--work-dir", str(spark.scratch / f"work-{name}"), cluster.url]
    with started(command, spark.environment, spark.scratch / f"worker-{name}.log") as process:
        process.find(r"(Successfully registered with master)")
        cluster.workers.append(process)
        yield process


@contextmanager
def connect_server(
    spark: SparkHome, log: Path, conf: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[int]:
    """Start a Spark Connect server, and give its port."""
    port = free_port()
    confs = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.ui.enabled": "false",
        **conf,
    }
    command = [spark.command("spark-submit"), "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    for name, value in confs.items():
        command += ["--conf", f"{name}={value}"]
    with started([*command, "spark-internal"], environment, log) as server:
        wait_for_port(server, port)
        yield port


# ---------------------------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True)
class Package:
    """What `make dist` makes for spark-submit."""

    application: Path
    py_files: Path


def make_package(folder: Path) -> Package:
    """Pack as `make dist` does."""
    tool = Path(__file__).parents[1] / "docker" / "py_files.py"
    subprocess.run([sys.executable, tool, folder], check=True, capture_output=True)
    (py_files,) = folder.glob("*-py-files.zip")
    return Package(folder / "count_sessions.py", py_files)


def submit_command(
    spark: SparkHome, package: Package, master: str, *arguments: str, conf: Mapping[str, str] | None = None
) -> list[str]:
    confs = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", **(conf or {})}
    command = [spark.command("spark-submit"), "--master", master]
    for name, value in confs.items():
        command += ["--conf", f"{name}={value}"]
    return [*command, "--py-files", str(package.py_files), str(package.application), *arguments]


def run_command(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Run:
    return subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=280,
    )


def call_here(folder: Path, environment: Mapping[str, str], *arguments: str) -> Run:
    """Run the installed command line in a process of its own."""
    known = {name: os.environ[name] for name in KEPT if name in os.environ}
    return run_command([sys.executable, "-m", "session_calc", "count", *arguments], {**known, **environment}, folder)


def require_done(done: Run) -> None:
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"


def result_of(folder: Path, key: str) -> bytes:
    return (folder / "output" / f"sessions_by_{key}.json").read_bytes()


def report_of(folder: Path, key: str) -> dict[str, Any]:
    found = json.loads((folder / "output" / f"sessions_by_{key}.run.json").read_bytes())
    assert isinstance(found, dict)
    return found


def assert_published(folder: Path, expected: Answer) -> None:
    """Hold what a run published against the oracle: every byte of the results, the ledger and the users."""
    gaps = {gap for gap, _ in expected.session_counts}
    for (gap, key), counts in expected.session_counts.items():
        name = name_of(key, gap, len(gaps))
        assert (folder / "output" / f"{name}.json").read_bytes() == to_json(counts)
        report = json.loads((folder / "output" / f"{name}.run.json").read_bytes())
        ledger = report["ledger"]
        counted = {"lines": ledger["lines"], "events": ledger["events"], "blank": ledger["blank"]}
        assert {**counted, **ledger["rejects_by_reason"]} == dict(expected.ledger)
        assert ledger["lines"] == ledger["events"] + ledger["blank"] + ledger["rejects"]
        assert (report["status"], report["user_count"]) == ("done", expected.user_count)


# ----------------------------------------------------------------------------------------------------------- event log


def event_log_settings(folder: Path) -> dict[str, str]:
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }


def events_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read the events of one kind from the only event log in a folder."""
    (log,) = folder.iterdir()
    events = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [event for event in events if event["Event"] == f"SparkListener{name}"]
