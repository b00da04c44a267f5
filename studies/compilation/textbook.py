"""The circuit that is handed to general compilers: loaders, then the textbook overlap test."""

from __future__ import annotations

import contextlib

import cirq
import numpy as np

from qucnn_cirq.circuits.loaders import BUILT_IN, Loader, made
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import MeetingPlace
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import MEASUREMENT_KEY
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError


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
            if kind.is_closed_form and not kind.merges_filter:
                found.append(made(kind, n_qubits, "cz"))
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
