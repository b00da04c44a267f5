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

from noise_models import Noise
from qucnn_cirq.checks import real_array
from qucnn_cirq.compiler.program import CompiledFilter, Program
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import Engine, Streams
from qucnn_cirq.engines.streams import backward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import Patches

FloatArray = NDArray[np.float64]

SPSA_STEP = 0.1
"""Radians by which SPSA moves all parameters at once."""
DIFFERENCE_STEP = 1e-3
"""Radians between the middle and the ends of a finite difference."""
_SPSA_STREAM = 0x53505341
"""In place of a circuit's number, sets the signs of SPSA apart from the shots of images."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient and what it cost.

    Attributes:
        values: dL/dtheta, shape (filters, parameters).
        variance: Variance of each value from its shots, of the same shape, from the exact means;
            0 without shots. For SPSA it is that at the signs that were drawn.
        method: How it was obtained.
        circuits: Distinct circuits that were run: settings of the angles times patches.
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
        engine: Runs them.
        noise: The noise.
        shots: Shots of each circuit, or None for exact means.
        seed: Seed of all draws.
        draw: Which of several gradients of the same seed.
        parameters: Angles, shape (filters, parameters).
        patches: The patches of the forward pass.
        images: Identifying number of the image of each patch that is not blank.
        upstream: g for each filter and each such patch.
    """

    program: Program
    companion: Callable[[], Program]
    engine: Engine
    noise: Noise
    shots: int | None
    seed: int
    draw: int
    parameters: FloatArray
    patches: Patches
    images: NDArray[np.integer]
    upstream: FloatArray

    def streams(self, row: int, settings: int) -> Streams:
        """Random streams of their own for each filter and setting of its angles."""
        numbers = tuple(row * settings + setting for setting in range(settings))
        return Streams(self.seed, numbers, self.images, purpose=backward_purpose(self.draw))

    def counts(self, settings: int) -> tuple[int, int | None]:
        """Circuits and shots of as many settings of each filter's angles on every patch."""
        circuits = len(self.parameters) * settings * self.patches.n_occupied
        return circuits, None if self.shots is None else circuits * self.shots


def _shifted(angles: FloatArray, step: float) -> FloatArray:
    """Rows angles + step e_k and then angles - step e_k for every k."""
    shifts = step * np.eye(len(angles))
    return np.concatenate([angles + shifts, angles - shifts])


