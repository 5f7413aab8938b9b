"""The command line: the only place that reads arguments and the environment.

Exit codes: 0 done; 2 something the user can mend, said in a message; 1 anything else.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import click
from dotenv import dotenv_values
from rich.console import Console
from rich.text import Text

from session_calc import __version__
from session_calc.errors import SessionCalcError, TooManyRejects, UserError, WrongSettings
from session_calc.progress import LOG_FORMATS, JsonLog, Tell, failure, warning
from session_calc.settings import SETTINGS, SUBMITTED_MARK, Settings, near_misses, resolve

_OBJECTS_UNTIL_GARBAGE = 150_000
_HELP_OPTIONS = ["-h", "--help"]
_HELP = {"help_option_names": _HELP_OPTIONS, "max_content_width": 110}


@click.group(context_settings=_HELP)
@click.version_option(__version__, prog_name="session-calc")
def command() -> None:
    """Count user sessions in event logs: exact, the same on every engine, and no line lost."""


def _with_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each setting that the command has."""
    for setting in reversed([one for one in SETTINGS if function.__name__ in one.commands]):
        shown = setting.default if setting.name != "READ_PATH" else "the bundled sample"
        meaning = f"{setting.meaning}  [env: {setting.name}; default: {shown or 'none'}]"
        function = click.option(setting.option, setting.name.lower(), metavar="TEXT", help=meaning)(function)
    return function


