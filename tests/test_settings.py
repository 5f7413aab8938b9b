"""Every rule of `settings.resolve`, and the README's table of settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from session_calc.errors import WrongSettings
from session_calc.sample import SAMPLE_PATH
from session_calc.settings import SETTINGS, Setting, Settings, near_misses, resolve

README = Path(__file__).parents[1] / "README.md"
SECOND = 1_000_000
GAP_IS = (
    "must be a number of seconds above 0, such as 1800; at most six digits behind the point, and at most 316224000000."
)


def settings_of(environment: Mapping[str, str]) -> Settings:
    return resolve({}, environment, {})


def problems_of(environment: Mapping[str, str]) -> list[str]:
    with pytest.raises(WrongSettings, match=r"^[A-Z0-9_]+ is ") as caught:
        settings_of(environment)
    return list(caught.value.problems)


def problem_of(environment: Mapping[str, str]) -> str:
    [problem] = problems_of(environment)
    return problem


# ----------------------------------------------------------------------------------------------- where values come from


def test_without_any_setting_all_are_the_defaults_that_the_issue_names() -> None:
    assert {setting.name: setting.default for setting in SETTINGS} == {
        "READ_PATH": str(SAMPLE_PATH),
        "WRITE_PATH": "output",
        "REJECTS_PATH": "",
        "USER_KEY": "anonymous_id",
        "TIMESTAMP_KEY": "device_sent_timestamp",
        "TIMESTAMP_UNIT": "ms",
        "MAX_SESSION_SECONDS": "1800",
        "GAP_RULE": "longer",
        "GROUP_KEY": "device_family",
        "SPARK_REMOTE": "",
        "ENGINE": "sail",
        "MAX_LINE_BYTES": "10485760",
        "MAX_REJECT_SHARE": "1.0",
        "S3_ANONYMOUS": "false",
        "S3_REQUESTER_PAYS": "false",
        "MAX_SESSION_DURATION_SECONDS": "",
        "MAX_SESSION_EVENTS": "",
        "SPLIT_ON_CHANGE": "",
        "CUT_AT_MIDNIGHT": "false",
        "TIMEZONE": "UTC",
        "EVENT_KEY": "",
        "START_EVENT": "",
        "END_EVENT": "",
        "EXCLUDE_EVENTS": "",
        "DEDUPE_KEY": "",
        "SESSIONS_PATH": "",
        "LAST_VALUES": "false",
        "PARTITION_BY_DAY": "false",
        "LABELS_PATH": "",
        "MEASURES_PATH": "",
        "MEASURE_BY": "overall,group,day",
        "SINK": "",
        "SINK_SCHEMA": "session_calc",
    }


def test_the_defaults_are_parsed_like_values_that_are_given() -> None:
    settings = settings_of({})
    assert settings.read_paths == (str(SAMPLE_PATH),)
    assert settings.write_path == "output"
    assert settings.fields.user_keys == ("anonymous_id",)
    assert settings.fields.group_keys == ("device_family",)
    assert settings.fields.max_line_bytes == 10 * 1024**2
    assert settings.gaps == (1800 * SECOND,)
    assert settings.max_reject_share == 1.0
    assert set(settings.sources.values()) == {"the default"}


@pytest.mark.parametrize(
    ("command_line", "environment", "dotenv", "key", "source"),
    [
        pytest.param("a", "b", "c", "a", "the command line", id="the command line wins over the environment and .env"),
        pytest.param(None, "b", "c", "b", "the environment", id="the environment wins over .env"),
        pytest.param(None, None, "c", "c", ".env", id=".env wins over the default"),
        pytest.param(None, None, None, "device_family", "the default", id="the default is what is left"),
        pytest.param(None, "", "c", "c", ".env", id="an empty value in the environment is not set"),
        pytest.param(None, None, "", "device_family", "the default", id="an empty value in .env is not set"),
    ],
)
def test_a_value_is_the_first_one_found_and_says_where_it_came_from(
    command_line: str | None, environment: str | None, dotenv: str | None, key: str, source: str
) -> None:
    given = {} if environment is None else {"GROUP_KEY": environment}
    settings = resolve({"GROUP_KEY": command_line}, given, {} if dotenv is None else {"GROUP_KEY": dotenv})
    assert settings.fields.group_keys == (key,)
    assert settings.sources["GROUP_KEY"] == source


def test_a_name_without_a_value_in_dotenv_is_not_set() -> None:
    assert resolve({}, {}, {"GROUP_KEY": None}).sources["GROUP_KEY"] == "the default"


def test_an_empty_value_on_the_command_line_is_a_value_and_wrong() -> None:
    with pytest.raises(WrongSettings, match=r"^GROUP_KEY is '' \(from the command line\), but must be a field's name"):
        resolve({"GROUP_KEY": ""}, {"GROUP_KEY": "os_family"}, {})


def test_all_settings_have_their_text_and_their_source() -> None:
    settings = settings_of({"WRITE_PATH": "elsewhere"})
    assert list(settings.texts) == list(settings.sources) == [setting.name for setting in SETTINGS]
    assert (settings.texts["WRITE_PATH"], settings.sources["WRITE_PATH"]) == ("elsewhere", "the environment")


# --------------------------------------------------------------------------------------------------------------- engine


@pytest.mark.parametrize(
    ("environment", "engine", "source"),
    [
        pytest.param({}, "sail", "the default", id="on one machine it is sail"),
        pytest.param(
            {"PYSPARK_GATEWAY_PORT": "4040"},
            "spark",
            "the default under spark-submit",
            id="under spark-submit it is spark",
        ),
        pytest.param(
            {"SPARK_REMOTE": "sc://host"},
            "connect",
            "the default, for SPARK_REMOTE is set",
            id="where SPARK_REMOTE is set it is connect",
        ),
        pytest.param(
            {"SPARK_REMOTE": "sc://host", "PYSPARK_GATEWAY_PORT": "4040"},
            "connect",
            "the default, for SPARK_REMOTE is set",
            id="SPARK_REMOTE counts more than spark-submit",
        ),
        pytest.param({"SPARK_REMOTE": ""}, "sail", "the default", id="an empty SPARK_REMOTE is not set"),
        pytest.param(
            {"PYSPARK_GATEWAY_PORT": "4040", "ENGINE": "sail"},
            "sail",
            "the environment",
            id="ENGINE counts more than both",
        ),
    ],
)
def test_the_default_engine_is_the_one_that_fits_the_place(
    environment: dict[str, str], engine: str, source: str
) -> None:
    settings = settings_of(environment)
    assert (settings.engine, settings.sources["ENGINE"]) == (engine, source)


def test_a_spark_remote_in_dotenv_chooses_the_engine_too() -> None:
    assert resolve({}, {}, {"SPARK_REMOTE": "sc://host"}).engine == "connect"


def test_connect_without_a_server_is_told_what_is_missing() -> None:
    assert problem_of({"ENGINE": "connect"}) == (
        "ENGINE is 'connect' (from the environment), but SPARK_REMOTE is not set. "
        "Set it to the server, such as sc://host:15002."
    )


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("sc://host", id="a host"),
        pytest.param("sc://host:15002/", id="a host and a port"),
        pytest.param("sc://[::1]:15002", id="an address of IPv6"),
        pytest.param("sc://host:15002/;use_ssl=true;user_id=me@example.org", id="parameters behind it"),
    ],
)
def test_an_address_of_a_spark_connect_server_is_taken_as_it_is(address: str) -> None:
    assert settings_of({"SPARK_REMOTE": address}).spark_remote == address


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("host:15002", id="no scheme"),
        pytest.param("spark://host:7077", id="another scheme"),
        pytest.param("sc://host:port", id="a port that is no number"),
        pytest.param("sc://host:65536", id="a port beyond the last"),
        pytest.param("sc://host/path", id="a path"),
        pytest.param("sc://host/;use_ssl", id="a parameter without a value"),
    ],
)
def test_any_other_address_is_refused_before_a_run(address: str) -> None:
    assert problem_of({"SPARK_REMOTE": address}) == (
        f"SPARK_REMOTE is '{address}' (from the environment), but must be the address of a Spark Connect server, such "
        "as sc://host:15002, or with parameters behind it sc://host:15002/;token=...;use_ssl=true."
    )


# -------------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param("s3://me:secret@bucket/day", "s3://***@bucket/day", id="a user and a password"),
        pytest.param("s3://me:se/cret@bucket/day", "s3://***@bucket/day", id="a password with a slash"),
        pytest.param("here,s3://secret@bucket/day", "here,s3://***@bucket/day", id="a user alone, in the second path"),
    ],
)
def test_a_password_in_read_path_is_refused_and_not_shown(path: str, shown: str) -> None:
    assert problem_of({"READ_PATH": path}) == (
        f"READ_PATH is '{shown}' (from the environment), but must hold no user or password: credentials come from the "
        "AWS chain alone. Take them out."
    )


def test_a_path_that_stands_there_twice_is_told_without_its_password() -> None:
    problem = problem_of({"READ_PATH": "s3://me:secret@bucket,s3://me:secret@bucket"})
    assert "s3://***@bucket stands there twice." in problem
    assert "secret" not in problem


def test_an_at_sign_in_a_path_is_no_password() -> None:
    assert settings_of({"READ_PATH": "s3://bucket/mail@home,logs/me:you@home"}).read_paths == (
        "s3://bucket/mail@home",
        "logs/me:you@home",
    )


def test_the_token_of_spark_remote_is_never_shown() -> None:
    settings = settings_of({"SPARK_REMOTE": "sc://host:15002/;token=topsecret;user_id=me"})
    assert settings.texts["SPARK_REMOTE"] == "sc://host:15002/;token=***;user_id=***"
    assert settings.spark_remote.endswith("token=topsecret;user_id=me")


@pytest.mark.parametrize(
    "address",
    [
        "http://host/;token=topsecret",
        "sc://host/path;token=topsecret;",
        "sc://me:topsecret@host",
        "sc://host;token=topsecret x",
    ],
)
def test_the_token_of_a_wrong_spark_remote_is_not_shown_either(address: str) -> None:
    problem = problem_of({"SPARK_REMOTE": address})
    assert "topsecret" not in problem


# --------------------------------------------------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        pytest.param("ENGINE", "sial", "must be one of sail, spark, connect. Did you mean sail?", id="ENGINE=sial"),
        pytest.param("ENGINE", "SPARK", "must be one of sail, spark, connect. Did you mean spark?", id="ENGINE=SPARK"),
        pytest.param("ENGINE", "duckdb", "must be one of sail, spark, connect.", id="ENGINE=duckdb has no near name"),
        pytest.param("TIMESTAMP_UNIT", "sec", "must be one of s, ms, us, ns, iso8601.", id="TIMESTAMP_UNIT=sec"),
        pytest.param(
            "TIMESTAMP_UNIT",
            "iso",
            "must be one of s, ms, us, ns, iso8601. Did you mean iso8601?",
            id="TIMESTAMP_UNIT=iso",
        ),
        pytest.param("GAP_RULE", "long", "must be one of longer, reach. Did you mean longer?", id="GAP_RULE=long"),
        pytest.param("MAX_SESSION_SECONDS", "30m", GAP_IS, id="MAX_SESSION_SECONDS=30m"),
        pytest.param("MAX_SESSION_SECONDS", "0", GAP_IS, id="a gap of 0"),
        pytest.param("MAX_SESSION_SECONDS", "-1", GAP_IS, id="a gap below 0"),
        pytest.param("MAX_SESSION_SECONDS", "nan", GAP_IS, id="a gap that is nan"),
        pytest.param("MAX_SESSION_SECONDS", "inf", GAP_IS, id="a gap without end"),
        pytest.param("MAX_SESSION_SECONDS", "1e400", GAP_IS, id="a gap of 1e400"),
        pytest.param("MAX_SESSION_SECONDS", "1e999999", GAP_IS, id="a gap with an exponent too large to multiply"),
        pytest.param("MAX_SESSION_SECONDS", "0.0000001", GAP_IS, id="a gap below a microsecond"),
        pytest.param("MAX_SESSION_SECONDS", "316224000001", GAP_IS, id="a gap longer than all the years"),
        pytest.param(
            "MAX_SESSION_SECONDS", "1800,1800", "must name each only once; 1800 stands there twice.", id="a gap twice"
        ),
        pytest.param(
            "MAX_SESSION_SECONDS", "1800,1800.0", "must name each gap only once.", id="a gap twice, spelled apart"
        ),
        pytest.param(
            "MAX_SESSION_SECONDS",
            "1800,",
            "must be a number of seconds above 0, such as 1800, with commas between several and none to spare.",
            id="a comma to spare",
        ),
        pytest.param(
            "USER_KEY",
            "a..b",
            "must be a field's name; a dot stands between the names of nested fields, as in data.user_id.",
            id="a key with two dots on end",
        ),
        pytest.param(
            "TIMESTAMP_KEY",
            ".time",
            "must be a field's name; a dot stands between the names of nested fields, as in data.user_id.",
            id="a key that begins with a dot",
        ),
        pytest.param(
            "GROUP_KEY",
            " ",
            "must be a field's name, with commas between several and none to spare.",
            id="a key of white space",
        ),
        pytest.param(
            "TIMESTAMP_KEY",
            " ",
            "must be a field's name; a dot stands between the names of nested fields, as in data.user_id.",
            id="a time key of white space",
        ),
        pytest.param("GROUP_KEY", "a,a", "must name each only once; a stands there twice.", id="a key twice"),
        pytest.param(
            "READ_PATH",
            "a,,b",
            "must be a path, folder or glob, with commas between several and none to spare.",
            id="an empty path",
        ),
        pytest.param("WRITE_PATH", "  ", "must be a folder, such as output.", id="a folder without a name"),
        pytest.param(
            "WRITE_PATH",
            "hdfs://host/out",
            "must be a local folder, or s3://bucket/prefix. Write there, and copy the results on.",
            id="a folder elsewhere",
        ),
        pytest.param(
            "WRITE_PATH",
            "s3:///out",
            "must be a local folder, or s3://bucket/prefix. Write there, and copy the results on.",
            id="no bucket",
        ),
        pytest.param("S3_ANONYMOUS", "yes", "must be true or false.", id="S3_ANONYMOUS=yes"),
        pytest.param("S3_REQUESTER_PAYS", "1", "must be true or false.", id="S3_REQUESTER_PAYS=1"),
        *[
            pytest.param(
                "MAX_LINE_BYTES",
                value,
                "must be a whole number of bytes from 1 to 2147483647, such as 10485760.",
                id=f"MAX_LINE_BYTES={value}",
            )
            for value in ("0", "-1", "10MB", "1.5", "2147483648", "99999999999")
        ],
        *[
            pytest.param(
                "MAX_REJECT_SHARE",
                value,
                "must be a share from 0 to 1, such as 0.05 for five in a hundred.",
                id=f"MAX_REJECT_SHARE={value}",
            )
            for value in ("-0.1", "1.1", "5%", "nan", "inf")
        ],
    ],
)
def test_a_wrong_value_is_told_with_its_source_and_the_rule(name: str, value: str, rule: str) -> None:
    assert problem_of({name: value}) == f"{name} is '{value}' (from the environment), but {rule}"


def test_all_wrong_settings_are_told_at_once_each_with_its_own_source() -> None:
    with pytest.raises(WrongSettings, match=r"^USER_KEY is ") as caught:
        resolve({"MAX_LINE_BYTES": "many"}, {"ENGINE": "sial", "GROUP_KEY": "os_family"}, {"USER_KEY": "a,a"})
    assert [problem.split(", but ")[0] for problem in caught.value.problems] == [
        "USER_KEY is 'a,a' (from .env)",
        "ENGINE is 'sial' (from the environment)",
        "MAX_LINE_BYTES is 'many' (from the command line)",
    ]
    assert str(caught.value) == "\n".join(caught.value.problems)


# ---------------------------------------------------------------------------------------------------------- good values


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        pytest.param("1800", (1_800_000_000,), id="whole seconds"),
        pytest.param("0.000001", (1,), id="the smallest gap is a microsecond"),
        pytest.param("1.8e3", (1_800_000_000,), id="an exponent"),
        pytest.param("0.5,1800", (500_000, 1_800_000_000), id="several, in the order given"),
        pytest.param(" 60 , 1800 ", (60_000_000, 1_800_000_000), id="spaces around commas are dropped"),
        pytest.param("316224000000", (316_224_000_000_000_000,), id="the longest gap"),
    ],
)
def test_gaps_are_exact_microseconds(text: str, gaps: tuple[int, ...]) -> None:
    assert settings_of({"MAX_SESSION_SECONDS": text}).gaps == gaps


def test_spaces_around_the_commas_between_keys_and_paths_are_dropped() -> None:
    settings = settings_of(
        {"GROUP_KEY": "a, b", "USER_KEY": " c ,d", "TIMESTAMP_KEY": " data.time ", "READ_PATH": "x y.json , z.json"}
    )
    assert settings.fields.keys == ("c", "d", "data.time", "a", "b")
    assert settings.read_paths == ("x y.json", "z.json")


@pytest.mark.parametrize("value", ["1", "2147483647"])
def test_a_line_may_have_from_one_byte_to_two_gibibytes(value: str) -> None:
    assert settings_of({"MAX_LINE_BYTES": value}).fields.max_line_bytes == int(value)


@pytest.mark.parametrize("value", ["0", "0.05", "1", "1e-3"])
def test_a_reject_share_lies_between_nothing_and_all(value: str) -> None:
    assert settings_of({"MAX_REJECT_SHARE": value}).max_reject_share == float(value)


# ---------------------------------------------------------------------------------------------------------- near misses


def test_names_that_look_like_a_setting_misspelled_are_told_with_where_they_stand() -> None:
    assert near_misses({"GROUP_KYE": "x", "PATH": "/bin"}, {"max_session_second": "60"}) == [
        "GROUP_KYE (from the environment) is no setting and was not used. Did you mean GROUP_KEY?",
        "max_session_second (from .env) is no setting and was not used. Did you mean MAX_SESSION_SECONDS?",
    ]


def test_a_setting_in_lower_case_is_a_near_miss() -> None:
    assert near_misses({"group_key": "x"}, {}) == [
        "group_key (from the environment) is no setting and was not used. Did you mean GROUP_KEY?"
    ]


@pytest.mark.parametrize(
    "name", ["PATH", "PYTHONPATH", "SPARK_HOME", "SPARK_LOCAL_IP", "AWS_ACCESS_KEY_ID", "USER", "HOME", "ENGINE"]
)
def test_names_of_other_programs_and_the_settings_themselves_are_no_near_misses(name: str) -> None:
    assert near_misses({name: "x"}, {}) == []


# --------------------------------------------------------------------------------------------------------------- README


def readme_defaults() -> dict[str, str]:
    section = re.search(r"^#+ Settings\n(.*?)(?=^#+ |\Z)", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert section, "README.md has no section 'Settings'"
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in section[1].splitlines() if line.startswith("|")
    ]
    return {name: default for name, default, *_ in rows if re.fullmatch(r"[A-Z0-9_]+", name)}


def default_in_words(setting: Setting) -> str:
    return "the bundled sample" if setting.name == "READ_PATH" else setting.default or "none"


def test_the_readme_names_every_setting_with_its_default_in_the_order_declared() -> None:
    assert list(readme_defaults().items()) == [(setting.name, default_in_words(setting)) for setting in SETTINGS]


@pytest.mark.parametrize("path", ["r.jsonl", "deep/r.jsonl.gz", "s3://bucket/r.jsonl", "s3a://bucket/a/r.jsonl.gz"])
def test_rejects_go_to_a_file_of_json_lines(path: str) -> None:
    assert settings_of({"REJECTS_PATH": path}).rejects_path == path


@pytest.mark.parametrize(
    "path", ["r", "r.json", "r.jsonl.bz2", "folder/", "s3://", "s3:///r.jsonl", "hdfs://h/r.jsonl"]
)
def test_rejects_go_to_no_other_file(path: str) -> None:
    assert problem_of({"REJECTS_PATH": path}) == (
        f"REJECTS_PATH is {path!r} (from the environment), but must be a file, local or s3://bucket/key, whose name "
        "ends with .jsonl or .jsonl.gz."
    )


def test_a_password_in_rejects_path_is_refused_and_not_shown() -> None:
    assert problem_of({"REJECTS_PATH": "s3://me:secret@bucket/r.jsonl"}) == (
        "REJECTS_PATH is 's3://***@bucket/r.jsonl' (from the environment), but must hold no user or password: "
        "credentials come from the AWS chain alone. Take them out."
    )


@pytest.mark.parametrize(
    "sink",
    [
        "postgresql://ann@host:5432/events",
        "postgres://host/events",
        "postgresql://ann@[::1]/events?sslmode=require",
        "postgresql://ann@one:5432,other:5433/events",
        "postgresql:///events?host=/var/run/postgresql",
        "postgresql://ann:@host/events",
    ],
)
def test_rows_go_to_a_database(sink: str) -> None:
    assert settings_of({"SINK": sink}).tables.sink == sink


@pytest.mark.parametrize(
    "sink", ["postgresql://host", "postgresql://host/", "mysql://host/events", "events", "postgresql://[/x"]
)
def test_rows_go_to_nothing_else(sink: str) -> None:
    assert problem_of({"SINK": sink}) == (
        f"SINK is {sink!r} (from the environment), but must be postgresql://user@host:port/database, or "
        "postgresql:///database?host=/folder for a socket."
    )


@pytest.mark.parametrize(
    "sink",
    [
        "postgresql://ann:secret@host/events",
        "postgresql://ann:sec@ret@host/events",
        "postgresql://host/events?password=secret",
        "postgresql://host/events?sslmode=require&sslpassword=secret",
    ],
)
def test_a_password_in_sink_is_refused_and_not_shown(sink: str) -> None:
    problem = problem_of({"SINK": sink})
    assert problem.endswith(
        " (from the environment), but must hold no password: set PGPASSWORD, or write it in ~/.pgpass. Take it out."
    )
    assert "sec" not in problem.removeprefix("SINK is 'postgresql://***@host/events'")
    assert "secret" not in str(settings_of({}).texts)


@pytest.mark.parametrize("name", [" ", "x" * 64, "ü" * 32])
def test_a_schema_has_a_name_that_postgresql_keeps_whole(name: str) -> None:
    assert problem_of({"SINK_SCHEMA": name}) == (
        f"SINK_SCHEMA is {name!r} (from the environment), but must be the name of a schema, at most 63 bytes long."
    )


def test_a_password_in_write_path_is_refused_and_not_shown() -> None:
    assert problem_of({"WRITE_PATH": "s3://me:secret@bucket/out"}) == (
        "WRITE_PATH is 's3://***@bucket/out' (from the environment), but must hold no user or password: credentials "
        "come from the AWS chain alone. Take them out."
    )
