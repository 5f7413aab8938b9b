"""The generated events are the same for the same arguments, look like real ones, and are counted right."""

from __future__ import annotations

import bz2
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import session_calc.sample
from session_calc.generate import Generated, generate
from session_calc.sample import SAMPLE_PATH

GAP = 1_800_000
YEAR_10000 = 253_402_300_800_000
MAX_LINE_BYTES = 10_485_760

Events = dict[str, list[int]]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """20,000 clean lines in four files."""
    return generate(tmp_path_factory.mktemp("crowd"), line_count=20_000, file_count=4, seed=7)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """20,000 lines, one in twenty broken, two in five by one user, two of them endless."""
    folder = tmp_path_factory.mktemp("mixed")
    return generate(folder, line_count=20_000, seed=7, broken_share=0.05, huge_user_share=0.4, long_line_count=2)


def lines_of(generated: Generated) -> Iterator[bytes]:
    for path in generated.paths:
        yield from path.read_bytes().removesuffix(b"\n").split(b"\n")


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def outcome(line: bytes) -> str:
    """Say what the job must make of a line: `event`, `blank` or the reject reason."""
    if len(line) > MAX_LINE_BYTES:
        return "line_too_long"
    if not line.strip(b" \t\r"):
        return "blank"
    try:
        fields = json.loads(line.decode(), parse_constant=refuse_constant)
        if b"\\ud" in line:
            json.dumps(fields, ensure_ascii=False).encode()  # fails on half of a surrogate pair
    except ValueError:
        return "malformed_json"
    if not isinstance(fields, dict):
        return "not_an_object"
    return outcome_of_fields(fields)


def outcome_of_fields(fields: dict[str, Any]) -> str:
    if fields.get("anonymous_id") in (None, ""):
        return "missing_user"
    time = fields.get("device_sent_timestamp")
    if time is None:
        return "missing_timestamp"
    return "event" if isinstance(time, int) and time < YEAR_10000 else "invalid_timestamp"


def events_of(generated: Generated) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(generated) if outcome(line) == "event"]


def times_by_user(generated: Generated) -> Events:
    times = defaultdict(list)
    for event in events_of(generated):
        times[event["anonymous_id"]].append(event["device_sent_timestamp"])
    return {user: sorted(some) for user, some in times.items()}


def silences(times: Events) -> Iterator[int]:
    for some in times.values():
        yield from (after - before for before, after in pairwise(some))


def bytes_of(generated: Generated) -> list[bytes]:
    return [path.read_bytes() for path in generated.paths]


def test_the_same_arguments_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        generate(tmp_path / name, line_count=3_000, file_count=3, broken_share=0.1, huge_user_share=0.2)
        for name in ("first", "second")
    )
    assert bytes_of(first) == bytes_of(second)


def test_another_seed_makes_other_people_and_other_times(tmp_path: Path) -> None:
    first, second = (times_by_user(generate(tmp_path / str(seed), line_count=2_000, seed=seed)) for seed in (1, 2))
    assert not set(first) & set(second)
    assert sorted(first.values()) != sorted(second.values())


def test_breaking_some_lines_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    clean, spoilt = (generate(tmp_path / str(share), line_count=2_000, broken_share=share) for share in (0.0, 0.2))
    pairs = zip(lines_of(clean), lines_of(spoilt), strict=True)
    assert sum(one == other for one, other in pairs) == 1_600


def test_the_lines_are_shared_out_evenly_and_numbered(crowd: Generated) -> None:
    assert [path.name for path in crowd.paths] == [f"events-000{number}-of-0004.jsonl" for number in (1, 2, 3, 4)]
    assert [path.read_bytes().count(b"\n") for path in crowd.paths] == [5_000] * 4
    assert crowd.line_count == crowd.event_count == 20_000


def test_lines_are_in_order_of_time_but_for_one_late_arrival_in_a_hundred(crowd: Generated) -> None:
    latest, late = 0, []
    for event in events_of(crowd):
        time = event["device_sent_timestamp"]
        late += [latest - time] if time < latest else []
        latest = max(latest, time)
    assert 100 <= len(late) <= 300
    assert max(late) <= timedelta(minutes=10) / timedelta(milliseconds=1)


