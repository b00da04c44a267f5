"""The noise study."""

from __future__ import annotations

from studies.noise.configuration import NoisePoint
from studies.noise.measurement import COLUMNS, cost, digest, measure, most_shots
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=NoisePoint,
    title="How wrong are the feature maps, and what does a classifier make of them?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.noise.figures",
    program=program_of,
    targets=("shots", "precision", "most_shots"),
    most_shots=most_shots,
)
