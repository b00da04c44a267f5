"""Any circuit brought to a device: placed, routed, in native gates, and proved to do the same.

Where the circuit's pairs of qubits have couplers of their own it is only placed and converted.
Otherwise it is routed by the search that serves convolutions which fit no layout.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cirq
import cirq_google
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import Slot, fixed
from qucnn_cirq.circuits.user_circuits import user_circuit
from qucnn_cirq.compiler.embedding import best_embedding
from qucnn_cirq.compiler.passes import (
    drop_unobserved,
    merge_slots,
    schedule_as_late_as_possible,
    two_qubit_depth,
    two_qubit_gates,
)
from qucnn_cirq.compiler.proof import NotProvedError
from qucnn_cirq.compiler.routing import routes
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.validation import errors_of, validate

_TARGETS = {
    "cz": cirq.CZTargetGateset,
    "sqrt_iswap": cirq.SqrtIswapTargetGateset,
    "syc": cirq_google.SycamoreTargetGateset,
}
_ROUTES = 8
"""Routes that are converted, placed and compared by their predicted errors."""
MOST_PROVED = 20
"""Qubits of a circuit whose states are compared."""
_SAME = 1e-6
"""Difference up to which outcomes are the same: Cirq finds native gates to about 1e-8."""


@dataclass(frozen=True, eq=False)
class FixedCircuit:
    """A circuit that a device runs, in place of another one.

    Attributes:
        circuit: Native gates and measurements on qubits of the device.
        places: Where each qubit of the given circuit is at the beginning, in |0>.
        ends: Where it is at the end, and measured.
        two_qubit_gates: Native two-qubit gates.
        two_qubit_depth: Their longest chain.
        predicted_error: Probability that an operation errs.
        difference: How far the outcomes are from those of the given circuit, by simulation from
            |0...0>: the total variation distance of the distributions of all measured bits, or
            1 - |<given|fixed>|^2 of the final states if nothing is measured. None if there are more
            than `MOST_PROVED` qubits, and nothing is proved.
    """

    circuit: cirq.Circuit
    places: Mapping[cirq.Qid, cirq.Qid]
    ends: Mapping[cirq.Qid, cirq.Qid]
    two_qubit_gates: int
    two_qubit_depth: int
    predicted_error: float
    difference: float | None


def fix_circuit(
    circuit: cirq.AbstractCircuit, device: DeviceLike, gate_set: str | None = None
) -> FixedCircuit:
    """Brings a circuit to a device: it gives the same outcomes from |0...0>.

    Args:
        circuit: Gates with unitaries, on any qubits, without symbols; measured at the end or not
            at all.
        device: A name, or a device.
        gate_set: The two-qubit gate, one of the device's; None for its first.

    Returns:
        The valid circuit with the smallest predicted error that was found. Keys of measurements
        are kept, with their bits in order.

    Raises:
        InputError: If the circuit has what cannot be brought to a device, or the device is too
            small for it.
        NotProvedError: If the outcomes are others, which is an error of the package.
    """
    target = load_device(device)
    name = _gate_set(target, gate_set)
    gates, read = _parts(circuit)
    qubits = sorted(circuit.all_qubits())
    # What no measurement notices is not run.
    noticed = drop_unobserved(gates + cirq.Circuit(read))
    noticed = cirq.Circuit(op for op in noticed.all_operations() if not cirq.is_measurement(op))
    logical = user_circuit("circuit", noticed, qubits, qubits) if qubits else noticed
    best: FixedCircuit | None = None
    for routed, starts, ends in _routed(merge_slots(logical), qubits, target):
        found = _placed(_native(routed, name), starts, ends, read, target, name)
        if best is None or found.predicted_error < best.predicted_error:
            best = found
    assert best is not None
    left = errors_of(validate(best.circuit, target))
    if left:
        raise InputError(
            f"the circuit cannot be brought to {target.name!r}: {left[0]}; choose another device."
        )
    return _proved(best, gates, read)


def _gate_set(device: Device, gate_set: str | None) -> str:
    name = device.default_gate_set if gate_set is None else gate_set
    if name not in device.two_qubit_gates or name not in _TARGETS:
        known = ", ".join(each for each in device.two_qubit_gates if each in _TARGETS)
        raise InputError(
            f"gate_set = {shown(name)} is none of {device.name!r}: give one of {known}."
        )
    return name


def _parts(circuit: cirq.AbstractCircuit) -> tuple[cirq.Circuit, list[cirq.Operation]]:
    """Gates on one or two qubits, and the measurements behind them."""
    if any(qubit.dimension != 2 for qubit in circuit.all_qubits()):
        raise InputError("the circuit has qudits of more than two levels: give one of qubits.")
    if cirq.is_parameterized(circuit):
        names = ", ".join(sorted(cirq.parameter_names(circuit))[:3])
        raise InputError(f"the circuit has open parameters ({names}): resolve them first.")
    if not circuit.are_all_measurements_terminal():
        raise InputError(
            "the circuit measures in its middle: only terminal measurements are moved."
        )
    read = [op for op in circuit.all_operations() if cirq.is_measurement(op)]
    gates = cirq.Circuit(op for op in circuit.all_operations() if not cirq.is_measurement(op))

    def stuck(operation: cirq.Operation) -> Exception:
        return InputError(f"{operation} is no gate with a unitary: leave it out.")

    small = cirq.decompose(
        gates,
        keep=lambda op: 0 < len(op.qubits) <= 2 and cirq.has_unitary(op),
        on_stuck_raise=lambda op: None if not op.qubits else stuck(op),
    )
    return cirq.Circuit(op for op in small if op.qubits), read


def _routed(
    circuit: cirq.Circuit, qubits: Sequence[cirq.Qid], device: Device
) -> Iterator[tuple[cirq.Circuit, dict[cirq.Qid, cirq.Qid], dict[cirq.Qid, cirq.Qid]]]:
    """The circuit where it fits as it is, or routes of it, and where qubits begin and end."""
    idle = sorted(set(qubits).difference(circuit.all_qubits()))
    usage = Usage.of(circuit)
    placed = best_embedding(usage, device, device.default_gate_set, device.graph, {}, None)
    free = [qubit for qubit in sorted(device.graph) if qubit not in set((placed or {}).values())]
    if placed is not None and len(free) >= len(idle):
        places = {**placed, **dict(zip(idle, free, strict=False))}
        yield circuit.transform_qubits(placed), places, dict(places)
        return
    for route in itertools.islice(routes(lambda _: circuit, ({},), device.graph, idle), _ROUTES):
        yield route.circuit, route.starts, route.ends


def _native(circuit: cirq.Circuit, gate_set: str) -> cirq.Circuit:
    """The same in native gates: pulses, virtual Z, and the two-qubit gate."""
    if gate_set == "cz":
        return merge_slots(cirq.Circuit(op.untagged for op in circuit.all_operations()))
    gates = cirq.optimize_for_target_gateset(
        circuit, gateset=_TARGETS[gate_set](), max_num_passes=None
    )
    slots = cirq.Circuit(
        fixed(cirq.unitary(op)).on(*op.qubits) if len(op.qubits) == 1 else op.untagged
        for op in gates.all_operations()
        if op.qubits
    )
    return merge_slots(slots)


def _placed(
    slots: cirq.Circuit,
    starts: Mapping[cirq.Qid, cirq.Qid],
    ends: Mapping[cirq.Qid, cirq.Qid],
    read: Sequence[cirq.Operation],
    device: Device,
    gate_set: str,
) -> FixedCircuit:
    """A circuit on qubits of the device, where it errs least, with its measurements."""
    measured = cirq.Circuit(
        op.with_qubits(*(ends[qubit] for qubit in op.qubits)).untagged for op in read
    )
    whole = schedule_as_late_as_possible(slots + measured)
    usage = Usage.of(whole)
    here = {qubit: qubit for qubit in (*usage.qubits, *starts.values(), *ends.values())}
    error = usage.predicted_error(here, device, gate_set)
    moved = best_embedding(usage, device, gate_set, device.graph, {}, error)
    if moved is not None:
        error = usage.predicted_error(moved, device, gate_set)
        # Qubits that nothing acts on need no place of their own but one that is free.
        taken = set(moved.values())
        free = iter(qubit for qubit in sorted(device.graph) if qubit not in taken)
        here = {qubit: moved[qubit] if qubit in moved else next(free) for qubit in here}
        whole = whole.transform_qubits(moved)
    return FixedCircuit(
        _with_pulses(whole),
        {qubit: here[place] for qubit, place in starts.items()},
        {qubit: here[place] for qubit, place in ends.items()},
        two_qubit_gates(whole),
        two_qubit_depth(whole),
        error,
        None,
    )


def _with_pulses(circuit: cirq.Circuit) -> cirq.Circuit:
    """Slots as gates of Cirq's, in the same moments."""
    return cirq.Circuit(
        cirq.Moment(_pulse(op) if isinstance(op.gate, Slot) else op for op in moment)
        for moment in circuit
    )


