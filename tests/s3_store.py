"""A real S3 protocol server on loopback, in a process of its own, behind a proxy that notes and fails requests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from flaky_proxy import FlakyProxy

KEY_ID, SECRET = "AKIATESTOFENVIRONMENT", "topsecret-of-the-environment"
TESTS = Path(__file__).parent


@dataclass
class Store:
    """The store, reached through `proxy` by what is tested, and by `admin` beside it."""

    port: int
    proxy: FlakyProxy
    admin: Any

    @property
    def direct_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Where the store is; no credentials, and nothing but loopback is ever asked for them."""
        return {
            "AWS_ENDPOINT_URL_S3": self.proxy.url,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        }

    @property
    def with_credentials(self) -> dict[str, str]:
        return {**self.environment, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@dataclass
class Bucket:
    """A bucket of one test."""

    name: str
    store: Store

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, data: bytes, **more: Any) -> str:
        self.store.admin.put_object(Bucket=self.name, Key=key, Body=data, **more)
        return self.url(key)

    def get(self, key: str) -> bytes:
        content: bytes = self.store.admin.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def keys(self) -> list[str]:
        found = self.store.admin.list_objects_v2(Bucket=self.name)
        return [one["Key"] for one in found.get("Contents", [])]


@contextmanager
def open_store(log: Path) -> Iterator[Store]:
    import boto3

    port = _free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/moto-api/", server, log)
        admin = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="admin",
            aws_secret_access_key="admin",
            region_name="us-east-1",
        )
        proxy = FlakyProxy(port)
        proxy.start()
        try:
            yield Store(port, proxy, admin)
        finally:
            proxy.stop()
            admin.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the S3 server did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.1)


class Worker:
    """An engine that reads the store, in a process of its own; see `s3_worker`."""

    def __init__(self, engine_name: str, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "s3_worker.py"), engine_name],
            env={**os.environ, **({"MASTER": "local[2]"} if engine_name == "spark" else {}), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.engine = self._answer()["engine"]

    def count(self, *read_paths: str) -> dict[str, Any]:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(read_paths) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the worker ended; what it said last is above"
        answer: dict[str, Any] = json.loads(line)
        return answer
