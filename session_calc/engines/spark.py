"""Classic Apache Spark: the cluster that spark-submit names, or local Spark in a Java that is found for it."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from session_calc.engines import hadoop_aws
from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.engines.java import java_home_for_spark
from session_calc.engines.variables import variables
from session_calc.s3 import Source, handed_on

SUBMITTED_MARK = "PYSPARK_GATEWAY_PORT"
LOG_SETTINGS_FILE = Path(__file__).with_name("log4j2.properties")
PROGRESS_SETTING = "spark.ui.showConsoleProgress"

# What Spark needs beyond its defaults where this process starts it.
OWN_SETTINGS = {
    "spark.driver.memory": "1400m",  # with Python and Java itself below 2 GB, which 5 million lines need not pass
    "spark.redaction.regex": "(?i)secret|password|token|access[.]?key|url|dsn|sas|signature",
    "spark.ui.enabled": "false",
    PROGRESS_SETTING: "false",
}

# All is loopback: nothing listens where another machine could reach it.
LOCAL_SETTINGS = {**OWN_SETTINGS, "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


@contextmanager
def open_here(
    _remote: str,
    environment: Mapping[str, str],
    verbose: bool,
    with_progress: bool = False,
    s3: Source | None = None,
) -> Iterator[Engine]:
    """Join the Spark that spark-submit started, or start one: local, or on the cluster that MASTER names."""
    if SUBMITTED_MARK in environment:
        with open_session("", {}) as engine:  # and what --conf says stands
            if s3:
                hadoop_aws.fit(engine.spark, s3, is_local=False)
                hadoop_aws.require_reader(engine.spark, s3, spark_home(environment))
            yield engine
        return
    master = environment.get("MASTER") or "local[*]"
    progress = {PROGRESS_SETTING: "true"} if with_progress else {}
    with (
        TemporaryDirectory(prefix="session-calc-java-") as folder,
        # the package may run from a zip, out of which Java cannot read
        as_file(files("session_calc.engines").joinpath(LOG_SETTINGS_FILE.name)) as log_file,
        variables(handed_on(s3.access) if s3 else {}, environment),
    ):
        prepare_process(environment, Path(folder), is_local=is_local(master))
        own = LOCAL_SETTINGS if is_local(master) else OWN_SETTINGS
        settings = {**own, **progress, **log_settings("info" if verbose else "off", log_file)}
        if s3:
            settings |= hadoop_aws.launch(master, settings, spark_home(environment), is_silent=not verbose)
        with open_session(master, settings) as engine:
            if s3:
                hadoop_aws.fit(engine.spark, s3, is_local=is_local(master))
            yield engine


def spark_home(environment: Mapping[str, str]) -> Path:
    """Find Spark itself: where SPARK_HOME says, else inside the package."""
    import pyspark

    return Path(environment.get("SPARK_HOME") or Path(pyspark.__file__).parent)


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
        is_here = actual_master.startswith("local[")
        yield Engine(spark, "spark", version, is_here=is_here, file_scheme="file://")
    finally:
        spark.stop()
