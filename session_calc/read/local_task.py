"""What is sent to a worker on this machine as code, so that it finds the package where the driver has it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any


def make(
    package_folder: str, module: str, function: str, tasks: Sequence[tuple[Any, ...]]
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Build the function from batches of the numbers of tasks to the batches that they give.

    Each task is what a function of this package is called with: nothing but what Python or PyArrow has itself.
    """

    def do_tasks(numbers: Iterable[Any]) -> Iterator[Any]:
        if package_folder not in sys.path:
            sys.path.append(package_folder)
        do = getattr(import_module(module), function)
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                yield from do(*tasks[number])

    return do_tasks
