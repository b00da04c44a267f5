"""The learning study."""

from __future__ import annotations

from studies.learning.configuration import LearningPoint
from studies.learning.measurement import COLUMNS, cost, digest, measure
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=LearningPoint,
    title="How well, and how fast, does an ansatz learn a filter?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.learning.figures",
    program=program_of,
)
