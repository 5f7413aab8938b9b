"""Variables that an engine reads from this process's environment, set for as long as it runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def variables(wanted: Mapping[str, str | None], environment: Mapping[str, str]) -> Iterator[None]:
    """Set variables, where None takes one away, and put them back afterwards as `environment` had them."""
    before = {name: environment.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(wanted: Mapping[str, str | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
