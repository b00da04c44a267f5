"""Compile, execute and study quantum convolutions on grids of qubits.

After QuCNN (Stein, Mao, Ang, Li, arXiv:2210.05443).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from noise_models.lazy import lazy_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qucnn_cirq.budget import error_budget
    from qucnn_cirq.compiler.compilation import compile_convolution
    from qucnn_cirq.compiler.fixing import fix_circuit
    from qucnn_cirq.compiler.parallel import compile_parallel
    from qucnn_cirq.compiler.windows import compile_windows
    from qucnn_cirq.convolution import ConvolutionSpec
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.errors import InputError
    from qucnn_cirq.filters import (
        CircuitFilter,
        DualAnsatz,
        FixedFilter,
        QCNNBody,
        RandomCircuit,
        RingBody,
        XZAnsatz,
    )
    from qucnn_cirq.fitting import fit_noise
    from qucnn_cirq.layer import QuantumConvolution
    from qucnn_cirq.quantum_data import QuantumData
    from qucnn_cirq.registries import (
        register_encoding,
        register_engine,
        register_filter,
        register_gradient,
        register_loader,
        register_measurement,
        register_noise,
        register_overlap_test,
    )
    from qucnn_cirq.windows_layer import window_overlaps
    from studies.sweep.catalogue import register_study

# Nothing is written before whoever uses the package asks for it.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "qucnn_cirq.budget": ["error_budget"],
        "qucnn_cirq.compiler.compilation": ["compile_convolution"],
        "qucnn_cirq.compiler.fixing": ["fix_circuit"],
        "qucnn_cirq.compiler.parallel": ["compile_parallel"],
        "qucnn_cirq.compiler.windows": ["compile_windows"],
        "qucnn_cirq.convolution": ["ConvolutionSpec"],
        "qucnn_cirq.devices": ["load_device"],
        "qucnn_cirq.errors": ["InputError"],
        "qucnn_cirq.filters": [
            "CircuitFilter",
            "DualAnsatz",
            "FixedFilter",
            "QCNNBody",
            "RandomCircuit",
            "RingBody",
            "XZAnsatz",
        ],
        "qucnn_cirq.fitting": ["fit_noise"],
        "qucnn_cirq.layer": ["QuantumConvolution"],
        "qucnn_cirq.quantum_data": ["QuantumData"],
        "qucnn_cirq.registries": [
            "register_encoding",
            "register_engine",
            "register_filter",
            "register_gradient",
            "register_loader",
            "register_measurement",
            "register_noise",
            "register_overlap_test",
        ],
        "qucnn_cirq.windows_layer": ["window_overlaps"],
        "studies.sweep.catalogue": ["register_study"],
    },
)
