"""The recipe: how events become session counts. Read this file first."""

from collections.abc import Sequence
from dataclasses import dataclass

from session_calc import count, plausible, tally, validate
from session_calc.clock import Clock
from session_calc.engines.engine import Engine
from session_calc.inputs import Listing, require_unchanged
from session_calc.read import read
from session_calc.read.stage import open_stage
from session_calc.schemas import Fields
from session_calc.sessionize import slices
from session_calc.tally import Tally


@dataclass(frozen=True)
class Counted:
    """What `count_sessions` found, and the way the lines were read."""

    tally: Tally
    read_way: str
    warnings: Sequence[str]


def count_sessions(
    engine: Engine, listing: Listing, fields: Fields, gaps: Sequence[int], gap_rule: str, clock: Clock
) -> Counted:
    """Count sessions per group value, for every group key and gap, in one pass over the inputs.

    Parameters
    ----------
    engine : Engine
    listing : Listing
    fields : Fields
    gaps : sequence of int, microseconds
    gap_rule : {'longer', 'reach'}
    clock : Clock
        Is told the seconds of each step.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes
        What the user can mend.
    LedgerBroken
        The counts do not add up.
    """
    users, groups = fields.user_columns, fields.group_columns
    staged = open_stage(engine.is_here, engine.decodes_urls, engine.file_scheme)
    with staged as stage, plausible.require_readable(listing):
        with clock.step("read"):
            reading = read(engine, listing.inputs, fields, stage)
        validated = validate.by_rules(reading.parsed, fields)
        folded = slices.by_user(validated, users, groups, min(gaps))
        marked = slices.mark_sessions(folded, users, groups, gaps, gap_rule)
        with clock.step("count"):
            rows = count.by_group(marked, groups, len(gaps)).collect()
    with clock.step("check"):
        require_unchanged(listing)  # before the sums: those of a file that grew between two looks at it do not add up
        found = tally.add_up(rows, fields.group_keys, gaps, reading.line_count, reading.blank_count)
        plausible.require_lines(found, listing)
        unknown = plausible.require_known_fields(found, listing, fields)
        implausible = plausible.require_plausible_times(found, listing, fields)
        warnings = [*unknown, *implausible] or plausible.warn_of_no_events(found)
    return Counted(found, reading.way, warnings)
