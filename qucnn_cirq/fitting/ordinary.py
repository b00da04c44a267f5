"""One number of the noise from counts of patches that nobody knows: they are found along with it.

Each patch is a real unit vector x, so that the counts of a circuit with many outcomes leave some to
tell how noisy it was. Number and patches take steps of Fisher scoring together; the information of
the number is what remains of it when the patches' is taken away (Schur complement).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import Noise, NoiseLike
from noise_models.checks import instance_of, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.effects import fitted_effects
from qucnn_cirq.estimators.likelihood import Likelihood
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.prediction import NORMAL, interval_text

FloatArray = NDArray[np.float64]

_COARSE, _EXACT = 3, 2
"""Steps with the slopes of effects, and then with slopes of exact probabilities."""
_LARGEST_STEP = 0.2
_STEP, _TURN = 0.02, 1e-4
"""Steps of differences: relative, of the number; of unit vectors."""
_SHARES = (1.0, 0.5, 0.25, 0.1)
"""Shares of a patch's step that are tried."""
_LEAST_CHANCE = 1e-15
_RIDGE = 1e-6
_FEWEST_SHOTS = 20.0
"""Shots for each outcome below which the number comes out low: patches take noise for signal."""


@dataclass(frozen=True, eq=False)
class FromPatches:
    """A number of the noise, found with the patches.

    Attributes:
        key: Its dotted key.
        value: The number.
        error: Its standard error, the patches unknown.
        states: The patches as real unit vectors, up to the sign, shape (patches, d).
        is_biased: Whether shots are so few that the number comes out low.
    """

    key: str
    value: float
    error: float
    states: FloatArray
    is_biased: bool

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95 %."""
        return self.value - NORMAL * self.error, self.value + NORMAL * self.error

    def __str__(self) -> str:
        text = f"{self.key} = {interval_text(self.value, self.error, *self.interval)}"
        if self.is_biased:
            text += "; so few shots bias it low: take more for each patch"
        return text


def fit_with_patches(
    program: Program,
    counts: ArrayLike,
    noise: NoiseLike,
    key: str = "scale",
    filter_index: int = 0,
    variant: int | None = None,
) -> FromPatches:
    """Finds one number of the noise from counts of ordinary patches, which need not be known.

    Args:
        program: The compiled convolution: a test whose outcomes tell patches apart, as the
            destructive one does.
        counts: How often each outcome was recorded, shape (patches, 2^m).
        noise: A configuration, whose number is the start.
        key: The dotted key of the number; "scale" for all noise together.
        filter_index: Which of the filters, without angles to train.
        variant: Which of the filter's circuits; None for the one that loads every patch.

    Raises:
        InputError: If an argument is not allowed, or the outcomes do not tell patches apart.
    """
    instance_of("program", program, Program, "compile_convolution(spec, device)")
    if program.spec.n_parameters or program.spec.measurement is not None:
        raise InputError("this is for overlap tests with fixed filters.")
    last = len(program.filters) - 1
    index = whole_number("filter_index", filter_index, minimum=0, maximum=last)
    compiled = program.filters[index]
    numbers = FreeNumbers.of(noise, [key])
    recorded = real_array("counts", counts)
    search = _Search(program, compiled, index, variant, numbers, recorded)
    return search.run()


class _Search:
    def __init__(
        self,
        program: Program,
        compiled: CompiledFilter,
        index: int,
        variant: int | None,
        numbers: FreeNumbers,
        counts: FloatArray,
    ) -> None:
        last = len(compiled.variants) - 1
        self._variant = compiled.variants[
            compiled.generic
            if variant is None
            else whole_number("variant", variant, minimum=0, maximum=last)
        ]
        self._angles = compiled.filter_table(None)
        self._vector = filter_states(program.spec, None)[index]
        self._numbers, self._counts = numbers, counts
        self._engine = ExactEngine()
        outcomes = 1 << len(self._variant.template.observable.qubits)
        if counts.ndim != 2 or counts.shape[1] != outcomes or not (counts.sum(axis=1) > 0).all():
            raise InputError(
                f"counts have the shape {counts.shape}: give (patches, {outcomes}), each patch "
                "with shots."
            )

    def run(self) -> FromPatches:
        """Steps of the number and the patches together."""
        value, error = float(self._numbers.start[0]), np.inf
        reading = self._reading(value)
        whole = self._counts.astype(np.int64)
        states = Likelihood().likeliest([reading], [whole]).states
        effects = fitted_effects(reading).matrices
        for step in range(_COARSE + _EXACT):
            value, error, states = self._step(value, states, effects if step < _COARSE else None)
        each = self._counts.sum(axis=1).min() / self._counts.shape[1]
        return FromPatches(self._numbers.keys[0], value, error, states, each < _FEWEST_SHOTS)

    def _reading(self, value: float) -> Reading:
        noise = Noise(self._numbers.configuration(np.array([value])))
        return Reading(self._variant, self._angles, self._vector, noise, self._engine)

    def _chances(self, value: float, states: FloatArray) -> FloatArray:
        return np.maximum(self._reading(value).distribution(states), _LEAST_CHANCE)

    def _likelihoods(self, value: float, states: FloatArray) -> FloatArray:
        found: FloatArray = (self._counts * np.log(self._chances(value, states))).sum(axis=1)
        return found

    def _step(
        self, value: float, states: FloatArray, effects: FloatArray | None
    ) -> tuple[float, float, FloatArray]:
        chances = self._chances(value, states)
        weights = self._counts.sum(axis=1, keepdims=True) / chances
        ratios = self._counts / chances
        bases = _tangents(states)
        if effects is None:
            turns = self._turned(value, states, bases)
        else:
            turns = 2 * np.einsum("pid,oij,pj->pdo", bases, effects, states, optimize=True)
        size = _STEP * float(self._numbers.sizes[0])
        least = float(self._numbers.bounds[0][0])
        ends = max(least, value - size), value + size
        ahead, behind = self._chances(ends[1], states), self._chances(ends[0], states)
        slopes = (ahead - behind) / (ends[1] - ends[0])
        own = np.einsum("pdo,po,peo->pde", turns, weights, turns, optimize=True)
        own += (
            _RIDGE
            * np.trace(own, axis1=1, axis2=2)[:, None, None]
            / own.shape[1]
            * np.eye(own.shape[1])
        )
        mixed = np.einsum("po,po,pdo->pd", slopes, weights, turns, optimize=True)
        score = np.einsum("pdo,po->pd", turns, ratios, optimize=True)
        solved = np.linalg.solve(own, np.stack([mixed, score], axis=2))
        information = float((slopes**2 * weights).sum() - (mixed * solved[:, :, 0]).sum())
        if not information > 0:
            raise InputError(f"these counts do not tell {self._numbers.keys[0]}: add shots.")
        gain = float((slopes * ratios).sum() - (mixed * solved[:, :, 1]).sum())
        limit = _LARGEST_STEP * max(abs(value), float(self._numbers.sizes[0]))
        change = float(np.clip(gain / information, -limit, limit))
        moved = max(least, value + change)
        steps = solved[:, :, 1] - (moved - value) * solved[:, :, 0]
        direction = np.einsum("pid,pd->pi", bases, steps)
        best, likely = np.array(states), self._likelihoods(moved, states)
        for share in _SHARES:
            other = states + share * direction
            other /= np.linalg.norm(other, axis=1, keepdims=True)
            found = self._likelihoods(moved, other)
            better = found > likely
            best[better], likely[better] = other[better], found[better]
        return moved, 1 / np.sqrt(information), best

    def _turned(self, value: float, states: FloatArray, bases: FloatArray) -> FloatArray:
        """Derivatives of exact probabilities by the patches, shape (patches, d - 1, outcomes)."""
        ends = []
        for sign in (1, -1):
            other = states[:, None, :] + sign * _TURN * bases.swapaxes(1, 2)
            other /= np.linalg.norm(other, axis=2, keepdims=True)
            ends.append(self._chances(value, other.reshape(-1, states.shape[1])))
        found: FloatArray = (ends[0] - ends[1]) / (2 * _TURN)
        return found.reshape(len(states), -1, self._counts.shape[1])


def _tangents(states: FloatArray) -> FloatArray:
    """Orthonormal vectors perpendicular to unit vectors, shape (patches, d, d - 1)."""
    left = np.linalg.svd(states[:, :, None], full_matrices=True)[0]
    found: FloatArray = left[:, :, 1:]
    return found
