"""The recipe of the profile: what is in the events, before anybody trusts a number. Read this file first.

| module | answers | from |
|---|---|---|
| `sample`, `stretches` | which lines the driver looks at | a bounded sample |
| `fields` | which fields there are, and what they hold | the sample |
| `order` | which lines stand out of order, and which unit the times are in | the sample |
| `hours` | when events happened | all lines |
| `people` | who they are of | all lines |
| `silences` | how long users are silent | all lines |
| `advice`, `mixture` | which gap fits | the silences |
| `findings` | what to look at first | all of these |
| `document` | all of it, as JSON | |
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import functions as F

from session_calc import count, plausible, tally, validate
from session_calc.clock import Clock
from session_calc.distributions import Distributions, of_sessions, with_values
from session_calc.engines.engine import Engine
from session_calc.errors import UserError
from session_calc.inputs import Listing, require_unchanged
from session_calc.profile import advice, hours, people, sample, silences
from session_calc.profile.advice import COMPARED_GAPS, Advice
from session_calc.profile.hours import Hours
from session_calc.profile.people import People
from session_calc.profile.sample import Sample
from session_calc.profile.silences import ROWS_IN_ORDER, Silences
from session_calc.read import read
from session_calc.read.keep import keep
from session_calc.read.stage import open_stage
from session_calc.schemas import Fields
from session_calc.sessionize import slices
from session_calc.tally import Tally

_SECOND = 1_000_000


@dataclass(frozen=True)
class Profile:
    """What `profile_events` found.

    Attributes
    ----------
    gaps : sequence of int, microseconds
        The gaps that are compared; those that were asked for, 10, 30 and 60 minutes, and the suggested one.
    problems : sequence of str
        For which a count of these events would be refused, or warn.
    """

    sample: Sample
    tally: Tally
    hours: Hours
    people: People
    silences: Silences
    advice: Advice
    sessions: Distributions
    gaps: Sequence[int]
    problems: Sequence[str]
    read_way: str


def profile_events(
    engine: Engine, listing: Listing, fields: Fields, gaps: Sequence[int], gap_rule: str, now: int, clock: Clock
) -> Profile:
    """Look at the events: one read of the inputs for what is counted, and a bounded sample of their lines.

    Parameters
    ----------
    engine : Engine
    listing : Listing
    fields : Fields
    gaps : sequence of int, microseconds
        The first is the one whose sessions are described.
    gap_rule : {'longer', 'reach'}
    now : int, microseconds
        Later events are in the future.
    clock : Clock
        Is told the seconds of each step.

    Raises
    ------
    UnreadableInput
        An input cannot be read; all else that is wrong with the events is told in the profile.
    """
    users, groups = fields.user_columns, fields.group_columns
    staged = open_stage(engine.is_here, engine.decodes_urls, engine.file_scheme)
    with staged as stage, plausible.require_readable(listing):
        with clock.step("sample"):
            sampled = sample.take(listing.inputs, fields)
        with clock.step("read"):
            reading = read(engine, listing.inputs, fields, stage)
            [parsed] = reading.parts
            validated = keep(validate.by_rules(parsed, fields), "events", stage)
            events = validated.where(F.col("set_aside").isNull())
        with clock.step("count"):
            when, who = hours.of_events(events, now), people.of_events(events, users, groups)
        with clock.step("silences"):
            part_count = 1 if engine.spills else 1 + who.event_count // ROWS_IN_ORDER
            silent = silences.of_events(
                events, users, groups, gap_rule, user_count=who.user_count, part_count=part_count
            )
            advised = advice.of_silences(silent.by_length, who.user_count, gap_rule)
        with clock.step("sessions"):
            compared = _compared(gaps, advised)
            folded = slices.by_user(validated, users, groups, min(compared))
            marked = slices.mark_sessions(folded, users, groups, compared, gap_rule)
            rows = count.by_group(marked, groups, len(compared)).collect()
            described = of_sessions(with_values(folded, users, groups, gaps[0], gap_rule), groups)
    with clock.step("check"):
        require_unchanged(listing)
        found = tally.add_up(rows, fields.group_keys, compared, reading.line_count(), reading.blank_count)
        plausible.require_lines(found, listing)
    problems = _problems(found, listing, fields)
    return Profile(sampled, found, when, who, silent, advised, described, compared, problems, reading.way)


def _compared(gaps: Sequence[int], advised: Advice) -> list[int]:
    suggested = [] if advised.suggested_seconds is None else [advised.suggested_seconds]
    return sorted({*gaps, *(seconds * _SECOND for seconds in (*COMPARED_GAPS, *suggested))})


def _problems(found: Tally, listing: Listing, fields: Fields) -> list[str]:
    problems: list[str] = []
    for require in (plausible.require_known_fields, plausible.require_plausible_times):
        try:
            problems += require(found, listing, fields)
        except UserError as error:
            problems += str(error).splitlines()
    return problems or plausible.warn_of_no_events(found)
