"""Odd lines set aside: files copied without them, for the fast reader, and what the judge says of them, as PARSED."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from session_calc.inputs import Input
from session_calc.read.judge import Judgement, make_judge
from session_calc.read.judged import parsed_type
from session_calc.read.proof import OddLine, Proof
from session_calc.read.stage import Stage, open_bytes
from session_calc.read.verdict import is_blank, is_too_long
from session_calc.schemas import BLANK, LINE_TOO_LONG, Fields

_TIMES_LONGER = {"gz": 10, "bz2": 20}  # compressed lines, at most but for odd ones
_SHARE_OF_DISK = 0.5
_COPY_BYTES = 1 << 20


def has_room(proofs: Mapping[Input, Proof], stage: Stage) -> bool:
    """Tell whether the disk has room for the copies, and as much again."""
    if stage.folder is None:
        return False
    wanted = sum(one.byte_count * _TIMES_LONGER.get(one.compression, 1) for one, proof in proofs.items() if proof.odd)
    return wanted <= shutil.disk_usage(stage.folder).free * _SHARE_OF_DISK


def plain_inputs(proofs: Mapping[Input, Proof], stage: Stage) -> list[Input]:
    """Give the inputs, those with odd lines as copies without them; files without any other line are left out."""
    with ThreadPoolExecutor() as threads:
        copies = threads.map(lambda one: _copy(one, proofs[one], stage) if proofs[one].odd else one, proofs)
        return [one for one in copies if one is not None]


def judged(spark: SparkSession, proofs: Iterable[Proof], fields: Fields) -> DataFrame | None:
    """Give what becomes of the odd lines as PARSED; None where there are none."""
    judge = make_judge(*fields.for_judge())
    nothing = (None,) * (len(fields.parsed_columns) - 1)

    def judgement_of(line: OddLine) -> Judgement:
        if line.text is None or is_too_long(line.text, fields.max_line_bytes):
            return (LINE_TOO_LONG, *nothing)
        return (BLANK, *nothing) if is_blank(line.text) else judge(line.text)

    rows: Sequence[Any] = [judgement_of(line) for proof in proofs for line in proof.odd]
    return spark.createDataFrame(rows, parsed_type(fields)) if rows else None


def _copy(one: Input, proof: Proof, stage: Stage) -> Input | None:
    if len(proof.odd) == proof.line_count:
        return None
    copy = stage.path_of(one).with_suffix(f".plain.{one.format}")
    with open_bytes(one) as source, copy.open("wb") as target:
        here = 0
        for line in proof.odd:
            _pass_on(source, target, line.begin - here)
            _pass_on(source, None, line.end - line.begin)
            here = line.end
        shutil.copyfileobj(source, target, _COPY_BYTES)
    return Input(str(copy), copy.stat().st_size, one.mark, one.format, compression="")


def _pass_on(source: Any, target: Any, byte_count: int) -> None:
    while byte_count > 0 and (block := source.read(min(byte_count, _COPY_BYTES))):
        byte_count -= len(block)
        if target is not None:
            target.write(block)
