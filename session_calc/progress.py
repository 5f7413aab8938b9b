"""What a run tells while it goes on: a sentence for a person's terminal, a name and facts for a machine's log."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TextIO

from session_calc.errors import SessionCalcError
from session_calc.redaction import without_secrets

LOG_FORMATS = ("text", "json")


@dataclass(frozen=True)
class Step:
    """A step that a run has come to.

    Attributes
    ----------
    name : str
        run_started, inputs_listed, engine_started, reading, counted, published; or warning, failed
    sentence : str
        What goes on from here.
    facts : dict
        What is known by now, fit for JSON.
    """

    name: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Tell = Callable[[Step], object]


class JsonLog:
    """Write each step as one JSON object on one line, as soon as it is reached.

    The fields are `time` (UTC), `seconds` (since the log began), `step`, `message`, and the step's facts.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.perf_counter()

    def __call__(self, step: Step) -> None:
        line = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "seconds": round(time.perf_counter() - self._began, 3),
            "step": step.name,
            "message": step.sentence,
            **step.facts,
        }
        # escapes, for a pipe may not know every character
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()


def warning(text: str) -> Step:
    return Step("warning", text)


def failure(error: BaseException, message: str, exit_code: int) -> Step:
    """Describe how a run ended without a result; what was not foreseen comes with its traceback."""
    facts: dict[str, Any] = {"kind": type(error).__name__, "exit_code": exit_code}
    if not isinstance(error, (SessionCalcError, KeyboardInterrupt)) and exit_code == 1:
        facts["traceback"] = without_secrets("".join(traceback.format_exception(error)))
    return Step("failed", without_secrets(message), facts)
