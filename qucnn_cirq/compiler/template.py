"""A compiled circuit whose one-qubit gates are still open, and how to fill them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models.timeline import handed_over_tag
from qucnn_cirq.circuits.feed_forward import is_controlled
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.circuits.slots import AngleTables, Slot, phased_xz_exponents

MEASUREMENT_KEY = "overlap"


@dataclass(frozen=True)
class SlotTag:
    """Marks the operation of a slot, so that it is found again after noise is put in.

    Attributes:
        index: Position in `Template.slots`.
    """

    index: int


@dataclass(frozen=True, eq=False)
class Template:
    """One structure for all patches: native moments with slots for the one-qubit gates.

    Attributes:
        circuit: Moments of slots, native two-qubit gates and, last, the measurement.
        observable: The diagonal observable whose mean is the overlap.
        data_qubits: Qubits on which the patch is loaded, before it meets the filter.
        filter_qubits: Qubits on which the filter is prepared.
        ancillas: Qubits on which the walking ancillas start.
        given: If the patch's state is handed over, as the table ``"patch"``: what simulators
            prepare it with on the data qubits before the circuit begins.
        relabelling: How the recorded bits give those that a measurement asks for; None if they are
            these, or if the observable is all that is asked for.
    """

    circuit: cirq.FrozenCircuit
    observable: Observable
    data_qubits: tuple[cirq.Qid, ...]
    filter_qubits: tuple[cirq.Qid, ...]
    ancillas: tuple[cirq.Qid, ...] = ()
    given: Loader | None = None
    relabelling: Relabelling | None = None

    def __repr__(self) -> str:
        moments, qubits = len(self.circuit), len(self.qubits)
        return f"<template of {moments} moments on {qubits} qubits, {len(self.slots)} slots>"

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """All slots, in order of time and then of qubits as the moments hold them."""
        return tuple(op.gate for op in self.circuit.all_operations() if isinstance(op.gate, Slot))

    @cached_property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """All qubits, sorted."""
        own = () if self.given is None else self.data_qubits
        return tuple(sorted(self.circuit.all_qubits().union(own)))

    @cached_property
    def digest(self) -> str:
        """Tells this circuit, its slots and its observable from any other: 64 hexadecimal digits.

        The same in every process.
        """
        text = repr((self.circuit, self.observable, self.data_qubits, self.filter_qubits))
        if self.given is not None:
            text += f" given {self.given.name}"
        if self.relabelling is not None:
            text += f" {self.relabelling}"
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def conjugate(self) -> Template | None:
        """The circuit whose amplitudes are all complex conjugates: the same outcomes without noise.

        A state that is handed over is real, and so its own conjugate. So is the Y that a record
        controls, up to a phase that goes with the record.

        None where the gates are real up to phases, so that it is the circuit itself, or where a
        native gate other than CZ has no conjugate among native gates.
        """
        gates = [
            op.gate
            for op in self.circuit.all_operations()
            if not cirq.is_measurement(op) and not is_controlled(op)
        ]
        if any(not isinstance(gate, Slot) and gate != cirq.CZ for gate in gates):
            return None
        if all(slot.is_real for slot in self.slots):
            return None
        return self.with_slots([slot.conjugate() for slot in self.slots])

    def with_slots(self, slots: Sequence[Slot], observable: Observable | None = None) -> Template:
        """The same structure with other one-qubit gates.

        Args:
            slots: In the order of `slots`.
            observable: What is measured; None for the same.
        """
        numbers = iter(range(len(slots)))
        circuit = cirq.Circuit(
            cirq.Moment(
                slots[next(numbers)].on(*op.qubits).with_tags(*op.tags)
                if isinstance(op.gate, Slot)
                else op
                for op in moment
            )
            for moment in self.circuit
        )
        chosen = self.observable if observable is None else observable
        return replace(self, circuit=circuit.freeze(), observable=chosen)

    @cached_property
    def marked_circuit(self) -> cirq.Circuit:
        """The native circuit with a stand-in gate for each slot, tagged with its index.

        Noise models see ordinary native gates, all slots alike, so that where noise goes can
        depend on the structure but never on a patch.
        """
        pulse = cirq.PhasedXZGate(x_exponent=0.5, z_exponent=0.25, axis_phase_exponent=0.125)
        phase = cirq.ZPowGate(exponent=0.25)
        return self._with_slots([phase if s.is_virtual else pulse for s in self.slots], mark=True)

    def bound_circuit(self, tables: AngleTables) -> cirq.Circuit:
        """The native circuit of one row of the angle tables.

        Args:
            tables: For each table that the slots read an array of shape (1, columns).
        """
        return self._with_slots(self._bound_gates(tables))

    @cached_property
    def preparation(self) -> cirq.FrozenCircuit:
        """What prepares a state that is handed over, of slots and CZ; nothing for others.

        Its slots read `preparing` tables.
        """
        if self.given is None:
            return cirq.FrozenCircuit()
        return self.given.circuit(self.data_qubits, "patch").freeze()

    def preparing(self, tables: AngleTables) -> AngleTables:
        """The tables with the angles that prepare what is handed over.

        Args:
            tables: Any tables of this template.

        Returns:
            The same where nothing is handed over.
        """
        if self.given is None:
            return tables
        return {**tables, "patch": self.given.angles(tables["patch"])}

    def bound_preparation(self, tables: AngleTables) -> cirq.Circuit:
        """`preparation` for one row of the angle tables; without noise on any device.

        Args:
            tables: As for `bound_circuit`.
        """
        if self.given is None:
            return cirq.Circuit()
        own = self.preparing(tables)

        def bound(operation: cirq.Operation, _: int) -> cirq.Operation:
            if not isinstance(operation.gate, Slot):
                return operation
            return cirq.MatrixGate(operation.gate.unitaries(own)[0]).on(*operation.qubits)

        return cirq.map_operations(self.preparation.unfreeze(), bound)

    def _bound_gates(self, tables: AngleTables) -> list[cirq.Gate]:
        """The gates of the slots for one row of the angle tables; a virtual Z is a power of Z."""
        if not self.slots:
            return []
        unitaries = np.concatenate([slot.unitaries(tables) for slot in self.slots])
        exponents = (values.tolist() for values in phased_xz_exponents(unitaries))
        return [
            cirq.ZPowGate(exponent=z)
            if slot.is_virtual
            else cirq.PhasedXZGate(x_exponent=x, z_exponent=z, axis_phase_exponent=a)
            for slot, x, z, a in zip(self.slots, *exponents, strict=True)
        ]

    def _with_slots(self, gates: Sequence[cirq.Gate], mark: bool = False) -> cirq.Circuit:
        numbers = iter(range(len(gates)))
        given = set() if self.given is None else set(self.data_qubits)

        def fill(operation: cirq.Operation) -> cirq.Operation:
            # On its first operation: noise does not prepare it.
            own = tuple(handed_over_tag(qubit) for qubit in operation.qubits if qubit in given)
            given.difference_update(operation.qubits)
            if not isinstance(operation.gate, Slot):
                return operation.with_tags(*own) if own else operation
            index = next(numbers)
            tags = (SlotTag(index),) if mark else operation.tags
            return gates[index].on(*operation.qubits).with_tags(*tags, *own)

        return cirq.Circuit(cirq.Moment(fill(op) for op in moment) for moment in self.circuit)

    def overlap_from_result(self, result: cirq.Result, key: str = MEASUREMENT_KEY) -> float:
        """The estimate of F (or g F) from measured bits: the mean of the observable over all shots.

        Args:
            result: Result of running a bound circuit on any ``cirq.Sampler``.
            key: The key of the measurement, which the result must hold.
        """
        bits: NDArray[np.integer] = result.measurements[key]
        return float(self.observable.values(bits).mean())

    def moved(self, positions: Mapping[cirq.Qid, cirq.Qid]) -> Template:
        """The same circuit on other qubits.

        Args:
            positions: Where each of the qubits goes.
        """
        return Template(
            self.circuit.unfreeze().transform_qubits(dict(positions)).freeze(),
            self.observable.on(positions),
            # Of a state that is handed over a part may have no place on the device.
            tuple(positions.get(qubit, qubit) for qubit in self.data_qubits),
            tuple(positions[qubit] for qubit in self.filter_qubits),
            tuple(positions[qubit] for qubit in self.ancillas),
            self.given,
            self.relabelling,
        )
