"""The profile as a document of JSON: what is exact, what is of the sample, and in which units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from session_calc.classes import LONGEST, in_doublings, in_durations, quantile
from session_calc.profile import Profile, advice, fields, findings, order
from session_calc.profile.advice import Advice
from session_calc.profile.people import share_of_top
from session_calc.profile.sample import Line, Sample
from session_calc.report import moment_text, of_ledger
from session_calc.results import by_name, seconds_text
from session_calc.schemas import BLANK, HEADER, Fields

EXAMPLES = 3  # per reject reason
LONGEST_EXAMPLE = 200  # characters
_TOP_GROUPS = 20
_DAY = 86_400_000_000
_SECOND = 1_000_000


def of_profile(found: Profile, keys: Fields, gaps: Sequence[int], gap_rule: str) -> dict[str, Any]:
    """Put everything that was found into one object."""
    tally, lines = found.tally, list(found.sample.lines)
    unit = order.unit_of(lines, keys.timestamp_key)
    document = {
        "ledger": of_ledger(tally.ledger),
        "rejects": _rejects(found.sample, tally.ledger.reject_counts, tally.ledger.line_count),
        "sample": _sample(found.sample, lines),
        "fields": _fields(lines),
        "times": _times(found, keys, unit),
        "order_in_files": [_order(order.of_file(file)) for file in found.sample.files],
        "users": _users(found, keys),
        "duplicates": {
            "same_user_and_moment": found.silences.same_moment_count,
            "same_user_moment_and_group_values": found.silences.duplicate_count,
            "share": _share(found.silences.duplicate_count, tally.ledger.event_count),
        },
        "sessions": _sessions(found, keys, gaps[0]),
        "silences": _silences(found.advice, found.silences.by_length, gap_rule),
        "gap_advice": _advice(found, keys, gaps[0]),
    }
    return {"findings": findings.of_document(document, found.problems), **document}


def _rejects(sample: Sample, counts: Mapping[str, int], line_count: int) -> dict[str, Any]:
    examples: dict[str, list[dict[str, str]]] = {}
    for file in sample.files:
        for line in file.lines:
            if line.set_aside not in {None, BLANK, HEADER}:
                found = examples.setdefault(str(line.set_aside), [])
                if len(found) < EXAMPLES:
                    found.append({"path": file.path, "place": line.place, "text": _cut(line.text)})
    return {
        reason: {"lines": count, "share": _share(count, line_count), "examples_in_sample": examples.get(reason, [])}
        for reason, count in counts.items()
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 1]}…"


def _sample(sample: Sample, lines: Sequence[Line]) -> dict[str, Any]:
    texts = Counter(line.text for line in lines if line.text and line.set_aside not in {BLANK, HEADER})
    return {
        "is_whole": sample.is_whole,
        "lines": len(lines),
        "lines_with_fields": sum(line.document is not None for line in lines),
        "files": len(sample.files),
        "bytes": sum(len(line.text) for line in lines),
        "lines_like_an_earlier_line": sum(texts.values()) - len(texts),
    }


def _fields(lines: Iterable[Line]) -> dict[str, Any]:
    seen = fields.of_lines(lines)
    return {
        "looked_for_in_lines": seen.line_count,
        "left_out": seen.left_out_count,
        "by_name": {
            name: {
                "types": dict(one.types.most_common()),
                "missing_share": _share(seen.line_count - one.seen_count, seen.line_count),
                "null_share": _share(one.null_count, seen.line_count),
                "empty_share": _share(one.empty_count, seen.line_count),
                "distinct_values": len(one.values),
                "distinct_values_are_more": one.is_cut,
                "top_values": [{"value": value, "count": count} for value, count in one.top()],
            }
            for name, one in seen.by_name.items()
        },
    }


def _times(found: Profile, keys: Fields, unit: order.Unit) -> dict[str, Any]:
    by_day: dict[int, int] = {}
    of_day = dict.fromkeys(range(24), 0)
    for hour, count in found.hours.by_hour.items():
        by_day[hour - hour % _DAY] = by_day.get(hour - hour % _DAY, 0) + count
        of_day[hour % _DAY // 3_600_000_000] += count
    return {
        "first_event_time": moment_text(found.tally.first_event_time),
        "last_event_time": moment_text(found.tally.last_event_time),
        "unit": keys.timestamp_unit,
        "suspected_unit_in_sample": unit.suspected,
        "share_in_1990_to_2099_by_unit_in_sample": {
            name: round(share, 6) for name, share in unit.share_plausible.items()
        },
        "future_events": found.hours.future_count,
        "events_before_1990": found.hours.ancient_count,
        "events_by_hour": {_hour_text(hour): count for hour, count in found.hours.by_hour.items()},
        "events_by_day": {_hour_text(day)[:10]: count for day, count in by_day.items()},
        "events_by_hour_of_day": of_day,
    }


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: round(share, 6) for name, share in shares.items()}


def _hour_text(hour: int) -> str:
    return f"{(moment_text(hour) or '')[:16]}Z"


def _order(found: order.FileOrder) -> dict[str, Any]:
    return {
        "path": found.path,
        "is_whole": found.is_whole,
        "compared_events_in_sample": found.followed_count,
        "late_events_in_sample": found.late_count,
        "late_share_in_sample": _share(found.late_count, found.followed_count),
        "latest_by_seconds": found.latest_by / _SECOND,
    }


def _users(found: Profile, keys: Fields) -> dict[str, Any]:
    who = found.people
    events = sorted(who.by_event_count)
    return {
        "users": who.user_count,
        "events_per_user": {
            "mean": round(who.event_count / who.user_count, 3) if who.user_count else None,
            "median": quantile(who.by_event_count, 0.5),
            "p90": quantile(who.by_event_count, 0.9),
            "p99": quantile(who.by_event_count, 0.99),
            "most": events[-1] if events else None,
        },
        "share_of_events_of_top_1_percent": round(share_of_top(who.by_event_count, 0.01), 6),
        "biggest": [
            {"user": list(user), "events": count, "share": _share(count, who.event_count)}
            for user, count in who.biggest
        ],
        "users_by_events": in_doublings(who.by_event_count),
        "with_several_values": dict(zip(keys.group_keys, who.several_values, strict=True)),
        "with_and_without_a_value": dict(zip(keys.group_keys, who.some_missing, strict=True)),
    }


def _sessions(found: Profile, keys: Fields, gap: int) -> dict[str, Any]:
    its = found.sessions
    return {
        "gap_seconds": seconds_text(gap),
        "sessions": found.tally.session_count(gap),
        "with_one_event": its.by_event_count.get(1, 0),
        "events_per_session": {
            "median": quantile(its.by_event_count, 0.5),
            "p90": quantile(its.by_event_count, 0.9),
            "most": max(its.by_event_count, default=None),
        },
        "duration_seconds_rounded_up": {
            "median": quantile(its.by_duration, 0.5),
            "p90": quantile(its.by_duration, 0.9),
            "most": max(its.by_duration, default=None),
        },
        "sessions_by_events": in_doublings(its.by_event_count),
        "sessions_by_duration": in_durations(its.by_duration),
        "with_several_values": dict(zip(keys.group_keys, its.several_values, strict=True)),
        "with_and_without_a_value": dict(zip(keys.group_keys, its.some_missing, strict=True)),
    }


def _silences(advised: Advice, by_length: Mapping[int, int], gap_rule: str) -> dict[str, Any]:
    whole = sum(by_length.values())
    between = sum(count for _, _, count in advised.bars)
    return {
        "silences": whole,
        "up_to_a_second": whole - between - advised.longer_count,
        "longer_than_30_days": advised.longer_count,
        "gap_rule": gap_rule,
        "bars": [{"from_seconds": low, "to_seconds": high, "silences": count} for low, high, count in advised.bars],
        "longest_counted_seconds": LONGEST,
    }


def _advice(found: Profile, keys: Fields, own_gap: int) -> dict[str, Any]:
    advised, tally = found.advice, found.tally
    own = tally.session_count(own_gap)
    fitted = advised.mixture
    return {
        "suggested_gap_seconds": advised.suggested_seconds,
        "why": advised.why,
        "crossing_seconds": advised.crossing_seconds and round(advised.crossing_seconds, 1),
        "bend_seconds": advised.bend_seconds,
        "separation": fitted and round(fitted.separation, 3),
        "groups_of_silences": fitted
        and [
            {
                "share": round(one.share, 4),
                "typical_seconds": round(2**one.mean, 1),
                "factor_of_spread": round(2**one.deviation, 3),
            }
            for one in (fitted.lower, fitted.upper)
        ],
        "method": advice.METHOD,
        "sources": list(advice.SOURCES),
        "sessions_by_gap_seconds": {str(gap): count for gap, count in advised.sessions_by_gap.items()},
        "own_gap_seconds": seconds_text(own_gap),
        "compared": [
            {
                "gap_seconds": seconds_text(gap),
                "sessions": tally.session_count(gap),
                "change": _share(tally.session_count(gap) - own, own),
            }
            for gap in found.gaps
        ],
        "compared_by_group": {key: _compared_groups(found, key, own_gap) for key in keys.group_keys},
    }


def _compared_groups(found: Profile, key: str, own_gap: int) -> list[dict[str, Any]]:
    counts = {seconds_text(gap): by_name(found.tally.session_counts[gap, key]) for gap in found.gaps}
    return [
        {
            "value": value,
            "sessions_by_gap_seconds": {gap_text: its.get(value, 0) for gap_text, its in counts.items()},
        }
        for value in list(counts[seconds_text(own_gap)])[:_TOP_GROUPS]
    ]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
