"""The noisy effects of a circuit: its outcomes as quadratic forms of the patch.

Without noise the probability of an outcome o is p_o(x) = x^T M_o x for every real patch x. With it
that still holds to a good approximation: noise between gates depends on the angles of the loader,
which are no quadratic functions of x, but only weakly. The effects M_o are the least squares fit to
the exact engine's probabilities of random patches.

A short loader loads few patches, on which not every entry of M_o can be told. What cannot is taken
from the circuit without noise, shrunk as its other entries are.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]

STATES_EACH, MOST_STATES = 4, 2_200
"""Random patches for each of the d (d + 1)/2 numbers that an effect has: four times as many as long
as they are fewer than that many."""
LARGEST_SIZE = 32
"""Amplitudes of a patch: the fit of 64 would take gigabytes and minutes."""
_SEED = 20_412
_LOADED = 1e-9
"""Infidelity below which a patch counts as loaded."""
_TOLD = 1e-6
"""Singular values, relative to the largest, of what random patches can tell."""
_AGREES = 1e-5
"""How far probabilities of the circuit without noise may be from those of its isometry."""


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects of a reading and how well they describe it.

    Attributes:
        matrices: Real symmetric M_o, shape (outcomes, d, d). Read-only.
        residual: Root mean square of x^T M_o x - p_o(x) over random patches and outcomes.
        rank: How many of the d (d + 1)/2 numbers of an effect the patches of its loader tell.
        loads_all: Whether the loader loads every patch.
    """

    matrices: FloatArray
    residual: float
    rank: int
    loads_all: bool


_KNOWN: weakref.WeakKeyDictionary[Reading, Effects] = weakref.WeakKeyDictionary()


def effects_of(reading: Reading) -> FloatArray:
    """The noisy effects of a reading's outcomes; found once for each reading.

    Args:
        reading: The circuit and the noise that is assumed.

    Raises:
        InputError: If the register is too large.

    Returns:
        Real symmetric matrices M_o with p_o(x) = x^T M_o x, shape (outcomes, d, d). Read-only.
    """
    return fitted_effects(reading).matrices


def fitted_effects(reading: Reading) -> Effects:
    """As `effects_of`, with what is known of the fit.

    Args:
        reading: The circuit and the noise that is assumed.
    """
    if reading not in _KNOWN:
        fit_effects([reading])
    return _KNOWN[reading]


def quadratic_features(states: FloatArray) -> FloatArray:
    """The products x_i x_j, i <= j, those of i < j times sqrt(2): inner products are (x.y)^2.

    Args:
        states: Real vectors, shape (patches, d).

    Returns:
        Shape (patches, d (d + 1)/2).
    """
    rows, columns, scale = _upper(states.shape[1])
    found: FloatArray = states[:, rows] * states[:, columns] * scale
    return found


def packed(matrices: FloatArray) -> FloatArray:
    """Symmetric matrices in the same order: x^T M x is the product with the features.

    Args:
        matrices: Shape (matrices, d, d).

    Returns:
        Shape (matrices, d (d + 1)/2).
    """
    rows, columns, scale = _upper(matrices.shape[-1])
    found: FloatArray = matrices[:, rows, columns] * scale
    return found


def unpacked(values: FloatArray, size: int) -> FloatArray:
    """Matrices of what `packed` gave.

    Args:
        values: Shape (matrices, d (d + 1)/2).
        size: Their size d.

    Returns:
        Symmetric, shape (matrices, d, d).
    """
    rows, columns, scale = _upper(size)
    matrices = np.zeros((len(values), size, size))
    matrices[:, rows, columns] = matrices[:, columns, rows] = values / scale
    return matrices


