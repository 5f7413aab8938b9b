"""The command line: the only place that reads arguments and the environment.

Exit codes: 0 done; 2 something the user can mend, said in a message; 1 anything else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values
from rich.console import Console
from rich.table import Table
from rich.text import Text

from session_calc import __version__
from session_calc.errors import SessionCalcError, UserError
from session_calc.settings import SETTINGS, Settings, near_misses, resolve

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=_HELP)
@click.version_option(__version__, prog_name="session-calc")
def command() -> None:
    """Count user sessions in event logs: exact, the same on every engine, and no line lost."""


def _with_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    for setting in reversed(SETTINGS):
        shown = setting.default if setting.name != "READ_PATH" else "the bundled sample"
        meaning = f"{setting.meaning}  [env: {setting.name}; default: {shown or 'none'}]"
        function = click.option(setting.option, setting.name.lower(), metavar="TEXT", help=meaning)(function)
    return function


@command.command(context_settings=_HELP)
@_with_settings
@click.option("--dry-run", is_flag=True, help="List the inputs, the engine and the settings, and run nothing.")
@click.option("--verbose", is_flag=True, help="Let the engine's own log through to standard error.")
def count(dry_run: bool, verbose: bool, **given: str | None) -> None:
    """Count sessions per value of GROUP_KEY, and write the counts as JSON with a run report beside them.

    Each setting is an option here and a variable in the environment, or in a file .env in this folder; the command
    line wins over the environment, the environment over .env, and .env over the default.
    """
    console, aside = Console(), Console(stderr=True)
    dotenv = dotenv_values(".env", interpolate=False)
    settings = resolve({name.upper(): value for name, value in given.items()}, os.environ, dotenv)
    for warning in near_misses(os.environ, dotenv):
        aside.print(Text(f"Warning: {warning}"), soft_wrap=True)
    if dry_run:
        _show_plan(settings, console)
        return
    from session_calc import run, summary

    with _telling(aside) as tell:
        outcome = run.count(settings, os.environ, verbose, tell)
    for warning in outcome.counted.warnings:
        aside.print(Text(f"Warning: {warning}"), soft_wrap=True)
    summary.show(outcome, console)


@contextmanager
def _telling(aside: Console) -> Iterator[Callable[[str], Any]]:
    """Show on a terminal what goes on and for how long; logs and pipes are spared."""
    if not aside.is_terminal:
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=aside, transient=True) as bar:
        task = bar.add_task("")
        yield lambda text: bar.update(task, description=text)


def _show_plan(settings: Settings, console: Console) -> None:
    from session_calc.inputs import list_inputs

    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for name, text in settings.texts.items():
        table.add_row(name, Text(text), settings.sources[name])
    console.print(table)
    listing = list_inputs(settings.read_paths)
    console.print(f"\n{len(listing.inputs):,} files, {listing.byte_count:,} bytes", highlight=False)
    for one in listing.inputs:
        console.print(Text(f"{one.byte_count:>15,}  {one.path}"), soft_wrap=True)
    for path in listing.ignored:
        console.print(Text(f"        ignored  {path}"), soft_wrap=True)
    console.print(f"\nNothing was run. Without --dry-run the engine {settings.engine} would count these.", highlight=False)


@command.command(context_settings=_HELP)
def doctor() -> None:
    """Say what this machine can run, and what to do about what is missing."""
    from session_calc.doctor import examine

    console = Console()
    for finding in examine(os.environ, Path.home()):
        mark = "[green]ok[/]     " if finding.is_fine else "[yellow]missing[/]"
        console.print(f"{mark}  {finding.name:<15} ", end="", highlight=False)
        console.print(Text(finding.found), soft_wrap=True)
        if finding.advice:
            console.print(Text(f"                         {finding.advice}"), soft_wrap=True)


@command.command(context_settings=_HELP)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--lines", "line_count", default=100_000, show_default=True, help="Lines in all.")
@click.option("--users", "user_count", type=int, help="Users; by default about one for every 50 lines.")
@click.option("--files", "file_count", default=1, show_default=True, help="Files, in order of time.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same bytes.")
@click.option("--broken-share", default=0.0, show_default=True, help="Share of broken lines of every class, 0 to 1.")
@click.option("--huge-user-share", default=0.0, show_default=True, help="Share of all events that one user has.")
@click.option("--long-lines", "long_line_count", default=0, show_default=True, help="Lines of more than 10 MiB.")
@click.option("--start", default="2019-04-08", show_default=True, type=click.DateTime(), help="First day, UTC.")
@click.option("--days", default=3.0, show_default=True, help="Days that the events span.")
@click.option("--compression", default="none", show_default=True, type=click.Choice(["none", "gz", "bz2"]))
@click.option("--overwrite", is_flag=True, help="Replace files of the same names.")
def generate(folder: Path, start: datetime, **wanted: Any) -> None:
    """Write realistic sample events into FOLDER: bursts, heavy-tailed users, and broken lines where wanted."""
    from session_calc.generate import generate as write_events

    console, aside = Console(), Console(stderr=True)
    with _telling(aside) as tell:
        try:
            made = write_events(
                folder,
                start=start.replace(tzinfo=timezone.utc),
                progress=lambda lines: tell(f"{lines:,} of {wanted['line_count']:,} lines"),
                **wanted,
            )
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from error
    broken = ", ".join(f"{reason} {number:,}" for reason, number in made.broken_count_by_reason.items())
    console.print(f"lines   {made.line_count:,}", highlight=False)
    console.print(f"events  {made.event_count:,} of {made.user_count:,} users", highlight=False)
    console.print(f"broken  {broken or 'none'}", highlight=False)
    console.print(Text(f"files   {len(made.paths)} in {folder}"), soft_wrap=True)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        command.main(standalone_mode=False)
    except UserError as error:
        _complain(str(error))
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SessionCalcError as error:
        _complain(str(error))
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        _complain("stopped. The results of the last good run are as they were.")
        sys.exit(1)


def _complain(message: str) -> None:
    click.echo("\n".join(f"Error: {line}" for line in message.splitlines()), err=True)


if __name__ == "__main__":
    main()
