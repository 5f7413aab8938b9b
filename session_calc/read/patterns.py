r"""Regular expressions for lines of JSON, in the dialect that Java's and Rust's engines share.

Rust's engine runs these in time linear in the line's length, which is why Sail can prove each line to be strict JSON
with one of them. Java's backtracks, so on Spark only the short ones are used. The end is `\z`, for in Java `$` also
matches before a last line break.
"""

from collections.abc import Iterable

from session_calc.read.nested import Tree

SPACE = r"[ \t]*"
_BLANK = r"[ \t\r]*"
BLANK_LINE = f"^\\x{{feff}}?{_BLANK}\\z"
_NESTING = 2

# a name without escapes, so that its text is the name
_NOT_IN_NAME = r'"\\\x00-\x1f'
_NAME = f'"[^{_NOT_IN_NAME}]*"'
# no escape of a surrogate, lone or paired: the pairs are left to the judge as well
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u(?:[0-9abcefABCEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}))*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_SCALAR = f"{_STRING}|{_NUMBER}|true|false|null"

# Digits that fit a bigint once in microseconds, and those whose microseconds are surely within the years 1-9999 or
# surely seen to be outside: 12 digits of seconds are the year 33658.
_MOST_DIGITS = {"s": 12, "ms": 15, "us": 18, "ns": 18}
_ISO_MOMENT = r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"
_MOMENT_VALUE = f'"{_ISO_MOMENT}"'

# texts that an engine may have re-written: objects, arrays, and numbers with a fraction, an exponent or a minus zero
REWRITTEN_TEXT = r"^(?:[\[{]|-0\z|-?[0-9]+[.eE][0-9.eE+-]*\z)"


def plain_line(tree: Tree, time_path: tuple[str, ...], unit: str) -> str:
    """Match a line that is blank, or a strict JSON object whose wanted fields are of the expected kinds.

    At a byte order mark on a blank line Sail's reader fails, so such a line is not matched.

    Wanted fields are those of `tree`: the time is null or plainly spelled, the others are strings or null, and the
    objects on their ways are objects or null. Other fields may hold whatever is strict JSON, nested two levels deep.
    """
    wanted = _object_with(tree, time_path, _MOMENT_VALUE if unit == "iso8601" else _whole_number(unit))
    return f"^(?:{_BLANK}|{SPACE}{wanted}{SPACE}\\r?)\\z"


def _object_with(tree: Tree, time_path: tuple[str, ...], time_value: str) -> str:
    members = [f"{_name_but(list(tree))}{SPACE}:{SPACE}(?:{_any_value(_NESTING)})"]
    for name, below in tree.items():
        if below is not None:
            kind = _object_with(below, time_path[1:] if time_path[:1] == (name,) else (), time_value)
        else:
            kind = time_value if time_path == (name,) else _STRING
        members.append(f'"{literal(name)}"{SPACE}:{SPACE}(?:{kind}|null)')
    return _object_of("|".join(members))


def _any_value(nesting: int) -> str:
    value = _SCALAR
    for _ in range(nesting):
        value = f"{_SCALAR}|{_object_of(f'{_NAME}{SPACE}:{SPACE}(?:{value})')}|{_array_of(value)}"
    return value


def _object_of(member: str) -> str:
    return f"\\{{{SPACE}(?:(?:{member}){SPACE}(?:,{SPACE}(?:{member}){SPACE})*)?\\}}"


def _array_of(value: str) -> str:
    return f"\\[{SPACE}(?:(?:{value}){SPACE}(?:,{SPACE}(?:{value}){SPACE})*)?\\]"


def _name_but(names: list[str]) -> str:
    """Match a name in quotes that is none of these: character by character, for Rust's engine has no look-ahead."""
    return f'"{_text_but(names)}"'


def _text_but(names: list[str]) -> str:
    by_first: dict[str, list[str]] = {}
    for name in names:
        if name:
            by_first.setdefault(name[0], []).append(name[1:])
    firsts = "".join(map(literal, by_first))
    ways = [f"[^{_NOT_IN_NAME}{firsts}][^{_NOT_IN_NAME}]*"]
    ways += [f"{literal(first)}{_text_but(rests)}" for first, rests in by_first.items()]
    return f"(?:{'|'.join(ways)}){'' if '' in names else '?'}"


def _whole_number(unit: str) -> str:
    return f"-?(?:0|[1-9][0-9]{{0,{_MOST_DIGITS[unit] - 1}}})"


def plain_time(unit: str) -> str:
    """Match a time's text that needs no judging."""
    return f"^{_ISO_MOMENT}\\z" if unit == "iso8601" else f"^{_whole_number(unit)}\\z"


def name_twice(names: Iterable[str]) -> str:
    """Match a line in which one of the names stands twice as a key (or, rarely, as other text)."""
    return "|".join(f"(?s){_member(name)}.*{_member(name)}" for name in sorted(set(names)))


def literal(text: str) -> str:
    """Match the text itself, whatever it holds."""
    return "".join(char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}" for char in text)


def _member(name: str) -> str:
    return f'"{literal(name)}"{SPACE}:'
