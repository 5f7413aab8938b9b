"""What every recipe begins and ends with: events out of the inputs, and sums that must agree."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyspark.sql import DataFrame

from session_calc import dedupe, plausible, tally, validate
from session_calc.clock import Clock
from session_calc.days import with_local_day
from session_calc.distributions import Distributions
from session_calc.engines.engine import Engine
from session_calc.inputs import Listing, require_unchanged
from session_calc.read import Reading, read
from session_calc.read.stage import Stage, open_stage
from session_calc.schemas import Fields
from session_calc.sessionize.rules import EventRules
from session_calc.tally import Tally


@dataclass(frozen=True)
class Work:
    """What a recipe is to do.

    Attributes
    ----------
    engine : Engine
    listing : Listing
    fields : Fields
    gaps : sequence of int, microseconds
    rules : EventRules
    clock : Clock
        Is told the seconds of each step.
    """

    engine: Engine
    listing: Listing
    fields: Fields
    gaps: Sequence[int]
    rules: EventRules
    clock: Clock


@dataclass(frozen=True)
class Counted:
    """What a recipe found, and the way the lines were read.

    Attributes
    ----------
    distributions : by gap in microseconds, where they were asked for
    """

    tally: Tally
    read_way: str
    warnings: Sequence[str]
    distributions: Mapping[int, Distributions] = field(default_factory=dict)


class Prepared(NamedTuple):
    """VALIDATED, and what the reader knows of the lines beside it.

    Attributes
    ----------
    parts : sequence of VALIDATED
        One; or several, where that was allowed: the rows of a user are all in the same.
    """

    parts: Sequence[DataFrame]
    reading: Reading

    @property
    def validated(self) -> DataFrame:
        """All of it, where it is in one part."""
        [validated] = self.parts
        return validated


@contextmanager
def inputs_of(work: Work) -> Iterator[Stage]:
    """Keep what stands in for inputs while they are read, and say of a failure which of them it was."""
    engine = work.engine
    staged = open_stage(engine.is_here, engine.decodes_urls, engine.file_scheme)
    with staged as stage, plausible.require_readable(work.listing):
        yield stage


def prepare(work: Work, stage: Stage, may_fold: bool = False, may_part: bool = False) -> Prepared:
    """Read the inputs as VALIDATED, fit for the rules: duplicates set aside, local days added.

    Parameters
    ----------
    work : Work
    stage : Stage
    may_fold : bool
        Nobody will look at single events, so that they may come folded, where the rules do not look at them either.
    may_part : bool
        Nobody will look at several users at once, so that events may come in parts, where the rules do not either.
    """
    fields, rules = work.fields, work.rules
    needs_events = rules.sessions.need_order or rules.sessions.midnight_zone or fields.id_key
    fold_gap = min(work.gaps) if may_fold and not needs_events else 0
    with work.clock.step("read"):
        reading = read(work.engine, work.listing.inputs, fields, stage, fold_gap, may_part and not fields.id_key)
    return Prepared([_validated(parsed, fields, rules) for parsed in reading.parts], reading)


def _validated(parsed: DataFrame, fields: Fields, rules: EventRules) -> DataFrame:
    validated = validate.by_rules(parsed, fields, rules.exclude_events)
    if fields.id_key:
        content = [*fields.user_columns, *fields.group_columns, *fields.rule_columns]
        validated = dedupe.earliest(validated, [name for name in content if name != "event_id"])
    return with_local_day(validated, rules.sessions.midnight_zone)


def checked(work: Work, rows: Iterable[Any], group_keys: Sequence[str], reading: Reading) -> Counted:
    """Add up the rows of TALLY, and look at the sums in every way.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes
        What the user can mend.
    LedgerBroken
        The counts do not add up.
    """
    with work.clock.step("check"):
        # before the sums: those of a file that grew between two looks at it do not add up
        require_unchanged(work.listing)
        found = tally.add_up(rows, group_keys, work.gaps, reading.line_count(), reading.blank_count)
        warnings = plausible.require_plausible(found, work.listing, work.fields)
    return Counted(found, reading.way, warnings)
