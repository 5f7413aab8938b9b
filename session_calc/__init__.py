"""Sessions from event logs: exact counts per group, the same on every engine, with a ledger that adds up."""

from session_calc._version import __version__

__all__ = ["__version__"]
