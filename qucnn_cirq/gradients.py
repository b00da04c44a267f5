"""The backward pass: gradients of a layer's parameters and of its images.

By the chain rule dL/dtheta = sum over patches of g dF/dtheta, with g = dL/dF handed back from the
next layer. Every angle sits in a Pauli rotation, so dF/dtheta is half the difference of F at
theta + pi/2 and theta - pi/2, exactly, with or without noise.

Adding a method is adding a function to :data:`METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qucnn_cirq.checks import real_array
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import Streams
from qucnn_cirq.engines.streams import backward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.execution import Execution, Measured
from qucnn_cirq.patches import Patches

FloatArray = NDArray[np.float64]

SPSA_STEP = 0.1
"""Radians by which SPSA moves all parameters at once."""
DIFFERENCE_STEP = 1e-3
"""Radians between the middle and the ends of a finite difference."""
_SPSA_STREAM = 0x53505341
"""In place of a circuit's number, sets the signs of SPSA apart from the shots of images."""
_COIN_STREAM = 0x434F494E
"""In place of a variant's number, sets coins apart from the shots that they multiply."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient and what it cost.

    Attributes:
        values: dL/dtheta, shape (filters, parameters).
        variance: Variance of each value from its shots, of the same shape; 0 without shots. From
            the exact means where the engine gives them, else estimated from the counts, see
            :attr:`qucnn_cirq.execution.Measured.variance`. For SPSA it is that at the signs that
            were drawn.
        method: How it was obtained.
        circuits: Circuits that were run: settings of the angles times patches that are not blank.
        shots: Shots of all circuits together; None if exact means were used.
    """

    values: FloatArray
    variance: FloatArray
    method: str
    circuits: int
    shots: int | None


@dataclass(frozen=True, eq=False)
class Pass:
    """What a gradient is taken of.

    Attributes:
        program: The compiled convolution.
        companion: Compiles the circuits of the in-circuit method.
        execution: How circuits are run.
        draw: Which of several gradients of the same seed.
        parameters: Angles, shape (filters, parameters).
        patches: The patches of the forward pass.
        images: Identifying number of the image of each patch that is not blank.
        upstream: g for each filter and each such patch.
    """

    program: Program
    companion: Callable[[], Program]
    execution: Execution
    draw: int
    parameters: FloatArray
    patches: Patches
    images: NDArray[np.integer]
    upstream: FloatArray

    def measure(
        self, program: Program, row: int, angles: FloatArray, upstream: FloatArray | None = None
    ) -> Measured:
        """Runs one filter's circuits.

        Args:
            program: Where the filter was compiled.
            row: Which filter.
            angles: Settings of its angles, shape (settings, parameters).
            upstream: What the reader multiplies by, for each patch; 1 if None.

        Returns:
            What was measured, shape (settings, patches).
        """
        compiled = program.filters[row]
        return self.execution.patches(
            compiled,
            self.patches,
            self.images,
            compiled.filter_table(angles),
            # Shots of their own for each filter and setting of its angles.
            numbers=range(row * len(angles), (row + 1) * len(angles)),
            purpose=backward_purpose(self.draw),
            upstream=upstream,
            from_means=True,
        )

    def gradient(
        self, method: str, values: FloatArray, variance: FloatArray, settings: int
    ) -> Gradient:
        """A gradient, with the cost of the circuits that it took.

        Args:
            method: How it was obtained.
            values: dL/dtheta, shape (filters, parameters).
            variance: Variance of each value, of the same shape.
            settings: With how many settings of its angles every filter was run.
        """
        circuits, shots = len(values) * settings * self.patches.n_occupied, self.execution.shots
        return Gradient(
            values, variance, method, circuits, None if shots is None else circuits * shots
        )


def _shifted(angles: FloatArray, step: float) -> FloatArray:
    """Rows angles + step e_k and then angles - step e_k for every k."""
    shifts = step * np.eye(len(angles))
    return np.concatenate([angles + shifts, angles - shifts])


