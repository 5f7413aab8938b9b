"""The manifest for Kubernetes and the commands in docker/CLUSTERS.md: whole, of this version, without rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Command

from session_calc import __main__, __version__
from session_calc.settings import SETTINGS

ROOT = Path(__file__).parent.parent
COMMANDS = (ROOT / "docker/CLUSTERS.md").read_text(encoding="utf-8")
MANIFEST = ROOT / "docker/k8s/session-calc.yaml"

# The fields of sparkoperator.k8s.io/v1beta2 that the manifest uses, as the operator's API types declare them: a wrong
# one it would drop without a word.
SECURITY = {
    "allowPrivilegeEscalation": bool,
    "capabilities": {"drop": list},
    "runAsGroup": int,
    "runAsNonRoot": bool,
    "runAsUser": int,
    "seccompProfile": {"type": str},
}
POD = {"cores": int, "memory": str, "memoryOverhead": str, "serviceAccount": str, "securityContext": SECURITY}
SCHEMA: dict[str, Any] = {
    "apiVersion": str,
    "kind": str,
    "metadata": {"name": str},
    "spec": {
        "type": str,
        "mode": str,
        "sparkVersion": str,
        "image": str,
        "mainApplicationFile": str,
        "arguments": list,
        "timeToLiveSeconds": int,
        "restartPolicy": {
            "type": str,
            "onFailureRetries": int,
            "onFailureRetryInterval": int,
            "onSubmissionFailureRetries": int,
            "onSubmissionFailureRetryInterval": int,
        },
        "driver": POD,
        "executor": {**POD, "instances": int},
    },
}
NEEDED = {"type", "sparkVersion", "mainApplicationFile", "driver", "executor"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    return dict(yaml.safe_load(MANIFEST.read_text(encoding="utf-8")))


def misfits(found: Any, expected: Any, place: str = "") -> list[str]:
    if not isinstance(expected, dict):
        return [] if type(found) is expected else [place]
    unknown = [f"{place}.{name}" for name in found if name not in expected]
    known = [name for name in found if name in expected]
    return unknown + [one for name in known for one in misfits(found[name], expected[name], f"{place}.{name}")]


def test_the_manifest_has_the_fields_that_the_operator_knows_and_needs(manifest: dict[str, Any]) -> None:
    assert misfits(manifest, SCHEMA) == []
    assert (manifest["apiVersion"], manifest["kind"]) == ("sparkoperator.k8s.io/v1beta2", "SparkApplication")
    assert set(manifest["spec"]) >= NEEDED
    assert (manifest["spec"]["type"], manifest["spec"]["mode"]) == ("Python", "cluster")
    assert manifest["spec"]["restartPolicy"]["type"] in {"Never", "Always", "OnFailure"}


def test_its_pods_run_as_the_image_s_user_and_may_not_become_another(manifest: dict[str, Any]) -> None:
    for pod in (manifest["spec"]["driver"], manifest["spec"]["executor"]):
        assert pod["securityContext"]["runAsUser"] == 185
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["securityContext"]["allowPrivilegeEscalation"]
        assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_its_arguments_are_those_of_the_command_line(manifest: dict[str, Any]) -> None:
    command, *options = manifest["spec"]["arguments"]

    assert command == "count"
    assert {option.partition("=")[0] for option in options} <= known_options()
    assert manifest["spec"]["mainApplicationFile"] == "local:///opt/count_sessions.py"


def known_options() -> set[str]:
    count = __main__.command.commands["count"]
    assert isinstance(count, Command)
    return {name for parameter in count.params for name in parameter.opts}


def test_every_option_behind_the_application_file_is_one_of_the_command_line() -> None:
    blocks = re.findall(r"count_sessions\.py(?P<options>(?:[^\n]*\\\n)*[^\n]*)", COMMANDS)
    named = {option for block in blocks for option in re.findall(r"(?<= )--(?:read|write|group|log)[a-z-]*", block)}

    assert named >= {"--read-path", "--write-path"}
    assert named <= known_options()
    assert {setting.option for setting in SETTINGS if "count" in setting.commands} <= known_options()


def test_files_and_images_are_of_this_version(manifest: dict[str, Any]) -> None:
    named = re.findall(r"session_calc-(\d[\w.]*?)-py", COMMANDS) + re.findall(r"/session_calc:(\d[\w.]*)", COMMANDS)

    assert named
    assert set(named) == {__version__}
    assert manifest["spec"]["image"].rpartition(":")[2] == __version__
