"""Noise of quantum processors as plain data that builds a `cirq.NoiseModel`.

Example:
    >>> import cirq
    >>> from noise_models import as_noise
    >>> noise = as_noise({"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01}})
    >>> noise.readout(cirq.LineQubit(0))
    (0.01, 0.0)
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from noise_models.lazy import lazy_names

if TYPE_CHECKING:
    from noise_models.calibrated import CalibratedNoise
    from noise_models.calibration import CALIBRATIONS, Calibration, GateError, load_calibration
    from noise_models.calibration_files import read_calibration, write_calibration
    from noise_models.coherent import CoherentNoise
    from noise_models.configuration import NoiseConfiguration
    from noise_models.correlated_readout import CorrelatedReadoutNoise
    from noise_models.crosstalk import CrosstalkError, CrosstalkNoise
    from noise_models.depolarizing import DepolarizingNoise
    from noise_models.drift import DriftNoise
    from noise_models.errors import NoiseError, NoiseNote
    from noise_models.foreign import GuardedNoiseModel
    from noise_models.idle import IdleNoise
    from noise_models.kind import NoiseKind, ScaleFactors, Strength
    from noise_models.model import ConfiguredNoiseModel
    from noise_models.noise import Noise, NoiseLike, as_noise
    from noise_models.preparation import PreparationNoise
    from noise_models.presets import named_noise, noise_names
    from noise_models.readout import ReadoutChannel, ReadoutError, ReadoutNoise, readout_gate
    from noise_models.thermal import ThermalChannel, ThermalNoise, thermal_gate
    from noise_models.timeline import is_virtual
    from noise_models.vendors import read_vendor_calibration

logging.getLogger(__name__).addHandler(logging.NullHandler())

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "noise_models.calibrated": ["CalibratedNoise"],
        "noise_models.calibration": [
            "CALIBRATIONS",
            "Calibration",
            "GateError",
            "load_calibration",
        ],
        "noise_models.calibration_files": ["read_calibration", "write_calibration"],
        "noise_models.coherent": ["CoherentNoise"],
        "noise_models.configuration": ["NoiseConfiguration"],
        "noise_models.correlated_readout": ["CorrelatedReadoutNoise"],
        "noise_models.crosstalk": ["CrosstalkError", "CrosstalkNoise"],
        "noise_models.depolarizing": ["DepolarizingNoise"],
        "noise_models.drift": ["DriftNoise"],
        "noise_models.errors": ["NoiseError", "NoiseNote"],
        "noise_models.foreign": ["GuardedNoiseModel"],
        "noise_models.idle": ["IdleNoise"],
        "noise_models.kind": ["NoiseKind", "ScaleFactors", "Strength"],
        "noise_models.model": ["ConfiguredNoiseModel"],
        "noise_models.noise": ["Noise", "NoiseLike", "as_noise"],
        "noise_models.preparation": ["PreparationNoise"],
        "noise_models.presets": ["named_noise", "noise_names"],
        "noise_models.readout": ["ReadoutChannel", "ReadoutError", "ReadoutNoise", "readout_gate"],
        "noise_models.thermal": ["ThermalChannel", "ThermalNoise", "thermal_gate"],
        "noise_models.timeline": ["is_virtual"],
        "noise_models.vendors": ["read_vendor_calibration"],
    },
)