def _difference(plus_and_minus: FloatArray) -> FloatArray:
    """The first half of the rows less the second half."""
    half = len(plus_and_minus) // 2
    return plus_and_minus[:half] - plus_and_minus[half:]


def _sum(plus_and_minus: FloatArray) -> FloatArray:
    """The first half of the rows and the second half together."""
    half = len(plus_and_minus) // 2
    return plus_and_minus[:half] + plus_and_minus[half:]


def parameter_shift(work: Pass) -> Gradient:
    """The shift rule on measured overlaps, multiplied by g afterwards ("post-processed").

    2 settings a parameter. Variance g^2 (v+ + v-)/4 a patch, with v the variance of one overlap:
    (1 - F^2)/N, or F(1 - F)/N for the inversion test.
    """
    return _differences(work, "parameter_shift", np.pi / 2, 2.0)


def finite_differences(work: Pass) -> Gradient:
    """Central differences over a small step: a check, of little use with shots.

    2 settings a parameter; the variance grows with the inverse square of the step.
    """
    return _differences(work, "finite_differences", DIFFERENCE_STEP, 2 * DIFFERENCE_STEP)


def _differences(work: Pass, name: str, step: float, width: float) -> Gradient:
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    for row, angles in enumerate(work.parameters):
        found = work.measure(work.program, row, _shifted(angles, step))
        upstream = work.upstream[row]
        values[row] = _difference(found.estimates) @ upstream / width
        variance[row] = _sum(found.variance) @ upstream**2 / width**2
    return work.gradient(name, values, variance, 2 * values.shape[1])


def coin(work: Pass) -> Gradient:
    """The control experiment of :func:`in_circuit`: a classical coin multiplies by g.

    A coin whose mean is g / s, s the largest |g| if that exceeds 1, is thrown for every shot, and
    the product of coin and overlap's value, +1 or -1, is averaged. That is all the second ancilla
    does, so the mean and, without noise, the variance are those of the in-circuit routine; it needs
    no qubit and works for the destructive test as well. 2 settings a parameter.
    """
    scale = max(1.0, float(np.abs(work.upstream).max(initial=0.0)))
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    for row, angles in enumerate(work.parameters):
        found = _thrown(work, row, _shifted(angles, np.pi / 2), work.upstream[row] / scale)
        values[row] = scale / 2 * _difference(found.estimates).sum(axis=1)
        variance[row] = (scale / 2) ** 2 * _sum(found.variance).sum(axis=1)
    return work.gradient("coin", values, variance, 2 * values.shape[1])


def _thrown(work: Pass, row: int, table: FloatArray, upstream: FloatArray) -> Measured:
    """What the overlaps give whose every shot is multiplied by a coin of the mean g."""
    found = work.measure(work.program, row, table)
    counts = None
    if found.counts is not None and found.shots is not None:
        numbers = tuple(range(row * len(table), (row + 1) * len(table)))
        coins = Streams(
            work.execution.seed, numbers, work.images, _COIN_STREAM, backward_purpose(work.draw)
        )
        others = replace(coins, variant=_COIN_STREAM + 1)
        heads = np.broadcast_to((1 + upstream) / 2, found.counts.shape)
        counts = coins.binomial(found.counts, heads)
        counts += others.binomial(found.shots - found.counts, 1 - heads)
    means = None if found.means is None else found.means * upstream
    return Measured(found.observable, means, counts, found.shots)


