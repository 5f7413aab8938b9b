"""Reading S3 on the engine: the right numbers or a clear error, whatever the names, the formats and the faults."""

from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from counting import BASE_RULES
from flaky_proxy import DENIED, INTERNAL_ERROR, RESET, SLOW_DOWN, TRUNCATED, Faults, Request
from oracle import answer
from pyarrow import parquet
from s3_store import Bucket, Worker

HOUR = 3_600_000


def lines(user: str, count: int) -> bytes:
    return b"".join(
        f'{{"user":"{user}","time":{number * HOUR},"group":"{user[-1]}"}}\n'.encode() for number in range(count)
    )


def expected(data: bytes) -> dict[str, Any]:
    """What the oracle says of the same lines in one file."""
    found = answer(data, BASE_RULES)
    return {
        "ledger": {name: number for name, number in found.ledger.items() if number},
        "users": found.user_count,
        "counts": [{key or "null": count for key, count in counts.items()} for counts in found.session_counts.values()],
    }


def facts(found: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in found, found
    return {name: found[name] for name in ("ledger", "users", "counts")}


def failure(found: dict[str, Any]) -> tuple[str, str]:
    assert "error" in found, found
    return found["error"], found["message"]


# ---------------------------------------------------------------------------------------------------- formats and names


def test_objects_of_every_compression_are_read(s3_worker: Worker, bucket: Bucket) -> None:
    data = [lines("ann", 3), lines("bob", 40), lines("cyd", 5) + b"broken\n\n"]
    bucket.put("in/a.json", data[0])
    bucket.put("in/b.jsonl.gz", gzip.compress(data[1]))
    bucket.put("in/c.ndjson.bz2", bz2.compress(data[2]))
    assert facts(s3_worker.count(bucket.url("in/"))) == expected(b"".join(data))


def test_clean_lines_are_read_the_fast_way_where_the_engine_has_one(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("a.json.gz", gzip.compress(lines("ann", 3)))
    assert s3_worker.count(bucket.url())["way"] == ("fast" if "Sail" in s3_worker.engine else "tolerant")


def test_csv_of_several_headers_is_read(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("a.csv", b"user,time,group\nann,0,A\nann,3600000,A\nbob,x,B\n")
    bucket.put("b.csv.gz", gzip.compress(b'group,"time",user\nA,0,"cyd"\n'))
    assert facts(s3_worker.count(bucket.url())) == {
        "ledger": {"lines": 4, "events": 3, "invalid_timestamp": 1},
        "users": 2,
        "counts": [{"A": 3}],
    }


def to_parquet(users: list[str]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(
        pa.table({"user": users, "time": [HOUR * n for n in range(len(users))], "group": users}), buffer
    )
    return buffer.getvalue()


def test_parquet_is_read(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("day=1/a.parquet", to_parquet(["ann", "ann", "bob"]))
    bucket.put("day=2/b.parquet", to_parquet(["ann"]))
    assert facts(s3_worker.count(bucket.url("day=*/*.parquet"))) == {
        "ledger": {"lines": 4, "events": 4},
        "users": 2,
        "counts": [{"ann": 2, "bob": 1}],
    }


ODD_NAMES = [
    "plain.json",
    "sp ace.json",
    " two  spaces .json",
    "eq=1/k=v/x.json",
    "pl+us.json",
    "percent%20twenty.json",
    "per%cent.json",
    "%2F.json",
    "%252F.json",
    "[br][1].json",
    "{cu,rly}.json",
    "st*r.json",
    "qu?estion.json",
    "ha#sh.json",
    "ü é ñ.json",
    "日本/イベント.json",
    "emoji😀.json",
    "cafe\u0301.json",
    "col:on.json",
    "back\\slash.json",
    "til~de^$!&'();@|`<>.json",
    'dou"ble.json',
    "a//b.json",
    "tab\tx.json",
]


def test_objects_are_read_whatever_their_names_are(s3_worker: Worker, bucket: Bucket) -> None:
    data = [lines(f"user {place}", place + 1) for place in range(len(ODD_NAMES))]
    for name, content in zip(ODD_NAMES, data, strict=True):
        bucket.put(f"in/{name}", content)
    assert facts(s3_worker.count(bucket.url("in/"))) == expected(b"".join(data))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_object_of_an_odd_name_is_read_alone(s3_worker: Worker, bucket: Bucket, name: str) -> None:
    bucket.put(f"in/{name}.gz", gzip.compress(lines("ann", 7)))
    bucket.put("in/other.json", lines("bob", 100))
    if "," in name:
        pytest.skip("a comma stands between paths")
    assert facts(s3_worker.count(bucket.url(f"in/{name}.gz"))) == expected(lines("ann", 7))


def test_several_buckets_and_local_files_are_read_together(s3_worker: Worker, bucket: Bucket, tmp_path: Path) -> None:
    other = Bucket(f"{bucket.name}-2", bucket.store)
    bucket.store.admin.create_bucket(Bucket=other.name)
    data = [lines(user, 5) for user in ("ann", "bob", "cyd")]
    bucket.put("a.json", data[0])
    other.put("a.json", data[1])
    (tmp_path / "a.json").write_bytes(data[2])
    for paths in ([bucket.url(), str(tmp_path), other.url()], [str(tmp_path), other.url(), bucket.url()]):
        assert facts(s3_worker.count(*paths)) == expected(b"".join(data))


def test_parquet_of_several_buckets_is_read_together(s3_worker: Worker, bucket: Bucket, tmp_path: Path) -> None:
    other = Bucket(f"{bucket.name}-2", bucket.store)
    bucket.store.admin.create_bucket(Bucket=other.name)
    bucket.put("a.parquet", to_parquet(["ann"]))
    other.put("a.parquet", to_parquet(["bob"]))
    (tmp_path / "a.parquet").write_bytes(to_parquet(["cyd"]))
    found = facts(s3_worker.count(bucket.url(), other.url(), str(tmp_path)))
    assert found["counts"] == [{"ann": 1, "bob": 1, "cyd": 1}]


def test_one_byte_that_is_no_utf_8_costs_its_line_alone(s3_worker: Worker, bucket: Bucket) -> None:
    data = lines("ann", 3) + b'{"user":"b\xffb","time":0,"group":"A"}\n' + lines("cyd", 2)
    bucket.put("in/a.json.gz", gzip.compress(data))
    bucket.put("in/b.json", lines("bob", 2))
    assert facts(s3_worker.count(bucket.url("in/"))) == expected(data + lines("bob", 2))


def test_an_object_of_no_bytes_is_no_lines(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("in/empty.json", b"")
    bucket.put("in/a.json", lines("ann", 1))
    assert facts(s3_worker.count(bucket.url("in/"))) == expected(lines("ann", 1))


# --------------------------------------------------------------------------------------------------- many small objects


@pytest.mark.slow
def test_2000_small_objects_give_the_numbers_of_one(s3_worker: Worker, many: Bucket) -> None:
    data = many.get("one.json")
    with many.store.proxy.watching() as requests:
        found = s3_worker.count(many.url("many/"))
    with many.store.proxy.watching() as requests_for_one:
        one = s3_worker.count(many.url("one.json"))
    assert facts(found) == facts(one) == expected(data)
    listings = [request for request in requests if "list-type" in request.path]
    assert len(listings) == 4  # two pages at the beginning, and two at the end
    assert len({request.path for request in requests} - {request.path for request in listings}) == 2000
    assert len(requests) - len(listings) <= 2020  # each is asked for once, and a few are looked into for a warning
    seconds, seconds_of_one = (sum(each["seconds"].values()) for each in (found, one))
    print(
        f"\n{s3_worker.engine}: 2,000 objects {seconds:.1f} s, {len(requests)} requests; one object "
        f"{seconds_of_one:.1f} s, {len(requests_for_one)} requests; ratio {seconds / seconds_of_one:.1f}"
    )


def test_many_small_objects_of_every_kind_give_the_numbers_of_local_files(
    s3_worker: Worker, bucket: Bucket, tmp_path: Path
) -> None:
    mark, rows = "\ufeff".encode(), lines("ann", 2)
    kinds = [
        ("json", rows),
        ("json", rows.rstrip(b"\n")),
        ("json", mark + rows + b"\n\n"),
        ("json", b""),
        ("jsonl.gz", gzip.compress(b'{"user":"b\xff","time":0}\nno json')),
        ("ndjson.bz2", bz2.compress(rows) + bz2.compress(rows)),
        ("csv", b"user,time,group\ncyd,0,A"),
        ("csv", mark + b"\n\nuser,time,group\r\ncyd,0,A\r\n"),
        ("csv.gz", gzip.compress(b"time,user,group\n0,dan,A\n")),
    ]
    for number in range(90):
        suffix, content = kinds[number % len(kinds)]
        bucket.put(f"in/{number}.{suffix}", content)
        (tmp_path / f"{number}.{suffix}").write_bytes(content)
    found = facts(s3_worker.count(bucket.url("in/")))
    assert found == facts(s3_worker.count(str(tmp_path)))
    assert (found["ledger"]["malformed_json"], found["users"]) == (20, 3)


def test_a_damaged_one_of_many_small_objects_is_named(s3_worker: Worker, bucket: Bucket) -> None:
    for number in range(70):
        bucket.put(f"in/{number}.json.gz", gzip.compress(lines("ann", 1)))
    bucket.put("in/13.json.gz", gzip.compress(lines("ann", 1))[:-9])
    kind, message = failure(s3_worker.count(bucket.url("in/")))
    assert kind == "UnreadableInput"
    assert message.startswith(f"{bucket.url('in/13.json.gz')} cannot be read to its end: ")


# --------------------------------------------------------------------------------------------------- damage and refusal


@pytest.mark.parametrize("name", ["a.json.gz", "a.json.bz2", "a.parquet"])
def test_a_cut_off_object_is_refused_by_name(s3_worker: Worker, bucket: Bucket, name: str) -> None:
    whole = {
        "a.json.gz": gzip.compress(lines("ann", 900)),
        "a.json.bz2": bz2.compress(lines("ann", 900)),
        "a.parquet": to_parquet(["ann"] * 99),
    }[name]
    bucket.put(f"in/{name}", whole[: len(whole) // 2])
    bucket.put("in/b.json", lines("bob", 1))
    kind, message = failure(s3_worker.count(bucket.url("in/")))
    assert kind == "UnreadableInput"
    assert message.startswith(bucket.url(f"in/{name}"))


def test_an_object_that_may_be_listed_and_not_read_is_refused_by_name(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("in/a.json", lines("ann", 3))
    with bucket.store.proxy.failing(Faults((DENIED,), chooses=is_of_an_object)):
        kind, message = failure(s3_worker.count(bucket.url("in/")))
    assert (kind, message) == (
        "UnreadableInput",
        (
            f"{bucket.url('in/a.json')} cannot be read: S3 denies it (AccessDenied). Allow these credentials "
            "s3:ListBucket and s3:GetObject to read, s3:GetObject and s3:PutObject to write; where the requester pays, "
            "set S3_REQUESTER_PAYS=true. Nothing was written."
        ),
    )


def is_of_an_object(request: Request) -> bool:
    return "list-type" not in request.path and ".json" in request.path


@pytest.mark.parametrize("content", [lines("ann", 4), lines("bob", 3)], ids=["longer", "just as long"])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_object_that_changes_during_the_run_fails_it(
    s3_worker: Worker, bucket: Bucket, content: bytes, method: str
) -> None:
    bucket.put("in/a.json", lines("ann", 3))
    seen: list[Request] = []

    def change(request: Request) -> None:
        if is_of_an_object(request) and request.method == method and not seen:
            seen.append(request)
            bucket.put("in/a.json", content)

    with bucket.store.proxy.watching(change):
        kind, message = failure(s3_worker.count(bucket.url("in/")))
    assert kind == "UnreadableInput"
    assert message.startswith(bucket.url("in/a.json"))
    assert "changed during the run" in message


def test_an_object_that_goes_away_during_the_run_fails_it(s3_worker: Worker, bucket: Bucket) -> None:
    bucket.put("in/a.json", lines("ann", 3))
    bucket.put("in/b.json", lines("bob", 3))
    seen: list[Request] = []

    def delete(request: Request) -> None:
        if is_of_an_object(request) and not seen:
            seen.append(request)
            bucket.store.admin.delete_object(Bucket=bucket.name, Key="in/b.json")

    with bucket.store.proxy.watching(delete):
        kind, message = failure(s3_worker.count(bucket.url("in/")))
    assert kind == "UnreadableInput"
    assert message.startswith(bucket.url("in/b.json"))


# --------------------------------------------------------------------------------------------------------------- faults

FAULTS = {
    "throttling": (SLOW_DOWN,),
    "internal errors": (INTERNAL_ERROR,),
    "resets": (RESET,),
    "bodies cut off": (TRUNCATED,),
    "all of them": (SLOW_DOWN, INTERNAL_ERROR, RESET, TRUNCATED),
}


@pytest.mark.parametrize("kinds", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_store_that_fails_now_and_then_costs_no_event(
    s3_worker: Worker, bucket: Bucket, kinds: tuple[str, ...], seed: int
) -> None:
    data = [lines("ann", 4000), lines("bob", 900), lines("cyd", 800) + b"[\n"]
    bucket.put("in/a.json", data[0])
    bucket.put("in/b.json.gz", gzip.compress(data[1]))
    bucket.put("in/c.json", data[2])
    with bucket.store.proxy.failing(Faults(kinds, share=0.3, most=8, seed=seed)) as faults:
        found = s3_worker.count(bucket.url("in/"))
    assert faults.done
    if "error" in found:
        assert failure(found)[0] == "UnreadableInput"
        assert "bucket-" in found["message"]
    else:
        assert facts(found) == expected(b"".join(data))


@pytest.mark.slow
def test_many_small_objects_survive_a_store_that_fails_now_and_then(s3_worker: Worker, many: Bucket) -> None:
    with many.store.proxy.failing(Faults(FAULTS["all of them"], share=0.1, most=40)) as faults:
        found = s3_worker.count(many.url("many/00*.json"))
    assert len(faults.done) > 5
    assert found["ledger"] == {"lines": 500, "events": 500}
