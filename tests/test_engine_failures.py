"""Failures of engines that a user can mend: each text is what a real one said."""

from __future__ import annotations

import pytest

from session_calc.engines.failures import explained

UNSEEN = (
    "The engine does not see /data/day 1/e.v2.jsonl, which is on this machine. Nothing was written. Elsewhere than on "
    "one machine, READ_PATH must lead where every machine finds it by the same name: to S3, or to a folder that all of "
    "them mount."
)
OTHER_PYTHON = (
    "The engine's workers run Python 3.10, but this is Python 3.11; Spark needs one minor version on both sides. Set "
    "PYSPARK_PYTHON to a Python of the workers' machines, and PYSPARK_DRIVER_PYTHON (under spark-submit) to one of the "
    "same version here."
)
NO_UTF8 = (
    "An input holds bytes that are no UTF-8, and this server refuses a whole file for one of them. Nothing was "
    "written. Count with ENGINE=sail or ENGINE=spark, which reject such lines alone; or mend the file."
)
NO_PACKAGE = (
    "This command, or one of its rules, needs the Python packages pyarrow and pandas, and the Python of the driver or "
    "of a worker has none. Nothing was written. Install them there: pip install pyarrow pandas."
)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        pytest.param(
            "An error occurred while calling o497.collectToPython.\n: org.apache.spark.SparkException: "
            "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file file:///data/day 1/e.v2.jsonl. "
            "File does not exist. It is possible the underlying files have been updated.",
            UNSEEN,
            id="workers of Spark 4 do not see a file",
        ),
        pytest.param(
            "java.io.FileNotFoundException: \nFile file:/data/day 1/e.v2.jsonl does not exist\n\nIt is possible the "
            "underlying files have been updated.",
            UNSEEN,
            id="workers of Spark 3.5 do not see a file",
        ),
        pytest.param(
            "[PATH_NOT_FOUND] Path does not exist: file:/data/day 1/e.v2.jsonl. SQLSTATE: 42K03",
            UNSEEN,
            id="a Spark Connect server does not see a file",
        ),
        pytest.param(
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.10 than that in driver: 3.11, PySpark "
            "cannot run with different minor versions.",
            OTHER_PYTHON,
            id="workers have another Python",
        ),
        pytest.param("No module named 'pyarrow'", NO_PACKAGE, id="a driver has no pyarrow"),
        pytest.param(
            "An exception was thrown from the Python worker. ModuleNotFoundError: No module named 'pyarrow'",
            NO_PACKAGE,
            id="a worker has no pyarrow",
        ),
        pytest.param(
            "[PACKAGE_NOT_INSTALLED] PyArrow >= 18.0.0 must be installed; however, it was not found.",
            NO_PACKAGE,
            id="PySpark itself misses pyarrow",
        ),
        pytest.param(
            "Parser error: Encountered invalid UTF-8 data at line 5", NO_UTF8, id="a Sail server refuses broken UTF-8"
        ),
    ],
)
def test_the_message_says_what_to_do_where(said: str, advice: str) -> None:
    assert str(explained(RuntimeError(said))) == advice


def test_a_failure_that_is_not_known_stays_as_it_is() -> None:
    assert explained(RuntimeError("Job aborted due to stage failure: No space left on device")) is None