def in_circuit(work: Pass, absorbed: bool = False) -> Gradient:
    """The paper's routine: a second ancilla multiplies by g on the processor (eqs. 4-17).

    It is prepared with <Z> = g / s, where s is the largest |g| if that exceeds 1, so that what is
    measured has the mean g F / s. 2 settings a parameter; variance
    s^2 [2 - (g/s)^2 (F+^2 + F-^2)]/(4N) a patch, never below that of :func:`parameter_shift`.

    Args:
        work: What the gradient is taken of.
        absorbed: Whether g / 2 is loaded and the factor 1/2 of the shift rule left out, as in the
            paper: the same mean with about four times the variance.
    """
    program = work.companion()
    scale = max(1.0, float(np.abs(work.upstream).max(initial=0.0)))
    half = 0.5 if absorbed else 1.0
    factor = scale / (2 * half)
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    for row, angles in enumerate(work.parameters):
        loaded = half * work.upstream[row] / scale
        found = work.measure(program, row, _shifted(angles, np.pi / 2), loaded)
        values[row] = factor * _difference(found.estimates).sum(axis=1)
        variance[row] = factor**2 * _sum(found.variance).sum(axis=1)
    name = "in_circuit_absorbed" if absorbed else "in_circuit"
    return work.gradient(name, values, variance, 2 * values.shape[1])


def spsa(work: Pass) -> Gradient:
    """Simultaneous perturbation: all angles move by a random sign at once (Spall, 1992).

    2 settings whatever the number of parameters; the variance grows with that number, most of it
    from the signs, which :attr:`Gradient.variance` does not contain.
    """
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    for row, angles in enumerate(work.parameters):
        identity = [work.execution.seed, backward_purpose(work.draw), 0, row, _SPSA_STREAM]
        signs = np.random.default_rng(identity).choice([-1.0, 1.0], size=len(angles))
        moved = angles + SPSA_STEP * np.stack([signs, -signs])
        found = work.measure(work.program, row, moved)
        upstream = work.upstream[row]
        values[row] = signs * (_difference(found.estimates) @ upstream) / (2 * SPSA_STEP)
        variance[row] = (_sum(found.variance) @ upstream**2) / (2 * SPSA_STEP) ** 2
    return work.gradient("spsa", values, variance, 2)


def exact_gradient(work: Pass) -> Gradient:
    """The gradient without noise or shots, by linear algebra alone: the reference. No circuits."""
    values = np.empty_like(work.parameters)
    n_qubits = work.program.spec.register_qubits
    for row, angles in enumerate(work.parameters):
        filter_ = work.program.spec.filter_list[row]
        shifted = filter_.states(n_qubits, _shifted(angles, np.pi / 2))
        overlaps = np.abs(shifted.conj() @ work.patches.states.T) ** 2
        values[row] = _difference(overlaps) @ work.upstream[row] / 2
    return Gradient(values, np.zeros_like(values), "exact", 0, None)


METHODS: dict[str, Callable[[Pass], Gradient]] = {
    "in_circuit": in_circuit,
    "in_circuit_absorbed": lambda work: in_circuit(work, absorbed=True),
    "coin": coin,
    "parameter_shift": parameter_shift,
    "exact": exact_gradient,
    "spsa": spsa,
    "finite_differences": finite_differences,
}
"""The ways to obtain a gradient."""

_LARGE = 2.0**400
"""Upstream values beyond it are scaled down: their squares, which variances need, overflow."""


def gradient_by(method: Callable[[Pass], Gradient], work: Pass) -> Gradient:
    """The gradient by one of :data:`METHODS`, for upstream values of any size.

    Args:
        method: One of the functions in :data:`METHODS`.
        work: What the gradient is taken of.

    Returns:
        The gradient. A variance beyond the range of float64 is infinite.

    Raises:
        InputError: If the gradient itself is beyond that range, or as the method does.
    """
    exponent = _exponent(work.upstream)
    if not exponent:
        return method(work)
    # All methods are homogeneous for values of which the largest is at least 1.
    found = method(replace(work, upstream=np.ldexp(work.upstream, -exponent)))
    with np.errstate(over="ignore"):
        values = np.ldexp(found.values, exponent)
        variance = np.ldexp(np.ldexp(found.variance, exponent), exponent)
    return replace(found, values=_within_range("parameters", values), variance=variance)


