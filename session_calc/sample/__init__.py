"""The bundled sample: 5,000 lines by 220 people in three days of April 2019, 1 % of them broken or blank.

Made by the following call, and then renamed from `events-0001-of-0001.jsonl` to `events.jsonl`.
A test makes it again and compares the bytes.

    generate(folder, line_count=5_000, user_count=220, seed=11, broken_share=0.01)
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

SAMPLE_PATH: Path = Path(__file__).with_name("events.jsonl")


def sample_file() -> Path:
    """Give the sample as a file, which no engine finds in a zip: there a copy is made, and removed at the end."""
    if SAMPLE_PATH.is_file():
        return SAMPLE_PATH
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    return until_exit.enter_context(as_file(files(__name__).joinpath(SAMPLE_PATH.name)))
