"""The loading study."""

from __future__ import annotations

from studies.loading.configuration import LoadingPoint
from studies.loading.measurement import COLUMNS, cost, digest, measure
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=LoadingPoint,
    title="What do shorter, inexact loaders cost, and what do they gain under noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.loading.figures",
    program=program_of,
)
