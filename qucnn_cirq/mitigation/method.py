"""What a method of mitigation is: circuits to run, shots for each, and a value from their means."""

from __future__ import annotations

import abc
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from noise_models.checks import LARGEST_SEED, whole_number
from qucnn_cirq.advance import calibrating
from qucnn_cirq.compiler.passes import two_qubit_gates
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Engine, Streams
from qucnn_cirq.engines.outcomes import unfolded
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Estimates, Reading

FloatArray = NDArray[np.float64]
Combine = Callable[[FloatArray], FloatArray]
"""From means, shape (runs, ...), to values, shape (...)."""

_TOGETHER = 8
"""Patches with filters of their own that are run together: all filters meet all patches then, and
fewer take more calls."""
_MOST_CIRCUITS = 2**20
"""Circuits of a method: numbers of these follow those of the circuits that load patches."""
_NODES = 11
"""Nodes of Gauss-Hermite quadrature for the mean of each circuit."""


@dataclass(frozen=True, eq=False)
class Run:
    """One circuit that a method runs for every patch, or once for a filter.

    Attributes:
        name: What it is for.
        template: The compiled circuit.
        patch: Rows of the table "patch", shape (patches, angles), or (1, angles) of a calibration.
        filter: Rows of the table "filter", shape (1, angles), or one for each patch.
        weights: What an outcome counts as, shape (outcomes,).
        share: Its share of the shots of a patch; that of a calibration is 0.
        is_calibration: Whether it is run once for all patches, with shots of its own.
    """

    name: str
    template: Template
    patch: FloatArray
    filter: FloatArray
    weights: FloatArray
    share: float
    is_calibration: bool = False


@dataclass(frozen=True)
class Cost:
    """What the circuits of a method take.

    Attributes:
        circuits: Different circuits of one patch, calibrations left out.
        two_qubit_gates: Two-qubit gates of a shot, the mean over the shots of a patch.
        most_two_qubit_gates: Those of the longest circuit.
        shots: Shots of one patch.
        calibration_shots: Shots that serve all patches of a filter together.
    """

    circuits: int
    two_qubit_gates: float
    most_two_qubit_gates: int
    shots: int
    calibration_shots: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """The circuits of a method for patches that one compiled circuit loads.

    Attributes:
        runs: The circuits.
        combine: The value from the means of all circuits.
        slopes: Where the value is a sum of the means, what each is multiplied by, shape (runs,).
        calibration_shots: Shots of each calibration; None for exact ones.
    """

    runs: tuple[Run, ...]
    combine: Combine
    slopes: FloatArray | None = None
    calibration_shots: int | None = None

    def shots(self, total: int) -> list[int]:
        """How the shots of a patch are split.

        Args:
            total: Shots of a patch, at least one for each circuit.

        Returns:
            Shots of each run; calibrations have their own.

        Raises:
            InputError: If there are too few, or they are no whole number.
        """
        total = whole_number("shots", total, minimum=1)
        shares = np.array([run.share for run in self.runs])
        own = shares > 0
        if total < own.sum():
            raise InputError(
                f"shots = {total} for {own.sum()} circuits: give at least one shot to each."
            )
        # One shot for each circuit, and the others to whom most are due.
        exact = shares * total
        split = np.where(own, np.maximum(np.floor(exact), 1), 0).astype(int)
        while split.sum() != total:
            due = exact - split
            step = 1 if split.sum() < total else -1
            allowed = own & ((split > 1) | (step > 0))
            split[np.argmax(np.where(allowed, step * due, -np.inf))] += step
        calibration = self.calibration_shots or 0
        return [
            calibration if run.is_calibration else int(n)
            for run, n in zip(self.runs, split, strict=True)
        ]

    def cost(self, shots: int) -> Cost:
        """What the circuits take.

        Args:
            shots: Shots of a patch.
        """
        pairs = list(zip(self.runs, self.shots(shots), strict=True))
        gates = [two_qubit_gates(run.template.circuit) for run in self.runs]
        own = [
            (count, number)
            for (run, number), count in zip(pairs, gates, strict=True)
            if not run.is_calibration
        ]
        return Cost(
            circuits=len(own),
            two_qubit_gates=sum(count * number for count, number in own) / shots,
            most_two_qubit_gates=max(gates),
            shots=shots,
            calibration_shots=sum(number for run, number in pairs if run.is_calibration),
        )

    def combined(self, means: FloatArray, variances: FloatArray) -> Estimates:
        """Mean and variance of the value.

        Exact where the value is a sum; else the mean of many shots is taken as normal, and the
        average over it by quadrature.

        Args:
            means: Of each circuit, shape (runs, patches).
            variances: Of these means, of the same shape.
        """
        if self.slopes is not None:
            return Estimates((self.slopes @ means)[None], (self.slopes**2 @ variances)[None])
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        weights = weights / weights.sum()
        varies = [row for row in range(len(means)) if variances[row].any()]
        grids = np.meshgrid(*[nodes] * len(varies), indexing="ij")
        chances = np.ones(_NODES ** len(varies))
        for grid in np.meshgrid(*[weights] * len(varies), indexing="ij"):
            chances = chances * grid.ravel()
        points = np.repeat(means[..., None], len(chances), axis=-1)
        for row, grid in zip(varies, grids, strict=True):
            points[row] += np.sqrt(variances[row])[:, None] * grid.ravel()
        values = self.combine(points)
        mean = values @ chances
        return Estimates(mean[None], np.maximum(values**2 @ chances - mean**2, 0.0)[None])


