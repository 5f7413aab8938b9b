"""What the figures were measured on."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import psutil

_VERSIONS = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""
_PACKAGES = ["pysail", "pyspark", "pyspark-client", "duckdb", "polars", "pandas"]


def facts(pythons: Mapping[str, str], source: Path) -> dict[str, object]:
    """Name the machine and the versions, for the report's head."""
    versions = {}
    for name, python in pythons.items():
        found = subprocess.run([python, "-c", _VERSIONS, *_PACKAGES], check=True, capture_output=True, text=True)
        versions[name] = json.loads(found.stdout)
    return {
        "date": datetime.now().astimezone().date().isoformat(),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _git(source, "rev-parse", "--short", "HEAD"),
        "is_changed": bool(_git(source, "status", "--porcelain", "--untracked-files=no")),
        "versions": versions,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(source: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=source, capture_output=True, text=True, check=False)
    return done.stdout.strip()
