"""What a listing of S3 finds, refuses and says, asked of a real S3 protocol server."""

from __future__ import annotations

import gzip
import re
import socket
from pathlib import Path

import pytest
from flaky_proxy import DENIED, INTERNAL_ERROR, RESET, SLOW_DOWN, TRUNCATED, Faults
from s3_store import KEY_ID, Bucket, Store

from session_calc.errors import UnreadableInput
from session_calc.inputs import Input, Listing, list_inputs, open_raw, require_unchanged
from session_calc.s3 import Access

ANYONE = Access()

pytestmark = pytest.mark.usefixtures("with_s3")


def names(listing: Listing, bucket: Bucket) -> list[str]:
    return [one.path.removeprefix(bucket.url()) for one in listing.inputs]


def ignored(listing: Listing, bucket: Bucket) -> list[str]:
    return [path.removeprefix(bucket.url()) for path in listing.ignored]


def fill(bucket: Bucket, *keys: str) -> None:
    for key in keys:
        bucket.put(key, b"{}\n")


# ------------------------------------------------------------------------------------------------------------- prefixes


def test_a_prefix_is_listed_to_the_bottom_with_sizes_and_etags(bucket: Bucket) -> None:
    bucket.put("in/a.json", b"{}\n")
    bucket.put("in/day=1/b.csv.gz", gzip.compress(b"x\n"))
    bucket.put("inner/c.json", b"{}\n")
    listing = list_inputs([bucket.url("in/")])
    assert names(listing, bucket) == ["in/a.json", "in/day=1/b.csv.gz"]
    head = bucket.store.admin.head_object(Bucket=bucket.name, Key="in/a.json")
    assert listing.inputs[0] == Input(bucket.url("in/a.json"), 3, head["ETag"], "json", "")
    assert (listing.inputs[1].format, listing.inputs[1].compression) == ("csv", "gz")


def test_a_prefix_without_a_slash_is_a_folder_and_no_beginning_of_a_name(bucket: Bucket) -> None:
    fill(bucket, "in/a.json", "in-between/b.json", "in.json")
    assert names(list_inputs([bucket.url("in")]), bucket) == ["in/a.json"]


def test_a_whole_bucket_is_listed(bucket: Bucket) -> None:
    fill(bucket, "a.json", "b/c.json")
    for url in (f"s3://{bucket.name}", f"s3://{bucket.name}/"):
        assert names(list_inputs([url]), bucket) == ["a.json", "b/c.json"]


def test_one_object_is_listed_with_one_request(bucket: Bucket) -> None:
    fill(bucket, "a.json", "a.json.more/b.json")
    with bucket.store.proxy.watching() as requests:
        assert names(list_inputs([bucket.url("a.json")]), bucket) == ["a.json"]
    assert [one.method for one in requests] == ["HEAD"]


def test_s3_and_s3a_name_the_same_object_which_is_read_once(bucket: Bucket) -> None:
    fill(bucket, "a.json")
    listing = list_inputs([bucket.url("a.json"), bucket.url("a.json").replace("s3://", "s3a://"), bucket.url()])
    assert names(listing, bucket) == ["a.json"]


def test_several_prefixes_and_local_files_are_listed_together(bucket: Bucket, tmp_path: Path) -> None:
    fill(bucket, "one/a.json", "two/b.json")
    (tmp_path / "c.json").write_bytes(b"{}\n")
    listing = list_inputs([bucket.url("two/"), str(tmp_path), bucket.url("one/")])
    assert names(listing, bucket) == [f"{tmp_path}/c.json", "one/a.json", "two/b.json"]


def test_a_prefix_of_more_than_a_thousand_objects_is_listed_page_by_page(many: Bucket) -> None:
    with many.store.proxy.watching() as requests:
        assert len(list_inputs([many.url("many/")]).inputs) == 2000
    assert len(requests) == 2


def test_hidden_names_are_passed_over_and_told_and_folder_marks_are_nothing(bucket: Bucket) -> None:
    fill(bucket, "in/a.json", "in/_SUCCESS", "in/_temporary/b.json", "in/.c.json", "in/day=1/.hidden/d.json")
    bucket.put("in/empty/", b"")
    listing = list_inputs([bucket.url("in/")])
    assert names(listing, bucket) == ["in/a.json"]
    assert ignored(listing, bucket) == [
        "in/.c.json",
        "in/_SUCCESS",
        "in/_temporary/b.json",
        "in/day=1/.hidden/d.json",
    ]