@functools.lru_cache(maxsize=8)
def _upper(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    rows, columns = np.triu_indices(size)
    return rows, columns, np.where(rows == columns, 1.0, np.sqrt(2.0))


def fit_effects(readings: Sequence[Reading]) -> None:
    """Fits the effects of readings of one circuit, which differ in the filter's angles, at once.

    Args:
        readings: Of one variant, noise and engine.

    Raises:
        InputError: If the register is too large.
    """
    first = readings[0]
    size = len(first.vector)
    if size > LARGEST_SIZE:
        raise InputError(
            f"effects of patches of {size} amplitudes have {size * (size + 1) // 2} numbers each: "
            f"they are found for at most {LARGEST_SIZE} amplitudes; use a smaller kernel."
        )
    generator = np.random.default_rng(_SEED)
    numbers = size * (size + 1) // 2
    count = max(STATES_EACH * numbers, min(4 * STATES_EACH * numbers, MOST_STATES))
    states, angles, loads_all = _loadable(first.variant.loader, count, generator)
    features = quadratic_features(states)
    tables = {
        "patch": angles,
        "filter": np.concatenate([each.angles for each in readings]),
        "upstream": upstream_table(1.0),
    }
    every = first.engine.distribution(first.variant.template, first.noise, tables)
    left, values, right = np.linalg.svd(features, full_matrices=False)
    told = values > _TOLD * values[0]
    for reading, found in zip(readings, every, strict=True):
        reference = np.zeros((reading.n_outcomes, features.shape[1]))
        if not told.all():
            reference = _shrunk(_without_noise(reading, states, angles), features, found)
        missing = (left[:, told].T @ (found - features @ reference.T)) / values[told, None]
        effects = reference + (right[told].T @ missing).T
        residual = float(np.sqrt(np.mean((features @ effects.T - found) ** 2)))
        matrices = unpacked(effects, size)
        matrices.flags.writeable = False
        _KNOWN[reading] = Effects(matrices, residual, int(told.sum()), loads_all)


def _loadable(
    loader: Loader, count: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, bool]:
    """Random patches that a loader loads, their angles, and whether it loads all patches."""
    size = 1 << loader.n_qubits
    states = generator.normal(size=(count, size))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    # A search that is bound to fail takes long: a few patches tell whether it is.
    loads_all = bool(loader.solve(states[: 2 * size])[1].max() <= _LOADED)
    if not loads_all:
        states = loader.random_states(count, generator)
    angles, infidelities = loader.solve(states)
    loaded = infidelities <= _LOADED
    return states[loaded], angles[loaded], loads_all


def _shrunk(reference: FloatArray, features: FloatArray, found: FloatArray) -> FloatArray:
    """The ideal effects less what noise takes of them: a p_o + b_o, fitted."""
    ideal = features @ reference.T
    spread, noisy = ideal - ideal.mean(axis=0), found - found.mean(axis=0)
    norm = float(np.sum(spread**2))
    part = float(np.sum(spread * noisy)) / norm if norm else 0.0
    offsets = (found - part * ideal).mean(axis=0)
    size = int(np.sqrt(2 * features.shape[1]))
    identity = packed(np.eye(size)[None])[0]
    shrunk: FloatArray = part * reference + offsets[:, None] * identity
    return shrunk


def _without_noise(reading: Reading, states: FloatArray, angles: FloatArray) -> FloatArray:
    """The effects of the circuit without noise, packed; 0 if they cannot be found.

    Patch and final state are related by an isometry W. A compiled circuit is right up to a phase,
    which the inner products of final states tell: they are those of the patches.
    """
    template, size = reading.variant.template, states.shape[1]
    near = np.flatnonzero(np.abs(states @ states[0]) > 0.2 / np.sqrt(size))[: size + 8]
    qubits = [*reading.observable.qubits]
    qubits += [qubit for qubit in template.qubits if qubit not in qubits]
    simulator = cirq.Simulator(dtype=np.complex128)
    final = []
    for row in near:
        tables = {
            "patch": angles[row : row + 1],
            "filter": reading.angles,
            "upstream": upstream_table(1.0),
        }
        gates = cirq.drop_terminal_measurements(template.bound_circuit(tables))
        final.append(simulator.simulate(gates, qubit_order=qubits).final_state_vector)
    vectors, own = np.array(final), states[near]
    phases = (vectors @ vectors[0].conj()) / (own @ own[0])
    isometry = np.linalg.lstsq(own, vectors / phases[:, None], rcond=None)[0]
    parts = isometry.reshape(size, reading.n_outcomes, -1)
    effects = np.einsum("iok,jok->oij", parts, parts.conj(), optimize=True).real
    chances = (np.abs(vectors) ** 2).reshape(len(near), reading.n_outcomes, -1).sum(axis=2)
    found = packed(effects)
    if np.abs(quadratic_features(own) @ found.T - chances).max() > _AGREES:
        return np.zeros_like(found)
    return found
