"""What fields the sampled events have: types, shares that are missing, null or empty, distinct and frequent values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from session_calc.peek import DEEPEST, Row
from session_calc.profile.sample import Line, spell
from session_calc.read.judge import Number

MOST_FIELDS = 300  # objects that serve as maps have a field for each of their keys
MOST_VALUES = 50_000  # that are told apart in one field
LONGEST_VALUE = 120  # characters
_TOP = 5
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")


@dataclass
class Field:
    """What was seen in one field.

    Attributes
    ----------
    seen_count : int
        Lines that have the field, also with null.
    """

    seen_count: int = 0
    null_count: int = 0
    empty_count: int = 0
    types: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    is_cut: bool = False

    def see(self, value: Any) -> None:
        self.seen_count += 1
        if value is None:
            self.null_count += 1
            return
        self.types[type_of(value)] += 1
        if isinstance(value, dict):
            return  # its fields are looked at one by one
        text = spell(value)
        self.empty_count += text == ""
        if text in self.values or len(self.values) < MOST_VALUES:
            self.values[text] += 1
        else:
            self.is_cut = True

    def top(self) -> list[tuple[str, int]]:
        """Give the most frequent values; none where every value stands there once."""
        ranked = sorted(self.values.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
        return [(_shortened(text), count) for text, count in ranked if count > 1 or len(self.values) <= _TOP]


@dataclass(frozen=True)
class FieldsSeen:
    """All fields by their names, nested ones with dots, and how many lines they were looked for in."""

    line_count: int
    by_name: dict[str, Field]
    left_out_count: int


def of_lines(lines: Iterable[Line]) -> FieldsSeen:
    """Look at every field of the sampled lines that have fields, three levels deep."""
    seen: dict[str, Field] = {}
    left_out: set[str] = set()
    line_count = 0
    for line in lines:
        if line.document is None:
            continue
        line_count += 1
        for name, value in _fields(line.document, "", DEEPEST):
            if name not in seen and len(seen) >= MOST_FIELDS:
                if len(left_out) < MOST_VALUES:
                    left_out.add(name)
                continue
            seen.setdefault(name, Field()).see(value)
    return FieldsSeen(line_count, dict(sorted(seen.items())), len(left_out))


def type_of(value: Any) -> str:
    """Name a value's type as JSON does, and moments of Parquet.

    Examples
    --------
    >>> [type_of(value) for value in ("7", Number("7"), Number("7.5"), True, {}, [])]
    ['string', 'integer', 'number', 'boolean', 'object', 'array']
    """
    if isinstance(value, Number):
        return "integer" if _WHOLE_NUMBER.fullmatch(value) else "number"
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object", Row: "object"}
    return kinds.get(type(value), "array" if isinstance(value, list) else type(value).__name__)


def _fields(document: dict[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        yield (f"{before}{name}" if "." not in name or isinstance(document, Row) else f'{before}"{name}"'), value
        if isinstance(value, dict) and depth > 1:
            yield from _fields(value, f"{before}{name}.", depth - 1)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
