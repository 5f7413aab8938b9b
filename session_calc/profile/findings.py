"""What to look at first: each finding is a sentence with the number that it rests on, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PROBLEM, NOTICE, FINE = "problem", "notice", "fine"
_MANY_REJECTS = 0.01
_MANY_OF_FEW = 0.5  # of all events, by one user in a hundred
_MUCH_LATE = 0.05
_LITTLE = 0.05  # of the sessions, by another gap


def of_document(document: Mapping[str, Any], problems: Sequence[str]) -> list[dict[str, str]]:
    """Draw conclusions from what stands in the document."""
    found = [(PROBLEM, text) for text in problems]
    for look in (_rejects, _times, _duplicates, _users, _values, _order, _gap):
        found += look(document)
    ranks = (PROBLEM, NOTICE, FINE)
    return [{"level": level, "text": text} for level, text in sorted(found, key=lambda one: ranks.index(one[0]))]


def _rejects(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ledger = document["ledger"]
    if not ledger["lines"]:
        return
    if not ledger["rejects"]:
        yield FINE, f"All {ledger['lines']:,} lines are events or blank."
        return
    share = ledger["rejects"] / ledger["lines"]
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in ledger["rejects_by_reason"].items())
    level = PROBLEM if share > _MANY_REJECTS else NOTICE
    yield level, f"{ledger['rejects']:,} of {ledger['lines']:,} lines are rejects ({share:.2%}): {reasons}."


def _times(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    times = document["times"]
    if times["future_events"]:
        yield NOTICE, f"{times['future_events']:,} events are later than now: a wrong clock, or a wrong unit."
    if times["events_before_1990"]:
        yield NOTICE, f"{times['events_before_1990']:,} events are from before 1990: zeros for times, or a wrong unit."


def _duplicates(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    its = document["duplicates"]
    if its["same_user_moment_and_group_values"]:
        text = f"{its['same_user_moment_and_group_values']:,} events ({its['share']:.2%}) have the user, moment and"
        yield NOTICE, f"{text} group values of another one: probably sent twice. No session count changes by them."
    elif document["ledger"]["events"]:
        yield FINE, "No event has the user, moment and group values of another one."


def _users(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    its = document["users"]
    share = its["share_of_events_of_top_1_percent"]
    if share > _MANY_OF_FEW:
        biggest = its["biggest"][0]
        text = f"One user in a hundred has {share:.0%} of all events; the biggest one has {biggest['events']:,}. "
        yield NOTICE, text + "Robots and test accounts look like this."


def _values(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, users in document["users"]["with_several_values"].items():
        sessions = document["sessions"]["with_several_values"][key]
        if users:
            text = f"{users:,} users and {sessions:,} sessions have more than one value of {key}. "
            yield NOTICE, text + "A session counts for the value of its first event."
    for key, users in document["users"]["with_and_without_a_value"].items():
        if users:
            yield NOTICE, f"{users:,} users have a value of {key} in some events, and none in others."


def _order(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    late = [file for file in document["order_in_files"] if (file["late_share_in_sample"] or 0) > _MUCH_LATE]
    if late:
        worst = max(late, key=lambda file: file["late_share_in_sample"])
        what = "1 file" if len(late) == 1 else f"{len(late):,} files"
        text = f"The events of {what} are not in order of time: of those sampled of {worst['path']},"
        share = f"{worst['late_share_in_sample']:.0%}"
        yield NOTICE, f"{text} {share} come after a later one. Sessions are counted right all the same."


def _gap(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    advised = document["gap_advice"]
    if advised["suggested_gap_seconds"] is None:
        return
    own = next(row for row in advised["compared"] if row["gap_seconds"] == advised["own_gap_seconds"])
    its = next(row for row in advised["compared"] if row["gap_seconds"] == str(advised["suggested_gap_seconds"]))
    its_text = f"{its['sessions']:,} sessions instead of {own['sessions']:,} ({its['change']:+.1%})"
    if its is own:
        yield FINE, f"The gap of {own['gap_seconds']} s is the one that these silences suggest."
    elif abs(its["change"]) <= _LITTLE:
        yield FINE, f"The silences suggest a gap of {its['gap_seconds']} s, which changes little: {its_text}."
    else:
        yield NOTICE, f"The silences suggest a gap of {its['gap_seconds']} s: {its_text}."
