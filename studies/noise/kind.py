"""The noise study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.noise.configuration import NoisePoint
from studies.noise.measurement import COLUMNS, cost, digest, measure, most_shots, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.noise.figures")

KIND = SweepKind(
    name=NoisePoint.name,
    title="How wrong are the feature maps, and what does a classifier make of them?",
    version=1,
    study_keys=NoisePoint.study_keys(),
    read=NoisePoint.from_mapping,
    describe=NoisePoint.to_mapping,
    identify=NoisePoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
    targets=("shots", "precision", "most_shots"),
    most_shots=most_shots,
)
