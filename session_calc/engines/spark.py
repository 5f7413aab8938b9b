"""Classic Apache Spark: the cluster that spark-submit names, or local Spark in a Java that is found for it."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.engines.java import java_home_for_spark

SUBMITTED_MARK = "PYSPARK_GATEWAY_PORT"
LOG_SETTINGS_FILE = Path(__file__).with_name("log4j2.properties")
PROGRESS_SETTING = "spark.ui.showConsoleProgress"

# What Spark needs beyond its defaults where this process starts it.
OWN_SETTINGS = {
    "spark.driver.memory": "2g",
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|url|dsn|sas|signature",
    "spark.ui.enabled": "false",
    PROGRESS_SETTING: "false",
}

# All is loopback: nothing listens where another machine could reach it.
LOCAL_SETTINGS = {**OWN_SETTINGS, "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


@contextmanager
def open_here(
    _remote: str, environment: Mapping[str, str], verbose: bool, with_progress: bool = False
) -> Iterator[Engine]:
    """Join the Spark that spark-submit started, or start one: local, or on the cluster that MASTER names."""
    if SUBMITTED_MARK in environment:
        with open_session("", _progress_if_nobody_chose() if with_progress else {}) as engine:
            yield engine
        return
    master = environment.get("MASTER") or "local[*]"
    progress = {PROGRESS_SETTING: "true"} if with_progress else {}
    with (
        TemporaryDirectory(prefix="session-calc-java-") as folder,
        # the package may run from a zip, out of which Java cannot read
        as_file(files("session_calc.engines").joinpath(LOG_SETTINGS_FILE.name)) as log_file,
    ):
        prepare_process(environment, Path(folder), is_local=is_local(master))
        own = LOCAL_SETTINGS if is_local(master) else OWN_SETTINGS
        settings = {**own, **progress, **log_settings("info" if verbose else "off", log_file)}
        with open_session(master, settings) as engine:
            yield engine


def is_local(master: str) -> bool:
    """Tell whether all of Spark runs on this machine: `local[*]`, `local-cluster[2,1,1024]`."""
    return master.startswith("local")


def prepare_process(environment: Mapping[str, str], java_folder: Path, is_local: bool = True) -> None:
    """Set what the Java process and the Python workers will inherit."""
    os.environ["JAVA_HOME"] = str(java_home_for_spark(environment, java_folder))
    if is_local:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else a virtual environment's workers run the system's
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.pop("SPARK_REMOTE", None)  # PySpark would prefer it to the master


def log_settings(level: str, file: Path = LOG_SETTINGS_FILE) -> dict[str, str]:
    """Keep Spark's log on standard error at a level."""
    options = f"-Dlog4j2.configurationFile={file.as_uri()} -Dsession_calc.log_level={level}"
    return {"spark.driver.extraJavaOptions": options}


def _progress_if_nobody_chose() -> dict[str, str]:
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()  # else SparkConf knows nothing of spark-submit's --conf
    return {} if SparkConf().contains(PROGRESS_SETTING) else {PROGRESS_SETTING: "true"}


@contextmanager
def open_session(master: str, settings: Mapping[str, str]) -> Iterator[Engine]:
    """Start or join the session of this process; an empty master is the one that spark-submit was given."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("session_calc")
    if master:
        builder = builder.master(master)
    for name, value in {**settings, **SESSION_SETTINGS}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        actual_master = spark.conf.get("spark.master", "") or ""
        version = f"Spark {spark.version} {actual_master}"
        yield Engine(spark, "spark", version, is_here=actual_master.startswith("local["))
    finally:
        spark.stop()
