"""The performance study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.performance.configuration import PerformancePoint
from studies.performance.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.performance.figures")

KIND = SweepKind(
    name=PerformancePoint.name,
    title="How long does a patch take, engine by engine?",
    version=1,
    study_keys=PerformancePoint.study_keys(),
    read=PerformancePoint.from_mapping,
    describe=PerformancePoint.to_mapping,
    identify=PerformancePoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
