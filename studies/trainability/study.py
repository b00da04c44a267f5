"""The trainability study."""

from __future__ import annotations

from studies.point import program_of
from studies.sweep.study import Study
from studies.trainability.configuration import TrainabilityPoint
from studies.trainability.measurement import COLUMNS, cost, digest, measure

STUDY = Study(
    settings=TrainabilityPoint,
    title="How large are gradients before training, against qubits, depth and noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.trainability.figures",
    program=program_of,
)
