"""Outcomes whose probability is the overlap itself, up to a factor.

Of the destructive test it is one in 2^(2n): for real patches tr(rho sigma^T) = tr(rho sigma), so
that all pairs are in Phi+ = (|00> + |11>)/sqrt(2) with the probability |<x|f>|^2 / 2^n, whether the
filter is complex or not. Where both registers are in a frame U it is |x^T U^T B U f|^2 / 2^n for
the Bell states of a Pauli string B, and another outcome has U^T B U = 1 wherever U U^T is a Pauli
string, as that of every frame of this package is. Of the inversion test it is all zeros.

Which they are is not told by the test: it is found, from distributions without noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]

_STATES = 24
_EXACT = 1e-3
"""How far a probability may be off, relative to the largest: searches for angles leave 1e-5."""
_LOADED = 1e-9
"""Infidelity of a vector that is loaded: overlaps are off by at most twice its root, 6e-5."""
_SECONDS = 5.0
"""How long the search for the angles of random states may take, about."""
_SEEN = 1e-6
"""Probabilities below it are no signal."""


@dataclass(frozen=True, eq=False)
class OverlapOutcomes:
    """The outcomes whose probabilities are F / dilution together.

    Attributes:
        indicator: 1.0 for those outcomes and 0.0 for others, shape (outcomes,).
        dilution: F over their probability: 2^n for one Bell outcome, 1 for all zeros.
    """

    indicator: FloatArray
    dilution: float


def overlap_outcomes(reading: Reading) -> OverlapOutcomes:
    """Finds the outcomes whose probability is the overlap, up to a factor, without noise.

    Args:
        reading: The circuit.

    Raises:
        InputError: If it has none, as the ancilla test, the destructive test in sqrt-iSWAP, or data
            that are no real vectors.
    """
    states = states_loaded(reading, _STATES)
    chances = replace(reading, noise=as_noise(None)).distribution(states)
    exact = evaluated(reading.own_form, states)[0]
    factors = exact @ chances / (exact @ exact)
    misses = np.abs(chances - exact[:, None] * factors).max(axis=0)
    fits = (factors > _SEEN) & (misses < _EXACT * factors * exact.max())
    if not fits.any():
        raise InputError(
            "no outcome of this circuit has a probability in proportion to the overlap: take the "
            "inversion test, or the destructive test in CZ."
        )
    return OverlapOutcomes(fits.astype(float), float(1 / factors[fits].sum()))


def states_loaded(reading: Reading, count: int, seed: int = 0) -> FloatArray:
    """Random states that the circuit's loader loads, the first ones the same for every count.

    A loader that has to search gives few different ones at a time, and is asked for more as long as
    their angles take no more than `_SECONDS`; states are repeated then.

    Args:
        reading: The circuit.
        count: How many.
        seed: Where they are drawn from.

    Returns:
        Real unit vectors, shape (count, 2^n).

    Raises:
        InputError: If the data are no real vectors but prepared by a circuit of their own.
    """
    loader = reading.variant.loader
    if not loader.n_angles:
        raise InputError(
            "the data are prepared by a circuit of their own, not loaded from real vectors: this "
            "estimator rests on real ones; take 'raw'."
        )
    generator = np.random.default_rng(seed)
    found = loader.random_states(count, generator)
    different = len(np.unique(found, axis=0))
    if different == count:
        return found
    blocks = [found[:different]]
    wanted = min(count, max(different, int(_SECONDS / loader.seconds)))
    while different * len(blocks) < wanted:
        blocks.append(loader.random_states(different, generator))
    return np.resize(np.concatenate(blocks)[:wanted], found.shape)


def loads(reading: Reading, states: FloatArray) -> NDArray[np.bool_]:
    """Which vectors a circuit's loader loads.

    Args:
        reading: The circuit.
        states: Real unit vectors, shape (states, 2^n).

    Returns:
        Shape (states,).
    """
    loader = reading.variant.loader
    hopeful: NDArray[np.bool_] = loader.least_infidelities(states) < _LOADED
    if hopeful.any():
        hopeful[hopeful] = loader.solve(states[hopeful])[1] < _LOADED
    return hopeful
