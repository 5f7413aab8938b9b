"""Seeded files for the job: ordinary lines, and every kind of line that a careless reader counts wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Final, TypeAlias

from hostile_values import (
    BREAKS,
    BROKEN_MEMBERS,
    ODD_MOMENTS,
    ODD_NUMBERS,
    ODD_TIMES,
    ODD_VALUES,
    VALID_MEMBERS,
    WHOLE_LINES,
)
from line_cases import LINE_CASES

__all__ = ["LINE_CASES", "hostile_lines"]

Fields: TypeAlias = dict[str, str]  # dotted key -> JSON text
Hostility: TypeAlias = "Callable[[_Scene], bytes]"

FIRST_MOMENT: Final = -62_135_596_800_000_000
END_OF_TIME: Final = 253_402_300_800_000_000
START: Final = 1_577_836_800_000_000  # 2020-01-01 UTC in microseconds
POWERS_TO_MICROSECONDS: Final = {"s": 6, "ms": 3, "us": 0, "ns": -3}
CLEAN_GROUPS: Final = [
    '"ios"',
    '"android"',
    '"web"',
    '"Web"',
    '"\u00e9t\u00e9"',
    '"\u65e5\u672c"',
    '"\U0001f600"',
    '""',
    "null",
    None,
]


@dataclass
class _Scene:
    """What the lines are about, and the last moment of each user."""

    rng: Random
    user_keys: tuple[str, ...]
    timestamp_key: str
    group_keys: tuple[str, ...]
    unit: str
    gap_us: int
    user_count: int
    max_line_bytes: int | None
    clocks: dict[int, int] = field(default_factory=dict)


def hostile_lines(
    seed: int,
    line_count: int,
    user_count: int,
    *,
    user_key: str | tuple[str, ...] = "user",
    timestamp_key: str = "time",
    group_keys: tuple[str, ...] = ("group",),
    unit: str = "ms",
    gap_us: int = 1_800_000_000,
    hostile_share: float = 0.4,
    max_line_bytes: int | None = None,
) -> bytes:
    """Write about `line_count` lines, the same for the same seed; with a `hostile_share` of 0 each line is an event.

    Keys may be dotted. Users come back often, with silences of the gap, a microsecond less and a microsecond more.
    With `max_line_bytes` some lines have exactly that length, and some are longer.
    """
    user_keys = (user_key,) if isinstance(user_key, str) else user_key
    rng = Random(seed)
    scene = _Scene(rng, user_keys, timestamp_key, group_keys, unit, gap_us, user_count, max_line_bytes)
    kinds = _kinds(scene)
    lines = [rng.choice(kinds)(scene) if rng.random() < hostile_share else clean_line(scene) for _ in range(line_count)]
    return b"\n".join(lines) + rng.choice([b"\n", b""])


def _kinds(scene: _Scene) -> list[Hostility]:
    """List the kinds of hostile lines that fit the scene, the frequent ones several times."""
    kinds: list[Hostility] = [odd_value, odd_value, odd_time, odd_time, same_moment, same_moment, lacking, doubled]
    kinds += [
        doubled_inside,
        respelled,
        decoy,
        valid_member,
        broken_member,
        broken_member,
        spoiled,
        spoiled,
        whole_line,
    ]
    kinds *= 8
    return [*kinds, deep, *([long] * 8 if scene.max_line_bytes else [])]


# ---------------------------------------------------------------------------------------------------------- clean lines


def clean_line(scene: _Scene) -> bytes:
    """Write an event as most loggers do, with some other fields."""
    return write(scene, clean_fields(scene), scene.rng.choices(VALID_MEMBERS, k=scene.rng.choice([0, 0, 1, 3])))


def clean_fields(scene: _Scene) -> Fields:
    """Choose a user, the next moment of this user, and groups."""
    user = scene.rng.randrange(scene.user_count)
    fields = {key: f'"user-{user}"' if place == 0 else str(user % 3) for place, key in enumerate(scene.user_keys)}
    fields[scene.timestamp_key] = clean_time(scene, next_moment(scene, user))
    for key in scene.group_keys:
        if (group := scene.rng.choice(CLEAN_GROUPS)) is not None:
            fields[key] = group
    return fields


def next_moment(scene: _Scene, user: int) -> int:
    """Move the user's clock: by the gap or a microsecond beside it, little, not at all, or far; sometimes look back."""
    gap = scene.gap_us
    step = scene.rng.choice(
        [gap, gap, gap - 1, gap + 1, gap // 2, gap * 2, 0, 0, 1, scene.rng.randrange(1, 10_000_000)]
    )
    now = scene.clocks.get(user, _first_moment(scene, user))
    if scene.rng.random() < 0.15:
        return _within_time(now - step)
    scene.clocks[user] = _within_time(now + step)
    return scene.clocks[user]


def _first_moment(scene: _Scene, user: int) -> int:
    """Let every seventh user live around 1970, so that times are negative too."""
    return -3 * scene.gap_us if user % 7 == 3 else START


def _within_time(moment: int) -> int:
    return min(max(moment, FIRST_MOMENT), END_OF_TIME - 1)


def clean_time(scene: _Scene, moment: int) -> str:
    """Write a moment exactly: as a number, seldom with an exponent or in quotes."""
    if scene.unit == "iso8601":
        return f'"{iso(moment)}Z"'
    plain = decimal(moment, scene.unit)
    return scene.rng.choice([plain] * 6 + [f"{moment}e{-POWERS_TO_MICROSECONDS[scene.unit]}", f'"{plain}"'])


def decimal(moment: int, unit: str) -> str:
    """Write microseconds in a unit, exactly: 1500000 is 1.5 s."""
    power = POWERS_TO_MICROSECONDS[unit]
    if power <= 0:
        return str(moment * 10**-power)
    whole, rest = divmod(abs(moment), 10**power)
    digits = f"{rest:0{power}d}".rstrip("0")
    return ("-" if moment < 0 else "") + str(whole) + ("." + digits if digits else "")


def iso(moment: int, separator: str = "T") -> str:
    """Write microseconds as a date and a time of day, without a zone."""
    zoned = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=moment)
    return zoned.replace(tzinfo=None).isoformat(separator, "microseconds")


