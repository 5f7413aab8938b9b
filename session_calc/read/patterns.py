"""Regular expressions for lines of JSON, in the dialect that Java's and Rust's engines share.

Rust's engine runs these in time linear in the line's length, which is why Sail can prove each line to be strict JSON
with one of them. Java's backtracks, so on Spark only the short ones are used. The end is `\\z`, for in Java `$` also
matches before a last line break.
"""

from collections.abc import Iterable

SPACE = r"[ \t]*"
BLANK_LINE = r"^\x{feff}?[ \t\r]*\z"

# a key without escapes, so that its text is its name
_KEY = r'"[^"\\\x00-\x1f]*"'
# no escape of a surrogate, lone or paired: the pairs are left to the judge as well
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u(?:[0-9abcefABCEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}))*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SCALAR = f"{_STRING}|{_NUMBER}|true|false|null"

# Digits that fit a bigint once in microseconds, and those whose microseconds are surely within the years 1-9999 or
# surely seen to be outside: 12 digits of seconds are the year 33658.
_MOST_DIGITS = {"s": 12, "ms": 15, "us": 18, "ns": 18}
_ISO_MOMENT = r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"

# texts that an engine may have re-written: objects, arrays, and numbers with a fraction, an exponent or a minus zero
REWRITTEN_TEXT = r"^(?:[\[{]|-0\z|-?[0-9]+[.eE][0-9.eE+-]*\z)"


def strict_object(nesting: int) -> str:
    """Match a line that is one strict JSON object with containers in it up to `nesting` levels deep."""
    value = _SCALAR
    for _ in range(nesting):
        value = f"{_SCALAR}|{_object_of(value)}|{_array_of(value)}"
    return f"^{SPACE}{_object_of(value)}{SPACE}\\r?\\z"


def _object_of(value: str) -> str:
    member = f"{_KEY}{SPACE}:{SPACE}(?:{value}){SPACE}"
    return f"\\{{{SPACE}(?:{member}(?:,{SPACE}{member})*)?\\}}"


def _array_of(value: str) -> str:
    element = f"(?:{value}){SPACE}"
    return f"\\[{SPACE}(?:{element}(?:,{SPACE}{element})*)?\\]"


def plain_time(unit: str) -> str:
    """Match a time's text that needs no judging."""
    return f"^{_ISO_MOMENT}\\z" if unit == "iso8601" else f"^-?(?:0|[1-9][0-9]{{0,{_MOST_DIGITS[unit] - 1}}})\\z"


def name_twice(names: Iterable[str]) -> str:
    """Match a line in which one of the names stands twice as a key (or, rarely, as other text)."""
    return "|".join(f"(?s){_member(name)}.*{_member(name)}" for name in sorted(set(names)))


def not_text(name: str) -> str:
    """Match a line in which the key has a value that is neither a string nor null."""
    return f'{_member(name)}{SPACE}[^"n \\t]'


def not_an_object(name: str) -> str:
    """Match a line in which the key has a value that is neither an object nor null."""
    return f"{_member(name)}{SPACE}[^{{n \\t]"


def not_plain_number(name: str, unit: str) -> str:
    """Match a line in which the key has a value that is neither null nor a whole number of few enough digits."""
    digits = _MOST_DIGITS[unit]
    return f'{_member(name)}{SPACE}(?:["tf{{\\[]|-?[0-9]{{1,{digits}}}[.eE]|-?[0-9]{{{digits + 1}}}|-0)'


def plain_moment(name: str) -> str:
    """Match a line in which the key has null or a plain ISO 8601 moment."""
    return f'{_member(name)}{SPACE}(?:null|"{_ISO_MOMENT}")'


def literal(text: str) -> str:
    """Match the text itself, whatever it holds."""
    return "".join(char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}" for char in text)


def _member(name: str) -> str:
    return f'"{literal(name)}"{SPACE}:'
