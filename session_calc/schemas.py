"""What passes between the steps: each frame's columns, types and units, described once.

Texts compare by code point, the same on every engine. Moments are microseconds since 1970-01-01T00:00:00Z in a
bigint: no engine's idea of a time zone or of a timestamp's range can change them.

**LINES**, what `read` splits the inputs into

| column | type | meaning |
|---|---|---|
| value | string | one line, without its line feed |

**PARSED**, what the readers of all formats give

| column | type | meaning |
|---|---|---|
| line_problem | string | why it is no object with fields: `blank`, `malformed_json`, ...; null: it is one |
| user_1 ... user_n | string | the values of USER_KEY's fields as text; null: missing |
| has_timestamp | boolean | TIMESTAMP_KEY's field is there and not null |
| event_time | bigint, microseconds | when; null: missing, or no moment of the years 1-9999 |
| group_1 ... group_m | string | the values of GROUP_KEY's fields as text; null: missing |
| event_name, change_1 ..., event_id | string | EVENT_KEY's, SPLIT_ON_CHANGE's, DEDUPE_KEY's fields; only where set |
| line | string; of Parquet a struct | the event as it came; there only where it was asked for |
| last_event_time | bigint, microseconds | there only where rows are folded: event_time is the first of several |
| event_count | bigint | of how many lines the row is folded; there only where rows are |

**VALIDATED**, what `validate` makes of PARSED; where set_aside is not null all other columns are

| column | type | meaning |
|---|---|---|
| set_aside | string | null: the line is an event; else `blank`, `excluded`, `duplicate` or the reject reason |
| user_1 ..., event_time, group_1 ..., event_name, change_1 ..., line, last_event_time | | as above |
| event_count | bigint | as above; not null where set_aside is not, either |
| local_day | bigint, days since 1970-01-01 | of event_time in TIMEZONE; there only where sessions are cut at midnight |

**SLICES**, what `sessionize.slices.by_user` folds VALIDATED to

| column | type | meaning |
|---|---|---|
| set_aside, user_1 ..., group_1 ... | string | as above |
| slice_start | bigint, microseconds | the slice: event_time rounded down to a multiple of the smallest gap |
| first_event_time, last_event_time | bigint, microseconds | of these events of the user in the slice |
| event_count | bigint | how many (for lines set aside: how many lines) |
| local_day | bigint | as above |

**SESSIONS**, what the strategies of `sessionize` tell

| column | type | meaning |
|---|---|---|
| set_aside, user_1 ... | string | as above; a row of lines set aside has an event_count and nothing else |
| session_number | bigint | 1, 2, 3 ... within the user |
| same_time_number | bigint | 0, 1, 2 ... among the user's sessions that begin in the same microsecond |
| first_event_time, last_event_time | bigint, microseconds | seen in the session |
| event_count | bigint | events in the session |
| silence_before | bigint, microseconds | since the user's event before; null: there is none |
| end_reason | string | why the session ended, as in `sessionize.rules` |
| first_group_1 ... | string | at the session's first moment; of several the smallest, null last |
| last_group_1 ... | string | at its last moment, likewise; there only where it was asked for |

**LABELLED**, what `sessionize.ordered.label` says of each event

| column | type | meaning |
|---|---|---|
| set_aside, user_1 ..., event_time, line | | as above; lines set aside have null in all columns but the first |
| session_number, same_time_number, first_event_time | bigint | of the event's session, as above |
| event_number | bigint | 1, 2, 3 ... within the session |

**MEASURED**, what `measures.measure` makes of SESSIONS

| column | type | meaning |
|---|---|---|
| dimension | string | `overall`, `group:<key>`, `user`, `hour`, `day`; `set_aside` |
| value | string | of the dimension; hours and days counted from 1970-01-01T00 of the clock; reason of lines set aside |
| session_count, user_count, event_count, bounce_count, plausible_event_count | bigint | |
| duration_sum, duration_max | bigint, microseconds | |
| duration_median, duration_p95 | double, microseconds | exact, between two values by linear interpolation |
| first_event_time, last_event_time | bigint, microseconds | seen |

**MARKED**, what `sessionize.slices.mark_sessions` adds to SLICES

| column | type | meaning |
|---|---|---|
| starts_user | boolean | the user's first slice row |
| starts_session_1 ... starts_session_k | boolean | a session begins at first_event_time, for each gap |
| group_1 ... group_m | string | where a session starts: the session's values |

**TALLY**, what `count.by_group` sums up, and the driver collects

| column | type | meaning |
|---|---|---|
| set_aside | string | as above |
| group_number | int | 1 ... m: which group key the row counts |
| group_value | string | null: the field is missing or null |
| event_count | bigint | events (or lines set aside) |
| plausible_event_count | bigint | events whose slice begins in the years 1990-2099 |
| user_count | bigint | users whose first event has this value; their sum is the number of users |
| session_count_1 ... session_count_k | bigint | sessions for each gap |
| first_event_time, last_event_time | bigint, microseconds | seen |
"""