# -------------------------------------------------------------------------------------------------------------- writing


def write(scene: _Scene, fields: Fields, members: list[str] | None = None) -> bytes:
    """Write an object: dotted keys as nested objects, any order, any spacing."""
    written = _members(scene, fields) + (members or [])
    scene.rng.shuffle(written)
    return _object(scene, written).encode()


def _members(scene: _Scene, fields: Fields) -> list[str]:
    """Write each top-level key with its value."""
    written = []
    for head in dict.fromkeys(key.split(".")[0] for key in fields):
        inner = {key.partition(".")[2]: text for key, text in fields.items() if key.startswith(head + ".")}
        text = _object(scene, _members(scene, inner)) if inner else fields[head]
        written.append(f"{json.dumps(head)}{_space(scene)}:{_space(scene)}{text}")
    return written


def _object(scene: _Scene, members: list[str]) -> str:
    space = _space(scene)
    return "{" + space + f"{space},{space}".join(members) + space + "}"


def _space(scene: _Scene) -> str:
    return scene.rng.choice(["", "", "", " ", " ", "  ", "\t"])


def add_member(scene: _Scene, line: bytes, member: bytes, *, last: bool | None = None) -> bytes:
    """Put a member into the object of the line, first or last."""
    at_end = scene.rng.random() < 0.5 if last is None else last
    return line[:-1] + b"," + member + b"}" if at_end else b"{" + member + b"," + line[1:]


# -------------------------------------------------------------------------------------------------------- hostile lines


def any_key(scene: _Scene) -> str:
    """Choose one of the keys that count."""
    return scene.rng.choice([*scene.user_keys, scene.timestamp_key, *scene.group_keys])


