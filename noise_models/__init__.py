"""Noise of quantum processors as plain data that builds a `cirq.NoiseModel`.

Example:
    >>> import cirq
    >>> from noise_models import as_noise
    >>> noise = as_noise({"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01}})
    >>> noise.readout(cirq.LineQubit(0))
    (0.01, 0.0)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from noise_models.calibrated import CalibratedNoise
    from noise_models.calibration import CALIBRATIONS, Calibration, GateError, load_calibration
    from noise_models.calibration_files import read_calibration, write_calibration
    from noise_models.coherent import CoherentNoise
    from noise_models.configuration import NoiseConfiguration
    from noise_models.correlated_readout import CorrelatedReadoutNoise
    from noise_models.depolarizing import DepolarizingNoise
    from noise_models.errors import NoiseError, NoiseNote
    from noise_models.foreign import GuardedNoiseModel
    from noise_models.idle import IdleNoise
    from noise_models.kind import NoiseKind, ScaleFactors, Strength
    from noise_models.model import ConfiguredNoiseModel
    from noise_models.noise import Noise, NoiseLike, as_noise
    from noise_models.presets import named_noise, noise_names
    from noise_models.readout import ReadoutChannel, ReadoutError, ReadoutNoise, readout_gate
    from noise_models.thermal import ThermalChannel, ThermalNoise, thermal_gate
    from noise_models.timeline import is_virtual

__all__ = [
    "CALIBRATIONS",
    "CalibratedNoise",
    "Calibration",
    "CoherentNoise",
    "ConfiguredNoiseModel",
    "CorrelatedReadoutNoise",
    "DepolarizingNoise",
    "GateError",
    "GuardedNoiseModel",
    "IdleNoise",
    "Noise",
    "NoiseConfiguration",
    "NoiseError",
    "NoiseKind",
    "NoiseLike",
    "NoiseNote",
    "ReadoutChannel",
    "ReadoutError",
    "ReadoutNoise",
    "ScaleFactors",
    "Strength",
    "ThermalChannel",
    "ThermalNoise",
    "as_noise",
    "is_virtual",
    "load_calibration",
    "named_noise",
    "noise_names",
    "read_calibration",
    "readout_gate",
    "thermal_gate",
    "write_calibration",
]

_MODULES = {
    "CALIBRATIONS": "noise_models.calibration",
    "CalibratedNoise": "noise_models.calibrated",
    "Calibration": "noise_models.calibration",
    "CoherentNoise": "noise_models.coherent",
    "ConfiguredNoiseModel": "noise_models.model",
    "CorrelatedReadoutNoise": "noise_models.correlated_readout",
    "DepolarizingNoise": "noise_models.depolarizing",
    "GateError": "noise_models.calibration",
    "GuardedNoiseModel": "noise_models.foreign",
    "IdleNoise": "noise_models.idle",
    "Noise": "noise_models.noise",
    "NoiseConfiguration": "noise_models.configuration",
    "NoiseError": "noise_models.errors",
    "NoiseKind": "noise_models.kind",
    "NoiseLike": "noise_models.noise",
    "NoiseNote": "noise_models.errors",
    "ReadoutChannel": "noise_models.readout",
    "ReadoutError": "noise_models.readout",
    "ReadoutNoise": "noise_models.readout",
    "ScaleFactors": "noise_models.kind",
    "Strength": "noise_models.kind",
    "ThermalChannel": "noise_models.thermal",
    "ThermalNoise": "noise_models.thermal",
    "as_noise": "noise_models.noise",
    "is_virtual": "noise_models.timeline",
    "load_calibration": "noise_models.calibration",
    "named_noise": "noise_models.presets",
    "noise_names": "noise_models.presets",
    "read_calibration": "noise_models.calibration_files",
    "readout_gate": "noise_models.readout",
    "thermal_gate": "noise_models.thermal",
    "write_calibration": "noise_models.calibration_files",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: Cirq takes seconds, errors need none of it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
