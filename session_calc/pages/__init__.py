"""Pages for people: single files that open without a network, in light and dark, on a phone and on paper.

| module | does |
|---|---|
| `eda` | the page of `session-calc profile` |
| `run_page` | the page of a run, from its run report and result |
| `render` | fills the templates; whatever comes from the data is escaped |
| `plots` | draws |
| `svg` | makes a drawing a part of a page |
"""

import sys
from importlib.util import find_spec

from session_calc.errors import UserError

_PACKAGES = ("jinja2", "matplotlib")


def missing_packages() -> list[str]:
    """Give the import packages that pages need and this Python lacks."""
    return [name for name in _PACKAGES if find_spec(name) is None]


def require_tools() -> None:
    """Make sure that pages can be made, before any work is done.

    Raises
    ------
    UserError
        With what to install.
    """
    missing = missing_packages()
    if missing:
        raise UserError(
            f"The page needs {' and '.join(missing)}, but this Python ({sys.executable}) has no such package. "
            "Install it with: pip install 'session_calc[report]'."
        )
