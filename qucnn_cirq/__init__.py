"""Compile, execute and study quantum convolutions on grids of qubits.

After QuCNN (Stein, Mao, Ang, Li, arXiv:2210.05443).
"""

from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, FixedFilter, XZAnsatz
from qucnn_cirq.layer import QuantumConvolution

__all__ = [
    "CircuitFilter",
    "ConvolutionSpec",
    "FixedFilter",
    "InputError",
    "QuantumConvolution",
    "XZAnsatz",
    "compile_convolution",
    "load_device",
]
