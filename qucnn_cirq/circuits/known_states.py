"""Gates on qubits whose states are known before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.blocks import block_from_one, block_from_two, gates_of, preparing
from qucnn_cirq.circuits.slots import fixed

KnownStates = dict[cirq.Qid, NDArray[np.complex128]]
"""The states, shape (2,), of those qubits that have one of their own, the same for all angles."""

_AT_ZERO = np.array([1, 0], dtype=complex)


def at_zero(qubits: Iterable[cirq.Qid]) -> KnownStates:
    """The states of qubits on which nothing has acted.

    Args:
        qubits: The qubits.
    """
    return dict.fromkeys(qubits, _AT_ZERO)


def from_known(
    qubits: Sequence[cirq.Qid], matrix: NDArray[np.complex128] | None, known: KnownStates
) -> list[cirq.Operation] | None:
    """A unitary as it acts on known states, which become those after it.

    Args:
        qubits: One or two, or more whose states are forgotten.
        matrix: The unitary, shape (4, 4) or (2, 2); None if it depends on angles.
        known: The known states before it; afterwards those after it.

    Returns:
        Slots and CZ gates; None if nothing is known, or there is no matrix.
    """
    before = {qubit: known.pop(qubit) for qubit in qubits if qubit in known}
    if not before or matrix is None or len(qubits) > 2:
        return None
    if len(qubits) == 1:
        (qubit,) = qubits
        known[qubit] = matrix @ before[qubit]
        return [fixed(matrix).on(qubit)]
    first, second = qubits
    if first not in before:
        first, second = second, first
        matrix = matrix.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    # Back to |0>, and from there to what the unitary makes.
    undone = [fixed(preparing(state).conj().T).on(qubit) for qubit, state in before.items()]
    if len(before) == 2:
        vector = matrix @ np.kron(before[first], before[second])
        found, is_product = block_from_two(first, second, vector)
        if is_product:
            for part in found:
                known[part.qubits[0]] = cirq.unitary(part)[:, 0]
        return [*undone, *found]
    one = block_from_one(first, second, matrix @ np.kron(before[first][:, None], np.eye(2)))
    if one is None:
        return None
    if not gates_of(one):
        known[first] = next(cirq.unitary(part)[:, 0] for part in one if part.qubits == (first,))
    return [*undone, *one]
