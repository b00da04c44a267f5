"""The compilation study as a kind of sweep."""

from __future__ import annotations

from studies.compilation.configuration import CompilationPoint
from studies.compilation.measurement import COLUMNS, circuits, cost, digest, measure, program_of
from studies.sweep.kind import SweepKind, lazy_figures

_draw, _text = lazy_figures("studies.compilation.figures")

KIND = SweepKind(
    name=CompilationPoint.name,
    title="What do the circuits cost, and what do general compilers make of them?",
    version=1,
    study_keys=CompilationPoint.study_keys(),
    read=CompilationPoint.from_mapping,
    describe=CompilationPoint.to_mapping,
    identify=CompilationPoint.to_identity,
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    draw=_draw,
    text=_text,
    circuits=circuits,
    # Other compilers choose other qubits.
    program=lambda settings: program_of(settings) if settings.compiler == "qucnn" else None,
)
