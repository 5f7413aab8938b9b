"""The shape of the package: who may do what, and imports that point one way."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import session_calc

PACKAGE = Path(session_calc.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]
every_module = pytest.mark.parametrize("path", MODULES, ids=NAMES)

# The way of the data. A module imports from its own layer or from those before it: nothing points back.
LAYERS = [
    [
        "errors",
        "schemas",
        "classes",
        "days",
        "sessionize.rules",
        "_version",
        "sample",
        "clock",
        "progress",
        "redaction",
        "s3",
    ],
    ["inputs"],
    ["engines", "generate"],
    ["settings"],
    [
        *("read", "validate", "dedupe", "sessionize", "count", "measures", "distributions", "tally", "packing"),
        *("write", "results"),
    ],
    ["peek", "plausible"],
    ["prepare", "sums"],
    ["job", "session_table", "rejects"],
    ["label_table", "measure_table"],
    ["report", "doctor", "pages"],
    ["profile"],
    ["run"],
    ["run_profile"],
    ["summary"],
    ["__main__"],
]
STEPS = ["validate", "dedupe", "sessionize", "count", "measures", "distributions", "write"]
# what the steps may know of this package: what passes between them, and what goes wrong
STEPS_MAY_IMPORT = {"classes", "schemas", "days", "errors", "redaction", "s3"}


def name_of(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    """Name the modules of this package that a module imports, also inside functions, but not for types alone."""
    found: set[str] = set()
    for node in runtime_nodes(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    modules = {name_of(module) for module in MODULES}
    inside = {name.removeprefix("session_calc.") for name in found if name.startswith("session_calc.")}
    return {name if name in modules else name.rpartition(".")[0] for name in inside} - {""}


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from runtime_nodes(node)


def layer_of(name: str) -> int:
    while True:
        for number, layer in enumerate(LAYERS):
            if name in layer:
                return number
        assert "." in name, f"{name} is in no layer: add it where it belongs"
        name = name.rpartition(".")[0]


def attributes_of(path: Path) -> set[str]:
    """Give every dotted expression, such as os.environ."""
    return {ast.unparse(node) for node in ast.walk(tree_of(path)) if isinstance(node, (ast.Attribute, ast.Name))}


@every_module
def test_imports_point_one_way(path: Path) -> None:
    name = name_of(path)
    back = [other for other in imports_of(path) if name and layer_of(other) > layer_of(name)]

    assert back == []


def test_no_two_modules_import_each_other_at_their_tops() -> None:
    graph = {name_of(path): imports_of(path) - {name_of(path)} for path in MODULES}
    circles = [(one, other) for one, others in graph.items() for other in others if one in graph.get(other, ())]

    assert circles == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_imports_no_other_step(step: str) -> None:
    for path in MODULES:
        if name_of(path).split(".")[0] == step:
            assert {name for name in imports_of(path) if name.split(".")[0] not in {step, *STEPS_MAY_IMPORT}} == set()


@every_module
def test_only_the_command_line_reads_arguments_and_the_environment(path: Path) -> None:
    found = attributes_of(path) & {"sys.argv", "os.environ", "os.getenv", "environ", "getenv", "os.environb"}
    if path.name == "__main__.py":
        return
    if path.parent.name == "engines":  # they set what an engine reads in this process or in its Java, and read nothing
        assert found <= {"os.environ"}
        assert not re.search(r"os\.environ\.get\b|= *os\.environ\[|in os\.environ\b", path.read_text(encoding="utf-8"))
        return
    assert found == set()


@every_module
def test_only_engines_build_a_spark_session(path: Path) -> None:
    builders = {name for name in attributes_of(path) if name.endswith(("SparkSession.builder", "getOrCreate"))}

    assert not builders or path.parent.name == "engines"


@every_module
def test_steps_are_handed_values_and_never_settings(path: Path) -> None:
    may_know = {"__main__", "run", "report", "doctor", "settings", "summary", "run_profile"}

    assert "settings" not in imports_of(path) or name_of(path) in may_know


FORBIDDEN = {
    "sparkContext",
    "rdd",
    "_jvm",
    "_jsparkSession",
    "createOrReplaceTempView",
    "createTempView",
    "sql",
    "selectExpr",
    "expr",
}


@every_module
def test_nothing_is_used_that_spark_connect_lacks_and_no_text_is_run_as_sql(path: Path) -> None:
    used = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}

    assert used & FORBIDDEN == set()


@every_module
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


WITH_EXAMPLES = [path for path in MODULES if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_examples_in_docstrings_hold(path: Path) -> None:
    result = doctest.testmod(import_module(f"session_calc.{name_of(path)}".rstrip(".")))

    assert result.attempted > 0
    assert result.failed == 0


def test_counting_by_the_gap_alone_imports_no_package_that_a_cluster_need_not_have() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['pyarrow', 'pandas', 'numpy'])); "
        "import session_calc.__main__, session_calc.job, session_calc.engines.spark, session_calc.read.judged"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PACKAGE.parent)
