"""A remote Spark Connect server. Its own client tries an unreachable one again for over ten minutes, in silence."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.engines.variables import variables
from session_calc.errors import EngineUnavailable
from session_calc.redaction import without_secrets
from session_calc.s3 import Source

PATIENCE_SECONDS = 15


@contextmanager
def open_here(
    remote: str,
    environment: Mapping[str, str],
    _verbose: bool,
    _with_progress: bool = False,
    _s3: Source | None = None,
) -> Iterator[Engine]:
    """Reach the server at `remote`, an sc:// URL; it reads S3 with what it was given itself."""
    from pyspark.sql import SparkSession

    require_answer(remote)
    with variables({"MASTER": None}, environment):  # a Spark cluster's name, of no concern here
        builder = SparkSession.builder.remote(remote)
        for name, value in SESSION_SETTINGS.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
    try:
        yield Engine(spark, "connect", f"Spark Connect server {spark.version}", is_here=False)
    finally:
        spark.stop()


def require_answer(remote: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Make sure that a server answers at the URL.

    Raises
    ------
    EngineUnavailable
        It is no such URL, or nothing answers within `patience_seconds`.
    """
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        channel = DefaultChannelBuilder(remote).toChannel()
    except ValueError:
        raise EngineUnavailable(
            f"SPARK_REMOTE is {without_secrets(remote)}, but must be the address of a Spark Connect server, such as "
            "sc://host:15002."
        ) from None
    try:
        grpc.channel_ready_future(channel).result(timeout=patience_seconds)
    except grpc.FutureTimeoutError:
        raise EngineUnavailable(
            f"SPARK_REMOTE is {without_secrets(remote)}, but no Spark Connect server answered there within "
            f"{patience_seconds:g} seconds. Start it or mend the address; or unset SPARK_REMOTE to count with the "
            "embedded engine."
        ) from None
    finally:
        channel.close()
