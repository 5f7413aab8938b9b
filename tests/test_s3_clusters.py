"""S3 on a Spark that others start: spark-submit with and without the jars, and a Spark Connect server."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from s3_store import Bucket, Store
from spark_processes import (
    Package,
    SparkHome,
    call_here,
    connect_server,
    make_package,
    make_spark_home,
    require_done,
    result_of,
    run_command,
    submit_command,
)

from session_calc.engines.hadoop_aws import settings_for_launch

pytestmark = pytest.mark.cluster

EVENTS = b'{"anonymous_id":"ann","device_sent_timestamp":1554768000000,"device_family":"A"}\n'
BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


@pytest.fixture(scope="module")
def spark(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> SparkHome:
    assert engine_name == "spark"
    import pyspark

    return make_spark_home(Path(pyspark.__file__).parent, Path(sys.executable), tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def boto3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install boto3` would bring to the driver, and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("boto3")
    for name in BOTO3:
        found = find_spec(name)
        assert found
        assert found.origin
        path = Path(found.origin)
        path = path.parent if path.name == "__init__.py" else path
        (folder / path.name).symlink_to(path)
    return folder


def test_a_driver_without_boto3_says_so(spark: SparkHome, package: Package, bucket: Bucket, tmp_path: Path) -> None:
    command = submit_command(spark, package, "local[1]", "--read-path", bucket.url())
    done = run_command(command, {**spark.environment, **bucket.store.with_credentials}, tmp_path)
    assert (done.returncode, done.stdout) == (
        2,
        (
            f"Error: READ_PATH has {bucket.url()}, but S3 needs boto3, which is not installed here. Install it with: "
            "pip install 'boto3>=1.34'.\n"
        ),
    )


def test_a_spark_without_the_jars_is_refused_and_reads_with_the_words_that_the_message_says(
    spark: SparkHome, package: Package, bucket: Bucket, boto3_folder: Path, tmp_path: Path
) -> None:
    bucket.put("in/a.json", EVENTS)
    environment = {**spark.environment, **bucket.store.with_credentials, "PYTHONPATH": str(boto3_folder)}
    command = submit_command(spark, package, "local[1]", "--read-path", bucket.url("in/"))
    done = run_command(command, environment, tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    said = re.fullmatch(
        r"Error: READ_PATH has s3:// paths, but this Spark has no hadoop-aws to read them with\. Start it with: "
        r"spark-submit (--packages org\.apache\.hadoop:hadoop-aws:\S+ --exclude-packages \S+) \.\.\.\n",
        done.stdout,
    )
    assert said, done.stdout

    require_done(run_command([command[0], *said[1].split(), *command[1:]], environment, tmp_path))
    assert result_of(tmp_path, "device_family") == b'{"A":1}\n'


@pytest.fixture
def server_with_s3(spark: SparkHome, store: Store, tmp_path: Path) -> Iterator[int]:
    """A server that its owner has given the jars, the credentials and the place of the store."""
    conf = {
        **settings_for_launch(spark.home),
        "spark.hadoop.fs.s3a.endpoint": store.proxy.url,
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
    }
    environment = {**spark.environment, **store.with_credentials}
    with connect_server(spark, tmp_path / "connect.log", conf, environment) as port:
        yield port


def test_a_spark_connect_server_reads_s3_with_what_it_was_given(
    server_with_s3: int, bucket: Bucket, store: Store, tmp_path: Path
) -> None:
    bucket.put("in/a b.json", EVENTS)
    bucket.put("in/day=2/ü.json", EVENTS)
    environment = {**store.with_credentials, "SPARK_REMOTE": f"sc://127.0.0.1:{server_with_s3}"}
    require_done(call_here(tmp_path, {**environment, "READ_PATH": bucket.url("in/")}))
    assert result_of(tmp_path, "device_family") == b'{"A":1}\n'
