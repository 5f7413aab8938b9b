"""Do the same with one thing after another in several processes, and give the answers in the order of the things."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from session_calc.read.cores import core_count

_MOST_PROCESSES = 8  # one process reads for all of them
_MOST_WAITING = 3 * _MOST_PROCESSES

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@contextmanager
def open_processes(most: int = _MOST_PROCESSES) -> Iterator[Executor | None]:
    """Start a process for each core; None where there is but one, or where no process can be started."""
    count = min(core_count(), most)
    pool = _start(count) if count > 1 else None
    try:
        yield pool
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def in_order(
    work: Callable[[Task], Answer], tasks: Iterable[Task], pool: Executor | None, most_waiting: int = _MOST_WAITING
) -> Iterator[Answer]:
    """Give what the work makes of each task, in this process where there is no pool.

    Only `most_waiting` tasks are taken ahead, so that memory is bounded.
    """
    if pool is None:
        yield from map(work, tasks)
        return
    waiting: deque[Future[Answer]] = deque()
    for task in tasks:
        waiting.append(pool.submit(work, task))
        if len(waiting) >= most_waiting:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _start(count: int) -> Executor | None:
    try:
        # not forked: an engine's threads may hold locks
        # Ctrl-C is for the process that reads; the others go when it does
        pool = ProcessPoolExecutor(count, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
        pool.submit(int).result()
    except (OSError, ImportError, BrokenProcessPool):
        return None
    return pool
