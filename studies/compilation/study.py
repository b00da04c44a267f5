"""The compilation study: what circuits cost, by this compiler and by others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import cirq
import numpy as np

from noise_models import NoiseConfiguration, fields
from qucnn_cirq.circuits.overlap_tests import AUTO
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from studies.compilation.peers import Costs, compile_with, textbook_circuit
from studies.point import PlainData, convolution_field, noise_field, program_of
from studies.sweep.study import (
    REFUSED,
    Cost,
    Measured,
    Row,
    Study,
    circuits_digest,
    example_circuit,
)

COMPILERS = ("qucnn", "cirq", "qiskit", "pytket", "bqskit")


@attrs.frozen
class CompilationPoint(PlainData):
    """Settings of one compilation.

    Attributes:
        compiler: "qucnn", this package's; "cirq", its router and gate sets; or, with the extra
            [peers], "qiskit", "pytket" or "bqskit". The others are given the same loaders as
            two-qubit gates, then the textbook overlap test.
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first. Only "cz" for qiskit,
            pytket and bqskit.
        walkers: Ancillas of the ancilla test; only for qucnn.
        seeds: Seeds that qiskit is tried with; the smallest predicted error on the device counts.
        p1: Error of a one-qubit gate in the predicted error.
        p2: Error of a two-qubit gate in it.
        convolution: The convolution; filters default to a fixed random vector of the kernel's size.
        noise: Not used; the tables of all studies are the same.
    """

    name: ClassVar[str] = "compilation"
    default_filter: ClassVar[str] = "random"
    takes_measurements: ClassVar[bool] = True

    compiler: str = fields.one_of(COMPILERS, default="qucnn")
    device: str = fields.text(default="willow_pink")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    walkers: int = fields.whole(1, default=1)
    seeds: int = fields.whole(1, default=20)
    p1: float = fields.real(0.0, 1.0, default=0.001)
    p2: float = fields.real(0.0, 1.0, default=0.005)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.compiler in ("qiskit", "pytket", "bqskit") and self.gate_set not in (None, "cz"):
            raise InputError(
                f"compiler = {self.compiler!r} is compared in CZ: set gate_set = 'cz'."
            )
        if self.compiler != "qucnn" and self.convolution.overlap == AUTO:
            raise InputError(
                f"compiler = {self.compiler!r} does not choose the overlap test: set "
                "convolution.overlap."
            )


COLUMNS = {
    "two_qubit_gates": "native two-qubit gates",
    "two_qubit_depth": "longest chain of two-qubit gates",
    "one_qubit_gates": "one-qubit gates, virtual Z left out",
    "error": "probability that a gate errs, 1 - (1 - p1)^n1 (1 - p2)^n2",
    "register_qubits": "qubits of the patch",
    "verified": "whether random patches give the right outcomes and the device accepts the "
    "circuit (qucnn)",
    "layout": "the layout (qucnn)",
    "loader": "the loader (qucnn)",
}


def digest(settings: CompilationPoint) -> Mapping[str, str]:
    """Digest of the compiled circuits; for other compilers, of their version.

    Args:
        settings: Those of the point.
    """
    if settings.compiler != "qucnn":
        return peer_digest(settings.compiler, settings.device)
    return {"circuits": circuits_digest(lambda: program_of(settings))}


def peer_digest(compiler: str, device: str | None) -> Mapping[str, str]:
    """Another compiler's version.

    Args:
        compiler: One of `COMPILERS`.
        device: The name of a device; None if there is none to be named.
    """
    from studies.provenance import package_version

    package = {"cirq": "cirq-core"}.get(compiler, compiler)
    found = {"compiler": f"{package} {package_version(package)}"}
    # They compile for a device, and none that this package compiled says whether it exists.
    try:
        if device is not None:
            load_device(device)
    except InputError:
        return {**found, "device": REFUSED}
    return found


def cost(settings: CompilationPoint) -> Cost:
    """What a point takes: nearly nothing but time.

    Args:
        settings: Those of the point.
    """
    each = {
        "qucnn": 1.0,
        "cirq": 5.0,
        "qiskit": 0.3 * settings.seeds,
        "pytket": 2.0,
        "bqskit": 30.0,
    }
    spec = settings.convolution
    size = spec.register_qubits / 4
    if spec.loads_vectors:
        # A loader has about as many gates as a patch has values.
        size = 4.0 ** max(0, spec.register_qubits - 4)
    return Cost(1, 0, each[settings.compiler] * size, 2**20)


def measure(settings: CompilationPoint, seed: np.random.SeedSequence) -> Measured:
    """Compiles once.

    Args:
        settings: The settings.
        seed: Not used: compilation is deterministic, and Qiskit's seeds are counted from 0.

    Raises:
        InputError: If the convolution does not fit the device, or the compiler is not installed.
    """
    row: Row = {}
    if settings.compiler == "qucnn":
        program = program_of(settings)
        report = program.report
        costs = Costs(report.two_qubit_gates, report.two_qubit_depth, _pulses(program))
        row = {
            "verified": program.verify(patches=2).passed,
            "layout": report.layout,
            "loader": report.loader,
        }
    else:
        device = load_device(settings.device)
        compiled = compile_with(
            settings.compiler,
            textbook_circuit(settings.convolution)[0],
            device,
            settings.gate_set or device.default_gate_set,
            settings.seeds,
        )
        costs = Costs.of(compiled)
    survival = (1 - settings.p1) ** costs.one_qubit_gates
    survival *= (1 - settings.p2) ** costs.two_qubit_gates
    register = settings.convolution.register_qubits
    return Measured([{**vars(costs), **row, "error": 1 - survival, "register_qubits": register}])


def circuits(settings: CompilationPoint) -> list[tuple[str, cirq.Circuit]]:
    """The circuit that this package compiles.

    Args:
        settings: Those of the point.
    """
    return example_circuit(program_of(settings))


def _pulses(program: Program) -> int:
    """One-qubit gates of the circuit, virtual Z left out."""
    return sum(
        len(operation.qubits) == 1
        and not isinstance(operation.gate, cirq.ZPowGate)
        and not cirq.is_measurement(operation)
        for operation in program.filters[0].template.marked_circuit.all_operations()
    )


STUDY = Study(
    settings=CompilationPoint,
    title="What do the circuits cost, and what do general compilers make of them?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.compilation.figures",
    findings="studies.compilation.findings",
    circuits=circuits,
    # Other compilers choose other qubits.
    program=lambda settings: program_of(settings) if settings.compiler == "qucnn" else None,
    withheld="counts gates: it runs no circuits",
)
