"""A Sail server inside this process, and a session on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession


@contextmanager
def local_sail() -> Iterator[SparkSession]:
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()
        server.stop()