class MitigationMethod(abc.ABC):
    """A way to better overlaps that runs other circuits than the plain one.

    To add one, derive a class with a name, what it assumes, and `plan`.

    Attributes:
        name: The word by which it is chosen.
        assumes: What must hold for its values to be right, in one line.
        serves_encodings: Whether patches may be in any encoding; ``states`` then are their values.
    """

    name: ClassVar[str]
    assumes: ClassVar[str]
    serves_encodings: ClassVar[bool] = False

    @abc.abstractmethod
    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """The circuits that it runs.

        Args:
            reading: The plain circuit, and the noise that is assumed.
            states: Real unit vectors that the circuit's loader loads, shape (patches, 2^n).

        Raises:
            InputError: If it does not serve the circuit or the noise.
        """

    def outline(self, reading: Reading, states: FloatArray) -> Plan:
        """The plan as far as its cost goes: circuits that differ in angles alone may be one.

        Args:
            reading: As for `plan`.
            states: As for `plan`, shape (patches, 2^n).

        Raises:
            InputError: As for `plan`.
        """
        return self.plan(reading, states)

    def moments(
        self, reading: Reading, states: FloatArray, shots: int, noise: Noise | None = None
    ) -> Estimates:
        """Mean and variance of the values, without sampling.

        Args:
            reading: As for `plan`; its engine gives distributions.
            states: As for `plan`.
            shots: Shots of each patch.
            noise: The noise that there is; None for the one that is assumed.

        Returns:
            Shape (1, patches).

        Raises:
            InputError: As for `plan`.
        """
        plan = self.plan(reading, states)
        actual = reading.noise if noise is None else noise
        means, variances = [], []
        for run, number in zip(plan.runs, plan.shots(shots), strict=True):
            mean, spread = run_moments(run, reading.engine, actual)
            means.append(np.broadcast_to(mean, len(states)))
            # Exact calibrations have no shots.
            own = spread / number if number else np.zeros_like(spread)
            variances.append(np.broadcast_to(own, len(states)))
        return plan.combined(np.array(means), np.array(variances))

    def estimate(
        self,
        reading: Reading,
        states: FloatArray,
        shots: int,
        engine: Engine | None = None,
        noise: Noise | None = None,
        seed: int = 0,
        streams: Streams | None = None,
    ) -> Estimates:
        """Values of patches from shots, and their variances from the same shots.

        Args:
            reading: As for `plan`.
            states: As for `plan`.
            shots: Shots of each patch.
            engine: What runs the circuits; None for the reading's.
            noise: The noise that they are run under; None for the one that is assumed.
            seed: Seed of all shots.
            streams: Random streams, one for each patch, in place of those of the seed.

        Returns:
            Shape (1, patches).

        Raises:
            InputError: As for `plan`, or as the engine does.
        """
        plan, drawn = self.plan(reading, states), streams_of(seed, len(states), streams)
        by, under = engine or reading.engine, noise or reading.noise
        found = []
        for row, (run, number) in enumerate(zip(plan.runs, plan.shots(shots), strict=True)):
            with calibrating(len(run.patch)) if run.is_calibration else nullcontext():
                found.append(
                    run_counted(run, by, under, number, (drawn, row))
                    if number
                    else self._exact(run, reading.engine, by, under)
                )
        means = np.array([np.broadcast_to(mean, len(states)) for mean, _ in found])
        variances = np.array([np.broadcast_to(spread, len(states)) for _, spread in found])
        if plan.slopes is not None:
            return plan.combined(means, variances)
        return Estimates(plan.combine(means)[None], plan.combined(means, variances).variances)

    def _exact(
        self, run: Run, exact: Engine, engine: Engine, noise: Noise
    ) -> tuple[FloatArray, FloatArray]:
        """A calibration without shots: its exact mean, which does not vary."""
        if not engine.gives_means(run.template, noise):
            raise InputError(
                f"method {self.name!r} has a calibration, and engine {engine.name!r} gives no "
                "exact means: set calibration_shots to run it."
            )
        mean, _ = run_moments(run, exact, noise)
        return mean, np.zeros_like(mean)

    def __repr__(self) -> str:
        return f"<mitigation {self.name!r}: assumes {self.assumes}>"


