"""States that are handed over: amplitudes that no circuit of the layer prepares."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cirq

from qucnn_cirq.circuits.loaders import Loader, MultiplexedLoader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.encodings.amplitudes import Amplitudes
from qucnn_cirq.encodings.encoding import FloatArray


class GivenLoader(Loader):
    """No gates: the state is there when the circuit begins.

    Args:
        n_qubits: Size of the register.
    """

    name = "given"
    purpose = "states that are handed over"
    is_routable = True

    def __init__(self, n_qubits: int) -> None:
        super().__init__(n_qubits)
        self.preparation = MultiplexedLoader(n_qubits)
        self.n_angles = 1 << n_qubits

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """Nothing; see `Loader.circuit`."""
        return cirq.Circuit()

    def angles(self, states: FloatArray) -> FloatArray:
        """The states themselves, shape (batch, 2^n): there is nothing to turn."""
        return states


@attrs.frozen
class Given(Amplitudes):
    """As amplitudes, but the state is handed over, and has no noise of its own.

    Each of its qubits is there when its first gate begins.

    For states that come from elsewhere, such as those of a sensor or of another computation, and
    for the part of the noise that a filter's circuit has by itself. The compiled circuit begins
    after it: the exact and qsim engines put the state in, a device cannot.
    """

    kind = "given"
    title = "values are amplitudes of a state that is handed over"

    def loader(self, n_elements: int) -> GivenLoader:
        """No gates; see `Encoding.loader`."""
        return GivenLoader(self.n_qubits(n_elements))
