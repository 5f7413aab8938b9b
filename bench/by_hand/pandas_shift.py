"""pandas: read in pieces, keep three columns, sort, shift."""

import sys
from glob import glob

import pandas as pd

FIELDS = ["anonymous_id", "device_sent_timestamp", "device_family"]

pieces = [
    piece[FIELDS]
    for path in sorted(glob(sys.argv[1]))
    for piece in pd.read_json(
        path,
        lines=True,
        chunksize=200_000,
        dtype={"anonymous_id": "str", "device_family": "object"},
        convert_dates=False,
    )
]
events = pd.concat(pieces, ignore_index=True).sort_values(FIELDS, na_position="last")
same_user = events.anonymous_id.eq(events.anonymous_id.shift())
silence = events.device_sent_timestamp.diff()
first = events[~same_user | (silence > 1_800_000)].device_family
print(first.fillna("null").value_counts().to_json())
