"""The plan of this job's first version: Spark infers the schema, numbers the sessions, and pivots them."""

import json
import sys

from pyspark.sql import Window
from pyspark.sql import functions as F
from spark_events import local_spark

spark = local_spark()
events = spark.read.json(sys.argv[1]).withColumn("event_time", F.timestamp_millis("device_sent_timestamp"))
by_time = Window.partitionBy("anonymous_id").orderBy("event_time", F.col("device_family").asc_nulls_last())
silence = F.col("device_sent_timestamp") - F.lag("device_sent_timestamp").over(by_time)
starts = events.withColumn("starts", F.when(silence.isNull() | (silence > 1_800_000), 1).otherwise(0))
numbered = starts.withColumn("session_number", F.sum("starts").over(by_time))
first = F.first("device_family").over(
    Window.partitionBy("anonymous_id", "session_number").orderBy("event_time", F.col("device_family").asc_nulls_last())
)
sessions = numbered.withColumn("device_family", first).select("anonymous_id", "session_number", "device_family")
counts = sessions.distinct().groupBy().pivot("device_family").count().collect()[0].asDict()
print(json.dumps(counts))
spark.stop()
