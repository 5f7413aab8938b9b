"""session_calc as it reads where neither its own scanner nor an engine's fast reader can be used."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from session_calc.__main__ import main
from session_calc.engines.engine import Engine


def _without_a_fast_way(*facts: Any, **named: Any) -> Engine:
    return replace(Engine(*facts, **named), scans_text_first=False)


with (
    patch("session_calc.read.local_json.missing_packages", lambda: ["numba"]),
    patch("session_calc.engines.sail.Engine", _without_a_fast_way),
):
    main()
