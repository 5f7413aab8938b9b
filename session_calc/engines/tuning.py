"""How classic Spark cuts the work, from the bytes that were listed. What anyone has set already stays as it is.

Left to itself Spark cuts every shuffle into 200 parts: too many for a megabyte, and too few for a terabyte. And of more
than 32 files it makes a task for each, to look at what was listed already.
"""

from collections.abc import Sequence

from pyspark.sql import SparkSession

from session_calc.inputs import Input

_LOOKING = "spark.sql.sources.parallelPartitionDiscovery"
_MEBIBYTE = 1 << 20
# lines are this much longer than the files they are stored in, give or take; only a number of parts hangs on it
_TIMES_LONGER = {"gz": 8, "bz2": 10}
_READ_PART_BYTES = 128 * _MEBIBYTE
_MOST_READ_PARTS = 10_000  # more tasks than that keep the driver busier than the workers
_LARGEST_READ_PART_BYTES = 1024 * _MEBIBYTE
_SHUFFLE_PART_BYTES = 32 * _MEBIBYTE
_MOST_SHUFFLE_PARTS = 4_000  # each task that reads writes as many blocks


def fit(spark: SparkSession, inputs: Sequence[Input]) -> None:
    """Set what nobody has set: not with --conf, not in spark-defaults.conf, not by the cluster."""
    for name, value in settings_for(inputs).items():
        if spark.conf.get(name, None) is None:
            spark.conf.set(name, value)


def settings_for(inputs: Sequence[Input]) -> dict[str, str]:
    """Give the settings that fit the inputs' sizes; all of them may be set in a running session.

    Examples
    --------
    >>> settings_for([Input("a.jsonl", 10**12, "", "json", "")])["spark.sql.shuffle.partitions"]
    '4000'
    """
    bytes_to_read = sum(one.byte_count * _TIMES_LONGER.get(one.compression, 1) for one in inputs)
    read_part_bytes = min(max(_READ_PART_BYTES, bytes_to_read // _MOST_READ_PARTS), _LARGEST_READ_PART_BYTES)
    shuffle_parts = min(max(1, -(-bytes_to_read // _SHUFFLE_PART_BYTES)), _MOST_SHUFFLE_PARTS)
    return {
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.files.maxPartitionBytes": str(read_part_bytes),
        "spark.sql.files.openCostInBytes": str(_MEBIBYTE),  # not 4: a hundred small files make one task, not thirty
        "spark.sql.shuffle.partitions": str(shuffle_parts),
        # a look at a file takes the driver no time; at an object it takes so long that the workers had better share it
        f"{_LOOKING}.threshold": "32" if any(one.is_on_s3 for one in inputs) else "1000000",
        f"{_LOOKING}.parallelism": "64",
    }
