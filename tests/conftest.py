"""One engine for the whole run, chosen by --engine: an answer must not depend on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from session_calc.engines.engine import Engine
from session_calc.errors import EngineUnavailable

# One small Spark for all tests: few partitions, since each costs more than the rows in it; adaptive execution off,
# for it plans every stage anew.
SPARK_TEST_SETTINGS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.memory": "2g",
}


def pytest_configure() -> None:
    pytest.register_assert_rewrite("counting")  # its asserts say what differs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=["sail", "spark"], default="sail", help="engine that the tests run on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Under --engine spark run only what an engine runs in: the rest has passed under sail, with the same code."""
    if config.getoption("--engine") == "sail":
        return
    with_engine = [item for item in items if "engine_name" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in with_engine])
    items[:] = with_engine


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

            try:
                spark.prepare_process(os.environ, tmp_path_factory.mktemp("java"))
            except EngineUnavailable as error:
                pytest.exit(str(error), returncode=1)
            settings = {**spark.LOCAL_SETTINGS, **spark.log_settings("error"), **SPARK_TEST_SETTINGS}
            yield until_done.enter_context(spark.open_session("local[2]", settings))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's shell or `.env` reaches a test."""
    from session_calc.settings import SETTINGS

    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
