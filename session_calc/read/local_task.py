"""What is sent to a worker on this machine as code, so that it finds the package where the driver has it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any


def make(
    package_folder: str, shares: Sequence[Sequence[Any]], fields: tuple[Any, ...], *how: Any
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Build the function from batches of the numbers of shares to batches of PARSED, as `local_rows.rows_of`."""

    def read_shares(numbers: Iterable[Any]) -> Iterator[Any]:
        if package_folder not in sys.path:
            sys.path.append(package_folder)
        from session_calc.read.local_rows import rows_of
        from session_calc.schemas import Fields

        for batch in numbers:
            for number in batch.column(0).to_pylist():
                yield from rows_of(shares[number], Fields(*fields), *how)

    return read_shares
