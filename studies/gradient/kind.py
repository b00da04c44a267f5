"""The gradient study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.gradient.configuration import GradientPoint
from studies.gradient.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.gradient.figures")

KIND = SweepKind(
    name=GradientPoint.name,
    title="What does multiplying by g on the processor cost in shots, and is it right?",
    version=1,
    study_keys=GradientPoint.study_keys(),
    read=GradientPoint.from_mapping,
    describe=GradientPoint.to_mapping,
    identify=GradientPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
