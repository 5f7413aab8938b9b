"""What ends a session: the gap always, further rules where they are asked for, and the names of their reasons.

Where several hold for one event the first of this order is the reason:

| end_reason | the session ends before an event that ... | plan |
|---|---|---|
| end_event | follows an END_EVENT | in order |
| silence | comes after a silence longer than the gap (GAP_RULE) | slices |
| midnight | lies on a later day of TIMEZONE than any event of the user before it | slices |
| start_event | is a START_EVENT | in order |
| changed_<field> | has another value in a field of SPLIT_ON_CHANGE than the session had so far | in order |
| maximum_duration | is later than the session's first event by more than MAX_SESSION_DURATION_SECONDS | in order |
| maximum_events | would be one more than MAX_SESSION_EVENTS | in order |
| end_of_data | is not there: nothing of this user came after it | |

Rules of the plan `slices` need no more than the folded slices. One rule `in order`, and the user's events are put in
order one by one: to know where a session begins, one must know where the one before it began.
"""

from dataclasses import dataclass

END_EVENT, SILENCE, MIDNIGHT, START_EVENT = "end_event", "silence", "midnight", "start_event"
MAXIMUM_DURATION, MAXIMUM_EVENTS, END_OF_DATA = "maximum_duration", "maximum_events", "end_of_data"
CHANGED = "changed_"


@dataclass(frozen=True)
class SessionRules:
    """How sessions are told.

    Attributes
    ----------
    gap_rule : {'longer', 'reach'}
    max_duration : int or None, microseconds
    max_events : int or None
    change_keys : tuple of str
        As SPLIT_ON_CHANGE names them; the columns are change_1 ... change_n.
    start_events, end_events : tuple of str
        Values of event_name.
    midnight_zone : str
        Time zone at whose midnights sessions are cut; empty: they are not.
    """

    gap_rule: str = "longer"
    max_duration: int | None = None
    max_events: int | None = None
    change_keys: tuple[str, ...] = ()
    start_events: tuple[str, ...] = ()
    end_events: tuple[str, ...] = ()
    midnight_zone: str = ""

    @property
    def need_order(self) -> bool:
        """Tell whether a rule needs a user's events one by one; slices tell the sessions otherwise."""
        is_limited = self.max_duration is not None or self.max_events is not None
        return is_limited or bool(self.change_keys or self.start_events or self.end_events)

    @property
    def cut_columns(self) -> list[str]:
        """The columns of VALIDATED in whose steps a session is cut as well."""
        return ["local_day"] if self.midnight_zone else []


@dataclass(frozen=True)
class EventRules:
    """Which lines are events, and how their sessions are told.

    Attributes
    ----------
    sessions : SessionRules
    exclude_events : tuple of str
        Events of these names neither begin nor extend a session.
    """

    sessions: SessionRules = SessionRules()
    exclude_events: tuple[str, ...] = ()
