"""JSON lines on this machine, read by the package itself: plain lines by `scanner`, all others by the judge.

The engine gets PARSED as Arrow batches from a Python function that runs beside it, within Sail or in the workers of
local Spark. So every line is looked at once, no engine's JSON parser is trusted, and none is slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StringType, StructType

import session_calc
from session_calc.engines.engine import Engine
from session_calc.errors import LedgerBroken
from session_calc.inputs import Input
from session_calc.read import local_task
from session_calc.read.cores import core_count
from session_calc.read.judged import parsed_type
from session_calc.schemas import Fields

if TYPE_CHECKING:  # it needs numpy, which a cluster's driver may lack
    from session_calc.read.portions import Portion

_NEEDED = ("numba", "platformdirs", "numpy", "pyarrow")
SMALL_BYTES = 8 << 20  # are judged in less time than the compiled code takes to load
# of lines in a part, where an engine must hold all that is made of them: the folded rows of most logs are a fraction of
# them, and single rows, put in order, up to four times as much
_FOLDED_PART_BYTES = 4 << 30
_PART_BYTES = 512 << 20
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
    engine: Engine, inputs: Sequence[Input], fields: Fields, fold_gap: int, may_part: bool, folder: Path
) -> tuple[list[DataFrame], LinesRead]:
    """Give PARSED, and who counts its lines apart.

    Where the engine has no room for all rows, they are laid down in the folder, and come in parts.

    Parameters
    ----------
    engine : Engine
        On this machine.
    inputs : sequence of Input
        JSON lines on this machine.
    fields : Fields
    fold_gap : int, microseconds
        Fold the rows to slices of it as they are read; 0: do not.
    may_part : bool
    folder : Path
        A temporary one.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    from session_calc.read.portions import portions_of, shared_out

    cores = core_count()
    portions = portions_of(inputs, _PORTIONS_PER_CORE * cores)
    byte_count = sum(portion.size for portion in portions)
    code = _code() if byte_count > SMALL_BYTES else None
    told = folder / "told"
    told.mkdir(parents=True)
    shares = [[(number, tuple(portions[number])) for number in numbers] for numbers in shared_out(portions, cores)]
    readings = [(share, astuple(fields), code, fold_gap, str(told)) for share in shares]
    part_count = _part_count(byte_count, is_folded=fold_gap > 0) if may_part and not engine.spills else 1
    schema = _schema(fields, fold_gap)
    if part_count == 1:
        rows = [_from_tasks(engine.spark, "local_rows", "rows_of", readings, schema)]
    else:
        rows = _in_parts(engine.spark, readings, folder, part_count, schema)
    return rows, LinesRead(told, portions)


def _in_parts(
    spark: SparkSession, readings: Sequence[tuple[Any, ...]], folder: Path, part_count: int, schema: StructType
) -> list[DataFrame]:
    paths = [folder / f"{number}.rows" for number in range(len(readings))]
    tasks = [(str(path), part_count, *reading) for path, reading in zip(paths, readings, strict=True)]
    _from_tasks(spark, "local_rows", "part_rows", tasks, StructType().add("row_count", LongType())).collect()
    there = [str(path) for path in paths if path.exists()]
    return [
        _from_tasks(spark, "parts", "read", [(path, part, part_count) for path in there], schema)
        for part in range(part_count)
    ]


def _part_count(byte_count: int, is_folded: bool) -> int:
    from session_calc.read.parts import MOST_PARTS

    part_bytes = _FOLDED_PART_BYTES if is_folded else _PART_BYTES
    return min(max(1, -(-byte_count // part_bytes)), MOST_PARTS)


def _from_tasks(
    spark: SparkSession, module: str, function: str, tasks: Sequence[tuple[Any, ...]], schema: StructType
) -> DataFrame:
    task = local_task.make(_package_folder(), f"session_calc.read.{module}", function, tasks)
    return spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(task, schema)


def _schema(fields: Fields, fold_gap: int) -> StructType:
    schema = parsed_type(fields)
    if fields.keep_line:
        schema = schema.add("line", StringType())
    if fold_gap:
        schema = schema.add("last_event_time", LongType()).add("event_count", LongType())
    return schema


def _code() -> bytes:
    from session_calc.read.scanner import machine_code

    return machine_code.get()


def _package_folder() -> str:
    return str(Path(session_calc.__file__).parent.parent)
