"""The keys as a nested schema, for parsers that take one."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructField, StructType

from session_calc.schemas import path_of

Tree = dict[str, Any]  # a name to the Tree below it, or to None at a field


def tree_of(keys: Iterable[str]) -> Tree | None:
    """Arrange keys as the nested fields they name; None where one key's field is an object on another key's way."""
    tree: Tree = {}
    for key in keys:
        *way, last = path_of(key)
        branch: Any = tree
        for name in way:
            branch = branch.setdefault(name, {}) if isinstance(branch, dict) else None
        if not isinstance(branch, dict) or branch.setdefault(last, None) is not None:
            return None
    return tree


def struct_of(tree: Tree, types: Mapping[str, DataType], way: tuple[str, ...] = ()) -> StructType:
    """Give the schema of a tree; a field is a string unless `types` says otherwise for its key."""
    return StructType([StructField(name, _type_of(below, types, (*way, name))) for name, below in tree.items()])


def _type_of(below: Tree | None, types: Mapping[str, DataType], way: tuple[str, ...]) -> DataType:
    if below is not None:
        return struct_of(below, types, way)
    return types.get(".".join(way), StringType())


def field_at(column: Column, path: Iterable[str]) -> Column:
    """Walk down a struct column."""
    for name in path:
        column = column.getField(name)
    return column


def field_of(key: str) -> Column:
    """Refer to the field that a key names, by its very name, whatever it holds."""
    top, *below = path_of(key)
    return field_at(F.col("`" + top.replace("`", "``") + "`"), below)
