"""Draw: bars, classes, columns over time, lengths of silence, curves; each for wide windows and for narrow ones."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from session_calc.pages.svg import to_inline
from session_calc.pages.words import printable

# what is drawn in these colours is shown in those of the page's style, which has others for the dark
INK, MUTED, LINE, PAPER = "#101112", "#505152", "#d0d1d2", "#fdfefd"
MAIN, MARK, SOFT = "#0a60d1", "#b04a01", "#9dbfe9"
SERIES = ("#0a60d2", "#8a8b8c", "#c01f2a", "#b06001", "#7a3fb1", "#0f7a72", "#a32f7b", "#5d6b01", "#8f4a3b")
_STYLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    PAPER: "var(--paper)",
    MAIN: "var(--main)",
    MARK: "var(--mark)",
    SOFT: "var(--soft)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)},
}
_SETTINGS: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.titlesize": 8.0,
}
_WIDE, _NARROW = 7.2, 3.6  # inches
_FEW_COLUMNS = 40  # more are drawn without space between them


@dataclass(frozen=True)
class Picture:
    """A drawing in two widths, and what it shows in words."""

    wide: Markup
    narrow: Markup
    says: str


Draw = Callable[[Axes, bool], None]


def picture(name: str, says: str, draw: Draw, height: float = 2.6, narrow_height: float = 0.0) -> Picture:
    """Draw twice.

    Parameters
    ----------
    name : str
        Once in a page.
    says : str
        What a screen reader says instead.
    draw : function
        Of the axes, and whether the window is narrow.
    height, narrow_height : float, inches
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of its caches nobody wants to know
    wide = _drawn(f"{name}-wide", says, lambda axes: draw(axes, False), (_WIDE, height))
    narrow = _drawn(f"{name}-narrow", says, lambda axes: draw(axes, True), (_NARROW, narrow_height or height))
    return Picture(wide, narrow, says)


def _drawn(name: str, says: str, draw: Callable[[Axes], None], size: tuple[float, float]) -> Markup:
    file = BytesIO()
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the browser has the letters that this font lacks
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        axes = figure.subplots()
        axes.set_facecolor("none")
        draw(axes)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return Markup(to_inline(file.getvalue(), name, printable(says), _STYLES))


