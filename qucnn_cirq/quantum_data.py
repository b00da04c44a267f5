"""Quantum data: a state of many qubits, over which a filter slides in windows of a few.

Each window is a set of qubits, in general entangled with the rest, and what the layer measures is
<f| rho |f> with the window's reduced state rho.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import attrs
import cirq
import numpy as np
import numpy.typing as npt

from noise_models.checks import whole_number
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.preparations import checked_register, prepared_state, read_qubits

Window = tuple[cirq.Qid, ...]

_LARGEST_STATE = 24


@attrs.frozen(init=False)
class QuantumData:
    """The state that a circuit of the user's prepares from |0...0>.

    Attributes:
        circuit: A circuit of unitary operations on qubits, without measurements and without
            unresolved symbols. A frozen copy is kept.
        qubits: The register in the order in which windows slide over it; it may hold qubits that
            the circuit leaves alone. By default the circuit's qubits in sorted order.

    Raises:
        InputError: If the circuit is not of that kind, or `qubits` does not cover it.
    """

    circuit: cirq.FrozenCircuit
    qubits: Window = ()

    def __init__(
        self, circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid] | None = None
    ) -> None:
        register = checked_register("quantum data", circuit, qubits)
        self.__attrs_init__(circuit.freeze(), register)

    def windows(self, size: int, stride: int = 1) -> tuple[Window, ...]:
        """All windows of neighbouring qubits.

        Args:
            size: Qubits of a window, from 1 to as many as there are.
            stride: Qubits between the starts of two windows, at least 1.

        Raises:
            InputError: If either is outside its range.
        """
        size = whole_number("size", size, minimum=1)
        stride = whole_number("stride", stride, minimum=1)
        if size > len(self.qubits):
            raise InputError(
                f"size = {size} is not allowed: the data has {len(self.qubits)} qubits."
            )
        starts = range(0, len(self.qubits) - size + 1, stride)
        return tuple(self.qubits[start : start + size] for start in starts)

    def cone(self, window: Window) -> QuantumData:
        """The part of the circuit that a window's state depends on, and the qubits of that part.

        Args:
            window: Qubits of the data, in any order.

        Raises:
            InputError: If the window is empty, names a qubit twice or one that is not there.
        """
        window = self._checked(window)
        noticed = set(window)
        kept = []
        for operation in reversed(list(self.circuit.all_operations())):
            if not noticed.isdisjoint(operation.qubits):
                noticed.update(operation.qubits)
                kept.append(operation)
        return QuantumData(
            cirq.Circuit(reversed(kept)), [qubit for qubit in self.qubits if qubit in noticed]
        )

    def overlaps(
        self, window: Window, states: npt.NDArray[np.complex128]
    ) -> npt.NDArray[np.float64]:
        """The exact <f| rho |f> of a window, by linear algebra.

        Args:
            window: Qubits of the data; the first is the most significant one of a filter.
            states: Unit vectors of filters, shape (filters, 2^(qubits of the window)).

        Returns:
            Values in 0..1, shape (filters,).

        Raises:
            InputError: If the window is not one of the data, or the data has more than 24 qubits.
        """
        window = self._checked(window)
        part = self.cone(window)
        if len(part.qubits) > _LARGEST_STATE:
            raise InputError(
                f"the window's state depends on {len(part.qubits)} qubits: a state vector of more "
                f"than {_LARGEST_STATE} does not fit the memory."
            )
        axes = [part.qubits.index(qubit) for qubit in window]
        vector = part._vector.reshape((2,) * len(part.qubits))
        amplitudes = np.moveaxis(vector, axes, range(len(axes))).reshape(1 << len(axes), -1)
        remaining = states.conj() @ amplitudes
        total: npt.NDArray[np.float64] = np.sum(remaining.real**2 + remaining.imag**2, axis=1)
        return np.minimum(total, 1.0)

    @functools.cached_property
    def _vector(self) -> npt.NDArray[np.complex128]:
        return prepared_state(self.circuit, self.qubits)

    def _checked(self, window: Window) -> Window:
        qubits = read_qubits("window", window)
        if not qubits or len(set(qubits)) != len(qubits):
            raise InputError(f"window {shown(window)} is not allowed: give distinct qubits.")
        for qubit in qubits:
            if qubit not in self.qubits:
                raise InputError(f"window has {qubit}, which is no qubit of the data.")
        return qubits
