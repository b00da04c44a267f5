"""The loading study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.loading.configuration import LoadingPoint
from studies.loading.measurement import COLUMNS, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.loading.figures")

KIND = SweepKind(
    name=LoadingPoint.name,
    title="What do shorter, inexact loaders cost, and what do they gain under noise?",
    version=1,
    study_keys=LoadingPoint.study_keys(),
    read=LoadingPoint.from_mapping,
    describe=LoadingPoint.to_mapping,
    identify=LoadingPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
