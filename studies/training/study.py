"""The training study."""

from __future__ import annotations

from studies.point import program_of
from studies.sweep.study import Study
from studies.training.configuration import TrainingPoint
from studies.training.measurement import COLUMNS, cost, digest, measure

STUDY = Study(
    settings=TrainingPoint,
    title="How well does a classifier with a quantum convolution learn, with shots and noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.training.figures",
    program=program_of,
)
