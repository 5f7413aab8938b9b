"""The jars by which classic Spark reads S3: hadoop-aws of the version of the Hadoop client that Spark has, and its SDK.

Left to itself hadoop-aws brings the whole AWS SDK: 4 jars of 674 MB. Of the versions in `SDK_VERSIONS` only the parts
that S3A and the chain of credentials need are fetched: 54 jars of 19 MB.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_calc.errors import EngineUnavailable
from session_calc.s3 import Source, settings_for_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# the version of the AWS SDK that each hadoop-aws names; with any other, the default bundle comes
SDK_VERSIONS = {"3.5.0": "2.35.4"}
_SDK = "software.amazon.awssdk"
_SDK_PARTS = ("s3-transfer-manager", "sts", "sso", "netty-nio-client")
_JAR = re.compile(r"(hadoop-aws|hadoop-client-api)-(\d+(?:\.\d+)+[\w.-]*)\.jar")
_UNRESOLVED = re.compile(r"unresolved dependency: ([^\s;\]]+;[^:\]\s]+)|download failed: ([^\s!]+)")
_BYTES_KEPT = 1 << 16


def settings_for_launch(spark_home: Path) -> dict[str, str]:
    """Give the settings by which a Spark that is started here gets its jars for S3; nothing where it has them.

    Raises
    ------
    EngineUnavailable
        The hadoop-aws that is there does not fit the Hadoop client.
    """
    client, aws = hadoop_versions(spark_home)
    if aws or client is None:
        return {}
    version = SDK_VERSIONS.get(client)
    packages = [f"org.apache.hadoop:hadoop-aws:{client}"]
    if version is None:
        return {"spark.jars.packages": packages[0]}
    packages += [f"{_SDK}:{part}:{version}" for part in _SDK_PARTS]
    return {"spark.jars.packages": ",".join(packages), "spark.jars.excludes": f"{_SDK}:bundle"}


def hadoop_versions(spark_home: Path) -> tuple[str | None, str | None]:
    """Give the versions of the Hadoop client and of hadoop-aws among Spark's jars, None for what is not there.

    Raises
    ------
    EngineUnavailable
        They differ. S3A would then fail in the middle of a job, for a class or method that is not there.
    """
    found = {match[1]: match[2] for match in map(_JAR.fullmatch, sorted(_names_in(spark_home / "jars"))) if match}
    client, aws = found.get("hadoop-client-api"), found.get("hadoop-aws")
    if client and aws and client != aws:
        raise EngineUnavailable(
            f"{spark_home}/jars has hadoop-aws {aws}, but must have {client}, the version of its hadoop-client-api. "
            f"Put hadoop-aws-{client}.jar there instead, or take it away: it is fetched then."
        )
    return client, aws


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def launch(master: str, settings: Mapping[str, str], spark_home: Path, is_silent: bool) -> dict[str, str]:
    """Start Spark's JVM where it must fetch jars for S3, and give the settings that say which.

    Raises
    ------
    EngineUnavailable
        The jars cannot be fetched, or do not fit.
    """
    from pyspark import SparkConf, SparkContext

    wanted = settings_for_launch(spark_home)
    if wanted:
        together = {"spark.app.name": "session_calc", "spark.master": master, **settings, **wanted}
        gateway = _JavaStart(is_silent).launch(together, spark_home)
        SparkContext(conf=SparkConf().setAll(list(together.items())), gateway=gateway)
    return wanted


def fit(spark: SparkSession, source: Source, is_local: bool) -> None:
    """Tell a running session how S3 is read; what anyone has set already stays as it is."""
    for name, value in settings_for_spark(source.access, is_local).items():
        if spark.conf.get(f"spark.hadoop.{name}", None) is None:
            spark.conf.set(name, value)


def require_reader(spark: SparkSession, source: Source, spark_home: Path) -> None:
    """Make sure that the Spark that was joined has hadoop-aws.

    Raises
    ------
    EngineUnavailable
        It has not, or of another version than its Hadoop client.
    """
    hadoop_versions(spark_home)
    try:
        _ = spark.read.text(source.example.replace("s3://", "s3a://", 1)).schema
    except Exception as error:
        if "S3AFileSystem not found" in str(error):
            raise _submitted_without(spark_home) from error
        # any other trouble comes up again in the reading, where it is told with the input's name


def _submitted_without(spark_home: Path) -> EngineUnavailable:
    wanted = settings_for_launch(spark_home) or {"spark.jars.packages": "org.apache.hadoop:hadoop-aws:VERSION"}
    excluded = " --exclude-packages " + wanted["spark.jars.excludes"] if "spark.jars.excludes" in wanted else ""
    return EngineUnavailable(
        "READ_PATH has s3:// paths, but this Spark has no hadoop-aws to read them with. "
        f"Start it with: spark-submit --packages {wanted['spark.jars.packages']}{excluded} ..."
    )


class _JavaStart:
    """Start Spark's JVM, and keep to itself what Ivy prints while it fetches jars: a hundred lines on every start."""

    def __init__(self, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._kept = b""

    def launch(self, settings: Mapping[str, str], spark_home: Path) -> Any:
        """Give PySpark's gateway to a JVM with these settings.

        Raises
        ------
        EngineUnavailable
            Jars could not be fetched.
        """
        from pyspark import SparkConf
        from pyspark.errors import PySparkRuntimeError

        launch: Callable[[SparkConf, dict[str, Any]], Any] = import_module("pyspark.java_gateway").launch_gateway
        read_end, write_end = os.pipe()
        threading.Thread(target=self._pass_on, args=(read_end,), daemon=True).start()
        try:
            return launch(SparkConf().setAll(list(settings.items())), {"stdout": write_end, "stderr": write_end})
        except PySparkRuntimeError as error:
            raise self._failure(spark_home, settings) from error
        finally:
            self._is_silent = False  # what the JVM says from here on is for the user
            os.close(write_end)

    def _pass_on(self, read_end: int) -> None:
        while said := os.read(read_end, _BYTES_KEPT):
            if self._is_silent:
                self._kept = (self._kept + said)[-_BYTES_KEPT:]
            else:
                os.write(2, said)
        os.close(read_end)

    def _failure(self, spark_home: Path, settings: Mapping[str, str]) -> EngineUnavailable:
        said = self._kept.decode(errors="replace")
        missing = _UNRESOLVED.search(said)
        if not missing:
            return EngineUnavailable(f"Spark's Java ended before Spark was up. It said last: {_last_line(said)}")
        what = (missing[1] or missing[2]).replace("#", ":").replace(";", ":")
        return EngineUnavailable(
            f"ENGINE=spark reads s3:// with jars from Maven ({settings['spark.jars.packages']}), but {what} could not "
            f"be fetched. Name a mirror that can be reached with spark.jars.ivySettings in {spark_home}/conf/"
            f"spark-defaults.conf; or copy the jars that this job fetched on another machine (~/.ivy2*/jars) into "
            f"{spark_home}/jars. ENGINE=sail reads s3:// without them."
        )


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing."
