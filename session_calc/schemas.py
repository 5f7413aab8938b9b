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

**VALIDATED**, what `validate` makes of PARSED

| column | type | meaning |
|---|---|---|
| set_aside | string | null: the line is an event; else `blank` or the reject reason, and all columns below are null |
| user_1 ..., event_time, group_1 ... | | as above |

**SLICES**, what `sessionize.slices.by_user` folds VALIDATED to

| column | type | meaning |
|---|---|---|
| set_aside, user_1 ..., group_1 ... | string | as above |
| slice_start | bigint, microseconds | the slice: event_time rounded down to a multiple of the smallest gap |
| first_event_time, last_event_time | bigint, microseconds | of these events of the user in the slice |
| event_count | bigint | how many (for lines set aside: how many lines) |

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

BLANK = "blank"
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

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.user_keys, self.timestamp_key, *self.group_keys)

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
    def parsed_columns(self) -> list[str]:
        return ["line_problem", *self.user_columns, "has_timestamp", "event_time", *self.group_columns]

    @property
    def text_columns(self) -> dict[str, str]:
        """The columns that hold a field's text, and the keys of their fields."""
        users = zip(self.user_columns, self.user_keys, strict=True)
        groups = zip(self.group_columns, self.group_keys, strict=True)
        return {**dict(users), **dict(groups)}

    def for_judge(self) -> tuple[list[tuple[str, ...]], tuple[str, ...], str, list[tuple[str, ...]]]:
        """Give the arguments of `read.judge.make_judge`, which knows nothing of this package."""
        users, groups = [path_of(key) for key in self.user_keys], [path_of(key) for key in self.group_keys]
        return users, path_of(self.timestamp_key), self.timestamp_unit, groups


def numbered(name: str, count: int) -> list[str]:
    """Name `count` columns: name_1, name_2, ...; what a setting says is never a column's name."""
    return [f"{name}_{number}" for number in range(1, count + 1)]


def path_of(key: str) -> tuple[str, ...]:
    """Split a key at its dots into the names on the way to the field."""
    return tuple(key.split("."))
