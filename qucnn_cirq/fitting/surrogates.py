"""Probabilities of outcomes as functions of the numbers that act on gates, from a few exact ones.

Up to three numbers span a grid of Chebyshev nodes; more are expanded to first order around a point
that moves with the fit. Readout errors are put in afterwards, exactly.
"""

from __future__ import annotations

import abc
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from noise_models.numbers import Path
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.circuits import FitCircuit
from qucnn_cirq.fitting.numbers import FreeNumbers

FloatArray = NDArray[np.float64]

_MOST_AXES = 3
"""Numbers of a grid; the nodes of four would be hundreds."""
_MOST_NODES = 9
_STATISTICAL = 0.03
"""Largest error of an interpolated probability, in standard deviations of a relative frequency."""
_NOTHING = 1e-6
"""Change below which a number has no effect, in those."""
_REACH = 3.0
"""How many times larger than at its centre a number is at the end of a grid."""
_STEP = 0.05
"""Step of differences, relative to a number's size."""
_NEAR = 0.1
"""How far from its centre, in standard errors, an expansion is taken for exact."""
_TIMES = ("t1", "t2")


class Surrogate(abc.ABC):
    """Probabilities near a point.

    Args:
        circuits: The circuits.
        numbers: The numbers; only those that act on gates are looked at.
        centre: Values of all numbers, shape (numbers,).
        shots: Of each circuit, in all its instances: what accuracy is needed.

    Raises:
        InputError: If the noise is not allowed at a point that is needed.
    """

    def __init__(
        self,
        circuits: Sequence[FitCircuit],
        numbers: FreeNumbers,
        centre: FloatArray,
        shots: Sequence[float],
    ) -> None:
        self.circuits, self.numbers, self.shots = tuple(circuits), numbers, tuple(shots)
        self.centre = np.array(centre)
        self.chosen = np.flatnonzero(numbers.acts_on_gates)

    @abc.abstractmethod
    def probabilities(self, values: FloatArray) -> list[FloatArray]:
        """Probabilities before readout errors, and their derivatives by numbers of gates.

        Args:
            values: Values of all numbers, shape (numbers,).

        Returns:
            For each circuit an array of shape (1 + gate numbers, instances, 2^m): first the
            probabilities.
        """

    @property
    @abc.abstractmethod
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Between which values of all numbers it may be used, each of shape (numbers,)."""

    @abc.abstractmethod
    def covers(self, values: FloatArray, errors: FloatArray) -> bool:
        """Whether what it says at a point is right.

        Args:
            values: The point, shape (numbers,).
            errors: Standard errors there, shape (numbers,).
        """

    def moved(self, centre: FloatArray) -> Surrogate:
        """The same around another point; where the noise is not allowed, on the way to it.

        Args:
            centre: The point, shape (numbers,).
        """
        for halvings in itertools.count():
            point = self.centre + (centre - self.centre) / 2**halvings
            try:
                return type(self)(self.circuits, self.numbers, point, self.shots)
            except InputError:
                if halvings == 5:
                    raise
        raise AssertionError

    def _exact(self, circuit: FitCircuit, point: FloatArray) -> FloatArray:
        """Probabilities at values of the gate numbers."""
        values = np.array(self.centre)
        values[self.chosen] = point
        return circuit.true_probabilities(self.numbers.gate_noise(values))


class Grid(Surrogate):
    """Polynomials through Chebyshev nodes of up to three numbers."""

    def __init__(
        self,
        circuits: Sequence[FitCircuit],
        numbers: FreeNumbers,
        centre: FloatArray,
        shots: Sequence[float],
    ) -> None:
        super().__init__(circuits, numbers, centre, shots)
        self._is_time = [numbers.paths[index][-1] in _TIMES for index in self.chosen]
        ends = [self._ends(index) for index in self.chosen]
        self._ends_of = np.array(ends).reshape(-1, 2)
        self._coefficients = [
            self._fitted(circuit, own) for circuit, own in zip(self.circuits, self.shots, strict=True)
        ]

    def _ends(self, index: int) -> tuple[float, float]:
        value, size = self.centre[index], self.numbers.sizes[index]
        lows, highs = self.numbers.bounds
        path: Path = self.numbers.paths[index]
        if path[-1] in _TIMES or path[0] in ("scale", "scales"):
            value = max(value, 0.1 * size)
            return max(lows[index], value / _REACH), min(highs[index], value * _REACH)
        if lows[index] < 0:
            reach = _REACH * max(size, abs(value))
            return max(lows[index], value - reach), min(highs[index], value + reach)
        return lows[index], min(highs[index], _REACH * max(value, 0.5 * size))

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """See `Surrogate.box`: the ends of the grid; readout has its own bounds."""
        low, high = self.numbers.bounds
        low[self.chosen], high[self.chosen] = self._ends_of[:, 0], self._ends_of[:, 1]
        return low, high

    def covers(self, values: FloatArray, errors: FloatArray) -> bool:
        """See `Surrogate.covers`: unless an end of the grid holds the point back."""
        for (low, high), bounds in zip(
            ((self.box[0], self.numbers.bounds[0]), (self.box[1], self.numbers.bounds[1])),
            (-1, 1),
            strict=True,
        ):
            held = (bounds * (values - low) > -1e-9 * self.numbers.sizes) & (low != high)
            if held.any():
                return False
        return True

    def probabilities(self, values: FloatArray) -> list[FloatArray]:
        """See `Surrogate.probabilities`."""
        places, slopes = self._places(values[self.chosen])
        found = []
        for coefficients in self._coefficients:
            nodes = coefficients.shape[: len(self.chosen)]
            basis = [_polynomials(x, n) for x, n in zip(places, nodes, strict=True)]
            parts = []
            for derivative in (-1, *range(len(self.chosen))):
                tensor = coefficients
                for axis, (plain, by) in enumerate(basis):
                    tensor = np.tensordot(
                        by * slopes[axis] if axis == derivative else plain, tensor, axes=1
                    )
                parts.append(tensor)
            found.append(np.stack(parts))
        return found

    def _places(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where a point is in -1..1 along each axis, and the derivatives of that."""
        first, last = self._ends_of.T
        slope = np.ones(len(point))
        x = np.array(point)
        for axis, is_time in enumerate(self._is_time):
            # Rates decide, not times.
            if is_time:
                first, last = np.array(first), np.array(last)
                first[axis], last[axis] = 1 / first[axis], 1 / last[axis]
                slope[axis], x[axis] = -1 / x[axis] ** 2, 1 / x[axis]
        return (2 * x - first - last) / (last - first), 2 * slope / (last - first)

    def _points(self, axis: int, n_nodes: int) -> FloatArray:
        first, last = self._ends_of[axis]
        if self._is_time[axis]:
            first, last = 1 / first, 1 / last
        points = (first + last) / 2 + (last - first) / 2 * _nodes(n_nodes)
        return 1 / points if self._is_time[axis] else points

    def _fitted(self, circuit: FitCircuit, shots: float) -> FloatArray:
        """Chebyshev coefficients, shape (*nodes, instances, 2^m)."""
        known: dict[tuple[float, ...], FloatArray] = {}

        def exact(point: Sequence[float]) -> FloatArray:
            key = tuple(float(each) for each in point)
            if key not in known:
                known[key] = self._exact(circuit, np.array(key))
            return known[key]

        axes = range(len(self.chosen))
        middle = [self._points(axis, 3)[1] for axis in axes]
        centre = exact(middle)
        per_row = max(1.0, shots / len(centre))
        tolerance = _STATISTICAL * np.sqrt((np.abs(centre) + 1 / per_row) / per_row)
        counts = []
        for axis in axes:
            line = [
                exact([*middle[:axis], value, *middle[axis + 1 :]])
                for value in self._points(axis, 3)
            ]
            counts.append(_needed([each / tolerance for each in line]))
        nodes = [self._points(axis, n) for axis, n in enumerate(counts)]
        table = np.array([exact(point) for point in itertools.product(*nodes)])
        coefficients = table.reshape(*counts, *centre.shape)
        for axis, n_nodes in enumerate(counts):
            to_coefficients = np.linalg.inv(chebyshev.chebvander(_nodes(n_nodes), n_nodes - 1))
            moved = np.tensordot(to_coefficients, coefficients, axes=(1, axis))
            coefficients = np.moveaxis(moved, 0, axis)
        return coefficients


