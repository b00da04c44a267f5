"""The performance study as a kind of sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from studies.examples import example_circuit
from studies.performance.configuration import PerformancePoint
from studies.performance.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind


def _draw(table: pd.DataFrame, folder: Path) -> list[str]:
    from studies.drawing import theme
    from studies.performance.figures import draw

    with theme():
        return draw(table, folder)


def _text(table: pd.DataFrame) -> str:
    from studies.performance.figures import text

    return text(table)


KIND = SweepKind(
    name=PerformancePoint.name,
    title="How long does a patch take, engine by engine?",
    version=1,
    study_keys=PerformancePoint.study_keys(),
    read=PerformancePoint.from_mapping,
    describe=PerformancePoint.to_mapping,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
)
