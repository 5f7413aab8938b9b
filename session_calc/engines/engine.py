"""What every engine looks like to the steps."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

# The same on every engine: no answer may hang on the machine's time zone, or on how a name is capitalised.
SESSION_SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.caseSensitive": "true"}


@dataclass(frozen=True)
class Engine:
    """A running engine.

    Attributes
    ----------
    spark : SparkSession
    name : str
        As ENGINE says it.
    version : str
        What runs, for the run report: `Sail 0.7.2`, `Spark 4.2.1 local[*]`.
    is_here : bool
        It sees this machine's temporary files.
    scans_text_first : bool
        A look at the text before the reading pays: it shows whether `read.json_fast` may be used, and whether a byte
        is no UTF-8, for which the engine would refuse the whole file.
    """

    spark: SparkSession
    name: str
    version: str
    is_here: bool
    scans_text_first: bool = False
