"""The methods by which a gradient can be obtained, and their registry."""

from __future__ import annotations

import abc
from dataclasses import replace

import numpy as np

from noise_models.registry import Registry, made
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.engines import Streams
from qucnn_cirq.engines.streams import backward_purpose
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters import Filter
from qucnn_cirq.gradients import (
    FloatArray,
    Gradient,
    GradientMethod,
    Pass,
    acted_gradients,
    shifted,
)
from qucnn_cirq.measured import Measured
from qucnn_cirq.measured_gradient import MeasuredOnceGradient

AUTO = "auto"
"""In place of a name: in circuit for a program that has a reader, else the shift rule."""
SPSA_STEP = 0.1
"""Radians by which SPSA moves all parameters at once."""
DIFFERENCE_STEP = 1e-3
"""Radians between the middle and the ends of a finite difference."""
_SPSA_STREAM = 0x53505341
"""In place of a circuit's number, sets the signs of SPSA apart from the shots of images."""
_COIN_STREAM = 0x434F494E
"""In place of a variant's number, sets coins apart from the shots that they multiply."""


class FiniteDifferences(GradientMethod):
    """Central differences over a small step: a check, of little use with shots.

    2 settings a parameter; the variance grows with the inverse square of the step.
    """

    name = "finite_differences"
    label = "finite differences"
    step = DIFFERENCE_STEP
    width = 2 * DIFFERENCE_STEP

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """See `GradientMethod.settings`."""
        return 2 * filter_.n_parameters(n_qubits)

    def gradient(self, work: Pass) -> Gradient:
        """See `GradientMethod.gradient`."""
        values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
        for row, angles in enumerate(work.parameters):
            found = work.measure(work.program, row, shifted(angles, self.step))
            upstream = work.factors(row)
            values[row] = _difference(found.estimates) @ upstream / self.width
            variance[row] = _sum(found.variances) @ upstream**2 / self.width**2
        return work.gradient(self.name, values, variance, 2 * values.shape[1])


class ShiftRule(GradientMethod):
    """The shift rule, exact for every angle, and the chain rule from angles to parameters.

    2 settings an angle; an angle is a parameter, but for circuits with symbols.
    """

    def gradient(self, work: Pass) -> Gradient:
        """See `GradientMethod.gradient`."""
        values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
        if not values.size:
            return work.gradient(self.name, values, variance, 0)
        for row in range(len(values)):
            values[row], variance[row] = work.of_parameters(row, *self._of_angles(work, row))
        return work.gradient(self.name, values, variance, work.shifts)

    @abc.abstractmethod
    def _of_angles(self, work: Pass, row: int) -> tuple[FloatArray, FloatArray]:
        """dL/d(angle) for each angle of one filter, and the variance of each."""


class ParameterShift(ShiftRule):
    """The shift rule on measured overlaps, multiplied by g afterwards ("post-processed").

    2 settings an angle. Variance g^2 (v+ + v-)/4 a patch, with v the variance of one overlap:
    (1 - F^2)/N, or F(1 - F)/N for the inversion test.
    """

    name = "parameter_shift"
    label = "post-processed"

    def _of_angles(self, work: Pass, row: int) -> tuple[FloatArray, FloatArray]:
        if work.execution.shots is None and work.is_two_valued:
            # Summed over patches first, of which there are many more than of angles.
            values = _difference(work.sums_shifted[row]) / 2
            return values, np.zeros_like(values)
        found, upstream = work.measure_shifted(work.program, row), work.factors(row)
        return (
            _difference(found.estimates) @ upstream / 2,
            _sum(found.variances) @ upstream**2 / 2.0**2,
        )


class Coin(ShiftRule):
    """The control experiment of `InCircuit`: a classical coin multiplies by g.

    A coin whose mean is g / s, s the largest |g| if that exceeds 1, is thrown for every shot, and
    the product of coin and overlap's value, +1 or -1, is averaged. That is all the second ancilla
    does, so the mean and, without noise, the variance are those of the in-circuit routine; it needs
    no qubit and works for the destructive test as well. 2 settings an angle.
    """

    name = "coin"
    label = "classical coin"

    def _of_angles(self, work: Pass, row: int) -> tuple[FloatArray, FloatArray]:
        found = _thrown(work, row, work.upstream[row] / work.scale)
        values = work.scale / 2 * _difference(found.estimates).sum(axis=1)
        return values, (work.scale / 2) ** 2 * _sum(found.variances).sum(axis=1)

    def check(self, program: Program) -> None:
        """Refuses what gives no single outcome +1 or -1."""
        if program.spec.measurement is not None and not program.filters[0].is_two_valued:
            raise InputError(
                "method = 'coin' multiplies single outcomes +1 and -1, and measurement = "
                f"{program.spec.measurement.kind!r} gives others: choose 'parameter_shift'."
            )
        if not program.filters[0].template.observable.is_signed:
            raise InputError(
                "method = 'coin' multiplies outcomes +1 and -1, and those of the "
                f"{program.spec.overlap} test are 0 and 1: choose method = 'parameter_shift' or "
                "another overlap test."
            )


class InCircuit(ShiftRule):
    """The paper's routine: a second ancilla multiplies by g on the processor (eqs. 4-17).

    It is prepared with <Z> = g / s, where s is the largest |g| if that exceeds 1, so that what is
    measured has the mean g F / s. 2 settings an angle; variance
    s^2 [2 - (g/s)^2 (F+^2 + F-^2)]/(4N) a patch, never below that of `ParameterShift`.
    """

    name = "in_circuit"
    label = "in circuit"
    takes_reader = True
    loaded = 1.0
    """What part of g is loaded."""

    def _of_angles(self, work: Pass, row: int) -> tuple[FloatArray, FloatArray]:
        factor = work.scale / (2 * self.loaded)
        loaded = self.loaded * work.upstream[row] / work.scale
        found = work.measure_shifted(work.companion(), row, loaded)
        values = factor * _difference(found.estimates).sum(axis=1)
        return values, factor**2 * _sum(found.variances).sum(axis=1)