class Tangent(Surrogate):
    """The first order in any number of numbers, around a point that moves with the fit."""

    def __init__(
        self,
        circuits: Sequence[FitCircuit],
        numbers: FreeNumbers,
        centre: FloatArray,
        shots: Sequence[float],
    ) -> None:
        super().__init__(circuits, numbers, centre, shots)
        self._parts = [self._expanded(circuit) for circuit in self.circuits]

    def _expanded(self, circuit: FitCircuit) -> FloatArray:
        point = self.centre[self.chosen]
        low, high = (each[self.chosen] for each in self.numbers.bounds)
        steps = _STEP * np.maximum(np.abs(point), 0.2 * self.numbers.sizes[self.chosen])
        parts = [self._exact(circuit, point)]
        for axis, step in enumerate(steps):
            ends = np.clip([point[axis] - step, point[axis] + step], low[axis], high[axis])
            values = [
                self._exact(circuit, np.where(np.arange(len(point)) == axis, end, point))
                for end in ends
            ]
            parts.append((values[1] - values[0]) / (ends[1] - ends[0]))
        return np.stack(parts)

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """See `Surrogate.box`: a few times the size of each number around the centre."""
        low, high = self.numbers.bounds
        reach = _REACH * np.maximum(self.numbers.sizes, np.abs(self.centre))
        gates = self.numbers.acts_on_gates
        low = np.where(gates, np.maximum(low, self.centre - reach), low)
        return low, np.where(gates, np.minimum(high, self.centre + reach), high)

    def covers(self, values: FloatArray, errors: FloatArray) -> bool:
        """See `Surrogate.covers`: close to the centre."""
        away = np.abs(values - self.centre)[self.chosen]
        least = 1e-4 * self.numbers.sizes[self.chosen]
        return bool(np.all(away <= np.maximum(_NEAR * errors[self.chosen], least)))

    def probabilities(self, values: FloatArray) -> list[FloatArray]:
        """See `Surrogate.probabilities`."""
        change = (values - self.centre)[self.chosen]
        return [
            np.concatenate([[part[0] + np.tensordot(change, part[1:], axes=1)], part[1:]])
            for part in self._parts
        ]


