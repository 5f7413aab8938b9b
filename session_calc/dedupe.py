"""One event per id: of several with the same id the earliest is kept, the others are set aside."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from session_calc.schemas import DUPLICATE


def earliest(validated: DataFrame, content_columns: Sequence[str]) -> DataFrame:
    """Set aside every event whose id an earlier one has; of those at the same moment the smallest content is kept.

    Parameters
    ----------
    validated : VALIDATED
        With event_id. Events without an id are all kept.
    content_columns : sequence of str
        By which events of the same id and moment are put in order, null last.

    Returns
    -------
    DataFrame : VALIDATED
        As many rows as came in; set_aside is `duplicate` for those that were dropped.
    """
    content = [F.col(name).asc_nulls_last() for name in content_columns]
    # events without an id have nothing to do with each other: by their users they spread over the workers
    without_id = F.when(F.col("event_id").isNull(), F.col(content_columns[0]))
    same_id = Window.partitionBy("set_aside", "event_id", without_id).orderBy("event_time", *content)
    is_again = F.col("set_aside").isNull() & F.col("event_id").isNotNull() & (F.col("place") > 1)
    placed = validated.withColumn("place", F.row_number().over(same_id)).withColumn("is_again", is_again)
    return placed.select(
        F.when(F.col("is_again"), F.lit(DUPLICATE)).otherwise(F.col("set_aside")).alias("set_aside"),
        *[
            F.when(~F.col("is_again"), F.col(name)).alias(name)
            for name in validated.columns
            if name not in {"set_aside", "event_id"}
        ],
    )
