"""The orders in which the pairs of two registers may meet, where an overlap test allows any."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import cirq
import numpy as np

from qucnn_cirq.circuits.overlap_tests import Pair
from qucnn_cirq.compiler.layouts import Layout

Renaming = dict[cirq.Qid, cirq.Qid]
"""For each qubit of a register the qubit on which it is prepared instead."""


def renamings(pairs: Sequence[Pair], most: int) -> list[Renaming]:
    """Ways to prepare registers elsewhere in their pairs, which then meet in another order.

    In each way the pairs change places with each other, and in some of them the two qubits do.

    Args:
        pairs: The pairs that meet.
        most: How many ways there may be; if there are more, some are drawn from a fixed seed.

    Returns:
        The ways, the one that changes nothing first.
    """
    n_pairs = len(pairs)
    if math.factorial(n_pairs) * 2**n_pairs <= most:
        ways = itertools.product(
            itertools.permutations(range(n_pairs)), itertools.product((0, 1), repeat=n_pairs)
        )
        return [_renaming(pairs, *way) for way in ways]
    generator = np.random.default_rng(0)
    drawn = (
        (generator.permutation(n_pairs).tolist(), generator.integers(2, size=n_pairs).tolist())
        for _ in range(most - 1)
    )
    return [{}, *(_renaming(pairs, *way) for way in drawn)]


def _renaming(pairs: Sequence[Pair], order: Sequence[int], turned: Sequence[int]) -> Renaming:
    found: Renaming = {}
    for pair, to, is_turned in zip(pairs, order, turned, strict=True):
        found.update(zip(pair, pairs[to][:: -1 if is_turned else 1], strict=True))
    return found


def renamed(layout: Layout, renaming: Renaming) -> Layout:
    """A layout whose registers are prepared elsewhere, while the meeting stays.

    Args:
        layout: The layout.
        renaming: As one of `renamings`.
    """

    def of(register: tuple[cirq.GridQubit, ...]) -> tuple[cirq.GridQubit, ...]:
        return tuple(cast(cirq.GridQubit, renaming.get(qubit, qubit)) for qubit in register)

    return replace(layout, data=of(layout.data), filter=of(layout.filter), window=of(layout.window))
