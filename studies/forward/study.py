"""The forward study."""

from __future__ import annotations

from studies.forward.configuration import ForwardPoint
from studies.forward.measurement import (
    COLUMNS,
    cost,
    digest,
    measure,
    most_shots,
)
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=ForwardPoint,
    title="How wrong do the feature maps of a quantum convolution become, and why?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.forward.figures",
    program=program_of,
    targets=("shots",),
    most_shots=most_shots,
)
