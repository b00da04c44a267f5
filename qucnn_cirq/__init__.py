"""Compile, execute and study quantum convolutions on grids of qubits.

After QuCNN (Stein, Mao, Ang, Li, arXiv:2210.05443).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from qucnn_cirq.compiler.compilation import compile_convolution
    from qucnn_cirq.compiler.parallel import compile_parallel
    from qucnn_cirq.compiler.windows import compile_windows
    from qucnn_cirq.convolution import ConvolutionSpec
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.errors import InputError
    from qucnn_cirq.filters import CircuitFilter, FixedFilter, XZAnsatz
    from qucnn_cirq.layer import QuantumConvolution
    from qucnn_cirq.quantum_data import QuantumData
    from qucnn_cirq.registries import (
        register_engine,
        register_filter,
        register_gradient,
        register_loader,
        register_noise,
        register_overlap_test,
    )
    from qucnn_cirq.windows_layer import window_overlaps
    from studies.sweep.catalogue import register_study

__all__ = [
    "CircuitFilter",
    "ConvolutionSpec",
    "FixedFilter",
    "InputError",
    "QuantumConvolution",
    "QuantumData",
    "XZAnsatz",
    "compile_convolution",
    "compile_parallel",
    "compile_windows",
    "load_device",
    "register_engine",
    "register_filter",
    "register_gradient",
    "register_loader",
    "register_noise",
    "register_overlap_test",
    "register_study",
    "window_overlaps",
]

_MODULES = {
    "CircuitFilter": "qucnn_cirq.filters",
    "ConvolutionSpec": "qucnn_cirq.convolution",
    "FixedFilter": "qucnn_cirq.filters",
    "InputError": "qucnn_cirq.errors",
    "QuantumConvolution": "qucnn_cirq.layer",
    "QuantumData": "qucnn_cirq.quantum_data",
    "XZAnsatz": "qucnn_cirq.filters",
    "compile_convolution": "qucnn_cirq.compiler.compilation",
    "compile_parallel": "qucnn_cirq.compiler.parallel",
    "compile_windows": "qucnn_cirq.compiler.windows",
    "load_device": "qucnn_cirq.devices",
    "register_engine": "qucnn_cirq.registries",
    "register_filter": "qucnn_cirq.registries",
    "register_gradient": "qucnn_cirq.registries",
    "register_loader": "qucnn_cirq.registries",
    "register_noise": "qucnn_cirq.registries",
    "register_overlap_test": "qucnn_cirq.registries",
    "register_study": "studies.sweep.catalogue",
    "window_overlaps": "qucnn_cirq.windows_layer",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: Cirq alone takes seconds to import."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
