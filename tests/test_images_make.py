"""The make targets of the images: what they ask of the container engine, here a program that only writes it down."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import session_calc

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make here")

VERSION = session_calc.__version__
APP, SPARK = "acme/session_calc", "acme/docker-spark"
SPARK_TAG = f"{VERSION}-spark4.2.1-hadoop3.5.0"
BUILD = ["build", "--file", "docker/Dockerfile", "--build-arg", "SPARK_VERSION=4.2.1"]
BUILD += ["--build-arg", "HADOOP_VERSION=3.5.0"]
SECRET = "s3cr$t pass'word"

RECORDER = """\
#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    asks = sys.argv[1:2] == ["login"] and "--password-stdin" in sys.argv
    environment = {{name: os.environ[name] for name in ("SESSION_CALC_IMAGE", "RUN_AS_UID") if name in os.environ}}
    json.dump({{"words": sys.argv[1:], "stdin": sys.stdin.read() if asks else "", "environment": environment}}, log)
    log.write("\\n")
if "--quiet" in sys.argv:
    print("sha256:base")
sys.exit(os.environ.get("REFUSED") in sys.argv)
"""


@dataclass
class Call:
    words: list[str]
    stdin: str
    environment: dict[str, str]


@dataclass
class Place:
    """A copy of what make needs, and a `docker` and a `podman` that write down what they were asked."""

    folder: Path

    def make(self, *words: str, code: int = 0, **environment: str) -> tuple[list[Call], str]:
        """Run make, and give what the engine was asked beyond whether it answers, and what make said."""
        assert MAKE is not None
        inherited = {name: os.environ[name] for name in ("LANG", "HOME") if name in os.environ}
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        done = subprocess.run(
            [MAKE, "--no-print-directory", *words],
            check=False,
            cwd=self.folder,
            env={**inherited, "PATH": path, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert bool(done.returncode) == bool(code), done.stdout + done.stderr
        return [call for call in self.calls() if call.words != ["info"]], done.stdout + done.stderr

    def calls(self) -> list[Call]:
        log = self.folder / "calls"
        return [Call(**json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("Makefile", "docker/images.mk", "session_calc/_version.py", "setup.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for program in ("bin/docker", "bin/podman", ".venv-release/bin/bump-my-version", ".venv-test/bin/pytest"):
        write_recorder(tmp_path / program, tmp_path / "calls")
    for folder in (".venv-release", ".venv-test"):
        (tmp_path / folder / ".installed").touch()
    return Place(tmp_path)


def write_recorder(program: Path, log: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(RECORDER.format(python=sys.executable, log=str(log)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("build_app", [[*BUILD, "--target", "app", "--tag", f"{APP}:{VERSION}", "--tag", f"{APP}:latest", "."]]),
        ("pull_app", [["pull", f"{APP}:{VERSION}"]]),
        ("push_app", [["push", f"{APP}:{VERSION}"], ["push", f"{APP}:latest"]]),
        (
            "release_app",
            [
                [*BUILD, "--target", "app", "--tag", f"{APP}:{VERSION}", "--tag", f"{APP}:latest", "."],
                ["run", "--rm", "--network", "none", f"{APP}:{VERSION}", "count"],
                ["push", f"{APP}:{VERSION}"],
                ["push", f"{APP}:latest"],
            ],
        ),
        (
            "build_docker_spark",
            [[*BUILD, "--target", "spark", "--tag", f"{SPARK}:{SPARK_TAG}", "--tag", f"{SPARK}:latest", "."]],
        ),
        ("pull_docker_spark", [["pull", f"{SPARK}:{SPARK_TAG}"]]),
        ("push_docker_spark", [["push", f"{SPARK}:{SPARK_TAG}"], ["push", f"{SPARK}:latest"]]),
        (
            "release_docker_spark",
            [
                [*BUILD, "--target", "spark", "--tag", f"{SPARK}:{SPARK_TAG}", "--tag", f"{SPARK}:latest", "."],
                ["run", "--rm", "--network", "none", f"{SPARK}:{SPARK_TAG}", "submit", "--version"],
                ["push", f"{SPARK}:{SPARK_TAG}"],
                ["push", f"{SPARK}:latest"],
            ],
        ),
        (
            "run_docker_spark",
            [["run", "--rm", "--interactive", "--tty", "--publish", "127.0.0.1:4040:4040", f"{SPARK}:{SPARK_TAG}"]],
        ),
        ("bump_app", [["bump", "patch"]]),
        ("bump_docker_spark", [["bump", "patch"]]),
    ],
)
def test_a_target_asks_the_engine_for_this(place: Place, target: str, expected: list[list[str]]) -> None:
    calls, _ = place.make(target, HUB_PUBLISHER="acme")
    assert [call.words for call in calls] == expected


def test_versions_the_registry_and_the_digest_can_be_given(place: Place) -> None:
    calls, _ = place.make(
        "build_docker_spark",
        "SPARK_VERSION=4.2.0",
        HADOOP_VERSION="3.4.9",
        PYTHON_DIGEST="sha256:abc",
        HUB_REGISTRY="registry.example",
        HUB_PUBLISHER="acme",
    )
    assert calls[0].words[3:9] == [
        *("--build-arg", "SPARK_VERSION=4.2.0"),
        *("--build-arg", "HADOOP_VERSION=3.4.9"),
        *("--build-arg", "PYTHON_DIGEST=sha256:abc"),
    ]
    assert f"registry.example/acme/docker-spark:{VERSION}-spark4.2.0-hadoop3.4.9" in calls[0].words


def test_the_level_of_a_bump_can_be_given(place: Place) -> None:
    calls, _ = place.make("bump_app", "BUMP_LEVEL=minor")
    assert [call.words for call in calls] == [["bump", "minor"]]


def test_without_a_publisher_images_stay_here(place: Place) -> None:
    calls, _ = place.make("build_app")
    assert f"session_calc:{VERSION}" in calls[0].words


@pytest.mark.parametrize("target", ["login", "push_app", "release_app", "pull_docker_spark", "release_docker_spark"])
def test_what_goes_to_a_registry_needs_a_publisher(place: Place, target: str) -> None:
    calls, said = place.make(target, code=2)
    assert "HUB_PUBLISHER is not set. Set it to the account on the registry" in said
    assert calls == []


def test_a_release_that_does_not_run_is_not_pushed(place: Place) -> None:
    calls, _ = place.make("release_app", code=2, HUB_PUBLISHER="acme", REFUSED="run")
    assert [call.words[0] for call in calls] == ["build", "run"]


def test_the_password_reaches_the_engine_through_its_input_and_is_no_argument(place: Place) -> None:
    calls, said = place.make("login", HUB_PUBLISHER="acme", HUB_PASSWORD=SECRET, HUB_REGISTRY="registry.example")
    assert [call.words for call in calls] == [["login", "--username", "acme", "--password-stdin", "registry.example"]]
    assert calls[0].stdin == SECRET
    assert SECRET not in said


def test_without_a_password_in_the_environment_the_engine_asks_for_it(place: Place) -> None:
    calls, _ = place.make("login", HUB_PUBLISHER="acme")
    assert [call.words for call in calls] == [["login", "--username", "acme"]]


def test_a_password_on_the_command_line_is_refused(place: Place) -> None:
    calls, said = place.make("login", "HUB_PUBLISHER=acme", "HUB_PASSWORD=secret", code=2)
    assert "HUB_PASSWORD stands on the command line, where everybody on this machine can read it" in said
    assert calls == []


@pytest.mark.parametrize("target", ["run_app", "debug_app"])
def test_a_run_hands_settings_on_by_name_and_belongs_to_the_user(place: Place, target: str) -> None:
    calls, _ = place.make(target, GROUP_KEY="os_family", AWS_SECRET_ACCESS_KEY=SECRET)
    words = calls[-1].words
    assert words[:8] == [
        *("run", "--rm", "--user", f"{os.getuid()}:0"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    ]
    assert f"{place.folder}:/job:ro" in words
    assert f"{place.folder}/output:/job/output" in words
    assert {"GROUP_KEY", "AWS_SECRET_ACCESS_KEY", "WRITE_PATH=output"} <= set(words)
    assert not any(SECRET in word for word in words)
    assert words[-2:] == (["run", "bash"] if target == "debug_app" else [f"session_calc:{VERSION}", "count"])
    assert (place.folder / "output").is_dir()


@pytest.mark.parametrize(
    ("write_path", "mounted", "said"), [("counts/x", "counts/x", "output"), ("s3://b/c", "output", "s3://b/c")]
)
def test_results_go_where_write_path_says(place: Place, write_path: str, mounted: str, said: str) -> None:
    calls, _ = place.make("run_app", WRITE_PATH=write_path)
    assert f"{place.folder}/{mounted}:/job/output" in calls[-1].words
    assert f"WRITE_PATH={said}" in calls[-1].words


def test_the_cluster_is_taken_down_also_when_the_job_fails(place: Place) -> None:
    compose = ["compose", "--file", "docker/compose.yaml"]
    expected = [
        [*compose, "build", "job", "store"],
        [*compose, "run", "--rm", "job"],
        [*compose, "down", "--volumes"],
    ]
    calls, _ = place.make("session_calc_cluster", code=2, REFUSED="run")
    assert [call.words for call in calls] == expected
    image = {"SESSION_CALC_IMAGE": f"session_calc:{VERSION}", "RUN_AS_UID": str(os.getuid())}
    assert all(call.environment == image for call in calls)


def test_clean_removes_the_images_that_are_there(place: Place) -> None:
    calls, _ = place.make("clean_app")
    removed = [call.words[2] for call in calls if call.words[:2] == ["image", "rm"]]
    assert calls[0].words[3:] == ["down", "--volumes", "--remove-orphans"]
    assert removed == [f"session_calc:{VERSION}", "session_calc:latest", "session_calc-test:latest"]


def test_the_tests_run_in_a_container_where_an_engine_answers(place: Place) -> None:
    calls, said = place.make("test_app")
    assert "docker answers: testing in a container." in said
    assert [call.words for call in calls] == [
        ["build", "--quiet", "--file", "docker/Dockerfile", "--target", "base", "."],
        ["run", "--rm", "--network", "none", "sha256:base", "true"],
        [*BUILD, "--target", "test", "--tag", "session_calc-test:latest", "."],
        ["run", "--rm", "session_calc-test:latest", "pytest", "--engine", "sail"],
        ["run", "--rm", "session_calc-test:latest", "pytest", "--engine", "spark"],
    ]


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("info", "Neither docker nor podman answers: testing in the virtual environment .venv-test."),
        ("build", "docker answers, but does not get the base image: testing in the virtual environment .venv-test."),
        ("run", "docker answers, but cannot run a container: testing in the virtual environment .venv-test."),
    ],
)
def test_the_tests_run_in_a_virtual_environment_where_no_engine_can(place: Place, refused: str, said: str) -> None:
    calls, output = place.make("test_app", REFUSED=refused)
    assert said in output
    side_by_side = ["--numprocesses", "auto", "--maxprocesses", "4"]
    assert [call.words for call in calls if "--engine" in call.words] == [
        [*side_by_side, "--engine", "sail"],
        [*side_by_side, "--engine", "spark"],
    ]


def test_a_target_without_an_engine_says_what_it_needs(place: Place) -> None:
    _, said = place.make("build_app", code=2, REFUSED="info")
    assert "Neither docker nor podman answers; this target needs one of them" in said


def test_help_has_a_sentence_for_every_target(place: Place) -> None:
    _, said = place.make("help")
    told = set(re.findall(r"^  (\w+) +[A-Z].*\.$", said, re.MULTILINE))
    targets = re.findall(r"^([a-z_]+):", (ROOT / "docker/images.mk").read_text(), re.MULTILINE)
    assert {"session_calc", "test_app", "lint", *targets} <= told
