"""What every engine looks like to the steps."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

# The same on every engine, whatever a cluster or server is set to: no answer may hang on the machine's time zone or on
# how a name is capitalised, and no file may be left out because it is damaged or gone.
SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}


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
    decodes_urls : bool
        To it `%20` in the URL of an object is a space.
    file_scheme : str
        What it needs before a path of this machine: to Spark beside Hadoop a bare path is one in HDFS.
    spills : bool
        What is larger than its memory goes to the disk; else the rows that are put in order at a time must be few.
    """

    spark: SparkSession
    name: str
    version: str
    is_here: bool
    scans_text_first: bool = False
    decodes_urls: bool = False
    file_scheme: str = ""
    spills: bool = True
