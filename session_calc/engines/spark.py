"""Classic Apache Spark: the cluster that spark-submit names, or local Spark in a Java that is found for it."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.engines.java import java_home_for_spark

SUBMITTED_MARK = "PYSPARK_GATEWAY_PORT"
LOG_SETTINGS_FILE = Path(__file__).with_name("log4j2.properties")

# What local Spark needs beyond its defaults. All is loopback: nothing listens where another machine could reach it.
LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|url|dsn|sas|signature",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@contextmanager
def open_here(_remote: str, environment: Mapping[str, str], verbose: bool) -> Iterator[Engine]:
    """Join the Spark that spark-submit started, or start a local one."""
    if SUBMITTED_MARK in environment:
        with open_session("", {}) as engine:
            yield engine
        return
    with TemporaryDirectory(prefix="session-calc-java-") as folder:
        prepare_process(environment, Path(folder))
        master = environment.get("MASTER", "local[*]")
        with open_session(master, {**LOCAL_SETTINGS, **log_settings("info" if verbose else "error")}) as engine:
            yield engine


def prepare_process(environment: Mapping[str, str], java_folder: Path) -> None:
    """Set what the Java process and the Python workers will inherit."""
    os.environ["JAVA_HOME"] = str(java_home_for_spark(environment, java_folder))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else the workers of a virtual environment run the system's
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.pop("SPARK_REMOTE", None)  # PySpark would prefer it to the master


def log_settings(level: str) -> dict[str, str]:
    """Keep Spark's log on standard error at a level."""
    options = f"-Dlog4j2.configurationFile={LOG_SETTINGS_FILE.as_uri()} -Dsession_calc.log_level={level}"
    return {"spark.driver.extraJavaOptions": options}


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
