"""How classic Spark cuts the work where nobody says how."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from session_calc.engines import tuning
from session_calc.engines.engine import Engine
from session_calc.inputs import Input

MEBIBYTE = 1 << 20
PARTS, PART_BYTES = "spark.sql.shuffle.partitions", "spark.sql.files.maxPartitionBytes"


def files(byte_count: int, count: int = 1, compression: str = "") -> list[Input]:
    return [Input(f"part-{number}", byte_count, "", "json", compression) for number in range(count)]


@pytest.mark.parametrize(
    ("inputs", "shuffle_parts", "part_mebibytes"),
    [
        pytest.param([], "1", 128, id="nothing"),
        pytest.param(files(MEBIBYTE), "1", 128, id="a megabyte"),
        pytest.param(files(100, count=2_000), "1", 128, id="many small files"),
        pytest.param(files(3200 * MEBIBYTE), "100", 128, id="three gigabytes"),
        pytest.param(files(400 * MEBIBYTE, compression="gz"), "100", 128, id="the same in gzip"),
        pytest.param(files(10_000 * MEBIBYTE, count=200), "4000", 200, id="two terabytes"),
        pytest.param(files(10_000 * MEBIBYTE, count=20_000), "4000", 1024, id="two hundred terabytes"),
    ],
)
def test_parts_grow_with_the_bytes_to_read_and_their_number_is_bounded(
    inputs: list[Input], shuffle_parts: str, part_mebibytes: int
) -> None:
    settings = tuning.settings_for(inputs)

    assert (settings[PARTS], settings[PART_BYTES]) == (shuffle_parts, str(part_mebibytes * MEBIBYTE))
    assert settings["spark.sql.adaptive.enabled"] == "true"


def test_only_looks_at_objects_are_shared_among_tasks_and_those_are_few() -> None:
    looking = "spark.sql.sources.parallelPartitionDiscovery"
    here, on_s3 = (tuning.settings_for([Input(path, 1, "", "json", "")]) for path in ("a.jsonl", "s3://bucket/a.jsonl"))

    assert (here[f"{looking}.threshold"], on_s3[f"{looking}.threshold"]) == ("1000000", "32")
    assert on_s3[f"{looking}.parallelism"] == "64"


@pytest.fixture
def clean(engine: Engine, engine_name: str) -> Iterator[Engine]:
    """Classic Spark as it was, and as it was again afterwards."""
    assert engine_name == "spark"
    names = tuning.settings_for([])
    before = {name: engine.spark.conf.get(name, None) for name in names}
    for name in names:
        engine.spark.conf.unset(name)
    yield engine
    for name, value in before.items():
        engine.spark.conf.unset(name)
        if value is not None:
            engine.spark.conf.set(name, value)


@pytest.mark.cluster
def test_what_somebody_has_set_stays_and_the_rest_is_set(clean: Engine) -> None:
    clean.spark.conf.set(PARTS, "7")
    tuning.fit(clean.spark, files(3200 * MEBIBYTE))

    assert clean.spark.conf.get(PARTS) == "7"
    assert clean.spark.conf.get(PART_BYTES) == str(128 * MEBIBYTE)
