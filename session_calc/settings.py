"""The settings: declared once, read from the command line, the environment, `.env`, or their defaults, in that order.

Every wrong setting is named at once, with where its value came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from session_calc.errors import WrongSettings, did_you_mean
from session_calc.redaction import has_credentials, without_secrets
from session_calc.s3 import Access, is_s3, split
from session_calc.sample import SAMPLE_PATH, sample_file
from session_calc.schemas import DIMENSIONS, TIMESTAMP_UNITS, Fields, path_of
from session_calc.sessionize.rules import EventRules, SessionRules

ENGINE_NAMES = ("sail", "spark", "connect")
GAP_RULES = ("longer", "reach")
SUBMITTED_MARK = "PYSPARK_GATEWAY_PORT"  # in the environment: spark-submit started this process
COMMAND_LINE, ENVIRONMENT, DOTENV, DEFAULT = "the command line", "the environment", ".env", "the default"

_TELLING = ("count", "sessions", "label", "measure")  # the commands that tell sessions
_MICROSECONDS = 1_000_000
_LAST_PORT = 65_535
_LONGEST_SCHEMA = 63  # bytes; PostgreSQL cuts longer names off
_LONGEST_GAP = Decimal(10_000 * 366 * 86_400)  # seconds; more than all the years an event can lie in
_REMOTE = re.compile(r"sc://(\[[0-9A-Fa-f:.]+\]|[^][/@:;?\s]+)(:(?P<port>[0-9]{1,5}))?(/(;[^=;\s]+=[^=;\s]+)*)?")


@dataclass(frozen=True)
class Setting:
    """One setting: its name in the environment, and on the command line in lower case with dashes."""

    name: str
    default: str
    meaning: str
    parse: Callable[[str], Any]
    commands: tuple[str, ...] = (*_TELLING, "profile")

    @property
    def option(self) -> str:
        return "--" + self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Tables:
    """Where the tables go, and what is in them; an empty path is none.

    Attributes
    ----------
    with_last_values : bool
        Sessions have the last value of each group key too.
    by_day : bool
        Sessions lie in a folder for each day of their first event.
    measure_by : tuple of {'overall', 'group', 'user', 'hour', 'day'}
    sink, sink_schema : str
        The database for the rows, and the schema of its tables.
    """

    sessions_path: str
    labels_path: str
    measures_path: str
    with_last_values: bool
    by_day: bool
    measure_by: tuple[str, ...]
    sink: str
    sink_schema: str


@dataclass(frozen=True)
class Settings:
    """What a run was told; steps are handed its values, never the whole.

    Attributes
    ----------
    gaps : tuple of int, microseconds
    timezone : str
        Whose clock tells days and hours.
    sources : dict
        Each setting's name, and where its value came from.
    texts : dict
        Each setting's name, and its value as given, without secrets.
    """

    read_paths: tuple[str, ...]
    write_path: str
    rejects_path: str
    fields: Fields
    gaps: tuple[int, ...]
    rules: EventRules
    timezone: str
    tables: Tables
    engine: str
    spark_remote: str
    max_reject_share: float
    access: Access
    texts: Mapping[str, str]
    sources: Mapping[str, str]


def resolve(
    command_line: Mapping[str, str | None], environment: Mapping[str, str], dotenv: Mapping[str, str | None]
) -> Settings:
    """Find each setting's value and check them all.

    An empty value in the environment or in `.env` counts as not set: compose files and make pass such.

    Raises
    ------
    WrongSettings
        With every wrong one, where it came from, and what it must be.
    """
    texts: dict[str, str] = {}
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in SETTINGS:
        text, source = _find(setting, command_line, environment, dotenv)
        if source == DEFAULT and setting.name == "ENGINE":
            text, source = _default_engine(environment, texts)
        if source == DEFAULT and setting.name == "READ_PATH":
            text = str(sample_file())
        texts[setting.name], sources[setting.name] = text, source
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            problems.append(f"{setting.name} is {_shown(text)} (from {source}), but {error}")
    problems += _contradictions(values, sources)
    if problems:
        raise WrongSettings(problems)
    return _to_settings(values, texts, sources)


def near_misses(environment: Mapping[str, str], dotenv: Mapping[str, str | None]) -> list[str]:
    """Find names in the environment and in `.env` that look like a setting misspelled."""
    names = [setting.name for setting in SETTINGS]
    found = []
    for place, given in ((ENVIRONMENT, environment), (DOTENV, dotenv)):
        for name in given:
            hint = did_you_mean(name, names) if _is_close(name, names) else ""
            if hint:
                found.append(f"{name} (from {place}) is no setting and was not used.{hint}")
    return found


def _is_close(name: str, names: list[str]) -> bool:
    from difflib import SequenceMatcher

    return name not in names and any(SequenceMatcher(None, name.upper(), known).ratio() > 0.85 for known in names)


def _find(
    setting: Setting,
    command_line: Mapping[str, str | None],
    environment: Mapping[str, str],
    dotenv: Mapping[str, str | None],
) -> tuple[str, str]:
    given = command_line.get(setting.name)
    if given is not None:
        return given, COMMAND_LINE
    if environment.get(setting.name):
        return environment[setting.name], ENVIRONMENT
    return (dotenv[setting.name] or "", DOTENV) if dotenv.get(setting.name) else (setting.default, DEFAULT)


def _default_engine(environment: Mapping[str, str], texts: Mapping[str, str]) -> tuple[str, str]:
    if texts["SPARK_REMOTE"]:
        return "connect", f"{DEFAULT}, for SPARK_REMOTE is set"
    if SUBMITTED_MARK in environment:
        return "spark", f"{DEFAULT} under spark-submit"
    return "sail", DEFAULT


def _contradictions(values: Mapping[str, Any], sources: Mapping[str, str]) -> list[str]:
    problems = []
    if values.get("ENGINE") == "connect" and values.get("SPARK_REMOTE") == "":
        given = f"ENGINE is 'connect' (from {sources['ENGINE']})"
        problems.append(f"{given}, but SPARK_REMOTE is not set. Set it to the server, such as sc://host:15002.")
    for name in ("START_EVENT", "END_EVENT", "EXCLUDE_EVENTS"):
        if values.get(name) and values.get("EVENT_KEY") == "":
            given = f"{name} is {', '.join(values[name])!r} (from {sources[name]})"
            problems.append(f"{given}, but EVENT_KEY is not set. Set it to the field that holds an event's name.")
    if values.get("SESSIONS_PATH") and len(values.get("MAX_SESSION_SECONDS", ())) > 1:
        given = f"SESSIONS_PATH is {values['SESSIONS_PATH']!r} (from {sources['SESSIONS_PATH']})"
        problems.append(f"{given}, but MAX_SESSION_SECONDS names several gaps. A table holds the sessions of one gap.")
    return problems


def _to_settings(values: Mapping[str, Any], texts: Mapping[str, str], sources: Mapping[str, str]) -> Settings:
    fields = Fields(
        values["USER_KEY"],
        values["TIMESTAMP_KEY"],
        values["TIMESTAMP_UNIT"],
        values["GROUP_KEY"],
        values["MAX_LINE_BYTES"],
        values["EVENT_KEY"],
        values["SPLIT_ON_CHANGE"],
        values["DEDUPE_KEY"],
    )
    timezone = values["TIMEZONE"]
    session_rules = SessionRules(
        values["GAP_RULE"],
        values["MAX_SESSION_DURATION_SECONDS"],
        values["MAX_SESSION_EVENTS"],
        values["SPLIT_ON_CHANGE"],
        values["START_EVENT"],
        values["END_EVENT"],
        timezone if values["CUT_AT_MIDNIGHT"] else "",
    )
    tables = Tables(
        values["SESSIONS_PATH"],
        values["LABELS_PATH"],
        values["MEASURES_PATH"],
        values["LAST_VALUES"],
        values["PARTITION_BY_DAY"],
        values["MEASURE_BY"],
        values["SINK"],
        values["SINK_SCHEMA"],
    )
    return Settings(
        read_paths=values["READ_PATH"],
        write_path=values["WRITE_PATH"],
        rejects_path=values["REJECTS_PATH"],
        fields=fields,
        gaps=values["MAX_SESSION_SECONDS"],
        rules=EventRules(session_rules, values["EXCLUDE_EVENTS"]),
        timezone=timezone,
        tables=tables,
        engine=values["ENGINE"],
        spark_remote=values["SPARK_REMOTE"],
        max_reject_share=values["MAX_REJECT_SHARE"],
        access=Access(values["S3_ANONYMOUS"], values["S3_REQUESTER_PAYS"]),
        texts={name: without_secrets(text) for name, text in texts.items()},
        sources=dict(sources),
    )


def _shown(text: str) -> str:
    return repr(without_secrets(text))


def _several(text: str, what: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise ValueError(f"must be {what}, with commas between several and none to spare.")
    twice = sorted({part for part in parts if parts.count(part) > 1})
    if twice:
        raise ValueError(f"must name each only once; {without_secrets(', '.join(twice))} stands there twice.")
    return parts


def _parse_paths(text: str) -> tuple[str, ...]:
    paths = _several(text, "a path, folder or glob")
    if any(map(has_credentials, paths)):
        raise ValueError("must hold no user or password: credentials come from the AWS chain alone. Take them out.")
    return paths


def _parse_write_path(text: str) -> str:
    if not text.strip():
        raise ValueError("must be a folder, such as output.")
    if has_credentials(text):
        raise ValueError("must hold no user or password: credentials come from the AWS chain alone. Take them out.")
    if "://" in text and not (is_s3(text) and split(text)[0]):
        raise ValueError("must be a local folder, or s3://bucket/prefix. Write there, and copy the results on.")
    return text


def _parse_rejects_path(text: str) -> str:
    if has_credentials(text):
        raise ValueError("must hold no user or password: credentials come from the AWS chain alone. Take them out.")
    is_place = is_s3(text) and split(text)[0] if "://" in text else True
    if text and not (is_place and text.endswith((".jsonl", ".jsonl.gz"))):
        raise ValueError("must be a file, local or s3://bucket/key, whose name ends with .jsonl or .jsonl.gz.")
    return text


def _parse_sink(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"postgresql", "postgres"} and len(parts.path) > 1
    except ValueError:  # brackets without an address between them
        is_good = False
    if not is_good:
        raise ValueError(
            "must be postgresql://user@host:port/database, or postgresql:///database?host=/folder for a socket."
        )
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    if password or any("password" in name for name, _ in parse_qsl(parts.query)):
        raise ValueError("must hold no password: set PGPASSWORD, or write it in ~/.pgpass. Take it out.")
    return text


def _parse_schema(text: str) -> str:
    if not text.strip() or "\0" in text or len(text.encode()) > _LONGEST_SCHEMA:
        raise ValueError(f"must be the name of a schema, at most {_LONGEST_SCHEMA} bytes long.")
    return text


def _parse_keys(text: str) -> tuple[str, ...]:
    keys = _several(text, "a field's name")
    for key in keys:
        _parse_key(key)
    return keys


def _parse_key(text: str) -> str:
    if not text.strip() or not all(path_of(text)):
        raise ValueError("must be a field's name; a dot stands between the names of nested fields, as in data.user_id.")
    return text.strip()


def _optional_keys(text: str) -> tuple[str, ...]:
    return _parse_keys(text) if text else ()


def _optional_key(text: str) -> str:
    return _parse_key(text) if text else ""


def _parse_names(text: str) -> tuple[str, ...]:
    return _several(text, "an event's name") if text else ()


def _parse_table_path(*suffixes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text:
            return text
        path = _parse_write_path(text)
        if not path.endswith(suffixes) or path.rpartition("/")[2] in suffixes:
            raise ValueError(f"must name a table, with a suffix that says its kind: {', '.join(suffixes)}.")
        return path

    return parse


def _parse_optional_seconds(text: str) -> int | None:
    return _parse_gap(text) if text else None


def _parse_optional_count(text: str) -> int | None:
    if text and not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise ValueError("must be a whole number from 1, such as 500.")
    return int(text) if text else None


def _parse_timezone(text: str) -> str:
    from zoneinfo import available_timezones

    known = available_timezones()
    if text not in known:
        hint = did_you_mean(text, sorted(known))
        raise ValueError(f"must be the name of a time zone, such as UTC or Europe/Berlin.{hint}")
    return text


def _parse_dimensions(text: str) -> tuple[str, ...]:
    parts = _several(text, f"of {', '.join(DIMENSIONS)}")
    for part in parts:
        _one_of(*DIMENSIONS)(part)
    return parts


def _parse_gaps(text: str) -> tuple[int, ...]:
    gaps = tuple(_parse_gap(part) for part in _several(text, "a number of seconds above 0, such as 1800"))
    if len(set(gaps)) < len(gaps):
        raise ValueError("must name each gap only once.")
    return gaps


def _parse_gap(text: str) -> int:
    try:
        seconds = Decimal(text)
        microseconds = seconds * _MICROSECONDS
        is_good = 0 < seconds <= _LONGEST_GAP and microseconds == microseconds.to_integral_value()
    except ArithmeticError:  # no number, or one beyond any exponent
        is_good = False
    if not is_good:
        raise ValueError(
            "must be a number of seconds above 0, such as 1800; at most six digits behind the point, and at most "
            f"{_LONGEST_GAP}."
        )
    return int(microseconds)


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}.{did_you_mean(text, allowed)}")
        return text

    return parse


def _parse_yes(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("must be true or false.")
    return text == "true"


def _parse_bytes(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 0 < int(text) <= 2**31 - 1:
        raise ValueError("must be a whole number of bytes from 1 to 2147483647, such as 10485760.")
    return int(text)


def _parse_share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("must be a share from 0 to 1, such as 0.05 for five in a hundred.")
    return share


def _parse_remote(text: str) -> str:
    address = _REMOTE.fullmatch(text)
    if text and not (address and int(address["port"] or 0) <= _LAST_PORT):
        raise ValueError(
            "must be the address of a Spark Connect server, such as sc://host:15002, or with parameters behind it "
            "sc://host:15002/;token=...;use_ssl=true."
        )
    return text


SETTINGS = (
    Setting(
        "READ_PATH",
        str(SAMPLE_PATH),
        "The events: paths, folders or globs, commas between several, also s3://bucket/prefix/; .json, .jsonl, "
        ".ndjson, .csv (plain, .gz or .bz2), .parquet.",
        _parse_paths,
    ),
    Setting(
        "WRITE_PATH",
        "output",
        "Folder of the results, made if it is not there; or s3://bucket/prefix.",
        _parse_write_path,
    ),
    Setting(
        "REJECTS_PATH",
        "",
        "File for the rejects, as JSON Lines: .jsonl or .jsonl.gz, also on s3://. Each with its file, line number, "
        "reason and text. The driver reads the inputs once more for it, if there are rejects.",
        _parse_rejects_path,
        _TELLING,
    ),
    Setting(
        "USER_KEY",
        "anonymous_id",
        "Field that names the user; several, commas between, together name the user. A dot names a nested field.",
        _parse_keys,
    ),
    Setting("TIMESTAMP_KEY", "device_sent_timestamp", "Field of the event time.", _parse_key),
    Setting(
        "TIMESTAMP_UNIT", "ms", f"Unit of the event time: {', '.join(TIMESTAMP_UNITS)}.", _one_of(*TIMESTAMP_UNITS)
    ),
    Setting(
        "MAX_SESSION_SECONDS",
        "1800",
        "The inactivity gap in seconds, fractions allowed: the longest silence inside a session (the name is "
        "historic). Several, commas between, count by each gap.",
        _parse_gaps,
    ),
    Setting(
        "GAP_RULE",
        "longer",
        "longer: a silence longer than the gap begins a session, one of exactly the gap does not. reach: a silence "
        "of the gap or more does.",
        _one_of(*GAP_RULES),
    ),
    Setting(
        "GROUP_KEY",
        "device_family",
        "Field counted by; several, commas between, make one result file each, in one pass over the data.",
        _parse_keys,
    ),
    Setting(
        "SPARK_REMOTE",
        "",
        "Address of a Spark Connect server, such as sc://host:15002; ENGINE is then connect.",
        _parse_remote,
    ),
    Setting(
        "ENGINE",
        "sail",
        "What computes: sail (embedded, no Java), spark (classic Spark; the default under spark-submit), connect "
        "(the default where SPARK_REMOTE is set).",
        _one_of(*ENGINE_NAMES),
    ),
    Setting("MAX_LINE_BYTES", "10485760", "Longer lines, in bytes, are rejected as line_too_long.", _parse_bytes),
    Setting(
        "MAX_REJECT_SHARE",
        "1.0",
        "A run in which a larger share of the lines (0 to 1) is rejected fails and publishes nothing.",
        _parse_share,
        _TELLING,
    ),
    Setting(
        "S3_ANONYMOUS", "false", "true: S3 is asked without credentials, for buckets that are open to all.", _parse_yes
    ),
    Setting("S3_REQUESTER_PAYS", "false", "true: you pay for the requests, where a bucket asks for it.", _parse_yes),
    Setting(
        "MAX_SESSION_DURATION_SECONDS",
        "",
        "The longest duration of a session: an event that is later than the session's first event by more begins a "
        "new session.",
        _parse_optional_seconds,
        _TELLING,
    ),
    Setting(
        "MAX_SESSION_EVENTS",
        "",
        "The most events of a session: the next one begins a new session.",
        _parse_optional_count,
        _TELLING,
    ),
    Setting(
        "SPLIT_ON_CHANGE",
        "",
        "Fields, commas between, whose change begins a session, such as campaign; a missing value is no change.",
        _optional_keys,
        _TELLING,
    ),
    Setting("CUT_AT_MIDNIGHT", "false", "true: a session ends at midnight of TIMEZONE.", _parse_yes, _TELLING),
    Setting(
        "TIMEZONE",
        "UTC",
        "Whose clock tells midnights, days, hours, such as Europe/Berlin.",
        _parse_timezone,
        _TELLING,
    ),
    Setting("EVENT_KEY", "", "Field of an event's name, for the three settings below.", _optional_key, _TELLING),
    Setting("START_EVENT", "", "Events of this name begin a session; several, commas between.", _parse_names, _TELLING),
    Setting(
        "END_EVENT",
        "",
        "Events of this name are the last of their session; several, commas between.",
        _parse_names,
        _TELLING,
    ),
    Setting(
        "EXCLUDE_EVENTS",
        "",
        "Events of these names are left out: they neither begin nor extend a session; the ledger counts them apart.",
        _parse_names,
        _TELLING,
    ),
    Setting(
        "DEDUPE_KEY",
        "",
        "Field of an event's id: of several events with the same id the earliest counts, the ledger counts the others "
        "as duplicates.",
        _optional_key,
        _TELLING,
    ),
    Setting(
        "SESSIONS_PATH",
        "",
        "Table of the sessions, one row each: .parquet, .csv or .jsonl; for `sessions` sessions.parquet in WRITE_PATH "
        "unless set.",
        _parse_table_path(".parquet", ".csv", ".jsonl"),
        ("count", "sessions"),
    ),
    Setting(
        "LAST_VALUES",
        "false",
        "true: the table of sessions has the last value of each group key too.",
        _parse_yes,
        ("count", "sessions"),
    ),
    Setting(
        "PARTITION_BY_DAY",
        "false",
        "true: the table of sessions is a folder with one folder for each day (in TIMEZONE) of first events.",
        _parse_yes,
        ("count", "sessions"),
    ),
    Setting(
        "LABELS_PATH",
        "",
        "Table of the events with their sessions: .parquet, .csv or .jsonl; events.parquet in WRITE_PATH unless set.",
        _parse_table_path(".parquet", ".csv", ".jsonl"),
        ("label",),
    ),
    Setting(
        "MEASURES_PATH",
        "",
        "The measures: .json, .jsonl, .csv or .parquet; measures.json in WRITE_PATH unless set.",
        _parse_table_path(".json", ".jsonl", ".csv", ".parquet"),
        ("measure",),
    ),
    Setting(
        "MEASURE_BY",
        "overall,group,day",
        f"What is measured, commas between: {', '.join(DIMENSIONS)}.",
        _parse_dimensions,
        ("measure",),
    ),
    Setting(
        "SINK",
        "",
        "Database to write the rows to, such as postgresql://user@host:port/database, instead of a file; the file too "
        "where its path is set. The password comes from PGPASSWORD or ~/.pgpass.",
        _parse_sink,
        ("sessions", "measure"),
    ),
    Setting(
        "SINK_SCHEMA",
        "session_calc",
        "Schema of the tables there, made if it is not there.",
        _parse_schema,
        ("sessions", "measure"),
    ),
)
