"""The embedded engine: Sail, a Spark Connect server in Rust inside this process, reached over loopback."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.engines.variables import variables
from session_calc.s3 import Source, environment_for_sail


@contextmanager
def open_here(
    _remote: str,
    environment: Mapping[str, str],
    verbose: bool,
    _with_progress: bool = False,
    s3: Source | None = None,
) -> Iterator[Engine]:
    """Start Sail in this process on a free port of the loopback interface.

    How S3 is read, Sail is told by the environment, which it looks at when it first reads a bucket.
    """
    # MASTER names a Spark cluster, which PySpark would not have beside a remote address
    wanted = {"MASTER": None, **(environment_for_sail(s3) if s3 else {})}
    with variables(wanted, environment), _open(environment, verbose) as engine:
        yield engine


@contextmanager
def _open(environment: Mapping[str, str], verbose: bool) -> Iterator[Engine]:
    # Sail reads it when it is imported; its INFO lines are of no use to a user of the job
    os.environ["RUST_LOG"] = environment.get("RUST_LOG", "info" if verbose else "off")
    import pysail
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    try:
        _, port = server.listening_address
        builder = SparkSession.builder.remote(f"sc://127.0.0.1:{port}")
        for name, value in SESSION_SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        try:
            yield Engine(
                spark,
                "sail",
                f"Sail {pysail.__version__}",
                is_here=True,
                scans_text_first=True,
                decodes_urls=True,
                spills=False,
            )
        finally:
            spark.stop()
    finally:
        server.stop()
