"""One engine for the whole run, chosen by --engine: an answer must not depend on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest
from postgres_server import Server, open_server
from s3_store import Bucket, Store, Worker, open_store

from session_calc.engines.engine import Engine
from session_calc.errors import EngineUnavailable
from session_calc.s3 import client

# One small Spark for all tests: few partitions, since each costs more than the rows in it; adaptive execution off,
# for it plans every stage anew.
SPARK_TEST_SETTINGS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.memory": "2g",
}


# more than ten seconds each, and seldom touched
SLOW_FILES = {
    "test_command_line.py",
    "test_images_make.py",
    "test_pages.py",
    "test_postgres.py",
    "test_run_page.py",
    "test_s3_listing.py",
    "test_s3_reading.py",
    "test_s3_rejects.py",
    "test_s3_runs.py",
    "test_s3_tables.py",
    "test_sink.py",
    "test_write.py",
}


def pytest_configure() -> None:
    pytest.register_assert_rewrite("counting", "spark_processes")  # its asserts say what differs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=["sail", "spark"], default="sail", help="engine that the tests run on")
    parser.addoption("--clusters", action="store_true", help="also start real clusters, and fetch Spark's jars for S3")
    parser.addoption("--browser-required", action="store_true", help="fail where there is no Chromium to test pages in")
    parser.addoption("--cluster-python", help="run only what a cluster's own PySpark must pass: the one of this Python")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what can differ: clusters under --engine spark, and there of the rest only what an engine runs in."""
    kept = [item for item in items if _is_wanted(item, config)]
    for item in kept:
        if item.path.name in SLOW_FILES:
            item.add_marker("slow")
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_wanted(item: pytest.Item, config: pytest.Config) -> bool:
    fixtures: tuple[str, ...] = getattr(item, "fixturenames", ())
    is_version_given, is_of_versions = bool(config.getoption("--cluster-python")), "cluster_python" in fixtures
    if is_version_given or is_of_versions:
        return is_version_given and is_of_versions
    is_on_spark = bool(config.getoption("--engine") == "spark")
    if item.get_closest_marker("cluster"):
        return is_on_spark and bool(config.getoption("--clusters"))
    if not is_on_spark:
        return True
    if item.get_closest_marker("one_engine"):
        return False
    # Spark's jars for S3 are fetched, so these are for `make test_clusters`
    is_far = item.path.name.startswith("test_s3_")
    return "engine_name" in fixtures and (not is_far or bool(config.getoption("--clusters")))


@pytest.fixture(scope="session", autouse=True)
def quick_java(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let every Spark of these tests, here and in other processes, start in half the time."""
    if request.config.getoption("--engine") == "spark":
        from spark_processes import quick_java_home

        try:
            os.environ["JAVA_HOME"] = str(quick_java_home(tmp_path_factory.mktemp("java")))
        except EngineUnavailable as error:
            pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--engine"))


@pytest.fixture(scope="session")
def engine(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine under test, started once."""
    with ExitStack() as until_done:
        if engine_name == "sail":
            from session_calc.engines import sail

            yield until_done.enter_context(sail.open_here("", os.environ, verbose=False))
        else:
            from session_calc.engines import spark

            spark.prepare_process(os.environ, tmp_path_factory.mktemp("java"))
            settings = {**spark.LOCAL_SETTINGS, **spark.log_settings("error"), **SPARK_TEST_SETTINGS}
            yield until_done.enter_context(spark.open_session("local[2]", settings))


@pytest.fixture(params=["compiled", "parted", "judged", "engine"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> str:
    """What reads JSON lines on this machine: our own code, in parts or not, the judge, or as elsewhere the engine."""
    from session_calc.read import local_json

    if request.param in {"compiled", "parted"}:
        monkeypatch.setattr(local_json, "SMALL_BYTES", -1)
    if request.param == "parted":
        if engine.spills:
            pytest.skip("what spills is not given parts")
        monkeypatch.setattr(local_json, "_part_count", lambda *_, **__: 3)
    if request.param == "engine":
        monkeypatch.setattr(local_json, "missing_packages", lambda: ["numba"])
    return str(request.param)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting and no credentials of the developer's shell or `.env` reach a test."""
    from session_calc.settings import SETTINGS

    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # its address is no loopback
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent/aws")
    client.cache_clear()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A real S3 protocol server, started once."""
    with open_store(tmp_path_factory.mktemp("s3") / "server.log") as store:
        yield store


@pytest.fixture
def bucket(store: Store, request: pytest.FixtureRequest) -> Bucket:
    """A bucket of this test alone."""
    name = f"bucket-{sha256(request.node.nodeid.encode()).hexdigest()[:16]}"
    store.admin.create_bucket(Bucket=name)
    return Bucket(name, store)


@pytest.fixture(scope="session")
def many(store: Store) -> Bucket:
    """A bucket with 2,000 small objects in `many/`, and the same lines in one object, `one.json`."""
    store.admin.create_bucket(Bucket="many")
    bucket = Bucket("many", store)
    parts = [
        b"".join(
            b'{"user":"u%d","time":%d,"group":"g%d"}\n' % (number % 300, line * 60_000, number % 7) for line in range(5)
        )
        for number in range(2000)
    ]
    for number, part in enumerate(parts):
        bucket.put(f"many/{number:04}.json", part)
    bucket.put("one.json", b"".join(parts))
    return bucket


@pytest.fixture
def with_s3(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 in this process find the store."""
    for name, value in store.with_credentials.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def s3_worker(engine_name: str, store: Store) -> Iterator[Worker]:
    """The engine under test once more, in a process that reads the store."""
    worker = Worker(engine_name, store.with_credentials)
    yield worker
    worker.stop()


@pytest.fixture(scope="session", params=[18, 16], ids=lambda version: f"PostgreSQL {version}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real PostgreSQL, started once for each version."""
    with open_server(request.param) as server:
        yield server


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of this test alone; and nothing of the developer's own reaches libpq."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSFILE", "/nonexistent/pgpass")
    name = f"test_{sha256(request.node.nodeid.encode()).hexdigest()[:16]}"
    yield server.make_database(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")
