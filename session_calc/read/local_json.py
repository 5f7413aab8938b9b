"""JSON lines on this machine, read by the package itself: plain lines by `scanner`, all others by the judge.

The engine gets PARSED as Arrow batches from a Python function that runs beside it, within Sail or in the workers of
local Spark. So every line is looked at once, no engine's JSON parser is trusted, and none is slow.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType

import session_calc
from session_calc.errors import LedgerBroken
from session_calc.inputs import Input
from session_calc.read import local_task
from session_calc.read.judged import parsed_type
from session_calc.schemas import Fields

if TYPE_CHECKING:  # it needs numpy, which a cluster's driver may lack
    from session_calc.read.portions import Portion

_NEEDED = ("numba", "platformdirs", "numpy", "pyarrow")
SMALL_BYTES = 8 << 20  # are judged in less time than the compiled code takes to load
_PORTIONS_PER_CORE = 4  # so that no core waits long for another

cloudpickle.register_pickle_by_value(local_task)  # a worker need not find this package by itself


class LinesRead:
    """How many lines there were, told apart from the rows by those who read them."""

    def __init__(self, folder: Path, portions: Sequence[Portion]) -> None:
        self._folder = folder
        self._portions = portions
        self._total: int | None = None

    def add_up(self) -> None:
        """Sum up what was told, before the folder goes.

        Raises
        ------
        LedgerBroken
            A portion was not read to its end.
        """
        told = {int(path.name): int(path.read_text()) for path in self._folder.iterdir()}
        for number, portion in enumerate(self._portions):
            if number not in told:
                raise LedgerBroken(
                    f"{portion.path} was not read from byte {portion.begin} to {portion.end}. Nothing was written. "
                    "This is a defect of the job or of the engine: run again with another ENGINE, and report it."
                )
        self._total = sum(told.values())

    def __call__(self) -> int | None:
        return self._total


def missing_packages() -> list[str]:
    """Name the packages that it needs and are not installed: a cluster's driver may lack them."""
    return [name for name in _NEEDED if find_spec(name) is None]


def read(
    spark: SparkSession, inputs: Sequence[Input], fields: Fields, fold_gap: int, folder: Path
) -> tuple[DataFrame, LinesRead]:
    """Give PARSED, and who counts its lines apart.

    Parameters
    ----------
    spark : SparkSession
        Of an engine on this machine.
    inputs : sequence of Input
        JSON lines on this machine.
    fields : Fields
    fold_gap : int, microseconds
        Fold the rows to slices of it as they are read; 0: do not.
    folder : Path
        A temporary one, where those who read tell of it.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    core_count = _core_count()
    from session_calc.read.portions import portions_of, shared_out

    portions = portions_of(inputs, _PORTIONS_PER_CORE * core_count)
    code = _code() if sum(portion.size for portion in portions) > SMALL_BYTES else None
    shares = [[(number, tuple(portions[number])) for number in numbers] for numbers in shared_out(portions, core_count)]
    folder.mkdir()
    task = local_task.make(_package_folder(), shares, astuple(fields), code, fold_gap, str(folder))
    schema = parsed_type(fields)
    if fields.keep_line:
        schema = schema.add("line", StringType())
    if fold_gap:
        schema = schema.add("last_event_time", LongType()).add("event_count", LongType())
    parsed = spark.range(0, len(shares), 1, len(shares)).mapInArrow(task, schema)
    return parsed, LinesRead(folder, portions)


def _code() -> bytes:
    from session_calc.read.scanner import machine_code

    return machine_code.get()


def _core_count() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _package_folder() -> str:
    return str(Path(session_calc.__file__).parent.parent)
