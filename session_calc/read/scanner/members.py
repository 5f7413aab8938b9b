"""Find the wanted members of an event."""

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.eights import are_same
from session_calc.read.scanner.layout import (
    BEFORE,
    BEHIND,
    BROKEN,
    MEMBER,
    MOST_NOTED,
    NAME_BEGIN,
    NAME_END,
    NONE,
    NOT_SEEN,
    OBJECT,
    OWNER,
    STANDS_IN,
    Bytes,
    Notes,
    Numbers,
    Wanted,
)
from session_calc.read.scanner.values import behind_spaces, behind_value, next_member


@compiled
def _member_named(text: Bytes, begin: int, end: int, owner: int, wanted: Wanted) -> int:
    """Give the number of the wanted name that stands here, in the object `owner`; NONE where it is none."""
    for member in range(len(wanted.members)):
        name = wanted.members[member, NAME_BEGIN]
        if wanted.members[member, NAME_END] - name == end - begin and wanted.members[member, OWNER] == owner:
            place = begin
            while place < end and wanted.names[name + place - begin] == text[place]:
                place += 1
            if place == end:
                return member
    return NONE


@compiled
def _known_member(text: Bytes, at: int, stands_in: int, noted: Numbers) -> int:
    """Give where the value is if before it stands what stood here in an earlier line; else BROKEN."""
    length = noted[BEHIND] - noted[BEFORE]
    if noted[STANDS_IN] != stands_in or not are_same(text, at, text, noted[BEFORE], length):
        return BROKEN
    return behind_spaces(text, at + length)


@compiled
def _before_value(text: Bytes, at: int, is_first: bool, owner: int, wanted: Wanted, noted: Numbers) -> tuple[int, int]:
    """Pass over a member's name and colon; give where its value is, and the number of the wanted name."""
    stands_in = 2 * owner + is_first
    value = _known_member(text, at, stands_in, noted)
    if value >= 0:
        return value, noted[MEMBER]
    begin, end, value = next_member(text, at, is_first)
    if value < 0:
        return BROKEN, NONE
    member = _member_named(text, begin, end, owner, wanted)
    noted[BEFORE], noted[BEHIND], noted[STANDS_IN], noted[MEMBER] = at, value, stands_in, member
    return value, member


@compiled
def _behind_member(
    text: Bytes, at: int, is_first: bool, owner: int, number: int, wanted: Wanted, notes: Notes
) -> tuple[int, int]:
    """Pass over a member, and note where its value stands if it is wanted.

    Of a member that is an object with wanted members, pass over the opening brace alone, and give its number as well.
    """
    spans = notes.spans
    at, member = _before_value(text, at, is_first, owner, wanted, notes.members[min(number, MOST_NOTED - 1)])
    if at < 0:
        return BROKEN, NONE
    if member == NONE:
        return behind_value(text, at), NONE
    if spans[member, 0] != NOT_SEEN:
        return BROKEN, NONE
    spans[member, 0] = at
    below = wanted.members[member, OBJECT]
    if below >= 0 and text[at] == ord("{"):
        return at + 1, below
    spans[member, 1] = behind_value(text, at)
    return spans[member, 1], NONE


@compiled
def _find(text: Bytes, at: int, wanted: Wanted, notes: Notes) -> int:
    """Pass over a line's object, and note where the wanted values stand."""
    owner, is_first, number = 0, True, 0
    at = behind_spaces(text, at + 1)
    while True:
        if text[at] == ord("}"):
            owner, is_first = wanted.parents[owner], False
            at += 1
            if owner == NONE:
                return at
        else:
            at, below = _behind_member(text, at, is_first, owner, number, wanted, notes)
            number += 1
            if at < 0:
                return BROKEN
            is_first = below >= 0
            owner = below if is_first else owner
        at = behind_spaces(text, at)


@compiled
def end_of_event(text: Bytes, at: int, wanted: Wanted, notes: Notes) -> int:
    """Give where the line feed of a line with one object is; BROKEN where the line is none."""
    for member in range(len(notes.spans)):
        notes.spans[member, 0] = NOT_SEEN
    at = _find(text, at, wanted, notes) if text[at] == ord("{") else BROKEN
    if at < 0:
        return BROKEN
    at = behind_spaces(text, at)
    return at if text[at] == ord("\n") else BROKEN