def streams_of(seed: int, n_patches: int, streams: Streams | None) -> Streams:
    """The random streams of patches.

    Args:
        seed: A seed from which they derive.
        n_patches: How many patches.
        streams: Streams in place of those; None for none.

    Raises:
        InputError: If the seed is outside its range.
    """
    seed = whole_number("seed", seed, minimum=0, maximum=LARGEST_SEED)
    return Streams(seed, (0,), np.arange(n_patches)) if streams is None else streams


def outcome_weights(
    reading: Reading, unfolds: bool, template: Template | None = None
) -> FloatArray:
    """What each outcome counts as: the observable, with assumed readout errors undone.

    Args:
        reading: The circuit and the noise that is assumed.
        unfolds: Whether readout errors are undone.
        template: Another circuit than the reading's.

    Returns:
        Shape (outcomes,).
    """
    observable = (template or reading.variant.template).observable
    if not unfolds:
        return observable.table
    return unfolded(observable.table, observable.qubits, reading.noise)


def run_moments(run: Run, engine: Engine, noise: Noise) -> tuple[FloatArray, FloatArray]:
    """The mean of one shot of a circuit and its variance, exactly.

    Args:
        run: The circuit.
        engine: Gives distributions.
        noise: The noise.

    Returns:
        Two arrays of shape (patches,).
    """
    chances = np.concatenate(
        [
            engine.distribution(run.template, noise, own)[0]
            if single
            else _diagonal(engine.distribution(run.template, noise, own))
            for own, single in _batches(run, _TOGETHER)
        ]
    )
    means = chances @ run.weights
    return means, np.maximum(chances @ run.weights**2 - means**2, 0.0)


def run_counted(
    run: Run, engine: Engine, noise: Noise, shots: int, streams: tuple[Streams, int]
) -> tuple[FloatArray, FloatArray]:
    """The mean of the shots of a circuit, and its variance from the same shots.

    The variance is that of frequencies (n + 1/K)/(N + 1) of K outcomes: shots that are all alike
    do not make a value certain.

    Args:
        run: The circuit.
        engine: Runs it.
        noise: The noise.
        shots: Shots for each patch.
        streams: Random streams of the patches, and the number of the circuit.

    Returns:
        Two arrays of shape (patches,).
    """
    every, number = streams
    parts, start = [], 0
    for own, _ in _batches(run, 1):
        n_patches = len(own["patch"])
        # A calibration is that of no patch.
        images = every.images[start : start + n_patches]
        images = np.zeros(n_patches, dtype=np.int64) if run.is_calibration else images
        variant = every.variant * _MOST_CIRCUITS + number
        drawn = replace(every, images=images, variant=variant)
        parts.append(engine.outcome_counts(run.template, noise, own, shots, drawn)[0])
        start += n_patches
    counts = np.concatenate(parts)
    smooth = (counts + 1 / counts.shape[1]) / (shots + 1)
    spread = smooth @ run.weights**2 - (smooth @ run.weights) ** 2
    return counts @ run.weights / shots, np.maximum(spread, 0.0) / shots


def _batches(run: Run, size: int) -> list[tuple[dict[str, FloatArray], bool]]:
    """Tables of a run, and whether one filter serves all of their patches."""
    reader = upstream_table(1.0)
    if len(run.filter) == 1:
        return [({"patch": run.patch, "filter": run.filter, "upstream": reader}, True)]
    starts = range(0, len(run.patch), size)
    return [
        (
            {
                "patch": run.patch[row : row + size],
                "filter": run.filter[row : row + size],
                "upstream": reader,
            },
            size == 1,
        )
        for row in starts
    ]


def _diagonal(distributions: FloatArray) -> FloatArray:
    """Each patch with its own filter, shape (patches, outcomes)."""
    rows = np.arange(len(distributions))
    return distributions[rows, rows]


def linear_combination(slopes: FloatArray) -> Combine:
    """The sum of the means, each multiplied by a number.

    Args:
        slopes: The numbers, shape (runs,).
    """
    return lambda means: np.tensordot(slopes, means, axes=1)