def _of_a_run(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every run, settings last."""
    function = click.option(
        "--log-format",
        type=click.Choice(LOG_FORMATS),
        default="text",
        show_default=True,
        help="What standard error gets. text: progress on a terminal, warnings, errors. json: one object a line for "
        "each step (run_started, inputs_listed, engine_started, reading, counted, rejects_found, published; warning; "
        "failed) with time, seconds, step, message and what is known by then.",
    )(function)
    function = click.option("--verbose", is_flag=True, help="Let the engine's own log through to standard error.")(
        function
    )
    function = click.option(
        "--explain-rejects",
        is_flag=True,
        help="Show three rejects of each reason: file, line number and how they begin.",
    )(function)
    function = click.option(
        "--dry-run", is_flag=True, help="List the inputs, the engine and the settings, and run nothing."
    )(function)
    return _with_settings(function)


@command.command(context_settings=_HELP, short_help="Count sessions per value of GROUP_KEY.")
@_of_a_run
@click.option(
    "--report", is_flag=True, help="Write a page of HTML beside each result as well; needs the extra `report`."
)
def count(**given: Any) -> None:
    """Count sessions per value of GROUP_KEY, and write the counts as JSON with a run report beside them.

    Each setting is an option here and a variable in the environment, or in a file .env in this folder; the command
    line wins over the environment, the environment over .env, and .env over the default. Under spark-submit the word
    `count` may be left out.
    """
    _run("count", **given)


@command.command(context_settings=_HELP, short_help="Write a table of the sessions, a row each.")
@_of_a_run
def sessions(**given: Any) -> None:
    """Write a table with a row for each session: its id, user, times, events, and why it ended.

    Settings are those of `count`; of the gaps in MAX_SESSION_SECONDS there must be one.
    """
    _run("sessions", **given)


@command.command(context_settings=_HELP, short_help="Write every event with its session.")
@_of_a_run
def label(**given: Any) -> None:
    """Write every event as it came, with session_id, session_number and event_number added.

    Settings are those of `count`; of the gaps in MAX_SESSION_SECONDS there must be one.
    """
    _run("label", **given)


@command.command(context_settings=_HELP, short_help="Write measures of the sessions.")
@_of_a_run
def measure(**given: Any) -> None:
    """Write how many sessions there are, how long, with how many events: over all, by group value, user, hour, day.

    Settings are those of `count`; of the gaps in MAX_SESSION_SECONDS there must be one.
    """
    _run("measure", **given)


@dataclass(frozen=True)
class _Flags:
    dry_run: bool
    explain_rejects: bool
    verbose: bool
    report: bool


def _run(name: str, log_format: str, report: bool = False, **given: Any) -> None:
    flags = _Flags(given.pop("dry_run"), given.pop("explain_rejects"), given.pop("verbose"), report)
    told = {setting.upper(): value for setting, value in given.items()}
    if log_format == "text":
        _run_and_tell(name, told, flags, tell_run=None)
        return
    log = JsonLog(sys.stderr)
    with _FailuresTold(log):
        _run_and_tell(name, told, flags, tell_run=log)


def _run_and_tell(name: str, given: Mapping[str, str | None], flags: _Flags, tell_run: Tell | None) -> None:
    console, aside = Console(), Console(stderr=True)
    warn = _warning_on(aside) if tell_run is None else tell_run
    dotenv = _read_dotenv()
    settings = resolve(given, os.environ, dotenv)
    for text in near_misses(os.environ, dotenv):
        warn(warning(text))
    if flags.dry_run:
        _show_plan(settings, name, console)
        return
    from session_calc import run, summary

    commands = {"count": run.count, "sessions": run.sessions, "label": run.label, "measure": run.measure}
    # classic Spark draws a bar of its own, which a second one would overwrite
    with_bar = settings.engine == "spark" and tell_run is None and _is_watched(aside)
    with _telling_steps(aside, with_bar) if tell_run is None else nullcontext(tell_run) as tell:
        around = run.Circumstances(os.environ, tell, flags.verbose, with_bar, flags.explain_rejects, flags.report)
        try:
            outcome = commands[name](settings, around)
        except TooManyRejects as error:
            summary.show_examples(error.examples, console)
            raise
    for text in outcome.counted.warnings:
        warn(warning(text))
    summary.show(outcome, console)


class _FailuresTold:
    """Tell how a run failed as its last step, and exit with the code that it would have had."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, (Exception, KeyboardInterrupt)):
            self._tell(failure(error, _message_of(error), _exit_code(error)))
            sys.exit(_exit_code(error))


def _warning_on(aside: Console) -> Tell:
    return lambda step: aside.print(Text(f"Warning: {step.sentence}"), soft_wrap=True)


def _is_watched(aside: Console) -> bool:
    return aside.is_terminal and not aside.is_dumb_terminal and sys.stderr.isatty() and not os.environ.get("CI")


@contextmanager
def _telling_steps(aside: Console, line_by_line: bool) -> Iterator[Tell]:
    if line_by_line:
        yield lambda step: aside.print(Text(step.sentence), soft_wrap=True)
        return
    with _telling(aside) as tell:
        yield lambda step: tell(step.sentence)


def _read_dotenv() -> dict[str, str | None]:
    try:
        return dotenv_values(".env", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSettings([f".env cannot be read: {error}. Mend it, or take it away."]) from None


@contextmanager
def _telling(aside: Console) -> Iterator[Callable[[str], Any]]:
    """Show on a terminal what goes on and for how long; logs, pipes and CI are spared."""
    if not _is_watched(aside):
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=aside, transient=True
    ) as bar:
        task = bar.add_task("")
        yield lambda text: bar.update(task, description=text)


def _show_plan(settings: Settings, name: str, console: Console) -> None:
    from session_calc.inputs import list_inputs

    for setting in SETTINGS:
        text, source = settings.texts[setting.name], settings.sources[setting.name]
        if name in setting.commands:
            console.print(Text(f"{setting.name:<28} {text or 'none'}  ({source})"), soft_wrap=True)
    listing = list_inputs(settings.read_paths, settings.access)
    console.print(f"\n{_files(len(listing.inputs))}, {listing.byte_count:,} bytes", highlight=False)
    for one in listing.inputs:
        console.print(Text(f"{one.byte_count:>15,}  {one.path}"), soft_wrap=True)
    for path in listing.ignored:
        console.print(Text(f"        ignored  {path}"), soft_wrap=True)
    console.print(
        f"\nNothing was run. Without --dry-run the engine {settings.engine} would read these.", highlight=False
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


@command.command(context_settings=_HELP, short_help="Look at the events: fields, faults, and the gap that fits.")
@_with_settings
@click.option("--verbose", is_flag=True, help="Let the engine's own log through to standard error.")
@click.option("--no-page", is_flag=True, help="Write eda.json alone; only eda.html needs the extra `report`.")
def profile(verbose: bool, no_page: bool, **given: str | None) -> None:
    """Look at the events before anyone trusts a number: write eda.json and eda.html to WRITE_PATH.

    What is in the events, what is broken, who they are of, and which gap fits them. Settings are those of `count`; the
    events need not be fit to be counted.
    """
    console, aside = Console(), Console(stderr=True)
    warn, dotenv = _warning_on(aside), _read_dotenv()
    settings = resolve({name.upper(): value for name, value in given.items()}, os.environ, dotenv)
    for text in near_misses(os.environ, dotenv):
        warn(warning(text))
    from session_calc import run_profile, summary

    with _telling_steps(aside, line_by_line=False) as tell:
        seen = run_profile.profile(settings, os.environ, verbose, tell, with_page=not no_page)
    summary.show_profile(seen, console)


@command.command(context_settings=_HELP, short_help="Write a page about a run.")
@click.argument("run_reports", metavar="RUN_REPORT...", nargs=-1, required=True)
def report(run_reports: Sequence[str]) -> None:
    """Write a page of HTML beside each RUN_REPORT (`<result>.run.json`), from it and the result beside it.

    `session-calc count --report` writes the same, with distributions that only the run itself can count.
    """
    from session_calc.pages.write import write_page

    for path in run_reports:
        click.echo(f"page     {write_page(path)}")


@command.command(context_settings=_HELP, short_help="Say what this machine can run.")
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


@command.command(context_settings=_HELP, short_help="Write realistic sample events.")
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot show a name must not fail the run
            stream.reconfigure(errors="backslashreplace")
    try:
        command.main(_arguments(sys.argv[1:], os.environ), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (SessionCalcError, click.Abort, KeyboardInterrupt) as error:
        _complain(_message_of(error))
        sys.exit(_exit_code(error))


def program() -> None:
    """Be a process: do as `main`, without the half second that Python's housekeeping takes.

    The engines' libraries make so many objects at their import that looking for garbage among them takes 0.2 seconds;
    and at the end, when all is written and closed, to take them apart takes 0.4.
    """
    gc.set_threshold(_OBJECTS_UNTIL_GARBAGE)
    main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # Python says so, and exits with a code of its own
    os._exit(0)


def _arguments(given: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Under spark-submit the application file is there to count: options alone are those of `count`."""
    is_submitted = SUBMITTED_MARK in environment
    names_none = not given or (given[0].startswith("-") and given[0] not in {*_HELP_OPTIONS, "--version"})
    return ["count", *given] if is_submitted and names_none else [*given]


def _exit_code(error: BaseException) -> int:
    return 2 if isinstance(error, UserError) else 1


def _message_of(error: BaseException) -> str:
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return "stopped. The results of the last good run are as they were."
    return str(error) or type(error).__name__


def _complain(message: str) -> None:
    click.echo("\n".join(f"Error: {line}" for line in message.splitlines()), err=True)


if __name__ == "__main__":
    program()
