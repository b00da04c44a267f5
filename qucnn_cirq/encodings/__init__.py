"""How the values of a patch become a quantum state, by name."""

from __future__ import annotations

from qucnn_cirq.encodings.amplitudes import AMPLITUDES, Amplitudes
from qucnn_cirq.encodings.circuit import CircuitEncoding
from qucnn_cirq.encodings.encoding import Encoding
from qucnn_cirq.encodings.encoding_loader import EncodingLoader
from qucnn_cirq.encodings.given import Given, GivenLoader
from qucnn_cirq.encodings.product import Angle, Arctan, DenseAngle, ProductEncoding, Threshold
from qucnn_cirq.kinds import Kinds

ENCODINGS: Kinds[Encoding] = Kinds(Encoding)  # type: ignore[type-abstract]
"""The encodings that there are, by name."""

for _encoding in (Amplitudes, Given, Angle, DenseAngle, Arctan, Threshold, CircuitEncoding):
    ENCODINGS.register(_encoding.kind, _encoding)

__all__ = [
    "AMPLITUDES",
    "ENCODINGS",
    "Amplitudes",
    "Angle",
    "Arctan",
    "CircuitEncoding",
    "DenseAngle",
    "Encoding",
    "EncodingLoader",
    "Given",
    "GivenLoader",
    "ProductEncoding",
    "Threshold",
]