class InCircuitAbsorbed(InCircuit):
    """`InCircuit` with g / 2 loaded and the factor 1/2 of the shift rule left out.

    As in the paper: the same mean with about four times the variance.
    """

    name = "in_circuit_absorbed"
    label = "in circuit, g/2"
    loaded = 0.5


class Spsa(GradientMethod):
    """Simultaneous perturbation: all angles move by a random sign at once (Spall, 1992).

    2 settings whatever the number of parameters; the variance grows with that number, most of it
    from the signs, which `Gradient.variances` does not contain.
    """

    name = "spsa"
    label = "SPSA"
    variance_is_whole = False

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """See `GradientMethod.settings`."""
        return 2

    def gradient(self, work: Pass) -> Gradient:
        """See `GradientMethod.gradient`."""
        values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
        for row, angles in enumerate(work.parameters):
            identity = [work.execution.seed, backward_purpose(work.draw), 0, row, _SPSA_STREAM]
            signs = np.random.default_rng(identity).choice([-1.0, 1.0], size=len(angles))
            moved = angles + SPSA_STEP * np.stack([signs, -signs])
            found = work.measure(work.program, row, moved)
            upstream = work.factors(row)
            values[row] = signs * (_difference(found.estimates) @ upstream) / (2 * SPSA_STEP)
            variance[row] = (_sum(found.variances) @ upstream**2) / (2 * SPSA_STEP) ** 2
        return work.gradient(self.name, values, variance, 2)


class ExactGradient(GradientMethod):
    """The gradient without noise or shots, by linear algebra alone: the reference. No circuits."""

    name = "exact"
    label = "exact"
    runs_circuits = False

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """See `GradientMethod.settings`."""
        return 0

    def gradient(self, work: Pass) -> Gradient:
        """See `GradientMethod.gradient`."""
        values, n_qubits = np.empty_like(work.parameters), work.program.spec.register_qubits
        if work.program.spec.measurement is not None:
            for row in range(len(values)):
                found = acted_gradients(work, row)[0]
                values[row] = work.of_parameters(row, found, np.zeros_like(found))[0]
            return Gradient(values, np.zeros_like(values), self.name, 0, None)
        for row, filter_ in enumerate(work.program.spec.filter_list if values.size else ()):
            moved = shifted(work.angles(row), np.pi / 2)
            states = filter_.states_at(n_qubits, moved)
            overlaps = np.abs(states.conj() @ work.patches.states.T) ** 2
            found = _difference(overlaps) @ work.upstream[row] / 2
            values[row] = work.of_parameters(row, found, np.zeros_like(found))[0]
        return Gradient(values, np.zeros_like(values), self.name, 0, None)


def _difference(plus_and_minus: FloatArray) -> FloatArray:
    """The first half of the rows less the second half."""
    half = len(plus_and_minus) // 2
    return plus_and_minus[:half] - plus_and_minus[half:]


def _sum(plus_and_minus: FloatArray) -> FloatArray:
    """The first half of the rows and the second half together."""
    half = len(plus_and_minus) // 2
    return plus_and_minus[:half] + plus_and_minus[half:]


def _thrown(work: Pass, row: int, upstream: FloatArray) -> Measured:
    """What the overlaps give whose every shot is multiplied by a coin of the mean g."""
    found = work.measure_shifted(work.program, row)
    if found.mitigated is not None:
        raise InputError(
            "method = 'coin' multiplies single outcomes, and mitigation makes overlaps of all of "
            "them: choose method = 'parameter_shift', or leave mitigation out."
        )
    counts = None
    if found.counts is not None and found.shots is not None:
        numbers = (row,) * len(found.counts)
        coins = Streams(
            work.execution.seed, numbers, work.images, _COIN_STREAM, backward_purpose(work.draw)
        )
        others = replace(coins, variant=_COIN_STREAM + 1)
        heads = np.broadcast_to((1 + upstream) / 2, found.counts.shape)
        counts = coins.binomial(found.counts, heads)
        counts += others.binomial(found.shots - found.counts, 1 - heads)
    means = None if found.means is None else found.means * upstream
    return Measured(found.observable, means, counts, found.shots)


METHODS: Registry[type[GradientMethod]] = Registry("gradient method", GradientMethod, classes=True)
"""The ways to obtain a gradient, by name."""

for _method in (
    InCircuit,
    InCircuitAbsorbed,
    Coin,
    ParameterShift,
    FiniteDifferences,
    Spsa,
    ExactGradient,
    MeasuredOnceGradient,
):
    METHODS.register(_method.name, _method)


def make_method(name: str, program: Program) -> GradientMethod:
    """A gradient method for a program.

    Args:
        name: A name out of `METHODS`; ``module:attribute`` or ``path/to/file.py:attribute``,
            whose attribute is a subclass of `GradientMethod`; or "auto".
        program: The compiled convolution of a layer.

    Raises:
        InputError: If the name is unknown, or the method not possible for the overlap test.
    """
    if isinstance(name, str) and name == AUTO:
        name = InCircuit.name if program.spec.backward else ParameterShift.name
    method = made(f"gradient method = {shown(name)}", METHODS.find(name, beside=(AUTO,)))
    method.check(program)
    return method
