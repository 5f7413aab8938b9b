"""Sail: the same program as Spark's lag, on the embedded engine."""

import sys

from lag_plan import sessions_by_device
from sail_spark import local_sail
from spark_events import SCHEMA, print_counts

with local_sail() as spark:
    print_counts(sessions_by_device(spark.read.schema(SCHEMA).json(sys.argv[1])))
