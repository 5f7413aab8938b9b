"""Spark's own session windows; min_by finds each session's first device."""

import sys

from pyspark.sql import functions as F
from spark_events import SCHEMA, local_spark, print_counts

spark = local_spark()
events = spark.read.schema(SCHEMA).json(sys.argv[1])
# a window ends where the gap after its last event ends: an event at that very moment is still inside
sessions = events.groupBy(
    "anonymous_id", F.session_window(F.timestamp_millis("device_sent_timestamp"), "1800 seconds 1 millisecond")
).agg(
    # of several events at the first moment the smallest device, null last
    F.min_by(
        "device_family", F.struct("device_sent_timestamp", F.col("device_family").isNull(), "device_family")
    ).alias("device_family")
)
print_counts(sessions.groupBy("device_family").count())
spark.stop()
