"""Keep a frame that several questions are asked of, so that the inputs are read once."""

from pyspark.sql import DataFrame

from session_calc.read.stage import Stage


def keep(rows: DataFrame, name: str, stage: Stage) -> DataFrame:
    """Compute a frame once, and give it back as it was computed.

    Sail's `persist` does nothing, so on this machine the rows lie as Parquet in the stage's temporary folder. An engine
    elsewhere does not see that folder, and keeps them itself.
    """
    if stage.folder is None:
        return rows.persist()
    path = f"{stage.file_scheme}{stage.folder / name}"
    rows.write.parquet(path)
    return rows.sparkSession.read.schema(rows.schema).parquet(path)
