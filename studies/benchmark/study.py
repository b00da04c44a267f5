"""The benchmark: the predicted errors of circuits of convolutions that are drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import cirq
import numpy as np

from noise_models import NoiseConfiguration, fields
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.benchmark.drawn import Drawn, draw
from studies.compilation.peers import Costs, compile_with, predicted_error, textbook_circuit_of
from studies.compilation.study import COMPILERS, peer_digest
from studies.point import PlainData, convolution_field, noise_field
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest

TOLERANCE = 1e-6
"""Largest deviation of a simulated overlap that counts as right."""


@attrs.frozen
class BenchmarkPoint(PlainData):
    """Settings of one circuit.

    Attributes:
        compiler: As of the study compilation. The others are given the numbers of one patch and
            one set of angles, the shortest loaders as two-qubit gates, and the textbook overlap
            test; this package compiles for all patches and angles.
        number: Which of the specifications, at least 0.
        seed: Seed from which they are drawn, at least 0.
        seeds: Seeds that qiskit is tried with; the smallest predicted error counts.
        device: Name of the device of all of them; None to draw devices, too.
        convolution: Not used: it is drawn.
        noise: Not used; the tables of all studies are the same.
    """

    name: ClassVar[str] = "benchmark"
    default_filter: ClassVar[str] = "random"

    compiler: str = fields.one_of(COMPILERS, default="qucnn")
    number: int = fields.whole(0, default=0)
    seed: int = fields.whole(0, default=0)
    seeds: int = fields.whole(1, default=20)
    device: str | None = fields.text(beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()


COLUMNS = {
    "kernel": "rows x columns, and channels where there are several",
    "overlap": "the overlap test",
    "filter": "the filter",
    "on": "the device",
    "gates": "the native two-qubit gate",
    "two_qubit_gates": "native two-qubit gates",
    "two_qubit_depth": "longest chain of two-qubit gates",
    "one_qubit_gates": "one-qubit gates, virtual Z left out",
    "error": "predicted error: probability that an operation errs, as the compiler weighs layouts",
    "deviation": "|simulated mean - |<x|f>|^2|, times g in a backward circuit",
    "layout": "the layout (qucnn)",
    "loader": "the loader (qucnn)",
}


def digest(settings: BenchmarkPoint) -> Mapping[str, str]:
    """Digest of the compiled circuit; for other compilers, of their version.

    Args:
        settings: Those of the point.
    """
    if settings.compiler == "qucnn":
        return {"circuits": circuits_digest(lambda: _compiled(_drawn(settings)))}
    return peer_digest(settings.compiler, settings.device)


def cost(settings: BenchmarkPoint) -> Cost:
    """What a point takes: nearly nothing but time.

    Args:
        settings: Those of the point.
    """
    each = {"qucnn": 2.0, "cirq": 3.0, "pytket": 6.0, "bqskit": 30.0}
    each["qiskit"] = 0.5 * settings.seeds
    return Cost(1, 0, each[settings.compiler], 2**20)


def measure(settings: BenchmarkPoint, seed: np.random.SeedSequence) -> Measured:
    """Draws a specification, compiles it and simulates the circuit.

    Args:
        settings: The settings.
        seed: Not used: what is drawn depends on the settings alone.

    Raises:
        InputError: If the compiler is not installed, or makes a circuit that is wrong.
    """
    drawn = _drawn(settings)
    row, mean = _own(drawn) if settings.compiler == "qucnn" else _peer(drawn, settings)
    deviation = abs(mean - drawn.overlap)
    if not deviation <= TOLERANCE:
        raise InputError(
            f"specification {settings.number}: the circuit of {settings.compiler} is off by "
            f"{deviation:.2g}."
        )
    (rows, columns), channels = drawn.spec.kernel_pair, drawn.spec.channels
    what: Row = {
        "kernel": f"{rows}x{columns}" + (f"x{channels}" if channels > 1 else ""),
        "overlap": "backward" if drawn.spec.backward else drawn.spec.overlap,
        "filter": drawn.filter_text,
        "on": drawn.device_text,
        "gates": drawn.gate_set,
    }
    return Measured([{**what, **row, "deviation": deviation}])


def _drawn(settings: BenchmarkPoint) -> Drawn:
    return draw(settings.number, settings.seed, settings.device)


def _compiled(drawn: Drawn) -> Program:
    return compile_convolution(drawn.spec, drawn.device, gate_set=drawn.gate_set)


def _own(drawn: Drawn) -> tuple[Row, float]:
    """What the circuit of this package costs, and its mean."""
    program = _compiled(drawn)
    circuit = program.circuit(drawn.patch, drawn.parameters, upstream=drawn.upstream)
    variant = program.variant(drawn.patch)
    row: Row = {
        **vars(Costs.of(variant.template.circuit)),
        "error": variant.report.predicted_error,
        "layout": variant.report.layout,
        "loader": variant.report.loader,
    }
    return row, simulated_mean(circuit, variant.template.observable)


def _peer(drawn: Drawn, settings: BenchmarkPoint) -> tuple[Row, float]:
    """What that of another compiler costs, and its mean."""
    start, observable = textbook_circuit_of(
        drawn.spec, drawn.patch, drawn.parameters, drawn.upstream
    )
    compiled = compile_with(settings.compiler, start, drawn.device, drawn.gate_set, settings.seeds)
    row: Row = {
        **vars(Costs.of(compiled)),
        "error": predicted_error(compiled, drawn.device, drawn.gate_set),
    }
    return row, _mean(compiled, observable)


def _mean(compiled: cirq.Circuit, observable: Observable) -> float:
    """The mean of the textbook circuit's observable after what a compiler made of it."""
    (measured,) = (op.qubits for op in compiled.all_operations() if cirq.is_measurement(op))
    moved = observable.on(dict(zip(sorted(observable.qubits), measured, strict=True)))
    bound = Template(compiled.freeze(), moved, (), ()).bound_circuit({})
    return simulated_mean(bound, moved)


STUDY = Study(
    settings=BenchmarkPoint,
    title="Where do general compilers do better?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.benchmark.figures",
    findings="studies.benchmark.findings",
    withheld="counts gates: it runs no circuits",
)
