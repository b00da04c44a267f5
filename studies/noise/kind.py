"""The noise study as a kind of sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from studies.examples import example_circuit
from studies.noise.configuration import NoisePoint
from studies.noise.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind


def _draw(table: pd.DataFrame, folder: Path) -> list[str]:
    from studies.drawing import theme
    from studies.noise.figures import draw

    with theme():
        return draw(table, folder)


def _text(table: pd.DataFrame) -> str:
    from studies.noise.figures import text

    return text(table)


KIND = SweepKind(
    name=NoisePoint.name,
    title="How wrong are the feature maps, and what does a classifier make of them?",
    version=1,
    study_keys=NoisePoint.study_keys(),
    read=NoisePoint.from_mapping,
    describe=NoisePoint.to_mapping,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
)