def surrogate(
    circuits: Sequence[FitCircuit],
    numbers: FreeNumbers,
    centre: FloatArray,
    shots: Sequence[float],
) -> Surrogate:
    """A grid for few numbers, else an expansion.

    Args:
        circuits: The circuits.
        numbers: The numbers.
        centre: Where it starts, shape (numbers,).
        shots: Shots of each circuit.
    """
    if numbers.acts_on_gates.sum() <= _MOST_AXES:
        try:
            return Grid(circuits, numbers, centre, shots)
        except InputError:
            # T2 > 2 T1 in a corner, say.
            pass
    return Tangent(circuits, numbers, centre, shots)


def _nodes(n_nodes: int) -> FloatArray:
    """Chebyshev nodes with both ends, ascending; the middle if there is one."""
    return chebyshev.chebpts2(n_nodes) if n_nodes > 1 else np.zeros(1)


def _polynomials(place: float, n_nodes: int) -> tuple[FloatArray, FloatArray]:
    """The Chebyshev polynomials and their derivatives, each of shape (nodes,)."""
    derivatives = chebyshev.chebder(np.eye(n_nodes))
    values = chebyshev.chebvander(place, n_nodes - 1)
    return values, values[: len(derivatives)] @ derivatives


def _needed(line: Sequence[FloatArray]) -> int:
    """How many nodes leave an error below 1, from the values at three.

    The coefficients of exp(-a x) in -1..1 fall as (a/2)^k / k!, and a is 4 times the ratio of the
    second and the first.
    """
    first = float(np.abs(line[2] - line[0]).max()) / 2
    size = float(np.abs(line[2] - 2 * line[1] + line[0]).max()) / 4
    if size < 1:
        return 1 if first < _NOTHING and size < _NOTHING else 2
    ratio = min(1.5, size / max(first, 1e-300))
    for n_nodes in range(3, _MOST_NODES):
        size *= 2 * ratio / n_nodes
        if size < 1:
            return n_nodes
    return _MOST_NODES
