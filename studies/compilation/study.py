"""The compilation study."""

from __future__ import annotations

from studies.compilation.configuration import CompilationPoint
from studies.compilation.measurement import COLUMNS, circuits, cost, digest, measure
from studies.point import program_of
from studies.sweep.study import Study

STUDY = Study(
    settings=CompilationPoint,
    title="What do the circuits cost, and what do general compilers make of them?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.compilation.figures",
    circuits=circuits,
    # Other compilers choose other qubits.
    program=lambda settings: program_of(settings) if settings.compiler == "qucnn" else None,
)
