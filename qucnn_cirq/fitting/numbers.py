"""The numbers that a fit is free to choose: where they stand, and what values they may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration, NoiseLike, as_noise
from noise_models.checks import several
from noise_models.numbers import Path, number_path, numbers_of, with_number
from qucnn_cirq.errors import InputError, shown

FloatArray = NDArray[np.float64]

_BOUNDS: dict[str, tuple[float, float]] = {
    "p1": (0.0, 0.75),
    "p2": (0.0, 0.9375),
    "idle": (0.0, 0.75),
    # Beyond one half a bit is read the other way round.
    "p01": (0.0, 0.5),
    "p10": (0.0, 0.5),
    "both": (0.0, 0.5),
    "p": (0.0, 0.5),
    "angle": (-np.pi, np.pi),
}
"""Least and largest value of a number, by the last part of its key."""
_TABLE_BOUNDS: dict[tuple[str, str], tuple[float, float]] = {
    ("depolarizing", "qubits"): _BOUNDS["p1"],
    ("depolarizing", "couplers"): _BOUNDS["p2"],
    ("correlated_readout", "couplers"): _BOUNDS["both"],
}
_UNSHARED = {
    "scale", "scales", "coherent", "depolarizing", "idle", "thermal", "calibrated", "crosstalk",
    "readout", "correlated_readout",
}  # fmt: skip
"""Keys of noise of which the factor on readout changes nothing before the bits are read."""
_LARGEST_FACTOR = 100.0
_HALVINGS = 30
_TIMES = ("t1", "t2")
_SHORTEST = 1e-3
_SIZES = {"p1": 1e-3, "p2": 5e-3, "idle": 5e-4, "p01": 0.01, "p10": 0.03, "both": 2e-3}
"""About what a number is whose start is 0."""
_PLAIN_SIZE = 0.02
_SMALLEST = 0.05
"""Least size of a number, relative to what it usually is: nearly 0 is no size to go by."""


@dataclass(frozen=True)
class FreeNumbers:
    """Numbers of a noise configuration that are to be found.

    Attributes:
        mapping: The configuration with the start values, as plain data.
        paths: Where each number stands in it.
        start: The start values, shape (numbers,).
    """

    mapping: dict[str, Any]
    paths: tuple[Path, ...]
    start: FloatArray

    @classmethod
    def of(cls, noise: NoiseLike, keys: Sequence[str]) -> FreeNumbers:
        """Finds numbers in a configuration.

        Args:
            noise: The noise with its start values, as for `noise_models.as_noise`.
            keys: Dotted keys, as "depolarizing.p2", "scales.gate" or
                "depolarizing.couplers.4,5:4,6".

        Raises:
            InputError: If the noise is no configuration, a key names no number of it or comes
                twice, or a start value is not allowed.
        """
        keys = several("free", keys)
        if not all(isinstance(key, str) for key in keys):
            raise InputError(f"free = {shown(keys)} is no list of keys, as ['depolarizing.p2'].")
        model = as_noise(noise)
        if model.configuration is None:
            raise InputError(
                "the noise is a model without numbers that are known by name: give a configuration."
            )
        mapping = model.configuration.to_mapping()
        known = numbers_of(mapping)
        paths = tuple(number_path(key, known) for key in keys)
        if len(set(paths)) < len(paths):
            raise InputError("free names a number twice.")
        return cls(mapping, paths, np.array([known[path] for path in paths]))

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted keys."""
        return tuple(".".join(path) for path in self.paths)

    def index(self, key: str) -> int:
        """The place of a number among them.

        Args:
            key: Its dotted key.

        Raises:
            InputError: If it is none of them.
        """
        path = number_path(key, dict.fromkeys(self.paths, 0.0))
        if path not in self.paths:
            raise InputError(f"{shown(key)} is none of the free numbers: {', '.join(self.keys)}.")
        return self.paths.index(path)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and largest values, each of shape (numbers,)."""
        low, high = (np.array(each) for each in self._bounds)
        return low, high

    @cached_property
    def _bounds(self) -> tuple[list[float], list[float]]:
        pairs = [_bounds(path) for path in self.paths]
        highs = [
            self._largest_factor(index) if is_factor(path) else high
            for index, (path, (_, high)) in enumerate(zip(self.paths, pairs, strict=True))
        ]
        return [low for low, _ in pairs], highs

    def _largest_factor(self, index: int) -> float:
        """The largest factor that leaves probabilities at their start values below 1."""
        values = np.array(self.start)

        def is_allowed(factor: float) -> bool:
            values[index] = factor
            try:
                self.configuration(values)
            except InputError:
                return False
            return True

        if is_allowed(_LARGEST_FACTOR):
            return _LARGEST_FACTOR
        low, high = float(self.start[index]), _LARGEST_FACTOR
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if is_allowed(middle) else (low, middle)
        return low

    @property
    def sizes(self) -> FloatArray:
        """About how large each number is, all above 0, shape (numbers,)."""
        least = np.where(self.start == 0, 1.0, _SMALLEST) * self.typical
        return np.maximum(np.abs(self.start), least)

    @property
    def typical(self) -> FloatArray:
        """About how large such numbers are, wherever they start, shape (numbers,)."""
        return np.array([_SIZES.get(path[-1], _PLAIN_SIZE) for path in self.paths])

    @property
    def is_time(self) -> NDArray[np.bool_]:
        """Which numbers are times, of which the inverse decides, shape (numbers,)."""
        # They alone may not be 0; a qubit that is named like one may have errors.
        return np.array(self._bounds[0]) > 0

    @property
    def acts_on_gates(self) -> NDArray[np.bool_]:
        """Which numbers change what happens before the bits are read, shape (numbers,)."""
        shared = not set(self.mapping) <= _UNSHARED
        return np.array(
            [
                not _is_readout(path) or (shared and path == ("scales", "readout"))
                for path in self.paths
            ],
            dtype=bool,
        )

    @property
    def acts_on_readout(self) -> NDArray[np.bool_]:
        """Which numbers change how bits are read, shape (numbers,)."""
        plain = ("scale", "others")
        # A kind of the user's own may do either.
        known = ("scales", "coherent", "depolarizing", "idle", "thermal")
        return np.array(
            [_is_readout(path) or path[0] in plain or path[0] not in known for path in self.paths],
            dtype=bool,
        )

    def configuration(self, values: FloatArray) -> NoiseConfiguration:
        """The noise with other values.

        Args:
            values: One for each number, shape (numbers,).
        """
        return NoiseConfiguration.from_mapping(self._with(values, range(len(self.paths))))

    def gate_noise(self, values: FloatArray) -> Noise:
        """The noise with other values, bits read as they are.

        Args:
            values: One for each number, shape (numbers,).
        """
        mapping = self._with(values, np.flatnonzero(self.acts_on_gates))
        return Noise(NoiseConfiguration.from_mapping(mapping)).before_reading

    def readout_noise(self, values: FloatArray) -> Noise:
        """The noise whose readout errors are those of other values; its gates are as at the start.

        Args:
            values: One for each number, shape (numbers,).
        """
        mapping = self._with(values, np.flatnonzero(self.acts_on_readout))
        return Noise(NoiseConfiguration.from_mapping(mapping))

    def _with(self, values: FloatArray, chosen: Any) -> dict[str, Any]:
        mapping = self.mapping
        for index in chosen:
            mapping = with_number(mapping, self.paths[index], float(values[index]))
        return mapping


def is_factor(path: Path) -> bool:
    """Whether a number multiplies noise.

    Args:
        path: Where it stands in a configuration.
    """
    return path[0] in ("scale", "scales")


def _is_readout(path: Path) -> bool:
    return path[0] in ("readout", "correlated_readout") or path == ("scales", "readout")


def _bounds(path: Path) -> tuple[float, float]:
    if path[:2] in _TABLE_BOUNDS:
        return _TABLE_BOUNDS[path[0], path[1]]
    if is_factor(path):
        return 0.0, _LARGEST_FACTOR
    if path[-1] in _TIMES:
        return _SHORTEST, np.inf
    return _BOUNDS.get(path[-1], (0.0, np.inf))