def _exponent(upstream: FloatArray) -> int:
    """The power of 2 that leaves the largest of large upstream values within 1..2, else 0."""
    largest = float(np.abs(upstream).max(initial=0.0))
    return int(np.frexp(largest)[1]) - 1 if largest > _LARGE else 0


def _within_range(what: str, gradient: FloatArray) -> FloatArray:
    if not np.isfinite(gradient).all():
        raise InputError(
            f"the gradient of the {what} is beyond the range of float64: scale the loss down, and "
            "images that are nearly zero up."
        )
    return gradient


def checked_upstream(upstream: ArrayLike, patches: Patches, n_filters: int) -> FloatArray:
    """Back-propagated values of the patches that are not blank, shape (filters, patches).

    Args:
        upstream: dL/dF, of the shape of the maps, (batch, filters, rows, columns).
        patches: The patches of the forward pass.
        n_filters: Number of filters.

    Raises:
        InputError: If the shape is another or a value is not finite.
    """
    values = real_array("upstream", upstream)
    shape = (patches.batch, n_filters, patches.rows, patches.columns)
    if values.shape != shape:
        raise InputError(
            f"upstream has shape {values.shape}: the maps of the last forward pass have {shape}."
        )
    if not np.isfinite(values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InputError(f"upstream has {values[index]} at {index}: give finite numbers.")
    picked: FloatArray = patches.from_maps(values)
    return picked


def input_gradient(work: Pass, shape: tuple[int, ...]) -> FloatArray:
    """dL/d(images) without noise or shots, by linear algebra.

    With u = x/|x| and a = <f|u>, F = |a|^2 and dF/dx = 2 (Re(a f) - F u)/|x|. A blank patch has
    no direction; its gradient is taken as 0.

    Args:
        work: What the gradient is taken of.
        shape: Shape of the images.

    Returns:
        An array of the shape of the images.

    Raises:
        InputError: If a value is beyond the range of float64.
    """
    exponent = _exponent(work.upstream)
    work = replace(work, upstream=np.ldexp(work.upstream, -exponent))
    spec = work.program.spec
    filters = filter_states(spec, work.parameters)
    states = work.patches.states
    amplitudes = filters.conj() @ states.T
    weights = work.upstream * amplitudes
    along = np.sum(work.upstream * np.abs(amplitudes) ** 2, axis=0)
    gradients = 2 * ((weights.T @ filters).real - along[:, None] * states)
    # Mantissa and exponent apart: a norm may be as small, and an upstream value as large, as any
    # float64 is, and only their ratio has to be within its range.
    vectors = work.patches.vectors[work.patches.occupied]
    powers = np.frexp(np.abs(vectors).max(axis=1, keepdims=True))[1]
    gradients /= np.linalg.norm(np.ldexp(vectors, -powers), axis=1, keepdims=True)
    with np.errstate(over="ignore"):
        gradients = _within_range("images", np.ldexp(gradients, exponent - powers))
    windows = np.zeros((len(work.patches), spec.n_elements))
    windows[work.patches.occupied] = gradients[:, : spec.n_elements]
    (rows, columns), (row_stride, column_stride) = spec.kernel_pair, spec.stride_pair
    (row_padding, column_padding), batch = spec.padding_pair, work.patches.batch
    cut = windows.reshape(
        batch, work.patches.rows, work.patches.columns, spec.channels, rows, columns
    )
    height, width = shape[-2:]
    padded = np.zeros((batch, spec.channels, height + 2 * row_padding, width + 2 * column_padding))
    for row in range(rows):
        for column in range(columns):
            down = slice(row, row + row_stride * work.patches.rows, row_stride)
            across = slice(column, column + column_stride * work.patches.columns, column_stride)
            with np.errstate(over="ignore", invalid="ignore"):
                padded[:, :, down, across] += cut[..., row, column].transpose(0, 3, 1, 2)
    inside = slice(row_padding, row_padding + height), slice(column_padding, column_padding + width)
    inner = _within_range("images", padded[:, :, *inside])
    return np.ascontiguousarray(inner).reshape(shape)
