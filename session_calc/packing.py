"""Rows from an engine to the driver as Arrow batches, a bounded number at a time, on every engine alike.

Batches are packed next to the data and come as single binary values: rows of Python objects would take ten times as
long, and no engine hands out Arrow bit by bit through the DataFrame API.
"""

import sys
from collections.abc import Iterator
from typing import Any

from pyspark import cloudpickle
from pyspark.sql import DataFrame

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def batches_of(frame: DataFrame, is_kept: bool) -> Iterator[Any]:
    """Give a frame's rows as `pyarrow.RecordBatch`.

    Parameters
    ----------
    frame : DataFrame
    is_kept : bool
        Let the engine compute everything first, on all cores, and keep it: classic Spark computes partition by
        partition otherwise.
    """
    from pyarrow import ipc

    packed = frame.mapInArrow(_pack, "batch binary")
    if is_kept:
        packed = packed.persist()
        packed.count()
    try:
        for row in packed.toLocalIterator():
            with ipc.open_stream(row["batch"]) as stream:
                yield from stream
    finally:
        if is_kept:
            packed.unpersist()


def _pack(batches: Any) -> Any:
    import pyarrow as pa

    for batch in batches:
        target = pa.BufferOutputStream()
        with pa.ipc.new_stream(target, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_arrays([pa.array([target.getvalue().to_pybytes()], pa.binary())], names=["batch"])
