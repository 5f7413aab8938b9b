"""An HTTP proxy in front of a store on loopback: notes every request, and fails some of them as a real store would.

Which requests fail is drawn from a seed, and how many is bounded, so that a run with retries gets through.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

SLOW_DOWN, INTERNAL_ERROR, DENIED = "slow_down", "internal_error", "denied"
RESET, TRUNCATED = "reset", "truncated"
STATUS_CODES = {
    SLOW_DOWN: (503, "SlowDown"),
    INTERNAL_ERROR: (500, "InternalError"),
    DENIED: (403, "AccessDenied"),
}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


@dataclass(frozen=True)
class Request:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def key_id(self) -> str | None:
        """The access key that signed it; None for an anonymous one."""
        _, mark, rest = self.headers.get("authorization", "").partition("Credential=")
        return rest.partition("/")[0] if mark else None

    @property
    def region(self) -> str | None:
        """The region that it is signed for; None for an anonymous one."""
        _, mark, rest = self.headers.get("authorization", "").partition("Credential=")
        return rest.split("/")[2] if mark else None


@dataclass
class Faults:
    """Which requests fail, and how: each that is chosen draws one of `kinds`, until `most` have failed."""

    kinds: tuple[str, ...]
    share: float = 1.0
    most: int = 1_000_000
    seed: int = 1
    chooses: Callable[[Request], bool] = lambda _: True
    done: list[tuple[str, Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def draw(self, request: Request) -> str | None:
        if len(self.done) >= self.most or not self.chooses(request) or self._random.random() >= self.share:
            return None
        kind = self._random.choice(self.kinds)
        self.done.append((kind, request))
        return kind


class FlakyProxy:
    """A reverse proxy on a free port of the loopback interface."""

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.requests: list[Request] = []
        self.faults: Faults | None = None
        self.before: Callable[[Request], object] | None = None
        self.bucket_region = ""
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    @contextmanager
    def failing(self, faults: Faults) -> Iterator[Faults]:
        self.faults = faults
        try:
            yield faults
        finally:
            self.faults = None

    @contextmanager
    def watching(self, act: Callable[[Request], object] | None = None) -> Iterator[list[Request]]:
        """Give the requests that come in meanwhile; `act` is called with each before it is answered."""
        begin, self.before = len(self.requests), act
        seen: list[Request] = []
        try:
            yield seen
        finally:
            self.before = None
            seen += self.requests[begin:]

    @contextmanager
    def in_region(self, region: str) -> Iterator[None]:
        """Answer as the buckets of a region do: who asks with the signature of another one is sent there."""
        self.bucket_region = region
        try:
            yield
        finally:
            self.bucket_region = ""

    def note(self, request: Request) -> str | None:
        """Note a request, and say how it is to fail, if it is."""
        if self.before:
            self.before(request)
        with self.lock:
            self.requests.append(request)
            return self.faults.draw(request) if self.faults else None


class _Server(ThreadingHTTPServer):
    proxy: FlakyProxy
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        request = Request(self.command, self.path, headers)
        fault = self.server.proxy.note(request)
        if request.region not in {None, self.server.proxy.bucket_region or request.region}:
            self._refuse(301, "PermanentRedirect")
            return
        if fault == RESET:
            self._reset()
            return
        if fault in STATUS_CODES:
            self._refuse(*STATUS_CODES[fault])
            return
        connection = HTTPConnection("127.0.0.1", self.server.proxy.upstream_port, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"connection", "transfer-encoding", "content-length", "expect"}:
                    connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            self._relay(connection.getresponse(), fault)
        finally:
            connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - http.server names them

    def _body(self, headers: dict[str, str]) -> bytes:
        if "chunked" not in headers.get("transfer-encoding", ""):
            return self.rfile.read(int(headers.get("content-length", 0)))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _relay(self, response: HTTPResponse, fault: str | None) -> None:
        content = response.read()
        length = response.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self._tell_region()
        self.end_headers()
        if fault == TRUNCATED:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        content = f"<Error><Code>{code}</Code><Message>by the flaky proxy</Message></Error>".encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self._tell_region()
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _tell_region(self) -> None:
        if self.server.proxy.bucket_region:
            self.send_header("x-amz-bucket-region", self.server.proxy.bucket_region)

    def _reset(self) -> None:
        # closed with unsent data thrown away: the other end sees a reset, not an end
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server names it
        """Write no log."""
