"""The trainability study as a kind of sweep."""

from __future__ import annotations

from studies.examples import example_circuit
from studies.sweep.kind import SweepKind, lazy_figures
from studies.trainability.configuration import TrainabilityPoint
from studies.trainability.measurement import COLUMNS, cost, digest, measure, program_of

_draw, _text = lazy_figures("studies.trainability.figures")

KIND = SweepKind(
    name=TrainabilityPoint.name,
    title="How large are gradients before training, against qubits, depth and noise?",
    version=1,
    study_keys=TrainabilityPoint.study_keys(),
    read=TrainabilityPoint.from_mapping,
    describe=TrainabilityPoint.to_mapping,
    identify=TrainabilityPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=lambda settings: example_circuit(program_of(settings)),
    program=program_of,
)
