"""The gradient study."""

from __future__ import annotations

from studies.gradient.configuration import GradientPoint
from studies.gradient.measurement import COLUMNS, cost, digest, measure
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=GradientPoint,
    title="What does multiplying by g on the processor cost in shots, and is it right?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.gradient.figures",
    program=program_of,
)
