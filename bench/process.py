"""Run one command as a whole process, and watch its time, its memory and what it reads from the disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SECONDS_BETWEEN_LOOKS = 0.05


@dataclass(frozen=True)
class Finished:
    """What a process took, its children included.

    Attributes
    ----------
    seconds : float
        From its start to its end, by the clock on the wall.
    peak_bytes : int
        The most memory that the process and all below it had resident at one look; there are 20 looks a second.
    cpu_seconds : float
        Of all cores, as far as the looks saw it: of what lives for less than half a second only what was waited for.
    disk_bytes : int
        Read from the disk, not from memory, as far as the looks saw it: timings of a run with many of them say
        little.
    """

    exit_code: int
    seconds: float
    peak_bytes: int
    cpu_seconds: float
    disk_bytes: int
    stdout: str
    stderr: str
    is_over_time: bool = False


def run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, limit_seconds: float | None = None
) -> Finished:
    """Run a command to its end, or to the limit: then it is killed, with all below it."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        before = os.times()
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        watch = _Watch(process.pid)
        watch.start()
        is_over_time = False
        try:
            process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            is_over_time = True
            _kill_all(process)
        seconds = time.perf_counter() - begun
        after = os.times()
        watch.stop()
        stdout.seek(0)
        stderr.seek(0)
        return Finished(
            process.returncode,
            seconds,
            watch.peak_bytes,
            # nobody waits for Spark's Java, and no look sees a process's last moment
            max(
                after.children_user + after.children_system - before.children_user - before.children_system,
                sum(watch.cpu_seconds.values()),
            ),
            sum(watch.disk_bytes.values()),
            stdout.read(),
            stderr.read(),
            is_over_time,
        )


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    for one in reversed(_tree(process.pid)):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


class _Watch(threading.Thread):
    """Look at a tree of processes again and again, until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stopped = threading.Event()
        self.peak_bytes = 0
        self.disk_bytes: dict[int, int] = {}
        self.cpu_seconds: dict[int, float] = {}

    def run(self) -> None:
        looks = 0
        tree: list[psutil.Process] = []
        while not self._stopped.wait(_SECONDS_BETWEEN_LOOKS):
            if looks % 10 == 0:  # finding children means to go through all processes of the machine
                tree = _tree(self._pid)
            looks += 1
            self._look_at(tree)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _look_at(self, tree: Sequence[psutil.Process]) -> None:
        resident = 0
        for one in tree:
            try:
                resident += one.memory_info().rss
                times = one.cpu_times()
                self.cpu_seconds[one.pid] = times.user + times.system
                if hasattr(one, "io_counters"):
                    self.disk_bytes[one.pid] = one.io_counters().read_bytes
            except psutil.Error:
                continue
        self.peak_bytes = max(self.peak_bytes, resident)
