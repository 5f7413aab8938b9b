"""What the programs on Spark have in common: a local session on two cores, and events with an explicit schema."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession

SCHEMA = "anonymous_id string, device_sent_timestamp bigint, device_family string"


def local_spark() -> SparkSession:
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "8g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")  # of 200, most would be empty
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )


def print_counts(counts: DataFrame) -> None:
    print(json.dumps({"null" if value is None else value: count for value, count in counts.collect()}))
