"""The textbook way as a plan of DataFrames: lag over each user's events, then count the long silences."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def sessions_by_device(events: DataFrame) -> DataFrame:
    by_time = Window.partitionBy("anonymous_id").orderBy(
        "device_sent_timestamp", F.col("device_family").asc_nulls_last()
    )
    silence = F.col("device_sent_timestamp") - F.lag("device_sent_timestamp").over(by_time)
    starts = events.select("device_family", silence.alias("silence"))
    return starts.where("silence is null or silence > 1800000").groupBy("device_family").count()
