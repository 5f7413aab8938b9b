"""One execution of `session-calc count`: settings in, published files out; a failed one leaves the last ones alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from session_calc import __version__, report, results
from session_calc.clock import Clock
from session_calc.engines import open_engine
from session_calc.errors import SessionCalcError, TooManyRejects
from session_calc.inputs import Input, Listing, list_inputs
from session_calc.progress import Step, Tell
from session_calc.redaction import without_secrets
from session_calc.s3 import Source
from session_calc.settings import Settings
from session_calc.write import Sink, sink_of
from session_calc.write.files import do_nothing
from session_calc.write.streams import LinesFile, open_lines

if TYPE_CHECKING:
    from session_calc.job import Counted
    from session_calc.rejects import Examples


@dataclass
class Run:
    """What is known of an execution so far; its report can be written at any moment."""

    settings: Settings
    explains_rejects: bool = False
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: Clock = field(default_factory=Clock)
    engine: str = ""
    listing: Listing | None = None
    counted: Counted | None = None


@dataclass(frozen=True)
class Outcome:
    """A run that succeeded: what it counted, the files it published, and examples of its rejects if asked for."""

    run: Run
    counted: Counted
    paths: Mapping[tuple[int, str], str]
    reject_examples: Examples


def count(
    settings: Settings,
    environment: Mapping[str, str],
    verbose: bool,
    tell: Tell,
    with_progress: bool = False,
    explains_rejects: bool = False,
) -> Outcome:
    """Count sessions as the settings say, and publish results and run reports; `tell` hears of each step.

    With `explains_rejects` the outcome has examples of the rejects, and so has the error of a run with too many.

    Raises
    ------
    SessionCalcError
        After the failure was written to the run reports.
    """
    run = Run(settings, explains_rejects)
    sink = sink_of(settings.write_path, settings.access)
    try:
        begun = {"session_calc": __version__, "settings": dict(settings.texts)}
        tell(Step("run_started", "Listing the inputs ...", begun))
        sink.require_writable()
        with _open_rejects(settings) as rejects_file:
            run.counted = counted = _compute(run, environment, verbose, tell, with_progress)
            examples = _look_at_rejects(run, counted, rejects_file, tell)
            _require_few_rejects(counted, settings.max_reject_share, examples)
            paths = _publish(run, counted, sink, rejects_file)
        written = [sink.absolute_path_of(f"{name}.json") for name in _names(settings).values()]
        tell(Step("published", "Done.", {"results": written}))
        return Outcome(run, counted, paths, examples)
    except BaseException as error:
        _report_failure(run, sink, error)
        raise


@contextmanager
def _open_rejects(settings: Settings) -> Iterator[LinesFile | None]:
    if not settings.rejects_path:
        yield None
        return
    with open_lines(settings.rejects_path, "REJECTS_PATH", settings.access) as file:
        yield file


def _compute(run: Run, environment: Mapping[str, str], verbose: bool, tell: Tell, with_progress: bool) -> Counted:
    settings = run.settings
    with run.clock.step("list"):
        run.listing = listing = list_inputs(settings.read_paths, settings.access)
    if settings.rejects_path or run.explains_rejects:
        from session_calc.rejects import require_possible

        require_possible(settings.rejects_path, listing)
    size = {"files": len(listing.inputs), "bytes": listing.byte_count}
    tell(Step("inputs_listed", f"Starting the engine {settings.engine} ...", size))
    with ExitStack() as until_done:
        with run.clock.step("start"):
            # PySpark takes half a second to import: only a run needs it
            from session_calc.engines import tuning
            from session_calc.job import count_sessions

            s3 = s3_source(listing)
            opened = open_engine(settings.engine, settings.spark_remote, environment, verbose, with_progress, s3)
            engine = until_done.enter_context(opened)
            if engine.name == "spark":
                tuning.fit(engine.spark, listing.inputs)
        run.engine = engine.version
        tell(Step("engine_started", f"{engine.version} is up.", {"engine": engine.version}))
        counting = f"Counting {size['files']:,} files, {size['bytes']:,} bytes, on {engine.version} ..."
        tell(Step("reading", counting, size))
        return count_sessions(engine, listing, settings.fields, settings.gaps, settings.gap_rule, run.clock)


def s3_source(listing: Listing) -> Source | None:
    example: Input | None = next((one for one in listing.inputs if one.is_on_s3), None)
    return None if example is None else Source(listing.access, example.path, listing.regions)


def _look_at_rejects(run: Run, counted: Counted, file: LinesFile | None, tell: Tell) -> Examples:
    """Write all rejects aside, where they are wanted and the run may publish them; give examples of them."""
    ledger = counted.tally.ledger
    may_write = file is not None and ledger.reject_share <= run.settings.max_reject_share
    is_wanted = may_write or run.explains_rejects
    what_now = "Finding the rejects ..." if is_wanted else "Writing the results ..."
    tell(Step("counted", what_now, _facts_counted(run, counted)))
    if run.listing is None or not is_wanted:
        return {}
    from session_calc.rejects import find

    with run.clock.step("rejects"):
        examples = find(run.listing, run.settings.fields, ledger, file if may_write else None)
    tell(Step("rejects_found", "Writing the results ...", {"rejects": ledger.reject_count}))
    return examples if run.explains_rejects else {}


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


def _publish(run: Run, counted: Counted, sink: Sink, rejects_file: LinesFile | None) -> dict[tuple[int, str], str]:
    settings = run.settings
    names = _names(settings)
    contents = {f"{name}.json": results.to_json(counted.tally.session_counts[place]) for place, name in names.items()}
    facts = {
        **_facts(run),
        "rejects": None
        if rejects_file is None
        else report.of_rejects(settings.rejects_path, rejects_file.line_count, rejects_file.sha256),
    }
    for (gap, key), name in names.items():
        file_name = f"{name}.json"
        result = report.of_result(counted, key, gap, sink.absolute_path_of(file_name), contents[file_name])
        contents[f"{name}.run.json"] = report.to_json({"status": report.DONE, **facts, **result})
    sink.publish(contents, rejects_file.put_in_place if rejects_file else do_nothing)
    return {place: sink.path_of(f"{name}.json") for place, name in names.items()}


def _report_failure(run: Run, sink: Sink, error: BaseException) -> None:
    is_told = isinstance(error, (SessionCalcError, KeyboardInterrupt))
    kind = type(error).__name__ if is_told else "defect"
    failure = {"kind": kind, "message": without_secrets(str(error) or type(error).__name__)}
    with suppress(Exception):  # the failure itself is what the user must hear of
        for name in _names(run.settings).values():
            before = report.last_done(sink.read(f"{name}.run.json"))
            content = {"status": report.FAILED, "error": failure, **_facts(run), **_ledger(run), "last_done": before}
            sink.publish({f"{name}.run.json": report.to_json(content)})


def _facts_counted(run: Run, counted: Counted) -> dict[str, Any]:
    sessions = {results.seconds_text(gap): counted.tally.session_count(gap) for gap in run.settings.gaps}
    return {**_ledger(run), "users": counted.tally.user_count, "sessions_by_gap": sessions}


def _facts(run: Run) -> dict[str, Any]:
    return report.of_run(run.settings, run.started_at, run.clock.seconds, run.engine, run.listing)


def _ledger(run: Run) -> dict[str, Any]:
    return {} if run.counted is None else {"ledger": report.of_ledger(run.counted.tally.ledger)}


def _names(settings: Settings) -> dict[tuple[int, str], str]:
    return {
        (gap, key): results.name_of(key, gap, len(settings.gaps))
        for gap in settings.gaps
        for key in settings.fields.group_keys
    }
