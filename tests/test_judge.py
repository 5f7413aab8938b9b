"""The judge alone, on named lines."""

import pytest
from line_cases import LINE_CASES

from session_calc.read.judge import make_judge


@pytest.mark.parametrize(("line", "outcome"), [case[1:] for case in LINE_CASES], ids=[case[0] for case in LINE_CASES])
def test_line(line: bytes, outcome: str) -> None:
    """Each named line alone, by the judge that has the last word on every engine."""
    problem, user, has_timestamp, event_time, _ = make_judge([("u",)], ("t",), "ms", [("g",)])(line)
    if problem is None:
        problem = "missing_user" if not user else None
        problem = problem or (None if has_timestamp else "missing_timestamp")
        problem = problem or ("invalid_timestamp" if event_time is None else "event")
    assert outcome in (problem, "blank")