def short(number: float) -> str:
    """Spell a number for an axis.

    Examples
    --------
    >>> [short(number) for number in (0, 950, 1_500, 20_000, 3_000_000)]
    ['0', '950', '1.5k', '20k', '3M']
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


def length_text(seconds: float) -> str:
    """Spell a length of time in its largest fitting unit.

    Examples
    --------
    >>> [length_text(seconds) for seconds in (1, 90, 1_800, 5_400, 86_400, 129_600)]
    ['1 s', '90 s', '30 min', '1.5 h', '1 d', '1.5 d']
    """
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and (seconds / size >= 2 or seconds % size == 0 or size > 60):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def stacked(name: str, says: str, parts: Mapping[str, int]) -> Picture:
    """Draw parts of a whole as one bar, each with its name below."""
    whole = sum(parts.values()) or 1

    def draw(axes: Axes, is_narrow: bool) -> None:
        left = 0.0
        for place, (part, count) in enumerate(parts.items()):
            colour = SERIES[place % len(SERIES)]
            axes.barh([0], [count / whole], left=left, color=colour, height=0.8, label=f"{part} {count:,}")
            left += count / whole
        axes.set_xlim(0, 1)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        figure = axes.get_figure(root=True)
        if figure:
            figure.legend(
                loc="outside lower center",
                ncols=1 if is_narrow else 3,
                frameon=False,
                fontsize=8,
                labelcolor=INK,
                handlelength=1,
                handleheight=1,
            )

    rows = len(parts)
    return picture(name, says, draw, height=0.9 + 0.19 * -(-rows // 3), narrow_height=0.9 + 0.19 * rows)


def bars(name: str, says: str, rows: Sequence[tuple[str, int]], unit: str) -> Picture:
    """Draw a bar for each value, the first on top, with its number behind it."""
    most = max((count for _, count in rows), default=0) or 1

    def draw(axes: Axes, is_narrow: bool) -> None:
        longest = 18 if is_narrow else 34
        places = range(len(rows))
        axes.barh(places, [count for _, count in rows], color=MAIN, height=0.7)
        spelled = [printable(value).replace("\n", "\\n") for value, _ in rows]
        labels = [value if len(value) <= longest else f"{value[: longest - 1]}…" for value in spelled]
        axes.set_yticks(places, labels=labels, parse_math=False, color=INK)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, most * (1.28 if is_narrow else 1.14))
        for place, (_, count) in enumerate(rows):
            axes.annotate(
                f"{count:,}", (count, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7.5
            )
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(unit)

    return picture(name, says, draw, height=0.45 + 0.21 * len(rows))


def classes(name: str, says: str, rows: Sequence[tuple[str, int]], x_label: str, y_label: str) -> Picture:
    """Draw a column for each class, in their order."""

    def draw(axes: Axes, is_narrow: bool) -> None:
        places = range(len(rows))
        axes.bar(places, [count for _, count in rows], color=MAIN, width=0.82)
        axes.set_xticks(places, labels=[label for label, _ in rows])
        is_tight = sum(len(label) for label, _ in rows) > (30 if is_narrow else 70)
        axes.tick_params(axis="x", length=0, labelrotation=90 if is_tight else 0)
        _count_axis(axes, y_label)
        axes.set_xlabel(x_label)

    return picture(name, says, draw, height=2.7, narrow_height=2.9)


def columns_over_time(name: str, says: str, rows: Sequence[tuple[str, int]], y_label: str) -> Picture:
    """Draw how many there were in each hour or day, all without a gap between them."""

    def draw(axes: Axes, is_narrow: bool) -> None:
        counts = [count for _, count in rows]
        if len(rows) <= _FEW_COLUMNS:
            axes.bar(range(len(rows)), counts, color=MAIN, width=0.82)
        else:
            axes.stairs(counts, [place - 0.5 for place in range(len(rows) + 1)], fill=True, color=MAIN)
        most = 3 if is_narrow else 7
        step = max(1, -(-len(rows) // most))
        shown = list(range(0, len(rows), step))
        axes.set_xticks(shown, labels=[rows[place][0].replace("T", "\n") for place in shown])
        axes.set_xlim(-0.5, len(rows) - 0.5)
        _count_axis(axes, y_label)

    return picture(name, says, draw)


def silences(name: str, says: str, rows: Sequence[tuple[int, int, int]], marks: Sequence[tuple[float, str]]) -> Picture:
    """Draw how often a silence was so long, per doubling of its length; marks are gaps with their names."""
    whole = sum(count for _, _, count in rows) or 1

    def draw(axes: Axes, is_narrow: bool) -> None:
        from math import log2

        heights = [count / whole / log2(high / low) for low, high, count in rows]
        axes.bar(
            [low for low, _, _ in rows],
            heights,
            width=[high - low for low, high, _ in rows],
            align="edge",
            color=MAIN,
            edgecolor=PAPER,
            linewidth=0.4,
        )
        _lengths_axis(axes, rows[0][0], rows[-1][1], is_narrow)
        axes.set_xlabel("length of the silence")
        axes.set_ylabel("share per doubling")
        axes.yaxis.set_major_formatter(
            FuncFormatter(lambda share, _: f"{share:.3g}" if share < 0.01 and share else f"{share:.0%}")
        )
        axes.grid(axis="y")
        _mark(axes, marks, max(heights, default=0.0))

    return picture(name, says, draw, height=2.9)


def curve(name: str, says: str, points: Mapping[int, int], marks: Sequence[tuple[float, str]]) -> Picture:
    """Draw the number of sessions over the gap, on a logarithmic scale."""

    def draw(axes: Axes, is_narrow: bool) -> None:
        gaps = list(points)
        axes.plot(gaps, list(points.values()), color=MAIN, linewidth=1.8, marker="o", markersize=2.4)
        _lengths_axis(axes, gaps[0], gaps[-1], is_narrow)
        axes.set_xlabel("gap")
        _count_axis(axes, "sessions")
        axes.set_ylim(bottom=0)
        _mark(axes, marks, max(points.values(), default=0))

    return picture(name, says, draw, height=2.9)


_TICKS = (1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000)
_FEW_TICKS = (1, 60, 3_600, 86_400, 2_592_000)


def _lengths_axis(axes: Axes, first: float, last: float, is_narrow: bool) -> None:
    axes.set_xscale("log")
    ticks = _FEW_TICKS if is_narrow else _TICKS
    axes.set_xticks(ticks, labels=[length_text(tick) for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_xlim(first * 0.8, last * 1.25)


def _mark(axes: Axes, marks: Sequence[tuple[float, str]], top: float) -> None:
    axes.set_ylim(0, (top or 1) * 1.2)
    for place, (seconds, text) in enumerate(sorted(marks)):
        axes.axvline(seconds, color=MARK, linewidth=1.1, linestyle=(0, (4, 3)))
        # away from the other mark; alone, to the side with more room
        is_left = place == 0 if len(marks) > 1 else seconds > 3_600
        axes.annotate(
            text,
            (seconds, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if is_left else 3, -2),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="top",
            color=MARK,
            fontsize=7.5,
        )


def _count_axis(axes: Axes, label: str) -> None:
    axes.set_ylabel(label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: short(number)))
    axes.grid(axis="y")
