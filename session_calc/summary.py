"""What a run says on the terminal when it is done."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from session_calc.results import seconds_text
from session_calc.run import Outcome

_TOP = 10


def show(outcome: Outcome, console: Console) -> None:
    """Print lines, events, rejects by reason, users, sessions, the top groups, where the results lie, and seconds."""
    tally, ledger = outcome.counted.tally, outcome.counted.tally.ledger
    rejects = ", ".join(f"{reason} {number:,}" for reason, number in ledger.reject_counts.items())
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_row("lines", f"{ledger.line_count:,}")
    facts.add_row("  events", f"{ledger.event_count:,}")
    facts.add_row("  blank", f"{ledger.blank_count:,}")
    facts.add_row("  rejects", f"{ledger.reject_count:,}" + (f"  ({rejects})" if rejects else ""))
    facts.add_row("users", f"{tally.user_count:,}")
    gaps = outcome.run.settings.gaps
    for gap in gaps:
        name = "sessions" if len(gaps) == 1 else f"sessions at a gap of {seconds_text(gap)} s"
        facts.add_row(name, f"{tally.session_count(gap):,}")
    console.print(facts)
    for gap, key in outcome.paths:
        console.print()
        console.print(_top_groups(outcome, gap, key))
    console.print()
    for path in outcome.paths.values():
        console.print(Text(f"result   {path}"), soft_wrap=True)
    seconds = outcome.run.clock.seconds
    steps = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    console.print(f"seconds  {sum(seconds.values()):.1f}  ({steps}; {outcome.run.engine})", highlight=False)


def _top_groups(outcome: Outcome, gap: int, key: str) -> Table:
    counts = sorted(outcome.counted.tally.session_counts[gap, key].items(), key=lambda one: (-one[1], one[0] or ""))
    title = f"sessions by {key}"
    if len(outcome.run.settings.gaps) > 1:
        title += f", gap {seconds_text(gap)} s"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text(title), overflow="fold")
    table.add_column("sessions", justify="right")
    for value, count in counts[:_TOP]:
        table.add_row(Text("null" if value is None else value), f"{count:,}")
    if len(counts) > _TOP:
        rest = sum(count for _, count in counts[_TOP:])
        table.add_row(f"{len(counts) - _TOP:,} more", f"{rest:,}")
    return table
