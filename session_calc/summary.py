"""What a run says on the terminal when it is done. No line is cut or padded: it may go to a file or a log."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from session_calc.rejects import Examples
from session_calc.results import by_name, seconds_text
from session_calc.run import Outcome
from session_calc.run_profile import Seen
from session_calc.tally import Ledger

_TOP = 10
_WIDEST_VALUE = 60
_WIDEST_NUMBER = 20
_LONGEST_BAR, _SHORTEST_BAR = 20, 5  # cells
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_TEXT_START, _TEXT_END = 120, 40  # characters of a reject


def show(outcome: Outcome, console: Console) -> None:
    """Print lines, events, rejects by reason, users, sessions, the top groups, where the results lie, and seconds."""
    show_examples(outcome.run.reject_examples, console)
    for line in _lines(outcome, _room_of(console)):
        console.print(line, soft_wrap=True, highlight=False)


def show_profile(seen: Seen, console: Console) -> None:
    """Print what to look at first, where the rest lies, and seconds."""
    for finding in seen.document["findings"]:
        style = {"problem": "bold red", "notice": "yellow"}.get(finding["level"], "green")
        line = Text.assemble((f"{finding['level']:<8}", style), f" {_printable(finding['text'])}")
        console.print(line, soft_wrap=True, highlight=False)
    console.print()
    for path in seen.paths:
        console.print(Text(f"result   {path}"), soft_wrap=True, highlight=False)
    console.print(_seconds(seen.document["seconds"], seen.document["engine"]), soft_wrap=True, highlight=False)


def show_examples(examples: Examples, console: Console) -> None:
    """Print some rejects of each reason: where they stand, and how they begin."""
    for reason, rejects in examples.items():
        console.print(Text(reason, style="bold"), soft_wrap=True, highlight=False)
        for one in rejects:
            line = Text(f"  {_printable(one.file)}:{one.line_number}  {_both_ends(one.text)}")
            console.print(line, soft_wrap=True, highlight=False)
        console.print()


def _room_of(console: Console) -> int:
    """Give how wide a line with a bar may be; 0 where bars cannot be shown."""
    if not console.encoding.lower().startswith("utf"):
        return 0
    return console.width if console.is_terminal else _WIDEST_VALUE + _LONGEST_BAR + _WIDEST_NUMBER


def _lines(outcome: Outcome, room: int) -> Iterator[Text]:
    yield from _aligned(_facts(outcome), is_number_last=False)
    for gap, key in outcome.paths:
        heading, *rows = _aligned(_top_groups(outcome, gap, key), is_number_last=True)
        heading.stylize("bold")
        counts = by_name(outcome.counted.tally.session_counts[gap, key])
        for row, bar in zip(rows, bars(list(islice(counts.values(), _TOP)), room - heading.cell_len - 2), strict=False):
            row.append(f"  {bar}" if bar else "", style="cyan")
        yield from (Text(), heading, *rows)
    yield Text()
    for path in outcome.paths.values():
        yield Text(f"result   {path}")
    for place in outcome.tables:
        yield Text(f"table    {place}")
    if outcome.run.settings.rejects_path:
        yield Text(f"rejects  {outcome.run.settings.rejects_path}")
    yield _seconds(outcome.run.clock.seconds, outcome.run.engine)


def bars(counts: Sequence[int], room: int) -> list[str]:
    """Draw a bar for each count, the largest as long as there is room for, up to 20 cells; none where there is little.

    Examples
    --------
    >>> bars([160, 80, 1], room=30)
    ['████████████████████', '██████████', '▏']
    """
    longest = min(_LONGEST_BAR, room)
    most = max(counts, default=0)
    if longest < _SHORTEST_BAR or not most:
        return [""] * len(counts)
    eighths = [max(1, round(count * longest * 8 / most)) for count in counts]
    return ["█" * (length // 8) + _EIGHTHS[length % 8] for length in eighths]


def _seconds(seconds: Mapping[str, float], engine: str) -> Text:
    steps = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    return Text(f"seconds  {sum(seconds.values()):.1f}  ({steps}; {engine})")


def _facts(outcome: Outcome) -> list[tuple[str, str]]:
    tally, ledger = outcome.counted.tally, outcome.counted.tally.ledger
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in ledger.reject_counts.items())
    gaps = outcome.run.settings.gaps
    return [
        ("lines", f"{ledger.line_count:,}"),
        ("  events", f"{ledger.event_count:,}"),
        ("  blank", f"{ledger.blank_count:,}"),
        ("  rejects", f"{ledger.reject_count:,}" + (f"  ({reasons})" if reasons else "")),
        *[(name, f"{count:,}") for name, count in _left_out(ledger) if count],
        ("users", f"{tally.user_count:,}"),
        *[(f"sessions{_of_gap(gap, gaps)}", f"{tally.session_count(gap):,}") for gap in gaps],
    ]


def _left_out(ledger: Ledger) -> list[tuple[str, int]]:
    return [("  excluded", ledger.excluded_count), ("  duplicates", ledger.duplicate_count)]


def _top_groups(outcome: Outcome, gap: int, key: str) -> list[tuple[str, str]]:
    counts = by_name(outcome.counted.tally.session_counts[gap, key])
    rows = [(_shown(value), f"{count:,}") for value, count in islice(counts.items(), _TOP)]
    if len(counts) > _TOP:
        rows.append((f"{len(counts) - _TOP:,} more", f"{sum(islice(counts.values(), _TOP, None)):,}"))
    return [(f"sessions by {key}{_of_gap(gap, outcome.run.settings.gaps)}", "sessions"), *rows]


def _of_gap(gap: int, gaps: Sequence[int]) -> str:
    return f" at a gap of {seconds_text(gap)} s" if len(gaps) > 1 else ""


def _aligned(rows: Sequence[tuple[str, str]], is_number_last: bool) -> Iterator[Text]:
    widest, longest = (max(cell_len(row[place]) for row in rows) for place in (0, 1))
    for name, value in rows:
        yield Text(f"{set_cell_size(name, widest)}  {value.rjust(longest) if is_number_last else value}")


def _shown(value: str) -> str:
    printable = _printable(value) or '""'
    return printable if cell_len(printable) <= _WIDEST_VALUE else f"{set_cell_size(printable, _WIDEST_VALUE - 1)}…"


def _printable(value: str) -> str:
    # a value comes from the data: it must not steer the terminal
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value)


def _both_ends(text: str) -> str:
    # what is wrong with a line often stands at its end
    is_long = len(text) > _TEXT_START + _TEXT_END
    return f"{_printable(text[:_TEXT_START])} … {_printable(text[-_TEXT_END:])}" if is_long else _printable(text)
