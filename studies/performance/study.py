"""The performance study."""

from __future__ import annotations

from studies.performance.configuration import PerformancePoint
from studies.performance.measurement import COLUMNS, cost, digest, measure
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=PerformancePoint,
    title="How long does a patch take, engine by engine?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.performance.figures",
    program=program_of,
)
