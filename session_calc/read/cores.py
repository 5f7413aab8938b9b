"""How many cores of this machine are ours."""

import os


def core_count() -> int:
    """Count the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
