"""Noise that has a name."""

from __future__ import annotations

from collections.abc import Mapping

from noise_models.calibration import CALIBRATIONS
from noise_models.configuration import NoiseConfiguration
from noise_models.depolarizing import DepolarizingNoise
from noise_models.errors import unknown_name
from noise_models.readout import ReadoutNoise
from noise_models.thermal import ThermalNoise

_PRESETS: Mapping[str, tuple[NoiseConfiguration, str]] = {
    "ideal": (NoiseConfiguration(), "no noise"),
    "depolarizing": (
        NoiseConfiguration(depolarizing=DepolarizingNoise(p1=0.001, p2=0.005)),
        "depolarising gates, p1 = 0.001, p2 = 0.005",
    ),
    "depolarizing_readout": (
        NoiseConfiguration(
            depolarizing=DepolarizingNoise(p1=0.001, p2=0.005),
            readout=ReadoutNoise(p01=0.01, p10=0.03),
        ),
        "depolarising gates, p1 = 0.001, p2 = 0.005; readout p01 = 0.01, p10 = 0.03",
    ),
    "thermal": (
        NoiseConfiguration(thermal=ThermalNoise(t1=70.0, t2=50.0)),
        "T1 = 70 us, T2 = 50 us, about the medians of willow_pink",
    ),
    **{
        name: (NoiseConfiguration(calibrated=name), f"{name} as calibrated: {description}")
        for name, description in CALIBRATIONS.items()
    },
}


def noise_names() -> dict[str, str]:
    """The names that `as_noise` understands, each with a description of one line."""
    return {name: description for name, (_, description) in _PRESETS.items()}


def named_noise(name: str) -> NoiseConfiguration:
    """The configuration behind a name.

    Args:
        name: One of `noise_names`.

    Raises:
        InputError: If there is no noise of that name; the nearest name is given.
    """
    if name not in _PRESETS:
        raise unknown_name("noise", name, _PRESETS)
    return _PRESETS[name][0]
