"""What an encoding is: how the values of a patch become a quantum state."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, ClassVar

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaded import evolved
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.errors import InputError
from qucnn_cirq.kinds import Kind

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_STEP = 1e-5
"""Of the difference quotient where an encoding states no derivatives: right to about 1e-10."""


class Encoding(Kind, abc.ABC):
    """How the values of a patch become the state of the data register.

    To add one, derive a frozen class with a kind, `n_qubits`, `circuit` and `angles`, and hand it
    to `qucnn_cirq.registries.register_encoding`. It is then chosen by its word wherever one of the
    package's own is; what is compiled can be checked by ``program.verify()``. All the rest follows
    from the circuit.

    Attributes:
        kind: The word by which it is chosen.
        title: What it does, in one line.
        lowest: The smallest value that a patch may have.
        highest: The largest one.
    """

    what = "encoding"
    title: ClassVar[str]
    lowest: ClassVar[float] = -np.inf
    highest: ClassVar[float] = np.inf

    @abc.abstractmethod
    def n_qubits(self, n_elements: int) -> int:
        """Size of the register.

        Args:
            n_elements: Values of a patch, at least 1.
        """

    @abc.abstractmethod
    def circuit(self, qubits: Sequence[cirq.Qid], table: Table, n_elements: int) -> cirq.Circuit:
        """The circuit, which starts from |0...0>.

        Args:
            qubits: The register, most significant qubit first.
            table: Name of the table that its angles are in.
            n_elements: Values of a patch.

        Returns:
            Open one-qubit gates (`qucnn_cirq.circuits.slots.rotation`) that read the columns of the
            table, each as the angle of a rotation, and CZ gates.
        """

    @abc.abstractmethod
    def angles(self, values: FloatArray) -> FloatArray:
        """The rows of the table.

        Args:
            values: Values of patches, shape (batch, elements), within `lowest` and `highest`.

        Returns:
            Angles in radians, shape (batch, angles).
        """

    def loader(self, n_elements: int) -> Loader | None:
        """What prepares patches; None if the compiler chooses among the loaders of vectors.

        Args:
            n_elements: Values of a patch.
        """
        from qucnn_cirq.encodings.encoding_loader import EncodingLoader

        return EncodingLoader(self, n_elements)

    def slopes(self, values: FloatArray) -> FloatArray:
        """Derivatives of `angles`, for gradients of images.

        Args:
            values: As for `angles`.

        Returns:
            D angle / d value, shape (batch, angles, elements). By default difference quotients,
            one-sided at the ends of the range.
        """
        found = []
        for column in range(values.shape[1]):
            before, after = values.copy(), values.copy()
            before[:, column] = np.maximum(values[:, column] - _STEP, self.lowest)
            after[:, column] = np.minimum(values[:, column] + _STEP, self.highest)
            width = after[:, column] - before[:, column]
            found.append((self.angles(after) - self.angles(before)) / width[:, None])
        return np.stack(found, axis=2)

    def random_values(self, shape: tuple[int, ...], generator: np.random.Generator) -> FloatArray:
        """Values of random patches, within the range and from -1 to 1.

        Args:
            shape: Of the array.
            generator: Where they are drawn from.

        Returns:
            An array of that shape.
        """
        return generator.uniform(max(self.lowest, -1.0), min(self.highest, 1.0), shape)

    def check(self, values: FloatArray) -> None:
        """Refuses values that are outside the range.

        Args:
            values: Of any shape.

        Raises:
            InputError: With the range, and the value that is furthest away.
        """
        if not values.size:
            return
        least, most = float(values.min()), float(values.max())
        if least < self.lowest or most > self.highest:
            wrong = least if least < self.lowest else most
            raise InputError(
                f"encoding = {self.kind!r} takes values within {self.lowest:g}..{self.highest:g}, "
                f"and the images have {wrong!r}: scale them, as by images / 255 or by "
                "PrincipalComponents."
            )

    def states(self, values: FloatArray) -> Any:
        """The states that are prepared.

        Args:
            values: Shape (batch, elements).

        Returns:
            Unit vectors up to a phase, shape (batch, 2^n); complex, real if all are.
        """
        return self._prepared(self.angles(values), values.shape[1])

    def pulled_back(
        self, values: FloatArray, slopes: ComplexArray, exponent: int = 0
    ) -> FloatArray:
        """By the chain rule derivatives by the values from those by the amplitudes.

        An angle t turns exp(-i t P / 2): its derivative is half the state at t + pi.

        Args:
            values: Shape (batch, elements).
            slopes: dL/dRe + i dL/dIm of the amplitudes: L changes by Re(sum of conj(slope) times
                d(amplitude)), shape (batch, 2^n).
            exponent: Power of 2 by which slopes were scaled down to be within the range of float64.

        Returns:
            dL/d(value), shape (batch, elements); infinite beyond the range of float64.
        """
        angles = self.angles(values)
        by_angle = np.empty_like(angles)
        # The states are known up to a phase, which is no concern of the loss.
        own = self._prepared(angles, values.shape[1])
        phases = np.einsum("bi,bi->b", own.conj(), self.states(values))
        for column in range(angles.shape[1]):
            turned = angles.copy()
            turned[:, column] += np.pi
            states = self._prepared(turned, values.shape[1])
            by_angle[:, column] = (phases * np.einsum("bi,bi->b", slopes.conj(), states)).real / 2
        by_value = np.einsum("ba,bae->be", by_angle, self.slopes(values))
        with np.errstate(over="ignore"):
            found: FloatArray = np.ldexp(by_value, exponent)
        return found

    def _prepared(self, angles: FloatArray, n_elements: int) -> ComplexArray:
        qubits = cirq.LineQubit.range(self.n_qubits(n_elements))
        circuit = self.circuit(qubits, "patch", n_elements)
        begun = np.zeros((len(angles), 1 << len(qubits)))
        begun[:, 0] = 1
        # With their phases, by which states of other angles are compared.
        return evolved(circuit, qubits, begun, {"patch": angles})
