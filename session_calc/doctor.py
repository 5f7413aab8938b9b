"""Say what this machine can run, and what to do about what is missing. No secret is shown."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from session_calc import __version__, pages
from session_calc.engines import missing_packages
from session_calc.engines.java import find_java
from session_calc.errors import EngineUnavailable
from session_calc.redaction import without_secrets
from session_calc.s3 import Access, S3Refused, credentials_way


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is fine, what was found, and what to do if it is not."""

    name: str
    is_fine: bool
    found: str
    advice: str = ""


def examine(environment: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """Look at Python, the engines, the scanner, Java, the S3 credentials, the PostgreSQL driver and what pages need."""
    yield Finding("session_calc", is_fine=True, found=__version__)
    yield _python()
    yield _sail()
    yield _classic_spark()
    yield _scanner()
    yield _java(environment)
    yield _connect(environment)
    yield _credentials(environment, home)
    yield _postgres()
    yield _pages()


def _python() -> Finding:
    is_fine = sys.version_info >= (3, 10)
    advice = "" if is_fine else "Install Python 3.10 or newer."
    return Finding("Python", is_fine, f"{platform.python_version()} at {sys.executable}", advice)


def _sail() -> Finding:
    missing = missing_packages("sail")
    if missing:
        return _not_installed("engine sail", missing, "sail")
    return Finding("engine sail", is_fine=True, found=f"pysail {version('pysail')}, {_pyspark()}")


def _classic_spark() -> Finding:
    missing = missing_packages("spark")
    if missing:
        return _not_installed("engine spark", missing, "spark")
    return Finding("engine spark", is_fine=True, found=_pyspark())


def _not_installed(name: str, missing: list[str], extra: str) -> Finding:
    advice = f"pip install 'session_calc[{extra}]' in an environment of its own."
    return Finding(name, is_fine=False, found=f"not installed ({' and '.join(missing)} missing)", advice=advice)


def _scanner() -> Finding:
    missing = [name for name in ("numba", "platformdirs") if find_spec(name) is None]
    if missing:
        slow = "Without it, JSON lines on this machine are read by the engine, and slower"
        found, advice = f"not installed ({' and '.join(missing)} missing)", f"{slow}: pip install {' '.join(missing)}."
        return Finding("scanner", is_fine=False, found=found, advice=advice)
    return Finding("scanner", is_fine=True, found=f"numba {version('numba')}")


def _java(environment: Mapping[str, str]) -> Finding:
    try:
        java = find_java(environment)
    except EngineUnavailable as error:
        return Finding("Java", is_fine=False, found="none that classic Spark can use", advice=str(error))
    return Finding("Java", is_fine=True, found=f"{java.version} at {java.launcher} (from {java.found_in})")


def _connect(environment: Mapping[str, str]) -> Finding:
    remote = environment.get("SPARK_REMOTE")
    if not remote:
        return Finding("engine connect", is_fine=True, found="SPARK_REMOTE is not set, so it is not used")
    if missing_packages("connect"):
        return _not_installed("engine connect", missing_packages("connect"), "sail")
    from session_calc.engines.connect import require_answer

    try:
        require_answer(remote, patience_seconds=5)
    except EngineUnavailable as error:
        return Finding("engine connect", is_fine=False, found="no answer", advice=str(error))
    return Finding("engine connect", is_fine=True, found=f"a server answers at {without_secrets(remote)}")


def _credentials(environment: Mapping[str, str], home: Path) -> Finding:
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return Finding("S3 credentials", is_fine=True, found="in the environment (AWS_ACCESS_KEY_ID)")
    profile = environment.get("AWS_PROFILE", "default")
    for file in (".aws/credentials", ".aws/config"):
        if _has_profile(home / file, profile):
            return Finding("S3 credentials", is_fine=True, found=f"profile {profile} in ~/{file}")
    if find_spec("boto3") is None:
        advice = "Local files need none. For S3: pip install 'session_calc[s3]'."
        return Finding("S3 credentials", is_fine=False, found="not looked for: boto3 is not installed", advice=advice)
    try:
        if way := credentials_way(Access()):
            return Finding("S3 credentials", is_fine=True, found=f"by the AWS chain ({way})")
    except S3Refused as error:
        return Finding("S3 credentials", is_fine=False, found="the AWS chain is broken", advice=str(error))
    advice = "Local files need none. For S3, set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    return Finding("S3 credentials", is_fine=True, found="none found in the environment or in ~/.aws", advice=advice)


def _postgres() -> Finding:
    missing = [name for name in ("psycopg", "pyarrow") if find_spec(name) is None]
    if missing:
        advice = "Only SINK needs it: pip install 'session_calc[postgres]'."
        found = f"not installed ({' and '.join(missing)} missing)"
        return Finding("PostgreSQL", is_fine=False, found=found, advice=advice)
    return Finding("PostgreSQL", is_fine=True, found=f"psycopg {version('psycopg')}")


def _pages() -> Finding:
    missing = pages.missing_packages()
    if missing:
        advice = "Only pages of HTML need it: pip install 'session_calc[report]'."
        return Finding("pages", is_fine=False, found=f"not installed ({' and '.join(missing)} missing)", advice=advice)
    return Finding("pages", is_fine=True, found=f"matplotlib {version('matplotlib')}, jinja2 {version('jinja2')}")


def _has_profile(file: Path, profile: str) -> bool:
    config = ConfigParser(interpolation=None)
    try:
        config.read(file)
    except (Error, OSError, UnicodeDecodeError):
        return False
    return config.has_section(profile) or config.has_section(f"profile {profile}")


def _pyspark() -> str:
    for name in ("pyspark", "pyspark-client"):
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return "a PySpark of the cluster's own" if find_spec("pyspark") else "no PySpark"