def test_times_fill_the_days_asked_for_and_never_leave_them(tmp_path: Path) -> None:
    start = datetime(2021, 6, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    generated = generate(tmp_path, line_count=5_000, start=start, days=1.5, huge_user_share=0.1)
    times = [event["device_sent_timestamp"] for event in events_of(generated)]
    first, last = generated.first_event_time, generated.last_event_time
    assert first is not None
    assert last is not None
    assert (first.timestamp() * 1_000, last.timestamp() * 1_000) == (min(times), max(times))
    assert start <= first < start + timedelta(hours=1)
    assert start + timedelta(hours=35) < last < start + timedelta(hours=36)


def test_every_line_is_what_it_was_counted_as(mixed: Generated) -> None:
    outcomes = Counter(outcome(line) for line in lines_of(mixed))
    assert outcomes.pop("event") == mixed.event_count
    assert outcomes == mixed.broken_count_by_reason


def test_the_share_of_broken_lines_is_the_one_asked_for(mixed: Generated) -> None:
    assert 1_000 <= sum(mixed.broken_count_by_reason.values()) <= 1_002  # a long line may stand for a broken one
    assert mixed.broken_count_by_reason["line_too_long"] == 2


def test_every_reject_reason_is_there(mixed: Generated) -> None:
    assert list(mixed.broken_count_by_reason) == [
        "blank",
        "invalid_timestamp",
        "line_too_long",
        "malformed_json",
        "missing_timestamp",
        "missing_user",
        "not_an_object",
    ]


def test_all_lines_can_be_broken(tmp_path: Path) -> None:
    generated = generate(tmp_path, line_count=500, broken_share=1.0)
    assert "event" not in {outcome(line) for line in lines_of(generated)}
    assert (generated.event_count, generated.user_count, generated.first_event_time) == (0, 0, None)


def test_the_huge_user_has_the_share_asked_for(mixed: Generated) -> None:
    ((_, huge), (_, next_one)) = Counter(event["anonymous_id"] for event in events_of(mixed)).most_common(2)
    assert huge / mixed.event_count == pytest.approx(0.4, abs=0.01)
    assert next_one < huge / 10


def test_the_huge_user_rests_a_few_times_a_day(mixed: Generated) -> None:
    times = max(times_by_user(mixed).values(), key=len)
    assert 10 <= sum(silence > GAP for silence in silences({"huge": times})) <= 20


def test_one_user_can_have_all_events(tmp_path: Path) -> None:
    assert generate(tmp_path, line_count=100, huge_user_share=1.0).user_count == 1


def test_users_are_counted_right(mixed: Generated) -> None:
    assert mixed.user_count == len(times_by_user(mixed))


def test_as_many_users_come_as_asked_for(tmp_path: Path) -> None:
    assert generate(tmp_path, line_count=20_000, user_count=300).user_count == 300


def test_a_tenth_of_the_users_has_far_more_than_a_tenth_of_the_events(crowd: Generated) -> None:
    counts = sorted((len(times) for times in times_by_user(crowd).values()), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.3 * sum(counts)
    assert counts[0] > 5 * counts[len(counts) // 2]


def test_sessions_have_about_twenty_events(crowd: Generated) -> None:
    times = times_by_user(crowd)
    session_count = len(times) + sum(silence > GAP for silence in silences(times))
    assert 15 <= crowd.event_count / session_count <= 25
    assert session_count > 2 * len(times)


def test_some_silences_are_near_the_usual_gap_and_some_exactly_that_long(crowd: Generated) -> None:
    counts = Counter(silences(times_by_user(crowd)))
    near = sum(count for silence, count in counts.items() if abs(silence - GAP) < 240_000)
    assert 20 <= near <= 120
    assert counts[GAP] >= 2


def test_nearly_all_users_keep_their_device_and_some_do_not(crowd: Generated) -> None:
    devices = defaultdict(set)
    for event in events_of(crowd):
        devices[event["anonymous_id"]].add(event.get("device_family", "left out"))
    switching = sum(len(some) > 1 for some in devices.values())
    assert 0 < switching <= 0.05 * len(devices)


def test_devices_are_many_and_heavy_tailed_and_sometimes_unknown(crowd: Generated) -> None:
    counts = Counter(event.get("device_family", "left out") for event in events_of(crowd))
    assert len(counts) >= 25
    assert counts.most_common(1)[0][0] == "iPhone"
    assert {None, "left out", "Generic Smartphone", "Samsung SM-J120H"} <= set(counts)


def test_event_ids_are_unique(crowd: Generated) -> None:
    assert len({event["event_id"] for event in events_of(crowd)}) == crowd.event_count


@pytest.mark.parametrize(("compression", "unpack"), [("gz", gzip.decompress), ("bz2", bz2.decompress)])
def test_packed_files_hold_the_same_lines(tmp_path: Path, compression: str, unpack: Any) -> None:
    plain = generate(tmp_path / "plain", line_count=500)
    packed = generate(tmp_path / "packed", line_count=500, compression=compression)
    again = generate(tmp_path / "again", line_count=500, compression=compression)
    assert packed.paths[0].name == f"events-0001-of-0001.jsonl.{compression}"
    assert [unpack(content) for content in bytes_of(packed)] == bytes_of(plain)
    assert bytes_of(packed) == bytes_of(again)


def test_existing_files_are_not_overwritten_unless_asked_to(tmp_path: Path) -> None:
    before = bytes_of(generate(tmp_path, line_count=100, seed=1))
    expected = re.escape(f"{tmp_path} already holds events-0001-of-0001.jsonl, which would be overwritten.")
    with pytest.raises(ValueError, match=expected):
        generate(tmp_path, line_count=100, seed=2)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == before
    assert bytes_of(generate(tmp_path, line_count=100, seed=2, overwrite=True)) != before


def test_two_sets_are_never_mixed_in_one_folder(tmp_path: Path) -> None:
    generate(tmp_path, line_count=100, file_count=2)
    with pytest.raises(ValueError, match=r"holds events-0001-of-0002\.jsonl of another set of events"):
        generate(tmp_path, line_count=100, file_count=3, overwrite=True)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.touch()
    with pytest.raises(ValueError, match="is a file, but must be a folder"):
        generate(path, line_count=100)


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt("enough")

    with pytest.raises(KeyboardInterrupt, match="enough"):
        generate(tmp_path, line_count=100, file_count=2, progress=stop)
    assert not list(tmp_path.iterdir())


def test_progress_rises_to_all_lines(tmp_path: Path) -> None:
    written: list[int] = []
    generate(tmp_path, line_count=50_000, file_count=2, progress=written.append)
    assert written == [20_000, 25_000, 45_000, 50_000]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"line_count": 0}, "line_count is 0, but must be 1 or more."),
        ({"user_count": 0}, "user_count is 0, but must be 1 or more."),
        ({"file_count": 101}, "file_count is 101, but must be from 1 to line_count, at most 9999."),
        ({"broken_share": 1.5}, "broken_share is 1.5, but must be from 0 to 1, such as 0.01."),
        ({"huge_user_share": -0.1}, "huge_user_share is -0.1, but must be from 0 to 1, such as 0.5."),
        ({"long_line_count": 101}, "long_line_count is 101, but must be from 0 to line_count."),
        ({"days": 0}, "days is 0, but must be 0.001 (86 seconds) or more."),
        ({"days": 1e7}, "end after the year 9999. Choose fewer days."),
        ({"compression": "zip"}, "compression is 'zip', but must be one of none, gz, bz2."),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        generate(tmp_path, **{"line_count": 100, **arguments})


def test_the_sample_is_what_its_docstring_makes(tmp_path: Path) -> None:
    (call,) = re.findall(r"^    (generate\(.*\))$", session_calc.sample.__doc__ or "", re.MULTILINE)
    generated: Generated = eval(call, {"generate": generate, "folder": tmp_path})  # the very text that people read
    assert SAMPLE_PATH.read_bytes() == generated.paths[0].read_bytes()
    assert (generated.line_count, generated.user_count) == (5_000, 220)
    assert generated.broken_count_by_reason["blank"] >= 2
