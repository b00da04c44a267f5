"""The training study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.sweep.kind import SweepKind, lazy_figures
from studies.training.configuration import TrainingPoint
from studies.training.measurement import COLUMNS, cost, digest, measure, program_of

_draw, _text = lazy_figures("studies.training.figures")

KIND = SweepKind(
    name=TrainingPoint.name,
    title="How well does a classifier with a quantum convolution learn, with shots and noise?",
    version=1,
    study_keys=TrainingPoint.study_keys(),
    read=TrainingPoint.from_mapping,
    describe=TrainingPoint.to_mapping,
    identify=TrainingPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
