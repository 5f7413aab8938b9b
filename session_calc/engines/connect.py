"""A remote Spark Connect server. Its own client tries an unreachable one again for more than ten minutes, in silence."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from session_calc.engines.engine import SESSION_SETTINGS, Engine
from session_calc.errors import EngineUnavailable

PATIENCE_SECONDS = 15


@contextmanager
def open_here(remote: str, _environment: Mapping[str, str], _verbose: bool) -> Iterator[Engine]:
    """Reach the server at `remote`, an sc:// URL."""
    from pyspark.sql import SparkSession

    require_answer(remote)
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
        Nothing answers within `patience_seconds`.
    """
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder

    channel = DefaultChannelBuilder(remote).toChannel()
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


def without_secrets(remote: str) -> str:
    """Give the URL without its parameters' values, among which may be a token.

    Examples
    --------
    >>> without_secrets("sc://host:15002/;token=abc;user_id=me")
    'sc://host:15002/;token=***;user_id=***'
    """
    return re.sub(r";([^=;]+)=[^;]*", r";\1=***", remote)
