"""Circuits and angle tables of filters: their own, or a loader's for a vector."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.loaders import Loader, StateLoader
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.filter import Filter


def filter_circuit(filter_: Filter, qubits: Sequence[cirq.Qid], loader: Loader) -> cirq.Circuit:
    """The logical circuit that prepares a filter from |0...0>, of slots and CZ gates.

    Args:
        filter_: What the filter is.
        qubits: The register, most significant qubit first.
        loader: The loader that a fixed vector is prepared with; a state loader
            prepares what any circuit does.

    Returns:
        A circuit whose slots read the table ``"filter"``.

    Raises:
        InputError: If a user's circuit acts on another number of qubits, or holds an operation
            that Cirq cannot write in CZ and one-qubit gates.
    """
    if isinstance(loader, StateLoader) or filter_.fixed_vector(len(qubits)) is not None:
        return loader.circuit(qubits, "filter")
    return filter_.compact(qubits)


def filter_angles(
    filter_: Filter, parameters: ArrayLike | None, n_qubits: int, loader: Loader
) -> NDArray[np.float64]:
    """The rows of the table ``"filter"``.

    Args:
        filter_: What the filter is.
        parameters: Shape (parameters,) or (batch, parameters), in radians; must be None or empty
            for a filter without parameters.
        n_qubits: Size of the register.
        loader: As for `filter_circuit`.

    Returns:
        Angles of shape (batch, columns); one row where the filter has no parameters.

    Raises:
        InputError: If the number of parameters is wrong or one of them is not finite.
    """
    expected = filter_.n_parameters(n_qubits)
    given = np.zeros((1, 0))
    if parameters is not None:
        given = np.atleast_2d(real_array("filter parameters", parameters))
    if given.ndim != 2 or given.shape[1] != expected:
        raise InputError(
            f"filter parameters of shape {given.shape}: the filter {shown(filter_)} takes "
            f"{expected} parameters on {n_qubits} qubits."
        )
    if not np.isfinite(given).all():
        raise InputError("filter parameters must be finite numbers (radians).")
    vector = filter_.fixed_vector(n_qubits)
    if vector is not None:
        return loader.angles(vector[None])
    return filter_table(filter_, filter_.angles(n_qubits, given), n_qubits, loader)


def filter_table(
    filter_: Filter, rotations: NDArray[np.float64], n_qubits: int, loader: Loader
) -> NDArray[np.float64]:
    """The rows of the table ``"filter"`` for given angles of the rotations in a filter's circuit.

    Args:
        filter_: What the filter is, no fixed vector.
        rotations: Rows as of `Filter.angles`, in radians, shape (batch, angles).
        n_qubits: Size of the register.
        loader: As for `filter_circuit`. The angles of a state loader load what the rotations
            prepare.

    Returns:
        Angles of shape (batch, columns).
    """
    if not isinstance(loader, StateLoader):
        return filter_.columns(n_qubits, rotations)
    return loader.angles(filter_.states_at(n_qubits, rotations))
