"""Fill the template: a page is sections of texts, numbers, findings, pictures and tables, and escapes all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from session_calc import __version__
from session_calc.pages.plots import Picture
from session_calc.pages.words import printable, spell

_FEW_ROWS = 12  # more are folded away


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    is_aside: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind: str = "heading"


@dataclass(frozen=True)
class Numbers:
    """A few numbers with their names, large."""

    rows: Sequence[tuple[str, str]]
    kind: str = "numbers"


@dataclass(frozen=True)
class Findings:
    """Sentences with how grave they are: `problem`, `notice`, `fine`."""

    rows: Sequence[tuple[str, str]]
    kind: str = "findings"


@dataclass(frozen=True)
class Figure:
    """A picture and what it shows."""

    picture: Picture
    caption: str
    kind: str = "figure"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    is_number: bool = False
    is_code: bool = False


@dataclass(frozen=True)
class Table:
    """A table; a long one is folded away, but for paper."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    is_open: bool = False
    kind: str = "table"

    @property
    def is_folded(self) -> bool:
        return len(self.rows) > _FEW_ROWS and not self.is_open

    def cells(self, row: Sequence[Any]) -> Iterator[tuple[Column, str]]:
        return ((column, spell(cell)) for column, cell in zip(self.columns, row, strict=True))


Part = Text | Heading | Numbers | Findings | Figure | Table


@dataclass(frozen=True)
class Section:
    """A part of the page that its list of contents names."""

    id: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Page:
    """All that a page says."""

    title: str
    subtitle: str
    sections: Sequence[Section] = field(default_factory=list)


def to_html(page: Page) -> bytes:
    """Give the page as one file."""
    environment = Environment(
        loader=PackageLoader("session_calc.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    filled = environment.get_template("base.html.j2").render(
        title=page.title, subtitle=page.subtitle, sections=page.sections, version=__version__
    )
    return filled.encode("utf-8", errors="backslashreplace")


def named(*names: str, numbers: str = "", code: str = "") -> list[Column]:
    """Name the columns of a table; those in `numbers` stand to the right, those in `code` in a fixed width.

    Examples
    --------
    >>> [column.is_number for column in named("value", "sessions", numbers="sessions")]
    [False, True]
    """
    as_numbers, as_code = set(numbers.split("|")) - {""}, set(code.split("|")) - {""}
    return [Column(name, name in as_numbers, name in as_code) for name in names]


def _shown(value: Any) -> Any:
    # the markup of a picture is a text too, and is to stay as it is
    return printable(value) if type(value) is str else value
