"""Write the page of a run that is over, beside its run report."""

from __future__ import annotations

import json
from typing import Any

from session_calc import pages
from session_calc.errors import UserError
from session_calc.s3 import Access
from session_calc.write import sink_of

_ENDING = ".run.json"


def write_page(path: str) -> str:
    """Write the page, and give its path.

    Parameters
    ----------
    path : str
        Of a run report, on this machine or on S3.

    Raises
    ------
    UserError
        There is no run report under this path, or the tools for pages are not installed.
    """
    pages.require_tools()
    if not path.endswith(_ENDING):
        raise UserError(f"{path} is no run report: its name must end in {_ENDING}. Name the one beside the result.")
    folder, slash, name = path.rpartition("/")
    sink, base = sink_of(folder or slash or ".", Access()), name.removesuffix(_ENDING)
    found = _parsed(path, sink.read(name))
    from session_calc.pages.run_page import to_page

    sink.publish({f"{base}.html": to_page(found, sink.read(f"{base}.json"))})
    return sink.path_of(f"{base}.html")


def _parsed(path: str, content: bytes | None) -> dict[str, Any]:
    if content is None:
        raise UserError(f"{path} cannot be read: there is no such file, or it may not be read. Name a run report.")
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not (isinstance(found, dict) and {"status", "settings", "seconds", "inputs"} <= set(found)):
        raise UserError(f"{path} is no run report. Name one that `session-calc count` wrote, such as x{_ENDING}.")
    return found
