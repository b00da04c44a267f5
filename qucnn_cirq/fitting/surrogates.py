"""Probabilities of outcomes as functions of the numbers that act on gates, from a few exact ones.

Up to three numbers span a grid, through which Chebyshev polynomials are laid; more are expanded to
first order around a point that moves with the fit. Readout errors are put in afterwards, exactly.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.channels import Variations
from qucnn_cirq.fitting.circuits import FitCircuit
from qucnn_cirq.fitting.expansion import expanded
from qucnn_cirq.fitting.numbers import FreeNumbers, is_factor

FloatArray = NDArray[np.float64]

Terms = NDArray[np.int64]
"""Degrees of polynomials along the axes, a row for each product."""

_MOST_AXES = 3
"""Numbers of a grid; that of four would have hundreds of points."""
_LEJA = np.array([0.0, 1.0, -1.0, 0.5774, -0.6587, 0.8397, -0.8702, 0.2926, -0.3248])
"""Places along an axis, each where polynomials through those before it are least determined."""
_LEAST_TERMS = (0.3, 0.03, 0.003)
"""Expected size from which a term is taken, smaller where the check fails."""
_CHECKED = 0.75
"""Where the check is made, along each axis."""
_LARGEST_RATIO = 1.5
_STATISTICAL = 0.03
"""Largest error of an interpolated probability, in standard deviations of a relative frequency."""
_NOTHING = 1e-6
"""Change below which a number has no effect, in those."""
_REACH = 3.0
"""How many times larger than at its centre a number is at the end of a grid."""
_HALVINGS = 5
"""How often the way to a point is halved where the noise is not allowed there."""
_STEP = 0.05
"""Step of differences, relative to a number's size."""


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
        self._prepare()

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Finds what is needed around the centre."""

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

    def moved(self, centre: FloatArray) -> Surrogate:
        """The same around another point; where the noise is not allowed, on the way to it.

        Args:
            centre: The point, shape (numbers,).
        """
        change = centre - self.centre
        for _ in range(_HALVINGS):
            try:
                return type(self)(self.circuits, self.numbers, self.centre + change, self.shots)
            except InputError:
                change = change / 2
        return type(self)(self.circuits, self.numbers, self.centre + change, self.shots)

    def _exact(self, circuit: FitCircuit, point: FloatArray) -> FloatArray:
        """Probabilities at values of the gate numbers."""
        values = np.array(self.centre)
        values[self.chosen] = point
        return circuit.true_probabilities(self.numbers.gate_noise(values))


class Grid(Surrogate):
    """Polynomials of up to three numbers through as many exact values as they have terms.

    Which terms there are follows from values along the axes, and is checked at one more point.
    """

    def _prepare(self) -> None:
        self._is_time = self.numbers.is_time[self.chosen]
        ends = [self._ends(int(index)) for index in self.chosen]
        self._ends_of = np.array(ends).reshape(-1, 2)
        self._polynomials = [
            self._fitted(circuit, own)
            for circuit, own in zip(self.circuits, self.shots, strict=True)
        ]

    def _ends(self, index: int) -> tuple[float, float]:
        value, size = self.centre[index], self.numbers.sizes[index]
        lows, highs = self.numbers.bounds
        if self.numbers.is_time[index] or is_factor(self.numbers.paths[index]):
            value = max(value, 0.1 * size)
            return max(lows[index], value / _REACH), min(highs[index], value * _REACH)
        if lows[index] < 0:
            reach = _REACH * max(size, abs(value))
            return max(lows[index], value - reach), min(highs[index], value + reach)
        # Rates near 0 have to be followed to where they change something.
        size = max(size, self.numbers.typical[index])
        return lows[index], min(highs[index], _REACH * max(value, 0.5 * size))

    def moved(self, centre: FloatArray) -> Surrogate:
        """See `Surrogate.moved`; an expansion where the noise is not allowed at a grid's corners.

        Args:
            centre: The point, shape (numbers,).
        """
        try:
            return super().moved(centre)
        except InputError:
            here = Tangent(self.circuits, self.numbers, self.centre, self.shots)
            return here.moved(centre)

    @property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """See `Surrogate.box`: the ends of the grid; readout has its own bounds."""
        low, high = self.numbers.bounds
        low[self.chosen], high[self.chosen] = self._ends_of[:, 0], self._ends_of[:, 1]
        return low, high

    def covers(self, values: FloatArray) -> bool:
        """Whether no end of the grid holds a point back, so that what it says there is right.

        Args:
            values: The point, shape (numbers,).
        """
        return not self.held(values).any()

    def held(self, values: FloatArray) -> NDArray[np.bool_]:
        """Which numbers an end of the grid holds back, where their bounds do not, shape (numbers,).

        Args:
            values: The point, shape (numbers,).
        """
        ends, bounds = self.box, self.numbers.bounds
        close = 1e-9 * self.numbers.sizes
        low: NDArray[np.bool_] = (values - ends[0] < close) & (ends[0] != bounds[0])
        high: NDArray[np.bool_] = (ends[1] - values < close) & (ends[1] != bounds[1])
        return low | high

    def probabilities(self, values: FloatArray) -> list[FloatArray]:
        """See `Surrogate.probabilities`."""
        places, slopes = self._places(values[self.chosen])
        return [
            np.tensordot(_products(terms, places, slopes), coefficients, axes=1)
            for terms, coefficients in self._polynomials
        ]

    def _places(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where a point is in -1..1 along each axis, and the derivatives of that."""
        first, last, x = (np.array(each) for each in (*self._ends_of.T, point))
        slope = np.ones(len(point))
        # Rates decide, not times.
        times = self._is_time
        first[times], last[times], x[times] = 1 / first[times], 1 / last[times], 1 / x[times]
        slope[times] = -(x[times] ** 2)
        return (2 * x - first - last) / (last - first), 2 * slope / (last - first)

    def _point(self, place: FloatArray) -> FloatArray:
        """The numbers at a place in -1..1 along each axis."""
        first, last = (np.array(each) for each in self._ends_of.T)
        times = self._is_time
        first[times], last[times] = 1 / first[times], 1 / last[times]
        point: FloatArray = (first + last) / 2 + (last - first) / 2 * place
        point[times] = 1 / point[times]
        return point

    def _fitted(self, circuit: FitCircuit, shots: float) -> tuple[Terms, FloatArray]:
        """Degrees of polynomials, shape (terms, axes), and coefficients (terms, instances, 2^m)."""
        known: dict[bytes, FloatArray] = {}

        def exact(place: FloatArray) -> FloatArray:
            key = place.tobytes()
            if key not in known:
                known[key] = self._exact(circuit, self._point(place))
            return known[key]

        n_axes = len(self.chosen)
        centre = exact(np.zeros(n_axes))
        per_row = max(1.0, shots / len(centre))
        tolerance = _STATISTICAL * np.sqrt((np.abs(centre) + 1 / per_row) / per_row)
        sizes = []
        for axis in range(n_axes):
            ends = [exact(sign * np.eye(n_axes)[axis]) / tolerance for sign in (-1.0, 1.0)]
            sizes.append(_sizes_along(ends[0], centre / tolerance, ends[1]))
        amplitude = float(np.abs(centre / tolerance).max())
        checked = np.where(np.arange(n_axes) % 2, -1.0, 1.0) * _CHECKED
        for least in _LEAST_TERMS:
            terms = _terms(sizes, amplitude, least)
            places = _LEJA[terms]
            table = np.array([exact(place) for place in places]).reshape(len(terms), -1)
            basis = np.array([_products(terms, place)[0] for place in places])
            coefficients = np.linalg.solve(basis, table).reshape(len(terms), *centre.shape)
            found = np.tensordot(_products(terms, checked)[0], coefficients, axes=1)
            if n_axes == 0 or (np.abs(found - exact(checked)) < tolerance).all():
                break
        return terms, coefficients


