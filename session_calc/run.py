"""One execution of `session-calc count`, from settings to published files; a failed one leaves the last results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from session_calc import report, results
from session_calc.clock import Clock
from session_calc.engines import open_engine
from session_calc.errors import SessionCalcError, TooManyRejects
from session_calc.inputs import Listing, list_inputs
from session_calc.settings import Settings, without_secrets
from session_calc.write import files

if TYPE_CHECKING:
    from session_calc.job import Counted


@dataclass
class Run:
    """What is known of an execution so far; its report can be written at any moment."""

    settings: Settings
    started_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    clock: Clock = field(default_factory=Clock)
    engine: str = ""
    listing: Listing | None = None


@dataclass(frozen=True)
class Outcome:
    """A run that succeeded: what it counted, and the files it published."""

    run: Run
    counted: Counted
    paths: Mapping[tuple[int, str], Path]


def count(
    settings: Settings, environment: Mapping[str, str], verbose: bool, tell: Callable[[str], Any]
) -> Outcome:
    """Count sessions as the settings say, and publish results and run reports.

    Raises
    ------
    SessionCalcError
        After the failure was written to the run reports.
    """
    run = Run(settings)
    folder = Path(settings.write_path).expanduser()
    try:
        files.require_writable(folder)
        counted = _compute(run, environment, verbose, tell)
        _require_few_rejects(counted, settings.max_reject_share)
        return Outcome(run, counted, _publish(run, counted, folder))
    except BaseException as error:
        _report_failure(run, folder, error)
        raise


def _compute(run: Run, environment: Mapping[str, str], verbose: bool, tell: Callable[[str], Any]) -> Counted:
    settings = run.settings
    with run.clock.step("list"):
        run.listing = list_inputs(settings.read_paths)
    tell(f"Starting the engine {settings.engine} ...")
    with ExitStack() as until_done:
        with run.clock.step("start"):
            # PySpark takes half a second to import: only a run needs it
            from session_calc.job import count_sessions

            engine = until_done.enter_context(
                open_engine(settings.engine, settings.spark_remote, environment, verbose)
            )
        run.engine = engine.version
        tell(f"Counting {len(run.listing.inputs):,} files, {run.listing.byte_count:,} bytes, on {engine.version} ...")
        return count_sessions(engine, run.listing, settings.fields, settings.gaps, settings.gap_rule, run.clock)


def _require_few_rejects(counted: Counted, most: float) -> None:
    ledger = counted.tally.ledger
    if ledger.reject_share > most:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in ledger.reject_counts.items())
        raise TooManyRejects(
            f"{ledger.reject_count:,} of {ledger.line_count:,} lines were rejected ({reasons}): a share of "
            f"{ledger.reject_share:.4g}, but MAX_REJECT_SHARE allows {most:g}. Nothing was written. Mend the events, or "
            "allow a larger share."
        )


def _publish(run: Run, counted: Counted, folder: Path) -> dict[tuple[int, str], Path]:
    settings = run.settings
    names = _names(settings)
    contents = {
        f"{name}.json": results.to_json(counted.tally.session_counts[place]) for place, name in names.items()
    }
    facts = _facts(run)
    for (gap, key), name in names.items():
        path = folder / f"{name}.json"
        result = report.of_result(counted, key, gap, str(path.absolute()), contents[path.name])
        contents[f"{name}.run.json"] = report.to_json({"status": report.DONE, **facts, **result})
    files.publish(folder, contents)
    return {place: folder / f"{name}.json" for place, name in names.items()}


def _report_failure(run: Run, folder: Path, error: BaseException) -> None:
    kind = "defect" if not isinstance(error, SessionCalcError) else type(error).__name__
    failure = {"kind": kind, "message": without_secrets(str(error) or type(error).__name__)}
    with suppress(Exception):  # the failure itself is what the user must hear of
        for name in _names(run.settings).values():
            before = report.last_done(folder / f"{name}.run.json")
            content = {"status": report.FAILED, "error": failure, **_facts(run), "last_done": before}
            files.publish(folder, {f"{name}.run.json": report.to_json(content)})


def _facts(run: Run) -> dict[str, Any]:
    return report.of_run(run.settings, run.started_at, run.clock.seconds, run.engine, run.listing)


def _names(settings: Settings) -> dict[tuple[int, str], str]:
    return {
        (gap, key): results.name_of(key, gap, len(settings.gaps))
        for gap in settings.gaps
        for key in settings.fields.group_keys
    }
