"""Engines: what computes. A new one is one module with `open_here` and one line in `ENGINES`.

| engine | what it is |
|---|---|
| sail | embedded, in this process; needs no Java |
| spark | classic Apache Spark: local, or the cluster that spark-submit names |
| connect | a remote Spark Connect server |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from session_calc.errors import EngineUnavailable

if TYPE_CHECKING:  # it needs PySpark, without which --help and doctor must do
    from session_calc.engines.engine import Engine
    from session_calc.s3 import Source

# each engine, and the import packages without which it cannot run
ENGINES = {"sail": ("pyspark", "pysail"), "spark": ("pyspark", "py4j"), "connect": ("pyspark", "grpc")}

Opener = Callable[[str, Mapping[str, str], bool, bool, "Source | None"], "AbstractContextManager[Engine]"]


@contextmanager
def open_engine(
    name: str,
    remote: str,
    environment: Mapping[str, str],
    verbose: bool = False,
    with_progress: bool = False,
    s3: Source | None = None,
) -> Iterator[Engine]:
    """Start or reach an engine, and let go of it afterwards.

    Parameters
    ----------
    name : {'sail', 'spark', 'connect'}
    remote : str
        The URL of the Spark Connect server; for `connect` alone.
    environment : mapping
        Where Java and the marks of spark-submit are looked for.
    verbose : bool
        Let the engine's own log through to standard error.
    with_progress : bool
        Let the engine draw a bar of its stages and tasks on the terminal, where it has one.
    s3 : Source, optional
        What it must know to read from S3, where it is to.

    Raises
    ------
    EngineUnavailable
        The engine is not installed, has no Java, or does not answer; the message says what to do.
    """
    with _opener(name)(remote, environment, verbose, with_progress, s3) as engine:
        yield engine


def _opener(name: str) -> Opener:
    missing = missing_packages(name)
    if missing:
        extra = "spark" if name == "spark" else "sail"
        raise EngineUnavailable(
            f"ENGINE={name} needs {' and '.join(missing)}, but this Python ({sys.executable}) has no such package. "
            f"Install it into an environment of its own with: pip install 'session_calc[{extra}]'."
        )
    return cast(Opener, import_module(f"session_calc.engines.{name}").open_here)


def missing_packages(name: str) -> list[str]:
    """Give the import packages that an engine needs and this Python lacks."""
    return [package for package in ENGINES[name] if find_spec(package) is None]
