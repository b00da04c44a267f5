"""The learning study as a kind of sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from studies.examples import example_circuit
from studies.learning.configuration import LearningPoint
from studies.learning.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind


def _draw(table: pd.DataFrame, folder: Path) -> list[str]:
    from studies.drawing import theme
    from studies.learning.figures import draw

    with theme():
        return draw(table, folder)


def _text(table: pd.DataFrame) -> str:
    from studies.learning.figures import text

    return text(table)


KIND = SweepKind(
    name=LearningPoint.name,
    title="How well, and how fast, does an ansatz learn a filter?",
    version=1,
    study_keys=LearningPoint.study_keys(),
    read=LearningPoint.from_mapping,
    describe=LearningPoint.to_mapping,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
)
