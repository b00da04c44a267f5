"""General compilers, each from a circuit without positions to a device's couplers and gates.

All are helped alike: what no measurement notices is dropped before and after, neighbouring gates
of one qubit are merged into a pulse or a virtual Z, and moments are scheduled as this package's
are. Of several results, of seeds or kinds of placement, the one with the smallest predicted error
counts.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import attrs
import cirq
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import BUILT_IN, Loader, made
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import MeetingPlace
from qucnn_cirq.circuits.slots import AngleTables, Slot, fixed
from qucnn_cirq.compiler.passes import (
    drop_unobserved,
    merge_slots,
    schedule_as_late_as_possible,
    two_qubit_depth,
    two_qubit_gates,
)
from qucnn_cirq.compiler.template import MEASUREMENT_KEY
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import NATIVE_GATES, Device
from qucnn_cirq.encodings import GivenLoader
from qucnn_cirq.errors import InputError, missing_extra
from qucnn_cirq.filters import FixedFilter


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

    @classmethod
    def of(cls, circuit: cirq.AbstractCircuit) -> Costs:
        """Counts a circuit.

        Args:
            circuit: Slots, native two-qubit gates and a measurement.
        """
        pulses = sum(Usage.of(circuit).one_qubit.values())
        return cls(two_qubit_gates(circuit), two_qubit_depth(circuit), pulses)


def compile_with(
    compiler: str, circuit: cirq.Circuit, device: Device, gate_set: str, seeds: int
) -> cirq.Circuit:
    """Compiles a circuit with a general compiler.

    Args:
        compiler: "cirq", "qiskit", "pytket" or "bqskit".
        circuit: The circuit of gates of at most three qubits, measured at the end with one key.
        device: Where it shall run.
        gate_set: The two-qubit gate, "cz" or "sqrt_iswap". The latter is made by Cirq from the
            others' routed circuits.
        seeds: Seeds that Qiskit is tried with.

    Returns:
        Slots without tables, native two-qubit gates and the measurement, on qubits of the device.

    Raises:
        InputError: If the compiler is not installed, the gate set is another, or the device is too
            small.
    """
    if gate_set not in _TARGETS:
        raise InputError(
            f"compiler = {compiler!r} is compared in cz and sqrt_iswap, not in {gate_set!r}."
        )
    largest = device.graph.subgraph(max(nx.connected_components(device.graph), key=len))
    if len(largest) < len(circuit.all_qubits()):
        raise InputError(f"device {device.name!r} is too small for {compiler}.")
    ways: dict[str, Callable[[cirq.Circuit, _Goal], Iterator[_Compiled]]] = {
        "cirq": _with_cirq,
        "qiskit": _with_qiskit,
        "pytket": _with_pytket,
        "bqskit": _with_bqskit,
    }
    # Routers want gates of two qubits, and each measured qubit by itself.
    small = cirq.expand_composite(
        circuit, no_decomp=lambda op: len(op.qubits) <= 2 and not cirq.is_measurement(op)
    )
    goal = _Goal(device, largest, gate_set, seeds)
    try:
        found = [_tidied(each) for each in ways[compiler](drop_unobserved(small), goal)]
    except ImportError:
        raise missing_extra(f"compiler = {compiler!r}", "peers") from None

    def error(each: cirq.Circuit) -> float:
        return predicted_error(each, device, gate_set)

    best = sorted(found, key=error)[:_REBASED]
    return min((_in_gate_set(each, gate_set) for each in best), key=error)


def predicted_error(circuit: cirq.AbstractCircuit, device: Device, gate_set: str) -> float:
    """The error that this package predicts of its own circuits, see `Usage.predicted_error`.

    Args:
        circuit: Slots, native two-qubit gates and a measurement, on qubits of the device.
        device: The device.
        gate_set: Its two-qubit gate.
    """
    usage = Usage.of(circuit)
    return usage.predicted_error({qubit: qubit for qubit in usage.qubits}, device, gate_set)


@dataclass(frozen=True)
class _Goal:
    """Where a circuit shall run, and how often that is tried."""

    device: Device
    graph: nx.Graph
    gate_set: str
    seeds: int

    @property
    def qubits(self) -> list[cirq.Qid]:
        """The qubits by their numbers."""
        return sorted(self.graph.nodes)

    def couplers(self) -> Iterator[tuple[int, int, float]]:
        """Numbers of two neighbours, and the error of a gate between them."""
        number = {qubit: index for index, qubit in enumerate(self.qubits)}
        for a, b in self.graph.edges:
            error = self.device.two_qubit_error(a, b, self.gate_set)
            yield number[a], number[b], error


_TARGETS: dict[str, Callable[[], cirq.CompilationTargetGateset]] = {
    "cz": cirq.CZTargetGateset,
    "sqrt_iswap": cirq.SqrtIswapTargetGateset,
}


_REBASED = 3
"""Results of a compiler that are written in another gate set, which takes Cirq a while."""


@dataclass(frozen=True)
class _Compiled:
    """What a compiler made: gates on qubits of the device, and where which bit is read."""

    gates: cirq.Circuit
    read: tuple[cirq.Qid, ...]


def _tidied(compiled: _Compiled) -> cirq.Circuit:
    """In slots and moments as this package has them, in whatever two-qubit gates it is."""
    measurement = cirq.measure(*compiled.read, key=MEASUREMENT_KEY)
    gates = drop_unobserved(compiled.gates + measurement)[:-1]
    slots = cirq.Circuit(
        fixed(cirq.unitary(op)).on(*op.qubits) if len(op.qubits) == 1 else op for op in _ops(gates)
    )
    return schedule_as_late_as_possible(merge_slots(slots) + measurement)


def _in_gate_set(circuit: cirq.Circuit, gate_set: str) -> cirq.Circuit:
    """The same in a gate set, by Cirq where it is in another one."""
    native = NATIVE_GATES[gate_set]
    pairs = (op for op in _ops(circuit) if len(op.qubits) == 2 and not cirq.is_measurement(op))
    if all(op.gate == native for op in pairs):
        return circuit
    (read,) = (op.qubits for op in _ops(circuit) if cirq.is_measurement(op))
    gates = cirq.optimize_for_target_gateset(
        cirq.drop_terminal_measurements(circuit),
        gateset=_TARGETS[gate_set](),
        max_num_passes=None,
    )
    return _tidied(_Compiled(gates, read))


def _ops(circuit: cirq.AbstractCircuit) -> list[cirq.Operation]:
    return [op for op in circuit.all_operations() if op.qubits]


def _with_cirq(circuit: cirq.Circuit, goal: _Goal) -> Iterator[_Compiled]:
    """Routed as it is, and with blocks of two qubits merged before."""
    (read,) = (op.qubits for op in _ops(circuit) if cirq.is_measurement(op))
    gates, target = cirq.drop_terminal_measurements(circuit), _TARGETS[goal.gate_set]()
    merged = cirq.optimize_for_target_gateset(gates, gateset=target, max_num_passes=None)
    router = cirq.RouteCQC(goal.graph)
    for start in (gates, merged):
        routed, first, moved = router.route_circuit(start)
        compiled = cirq.optimize_for_target_gateset(routed, gateset=target, max_num_passes=None)
        yield _Compiled(compiled, tuple(moved[first[qubit]] for qubit in read))


def _with_qiskit(circuit: cirq.Circuit, goal: _Goal) -> Iterator[_Compiled]:
    """Level 3 with the device's errors and what the measurements can notice, from many seeds."""
    from qiskit import qasm2
    from qiskit.circuit import Measure, Parameter
    from qiskit.circuit.library import CZGate, RZGate, UGate
    from qiskit.transpiler import InstructionProperties, PassManager, Target
    from qiskit.transpiler.passes import LightCone
    from qiskit.transpiler.preset_passmanagers import generate_preset_pass_manager

    source = qasm2.loads(circuit.to_qasm(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    qubits, device = goal.qubits, goal.device
    each = range(len(qubits))
    target = Target(num_qubits=len(qubits))
    pulses = {(n,): InstructionProperties(error=device.one_qubit_error(qubits[n])) for n in each}
    target.add_instruction(UGate(*map(Parameter, "abc")), pulses)
    target.add_instruction(
        RZGate(Parameter("a")), {(n,): InstructionProperties(error=0.0) for n in each}
    )
    readouts = {(n,): InstructionProperties(error=device.readout_error(qubits[n])) for n in each}
    target.add_instruction(Measure(), readouts)
    couplers = {
        pair: InstructionProperties(error=error)
        for a, b, error in goal.couplers()
        for pair in ((a, b), (b, a))
    }
    target.add_instruction(CZGate(), couplers)
    for seed in range(goal.seeds):
        manager = generate_preset_pass_manager(
            optimization_level=3, target=target, seed_transpiler=seed
        )
        manager.pre_init = PassManager([LightCone()])
        compiled = manager.run(source)
        gates, read = cirq.Circuit(), {}
        for instruction in compiled.data:
            numbers = [compiled.find_bit(qubit).index for qubit in instruction.qubits]
            on = [qubits[number] for number in numbers]
            if instruction.operation.name == "measure":
                read[compiled.find_bit(instruction.clbits[0]).index] = on[0]
            elif instruction.operation.name == "cz":
                gates.append(cirq.CZ(*on))
            elif instruction.operation.name != "barrier":
                gates.append(cirq.MatrixGate(instruction.operation.to_matrix()).on(*on))
        yield _Compiled(gates, tuple(read[bit] for bit in sorted(read)))


def _with_pytket(circuit: cirq.Circuit, goal: _Goal) -> Iterator[_Compiled]:
    """All of its optimisations, before and after routing, from each of its placements."""
    from pytket import OpType
    from pytket.architecture import Architecture
    from pytket.circuit import Node, Qubit, UnitID
    from pytket.passes import (
        AutoRebase,
        BasePass,
        DecomposeBoxes,
        FullPeepholeOptimise,
        NaivePlacementPass,
        PlacementPass,
        RemoveRedundancies,
        RoutingPass,
        SequencePass,
        SimplifyInitial,
    )
    from pytket.placement import GraphPlacement, NoiseAwarePlacement
    from pytket.predicates import CompilationUnit
    from pytket.qasm import circuit_from_qasm_str

    # A measurement would be done early, and its qubit used again.
    (read,) = (op.qubits for op in _ops(circuit) if cirq.is_measurement(op))
    order = sorted(circuit.all_qubits())
    unmeasured = cirq.drop_terminal_measurements(circuit)
    text = unmeasured.to_qasm(qubit_order=order)
    couplers = list(goal.couplers())
    architecture = Architecture([(a, b) for a, b, _ in couplers])
    qubits, device = goal.qubits, goal.device
    nodes = {Node(number): qubit for number, qubit in enumerate(qubits)}
    noise_aware = NoiseAwarePlacement(
        architecture,
        {node: device.one_qubit_error(qubit) for node, qubit in nodes.items()},
        {(Node(a), Node(b)): error for a, b, error in couplers},
        {node: device.readout_error(qubit) for node, qubit in nodes.items()},
    )
    for placement in (noise_aware, GraphPlacement(architecture)):
        passes: list[BasePass] = [
            DecomposeBoxes(),
            SimplifyInitial(allow_classical=False, create_all_qubits=True),
            FullPeepholeOptimise(),
            PlacementPass(placement),
            RoutingPass(architecture),
            NaivePlacementPass(architecture),
            FullPeepholeOptimise(allow_swaps=False),
            AutoRebase({OpType.CZ, OpType.PhasedX, OpType.Rz}),
            RemoveRedundancies(),
        ]
        unit = CompilationUnit(circuit_from_qasm_str(text))
        SequencePass(passes).apply(unit)
        gates = cirq.Circuit()
        for command in unit.circuit.get_commands():
            on = [qubits[qubit.index[0]] for qubit in command.qubits]
            is_cz = command.op.type == OpType.CZ
            gates.append((cirq.CZ if is_cz else cirq.MatrixGate(command.op.get_unitary())).on(*on))
        # SWAPs that were left out are a permutation of the names at the end.
        wires: dict[UnitID, Qubit] = {
            end: wire for wire, end in unit.circuit.implicit_qubit_permutation().items()
        }
        ends = (wires[unit.final_map[Qubit(order.index(qubit))]] for qubit in read)
        yield _Compiled(gates, tuple(qubits[node.index[0]] for node in ends))


@contextlib.contextmanager
def _one_after_the_other() -> Iterator[None]:
    """Lets one process of a machine at a time start BQSKit's, which meet at a fixed port."""
    # Not on Windows.
    import fcntl

    with (Path(tempfile.gettempdir()) / "qucnn_bqskit.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _with_bqskit(circuit: cirq.Circuit, goal: _Goal) -> Iterator[_Compiled]:
    """Levels 1 and 2: levels 3 and 4 take many minutes for a circuit of an ancilla test."""
    import bqskit
    from bqskit.compiler import Compiler
    from bqskit.ir.gates import CZGate, U3Gate
    from bqskit.ir.lang.qasm2 import OPENQASM2Language

    (read,) = (op.qubits for op in _ops(circuit) if cirq.is_measurement(op))
    order = sorted(circuit.all_qubits())
    source = OPENQASM2Language().decode(
        cirq.drop_terminal_measurements(circuit).to_qasm(qubit_order=order)
    )
    qubits = goal.qubits
    pairs = [(a, b) for a, b, _ in goal.couplers()]
    model = bqskit.MachineModel(len(qubits), pairs, {CZGate(), U3Gate()})
    # It works in processes of its own, which end with the block.
    with _one_after_the_other():
        runtime = Compiler(num_workers=1)
    with runtime as compiler:
        for level in (1, 2):
            compiled, _, ends = bqskit.compile(
                source,
                model,
                optimization_level=level,
                with_mapping=True,
                compiler=compiler,
                seed=0,
            )
            gates = cirq.Circuit()
            for operation in compiled:
                on = [qubits[number] for number in operation.location]
                is_cz = isinstance(operation.gate, CZGate)
                gates.append(
                    (cirq.CZ if is_cz else cirq.MatrixGate(operation.get_unitary().numpy)).on(*on)
                )
            yield _Compiled(gates, tuple(qubits[ends[order.index(qubit)]] for qubit in read))


def textbook_circuit(spec: ConvolutionSpec) -> tuple[cirq.Circuit, Observable]:
    """A circuit on line qubits: a random patch and filter, one overlap test, measured.

    Args:
        spec: The convolution, its overlap test named. Its first filter is read if it acts on the
            patch or the patch is no vector of amplitudes; its angles are random then.

    Returns:
        As `textbook_circuit_of`.
    """
    if spec.measurement is not None or not spec.loads_vectors:
        generator = np.random.default_rng(1)
        first = attrs.evolve(spec, filters=spec.filter_list[0])
        angles = generator.uniform(0, 2 * np.pi, spec.n_parameters)
        return textbook_circuit_of(first, generator.uniform(0.1, 0.9, spec.n_elements), angles)
    vectors = [np.random.default_rng(seed).normal(size=spec.n_elements) for seed in (1, 2)]
    kernel = vectors[1].reshape(spec.channels, *spec.kernel_pair)
    fixed_filter = attrs.evolve(spec, filters=FixedFilter(kernel))
    return textbook_circuit_of(fixed_filter, vectors[0])


def textbook_circuit_of(
    spec: ConvolutionSpec,
    patch: NDArray[np.float64],
    parameters: NDArray[np.float64] | None = None,
    upstream: float | None = None,
) -> tuple[cirq.Circuit, Observable]:
    """A circuit on line qubits of one patch, the first filter and one overlap test, measured.

    The loaders are the shortest in closed form, already as CZ and one-qubit gates, so that no
    compiler has to find them; a filter that is a circuit is the circuit that was given. Bits are
    recorded in the order of the qubits.

    Args:
        spec: The convolution, its overlap test named.
        patch: The patch, as many values as the kernel has.
        parameters: Angles of the filter, shape (parameters,), if it has any.
        upstream: For a backward circuit the value g, by which the overlap is multiplied.

    Returns:
        The circuit, and the observable whose mean after it is the overlap.
    """
    n_qubits, test = spec.register_qubits, spec.overlap_test
    data, filters = cirq.LineQubit.range(n_qubits), cirq.LineQubit.range(n_qubits, 2 * n_qubits)
    ancilla, reader = cirq.LineQubit(2 * n_qubits), cirq.LineQubit(2 * n_qubits + 1)
    prepared, undone = _prepared(spec, patch, data), cirq.Circuit()
    if test.undoes_filter:
        undone = _filter(spec, data, parameters)
    else:
        prepared += _filter(spec, filters, parameters)
    pairs = tuple(zip(data, filters, strict=True))
    meeting, observable = test.textbook(
        MeetingPlace(
            data=tuple(data),
            preparation=undone,
            pairs=pairs,
            walks=(tuple((ancilla, x, f) for x, f in pairs),),
        )
    )
    if upstream is not None:
        # The ancilla's sign times the reader's, which has the mean g.
        (end,) = observable.qubits
        meeting = [meeting, cirq.ry(np.arccos(upstream)).on(reader), cirq.CNOT(end, reader)]
        observable = observable.on({end: reader})
    measured = cirq.measure(*sorted(observable.qubits), key=MEASUREMENT_KEY)
    return cirq.Circuit(prepared, meeting, measured), observable


def _filter(
    spec: ConvolutionSpec, qubits: list[cirq.LineQubit], parameters: NDArray[np.float64] | None
) -> cirq.Circuit:
    (filter_,) = spec.filter_list
    vector = filter_.fixed_vector(len(qubits))
    if vector is not None:
        return _loaded(vector, qubits)
    given = np.zeros(0) if parameters is None else parameters
    circuit = filter_.circuit_on(qubits)
    if any(isinstance(op.gate, Slot) for op in _ops(circuit)):
        return _filled(circuit.unfreeze(), {"filter": filter_.angles(len(qubits), given[None])})
    names = filter_.parameter_names(len(qubits))
    values = dict(zip(names, map(float, given), strict=True))
    return cirq.resolve_parameters(circuit, values).unfreeze()


def _filled(circuit: cirq.Circuit, tables: AngleTables) -> cirq.Circuit:
    """The circuit with gates in place of slots."""

    def fill(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not isinstance(operation.gate, Slot):
            return operation
        matrix = operation.gate.unitaries(tables)[0]
        gate = cirq.single_qubit_matrix_to_phxz(matrix)
        return (gate or cirq.I).on(*operation.qubits)

    return cirq.map_operations(circuit, fill).unfreeze(copy=False)


def _prepared(
    spec: ConvolutionSpec, patch: NDArray[np.float64], qubits: list[cirq.LineQubit]
) -> cirq.Circuit:
    """The patch's state."""
    if spec.loads_vectors:
        vector = np.zeros(2 ** len(qubits))
        vector[: patch.size] = patch.ravel()
        return _loaded(vector, qubits)
    own = spec.encoding.loader(spec.n_elements)
    if isinstance(own, GivenLoader):
        # Any state: what compilers know of |0> must not help them.
        turns = np.random.default_rng(2).uniform(0.3, 1.2, len(qubits))
        return cirq.Circuit(cirq.ry(t).on(q) for t, q in zip(turns, qubits, strict=True))
    assert own is not None
    return _filled(own.circuit(qubits, "patch"), {"patch": own.angles(patch.reshape(1, -1))})


def _loaded(vector: NDArray[np.float64], qubits: list[cirq.LineQubit]) -> cirq.Circuit:
    loader = _shortest(len(qubits))
    tables = {"patch": loader.angles(vector[None] / np.linalg.norm(vector))}
    return _filled(loader.circuit(qubits, "patch"), tables)


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
