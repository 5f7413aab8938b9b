"""A process that counts what it is told to on one engine, which reads S3 as its environment says.

How S3 is read is settled when an engine starts, and so it has a process of its own. Each line on standard input is a
list of paths, each line on standard output what the job found, or how it failed.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from counting import BASE_RULES, to_answer
from pyspark.errors import PySparkException

from session_calc.clock import Clock
from session_calc.engines import open_engine, tuning
from session_calc.engines.engine import Engine
from session_calc.errors import SessionCalcError
from session_calc.inputs import list_inputs
from session_calc.job import count_sessions
from session_calc.prepare import Work
from session_calc.s3 import Access, Source
from session_calc.schemas import Fields
from session_calc.sessionize.rules import EventRules

RULES = BASE_RULES


def found_in(engine: Engine, read_paths: list[str]) -> dict[str, Any]:
    fields = Fields(RULES.user_keys, RULES.timestamp_key, RULES.timestamp_unit, RULES.group_keys, RULES.max_line_bytes)
    clock = Clock()
    try:
        with clock.step("list"):
            listing = list_inputs(read_paths)
        if engine.name == "spark":
            tuning.fit(engine.spark, listing.inputs)
        counted = count_sessions(Work(engine, listing, fields, RULES.gaps_us, EventRules(), clock))
    except (SessionCalcError, PySparkException) as error:
        return {"error": type(error).__name__, "message": str(error), "seconds": clock.seconds}
    answer = to_answer(counted)
    return {
        "ledger": {name: number for name, number in answer.ledger.items() if number},
        "users": answer.user_count,
        "counts": [dict(sorted(counts.items(), key=str)) for counts in answer.session_counts.values()],
        "way": counted.read_way,
        "ignored": list(listing.ignored),
        "seconds": clock.seconds,
    }


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else is printed must not stand between the answers
    source = Source(Access(), "s3://nothing/nothing")
    with open_engine(sys.argv[1], "", os.environ, s3=source) as engine:
        print(json.dumps({"engine": engine.version}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(found_in(engine, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
