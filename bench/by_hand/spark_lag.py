"""Spark: lag over each user's events."""

import sys

from lag_plan import sessions_by_device
from spark_events import SCHEMA, local_spark, print_counts

spark = local_spark()
print_counts(sessions_by_device(spark.read.schema(SCHEMA).json(sys.argv[1])))
spark.stop()
