"""DuckDB with the plan of session_calc: fold each user's events per stretch of time, then order what is left."""

import json
import sys

import duckdb

database = duckdb.connect(config={"threads": 2})
rows = database.execute(
    """
    WITH slices AS (
        SELECT
            anonymous_id, device_family,
            min(device_sent_timestamp) AS first_time, max(device_sent_timestamp) AS last_time
        FROM read_ndjson(?, columns = {
            anonymous_id: 'VARCHAR', device_sent_timestamp: 'BIGINT', device_family: 'VARCHAR'
        })
        GROUP BY anonymous_id, device_family, device_sent_timestamp // 1800000
    ), with_previous AS (
        SELECT device_family, first_time, max(last_time) OVER (
            PARTITION BY anonymous_id ORDER BY first_time, device_family NULLS LAST
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS previous
        FROM slices
    )
    SELECT device_family, count(*) FROM with_previous
    WHERE previous IS NULL OR first_time - previous > 1800000
    GROUP BY device_family
    """,
    [sys.argv[1]],
).fetchall()
print(json.dumps({"null" if value is None else value: count for value, count in rows}))
