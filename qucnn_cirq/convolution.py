"""The specification, the patches, and what the convolution should give: the references.

Everything a quantum convolution is, before any circuit: the names of `specification` and
`patches` are offered here too, next to the classical results that circuits are compared with.
"""

from __future__ import annotations

import functools

import cirq
import numpy as np
import numpy.typing as npt

from noise_models.checks import instance_of
from qucnn_cirq import adjoint
from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.measurements import Applied, Measurement
from qucnn_cirq.patches import Patches, extract_patches, sliding_windows
from qucnn_cirq.specification import ConvolutionSpec


def classical_convolution(
    images: npt.ArrayLike, kernels: npt.ArrayLike, spec: ConvolutionSpec
) -> npt.NDArray[np.float64]:
    """The classical layer: cross-correlation without bias, as by `torch.nn.Conv2d`.

    Args:
        images: As for `extract_patches`.
        kernels: Finite real numbers, shape (filters, rows, columns) if there is one channel, or
            (filters, channels, rows, columns).
        spec: Kernel, stride, padding and channels; its filters are not used.

    Returns:
        Maps of shape (batch, filters, rows, columns).

    Raises:
        InputError: If images or kernels do not fit the specification.
    """
    weights = _checked_kernels(kernels, spec)
    windows = sliding_windows(images, spec)
    maps: npt.NDArray[np.float64] = np.einsum("byxcij,fcij->bfyx", windows, weights, optimize=True)
    return np.ascontiguousarray(maps)


def squared_cosine_similarity(
    images: npt.ArrayLike, kernels: npt.ArrayLike, spec: ConvolutionSpec
) -> npt.NDArray[np.float64]:
    """The classical counterpart of the quantum layer: (x.f)^2 / (|x|^2 |f|^2).

    Args:
        images: As for `extract_patches`.
        kernels: As for `classical_convolution`; none may be all zero.
        spec: Kernel, stride, padding and channels; its filters are not used.

    Returns:
        Maps of shape (batch, filters, rows, columns), in [0, 1], and 0 for blank patches.

    Raises:
        InputError: If images or kernels do not fit the specification or a kernel is all zero.
    """
    weights = _checked_kernels(kernels, spec).reshape(-1, spec.n_elements)
    largest = np.abs(weights).max(axis=1, keepdims=True)
    if not largest.all():
        first = int(np.flatnonzero(largest == 0)[0])
        raise InputError(f"kernels[{first}] is all zero: it has no direction; leave it out.")
    scaled = weights / largest
    directions = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    patches = extract_patches(images, spec)
    cosines = directions @ patches.states[:, : spec.n_elements].T
    return patches.to_maps(np.minimum(cosines**2, 1.0))


def filter_states(
    spec: ConvolutionSpec, parameters: npt.ArrayLike | None = None
) -> npt.NDArray[np.complex128]:
    """The state vector of every filter.

    Args:
        spec: The specification with its filters.
        parameters: Angles in radians, shape (filters, parameters); None if there are none.

    Returns:
        Unit vectors, shape (filters, 2**register_qubits).

    Raises:
        InputError: If the parameters are missing, of the wrong shape or not finite.
    """
    angles = _checked_parameters(spec, parameters)
    qubits = spec.register_qubits
    return np.concatenate(
        [
            filter_.states(qubits, row[np.newaxis])
            for filter_, row in zip(spec.filter_list, angles, strict=True)
        ]
    )


