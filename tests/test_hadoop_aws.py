"""Which jars classic Spark is told to fetch for S3, and which combinations are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from session_calc.engines.hadoop_aws import hadoop_versions, settings_for_launch
from session_calc.errors import EngineUnavailable


def spark_home(folder: Path, *jars: str) -> Path:
    (folder / "jars").mkdir()
    for jar in jars:
        (folder / "jars" / jar).touch()
    return folder


def test_hadoop_aws_of_the_version_of_the_hadoop_client_is_fetched_with_parts_of_the_sdk(tmp_path: Path) -> None:
    home = spark_home(tmp_path, "hadoop-client-api-3.5.0.jar", "hadoop-client-runtime-3.5.0.jar")
    assert settings_for_launch(home) == {
        "spark.jars.packages": (
            "org.apache.hadoop:hadoop-aws:3.5.0,software.amazon.awssdk:s3-transfer-manager:2.35.4,"
            "software.amazon.awssdk:sts:2.35.4,software.amazon.awssdk:sso:2.35.4,"
            "software.amazon.awssdk:netty-nio-client:2.35.4"
        ),
        "spark.jars.excludes": "software.amazon.awssdk:bundle",
    }


def test_of_a_hadoop_whose_sdk_is_not_known_the_default_is_fetched(tmp_path: Path) -> None:
    home = spark_home(tmp_path, "hadoop-client-api-3.4.1.jar")
    assert settings_for_launch(home) == {"spark.jars.packages": "org.apache.hadoop:hadoop-aws:3.4.1"}


def test_nothing_is_fetched_where_the_jar_is_there(tmp_path: Path) -> None:
    home = spark_home(tmp_path, "hadoop-client-api-3.5.0.jar", "hadoop-aws-3.5.0.jar")
    assert hadoop_versions(home) == ("3.5.0", "3.5.0")
    assert settings_for_launch(home) == {}


def test_nothing_is_fetched_for_a_spark_whose_hadoop_is_elsewhere(tmp_path: Path) -> None:
    assert settings_for_launch(spark_home(tmp_path)) == {}
    assert settings_for_launch(tmp_path / "gone") == {}


def test_a_hadoop_aws_of_another_version_is_refused(tmp_path: Path) -> None:
    home = spark_home(tmp_path, "hadoop-client-api-3.5.0.jar", "hadoop-aws-3.4.1.jar")
    message = (
        f"{home}/jars has hadoop-aws 3.4.1, but must have 3.5.0, the version of its hadoop-client-api. Put "
        "hadoop-aws-3.5.0.jar there instead, or take it away: it is fetched then."
    )
    with pytest.raises(EngineUnavailable, match=f"^{re.escape(message)}$"):
        settings_for_launch(home)
