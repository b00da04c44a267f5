"""The learning study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.learning.configuration import LearningPoint
from studies.learning.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.learning.figures")

KIND = SweepKind(
    name=LearningPoint.name,
    title="How well, and how fast, does an ansatz learn a filter?",
    version=1,
    study_keys=LearningPoint.study_keys(),
    read=LearningPoint.from_mapping,
    describe=LearningPoint.to_mapping,
    identify=LearningPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
