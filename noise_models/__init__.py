"""Noise of quantum processors as plain data that builds a `cirq.NoiseModel`.

Example:
    >>> import cirq
    >>> from noise_models import as_noise
    >>> noise = as_noise({"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01}})
    >>> noise.readout(cirq.LineQubit(0))
    (0.01, 0.0)
"""

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
