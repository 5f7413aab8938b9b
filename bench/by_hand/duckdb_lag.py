"""DuckDB: lag over each user's events, then count the long silences."""

import json
import sys

import duckdb

database = duckdb.connect(config={"threads": 2})
rows = database.execute(
    """
    WITH events AS (
        SELECT anonymous_id, device_sent_timestamp AS time, device_family
        FROM read_ndjson(?, columns = {
            anonymous_id: 'VARCHAR', device_sent_timestamp: 'BIGINT', device_family: 'VARCHAR'
        })
    ), with_previous AS (
        SELECT device_family, time, lag(time) OVER (
            PARTITION BY anonymous_id ORDER BY time, device_family NULLS LAST
        ) AS previous
        FROM events
    )
    SELECT device_family, count(*) FROM with_previous
    WHERE previous IS NULL OR time - previous > 1800000
    GROUP BY device_family
    """,
    [sys.argv[1]],
).fetchall()
print(json.dumps({"null" if value is None else value: count for value, count in rows}))
