"""The profile's sample and the page of a run read from S3 and write to it as they do on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s3_store import Bucket

from session_calc.inputs import list_inputs
from session_calc.pages.write import write_page
from session_calc.profile import sample
from session_calc.schemas import Fields

FIELDS = Fields(("user",), "time", "ms", ("group",), 10 << 20)


@pytest.mark.usefixtures("with_s3")
def test_stretches_of_large_objects_are_fetched_and_no_more(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "WHOLE_BYTES", 1 << 16)
    monkeypatch.setattr(sample, "SAMPLE_BYTES", 1 << 16)
    lines = [
        json.dumps({"user": f"u{number}", "time": 1_554_681_600_000 + number, "group": "a"}) for number in range(9000)
    ]
    bucket.put("events/a.json", "\n".join(lines).encode())
    found = sample.take(list_inputs([f"s3://{bucket.name}/events/"]).inputs, FIELDS)
    users = [line.document["user"] for line in found.lines if line.document]
    assert not found.is_whole
    assert 500 < len(users) < 2_500
    assert len(set(users)) == len(users)
    assert int(users[-1][1:]) > 5_000


@pytest.mark.usefixtures("with_s3")
def test_the_page_of_a_run_is_written_beside_its_run_report(bucket: Bucket) -> None:
    report = {
        "status": "done",
        "session_calc": "1.0.0",
        "engine": "Sail",
        "versions": {},
        "started_at": "2024-01-01T00:00:00.000+00:00",
        "seconds": {},
        "settings": {},
        "inputs": None,
        "result": {"path": "s3://x/y", "group_key": "g", "gap_seconds": "1800", "sha256": ""},
    }
    bucket.put("out/x.run.json", json.dumps(report).encode())
    bucket.put("out/x.json", b'{"a":1}\n')
    written = write_page(f"s3://{bucket.name}/out/x.run.json")
    assert Path(written).name == "x.html"
    assert b"Sessions by g" in bucket.get("out/x.html")
