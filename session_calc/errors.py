"""Every error this package raises on purpose: one root, a class per cause.

What a user can mend is a `UserError`: the command line prints its message without a traceback and exits with 2.
Anything else that escapes is a defect or an outage and exits with 1.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any


class SessionCalcError(Exception):
    """The root of all errors raised on purpose."""


class UserError(SessionCalcError):
    """Something the user can mend; the message says what to do."""


class WrongSettings(UserError):
    """One or more settings are wrong; all of them are named at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnreadableInput(UserError):
    """An input is missing, empty as a whole, damaged, or may not be read; its name is in the message."""


class UnknownField(UserError):
    """A key names a field that no event has."""


class ImplausibleTimes(UserError):
    """Nearly all event times make sense only in another unit than TIMESTAMP_UNIT."""


class TooManyRejects(UserError):
    """The share of rejects is above MAX_REJECT_SHARE; `examples` has some of each reason, where they were asked for."""

    def __init__(self, message: str, examples: Mapping[str, Sequence[Any]]) -> None:
        self.examples = examples
        super().__init__(message)


class EngineUnavailable(UserError):
    """The chosen engine cannot run here: not installed, no Java, or no answer from the server."""


class UnwritableOutput(UserError):
    """The results cannot be written to WRITE_PATH."""


class LedgerBroken(SessionCalcError):
    """The counts of a run do not add up; nothing is published. This is a defect of the job or of the engine."""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Give ` Did you mean x?` for the nearest known name, or nothing.

    Examples
    --------
    >>> did_you_mean("device_famly", ["os_family", "device_family"])
    ' Did you mean device_family?'
    >>> did_you_mean("qqq", ["os_family"])
    ''
    """
    lowered = {candidate.lower(): candidate for candidate in reversed(known)}
    near = get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f" Did you mean {lowered[near[0]]}?" if near else ""
