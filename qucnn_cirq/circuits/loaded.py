"""What circuits of slots and CZ make of states, for a whole table of angles at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import AngleTables, Rotation, Slot, TableAngle

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def loaded_states(
    circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid], tables: AngleTables, batch: int
) -> ComplexArray:
    """The states that a circuit prepares, up to a phase of each.

    Args:
        circuit: Slots and CZ gates.
        qubits: The register, most significant qubit first.
        tables: The angle tables, each of ``batch`` rows.
        batch: How many states.

    Returns:
        Unit vectors, shape (2^n, batch).
    """
    states = np.zeros((1 << len(qubits), batch), dtype=complex)
    states[0] = 1
    _evolve(circuit, qubits, states, tables, keeps_phases=False)
    return states


def evolved(
    circuit: cirq.AbstractCircuit,
    qubits: Sequence[cirq.Qid],
    states: NDArray[np.inexact[Any]],
    tables: AngleTables,
) -> ComplexArray:
    """What a circuit makes of states.

    Args:
        circuit: Slots and CZ gates.
        qubits: The register, most significant qubit first.
        states: Shape (batch, 2^n).
        tables: The angle tables, each of ``batch`` rows or of one for all.

    Returns:
        Shape (batch, 2^n).
    """
    columns = np.array(states.T, dtype=complex, order="C")
    _evolve(circuit, qubits, columns, tables, keeps_phases=True)
    return columns.T


def _evolve(
    circuit: cirq.AbstractCircuit,
    qubits: Sequence[cirq.Qid],
    columns: ComplexArray,
    tables: AngleTables,
    keeps_phases: bool,
) -> None:
    """Applies a circuit in place to states, shape (2^n, batch)."""
    axes = {qubit: axis for axis, qubit in enumerate(qubits)}
    states = columns.reshape((2,) * len(qubits) + (columns.shape[1],))
    for operation in circuit.all_operations():
        on = [axes[qubit] for qubit in operation.qubits]
        # The qubits' bits first; a view.
        front = np.moveaxis(states, on, range(len(on)))
        if isinstance(operation.gate, Slot):
            for factor in operation.gate.factors:
                if isinstance(factor, Rotation):
                    _turn(front, factor, tables, keeps_phases)
                else:
                    a, b, c, d = factor.entries
                    front[0], front[1] = a * front[0] + b * front[1], c * front[0] + d * front[1]
        else:
            assert operation.gate == cirq.CZ
            front[1, 1] *= -1


def infidelities(states: NDArray[np.inexact[Any]], loaded: ComplexArray) -> FloatArray:
    """1 - |<x|y>|^2, with all digits near zero.

    Args:
        states: The vectors x that were asked for, shape (batch, 2^n).
        loaded: The vectors y that there are, shape (2^n, batch).

    Returns:
        Shape (batch,).
    """
    wanted = states.T
    # The part of y that is orthogonal to x, squared.
    rest = loaded - np.sum(wanted.conj() * loaded, axis=0) * wanted
    found: FloatArray = np.sum(rest.real**2 + rest.imag**2, axis=0)
    return found


def _turn(front: ComplexArray, rotation: Rotation, tables: AngleTables, keeps_phases: bool) -> None:
    """Turns the qubit of the first axis, in place."""
    angle = rotation.angle
    if isinstance(angle, TableAngle):
        half = angle.sign * tables[angle.table][:, angle.column] / 2
    else:
        half = np.array([angle / 2])
    zero, one = front
    cosine, sine = np.cos(half), np.sin(half)
    if rotation.axis == "z":
        phase = cosine + 1j * sine
        if keeps_phases:
            zero *= phase.conj()
            one *= phase
        else:
            one *= phase**2
        return
    across = sine if rotation.axis == "y" else -1j * sine
    from_zero = across * zero
    zero *= cosine
    if rotation.axis == "y":
        zero -= across * one
    else:
        zero += across * one
    one *= cosine
    one += from_zero