def odd_value(scene: _Scene) -> bytes:
    """Write a user or a group that is hard to keep as it is."""
    fields = clean_fields(scene)
    fields[scene.rng.choice([*scene.user_keys, *scene.group_keys])] = scene.rng.choice(ODD_VALUES)
    return write(scene, fields)


def odd_time(scene: _Scene) -> bytes:
    """Write a time in a rare form, or none at all."""
    fields = clean_fields(scene)
    fields[scene.timestamp_key] = _odd_moment(scene) if scene.unit == "iso8601" else _odd_number(scene)
    return write(scene, fields)


def _odd_number(scene: _Scene) -> str:
    rng = scene.rng
    moment = next_moment(scene, rng.randrange(scene.user_count))
    plain = decimal(moment, scene.unit)
    finer = (
        plain + ("" if "." in plain else ".000000" if scene.unit != "ns" else ".") + rng.choice(["0", "0001", "9" * 30])
    )
    edge = decimal(rng.choice([FIRST_MOMENT, END_OF_TIME]) + rng.choice([-1, 0, 1]), scene.unit)
    spread = f"{moment}{'0' * 40}e{-40 - POWERS_TO_MICROSECONDS[scene.unit]}"
    number = rng.choice([finer, edge, spread, rng.choice(ODD_NUMBERS)])
    return rng.choice([number, f'"{number}"', rng.choice(ODD_TIMES)])


def _odd_moment(scene: _Scene) -> str:
    rng = scene.rng
    moment = next_moment(scene, rng.randrange(scene.user_count))
    offset, zone = rng.choice(
        [(0, ""), (0, "z"), (0, "-00"), (60, "+01"), (-210, "-0330"), (1439, "+23:59"), (-1, "-00:01")]
    )
    text = iso(_within_time(moment + offset * 60_000_000), rng.choice("Tt ")) + rng.choice(["", "0", "9" * 30])
    styled = text.replace(".", rng.choice(".,")) + zone
    return rng.choice(
        [f'"{styled}"', f'"{styled}"', f'"{rng.choice(ODD_MOMENTS)}"', *rng.sample(ODD_TIMES, 1), str(moment)]
    )


def same_moment(scene: _Scene) -> bytes:
    """Write several events of one user at one moment that differ in their groups."""
    fields = clean_fields(scene)
    lines = []
    for _ in range(scene.rng.choice([2, 2, 3, 5])):
        for key in scene.group_keys:
            fields[key] = scene.rng.choice(["null", *ODD_VALUES, *filter(None, CLEAN_GROUPS)])
        lines.append(write(scene, fields))
    return b"\n".join(lines)


def lacking(scene: _Scene) -> bytes:
    """Leave out a key, or make its value null or empty, or make its parent something else."""
    fields = clean_fields(scene)
    key = any_key(scene)
    head = key.split(".")[0]
    action = scene.rng.choice(["leave out", "null", '""', "parent"])
    gone = {name for name in fields if name == key or (action == "parent" and name.split(".")[0] == head)}
    kept = {name: text for name, text in fields.items() if name not in gone}
    if action in ("null", '""'):
        kept[key] = action
    if action == "parent":
        kept[head] = scene.rng.choice(["null", "[]", "1", '"x"', "{}", '[{"user_id":"x"}]', '"{}"', "true"])
    return write(scene, kept)


def doubled(scene: _Scene) -> bytes:
    """Write a top-level key a second time, before or after, sometimes spelled with an escape."""
    head = any_key(scene).split(".")[0]
    value = scene.rng.choice(["null", '""', "{}", '{"b":1}', "[]", '"user-0"', "0", "1.50", '"\\ud800"', "NaN"])
    member = f"{spelled(scene, head)}:{value}"
    return add_member(scene, write(scene, clean_fields(scene)), member.encode())


