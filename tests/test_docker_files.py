"""What the files of the images promise: no secret, no root, nothing that another machine reaches, jars as locked."""

from __future__ import annotations

import hashlib
import re
import runpy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from session_calc.engines.hadoop_aws import settings_for_launch
from session_calc.settings import SETTINGS

ROOT = Path(__file__).parent.parent
DOCKERFILE = ROOT / "docker/Dockerfile"
COMPOSE = ROOT / "docker/compose.yaml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NOT_HANDED_ON = {"WRITE_PATH", "ENGINE", "SPARK_REMOTE"}  # to the cluster's job: they are what the cluster is


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])


def stages() -> dict[str, list[str]]:
    """Each stage of the Dockerfile, and its instructions."""
    text = re.sub(r"\\\n", "", DOCKERFILE.read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        stage = re.fullmatch(r"FROM (\S+) AS (\S+)", line)
        if stage:
            found[stage[2]] = list(found.get(stage[1], []))
        elif found and line and not line.startswith("#"):
            found[list(found)[-1]].append(line)
    return found


def last(instructions: list[str], word: str) -> str:
    return [line for line in instructions if line.startswith(word + " ")][-1]


@pytest.mark.parametrize("image", ["spark", "app", "test"])
def test_an_image_runs_as_a_user_that_has_a_number_and_is_not_root(image: str) -> None:
    assert last(stages()[image], "USER") == "USER 185"


def test_the_last_stage_is_the_job_so_that_a_build_without_target_gives_it() -> None:
    assert list(stages())[-1] == "app"
    assert last(stages()["app"], "CMD") == 'CMD ["count"]'


def test_the_first_process_is_one_that_reaps_and_hands_on_signals() -> None:
    assert (
        last(stages()["app"], "ENTRYPOINT") == 'ENTRYPOINT ["/usr/bin/tini", "-s", "--", "/usr/local/bin/entrypoint"]'
    )


def test_the_base_image_is_named_by_tag_and_digest() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert "FROM python:${PYTHON_TAG}${PYTHON_DIGEST:+@}${PYTHON_DIGEST} AS base" in text
    assert re.search(r"^ARG PYTHON_TAG=3\.\d+-slim-bookworm$", text, re.MULTILINE)


def test_nothing_from_outside_this_folder_or_hidden_in_it_comes_into_an_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    assert not {"!.env", "!.git", "!output"} & set(ignored)
    assert "**/.env" in ignored


@pytest.mark.parametrize("name", list(services()))
def test_a_service_cannot_become_root_and_cannot_change_its_image(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "cap_add", "devices"} & set(service)


@pytest.mark.parametrize("name", list(services()))
def test_a_port_is_open_on_loopback_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in services()[name].get("ports", []))


@pytest.mark.parametrize("name", [name for name in services() if name not in {"job", "sample"}])
def test_a_service_that_stays_says_whether_it_is_well(name: str) -> None:
    assert services()[name]["healthcheck"]["test"][0] == "CMD"


def test_the_job_waits_for_all_that_it_needs() -> None:
    conditions = {name: needed["condition"] for name, needed in services()["job"]["depends_on"].items()}
    assert conditions == {
        "master": "service_healthy",
        "worker-1": "service_healthy",
        "worker-2": "service_healthy",
        "sample": "service_completed_successfully",
    }


def test_every_setting_reaches_the_job_in_a_container_and_on_the_cluster() -> None:
    settings = {setting.name for setting in SETTINGS}
    makefile = re.sub(r"\\\n", "", (ROOT / "docker/images.mk").read_text(encoding="utf-8"))
    passed_on = re.findall(r"^PASSED_ON := (.*)$", makefile, re.MULTILINE)[0].split()
    assert settings - {"WRITE_PATH"} <= set(passed_on)
    assert settings - NOT_HANDED_ON <= set(services()["job"]["environment"])


def test_no_secret_is_written_down() -> None:
    environment = services()["job"]["environment"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"):
        assert environment[name] is None
    assert not re.search(r"^(ARG|ENV)\b.*(SECRET|PASSWORD|TOKEN|ACCESS_KEY)", DOCKERFILE.read_text(), re.MULTILINE)


def test_compose_reads_its_file() -> None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and answers([*command, "version"]):
            assert answers([*command, "--file", str(COMPOSE), "config", "--quiet"])
            return
    pytest.skip("there is no docker compose here")


def answers(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


# The jars


@pytest.fixture
def fetch_jars() -> Callable[..., None]:
    main: Callable[..., None] = runpy.run_path(str(ROOT / "docker/fetch_jars.py"))["main"]
    return main


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Maven repository on loopback with one jar in it."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    jar = tmp_path / "maven/org/apache/hadoop/hadoop-aws/3.5.0/hadoop-aws-3.5.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"a jar")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path / "maven")) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def spark_jars(tmp_path: Path) -> Path:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "hadoop-client-api-3.5.0.jar").touch()
    return folder


