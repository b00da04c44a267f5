"""The backward pass: gradients of a layer's parameters and of its images.

By the chain rule dL/dtheta = sum over patches of g dF/dtheta, with g = dL/dF handed back from the
next layer. Every angle sits in a Pauli rotation, so dF/d(angle) is half the difference of F at
angle + pi/2 and angle - pi/2, exactly, with or without noise. Where angles are affine functions of
the parameters, those of a circuit with symbols, the chain rule does the rest.

The methods are in `qucnn_cirq.gradient_methods`; this is what they share.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qucnn_cirq import adjoint
from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import acting_circuit, filter_states
from qucnn_cirq.engines.streams import backward_purpose
from qucnn_cirq.errors import InputError
from qucnn_cirq.execution import Execution
from qucnn_cirq.filters import Filter
from qucnn_cirq.measured import Measured
from qucnn_cirq.patch_grid import PatchGrid
from qucnn_cirq.patches import Patches
from qucnn_cirq.threads import in_order

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient and what it cost.

    Attributes:
        values: dL/dtheta, shape (filters, parameters).
        variances: Of each value, from its shots, of the same shape; 0 without shots. From
            the exact means where the engine gives them, else estimated from the counts, see
            `qucnn_cirq.measured.Measured.variances`. For SPSA it is that at the signs that
            were drawn.
        method: How it was obtained.
        circuits: Circuits that were run: settings of the angles times patches that are not blank.
        shots: Shots of all circuits together; None if exact means were used.
    """

    values: FloatArray
    variances: FloatArray
    method: str
    circuits: int
    shots: int | None

    @property
    def variance(self) -> FloatArray:
        """As `variances`, of the same shape, by the name that it had before."""
        return self.variances


