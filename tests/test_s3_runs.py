"""Whole runs on S3, as a user starts them: results written there, credentials of every kind, and no secret told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flaky_proxy import DENIED, INTERNAL_ERROR, Faults, Request
from s3_store import KEY_ID, SECRET, Bucket, Store

EVENTS = b"".join(
    f'{{"anonymous_id":"u{number}","device_sent_timestamp":1554768000000,"device_family":"A"}}\n'.encode()
    for number in range(10)
)
RESULT, REPORT = "sessions_by_device_family.json", "sessions_by_device_family.run.json"
COUNTED = b'{"A":10}\n'
SIGN_IN = "https://acme.example/start"


def call(
    engine: str, environment: dict[str, str], *arguments: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    master = {"MASTER": "local[2]"} if engine == "spark" else {}
    return subprocess.run(
        [sys.executable, "-m", "session_calc", "count", *arguments],
        env={**os.environ, **environment, **master, "ENGINE": engine, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def refusal(engine: str, environment: dict[str, str], **settings: str) -> str:
    done = call(engine, environment, **settings)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


# -------------------------------------------------------------------------------------------------------- results on S3


@pytest.mark.one_engine
def test_results_are_written_to_s3_and_a_failed_run_leaves_them_as_they_were(
    engine_name: str, bucket: Bucket, store: Store
) -> None:
    bucket.put("in/a.json", EVENTS)
    given = {"READ_PATH": bucket.url("in/"), "WRITE_PATH": bucket.url("out/deep")}
    with store.proxy.watching() as requests:
        done = call(engine_name, store.with_credentials, **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"result   {bucket.url('out/deep')}/{RESULT}" in done.stdout.splitlines()
    assert bucket.keys() == ["in/a.json", f"out/deep/{RESULT}", f"out/deep/{REPORT}"]
    assert bucket.get(f"out/deep/{RESULT}") == COUNTED
    puts = [one.path.rpartition("/")[2] for one in requests if one.method == "PUT"]
    assert puts == [RESULT, REPORT]  # one PUT each, the result first
    good = json.loads(bucket.get(f"out/deep/{REPORT}"))
    assert good["result"]["path"] == bucket.url(f"out/deep/{RESULT}")
    head = store.admin.head_object(Bucket=bucket.name, Key="in/a.json")
    assert good["inputs"]["files"] == [{"path": bucket.url("in/a.json"), "bytes": len(EVENTS), "mark": head["ETag"]}]

    said = refusal(
        "sail" if engine_name == "sail" else "spark", store.with_credentials, **{**given, "READ_PATH": "gone"}
    )
    assert said == "Error: READ_PATH has gone, but there is no such file or folder.\n"
    failed = json.loads(bucket.get(f"out/deep/{REPORT}"))
    assert (failed["status"], failed["last_done"]) == ("failed", good)
    assert bucket.get(f"out/deep/{RESULT}") == COUNTED


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(bucket: Bucket, store: Store) -> None:
    given = {"READ_PATH": "gone", "WRITE_PATH": bucket.url("out")}
    with store.proxy.failing(Faults((DENIED,), chooses=lambda one: one.method != "GET")):
        assert refusal("sail", store.with_credentials, **given) == (
            f"Error: WRITE_PATH is '{bucket.url('out')}', but nothing can be written there: S3 denies it "
            "(AccessDenied). Allow these credentials s3:ListBucket and s3:GetObject to read, s3:GetObject and "
            "s3:PutObject to write; where the requester pays, set S3_REQUESTER_PAYS=true.\n"
        )
    assert refusal("sail", store.with_credentials, READ_PATH="gone", WRITE_PATH="s3://no-such-bucket/out") == (
        "Error: WRITE_PATH is 's3://no-such-bucket/out', but nothing can be written there: there is no bucket "
        f"no-such-bucket at {store.proxy.url}. Mend the name, or AWS_ENDPOINT_URL.\n"
    )


def test_a_write_that_fails_puts_back_what_was_there(bucket: Bucket, store: Store) -> None:
    bucket.put("in/a.json", EVENTS)
    given = {"READ_PATH": bucket.url("in/"), "WRITE_PATH": bucket.url("out"), "AWS_MAX_ATTEMPTS": "2"}
    bucket.put(f"out/{RESULT}", b"old\n")

    def is_report(request: Request) -> bool:
        return request.method == "PUT" and request.path.endswith(REPORT)

    with store.proxy.failing(Faults((INTERNAL_ERROR,), chooses=is_report)):
        said = refusal("sail", store.with_credentials, **given)
    assert said == (
        f"Error: WRITE_PATH is '{bucket.url('out')}', but writing there failed: S3 answered 500 InternalError again "
        "and again. Try later. The results of the last good run are as they were.\n"
    )
    assert bucket.keys() == ["in/a.json", f"out/{RESULT}"]
    assert bucket.get(f"out/{RESULT}") == b"old\n"


def test_a_write_goes_on_after_a_store_that_fails_now_and_then(bucket: Bucket, store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(EVENTS)
    with store.proxy.failing(Faults((INTERNAL_ERROR,), most=3)) as faults:
        done = call("sail", store.with_credentials, READ_PATH="a.json", WRITE_PATH=f"s3a://{bucket.name}")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(faults.done) == 3
    assert bucket.get(RESULT) == COUNTED


def test_a_dry_run_lists_objects_and_writes_nothing(bucket: Bucket, store: Store) -> None:
    bucket.put("in/a.json", EVENTS)
    done = call("sail", store.with_credentials, "--dry-run", READ_PATH=bucket.url(), WRITE_PATH=bucket.url("out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(EVENTS):>15,}  {bucket.url('in/a.json')}" in done.stdout.splitlines()
    assert bucket.keys() == ["in/a.json"]


# ----------------------------------------------------------------------------------------------------------- who asks


def test_a_bucket_that_is_open_to_all_is_read_without_credentials(
    engine_name: str, bucket: Bucket, store: Store
) -> None:
    bucket.put("in/a.json", EVENTS, ACL="public-read")
    with store.proxy.watching() as requests:
        done = call(engine_name, store.environment, READ_PATH=bucket.url("in/a.json"), S3_ANONYMOUS="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("output", RESULT).read_bytes() == COUNTED
    assert {one.key_id for one in requests} == {None}


class _Credentials(BaseHTTPRequestHandler):
    """What a container and a cloud machine answer to who asks for credentials."""

    def do_GET(self) -> None:
        soon = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = {"SecretAccessKey": SECRET, "Expiration": soon}
        if self.path == "/container" and self.headers.get("Authorization") == "token-of-the-container":
            self._answer(json.dumps({**key, "AccessKeyId": "AKIACONTAINER", "Token": "container"}))
        elif (
            self.path.startswith("/federation/credentials?")
            and self.headers.get("x-amz-sso_bearer_token") == "signed-in"
        ):
            known = {"accessKeyId": "AKIASSO", "secretAccessKey": SECRET, "sessionToken": "sso"}
            until = int((datetime.now(timezone.utc) + timedelta(hours=1)).timestamp() * 1000)
            self._answer(json.dumps({"roleCredentials": {**known, "expiration": until}}))
        elif self.path == "/latest/meta-data/iam/security-credentials/":
            self._answer("role")
        elif self.path == "/latest/meta-data/iam/security-credentials/role":
            more = {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": soon}
            self._answer(json.dumps({**key, **more, "AccessKeyId": "AKIAINSTANCE", "Token": "instance"}))
        else:
            self.send_error(404)

    def do_PUT(self) -> None:
        self._answer("token")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "600")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server names it
        """Write no log."""


@pytest.fixture(scope="module")
def machine() -> Iterator[str]:
    """Where a machine would give credentials to what runs on it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Credentials)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def ways(store: Store, machine: str, folder: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Each way to credentials: the environment that leads there, and how the access key begins that is found."""
    shared, config, token = folder / "credentials", folder / "config", folder / "token"
    shared.write_text(f"[team]\naws_access_key_id=AKIAPROFILE\naws_secret_access_key={SECRET}\naws_session_token=t\n")
    config.write_text(
        "[profile team]\nregion=eu-west-3\n"
        "[profile role]\nrole_arn=arn:aws:iam::123456789012:role/reader\nsource_profile=team\n"
        f"[profile process]\ncredential_process=cat {folder}/told\n"
        f"[profile sso]\nsso_start_url={SIGN_IN}\nsso_region=us-east-1\n"
        "sso_account_id=123456789012\nsso_role_name=reader\n"
    )
    told = {"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": SECRET, "SessionToken": "t"}
    (folder / "told").write_text(json.dumps(told))
    sign_in = folder / ".aws/sso/cache" / f"{sha1(SIGN_IN.encode()).hexdigest()}.json"
    sign_in.parent.mkdir(parents=True)
    until = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sign_in.write_text(json.dumps({"startUrl": SIGN_IN, "accessToken": "signed-in", "expiresAt": until}))
    token.write_text("a.b.c")
    files = {"AWS_SHARED_CREDENTIALS_FILE": str(shared), "AWS_CONFIG_FILE": str(config)}
    sts = {"AWS_ENDPOINT_URL_STS": store.direct_url}
    return {
        "environment": (
            {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "t"},
            KEY_ID,
        ),
        "profile": ({**files, "AWS_PROFILE": "team"}, "AKIAPROFILE"),
        "process": ({**files, "AWS_PROFILE": "process"}, "AKIAPROCESS"),
        "sso": ({**files, "AWS_PROFILE": "sso", "AWS_ENDPOINT_URL_SSO": machine, "HOME": str(folder)}, "AKIASSO"),
        "role of a profile": ({**files, **sts, "AWS_PROFILE": "role"}, "ASIA"),
        "web identity": (
            {
                **sts,
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/reader",
                "AWS_ROLE_SESSION_NAME": "session-calc",
            },
            "ASIA",
        ),
        "container": (
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{machine}/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token-of-the-container",
            },
            "AKIACONTAINER",
        ),
        "instance": (
            {"AWS_EC2_METADATA_SERVICE_ENDPOINT": machine, "AWS_EC2_METADATA_DISABLED": "false"},
            "AKIAINSTANCE",
        ),
    }


@pytest.mark.parametrize(
    "way",
    ["environment", "profile", "process", "sso", "role of a profile", "web identity", "container", "instance"],
)
def test_credentials_are_found_in_every_way_by_the_driver_and_the_engine(
    engine_name: str, bucket: Bucket, store: Store, machine: str, tmp_path: Path, way: str
) -> None:
    if engine_name == "spark" and way in {"environment", "profile"}:
        pytest.skip("a start of Spark takes long; the first is in the tests above, the second in the role of a profile")
    bucket.put("in/a.json", EVENTS)
    environment, key_id = ways(store, machine, tmp_path)[way]
    with store.proxy.watching() as requests:
        done = call(engine_name, {**store.environment, **environment}, READ_PATH=bucket.url("in/"))
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("output", RESULT).read_bytes() == COUNTED
    found_by = {("boto3" if "Boto3" in one.headers.get("user-agent", "") else "engine"): one.key_id for one in requests}
    assert set(found_by) == {"boto3", "engine"}
    assert all(str(one.key_id).startswith(key_id) for one in requests)


def test_a_bucket_of_another_region_than_ours_is_read_there(engine_name: str, bucket: Bucket, store: Store) -> None:
    bucket.put("in/a.json", EVENTS)
    with store.proxy.in_region("eu-west-3"), store.proxy.watching() as requests:
        done = call(engine_name, store.with_credentials, READ_PATH=bucket.url("in/"), AWS_REGION="us-east-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("output", RESULT).read_bytes() == COUNTED
    assert {one.region for one in requests} == {"us-east-1", "eu-west-3"}


# ------------------------------------------------------------------------------------------------------------- secrets


@contextmanager
def watching_command_lines() -> Iterator[list[str]]:
    """Give every command line that any process on this machine has meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.3)

    thread = threading.Thread(target=look)
    thread.start()
    found: list[str] = []
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found += seen


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="command lines are looked up in /proc")
def test_a_requester_pays_in_every_request_and_no_secret_is_on_a_command_line_in_the_log_or_in_the_report(
    engine_name: str, bucket: Bucket, store: Store
) -> None:
    bucket.put("in/a.json", EVENTS)
    secrets = {"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "topsecret-token"}
    given = {"READ_PATH": bucket.url("in/"), "WRITE_PATH": bucket.url("out"), "S3_REQUESTER_PAYS": "true"}
    with watching_command_lines() as command_lines, store.proxy.watching() as requests:
        done = call(engine_name, {**store.with_credentials, **secrets}, "--verbose", **given)
    assert done.returncode == 0
    assert {one.headers.get("x-amz-request-payer") for one in requests} == {"requester"}
    assert any("session_calc" in line for line in command_lines)
    if engine_name == "spark":
        assert any("org.apache.spark.deploy.SparkSubmit" in line for line in command_lines)
    told = [*command_lines, done.stdout, done.stderr, bucket.get(f"out/{REPORT}").decode()]
    assert [text for text in told if "topsecret" in text] == []


# ------------------------------------------------------------------------------------------------ jars of classic Spark


def test_jars_that_cannot_be_fetched_are_an_error_that_says_what_to_do(
    engine_name: str, bucket: Bucket, store: Store, tmp_path: Path
) -> None:
    if engine_name != "spark":
        pytest.skip("Sail needs no jars")
    bucket.put("in/a.json", EVENTS)
    (tmp_path / "empty").mkdir()
    (tmp_path / "ivysettings.xml").write_text(
        '<ivysettings><settings defaultResolver="none"/><resolvers><filesystem name="none" m2compatible="true">'
        f'<artifact pattern="{tmp_path}/empty/[artifact]-[revision].[ext]"/></filesystem></resolvers></ivysettings>'
    )
    (tmp_path / "spark-defaults.conf").write_text(
        f"spark.jars.ivySettings {tmp_path}/ivysettings.xml\nspark.jars.ivy {tmp_path}/ivy\n"
    )
    environment = {**store.with_credentials, "SPARK_CONF_DIR": str(tmp_path)}
    said = refusal("spark", environment, READ_PATH=bucket.url("in/"))
    assert re.fullmatch(
        r"Error: ENGINE=spark reads s3:// with jars from Maven \(org\.apache\.hadoop:hadoop-aws:\S+\), but "
        r"org\.apache\.hadoop:hadoop-aws:\S+ could not be fetched\. Name a mirror that can be reached with "
        r"spark\.jars\.ivySettings in \S+/conf/spark-defaults\.conf; or copy the jars that this job fetched on another "
        r"machine \(~/\.ivy2\*/jars\) into \S+/jars\. ENGINE=sail reads s3:// without them\.\n",
        said,
    ), said
    (tmp_path / "a.json").write_bytes(EVENTS)
    done = call("spark", environment, READ_PATH="a.json")  # and no jar is wanted where no object is read
    assert (done.returncode, done.stderr) == (0, "")


# --------------------------------------------------------------------------------------------------------------- doctor


def test_doctor_finds_what_boto3_finds_and_shows_none_of_it(store: Store, machine: str, tmp_path: Path) -> None:
    environment, _ = ways(store, machine, tmp_path)["container"]
    done = doctor({**store.environment, **environment, "HOME": str(tmp_path)})
    assert "ok       S3 credentials  by the AWS chain (container-role)\n" in done
    assert "AKIA" not in done
    assert SECRET not in done


def test_doctor_says_that_a_profile_is_not_there(tmp_path: Path) -> None:
    done = doctor({"HOME": str(tmp_path), "AWS_PROFILE": "gone"})
    assert "missing  S3 credentials  the AWS chain is broken\n" in done
    assert "The config profile (gone) could not be found. Mend the AWS settings.\n" in done


def doctor(environment: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "session_calc", "doctor"],
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    ).stdout