def test_hidden_folders_above_the_prefix_do_not_count(bucket: Bucket) -> None:
    fill(bucket, "_landing/a.json")
    assert names(list_inputs([bucket.url("_landing/")]), bucket) == ["_landing/a.json"]


# ---------------------------------------------------------------------------------------------------------------- globs

TREE = (
    "day=1/a.json.gz",
    "day=1/deep/b.json.gz",
    "day=1/c.csv",
    "day=2/a.json.gz",
    "day=2/_d.json.gz",
    "day=10/e.json.gz",
    "_tmp/a.json.gz",
    "f.json.gz",
)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("day=*/*.json.gz", ["day=1/a.json.gz", "day=10/e.json.gz", "day=2/a.json.gz"]),
        ("day=?/*.json.gz", ["day=1/a.json.gz", "day=2/a.json.gz"]),
        ("day=[2-9]/*", ["day=2/a.json.gz"]),
        ("day=[!2]/*", ["day=1/a.json.gz", "day=1/c.csv", "day=1/deep/b.json.gz"]),
        ("day=1*", ["day=1/a.json.gz", "day=1/c.csv", "day=1/deep/b.json.gz", "day=10/e.json.gz"]),
        ("**/a.json.gz", ["day=1/a.json.gz", "day=2/a.json.gz"]),
        ("day=1/**", ["day=1/a.json.gz", "day=1/c.csv", "day=1/deep/b.json.gz"]),
        ("*.gz", ["f.json.gz"]),
        ("*/", ["day=1/a.json.gz", "day=1/c.csv", "day=1/deep/b.json.gz", "day=10/e.json.gz", "day=2/a.json.gz"]),
    ],
)
def test_a_glob_matches_keys_as_it_matches_paths(bucket: Bucket, pattern: str, expected: list[str]) -> None:
    fill(bucket, *TREE)
    assert names(list_inputs([bucket.url(pattern)]), bucket) == expected


def test_a_glob_passes_over_hidden_names_that_it_does_not_spell_out(bucket: Bucket) -> None:
    fill(bucket, *TREE)
    listing = list_inputs([bucket.url("*/a.json.gz")])
    assert names(listing, bucket) == ["day=1/a.json.gz", "day=2/a.json.gz"]
    assert ignored(listing, bucket) == ["_tmp/a.json.gz"]
    assert names(list_inputs([bucket.url("_tmp/*")]), bucket) == ["_tmp/a.json.gz"]


def test_a_name_with_glob_characters_is_first_of_all_a_name(bucket: Bucket) -> None:
    fill(bucket, "a[1].json", "a1.json", "x*/b.json", "xy/b.json")
    assert names(list_inputs([bucket.url("a[1].json")]), bucket) == ["a[1].json"]
    assert names(list_inputs([bucket.url("x*")]), bucket) == ["x*/b.json"]


def test_a_glob_asks_only_for_what_begins_like_it(bucket: Bucket) -> None:
    fill(bucket, *TREE)
    with bucket.store.proxy.watching() as requests:
        list_inputs([bucket.url("day=1/*.csv")])
    assert requests[-1].path.endswith("prefix=day%3D1%2F&encoding-type=url")


# ------------------------------------------------------------------------------------------------------------- refusals


def refusal(*read_paths: str, access: Access = ANYONE) -> str:
    with pytest.raises(UnreadableInput, match=r"^READ_PATH has ") as caught:
        list_inputs(read_paths, access)
    return str(caught.value)


def test_what_is_not_there_is_refused_by_name(bucket: Bucket) -> None:
    fill(bucket, "in/a.json", "hid/_b.json")
    url = bucket.url
    assert refusal(url("gone.json"), url("empty/"), url("*.csv"), url("hid/"), url("hid/*")).splitlines() == [
        f"READ_PATH has {url('gone.json')}, but there is no such object.",
        f"READ_PATH has {url('empty/')}, but below it is no object.",
        f"READ_PATH has {url('*.csv')}, but no object matches it.",
        f"READ_PATH has {url('hid/')}, but below it is no object but 1 with a name that begins with _ or a dot.",
        f"READ_PATH has {url('hid/*')}, but no object matches it but 1 with a name that begins with _ or a dot.",
    ]


