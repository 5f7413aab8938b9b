"""What a cluster's own PySpark must pass, whichever its version: the bytes of the embedded engine.

`make test_spark_versions` runs this once for each version, with `--cluster-python` naming a Python that has it.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting import BASE_RULES
from hostile import hostile_lines
from oracle import Rules, answer
from spark_processes import (
    Package,
    SparkHome,
    assert_published,
    call_here,
    make_package,
    make_spark_home,
    report_of,
    require_done,
    result_of,
    run_command,
    submit_command,
)

from session_calc.engines.java import find_java
from session_calc.sample import SAMPLE_PATH

# The Hadoop clients in these call Subject.getSubject, which Java 24 took away; those in 4.2 and 4.3 run on Java 25.
NEWEST_JAVA = {"3.5": 23, "4.0": 23, "4.1": 23}
HOSTILE = {"USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group"}
SEED = {
    "USER_KEY": "user_key",
    "TIMESTAMP_KEY": "timestamp_key",
    "GROUP_KEY": "group_field1",
    "TIMESTAMP_UNIT": "s",
    "MAX_SESSION_SECONDS": "3600",
}
SEED_EVENTS = [("1", 1000, "A"), ("1", 2000, "A"), ("1", 6000, "A"), ("1", 9600, "A")]
SEED_EVENTS += [("2", 1000, "A"), ("2", 1000, "A"), ("2", 8000, "B")]


@pytest.fixture(scope="module")
def cluster_python(request: pytest.FixtureRequest) -> Path:
    return Path(str(request.config.getoption("--cluster-python"))).absolute()


@pytest.fixture(scope="module")
def spark(cluster_python: Path, tmp_path_factory: pytest.TempPathFactory) -> SparkHome:
    tell = "import pyspark; print(pyspark.__version__, pyspark.__path__[0])"
    told = subprocess.run([cluster_python, "-c", tell], capture_output=True, text=True, check=True).stdout
    version, _, folder = told.strip().partition(" ")
    java = find_java(os.environ)
    newest = NEWEST_JAVA.get(version[:3], 99)
    assert java.version is not None
    assert java.version <= newest, f"Spark {version} needs a Java from 17 to {newest}; set JAVA_HOME to one"
    return make_spark_home(Path(folder), cluster_python, tmp_path_factory.mktemp("spark"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return make_package(tmp_path_factory.mktemp("dist"))


def submit(spark: SparkHome, package: Package, folder: Path, settings: Mapping[str, str]) -> None:
    environment = {**spark.environment, **settings}
    require_done(run_command(submit_command(spark, package, "local[2]"), environment, folder))


def test_the_sample_gives_the_bytes_of_the_embedded_engine(spark: SparkHome, package: Package, tmp_path: Path) -> None:
    (here := tmp_path / "here").mkdir()
    (there := tmp_path / "there").mkdir()
    require_done(call_here(here, {"ENGINE": "sail"}))
    submit(spark, package, there, {"READ_PATH": str(SAMPLE_PATH)})

    assert result_of(there, "device_family") == result_of(here, "device_family")
    assert report_of(there, "device_family")["ledger"] == report_of(here, "device_family")["ledger"]


def test_the_seed_case_gives_what_it_always_gave(spark: SparkHome, package: Package, tmp_path: Path) -> None:
    lines = [
        json.dumps({"user_key": user, "timestamp_key": time, "group_field1": group})
        for user, time, group in SEED_EVENTS
    ]
    (tmp_path / "seed.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    submit(spark, package, tmp_path, {**SEED, "READ_PATH": "seed.json"})

    assert result_of(tmp_path, "group_field1") == b'{"A":3,"B":1}\n'


@pytest.mark.parametrize("unit", ["ms", "iso8601"])
def test_hostile_lines_count_as_the_oracle_says(spark: SparkHome, package: Package, tmp_path: Path, unit: str) -> None:
    rules = replace(BASE_RULES, timestamp_unit=unit, group_keys=("group", "os"))
    data = hostile_lines(31, 20_000, 2_000, group_keys=rules.group_keys, unit=unit)
    (tmp_path / "events.jsonl").write_bytes(data)
    settings = {**HOSTILE, "GROUP_KEY": "group,os", "TIMESTAMP_UNIT": unit, "READ_PATH": "events.jsonl"}
    submit(spark, package, tmp_path, settings)

    assert_published(tmp_path, answer(data, rules))


def test_csv_and_parquet_count_as_the_same_events_in_json(spark: SparkHome, package: Package, tmp_path: Path) -> None:
    rules = Rules(("user",), "time", "us", ("group",), BASE_RULES.gaps_us)
    clean = hostile_lines(32, 3_000, 300, unit="us", hostile_share=0)
    rows = [
        {name: event.get(name) for name in ("user", "time", "group")} for event in map(json.loads, clean.splitlines())
    ]
    rows = [{**row, "time": int(float(row["time"])), "group": row["group"] or None} for row in rows]
    (events := tmp_path / "events").mkdir()
    with (events / "part.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["user", "time", "group"])
        writer.writeheader()
        writer.writerows(rows[::2])
    table = pa.Table.from_pylist(rows[1::2])
    pq.write_table(table.set_column(1, "time", table["time"].cast(pa.timestamp("us", "UTC"))), events / "part.parquet")
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    submit(spark, package, tmp_path, {**HOSTILE, "TIMESTAMP_UNIT": "us", "READ_PATH": "events"})

    assert_published(tmp_path, answer(data, rules))