@dataclass(frozen=True, eq=False)
class Pass:
    """What a gradient is taken of: the images of a forward pass, or a block of them.

    Attributes:
        program: The compiled convolution.
        companion: Compiles the circuits of the in-circuit method.
        execution: How circuits are run.
        draw: Which of several gradients of the same seed.
        parameters: Those of the filters, shape (filters, parameters).
        patches: The patches of the forward pass.
        images: Identifying number of the image of each patch that is not blank, shape (patches,).
        upstream: g for each map and each such patch, shape (maps, patches): a filter has as many
            maps as numbers come of its circuit.
        largest: The largest |g| of all blocks together.
    """

    program: Program
    companion: Callable[[], Program]
    execution: Execution
    draw: int
    parameters: FloatArray
    patches: Patches
    images: NDArray[np.integer]
    upstream: FloatArray
    largest: float

    @property
    def is_two_valued(self) -> bool:
        """Whether each shot gives one of two values, whose mean is the number that is measured."""
        return self.program.filters[0].is_two_valued

    def factors(self, row: int) -> FloatArray:
        """What `measure` leaves to be multiplied with, for each patch, shape (patches,).

        Args:
            row: Which filter.
        """
        if self.is_two_valued:
            own: FloatArray = self.upstream[row]
            return own
        return np.ones(self.upstream.shape[1])

    @property
    def scale(self) -> float:
        """What g is divided by to lie within -1..1: the largest |g| if that exceeds 1, else 1."""
        return max(1.0, self.largest)

    def scaled_down(self, exponent: int) -> Pass:
        """The same with upstream values divided by a power of 2.

        Args:
            exponent: The power.
        """
        upstream = np.ldexp(self.upstream, -exponent)
        return replace(self, upstream=upstream, largest=float(np.ldexp(self.largest, -exponent)))

    def measure(
        self, program: Program, row: int, angles: FloatArray, upstream: FloatArray | None = None
    ) -> Measured:
        """Runs one filter's circuits.

        Args:
            program: Where the filter was compiled.
            row: Which filter.
            angles: Settings of its parameters, shape (settings, parameters).
            upstream: What the reader multiplies by, shape (patches,); 1 if None.

        Returns:
            What was measured, shape (settings, patches). Where several numbers come of a circuit it
            is their sum, each times its g.
        """
        table = program.filters[row].filter_table(angles)
        return self._run(program, row, table, upstream)

    def angles(self, row: int) -> FloatArray:
        """The angles of one filter's rotations, which parameters may share.

        Args:
            row: Which filter.

        Returns:
            Radians, shape (angles,).
        """
        angles: FloatArray = self.program.filters[row].rotations(self.parameters[row][None])[0]
        return angles

    def measure_shifted(
        self, program: Program, row: int, upstream: FloatArray | None = None
    ) -> Measured:
        """Runs one filter's circuits with each of its angles shifted by pi/2 and by -pi/2.

        Args:
            program: Where the filter was compiled.
            row: Which filter.
            upstream: What the reader multiplies by, shape (patches,); 1 if None.

        Returns:
            What was measured, shape (2 angles, patches), those of all shifts by pi/2 first.
        """
        table = program.filters[row].table_at(shifted(self.angles(row), np.pi / 2))
        return self._run(program, row, table, upstream)

    @cached_property
    def sums_shifted(self) -> tuple[FloatArray, ...]:
        """For each filter what `measure_shifted` gives without shots, times g, summed over patches.

        Each of shape (2 angles,). Filters that share a circuit are run together.
        """
        sums: dict[int, FloatArray] = {}
        for rows in self.program.structures:
            tables = [
                self.program.filters[row].table_at(shifted(self.angles(row), np.pi / 2))
                for row in rows
            ]
            found = self.execution.sums(
                self.program.filters[rows[0]],
                self.patches,
                self.images,
                np.concatenate(tables),
                self.upstream[list(rows)],
            )
            # Of each filter's rows the sums with its own g.
            own = np.split(found, np.cumsum([len(table) for table in tables])[:-1])
            sums |= {row: part[:, k] for k, (row, part) in enumerate(zip(rows, own, strict=True))}
        return tuple(sums[row] for row in range(len(sums)))

    @cached_property
    def shifts(self) -> tuple[int, ...]:
        """How many settings the shift rule takes for each filter: two an angle."""
        return tuple(2 * len(self.angles(row)) for row in range(len(self.parameters)))

    def of_parameters(
        self, row: int, values: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """By the chain rule what is known for each angle of a filter, for each parameter.

        Args:
            row: Which filter.
            values: dL/d(angle), shape (angles,).
            variance: Variance of each, of the same shape; they are independent.

        Returns:
            Values and variances, each of shape (parameters,).
        """
        n_qubits = self.program.spec.register_qubits
        filter_ = self.program.spec.filter_list[row]
        weights = filter_.angle_weights(n_qubits)
        by_parameter = filter_.parameter_slopes(n_qubits, values)
        return by_parameter, variance if weights is None else variance @ weights**2

    def _run(
        self,
        program: Program,
        row: int,
        table: FloatArray,
        upstream: FloatArray | None,
    ) -> Measured:
        """Runs rows of the table of one filter."""
        compiled = program.filters[row]
        return self.execution.patches(
            compiled,
            self.patches,
            self.images,
            table,
            # All settings of a filter's angles take from its stream.
            numbers=[row] * len(table),
            purpose=backward_purpose(self.draw),
            upstream=upstream,
            from_means=True,
            weights=None if self.is_two_valued else self.upstream_of(row),
        )

    def upstream_of(self, row: int) -> FloatArray:
        """G for the numbers of one filter, shape (numbers, patches).

        Args:
            row: Which filter.
        """
        count = self.program.spec.n_numbers
        own: FloatArray = self.upstream[row * count : (row + 1) * count]
        return own

    def gradient(
        self,
        method: str,
        values: FloatArray,
        variance: FloatArray,
        settings: int | Sequence[int],
    ) -> Gradient:
        """A gradient, with the cost of the circuits that it took.

        Args:
            method: How it was obtained.
            values: dL/dtheta, shape (filters, parameters).
            variance: Variance of each value, of the same shape.
            settings: With how many settings of its angles every filter, or each, was run.
        """
        runs = int(np.broadcast_to(settings, len(values)).sum())
        circuits, shots = runs * self.patches.n_occupied, self.execution.shots
        return Gradient(
            values, variance, method, circuits, None if shots is None else circuits * shots
        )


def shifted(angles: FloatArray, step: float) -> FloatArray:
    """Rows angles + step e_k and then angles - step e_k for every k.

    Args:
        angles: Radians, shape (angles,).
        step: The shift in radians.

    Returns:
        Shape (2 angles, angles).
    """
    shifts = step * np.eye(len(angles))
    return np.concatenate([angles + shifts, angles - shifts])


class GradientMethod(abc.ABC):
    """One way to obtain a gradient: the contract of a method of your own.

    Derive a class with `gradient`, which can be made without arguments. It is chosen as
    ``module:attribute``, or by its name once it was added by
    `qucnn_cirq.register_gradient`.

    Attributes:
        name: The word by which it is chosen.
        label: What figures call it; the name if empty.
        takes_reader: Whether it multiplies by upstream values on the processor, with the circuits
            of `Pass.companion`, for which the overlap test has to have a reader.
        runs_circuits: Whether it runs circuits at all, and so has shots and noise.
        variance_is_whole: Whether `Gradient.variances` is all of its random error.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    takes_reader: ClassVar[bool] = False
    runs_circuits: ClassVar[bool] = True
    variance_is_whole: ClassVar[bool] = True

    @abc.abstractmethod
    def gradient(self, work: Pass) -> Gradient:
        """dL/dtheta for the images of a pass, summed over its patches.

        Many images are run a block at a time, some at the same time: values, variances and costs
        of all blocks are added.

        Args:
            work: What the gradient is taken of. It runs circuits with `Pass.measure` and
                sums up their cost with `Pass.gradient`; of upstream values that are scaled
                by s >= 1 it gives s times the gradient.

        Returns:
            The gradient, with a variance of 0 where there are no shots.
        """

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """With how many settings of its angles a filter is run, as is told before a study begins.

        Args:
            filter_: The filter.
            n_qubits: Size of its register.

        Returns:
            By default two for each rotation, as the shift rule takes.
        """
        return 2 * filter_.n_angles(n_qubits)

    def check(self, program: Program) -> None:
        """Refuses a program whose gradient it cannot take.

        Args:
            program: The compiled convolution of a layer.

        Raises:
            InputError: If its overlap test lacks the reader that the method needs.
        """
        if self.takes_reader and not program.spec.allows_backward:
            raise InputError(
                f"method = {self.name!r} reads the ancilla, which the {program.spec.overlap} test "
                "does not have: choose method = 'parameter_shift' or overlap = 'ancilla'."
            )


_LARGE = 2.0**400
"""Upstream values beyond it are scaled down: their squares, which variances need, overflow."""


def gradient_by(method: GradientMethod, works: Iterable[Pass], threads: int = 1) -> Gradient:
    """The gradient by a method, for upstream values of any size.

    Args:
        method: The method.
        works: What the gradient is taken of: the blocks of a forward pass, one or more.
        threads: On how many blocks to work at the same time, at least 1.

    Returns:
        The gradient. A variance beyond the range of float64 is infinite.

    Raises:
        InputError: If the gradient itself is beyond that range, or as the method does.
    """

    def of_block(work: Pass) -> tuple[Gradient, int]:
        exponent = _exponent(work.largest)
        # All methods are homogeneous for values of which the largest is at least 1.
        return method.gradient(work.scaled_down(exponent) if exponent else work), exponent

    parts = (part for _, part in in_order(of_block, works, threads))
    # The exponent is that of the largest value of all blocks.
    found, exponent = next(parts)
    for part, _ in parts:
        found = _sum(found, part)
    if not exponent:
        return found
    with np.errstate(over="ignore"):
        values = np.ldexp(found.values, exponent)
        variance = np.ldexp(np.ldexp(found.variances, exponent), exponent)
    return replace(found, values=_within_range("parameters", values), variances=variance)


def _sum(first: Gradient, second: Gradient) -> Gradient:
    """The gradient of two blocks, whose shots are independent."""
    shots = None
    if first.shots is not None and second.shots is not None:
        shots = first.shots + second.shots
    return Gradient(
        first.values + second.values,
        first.variances + second.variances,
        first.method,
        first.circuits + second.circuits,
        shots,
    )


def _exponent(largest: float) -> int:
    """The power of 2 that leaves the largest of large upstream values within 1..2, else 0."""
    return int(np.frexp(largest)[1]) - 1 if largest > _LARGE else 0


def _within_range(what: str, gradient: FloatArray) -> FloatArray:
    if not np.isfinite(gradient).all():
        raise InputError(
            f"the gradient of the {what} is beyond the range of float64: scale the loss down, and "
            "images that are nearly zero up."
        )
    return gradient


def checked_upstream(upstream: ArrayLike, patches: PatchGrid, n_maps: int) -> FloatArray:
    """Back-propagated values of the patches that are not blank, shape (maps, patches).

    Args:
        upstream: dL/dF, of the shape of the maps, (batch, maps, rows, columns).
        patches: The patches of the forward pass.
        n_maps: Number of maps.

    Raises:
        InputError: If the shape is another or a value is not finite.
    """
    values = real_array("upstream", upstream)
    shape = (patches.batch, n_maps, patches.rows, patches.columns)
    if values.shape != shape:
        raise InputError(
            f"upstream has shape {values.shape}: the maps of the last forward pass have {shape}."
        )
    check_finite("upstream has", values)
    picked: FloatArray = patches.from_maps(values)
    return picked


def input_gradient(work: Pass, shape: tuple[int, ...]) -> FloatArray:
    """dL/d(images) without noise or shots, by linear algebra.

    With a state u and a = <f|u>, F = |a|^2 changes by 2 Re(conj(a) <f|du>); the encoding says how u
    changes with the image. A blank patch has no direction; its gradient is taken as 0.

    Args:
        work: What the gradient is taken of.
        shape: Shape of the images.

    Returns:
        An array of the shape of the images.

    Raises:
        InputError: If a value is beyond the range of float64.
    """
    exponent = _exponent(work.largest)
    work = work.scaled_down(exponent)
    spec = work.program.spec
    vectors = work.patches.vectors[work.patches.occupied]
    slopes = _state_slopes(work)
    gradients = _within_range("images", spec.encoding.pulled_back(vectors, slopes, exponent))
    windows = np.zeros((len(work.patches), spec.n_elements))
    windows[work.patches.occupied] = gradients
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


def _state_slopes(work: Pass) -> NDArray[np.complex128]:
    """dL/dRe + i dL/dIm of the amplitudes of each patch's state, shape (patches, 2^n)."""
    spec, states = work.program.spec, work.patches.states
    if spec.measurement is not None:
        slopes = np.zeros(states.shape, np.complex128)
        for row in range(spec.n_filters):
            slopes += acted_gradients(work, row)[1]
        return slopes
    filters = filter_states(spec, work.parameters)
    weights = work.upstream * (filters.conj() @ states.T)
    found: NDArray[np.complex128] = 2 * weights.T @ filters
    return found


def acted_gradients(work: Pass, row: int) -> tuple[FloatArray, NDArray[np.complex128]]:
    """Exact derivatives where a filter's circuit acts on the patch and is measured.

    Args:
        work: What the gradient is taken of.
        row: Which filter.

    Returns:
        dL/d(angle) for each rotation, shape (angles,), and dL/dRe + i dL/dIm of the amplitudes of
        each patch's state, shape (patches, 2^n).

    Raises:
        InputError: If the numbers of the measurement are no means.
    """
    spec = work.program.spec
    measurement, filter_ = spec.measurement, spec.filter_list[row]
    assert measurement is not None
    if not measurement.is_linear:
        raise InputError(
            f"measurement = {measurement.kind!r} has no gradient: its numbers are no means."
        )
    return adjoint.gradients(
        acting_circuit(filter_, measurement, spec.register_qubits),
        work.angles(row),
        work.patches.states,
        measurement.of_register(spec.register_qubits),
        work.upstream_of(row),
    )[:2]
