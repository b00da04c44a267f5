"""The physical process that every engine runs: native gates and noise in order of time.

All engines start from the same list, made once from a template and a noise model, so that they
cannot differ in what they simulate, only in how.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.overlap import Observable
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import SlotTag, Template
from qucnn_cirq.errors import InputError

Kraus = tuple[NDArray[np.complex128], ...]


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


def physical_process(template: Template, noise: Noise) -> list[Element]:
    """All gates of a template with their noise; measurements and readout apart.

    Raises:
        InputError: If the noise model puts in an operation that is no channel.
    """
    noisy = template.marked_circuit.with_noise(noise.gate_model)
    known: dict[int, tuple[cirq.Gate, Kraus]] = {}
    elements = []
    for operation in noisy.all_operations():
        marks = [tag for tag in operation.tags if isinstance(tag, SlotTag)]
        if marks:
            elements.append(Element(operation.qubits, slot=template.slots[marks[0].index]))
        elif not cirq.is_measurement(operation) and operation.qubits:
            elements.append(Element(operation.qubits, kraus=_kraus(operation, known)))
    return elements


def _kraus(operation: cirq.Operation, known: dict[int, tuple[cirq.Gate, Kraus]]) -> Kraus:
    # Not every channel is hashable, so they are told apart as objects; ``known`` keeps them alive.
    gate = operation.gate
    if id(gate) in known:
        return known[id(gate)][1]
    operators = cirq.kraus(operation, default=None)
    if operators is None:
        raise InputError(
            f"the noise model puts in {operation!r}, which has no Kraus operators; use channels."
        )
    kraus = tuple(np.asarray(operator, complex) for operator in operators)
    if gate is not None:
        known[id(gate)] = gate, kraus
    return kraus


def read_observable(
    observable: Observable, noise: Noise
) -> list[tuple[tuple[cirq.Qid, ...], NDArray[np.float64]]]:
    """The diagonal observable whose exact mean is what noisy readout records on average.

    Returns:
        For each group its qubits and, for each true bit pattern, the mean recorded value.
    """
    joint = noise.joint_readout(observable.qubits)
    groups = []
    for members in _joined(observable, [pair for pair, _ in joint]):
        qubits = tuple(qubit for own, _ in members for qubit in own)
        recorded = functools.reduce(np.multiply.outer, [np.asarray(v) for _, v in members])
        recorded = recorded.reshape((2,) * len(qubits))
        # The last error to happen is the first that the recorded value meets on the way back.
        for pair, probability in joint:
            if set(pair) <= set(qubits):
                flipped = np.flip(recorded, (qubits.index(pair[0]), qubits.index(pair[1])))
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