def _estimates(
    work: Pass, compiled: CompiledFilter, row: int, table: FloatArray, means: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Estimates of means from shots, and the variances; the means themselves without shots."""
    if work.shots is None:
        return means, np.zeros_like(means)
    observable = compiled.template.observable
    streams = work.streams(row, len(table))
    counts = streams.binomial(work.shots, observable.probability(means))
    return observable.mean(counts / work.shots), observable.variance(means, work.shots)


def _overlaps(work: Pass, row: int, angles: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Estimates of F and their variances for rows of angles, shape (rows, patches)."""
    compiled = work.program.filters[row]
    means = exact_means(work, compiled, angles, 0.0 if work.program.spec.backward else None)
    return _estimates(work, compiled, row, angles, means)


def exact_means(
    work: Pass, compiled: CompiledFilter, angles: FloatArray, upstream_angle: float | None
) -> FloatArray:
    """Means without shot noise of one filter's circuits, shape (rows of angles, patches)."""
    means = np.empty((len(angles), work.patches.n_occupied))
    for load in compiled.load_patches(work.patches):
        tables = {"patch": load.angles, "filter": compiled.filter_table(angles)}
        if upstream_angle is not None:
            tables["upstream"] = np.array([[upstream_angle]])
        images = work.images[load.columns]
        streams = Streams(work.seed, tuple(range(len(angles))), images, load.index)
        outcome = work.engine.run(load.variant.template, work.noise, tables, None, streams)
        if outcome.means is None:
            raise InputError(
                f"engine {work.engine.name!r} gives no means, from which the shots of a gradient "
                "are drawn: choose exact, qsim or qsim_density."
            )
        means[:, load.columns] = outcome.means
    return means


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
    count = work.parameters.shape[1]
    for row, angles in enumerate(work.parameters):
        estimates, variances = _overlaps(work, row, _shifted(angles, step))
        upstream = work.upstream[row]
        values[row] = (estimates[:count] - estimates[count:]) @ upstream / width
        variance[row] = (variances[:count] + variances[count:]) @ upstream**2 / width**2
    return Gradient(values, variance, name, *work.counts(2 * count))


def coin(work: Pass) -> Gradient:
    """The control experiment of :func:`in_circuit`: a classical coin multiplies by g.

    A coin whose mean is g / s, s the largest |g| if that exceeds 1, is thrown in every shot, and
    the product of coin and overlap's value, +1 or -1, is averaged. That is all the second ancilla
    does, so the mean and, without noise, the variance are those of the in-circuit routine; it needs
    no qubit and works for the destructive test as well. 2 settings a parameter.
    """
    scale = max(1.0, float(np.abs(work.upstream).max(initial=0.0)))
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    count = work.parameters.shape[1]
    for row, angles in enumerate(work.parameters):
        compiled = work.program.filters[row]
        table = _shifted(angles, np.pi / 2)
        overlaps = exact_means(work, compiled, table, 0.0 if work.program.spec.backward else None)
        means = overlaps * work.upstream[row] / scale
        estimates, variances = _estimates(work, compiled, row, table, means)
        values[row] = scale / 2 * (estimates[:count] - estimates[count:]).sum(axis=1)
        variance[row] = (scale / 2) ** 2 * (variances[:count] + variances[count:]).sum(axis=1)
    return Gradient(values, variance, "coin", *work.counts(2 * count))


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
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    count = work.parameters.shape[1]
    for row, angles in enumerate(work.parameters):
        compiled = program.filters[row]
        table = _shifted(angles, np.pi / 2)
        # The second ancilla starts in (1 + cos t Z + sin t X)/2 with t = arccos g, and every mean
        # is linear in its state: three values of t give all others.
        none, quarter, turned = (
            exact_means(work, compiled, table, angle) for angle in (0.0, np.pi / 2, np.pi)
        )
        constant = (none + turned) / 2
        loaded = half * work.upstream[row] / scale
        sine = np.sqrt(1 - loaded**2)
        means = constant + (none - turned) / 2 * loaded + (quarter - constant) * sine
        estimates, variances = _estimates(work, compiled, row, table, means)
        factor = scale / (2 * half)
        values[row] = factor * (estimates[:count] - estimates[count:]).sum(axis=1)
        variance[row] = factor**2 * (variances[:count] + variances[count:]).sum(axis=1)
    name = "in_circuit_absorbed" if absorbed else "in_circuit"
    return Gradient(values, variance, name, *work.counts(2 * count))


def spsa(work: Pass) -> Gradient:
    """Simultaneous perturbation: all angles move by a random sign at once (Spall, 1992).

    2 settings whatever the number of parameters; the variance grows with that number, most of it
    from the signs, which :attr:`Gradient.variance` does not contain.
    """
    values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
    for row, angles in enumerate(work.parameters):
        identity = [work.seed, backward_purpose(work.draw), 0, row, _SPSA_STREAM]
        signs = np.random.default_rng(identity).choice([-1.0, 1.0], size=len(angles))
        moved = angles + SPSA_STEP * np.stack([signs, -signs])
        estimates, variances = _overlaps(work, row, moved)
        upstream = work.upstream[row]
        values[row] = signs * ((estimates[0] - estimates[1]) @ upstream) / (2 * SPSA_STEP)
        variance[row] = (variances.sum(axis=0) @ upstream**2) / (2 * SPSA_STEP) ** 2
    return Gradient(values, variance, "spsa", *work.counts(2))


def exact_gradient(work: Pass) -> Gradient:
    """The gradient without noise or shots, by linear algebra alone: the reference. No circuits."""
    values = np.empty_like(work.parameters)
    n_qubits = work.program.spec.register_qubits
    for row, angles in enumerate(work.parameters):
        filter_ = work.program.spec.filter_list[row]
        shifted = filter_.states(n_qubits, _shifted(angles, np.pi / 2))
        overlaps = np.abs(shifted.conj() @ work.patches.states.T) ** 2
        plus, minus = np.split(overlaps, 2)
        values[row] = (plus - minus) @ work.upstream[row] / 2
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
