"""A strict JSON reader that shares nothing with the one it helps to judge: RFC 8259, raw numbers, no recursion."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_DEPTH: Final = 1000


class MalformedError(ValueError):
    """The text is no JSON by RFC 8259, holds a lone surrogate, or is nested too deep."""


@dataclass(frozen=True)
class Verbatim:
    """A text to write as it stands: a number as the line spells it."""

    text: str


Value: TypeAlias = "bool | str | Verbatim | list[Value] | dict[str, Value] | None"
Container: TypeAlias = "list[Value] | dict[str, Value]"

NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PLAIN = r'[^"\\\x00-\x1f]*'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{{4}}){_PLAIN})*"'
_TOKEN = re.compile(rf"(?P<mark>[{{}}\[\],:])|(?P<string>{_STRING})|(?P<number>{NUMBER})|(?P<word>true|false|null)")
_WHITE_SPACE = re.compile(r"[ \t\r\n]*")
_ESCAPE = re.compile(r"\\u([dD][89abAB]..)\\u([dD][c-fC-F]..)|\\u(....)|\\(.)")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MEANINGS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


def parse(text: str) -> Value:
    """Read one JSON value, with every number as the text it was written as."""
    reader = _Reader()
    for kind, token in _tokens(text):
        reader.take(kind, token)
    return reader.result()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Cut the text into marks, strings, numbers and words; the grammar never allows two of the last three in a row."""
    place = _skip_white_space(text, 0)
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise MalformedError(f"no token at character {place}")
        yield str(found.lastgroup), found.group()
        place = _skip_white_space(text, found.end())


def _skip_white_space(text: str, place: int) -> int:
    found = _WHITE_SPACE.match(text, place)
    return found.end() if found else place


class _Reader:
    """A state machine over tokens with its own stack, so that depth costs no recursion."""

    def __init__(self) -> None:
        self.state = "value"
        self.open: list[Container] = []
        self.key = ""
        self.root: Value = None

    def take(self, kind: str, token: str) -> None:
        if self.state in ("value", "first value") and token in ("{", "["):
            self._begin({} if token == "{" else [])
        elif self.state in ("value", "first value") and kind != "mark":
            self._put(_scalar(kind, token))
        elif self.state in ("key", "first key") and kind == "string":
            self.key, self.state = unescape(token), "colon"
        elif self.state == "colon" and token == ":":
            self.state = "value"
        elif self.state == "after" and token == ",":
            self.state = "key" if isinstance(self.open[-1], dict) else "value"
        elif self.state in ("after", "first key", "first value") and token == self._closing_mark():
            self.open.pop()
            self._ended()
        else:
            raise MalformedError(f"{token[:20]} where a {self.state} belongs")

    def result(self) -> Value:
        if self.state != "end":
            raise MalformedError(f"the text ends where a {self.state} belongs")
        return self.root

    def _begin(self, container: Container) -> None:
        self._put(container)
        self.open.append(container)
        self.state = "first key" if isinstance(container, dict) else "first value"
        if len(self.open) > MAX_DEPTH:
            raise MalformedError(f"nested deeper than {MAX_DEPTH}")

    def _put(self, value: Value) -> None:
        """Give the value to the innermost container; a key said twice keeps its first place and its last value."""
        if not self.open:
            self.root = value
        elif isinstance(parent := self.open[-1], dict):
            parent[self.key] = value
        else:
            parent.append(value)
        self._ended()

    def _ended(self) -> None:
        self.state = "after" if self.open else "end"

    def _closing_mark(self) -> str | None:
        """Say which mark closes the innermost container; none without one."""
        if not self.open:
            return None
        return "}" if isinstance(self.open[-1], dict) else "]"


def _scalar(kind: str, token: str) -> Value:
    if kind == "string":
        return unescape(token)
    return Verbatim(token) if kind == "number" else _WORDS[token]


def unescape(token: str) -> str:
    r"""Read a string token with its quotes: `"\u00e9"` is é."""
    text = _ESCAPE.sub(_meaning, token[1:-1])
    if _LONE_SURROGATE.search(text):
        raise MalformedError("a lone surrogate")
    return text


def _meaning(escape: re.Match[str]) -> str:
    high, low, unit, letter = escape.groups()
    if letter:
        return _MEANINGS.get(letter, letter)
    if unit:
        return chr(int(unit, 16))
    return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)


def compact(value: Value) -> str:
    """Write a value without white space, strings with the fewest escapes, numbers as they were read."""
    written: list[str] = []
    waiting: list[Value] = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list | dict):
            waiting.extend(reversed(list(_pieces(current))))
        else:
            written.append(_scalar_text(current))
    return "".join(written)


def _pieces(container: Container) -> Iterator[Value]:
    """List the marks and values that a container is written as, one level deep."""
    marks = "{}" if isinstance(container, dict) else "[]"
    yield Verbatim(marks[0])
    for number, item in enumerate(container):
        if number:
            yield Verbatim(",")
        yield item
        if isinstance(container, dict):
            yield Verbatim(":")
            yield container[str(item)]
    yield Verbatim(marks[1])


def _scalar_text(value: bool | str | Verbatim | None) -> str:
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, str):
        return '"' + "".join(map(_escaped, value)) + '"'
    return {True: "true", False: "false", None: "null"}[value]


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    for letter, meaning in _MEANINGS.items():
        if character == meaning:
            return "\\" + letter
    return f"\\u{ord(character):04x}" if character < " " else character
