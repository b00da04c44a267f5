"""The physical process that every engine runs: native gates and noise in order of time.

All engines start from the same list, made once from a template and a noise model, so that they
cannot differ in what they simulate, only in how.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import GuardedNoiseModel, Noise
from qucnn_cirq.circuits.feed_forward import deferred
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import SlotTag, Template
from qucnn_cirq.errors import InputError

Kraus = tuple[NDArray[np.complex128], ...]


class SignedKraus(tuple[NDArray[np.complex128], ...]):
    """Operators K of a map sum s K rho K^+, where s is 1 or -1: a channel's inverse, say.

    No device runs such a map. It is how the means of quasi-probabilities are computed exactly.

    Attributes:
        signs: The sign of each operator.
    """

    signs: tuple[int, ...]

    @classmethod
    def of(cls, operators: Iterable[NDArray[np.complex128]], signs: Iterable[int]) -> SignedKraus:
        """Operators with their signs.

        Args:
            operators: Each of shape (2^k, 2^k).
            signs: 1 or -1 for each of them.
        """
        found = cls(operators)
        found.signs = tuple(signs)
        return found


@dataclass(frozen=True, eq=False)
class Element:
    """One gate or channel.

    Attributes:
        qubits: Where it acts.
        slot: The slot, if its angles come from tables.
        kraus: Kraus operators of a fixed gate or channel; one operator if it is unitary.
    """

    qubits: tuple[cirq.Qid, ...]
    slot: Slot | None = None
    kraus: Kraus = ()


class QuasiGate(cirq.Gate):
    """A gate that stands for a `SignedKraus`: `cirq.kraus` gives its operators without signs."""

    @property
    @abc.abstractmethod
    def signs(self) -> tuple[int, ...]:
        """The sign of each operator."""


def physical_process(template: Template, noise: Noise, prepares: bool = True) -> list[Element]:
    """All gates of a template with their noise; measurements and readout apart.

    Args:
        template: The compiled circuit.
        noise: The noise.
        prepares: Whether what prepares a state that is handed over is part of it.

    Returns:
        Slots and channels in order of time. What prepares a state that is handed over comes first
        and has no noise.

    Raises:
        InputError: If the noise model does not leave the one-qubit gates, whose angles differ from
            patch to patch, as they are.
        InputError: If what it returns cannot be applied; see `noise_models.GuardedNoiseModel`.
    """
    prepared = [
        Element(op.qubits, slot=op.gate)
        if isinstance(op.gate, Slot)
        else Element(op.qubits, kraus=(cirq.unitary(op),))
        for op in (template.preparation.all_operations() if prepares else ())
    ]
    elements = _elements(template, template.marked_circuit, noise)
    # Noise that is configured depends on the structure alone; any other model may do as it likes.
    if isinstance(noise.gate_model, GuardedNoiseModel):
        for pulse in _OTHER_PULSES:
            again = _elements(template, _with_pulses(template.marked_circuit, pulse), noise)
            if not _equal(elements, again):
                raise InputError(
                    "the noise model's noise depends on the angles of gates or changes from call "
                    f"to call, and this engine puts in noise once for all patches. {_ADVICE}"
                )
    return prepared + elements


def _pulse_without_turn(index: int) -> cirq.Gate:
    return cirq.PhasedXZGate(x_exponent=0.0, z_exponent=0.0, axis_phase_exponent=0.0)


def _pulse_of_its_own(index: int) -> cirq.Gate:
    """Another pulse for each slot, so that none is taken for another where tags are lost."""
    return cirq.PhasedXZGate(
        x_exponent=1.0 - 1e-3 / (index + 1), z_exponent=-0.3, axis_phase_exponent=-0.4
    )


_OTHER_PULSES = (_pulse_without_turn, _pulse_of_its_own)
"""With the one in the marked circuit these span the angles that bound gates have."""
_ADVICE = "Choose engine = 'qsim' with shots, which asks the model for every patch."


def _with_pulses(circuit: cirq.Circuit, pulse: Callable[[int], cirq.Gate]) -> cirq.Circuit:
    """A marked circuit with other gates in place of its open pulses."""

    def other(operation: cirq.Operation) -> cirq.Operation:
        index = _mark(operation)
        if index is None or not isinstance(operation.gate, cirq.PhasedXZGate):
            return operation
        return pulse(index).on(*operation.qubits).with_tags(*operation.tags)

    return cirq.Circuit(cirq.Moment(other(op) for op in moment) for moment in circuit)


def _mark(operation: cirq.Operation) -> int | None:
    """The slot that an operation stands for."""
    return next((tag.index for tag in operation.tags if isinstance(tag, SlotTag)), None)


def _elements(template: Template, marked: cirq.Circuit, noise: Noise) -> list[Element]:
    stand_ins = {_mark(op): op.untagged for op in marked.all_operations()}
    known: dict[int, tuple[cirq.Gate, Kraus]] = {}
    elements, seen = [], []
    noisy = deferred(marked.with_noise(noise.gate_model), noise.readout)
    # The order within a moment means nothing, and need not be the same from call to call.
    for operation in (op for each in noisy for op in sorted(each, key=lambda op: op.qubits)):
        index = _mark(operation)
        if index is not None:
            # A slot's own gate is put in here, so that no other gate and no channel may bear
            # its tag.
            if operation.untagged != stand_ins[index]:
                raise InputError(
                    "the noise model puts another operation in place of a one-qubit gate or "
                    f"copies its tags, which this engine keeps for itself. {_ADVICE}"
                )
            seen.append(index)
            elements.append(Element(operation.qubits, slot=template.slots[index]))
        elif not cirq.is_measurement(operation) and operation.qubits:
            elements.append(Element(operation.qubits, kraus=_kraus(operation, known)))
    if sorted(seen) != list(range(len(template.slots))):
        raise InputError(f"the noise model drops or repeats one-qubit gates. {_ADVICE}")
    return elements


def _equal(elements: Sequence[Element], others: Sequence[Element]) -> bool:
    return len(elements) == len(others) and all(
        one.qubits == other.qubits
        and one.slot is other.slot
        and len(one.kraus) == len(other.kraus)
        and all(map(np.allclose, one.kraus, other.kraus))
        for one, other in zip(elements, others, strict=True)
    )


def _kraus(operation: cirq.Operation, known: dict[int, tuple[cirq.Gate, Kraus]]) -> Kraus:
    # Not every channel is hashable, so they are told apart as objects; ``known`` keeps them alive.
    gate = operation.gate
    if id(gate) in known:
        return known[id(gate)][1]
    operators = cirq.kraus(operation)
    kraus: Kraus = tuple(np.asarray(operator, complex) for operator in operators)
    if isinstance(gate, QuasiGate):
        kraus = SignedKraus.of(kraus, gate.signs)
    if gate is not None:
        known[id(gate)] = gate, kraus
    return kraus


def read_observable(
    observable: Observable, noise: Noise, measured: Sequence[cirq.Qid] | None = None
) -> list[tuple[tuple[cirq.Qid, ...], NDArray[np.float64]]]:
    """The diagonal observable whose exact mean is what noisy readout records on average.

    Args:
        observable: What is measured.
        noise: The noise, whose readout counts.
        measured: All qubits that are read in the same moment, of which any pair may be flipped
            together; those of the observable if None.

    Returns:
        For each group its qubits and, for each true bit pattern, the mean recorded value, shape
        (2^qubits,). Groups that joint readout errors connect have become one.
    """
    own = set(observable.qubits)
    pairs = noise.joint_readout(observable.qubits if measured is None else measured)
    joint = [(pair, chance) for pair, chance in pairs if not own.isdisjoint(pair)]
    groups = []
    for members in _joined(observable, [pair for pair, _ in joint]):
        qubits = tuple(qubit for own, _ in members for qubit in own)
        recorded = functools.reduce(np.multiply.outer, [np.asarray(v) for _, v in members])
        recorded = recorded.reshape((2,) * len(qubits))
        # The last error to happen is the first that the recorded value meets on the way back.
        for pair, probability in joint:
            # Of the two qubits only one may be looked at.
            if axes := tuple(qubits.index(qubit) for qubit in pair if qubit in qubits):
                flipped = np.flip(recorded, axes)
                recorded = (1 - probability) * recorded + probability * flipped
        for axis, qubit in enumerate(qubits):
            p01, p10 = noise.readout(qubit)
            confusion = np.array([[1 - p01, p01], [p10, 1 - p10]])
            recorded = np.moveaxis(np.tensordot(confusion, recorded, axes=(1, axis)), 0, axis)
        groups.append((qubits, recorded.ravel()))
    return groups


def _joined(
    observable: Observable, pairs: Sequence[tuple[cirq.Qid, cirq.Qid]]
) -> list[list[tuple[tuple[cirq.Qid, ...], tuple[float, ...]]]]:
    """The groups of an observable, those together that pairs connect."""
    joined = [[group] for group in observable.groups]
    for pair in pairs:
        touched = [g for g in joined if any(not set(pair).isdisjoint(qubits) for qubits, _ in g)]
        rest = [g for g in joined if not any(g is each for each in touched)]
        joined = [*rest, [group for members in touched for group in members]]
    return joined