def _pulse(operation: cirq.Operation) -> cirq.Operation:
    found = cirq.single_qubit_matrix_to_phxz(cirq.unitary(operation), atol=0)
    assert found is not None
    is_virtual = isinstance(operation.gate, Slot) and operation.gate.is_virtual
    gate = cirq.ZPowGate(exponent=found.z_exponent) if is_virtual else found
    return gate.on(*operation.qubits)


def _proved(
    fixed_: FixedCircuit, gates: cirq.Circuit, read: Sequence[cirq.Operation]
) -> FixedCircuit:
    """The same, once its outcomes are those of the given gates."""
    native = cirq.Circuit(
        op for op in fixed_.circuit.all_operations() if not cirq.is_measurement(op)
    )
    order = sorted(fixed_.ends)
    others = sorted(set(native.all_qubits()).difference(fixed_.ends.values()))
    if len(order) + len(others) > MOST_PROVED:
        return fixed_
    simulator = cirq.Simulator(dtype=np.complex128)
    given = simulator.simulate(gates, qubit_order=order).final_state_vector
    found = simulator.simulate(
        native, qubit_order=[*(fixed_.ends[qubit] for qubit in order), *others]
    ).final_state_vector
    if read:
        bits = [order.index(qubit) for op in read for qubit in op.qubits]
        one, other = (_distribution(state, bits) for state in (given, found))
        difference = float(np.abs(one - other).sum()) / 2
    else:
        # Qubits that only helped are in |0> again.
        overlap = np.vdot(given, found.reshape(len(given), -1)[:, 0])
        difference = max(0.0, 1.0 - float(abs(overlap)) ** 2)
    if difference > _SAME:
        raise NotProvedError(
            f"the outcomes differ from those of the given circuit by {difference:.1e}"
        )
    return replace(fixed_, difference=difference)


def _distribution(state: NDArray[np.complex128], bits: Sequence[int]) -> NDArray[np.float64]:
    """The distribution of some of the bits of a state, in the order of the register."""
    n_qubits = len(state).bit_length() - 1
    chances = (np.abs(state) ** 2).reshape((2,) * n_qubits)
    kept = chances.sum(axis=tuple(sorted(set(range(n_qubits)).difference(bits))))
    return np.asarray(kept, dtype=np.float64)