def test_a_missing_bucket_is_refused_with_the_endpoint_that_was_asked(store: Store) -> None:
    said = f"there is no bucket no-such-bucket at {store.proxy.url}. Mend the name, or AWS_ENDPOINT_URL."
    for path in ("", "in/", "in/a.json", "in/*.json"):
        assert refusal(f"s3://no-such-bucket/{path}") == f"READ_PATH has s3://no-such-bucket/{path}, but {said}"
    assert refusal("s3:///a.json") == ("READ_PATH has s3:///a.json, but it names no bucket. Write s3://bucket/prefix/.")


@pytest.mark.parametrize("path", ["", "in/", "in/a.json", "in/*.json"])
def test_a_denied_bucket_is_refused_with_what_to_allow(bucket: Bucket, path: str) -> None:
    fill(bucket, "in/a.json")
    with bucket.store.proxy.failing(Faults((DENIED,))):
        said = refusal(bucket.url(path))
    assert said == (
        f"READ_PATH has {bucket.url(path)}, but S3 denies it (AccessDenied). Allow these credentials s3:ListBucket and "
        "s3:GetObject to read, s3:GetObject and s3:PutObject to write; where the requester pays, set "
        "S3_REQUESTER_PAYS=true."
    )


def test_an_object_may_be_read_by_who_may_not_list_its_bucket(bucket: Bucket) -> None:
    fill(bucket, "in/a.json")
    with bucket.store.proxy.failing(Faults((DENIED,), chooses=lambda one: "list-type" in one.path)):
        listing = list_inputs([bucket.url("in/a.json")])
        require_unchanged(listing)
    assert names(listing, bucket) == ["in/a.json"]


def test_an_object_that_is_there_and_denied_is_not_said_to_be_missing(bucket: Bucket) -> None:
    fill(bucket, "in/a.json")
    with bucket.store.proxy.failing(Faults((DENIED,), chooses=lambda one: one.method == "HEAD")):
        assert "but S3 denies it (Forbidden)." in refusal(bucket.url("in/a.json"))


def test_an_unknown_suffix_and_a_hidden_object_are_refused_by_name(bucket: Bucket) -> None:
    fill(bucket, "in/a.txt", "_b.json")
    with pytest.raises(UnreadableInput, match=re.escape(f"{bucket.url('in/a.txt')} has a suffix that says no known")):
        list_inputs([bucket.url("in/")])
    assert refusal(bucket.url("_b.json")) == (
        f"READ_PATH has {bucket.url('_b.json')}, but engines pass over objects whose names begin with _ or . without a "
        "word. Copy it to another name."
    )


def test_a_store_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert refusal("s3://bucket/in/") == (
        f"READ_PATH has s3://bucket/in/, but S3 at {url} did not answer to the end (EndpointConnectionError). Look at "
        "AWS_ENDPOINT_URL and the network."
    )