class Tangent(Surrogate):
    """The first order in any number of numbers, around a point that moves with the fit."""

    def _prepare(self) -> None:
        noise = Variations.around(self.numbers, self.centre)
        self._parts = [self._expanded(circuit, noise) for circuit in self.circuits]

    def _expanded(self, circuit: FitCircuit, noise: Variations) -> FloatArray:
        try:
            return expanded(circuit, noise)
        except InputError:
            # Noise of one's own that comes and goes, say.
            return self._by_differences(circuit)

    def _by_differences(self, circuit: FitCircuit) -> FloatArray:
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


def _sizes_along(low: FloatArray, middle: FloatArray, high: FloatArray) -> FloatArray:
    """About how large the coefficients of the polynomials are along an axis, from degree 1 on.

    Those of exp(-a x) in -1..1 fall as (a/2)^k / k!, and a is 4 times the ratio of the second and
    the first.

    Args:
        low: Values at -1.
        middle: Values at 0.
        high: Values at 1.
    """
    first = float(np.abs(high - low).max()) / 2
    second = float(np.abs(high - 2 * middle + low).max()) / 4
    if max(first, second) < _NOTHING:
        return np.zeros(0)
    sizes = [first, second]
    ratio = min(_LARGEST_RATIO, second / max(first, _NOTHING))
    for degree in range(3, len(_LEJA)):
        sizes.append(sizes[-1] * 2 * ratio / degree)
    return np.array(sizes)


def _terms(sizes: Sequence[FloatArray], amplitude: float, least: float) -> Terms:
    """Degrees of the products of polynomials that are not negligible, shape (terms, axes).

    With each product all of lower degrees are there, so that as many places determine them.
    """
    falls = [np.append(1.0, np.maximum.accumulate(own[::-1])[::-1] / amplitude) for own in sizes]
    shape = tuple(map(len, falls))
    expected = amplitude * functools.reduce(np.multiply.outer, falls, np.ones(()))
    kept = np.argwhere(expected.reshape(shape) >= least) if falls else np.zeros((1, 0), dtype=int)
    return kept if len(kept) else np.zeros((1, len(falls)), dtype=int)


def _products(terms: Terms, place: FloatArray, slopes: FloatArray | None = None) -> FloatArray:
    """Products of Chebyshev polynomials, and their derivatives where slopes are given.

    Args:
        terms: Degrees, shape (terms, axes).
        place: In -1..1 along each axis, shape (axes,).
        slopes: The derivatives of the places by the numbers, shape (axes,).

    Returns:
        Shape (1 or 1 + axes, terms).
    """
    angles = np.arccos(np.clip(place, -1.0, 1.0))
    values = np.cos(terms * angles)
    rows = [values.prod(axis=1)]
    if slopes is not None:
        for axis, slope in enumerate(slopes):
            others = np.delete(values, axis, axis=1).prod(axis=1)
            rows.append(slope * _derivatives(terms[:, axis], place[axis]) * others)
    return np.stack(rows)


def _derivatives(degrees: NDArray[np.int64], place: float) -> FloatArray:
    by = chebyshev.chebder(np.eye(len(_LEJA)))
    found: FloatArray = np.asarray(chebyshev.chebval(place, by))[degrees]
    return found
