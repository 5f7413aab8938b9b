"""Tables on S3: an object, or an object and more for each day; the old ones stay until the new ones are there."""

from __future__ import annotations

import json
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import pytest
from pyarrow import parquet
from s3_store import Bucket
from test_tables import SMALL

from session_calc import run
from session_calc.engines.engine import Engine
from session_calc.errors import TooManyRejects, UnwritableOutput
from session_calc.settings import resolve

pytestmark = pytest.mark.usefixtures("with_s3")


@pytest.fixture(autouse=True)
def shared(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    """The engine of all tests, for runs in this process; and small events to read."""
    monkeypatch.setattr(run, "open_engine", lambda *_: nullcontext(engine))
    (tmp_path / "events.jsonl").write_text(SMALL)
    return engine


def tell(bucket: Bucket, name: str, **given: str) -> run.Outcome:
    keys = {"USER_KEY": "user", "TIMESTAMP_KEY": "time", "GROUP_KEY": "group", "READ_PATH": "events.jsonl"}
    settings = resolve({"ENGINE": "sail"}, {**keys, "SESSIONS_PATH": bucket.url(name), **given}, {})
    return run.sessions(settings, run.Circumstances({}, tell=lambda _: None))


def names_in(bucket: Bucket) -> list[str]:
    return bucket.keys()


def row_count(bucket: Bucket, key: str) -> int:
    return int(parquet.ParquetFile(BytesIO(bucket.get(key))).metadata.num_rows)


def test_a_table_is_one_object_with_a_run_report_beside_it(bucket: Bucket) -> None:
    tell(bucket, "out/s.parquet")
    tell(bucket, "out/s.parquet")
    assert bucket.keys() == ["out/s.parquet", "out/s.run.json"]
    assert row_count(bucket, "out/s.parquet") == 3
    assert json.loads(bucket.get("out/s.run.json"))["table"]["path"] == bucket.url("out/s.parquet")


def test_days_of_the_run_before_do_not_stay_and_other_objects_do(bucket: Bucket) -> None:
    bucket.put("out/d.parquet/README", b"mine")
    tell(bucket, "out/d.parquet", PARTITION_BY_DAY="true", TIMEZONE="America/New_York")
    before = [key.rpartition("/")[0] for key in names_in(bucket) if "part-" in key]
    assert before == ["out/d.parquet/day=1969-12-31", "out/d.parquet/day=1970-01-01"]
    tell(bucket, "out/d.parquet", PARTITION_BY_DAY="true")
    [part] = [key for key in names_in(bucket) if "part-" in key]
    assert part.startswith("out/d.parquet/day=1970-01-01/")
    assert row_count(bucket, part) == 3
    assert bucket.get("out/d.parquet/README") == b"mine"


@pytest.mark.parametrize("by_day", ["true", "false"])
def test_a_failed_run_leaves_the_old_objects_as_they_were(bucket: Bucket, by_day: str) -> None:
    tell(bucket, "s.parquet", PARTITION_BY_DAY=by_day)
    before = {key: bucket.get(key) for key in names_in(bucket) if not key.endswith(".run.json")}
    with pytest.raises(TooManyRejects, match="were rejected"):
        tell(bucket, "s.parquet", PARTITION_BY_DAY=by_day, MAX_REJECT_SHARE="0")
    assert {key: bucket.get(key) for key in names_in(bucket) if not key.endswith(".run.json")} == before
    assert json.loads(bucket.get("s.run.json"))["status"] == "failed"


def test_a_bucket_that_is_not_there_is_told_before_any_work(bucket: Bucket) -> None:
    with pytest.raises(UnwritableOutput, match=r"SESSIONS_PATH is 's3://nowhere-.*there is no bucket nowhere-"):
        tell(bucket, "x", SESSIONS_PATH=f"s3://nowhere-{bucket.name}/s.parquet")
