"""Rejects on S3: written there in parts that nobody sees before all of them are, and found in objects."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest
from s3_store import Bucket, Store
from test_s3_runs import call

from session_calc.errors import UnwritableOutput
from session_calc.s3 import Access
from session_calc.write.streams import open_lines

EVENT = b'{"anonymous_id":"u","device_sent_timestamp":1554768000000,"device_family":"A"}\n'


def uploads(bucket: Bucket) -> list[Any]:
    return list(bucket.store.admin.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []))


@pytest.mark.one_engine
def test_rejects_of_objects_are_written_to_s3_with_the_urls_of_the_objects(
    engine_name: str, bucket: Bucket, store: Store
) -> None:
    for number in range(70):  # as many as the driver fetches and puts together for the engine
        bucket.put(f"in/{number:02}.jsonl", EVENT + b"\n" * number + b"{cut\n")
    bucket.put("in/z.jsonl.gz", gzip.compress(EVENT + b"[1]"))
    given = {"READ_PATH": bucket.url("in/"), "WRITE_PATH": bucket.url("out"), "REJECTS_PATH": bucket.url("r.jsonl.gz")}
    done = call(engine_name, store.with_credentials, **given)

    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in gzip.decompress(bucket.get("r.jsonl.gz")).splitlines()]
    found = [(one["file"], one["line_number"], one["reject_reason"]) for one in lines]
    expected = [(bucket.url(f"in/{number:02}.jsonl"), number + 2, "malformed_json") for number in range(70)]
    assert found == [*expected, (bucket.url("in/z.jsonl.gz"), 2, "not_an_object")]
    assert uploads(bucket) == []


@pytest.mark.one_engine
def test_a_run_that_fails_leaves_the_rejects_on_s3_as_they_were(engine_name: str, bucket: Bucket, store: Store) -> None:
    bucket.put("in/a.jsonl", EVENT + b"{cut\n")
    bucket.put("r.jsonl", b"old\n")
    given = {"READ_PATH": bucket.url("in/"), "REJECTS_PATH": bucket.url("r.jsonl"), "MAX_REJECT_SHARE": "0"}
    done = call(engine_name, store.with_credentials, **given)

    assert done.returncode == 2
    assert bucket.get("r.jsonl") == b"old\n"
    assert uploads(bucket) == []


@pytest.mark.usefixtures("with_s3")
def test_many_rejects_are_sent_in_parts_and_stand_there_only_when_all_are_in_place(bucket: Bucket) -> None:
    lines = [random.Random(number).randbytes(1 << 20).replace(b"\n", b"") for number in range(40)]
    with open_lines(bucket.url("r.jsonl"), "REJECTS_PATH", Access()) as file:
        for line in lines:
            file.add(line)
        file.finish()
        assert bucket.keys() == []
        file.put_in_place()

    assert bucket.get("r.jsonl") == b"".join(line + b"\n" for line in lines)
    assert uploads(bucket) == []


@pytest.mark.usefixtures("with_s3")
def test_no_rejects_make_an_empty_object(bucket: Bucket) -> None:
    with open_lines(bucket.url("r.jsonl"), "REJECTS_PATH", Access()) as file:
        file.finish()
        file.put_in_place()

    assert bucket.get("r.jsonl") == b""


@pytest.mark.usefixtures("with_s3")
def test_what_is_not_put_in_place_is_given_up(bucket: Bucket) -> None:
    bucket.put("r.jsonl", b"old\n")
    with open_lines(bucket.url("r.jsonl"), "REJECTS_PATH", Access()) as file:
        file.add(b"new")
        file.finish()

    assert bucket.get("r.jsonl") == b"old\n"
    assert uploads(bucket) == []


@pytest.mark.usefixtures("with_s3")
def test_a_bucket_that_is_not_there_is_told_before_any_work() -> None:
    message = (
        r"^REJECTS_PATH is 's3://nowhere/r\.jsonl', but writing there failed: there is no bucket nowhere at .*\. Mend "
        r"the name, or AWS_ENDPOINT_URL\. What stood there before is as it was\.$"
    )
    with pytest.raises(UnwritableOutput, match=message), open_lines("s3://nowhere/r.jsonl", "REJECTS_PATH", Access()):
        pass


def test_rejects_among_the_objects_that_are_read_are_refused(engine_name: str, bucket: Bucket, store: Store) -> None:
    bucket.put("in/a.jsonl", EVENT)
    given = {"READ_PATH": bucket.url("in"), "REJECTS_PATH": bucket.url("in/r.jsonl")}
    done = call(engine_name, store.with_credentials, **given)

    said = f"REJECTS_PATH is '{bucket.url('in/r.jsonl')}', but {bucket.url('in')} is read: the rejects would be events."
    assert (done.returncode, done.stderr) == (2, f"Error: {said} Name another place.\n")