def doubled_inside(scene: _Scene) -> bytes:
    """Write a nested parent again with its child twice; without dotted keys the key itself twice more."""
    head, _, leaf = any_key(scene).partition(".")
    values = scene.rng.choices(["null", '"user-0"', '"ios"', "1577836800", "{}", '""'], k=2)
    inner = ",".join(f"{spelled(scene, leaf or 'x')}:{value}" for value in values)
    member = (
        f"{json.dumps(head)}:{{{inner}}}" if leaf else ",".join(f"{spelled(scene, head)}:{text}" for text in values)
    )
    return add_member(scene, write(scene, clean_fields(scene)), member.encode())


def spelled(scene: _Scene, key: str) -> str:
    r"""Write a key in quotes, sometimes with its first character escaped: "\u0075ser"."""
    escaped = f"\\u{ord(key[0]):04x}" if scene.rng.random() < 0.5 else f"\\u{ord(key[0]):04X}"
    return f'"{escaped if scene.rng.random() < 0.4 else key[0]}{key[1:]}"'


def respelled(scene: _Scene) -> bytes:
    """Spell a key or the user with an escape."""
    line = write(scene, clean_fields(scene))
    part = scene.rng.choice(any_key(scene).split("."))
    return line.replace(json.dumps(part).encode(), spelled(scene, part).encode()).replace(b'"user-1', b'"\\u0075ser-1')


def decoy(scene: _Scene) -> bytes:
    """Add a key that differs in case or in spaces, or is the dotted key itself; sometimes the true key is gone."""
    key = any_key(scene)
    false_key = scene.rng.choice([key.upper(), key.title(), key + " ", " " + key, f"`{key}`", key + ".", "." + key])
    false_key = key if "." in key and scene.rng.random() < 0.5 else false_key
    fields = clean_fields(scene)
    if scene.rng.random() < 0.5:
        fields.pop(key, None)
    value = scene.rng.choice(['"decoy"', "0", "null", "{}"])
    return write(scene, fields, [f"{json.dumps(false_key)}:{value}"])


def valid_member(scene: _Scene) -> bytes:
    """Add unusual members that do not matter."""
    return write(scene, clean_fields(scene), scene.rng.sample(VALID_MEMBERS, 3))


def broken_member(scene: _Scene) -> bytes:
    """Add a member that makes the line no JSON."""
    return add_member(scene, clean_line(scene), scene.rng.choice(BROKEN_MEMBERS))


def spoiled(scene: _Scene) -> bytes:
    """Spoil the line as a whole: cut it, add junk, break it in two."""
    return scene.rng.choice(BREAKS)(scene.rng, clean_line(scene))


def whole_line(scene: _Scene) -> bytes:
    """Write a line that never was an event."""
    return scene.rng.choice(WHOLE_LINES)


def deep(scene: _Scene) -> bytes:
    """Nest a field so that the whole line has 100 to 1001 levels."""
    levels = scene.rng.choice([100, 150, 999, 1000, 1001]) - 1
    fields = clean_fields(scene)
    place = scene.rng.choice([scene.user_keys[0], *scene.group_keys, "unused"])
    inner = levels - place.count(".")
    fields[place] = scene.rng.choice(["[" * inner + "]" * inner, '{"a":' * (inner - 1) + "{}" + "}" * (inner - 1)])
    return write(scene, fields)


def long(scene: _Scene) -> bytes:
    """Make a line exactly as long as allowed, or a little longer, by its white space or by a field."""
    rng = scene.rng
    line, limit = clean_line(scene), scene.max_line_bytes or 0
    missing = limit + rng.choice([-1, 0, 0, 1, 1, 100]) - len(line)
    mark = rng.choice([b"", b"", b"\xef\xbb\xbf"])
    if missing < 8:
        return mark + line
    if rng.random() < 0.2:
        return mark + b" " * (missing + len(line))
    padding = rng.choice([b" " * missing, b" " * (missing - 1) + b"\r"])
    filler = add_member(scene, line, b'"x":"' + b"\xc3\xa9" * ((missing - 7) // 2) + b"y" * ((missing - 7) % 2) + b'"')
    return mark + rng.choice([line + padding, padding + line, filler])
