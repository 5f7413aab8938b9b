"""How the scanner's functions are compiled: by Numba, into one piece."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar, cast

numba: Any = import_module("numba")

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Have a function compiled where it is called.

    Without Numba's run time, which would count references to each array at each call: a third of the time. Nothing here
    makes an array, and nothing divides by zero, which numpy's rules would not tell of.
    """
    return cast(_Function, numba.njit(forceinline=True, error_model="numpy", _nrt=False)(function))
