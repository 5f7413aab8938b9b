"""Download the jars that jars.txt names, check each, and put them beside Spark's own. Runs while the image is built.

Usage: fetch_jars.py JARS_TXT MAVEN_URL HADOOP_VERSION SPARK_JARS
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request
from pathlib import Path
from urllib.error import URLError

TRIES = 3


def main(jars_file: str, maven_url: str, hadoop_version: str, spark_jars: str) -> None:
    """Fetch what the file names into the folder of Spark's jars."""
    jars = read_jars(Path(jars_file))
    folder = Path(spark_jars)
    require_one_hadoop(jars, hadoop_version, folder)
    for coordinates, digest in jars.items():
        path = path_of(coordinates)
        content = fetch(f"{maven_url.rstrip('/')}/{path}")
        found = hashlib.sha512(content).hexdigest()
        if found != digest:
            sys.exit(f"{path} has the SHA-512 {found}, but {jars_file} says {digest}. Do not use it.")
        Path(folder, Path(path).name).write_bytes(content)


def read_jars(jars_file: Path) -> dict[str, str]:
    """Read group:artifact:version and SHA-512 from each line that is no comment."""
    lines = jars_file.read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def require_one_hadoop(jars: dict[str, str], hadoop_version: str, folder: Path) -> None:
    """hadoop-aws works with the Hadoop client of its very version, and with no other."""
    inside = [jar.stem.removeprefix("hadoop-client-api-") for jar in folder.glob("hadoop-client-api-*.jar")]
    locked = [name.rpartition(":")[2] for name in jars if name.startswith("org.apache.hadoop:hadoop-aws:")]
    if not inside == locked == [hadoop_version]:
        sys.exit(
            f"HADOOP_VERSION is {hadoop_version}, but PySpark brings the Hadoop client {', '.join(inside)} and "
            f"docker/jars.txt hadoop-aws {', '.join(locked)}; all three must be one version. "
            "Write docker/jars.txt anew for this Spark: docker/lock_jars.sh"
        )


def path_of(coordinates: str) -> str:
    """Where a Maven repository keeps a jar."""
    group, artifact, version = coordinates.split(":")
    return f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"


def fetch(url: str) -> bytes:
    """Download, trying again when the network fails; what arrives is checked by its digest."""
    if not url.startswith(("https://", "http://")):  # the digests make http as good
        sys.exit(f"The repository must be an http or https URL, not {url}.")
    for rest in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the scheme is checked above
                return bytes(answer.read())
        except (URLError, TimeoutError, ConnectionError) as error:
            if not rest:
                sys.exit(f"{url} could not be downloaded: {error}. MAVEN_URL names another Maven repository.")
    raise AssertionError("unreachable")


if __name__ == "__main__":
    main(*sys.argv[1:])
