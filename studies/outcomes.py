"""Counts of all outcomes in files of results, and estimators applied to them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from noise_models import Noise
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Estimates, MitigationLike, as_mitigation
from qucnn_cirq.patches import Patches

Arrays = dict[str, NDArray[Any]]

NAMES = ("outcome_lengths", "outcome_places", "outcome_counts")
"""Outcomes that were seen of each filter and patch, shape (filters, patches); which they are, and
how often, patch by patch and of each patch filter by filter."""


def packed(outcomes: Sequence[csr_array], prefix: str = "") -> Arrays:
    """Counts as arrays that can be joined along their last axis, block of patches after block.

    Args:
        outcomes: For each filter counts of shape (patches, outcomes).
        prefix: Stands before the names.

    Returns:
        Arrays by the names in `NAMES`.
    """
    n_filters, n_patches = len(outcomes), outcomes[0].shape[0]
    by_patch = np.arange(n_filters * n_patches).reshape(n_filters, n_patches).T.ravel()
    counts = csr_array(vstack(outcomes, format="csr")[by_patch])
    lengths = np.diff(counts.indptr).reshape(n_patches, n_filters).T
    places = counts.indices.astype(np.uint16)
    found = (np.ascontiguousarray(lengths, dtype=np.int32), places, counts.data.astype(np.int64))
    return {prefix + name: array for name, array in zip(NAMES, found, strict=True)}


def unpacked(arrays: Mapping[str, NDArray[Any]], n_outcomes: int, prefix: str = "") -> list[Any]:
    """The counts that `packed` packed.

    Args:
        arrays: By name.
        n_outcomes: Outcomes that are told apart.
        prefix: As for `packed`.

    Returns:
        For each filter a sparse array of shape (patches, outcomes).

    Raises:
        InputError: If they are not there.
    """
    missing = [name for name in NAMES if prefix + name not in arrays]
    if missing:
        raise InputError(
            "the results hold no counts of outcomes: measure them with keep_outcomes = true."
        )
    lengths, places, data = (arrays[prefix + name] for name in NAMES)
    ends = np.concatenate([[0], np.cumsum(lengths.T.ravel(), dtype=np.int64)])
    shape = (lengths.size, n_outcomes)
    whole = csr_array((data, places.astype(np.int64), ends), shape=shape)
    return [csr_array(whole[number :: len(lengths)]) for number in range(len(lengths))]


def estimates(
    program: Program,
    patches: Patches,
    outcomes: Sequence[csr_array],
    mitigation: MitigationLike,
    noise: Noise,
    parameters: NDArray[np.float64],
) -> Estimates:
    """What an estimator makes of counts that were kept, wherever they were measured.

    Args:
        program: The circuits that were run.
        patches: The patches that they were run on.
        outcomes: As from `unpacked`.
        mitigation: The estimator, as for `qucnn_cirq.QuantumConvolution`; not None.
        noise: The noise that it assumes.
        parameters: Angles of the filters, shape (filters, parameters).

    Returns:
        Values and variances, each of shape (filters, patches that are not blank).

    Raises:
        InputError: If the counts are of other patches or circuits, or as the estimator does.
    """
    chosen = as_mitigation(mitigation, noise)
    if chosen is None:
        raise InputError("mitigation = None makes no estimates: name an estimator, such as 'raw'.")
    shape = (program.spec.n_filters, patches.n_occupied)
    if (len(outcomes), outcomes[0].shape[0]) != shape:
        raise InputError(
            f"counts are of {len(outcomes)} filters and {outcomes[0].shape[0]} patches, and the "
            f"convolution has {shape[0]} and {shape[1]}: give the images that were measured."
        )
    values, variances = np.empty(shape), np.empty(shape)
    for row, compiled in enumerate(program.filters):
        table = compiled.filter_table(parameters[row] if program.spec.n_parameters else None)
        (vector,) = compiled.filter_states(table)
        for load in compiled.load_patches(patches):
            reading = chosen.reading(load.variant, table[0], vector, compiled)
            counts = outcomes[row][load.columns].toarray()
            found = chosen.estimate(reading, counts, None)
            values[row, load.columns] = found.values[0]
            variances[row, load.columns] = found.variances[0]
    return Estimates(values, variances)
