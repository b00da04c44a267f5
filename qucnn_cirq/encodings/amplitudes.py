"""Amplitude encoding: a patch is the vector of its state."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cirq
import numpy as np

from noise_models import fields
from qucnn_cirq.arrays import bits_in_order, checked_order
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.encodings.encoding import ComplexArray, Encoding, FloatArray
from qucnn_cirq.errors import InputError


@attrs.frozen
class Amplitudes(Encoding):
    """The patch's values, divided by their norm, are the amplitudes.

    A patch of zeros has no state: no circuit is run for it, and its numbers are 0. Which circuit
    prepares a patch the compiler decides, see `qucnn_cirq.circuits.loaders`.

    Overlaps do not change if the bits of elements' numbers are held by other qubits, for patch and
    filter alike. Circuits and their errors do: `qucnn_cirq.budget.compile_by_error` tries all.

    Args:
        order: For each qubit, the first one first, which bit of an element's number it holds, 0 for
            the most significant; None for all in turn. Filters that are vectors need the same, see
            `qucnn_cirq.ConvolutionSpec.in_order`. Filters that are circuits act on qubits, so that
            theirs are other overlaps in another order.

    Raises:
        InputError: If it is no order of 0 to n - 1.
    """

    kind = "amplitudes"
    title = "values are amplitudes, 2^n of them on n qubits"

    order: tuple[int, ...] | None = fields.checked(
        lambda _, order: checked_order("amplitudes: order", order), default=None
    )

    def n_qubits(self, n_elements: int) -> int:
        """The next power of two; see `Encoding.n_qubits`."""
        return max(1, (n_elements - 1).bit_length())

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table, n_elements: int) -> cirq.Circuit:
        """None of its own: a loader of the compiler's choice takes its place."""
        raise InputError("amplitudes are loaded by a loader, see make_loader.")

    def random_values(self, shape: tuple[int, ...], generator: np.random.Generator) -> FloatArray:
        """Normally distributed; see `Encoding.random_values`."""
        return generator.normal(size=shape)

    def loader(self, n_elements: int) -> Loader | None:
        """The compiler's choice; see `Encoding.loader`."""
        return None

    def angles(self, values: FloatArray) -> FloatArray:
        """None of its own; see `circuit`."""
        raise InputError("amplitudes are loaded by a loader, see make_loader.")

    def states(self, values: FloatArray) -> FloatArray:
        """Unit vectors, padded with zeros; see `Encoding.states`. No row may be all zero."""
        # Scaling by the largest element keeps the squares of very large and small values in range.
        scaled = values / np.abs(values).max(axis=1, keepdims=True)
        states = np.zeros((len(values), 1 << self.n_qubits(values.shape[1])))
        states[:, : values.shape[1]] = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
        return bits_in_order(states, self.order)

    def pulled_back(
        self, values: FloatArray, slopes: ComplexArray, exponent: int = 0
    ) -> FloatArray:
        """With u = x/|x|, dL/dx is what is left of the slope beside u, over |x|."""
        # Mantissa and exponent apart: a norm may be as small, and a slope as large, as any
        # float64 is, and only their ratio has to be within its range.
        powers = np.frexp(np.abs(values).max(axis=1, keepdims=True))[1]
        states, real = AMPLITUDES.states(values), slopes.real
        if self.order is not None:
            # Where each bit went.
            real = bits_in_order(real, tuple(int(at) for at in np.argsort(self.order)))
        along = np.einsum("bi,bi->b", real, states)
        across = (real - along[:, None] * states)[:, : values.shape[1]]
        norms = np.linalg.norm(np.ldexp(values, -powers), axis=1, keepdims=True)
        with np.errstate(over="ignore"):
            found: FloatArray = np.ldexp(across / norms, exponent - powers)
        return found


AMPLITUDES = Amplitudes()
