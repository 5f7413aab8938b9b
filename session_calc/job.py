"""The recipe: how events become session counts. Read this file first; the other recipes are variations of it.

| recipe | gives |
|---|---|
| `job` | sessions per group value |
| `session_table` | a row for each session |
| `label_table` | every event, with its session |
| `measure_table` | measures of the sessions |
"""

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from session_calc import count
from session_calc.distributions import Distributions, of_sessions
from session_calc.prepare import Counted, Work, checked, inputs_of, prepare
from session_calc.read.keep import keep
from session_calc.sessionize import slices


def count_sessions(work: Work, with_distributions: bool = False) -> Counted:
    """Count sessions per group value, for every group key and gap, in one pass over the inputs.

    Parameters
    ----------
    work : Work
    with_distributions : bool
        Count also how long the sessions are, of how many events, and when they begin.

    Raises
    ------
    UnreadableInput, UnknownField, ImplausibleTimes
        What the user can mend.
    LedgerBroken
        The counts do not add up.
    """
    groups, gaps = work.fields.group_columns, work.gaps
    with inputs_of(work) as stage:
        parts, reading = prepare(work, stage, may_fold=not with_distributions, may_part=not with_distributions)
        if with_distributions:
            parts = [keep(validated, "events", stage) for validated in parts]
        with work.clock.step("count"):
            rows = count.together([count.by_group(_marked(part, work), groups, len(gaps)).collect() for part in parts])
        shapes = {gap: _shape_of(parts[0], work, gap) for gap in gaps} if with_distributions else {}
    return replace(checked(work, rows, work.fields.group_keys, reading), distributions=shapes)


def _marked(validated: DataFrame, work: Work) -> DataFrame:
    users, groups, gaps = work.fields.user_columns, work.fields.group_columns, work.gaps
    rules = work.rules.sessions
    if rules.need_order:
        from session_calc.sessionize import ordered  # it needs PyArrow, which a cluster need not have

        told = ordered.sessions(validated, users, groups, gaps, rules)
        return ordered.marked(told, users, groups, len(gaps))
    folded = slices.by_user(validated, users, groups, min(gaps), rules.cut_columns)
    return slices.mark_sessions(folded, users, groups, gaps, rules.gap_rule, rules.cut_columns)


def _shape_of(validated: DataFrame, work: Work, gap: int) -> Distributions:
    from session_calc.session_table import sessions_of  # the same

    sessions = sessions_of(validated, replace(work, gaps=(gap,)))
    with work.clock.step("distributions"):
        return of_sessions(sessions.where(F.col("set_aside").isNull()))
