"""Polars: sort the events, shift each user's times by one, and count the long silences; lazy, streaming."""

import json
import sys

import polars as pl

SCHEMA = {"anonymous_id": pl.String, "device_sent_timestamp": pl.Int64, "device_family": pl.String}

events = pl.scan_ndjson(sys.argv[1], schema=SCHEMA)
user, time, group = pl.col("anonymous_id"), pl.col("device_sent_timestamp"), pl.col("device_family")
begins = (user != user.shift(1)) | (time - time.shift(1) > 1_800_000)
counts = (
    events.sort("anonymous_id", "device_sent_timestamp", "device_family", nulls_last=True)
    .filter(begins.fill_null(value=True))
    .group_by(group)
    .len()
    .collect(engine="streaming")
)
print(json.dumps({"null" if value is None else value: count for value, count in counts.iter_rows()}))
