"""The strict JSON reader of the oracle agrees with Python's json module wherever the two have the same rules."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_json import MalformedError, Value, Verbatim, compact, parse

STEADY = settings(max_examples=300, deadline=None, derandomize=True, database=None)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


def by_json(text: str) -> Value:
    """Read with Python's json module, numbers as they are written, and no NaN."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    value: Value = json.loads(text, parse_int=Verbatim, parse_float=Verbatim, parse_constant=refuse)
    return value


def accepted(read: Callable[[str], Value], text: str) -> tuple[bool, Value]:
    try:
        return True, read(text)
    except (ValueError, MalformedError):
        return False, None


@STEADY
@given(documents, st.booleans(), st.sampled_from([None, 0, 1, "\t", " \r"]))
def test_a_valid_document_is_read_and_written_as_the_json_module_does(
    document: Value, ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert parse(text) == by_json(text)
    assert compact(parse(text)) == json.dumps(document, ensure_ascii=False, separators=(",", ":"))


@STEADY
@given(documents, st.data())
def test_a_spoiled_document_is_refused_exactly_when_the_json_module_refuses_it(
    document: Value, data: st.DataObject
) -> None:
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans()))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        inserted = data.draw(
            st.sampled_from(["", *"{}[]:,\"\\01-+.eE tfnu\t\r\x00\x0bx/'", "null", "NaN", "\u00a0", "\\u00e9", "[1]"])
        )
        text = text[:place] + inserted + text[place + data.draw(st.integers(0, 2)) :]
    if not re.search(r"\\u[dD][89a-fA-F]", text):
        assert accepted(parse, text) == accepted(by_json, text), text


@STEADY
@given(st.text('{}[]:,"01-.e ntrufalse\\', max_size=12))
def test_a_random_text_is_refused_exactly_when_the_json_module_refuses_it(text: str) -> None:
    assert accepted(parse, text) == accepted(by_json, text)


def test_a_thousand_levels_are_read_and_written_without_recursion() -> None:
    text = '{"a":[' * 500 + "]}" * 500
    assert compact(parse(text)) == text
    with pytest.raises(MalformedError, match="nested deeper than 1000"):
        parse(f"[{text}]")
