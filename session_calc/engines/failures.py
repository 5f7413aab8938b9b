"""What a user can do about the failures that engines are known for, above all clusters and servers."""

import re

from session_calc.errors import EngineUnavailable, UnreadableInput, UserError

_UNSEEN = re.compile(
    r"(?:reading file |FileNotFoundException:\s+File |Path does not exist: )file:/*(?P<path>[^\n]+?)"
    r"(?:\.? (?:File )?does not exist|\.(?:\s|$))"
)
_OTHER_PYTHON = re.compile(
    r"Python in worker has different version:? (?P<worker>[\d.]*\d) than that in driver:? (?P<driver>[\d.]*\d)"
)
_NO_PACKAGE = re.compile(r"No module named '(?:pyarrow|pandas|numpy)|(?:PyArrow|Pandas|NumPy) >= \S+ must be installed")
_NO_ROOM = re.compile(r"temporary rows cannot be written to (?P<folder>[^\n]+)/lines/\d+\.rows: (?P<why>[^\n]+)")
_NO_UTF8 = re.compile(r"invalid UTF-8")


def explained(failure: BaseException) -> UserError | None:
    """Give the error that says what to do, where the engine's failure is a known one."""
    text = str(failure)
    if unseen := _UNSEEN.search(text):
        return UnreadableInput(
            f"The engine does not see /{unseen['path']}, which is on this machine. Nothing was written. Elsewhere than "
            "on one machine, READ_PATH must lead where every machine finds it by the same name: to S3, or to a folder "
            "that all of them mount."
        )
    if other := _OTHER_PYTHON.search(text):
        return EngineUnavailable(
            f"The engine's workers run Python {other['worker']}, but this is Python {other['driver']}; Spark needs one "
            "minor version on both sides. Set PYSPARK_PYTHON to a Python of the workers' machines, and "
            "PYSPARK_DRIVER_PYTHON (under spark-submit) to one of the same version here."
        )
    if _NO_PACKAGE.search(text):
        return EngineUnavailable(
            "This command, or one of its rules, needs the Python packages pyarrow and pandas, and the Python of the "
            "driver or of a worker has none. Nothing was written. Install them there: pip install pyarrow pandas."
        )
    if full := _NO_ROOM.search(text):
        return UserError(
            f"{full['folder']}, a temporary folder, cannot be written to: {full['why']}. Nothing was written. Set "
            "TMPDIR to a folder with more room: most inputs take a tenth of their size there, `label` takes all of it."
        )
    if _NO_UTF8.search(text):
        return UnreadableInput(
            "An input holds bytes that are no UTF-8, and this server refuses a whole file for one of them. Nothing was "
            "written. Count with ENGINE=sail or ENGINE=spark, which reject such lines alone; or mend the file."
        )
    return None
