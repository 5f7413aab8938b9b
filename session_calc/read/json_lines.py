"""JSON lines, the tolerant way on every engine: the engine's parser, and a sentinel that shows it read to the end.

`from_json` stops after the first object of a line and says nothing of what follows. So the line's last brace is
replaced by one more field, named and filled at random: where the parser finds that field in the outermost object,
the object's end was the line's end. Every line without it goes to the judge, as do those with text that parsers
re-write (numbers with a fraction, objects), escapes of surrogates and bytes that are no UTF-8.
"""

import secrets

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc.read import patterns
from session_calc.read.judge import make_judge
from session_calc.read.judged import unite
from session_calc.read.lines import problem_before_parsing
from session_calc.read.nested import field_at, struct_of, tree_of
from session_calc.schemas import Fields, path_of

_STRICT = {"allowNonNumericNumbers": "false", "allowSingleQuotes": "false", "mode": "PERMISSIVE"}
_LAST_BRACE = r"\}[ \t\r]*\z"


def parse(lines: DataFrame, fields: Fields) -> DataFrame:
    """Parse LINES to PARSED.

    Parameters
    ----------
    lines : LINES
    fields : Fields

    Returns
    -------
    DataFrame : PARSED
        As many rows as came in.
    """
    tree = tree_of(fields.keys) if all(map(_is_simple, fields.names)) else None
    # without a schema that says the keys, nothing is plain and the judge reads every line
    sentinel_name, sentinel = f"end-{secrets.token_hex(8)}", secrets.token_hex(8)
    # Spark keeps the other fields of a line in which one is malformed, and says so in the corrupt-record field alone
    corrupt_name = f"corrupt-{secrets.token_hex(8)}"
    schema = struct_of({**(tree or {}), sentinel_name: None, corrupt_name: None}, {})
    closed = F.regexp_replace("value", _LAST_BRACE, f',"{sentinel_name}":"{sentinel}"}}')
    document, problem = F.col("document"), F.col("problem")
    parsed = lines.select("value", problem_before_parsing(fields.max_line_bytes).alias("problem")).withColumn(
        "document",
        F.from_json(F.when(problem.isNull(), closed), schema, {**_STRICT, "columnNameOfCorruptRecord": corrupt_name}),
    )
    keys = {**fields.text_columns, "time": fields.timestamp_key}
    nothing = F.lit(None).cast("string")
    texts = {name: nothing if tree is None else field_at(document, path_of(key)) for name, key in keys.items()}
    was_read_to_its_end = (document.getField(sentinel_name) == sentinel) & document.getField(corrupt_name).isNull()
    is_plain = F.lit(tree is not None) & was_read_to_its_end & ~F.col("value").rlike(_suspect_text(fields))
    for name in fields.text_columns:
        is_plain &= ~F.coalesce(texts[name].rlike(patterns.REWRITTEN_TEXT), F.lit(False))
    found = parsed.select(
        "value", problem, is_plain.alias("is_plain"), *[text.alias(name) for name, text in texts.items()]
    )
    return unite(found, make_judge(*fields.for_judge()), fields)


def _is_simple(name: str) -> bool:
    return name.isascii() and name.isprintable() and not set(name) & set('"\\')


def _suspect_text(fields: Fields) -> str:
    suspects = [r"\x{fffd}", r"\\u[dD]", r"-0[ \t\r]*[,}\]]"]
    if fields.names_on_the_way:
        # of two objects with one name a parser may keep the first where the second is none; escapes could hide a name
        suspects += [patterns.name_twice(fields.names_on_the_way), r"\\u00[0-7]"]
    return "|".join(f"(?:{suspect})" for suspect in suspects)
