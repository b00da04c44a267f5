"""How much of a state lies beyond a Schmidt rank, without a decomposition."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_PAIRS = tuple(itertools.combinations(range(4), 2))
_FIRST, _SECOND = np.array(_PAIRS).T
_SMALL = 1e-6
"""Sums of squared minors below this are near rounding; the bound is then less sharp."""


def least_beyond(matrices: FloatArray, rank: int) -> FloatArray:
    """A lower bound of the sum of the squared singular values beyond the largest ones.

    For e_k, the sum of all products of k squared singular values, which is that of all squared
    minors of k rows: each product in e_(k + 1) has a factor beyond the k largest, so that their sum
    is e_(k + 1) / e_k at least. It is sharp where they are small, and keeps the digits of what is
    nearly zero.

    Args:
        matrices: Of norm 1, shape (4, 4, batch).
        rank: How many are the largest, 1 or 2.

    Returns:
        Shape (batch,).
    """
    # Two rows in the order of _PAIRS, then two columns.
    minors = {
        (one, other): matrices[one][_FIRST] * matrices[other][_SECOND]
        - matrices[one][_SECOND] * matrices[other][_FIRST]
        for one, other in _PAIRS
    }
    pairs: FloatArray = sum(np.einsum("kn,kn->n", each, each) for each in minors.values())
    if rank == 1:
        return pairs
    triples = np.zeros(matrices.shape[-1])
    for one, other, last in itertools.combinations(range(4), 3):
        of_two = dict(zip(_PAIRS, minors[one, other], strict=True))
        for a, b, c in itertools.combinations(range(4), 3):
            minor = matrices[last, a] * of_two[b, c]
            minor -= matrices[last, b] * of_two[a, c]
            minor += matrices[last, c] * of_two[a, b]
            triples += minor * minor
    beyond: FloatArray = triples / np.maximum(pairs, _SMALL)
    return beyond