def lock(folder: Path, content: bytes, version: str = "3.5.0") -> Path:
    file = folder / "jars.txt"
    file.write_text(f"# what it is\norg.apache.hadoop:hadoop-aws:{version} {hashlib.sha512(content).hexdigest()}\n")
    return file


def test_a_jar_as_locked_is_put_beside_sparks_own(
    fetch_jars: Callable[..., None], repository: str, spark_jars: Path, tmp_path: Path
) -> None:
    fetch_jars(lock(tmp_path, b"a jar"), repository, "3.5.0", spark_jars)
    assert (spark_jars / "hadoop-aws-3.5.0.jar").read_bytes() == b"a jar"


def test_another_jar_than_the_locked_one_stops_the_build(
    fetch_jars: Callable[..., None], repository: str, spark_jars: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"hadoop-aws-3\.5\.0\.jar has the SHA-512 .*Do not use it\.$"):
        fetch_jars(lock(tmp_path, b"another jar"), repository, "3.5.0", spark_jars)
    assert not (spark_jars / "hadoop-aws-3.5.0.jar").exists()


def test_hadoop_aws_must_be_of_the_version_of_pysparks_hadoop_client(
    fetch_jars: Callable[..., None], spark_jars: Path, tmp_path: Path
) -> None:
    message = (
        r"^HADOOP_VERSION is 3\.4\.2, but PySpark brings the Hadoop client 3\.5\.0 and docker/jars\.txt hadoop-aws "
        r"3\.4\.2; all three must be one version\. Write docker/jars\.txt anew for this Spark: docker/lock_jars\.sh$"
    )
    with pytest.raises(SystemExit, match=message):
        fetch_jars(lock(tmp_path, b"a jar", "3.4.2"), "http://127.0.0.1:9/", "3.4.2", spark_jars)


def test_the_jars_are_hadoop_aws_and_parts_of_the_sdk_not_the_whole() -> None:
    lines = [line.split() for line in (ROOT / "docker/jars.txt").read_text().splitlines() if not line.startswith("#")]
    jars = {name.rpartition(":")[0] for name, _ in lines}
    parts = {f"software.amazon.awssdk:{part}" for part in ("s3", "s3-transfer-manager", "sts", "sso", "ssooidc")}
    assert {"org.apache.hadoop:hadoop-aws", *parts} <= jars
    assert "software.amazon.awssdk:bundle" not in jars
    assert all(re.fullmatch("[0-9a-f]{128}", digest) for _, digest in lines)


def test_the_image_has_what_the_job_would_otherwise_fetch(spark_jars: Path) -> None:
    names = {line.split()[0] for line in (ROOT / "docker/jars.txt").read_text().splitlines()}
    fetched = settings_for_launch(spark_jars.parent)
    assert set(fetched["spark.jars.packages"].split(",")) <= names
    assert fetched["spark.jars.excludes"] == "software.amazon.awssdk:bundle"


# The workflows


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_nothing_that_a_job_does_not_ask_for(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_an_action_is_named_by_its_commit(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action) for action in used)


def test_what_may_publish_runs_no_code_of_the_project() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    for job in workflow["jobs"].values():
        may_write = "write" in job["permissions"].values()
        checks_out = any("actions/checkout@" in step.get("uses", "") for step in job["steps"])
        assert may_write != checks_out


# The versions


def test_the_version_that_is_raised_is_the_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    from session_calc import __version__

    assert re.findall(r'^current_version = "(.+)"$', text, re.MULTILINE) == [__version__]


def test_the_versions_of_spark_and_hadoop_are_the_same_in_all_files() -> None:
    found = {
        name: {
            version
            for file in ("Dockerfile", "images.mk", "compose.yaml")
            for version in re.findall(rf"{name}(?: \?= |=|:-)([0-9.]+)", (ROOT / "docker" / file).read_text())
        }
        for name in ("SPARK_VERSION", "HADOOP_VERSION")
    }
    assert all(len(versions) == 1 for versions in found.values()), found
