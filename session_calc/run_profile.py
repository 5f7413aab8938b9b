"""One execution of `session-calc profile`: settings in, `eda.json` and `eda.html` out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from session_calc import pages, report
from session_calc.clock import Clock
from session_calc.engines import open_engine
from session_calc.inputs import Listing, list_inputs
from session_calc.progress import Step, Tell
from session_calc.run import s3_source
from session_calc.settings import DEFAULT, SETTINGS, Settings
from session_calc.write import sink_of

NAME = "eda"


@dataclass(frozen=True)
class Seen:
    """A profile that was made: what it says, and the files that were published."""

    document: Mapping[str, Any]
    paths: Sequence[str]


def profile(
    settings: Settings, environment: Mapping[str, str], verbose: bool, tell: Tell, with_page: bool = True
) -> Seen:
    """Look at the events as the settings say, and publish what was found; `tell` hears of each step.

    Raises
    ------
    UserError
        There is to be a page, and the tools for pages are not installed.
    SessionCalcError
        Nothing was published.
    """
    if with_page:
        pages.require_tools()
    started_at, clock = datetime.now(timezone.utc), Clock()
    sink = sink_of(settings.write_path, settings.access)
    tell(Step("run_started", "Listing the inputs ...", {"settings": dict(settings.texts)}))
    sink.require_writable()
    with clock.step("list"):
        listing = list_inputs(settings.read_paths, settings.access)
    tell(Step("inputs_listed", f"Starting the engine {settings.engine} ...", {"files": len(listing.inputs)}))
    found, engine = _look(settings, listing, environment, verbose, tell, clock)
    document = {**report.of_run(settings, started_at, clock.seconds, engine, listing), **found}
    contents = {f"{NAME}.json": report.to_json(document)}
    if with_page:
        from session_calc.pages.eda import to_page

        contents[f"{NAME}.html"] = to_page(document)
    sink.publish(contents)
    tell(Step("published", "Done.", {"results": [sink.absolute_path_of(name) for name in contents]}))
    return Seen(document, [sink.path_of(name) for name in contents])


def _look(
    settings: Settings, listing: Listing, environment: Mapping[str, str], verbose: bool, tell: Tell, clock: Clock
) -> tuple[dict[str, Any], str]:
    with ExitStack() as until_done:
        with clock.step("start"):
            # PySpark takes half a second to import: only a run needs it
            from session_calc.engines import tuning
            from session_calc.profile import profile_events
            from session_calc.profile.document import of_profile

            s3 = s3_source(listing)
            opened = open_engine(settings.engine, settings.spark_remote, environment, verbose, False, s3)
            engine = until_done.enter_context(opened)
            if engine.name == "spark":
                tuning.fit(engine.spark, listing.inputs)
        tell(Step("engine_started", f"{engine.version} is up.", {"engine": engine.version}))
        size = f"{len(listing.inputs):,} files, {listing.byte_count:,} bytes"
        tell(Step("reading", f"Looking at {size}, on {engine.version} ...", {"bytes": listing.byte_count}))
        now = time.time_ns() // 1_000
        gaps, gap_rule = settings.gaps, settings.rules.sessions.gap_rule
        found = profile_events(engine, listing, settings.fields, gaps, gap_rule, now, clock)
        with clock.step("describe"):
            document = of_profile(found, settings.fields, gaps, gap_rule)
        return {**document, "findings": [*_unknown_rules(settings), *document["findings"]]}, engine.version


def _unknown_rules(settings: Settings) -> list[dict[str, str]]:
    """Say which of the settings that were given change the sessions of a count, and not those of a profile."""
    names = [
        setting.name
        for setting in SETTINGS
        if "profile" not in setting.commands and not settings.sources[setting.name].startswith(DEFAULT)
    ]
    if not names:
        return []
    text = f"The profile does not use {', '.join(names)}: it tells sessions by the gap alone."
    return [{"level": "notice", "text": text}]
