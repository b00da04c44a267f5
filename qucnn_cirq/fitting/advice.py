"""What counts hardly tell, in words, and which circuit would tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.circuits import FitCircuit, preparations
from qucnn_cirq.fitting.likelihood import information, with_readout
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.surrogates import Tangent

FloatArray = NDArray[np.float64]

_POOR = 0.25
"""Relative standard error from which a number counts as hardly told."""
_PART = 0.4
"""Share of a direction from which a number takes part in it."""
_MOVED = 0.25
"""Share of the shots that a further circuit would get."""
_WORTH = 0.8
"""What an error has to fall to for a circuit to be named."""


def circuit_information(
    circuits: Sequence[FitCircuit], numbers: FreeNumbers, values: FloatArray
) -> list[FloatArray]:
    """Fisher's information of one shot of each circuit, spread evenly over its instances.

    Args:
        circuits: The circuits.
        numbers: The numbers.
        values: Their values, shape (numbers,).

    Returns:
        For each circuit, shape (numbers, numbers).
    """
    near = Tangent(circuits, numbers, values, [1.0] * len(circuits))
    found = []
    for circuit, true in zip(circuits, near.probabilities(values), strict=True):
        chances, slopes = with_readout(circuit, numbers, values, true)
        found.append(information(chances, slopes, 1 / circuit.n_rows))
    return found


def hard_to_tell(
    circuits: Sequence[FitCircuit],
    shots: Sequence[float],
    numbers: FreeNumbers,
    values: FloatArray,
    fisher: FloatArray,
) -> tuple[str, ...]:
    """Sentences about what is hardly told, the worst direction of the information first.

    Args:
        circuits: The circuits.
        shots: The shots of each.
        numbers: The numbers.
        values: Their values, shape (numbers,).
        fisher: The information of all shots, shape (numbers, numbers).
    """
    if not len(values):
        return ()
    sizes = np.maximum(np.abs(values), 0.1 * numbers.sizes)
    relative = fisher * np.outer(sizes, sizes)
    strengths, directions = np.linalg.eigh(relative)
    poor = [index for index, strength in enumerate(strengths) if strength * _POOR**2 < 1]
    if not poor:
        return ()
    others = _others(circuits)
    every = circuit_information(others, numbers, values) if others else []
    sentences = []
    for index in poor:
        direction = directions[:, index]
        members = np.flatnonzero(np.abs(direction) >= _PART * np.abs(direction).max())
        names = [numbers.keys[member] for member in members]
        error = _percent(1 / np.sqrt(max(strengths[index], 1e-12)))
        if len(names) == 1:
            text = f"{names[0]} is told to {error} alone"
        else:
            together = np.linalg.eigvalsh(relative[np.ix_(members, members)])[-1]
            text = (
                f"{' and '.join(names)} are hardly told apart: {error} apart, "
                f"{_percent(1 / np.sqrt(together))} together"
            )
        best = _best(direction, relative, every, sizes, sum(shots))
        advice = "" if best is None else f": add circuits with {_what(others[best])}"
        sentences.append(text + advice)
    return tuple(sentences)


def _others(circuits: Sequence[FitCircuit]) -> list[FitCircuit]:
    """Circuits that one could add: every two-qubit gate several times, and preparations."""
    found = []
    plain = [each for each in circuits if each.has_pairs]
    if plain:
        first = min(plain, key=lambda each: each.fold)
        for times in (3, 5):
            if not any(each.fold == first.fold * times for each in circuits):
                try:
                    found.append(first.folded(times))
                except InputError:
                    break
    largest = max(circuits, key=lambda each: len(each.qubits))
    if all(each.has_pairs for each in circuits):
        found += preparations(largest.qubits)
    return found


def _best(
    direction: FloatArray,
    relative: FloatArray,
    every: Sequence[FloatArray],
    sizes: FloatArray,
    shots: float,
) -> int | None:
    """Which further circuit lowers the error of a direction most, if any does by much."""

    def variance(fisher: FloatArray) -> float:
        ridge = 1e-12 * np.trace(fisher) * np.eye(len(fisher))
        return float(direction @ np.linalg.solve(fisher + ridge, direction))

    before = variance(relative)
    after = [
        variance((1 - _MOVED) * relative + _MOVED * shots * own * np.outer(sizes, sizes))
        for own in every
    ]
    if not after or min(after) > _WORTH**2 * before:
        return None
    return int(np.argmin(after))


def _what(circuit: FitCircuit) -> str:
    if circuit.fold > 1:
        return f"every two-qubit gate {circuit.fold} times"
    return circuit.name


def _percent(share: float) -> str:
    return (
        "nothing"
        if share > 1e3
        else f"{100 * share:.2g} %"
        if share < 1
        else f"{100 * share:.0f} %"
    )