from dataclasses import dataclass

# a log's times lie here; outside, one unit was probably taken for another
FIRST_PLAUSIBLE = 631_152_000_000_000  # 1990-01-01 in microseconds
END_PLAUSIBLE = 4_102_444_800_000_000  # 2100-01-01

TIMESTAMP_UNITS = ("s", "ms", "us", "ns", "iso8601")

# what sessions are measured by
OVERALL, GROUP, USER, HOUR, DAY = "overall", "group", "user", "hour", "day"
DIMENSIONS = (OVERALL, GROUP, USER, HOUR, DAY)

BLANK = "blank"
EXCLUDED = "excluded"  # an event that EXCLUDE_EVENTS names
DUPLICATE = "duplicate"  # an event whose id of DEDUPE_KEY an earlier one has
HEADER = "header"  # of a CSV file: neither an event nor a line of the ledger
LINE_TOO_LONG = "line_too_long"
MALFORMED_JSON = "malformed_json"
MALFORMED_CSV = "malformed_csv"
NOT_AN_OBJECT = "not_an_object"
MISSING_USER = "missing_user"
MISSING_TIMESTAMP = "missing_timestamp"
INVALID_TIMESTAMP = "invalid_timestamp"
REJECT_REASONS = (
    LINE_TOO_LONG,
    MALFORMED_JSON,
    MALFORMED_CSV,
    NOT_AN_OBJECT,
    MISSING_USER,
    MISSING_TIMESTAMP,
    INVALID_TIMESTAMP,
)


@dataclass(frozen=True)
class Fields:
    """Which fields of an event are read, and how.

    A key with dots names a nested field: `event_data.user_id` is the field user_id of the object event_data.
    """

    user_keys: tuple[str, ...]
    timestamp_key: str
    timestamp_unit: str
    group_keys: tuple[str, ...]
    max_line_bytes: int
    event_key: str = ""
    change_keys: tuple[str, ...] = ()
    id_key: str = ""
    keep_line: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.user_keys, self.timestamp_key, *self.value_keys)

    @property
    def value_keys(self) -> tuple[str, ...]:
        """The fields that an event may lack: those counted by, then those that the rules look at."""
        return (*self.group_keys, *self.rule_columns.values())

    @property
    def names(self) -> list[str]:
        """Every name on the way to a field, once each."""
        return sorted({name for key in self.keys for name in path_of(key)})

    @property
    def names_on_the_way(self) -> list[str]:
        """The names of the objects that hold a nested field."""
        return sorted({name for key in self.keys for name in path_of(key)[:-1]})

    @property
    def user_columns(self) -> list[str]:
        return numbered("user", len(self.user_keys))

    @property
    def group_columns(self) -> list[str]:
        return numbered("group", len(self.group_keys))

    @property
    def change_columns(self) -> list[str]:
        return numbered("change", len(self.change_keys))

    @property
    def rule_columns(self) -> dict[str, str]:
        """The columns that the rules look at, and the keys of their fields."""
        changes = dict(zip(self.change_columns, self.change_keys, strict=True))
        named = {"event_name": self.event_key, **changes, "event_id": self.id_key}
        return {name: key for name, key in named.items() if key}

    @property
    def parsed_columns(self) -> list[str]:
        return [
            "line_problem",
            *self.user_columns,
            "has_timestamp",
            "event_time",
            *self.group_columns,
            *self.rule_columns,
        ]

    @property
    def text_columns(self) -> dict[str, str]:
        """The columns that hold a field's text, and the keys of their fields."""
        users = zip(self.user_columns, self.user_keys, strict=True)
        groups = zip(self.group_columns, self.group_keys, strict=True)
        return {**dict(users), **dict(groups), **self.rule_columns}

    def for_judge(self) -> tuple[list[tuple[str, ...]], tuple[str, ...], str, list[tuple[str, ...]]]:
        """Give the arguments of `read.judge.make_judge`, which knows nothing of this package."""
        users, values = [path_of(key) for key in self.user_keys], [path_of(key) for key in self.value_keys]
        return users, path_of(self.timestamp_key), self.timestamp_unit, values


def numbered(name: str, count: int) -> list[str]:
    """Name `count` columns: name_1, name_2, ...; what a setting says is never a column's name."""
    return [f"{name}_{number}" for number in range(1, count + 1)]


def path_of(key: str) -> tuple[str, ...]:
    """Split a key at its dots into the names on the way to the field."""
    return tuple(key.split("."))