def ideal_overlaps(
    patches: Patches, spec: ConvolutionSpec, parameters: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """The exact, noiseless output |<x|f>|^2 for every filter and every patch that is not blank.

    Args:
        patches: The patches, with n_occupied that are not blank.
        spec: The specification with its filters.
        parameters: As for `filter_states`.

    Returns:
        Overlaps in [0, 1], shape (filters, n_occupied). `patches.to_maps` makes maps of them.

    Raises:
        InputError: If the parameters are wrong, or the patches were cut for another register.
    """
    _check_register(patches, spec)
    amplitudes = filter_states(spec, parameters).conj() @ patches.states.T
    # Rounding can exceed 1 by an ulp, which a binomial draw would refuse.
    found: npt.NDArray[np.float64] = np.minimum(amplitudes.real**2 + amplitudes.imag**2, 1.0)
    return found


def _checked_parameters(
    spec: ConvolutionSpec, parameters: npt.ArrayLike | None
) -> npt.NDArray[np.float64]:
    shape = (spec.n_filters, spec.n_parameters)
    if parameters is None:
        if spec.n_parameters:
            raise InputError(f"parameters are missing: give an array of shape {shape}.")
        parameters = np.zeros(shape)
    angles = real_array("parameters", parameters)
    if angles.shape != shape:
        raise InputError(f"parameters have shape {angles.shape}: the filters take {shape}.")
    return angles


def _check_register(patches: Patches, spec: ConvolutionSpec) -> None:
    instance_of("patches", patches, Patches, "extract_patches(images, spec)")
    if patches.register_qubits != spec.register_qubits or patches.encoding != spec.encoding:
        raise InputError(
            f"patches are on {patches.register_qubits} qubits by {patches.encoding.kind} and the "
            f"specification on {spec.register_qubits} by {spec.encoding.kind}: cut them with the "
            "same specification."
        )


@functools.lru_cache(maxsize=64)
def acting_circuit(
    filter_: Filter, measurement: Measurement, n_qubits: int
) -> adjoint.BlockedCircuit:
    """A filter's circuit with the turns into the bases that are read, ready to be simulated.

    Args:
        filter_: The filter, a circuit.
        measurement: What is read.
        n_qubits: Size of the register.
    """
    line = cirq.LineQubit.range(n_qubits)
    place = MeetingPlace(tuple(line), filter_.slots(line))
    return adjoint.BlockedCircuit(Applied(measurement).meeting(place)[0], line)


def ideal_numbers(
    patches: Patches, spec: ConvolutionSpec, parameters: npt.ArrayLike | None = None
) -> npt.NDArray[np.float64]:
    """The exact, noiseless output for every map and every patch that is not blank.

    Args:
        patches: The patches, with n_occupied that are not blank.
        spec: The specification with its filters.
        parameters: As for `filter_states`.

    Returns:
        Shape (maps, n_occupied): overlaps as of `ideal_overlaps`, or the numbers of the
        measurement, those of a filter side by side. `patches.to_maps` makes maps of them.

    Raises:
        InputError: As `ideal_overlaps` does.
    """
    measurement, n_qubits = spec.measurement, spec.register_qubits
    if measurement is None:
        return ideal_overlaps(patches, spec, parameters)
    angles = _checked_parameters(spec, parameters)
    _check_register(patches, spec)
    found = []
    for filter_, row in zip(spec.filter_list, angles, strict=True):
        circuit = acting_circuit(filter_, measurement, n_qubits)
        outcomes = circuit.apply(filter_.angles(n_qubits, row[None])[0], patches.states)
        chances = outcomes.real**2 + outcomes.imag**2
        if measurement.is_linear:
            found.append(measurement.of_register(n_qubits) @ chances.T)
            continue
        read = measurement.read(n_qubits)
        tensor = np.moveaxis(
            chances.reshape(-1, *(2,) * n_qubits), [1 + q for q in read], range(1, 1 + len(read))
        )
        of_read = tensor.reshape(len(chances), 1 << len(read), -1).sum(axis=2)
        found.append(measurement.evaluate(of_read, n_qubits, None).values.T)
    return np.concatenate(found)


def _checked_kernels(kernels: npt.ArrayLike, spec: ConvolutionSpec) -> npt.NDArray[np.float64]:
    """The kernels as float64 (filters, channels, rows, columns), or an InputError."""
    array = real_array("kernels", kernels)
    full = (spec.channels, *spec.kernel_pair)
    allowed = [full, spec.kernel_pair] if spec.channels == 1 else [full]
    if array.ndim == 0 or array.shape[1:] not in allowed or len(array) == 0:
        shapes = " or ".join(f"(filters, {', '.join(map(str, shape))})" for shape in allowed)
        raise InputError(f"kernels have shape {array.shape}: give {shapes}.")
    check_finite("kernels have", array)
    return array.reshape(len(array), *full)
