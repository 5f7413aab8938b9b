"""One execution of a command: settings in, published files out; a failed one leaves the last ones alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from session_calc import __version__, pages, report, results
from session_calc.clock import Clock
from session_calc.engines import open_engine
from session_calc.engines.failures import explained
from session_calc.errors import SessionCalcError, TooManyRejects, WrongSettings
from session_calc.inputs import Input, Listing, list_inputs
from session_calc.progress import Step, Tell
from session_calc.redaction import without_secrets
from session_calc.s3 import Source
from session_calc.settings import Settings
from session_calc.write import Sink, sink_of
from session_calc.write.several import RowTable, Several
from session_calc.write.streams import LinesFile, open_lines

if TYPE_CHECKING:
    from session_calc.prepare import Counted, Work
    from session_calc.rejects import Examples
    from session_calc.write.tables import Table

_LABELS = "events.parquet"


@dataclass
class Run:
    """What is known of an execution so far; its report can be written at any moment.

    Attributes
    ----------
    sink : where the run reports go
    report_names : their names, without suffix
    """

    settings: Settings
    sink: Sink
    report_names: Sequence[str]
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: Clock = field(default_factory=Clock)
    engine: str = ""
    listing: Listing | None = None
    counted: Counted | None = None
    rejects_file: LinesFile | None = None
    reject_examples: Examples = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """A run that succeeded: what it counted, and the files it published."""

    run: Run
    counted: Counted
    paths: Mapping[tuple[int, str], str]
    tables: Sequence[str] = ()


@dataclass(frozen=True)
class Circumstances:
    """What a run is given beside its settings.

    Attributes
    ----------
    environment : mapping
    tell : function
        Hears of each step.
    verbose : bool
        Let the engine's own log through.
    with_progress : bool
        Let the engine draw a bar of its own.
    explains_rejects : bool
        The run has examples of the rejects, and so has the error of a run with too many.
    with_page : bool
        A page of HTML is to stand beside each result.
    """

    environment: Mapping[str, str]
    tell: Tell
    verbose: bool = False
    with_progress: bool = False
    explains_rejects: bool = False
    with_page: bool = False


@dataclass(frozen=True)
class Place:
    """Where a command's rows go.

    Attributes
    ----------
    setting, path : the setting that names the file, and what it says; empty: nothing
    default : the file's name in WRITE_PATH, where nothing else is said
    table : the table's name in SINK; empty: it never goes there
    """

    setting: str
    path: str
    default: str
    table: str = ""


def count(settings: Settings, around: Circumstances) -> Outcome:
    """Count sessions as the settings say, and publish results and run reports.

    Raises
    ------
    SessionCalcError
        After the failure was written to the run reports.
    """
    if around.with_page:
        pages.require_tools()
    names = _names(settings)
    run = Run(settings, sink_of(settings.write_path, settings.access), list(names.values()))
    with _reported(run, around.tell):
        if settings.tables.sessions_path:
            with _table(run, "SESSIONS_PATH", settings.tables.sessions_path) as table:
                counted = _tell_sessions(run, around, table)
                paths = _publish(run, counted, around.with_page, table)
        else:
            counted = _count(run, around)
            paths = _publish(run, counted, around.with_page)
        written = [run.sink.absolute_path_of(f"{name}.json") for name in names.values()]
        around.tell(Step("published", "Done.", {"results": written}))
        return Outcome(run, counted, paths, list(filter(None, [settings.tables.sessions_path])))


def sessions(settings: Settings, around: Circumstances) -> Outcome:
    """Write the table of sessions, and a run report beside it; errors as for `count`."""
    place = Place("SESSIONS_PATH", settings.tables.sessions_path, "sessions.parquet", "sessions")
    return _write_table(settings, around, place, _tell_sessions)


def label(settings: Settings, around: Circumstances) -> Outcome:
    """Write the labelled events, and a run report beside them; errors as for `count`."""
    place = Place("LABELS_PATH", settings.tables.labels_path, _LABELS)
    return _write_table(settings, around, place, _label_events)


def measure(settings: Settings, around: Circumstances) -> Outcome:
    """Write the measures, and a run report beside them; errors as for `count`."""
    place = Place("MEASURES_PATH", settings.tables.measures_path, "measures.json", "measures")
    return _write_table(settings, around, place, _measure_sessions)


def _count(run: Run, around: Circumstances) -> Counted:
    with _work(run, around) as work:
        from session_calc.job import count_sessions

        return _counted(run, around, count_sessions(work, around.with_page))


def _tell_sessions(run: Run, around: Circumstances, table: RowTable) -> Counted:
    tables = run.settings.tables
    with _work(run, around) as work:
        from session_calc.session_table import table_schema, tell_sessions

        table.begin(table_schema(work.fields, tables.with_last_values))
        zone = run.settings.timezone if tables.by_day else ""
        return _counted(run, around, tell_sessions(work, table.write, tables.with_last_values, zone))


def _label_events(run: Run, around: Circumstances, table: RowTable) -> Counted:
    with _work(run, around) as work:
        from session_calc.label_table import label_events

        suffix = "." + (run.settings.tables.labels_path or _LABELS).rpartition(".")[2]
        return _counted(run, around, label_events(work, table.begin, suffix))


def _measure_sessions(run: Run, around: Circumstances, table: RowTable) -> Counted:
    settings = run.settings
    with _work(run, around) as work:
        from session_calc.measure_table import TABLE, measure_sessions

        table.begin(TABLE)
        return _counted(run, around, measure_sessions(work, table.write, settings.tables.measure_by, settings.timezone))


def _write_table(
    settings: Settings,
    around: Circumstances,
    place: Place,
    recipe: Callable[[Run, Circumstances, RowTable], Counted],
) -> Outcome:
    if len(settings.gaps) > 1:
        raise WrongSettings(
            ["MAX_SESSION_SECONDS names several gaps, but a table holds the sessions of one gap. Name one."]
        )
    sink = settings.tables.sink if place.table else ""
    path = place.path or _in_write_path(settings, place.default)
    folder, slash, name = path.rpartition("/")
    run = Run(settings, sink_of(folder or slash or ".", settings.access, place.setting), [name.rpartition(".")[0]])
    with _reported(run, around.tell), _rows_of(run, place, path, sink) as table:
        counted = recipe(run, around, table)
        is_file = bool(place.path or not sink)
        in_database = f"{without_secrets(sink)} {settings.tables.sink_schema}.{place.table}" if sink else ""
        written = run.sink.absolute_path_of(name) if is_file else ""
        of_table = report.of_table(counted, settings.gaps[0], written, in_database, table.row_count)
        content = report.to_json({"status": report.DONE, **_facts(run), **of_table})
        run.sink.publish({f"{run.report_names[0]}.run.json": content}, lambda: _put_in_place(run, table))
        around.tell(Step("published", "Done.", {"results": list(filter(None, [in_database, written]))}))
        return Outcome(run, counted, {}, list(filter(None, [in_database, path if is_file else ""])))


@contextmanager
def _rows_of(run: Run, place: Place, path: str, sink: str) -> Iterator[RowTable]:
    """Open the table of the database, the file, or both as one."""
    with ExitStack() as until_done:
        tables: list[RowTable] = []
        if sink:
            from session_calc.write.postgres import Replacement

            replacement = Replacement(sink, run.settings.tables.sink_schema, place.table)
            tables.append(until_done.enter_context(replacement))
        if place.path or not sink:
            tables.append(until_done.enter_context(_table(run, place.setting, path)))
        yield Several(tables)


@contextmanager
def _table(run: Run, setting: str, path: str) -> Iterator[Table]:
    from session_calc.write.tables import Table

    by_day = setting == "SESSIONS_PATH" and run.settings.tables.by_day
    with Table(setting, path, run.settings.access, by_day) as table:
        yield table


def _in_write_path(settings: Settings, name: str) -> str:
    return sink_of(settings.write_path, settings.access).path_of(name)


@contextmanager
def _reported(run: Run, tell: Tell) -> Iterator[None]:
    begun = {"session_calc": __version__, "settings": dict(run.settings.texts)}
    try:
        tell(Step("run_started", "Listing the inputs ...", begun))
        run.sink.require_writable()
        with _open_rejects(run.settings) as run.rejects_file:
            yield
    except BaseException as error:
        known = None if isinstance(error, SessionCalcError) else explained(error)
        _report_failure(run, known or error)
        if known:
            raise known from error
        raise


@contextmanager
def _work(run: Run, around: Circumstances) -> Iterator[Work]:
    settings, tell = run.settings, around.tell
    with run.clock.step("list"):
        run.listing = listing = list_inputs(settings.read_paths, settings.access)
    if settings.rejects_path or around.explains_rejects:
        from session_calc.rejects import require_possible

        require_possible(settings.rejects_path, listing)
    size = {"files": len(listing.inputs), "bytes": listing.byte_count}
    tell(Step("inputs_listed", f"Starting the engine {settings.engine} ...", size))
    with ExitStack() as until_done:
        with run.clock.step("start"):
            # PySpark takes half a second to import: only a run needs it
            from session_calc.engines import tuning
            from session_calc.prepare import Work

            s3 = s3_source(listing)
            where = settings.engine, settings.spark_remote, around.environment
            engine = until_done.enter_context(open_engine(*where, around.verbose, around.with_progress, s3))
            if engine.name == "spark":
                tuning.fit(engine.spark, listing.inputs)
        run.engine = engine.version
        tell(Step("engine_started", f"{engine.version} is up.", {"engine": engine.version}))
        reading = f"Reading {size['files']:,} files, {size['bytes']:,} bytes, on {engine.version} ..."
        tell(Step("reading", reading, size))
        yield Work(engine, listing, settings.fields, settings.gaps, settings.rules, run.clock)


def _counted(run: Run, around: Circumstances, counted: Counted) -> Counted:
    run.counted = counted
    _look_at_rejects(run, around, counted)
    _require_few_rejects(counted, run.settings.max_reject_share, run.reject_examples)
    return counted


@contextmanager
def _open_rejects(settings: Settings) -> Iterator[LinesFile | None]:
    if not settings.rejects_path:
        yield None
        return
    with open_lines(settings.rejects_path, "REJECTS_PATH", settings.access) as file:
        yield file


def _look_at_rejects(run: Run, around: Circumstances, counted: Counted) -> None:
    """Write all rejects aside, where they are wanted and the run may publish them; keep examples of them."""
    ledger, file = counted.tally.ledger, run.rejects_file
    may_write = file is not None and ledger.reject_share <= run.settings.max_reject_share
    is_wanted = may_write or around.explains_rejects
    what_now = "Finding the rejects ..." if is_wanted else "Writing the results ..."
    around.tell(Step("counted", what_now, _facts_counted(run, counted)))
    if run.listing is None or not is_wanted:
        return
    from session_calc.rejects import find

    with run.clock.step("rejects"):
        examples = find(run.listing, run.settings.fields, ledger, file if may_write else None)
    around.tell(Step("rejects_found", "Writing the results ...", {"rejects": ledger.reject_count}))
    run.reject_examples = examples if around.explains_rejects else {}


def _put_in_place(run: Run, table: RowTable | None) -> None:
    if table:
        table.publish()
    if run.rejects_file:
        run.rejects_file.put_in_place()


def s3_source(listing: Listing) -> Source | None:
    example: Input | None = next((one for one in listing.inputs if one.is_on_s3), None)
    return None if example is None else Source(listing.access, example.path, listing.regions)


def _require_few_rejects(counted: Counted, most: float, examples: Examples) -> None:
    ledger = counted.tally.ledger
    if ledger.reject_share > most:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in ledger.reject_counts.items())
        raise TooManyRejects(
            f"{ledger.reject_count:,} of {ledger.line_count:,} lines were rejected ({reasons}): a share of "
            f"{ledger.reject_share:.4g}, but MAX_REJECT_SHARE allows {most:g}. Nothing was written. Mend the events "
            "(--explain-rejects shows some), or allow a larger share.",
            examples,
        )


def _publish(run: Run, counted: Counted, with_page: bool, table: RowTable | None = None) -> dict[tuple[int, str], str]:
    sink, names = run.sink, _names(run.settings)
    contents = {f"{name}.json": results.to_json(counted.tally.session_counts[place]) for place, name in names.items()}
    facts = _facts(run)
    for (gap, key), name in names.items():
        file_name = f"{name}.json"
        result = report.of_result(counted, key, gap, sink.absolute_path_of(file_name), contents[file_name])
        its_report = {"status": report.DONE, **facts, **result}
        contents[f"{name}.run.json"] = report.to_json(its_report)
        if with_page:
            from session_calc.pages.run_page import to_page

            contents[f"{name}.html"] = to_page(its_report, contents[file_name])
    sink.publish(contents, lambda: _put_in_place(run, table))
    return {place: sink.path_of(f"{name}.json") for place, name in names.items()}


def _report_failure(run: Run, error: BaseException) -> None:
    is_told = isinstance(error, (SessionCalcError, KeyboardInterrupt))
    kind = type(error).__name__ if is_told else "defect"
    failure = {"kind": kind, "message": without_secrets(str(error) or type(error).__name__)}
    with suppress(Exception):  # the failure itself is what the user must hear of
        for name in run.report_names:
            before = report.last_done(run.sink.read(f"{name}.run.json"))
            content = {"status": report.FAILED, "error": failure, **_facts(run), **_ledger(run), "last_done": before}
            run.sink.publish({f"{name}.run.json": report.to_json(content)})


def _facts_counted(run: Run, counted: Counted) -> dict[str, Any]:
    sessions = {results.seconds_text(gap): counted.tally.session_count(gap) for gap in run.settings.gaps}
    return {**_ledger(run), "users": counted.tally.user_count, "sessions_by_gap": sessions}


def _facts(run: Run) -> dict[str, Any]:
    facts = report.of_run(run.settings, run.started_at, run.clock.seconds, run.engine, run.listing)
    file = run.rejects_file
    of_file = report.of_rejects(run.settings.rejects_path, file.line_count, file.sha256) if file else None
    return {**facts, "rejects": of_file}


def _ledger(run: Run) -> dict[str, Any]:
    return {} if run.counted is None else {"ledger": report.of_ledger(run.counted.tally.ledger)}


def _names(settings: Settings) -> dict[tuple[int, str], str]:
    return {
        (gap, key): results.name_of(key, gap, len(settings.gaps))
        for gap in settings.gaps
        for key in settings.fields.group_keys
    }
