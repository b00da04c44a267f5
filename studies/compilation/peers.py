"""General compilers, each from the textbook circuit to a device's couplers and gates.

The circuit that is handed to them: loaders, then the textbook overlap test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np

from qucnn_cirq.circuits.loaders import BUILT_IN, Loader, made
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import MeetingPlace
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import MEASUREMENT_KEY
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import Device
from qucnn_cirq.errors import InputError, missing_extra


@dataclass(frozen=True)
class Costs:
    """What a compiled circuit costs.

    Attributes:
        two_qubit_gates: Native two-qubit gates.
        two_qubit_depth: Longest chain of two-qubit gates.
        one_qubit_gates: One-qubit gates that are not virtual.
    """

    two_qubit_gates: int
    two_qubit_depth: int
    one_qubit_gates: int


def compile_with(
    compiler: str, circuit: cirq.Circuit, device: Device, gate_set: str, seeds: int
) -> Costs:
    """Compiles a circuit with a general compiler.

    Args:
        compiler: "cirq", "qiskit" or "pytket".
        circuit: The circuit, measured at the end.
        device: Where it shall run.
        gate_set: The two-qubit gate; "cz" for all but Cirq.
        seeds: Seeds that Qiskit is tried with.

    Raises:
        InputError: If the compiler is not installed.
    """
    if compiler == "cirq":
        return _with_cirq(circuit, device, gate_set)
    compile_: Callable[[cirq.Circuit, nx.Graph, int], Costs] = {
        "qiskit": _with_qiskit,
        "pytket": _with_pytket,
    }[compiler]
    try:
        return compile_(circuit, device.graph, seeds)
    except ImportError:
        raise missing_extra(f"compiler = {compiler!r}", "peers") from None


def _with_cirq(circuit: cirq.Circuit, device: Device, gate_set: str) -> Costs:
    gatesets: dict[str, cirq.CompilationTargetGateset] = {
        "cz": cirq.CZTargetGateset(),
        "sqrt_iswap": cirq.SqrtIswapTargetGateset(),
    }
    if gate_set not in gatesets:
        raise InputError(
            f"compiler = 'cirq' is compared in cz and sqrt_iswap, not in {gate_set!r}."
        )
    # The router wants two-qubit gates only, and each measured qubit by itself.
    small = cirq.expand_composite(
        circuit, no_decomp=lambda op: len(op.qubits) <= 2 and not cirq.is_measurement(op)
    )
    unmeasured = cirq.drop_terminal_measurements(small)
    largest = max(nx.connected_components(device.graph), key=len)
    routed = cirq.RouteCQC(device.graph.subgraph(largest))(unmeasured)
    compiled = cirq.optimize_for_target_gateset(
        routed, gateset=gatesets[gate_set], max_num_passes=None
    )
    pairs = [op for op in compiled.all_operations() if len(op.qubits) == 2]
    singles = [
        op
        for op in compiled.all_operations()
        if len(op.qubits) == 1 and not isinstance(op.gate, cirq.ZPowGate)
    ]
    return Costs(len(pairs), len(cirq.Circuit(pairs)), len(singles))


def _with_qiskit(circuit: cirq.Circuit, graph: nx.Graph, seeds: int) -> Costs:
    from qiskit import qasm2
    from qiskit.transpiler import CouplingMap
    from qiskit.transpiler.preset_passmanagers import generate_preset_pass_manager

    source = qasm2.loads(circuit.to_qasm(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    coupling = CouplingMap([pair for edge in _numbered(graph) for pair in (edge, edge[::-1])])

    def compiled_with(seed: int) -> Costs:
        manager = generate_preset_pass_manager(
            optimization_level=3,
            coupling_map=coupling,
            basis_gates=["cz", "rz", "sx", "x"],
            seed_transpiler=seed,
        )
        compiled = manager.run(source)
        counts = compiled.count_ops()
        depth = compiled.depth(lambda instruction: len(instruction.qubits) == 2)
        return Costs(counts.get("cz", 0), depth, counts.get("sx", 0) + counts.get("x", 0))

    return min(
        map(compiled_with, range(seeds)),
        key=lambda costs: (costs.two_qubit_gates, costs.two_qubit_depth),
    )


def _with_pytket(circuit: cirq.Circuit, graph: nx.Graph, seeds: int) -> Costs:
    from pytket import OpType
    from pytket.architecture import Architecture
    from pytket.passes import (
        AutoRebase,
        DecomposeBoxes,
        DefaultMappingPass,
        FullPeepholeOptimise,
        RemoveRedundancies,
        SequencePass,
        SynthesiseTket,
    )
    from pytket.qasm import circuit_from_qasm_str

    source = circuit_from_qasm_str(circuit.to_qasm())
    SequencePass(
        [
            DecomposeBoxes(),
            FullPeepholeOptimise(),
            DefaultMappingPass(Architecture(_numbered(graph))),
            FullPeepholeOptimise(allow_swaps=False),
            SynthesiseTket(),
            AutoRebase({OpType.CZ, OpType.PhasedX, OpType.Rz}),
            RemoveRedundancies(),
        ]
    ).apply(source)
    return Costs(
        source.n_gates_of_type(OpType.CZ),
        source.depth_by_type(OpType.CZ),
        source.n_gates_of_type(OpType.PhasedX),
    )


def _numbered(graph: nx.Graph) -> list[tuple[int, int]]:
    """The couplers between numbered qubits."""
    number = {qubit: index for index, qubit in enumerate(sorted(graph.nodes))}
    return [(number[first], number[second]) for first, second in graph.edges]


def textbook_circuit(spec: ConvolutionSpec) -> tuple[cirq.Circuit, Observable]:
    """A circuit on line qubits: a random patch and filter, one overlap test, measured.

    The loaders are the shortest in closed form, already as CZ and one-qubit gates, so that no
    compiler has to find them. Bits are recorded in the order of the qubits.

    Args:
        spec: The convolution, its overlap test named.

    Returns:
        The circuit, and the observable whose mean after it is the overlap.
    """
    n_qubits, test = spec.register_qubits, spec.overlap_test
    data, filters = cirq.LineQubit.range(n_qubits), cirq.LineQubit.range(n_qubits, 2 * n_qubits)
    ancilla = cirq.LineQubit(2 * n_qubits)
    prepared = _loaded(spec, data, seed=1)
    undone = cirq.Circuit()
    if test.undoes_filter:
        undone = _loaded(spec, data, seed=2)
    else:
        prepared += _loaded(spec, filters, seed=2)
    pairs = tuple(zip(data, filters, strict=True))
    meeting, observable = test.textbook(
        MeetingPlace(
            data=tuple(data),
            preparation=undone,
            pairs=pairs,
            walks=(tuple((ancilla, x, f) for x, f in pairs),),
        )
    )
    measured = cirq.measure(*sorted(observable.qubits), key=MEASUREMENT_KEY)
    return cirq.Circuit(prepared, meeting, measured), observable


def _shortest(n_qubits: int) -> Loader:
    """The shortest of the package's own loaders in closed form, the same in every process."""
    found = []
    for kind in BUILT_IN:
        # Another size than its own is refused.
        with contextlib.suppress(InputError):
            loader = made(kind, n_qubits, "cz")
            if loader.is_closed_form and not loader.merges_filter:
                found.append(loader)
    return min(found, key=lambda loader: loader.cost)


def _loaded(spec: ConvolutionSpec, qubits: list[cirq.LineQubit], seed: int) -> cirq.Circuit:
    loader = _shortest(len(qubits))
    vector = np.zeros(2 ** len(qubits))
    vector[: spec.n_elements] = np.random.default_rng(seed).normal(size=spec.n_elements)
    tables = {"patch": loader.angles(vector[None] / np.linalg.norm(vector))}

    def fill(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not isinstance(operation.gate, Slot):
            return operation
        matrix = operation.gate.unitaries(tables)[0]
        gate = cirq.single_qubit_matrix_to_phxz(matrix)
        return (gate or cirq.I).on(*operation.qubits)

    return cirq.map_operations(loader.circuit(qubits, "patch"), fill)