def test_without_credentials_the_message_says_where_they_may_come_from(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert refusal(bucket.url()) == (
        f"READ_PATH has {bucket.url()}, but no AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY; for a bucket that is open to all, set S3_ANONYMOUS=true."
    )


def test_a_profile_that_is_not_there_is_said(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    assert refusal(bucket.url()) == (
        f"READ_PATH has {bucket.url()}, but The config profile (gone) could not be found. Mend the AWS settings."
    )


def test_an_anonymous_listing_is_not_signed_and_a_private_bucket_denies_it(bucket: Bucket) -> None:
    fill(bucket, "a.json")
    with bucket.store.proxy.watching() as requests:
        said = refusal(bucket.url("a.json"), access=Access(is_anonymous=True))
    assert said == (
        f"READ_PATH has {bucket.url('a.json')}, but S3 denies it without credentials (Forbidden). Unset S3_ANONYMOUS "
        "to use yours."
    )
    assert {one.key_id for one in requests} == {None}


def test_a_requester_who_pays_says_so_in_every_request(bucket: Bucket) -> None:
    fill(bucket, "a.json")
    with bucket.store.proxy.watching() as requests:
        listing = list_inputs([bucket.url("a.json"), bucket.url("*.json")], Access(is_payer=True))
        with open_raw(listing.inputs[0]) as source:
            source.read()
    assert {(one.key_id, one.headers.get("x-amz-request-payer")) for one in requests} == {(KEY_ID, "requester")}


# --------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize("kind", [SLOW_DOWN, INTERNAL_ERROR, RESET, TRUNCATED])
def test_a_listing_goes_on_after_a_store_that_fails_now_and_then(bucket: Bucket, kind: str) -> None:
    fill(bucket, *TREE)
    with bucket.store.proxy.failing(Faults((kind,), most=2)) as faults:
        assert len(list_inputs([bucket.url("day=1/")]).inputs) == 3
    assert len(faults.done) == 2


def test_a_listing_gives_up_on_a_store_that_always_fails(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with bucket.store.proxy.failing(Faults((SLOW_DOWN,))):
        assert refusal(bucket.url()) == (
            f"READ_PATH has {bucket.url()}, but S3 answered 503 SlowDown again and again. Try later."
        )


# ----------------------------------------------------------------------------------------------------------- open, same

CONTENT = bytes(range(256)) * 20_000  # 5 MB


def test_an_object_is_read_and_sought_like_a_file(bucket: Bucket) -> None:
    [one] = list_inputs([bucket.put("a.json", CONTENT)]).inputs
    with open_raw(one) as source:
        assert source.read(5) == CONTENT[:5]
        assert source.seek(-5, 2) == len(CONTENT) - 5
        assert source.read() == CONTENT[-5:]
        assert source.read() == b""
        source.seek(1000)
        assert source.read(3_000_000) == CONTENT[1000:3_001_000]
        assert source.tell() == 3_001_000


@pytest.mark.parametrize("kind", [SLOW_DOWN, INTERNAL_ERROR, RESET, TRUNCATED])
def test_a_read_that_breaks_off_is_taken_up_where_it_broke(bucket: Bucket, kind: str) -> None:
    [one] = list_inputs([bucket.put("a.json", CONTENT)]).inputs
    with bucket.store.proxy.failing(Faults((kind,), most=3)) as faults, open_raw(one) as source:
        assert source.read() == CONTENT
    assert len(faults.done) == 3


def test_a_read_that_always_breaks_off_is_an_error_and_never_the_end(bucket: Bucket) -> None:
    [one] = list_inputs([bucket.put("a.json", b"x" * 2)]).inputs

    def is_get(request: object) -> bool:
        return getattr(request, "method", "") == "GET"

    with (
        bucket.store.proxy.failing(Faults((TRUNCATED,), chooses=is_get)),
        open_raw(one) as source,
        pytest.raises(
            UnreadableInput, match=r"cannot be read: S3 broke off in the middle again and again\. Try later\."
        ),
    ):
        source.read()


def test_only_the_object_that_was_listed_is_read(bucket: Bucket) -> None:
    [one] = list_inputs([bucket.put("a.json", b"old")]).inputs
    bucket.put("a.json", b"new")
    with open_raw(one) as source, pytest.raises(UnreadableInput, match="cannot be read: it changed during the run"):
        source.read()


def test_an_object_that_changed_or_went_away_is_told_at_the_end(bucket: Bucket) -> None:
    fill(bucket, "a.json", "b.json", "in/c.json", "in/d.json")
    listing = list_inputs([bucket.url("a.json"), bucket.url("b.json"), bucket.url("in/")])
    require_unchanged(listing)
    bucket.put("in/e.json", b"new ones are none of this run's\n")
    require_unchanged(listing)
    bucket.put("a.json", b"{ }\n")
    bucket.store.admin.delete_object(Bucket=bucket.name, Key="b.json")
    bucket.store.admin.delete_object(Bucket=bucket.name, Key="in/d.json")
    changed = ", ".join(map(bucket.url, ("a.json", "b.json", "in/d.json")))
    with pytest.raises(UnreadableInput, match=f"^{re.escape(changed)} changed during the run, "):
        require_unchanged(listing)
