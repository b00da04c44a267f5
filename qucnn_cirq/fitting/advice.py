"""What counts hardly tell, in words, and which circuit would tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.circuits import FOLDS, FitCircuit, preparations
from qucnn_cirq.fitting.likelihood import information, with_readout
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.surrogates import Tangent

FloatArray = NDArray[np.float64]

_POOR = 0.25
"""Relative standard error from which a number counts as hardly told."""
_RELATED = 0.8
"""Correlation of errors from which numbers are hardly told apart."""
_LEAST_SIZE = 0.5
"""What a number that is found to be nothing is taken for, in units of its start."""
_NOTHING = 100.0
_PLAIN = 0.5
"""Relative standard error from which a number may as well be 0: that of 95 % intervals about it."""
_SMALLEST_RATIO = 1e-12
"""Information in a direction below which there is none, relative to the largest."""
_NO_EFFECT = 1e-14
"""Information of one shot on a number, relative to its size squared, below which it is rounding."""
_AT_ZERO = 0.01
_MOVED = 0.25
"""Share of the shots that a further circuit would get."""
_NEARLY = 2.0
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
    """Sentences about what is hardly told, the worst number first.

    Args:
        circuits: The circuits.
        shots: The shots of each.
        numbers: The numbers.
        values: Their values, shape (numbers,).
        fisher: The information of all shots, shape (numbers, numbers).
    """
    shots_of_all = float(sum(shots))
    sizes = np.maximum(np.abs(values), _LEAST_SIZE * numbers.sizes)
    relative = fisher * np.outer(sizes, sizes)
    covariance = covariance_of(relative, np.ones(len(values)))
    errors = np.sqrt(np.diag(covariance))
    poor = sorted(np.flatnonzero(errors > _POOR).tolist(), key=lambda index: -errors[index])
    if not poor:
        return ()
    others = _others(circuits)
    every = [
        own * np.outer(sizes, sizes)
        for own in circuit_information([own for _, own in others], numbers, values)
    ]
    sentences: dict[tuple[int, ...], str] = {}
    for index in poor:
        related = np.abs(covariance[index]) / (errors[index] * errors)
        members = tuple(np.flatnonzero(related > _RELATED).tolist())
        if members in sentences:
            continue
        names = [numbers.keys[member] for member in members]
        if relative[index, index] < _NO_EFFECT * shots_of_all:
            if numbers.bounds[0][index] < 0 and abs(values[index]) < _AT_ZERO * sizes[index]:
                sentences[members] = (
                    f"{names[0]} is at 0, where nothing changes with it to first order: its "
                    "interval is that by profile likelihood"
                )
                continue
            sentences[members] = (
                f"{names[0]} changes nothing that was counted{_where_it_acts(index, others, every)}"
            )
            continue
        value, error = float(values[index]), float(errors[index] * sizes[index])
        if len(names) == 1:
            text = f"{names[0]} is {_only(numbers, index, value, error)}"
        else:
            together = np.linalg.eigvalsh(relative[np.ix_(members, members)])[-1]
            text = (
                f"{', '.join(names[:-1])} and {names[-1]} are hardly told apart: "
                f"{_together(1 / np.sqrt(together))}{numbers.keys[index]} alone is "
                f"{_only(numbers, index, value, error)}"
            )
        best = _best(index, relative, every, shots_of_all)
        advice = "" if best is None else f": add circuits with {others[best][0]}"
        sentences[members] = text + advice
    return tuple(sentences.values())


def _others(circuits: Sequence[FitCircuit]) -> list[tuple[str, FitCircuit]]:
    """Circuits that one could add, in words: every two-qubit gate several times, preparations."""
    found = []
    plain = [each for each in circuits if each.n_pairs]
    if plain:
        first = min(plain, key=lambda each: each.n_pairs)
        for times in FOLDS[1:]:
            if not any(each.n_pairs == times * first.n_pairs for each in circuits):
                try:
                    found.append((f"every two-qubit gate {times} times", first.folded(times)))
                except InputError:
                    break
    if len(plain) == len(circuits):
        largest = max(circuits, key=lambda each: len(each.qubits))
        found += [(each.name, each) for each in preparations(largest.qubits)]
    return found


def _where_it_acts(
    index: int, others: Sequence[tuple[str, FitCircuit]], every: Sequence[FloatArray]
) -> str:
    """What to do about a number that the circuits do not depend on."""
    for (name, _), own in zip(others, every, strict=True):
        if own[index, index] > _NO_EFFECT:
            return f": add circuits with {name}"
    return ": leave it out, or add circuits where it acts"


def _best(
    index: int, relative: FloatArray, every: Sequence[FloatArray], shots: float
) -> int | None:
    """Which further circuit lowers the error of a number most, if any does by much."""
    ones = np.ones(len(relative))
    mixed = [relative, *((1 - _MOVED) * relative + _MOVED * shots * own for own in every)]
    # What none of them tells is as uncertain for all.
    strongest = max(float(np.linalg.eigvalsh(each)[-1]) for each in mixed)
    variances = [covariance_of(each, ones, strongest)[index, index] for each in mixed]
    before, after = variances[0], np.array(variances[1:])
    if not len(after) or after.min() > _WORTH**2 * before:
        return None
    # The first that is nearly as good: with the fewest gates.
    return int(np.flatnonzero(after <= _NEARLY * after.min())[0])


def told(value: float, error: float) -> str:
    """How well a number is told, in words: of one that may be 0 no share of it says anything.

    Args:
        value: The number.
        error: Its standard error.
    """
    if error < _PLAIN * abs(value):
        return f"told to {100 * error / abs(value):.2g} %"
    return f"not told apart from 0; its standard error is {error:.2g}"


def _together(share: float) -> str:
    return f"together to {100 * share:.2g} %, " if share < _PLAIN else ""


def _only(numbers: FreeNumbers, index: int, value: float, error: float) -> str:
    """The same of a number that is hardly told, or is no share of anything."""
    size = max(abs(value), _LEAST_SIZE * numbers.sizes[index])
    if error > _NOTHING * size:
        return "not told at all"
    text = told(value, error)
    if text.startswith("told"):
        return f"{text} only"
    return f"not told: its standard error is {error:.2g}" if numbers.is_time[index] else text


def covariance_of(
    fisher: FloatArray, sizes: FloatArray, strongest: float | None = None
) -> FloatArray:
    """The inverse of an information; directions without any have a huge variance.

    Args:
        fisher: Shape (numbers, numbers).
        sizes: About how large the numbers are, shape (numbers,).
        strongest: What decides which directions are without any; None for the largest strength.
    """
    if not len(sizes):
        return fisher
    strengths, directions = np.linalg.eigh(fisher * np.outer(sizes, sizes))
    largest = strengths[-1] if strongest is None else strongest
    strengths = np.maximum(strengths, _SMALLEST_RATIO * max(largest, _SMALLEST_RATIO))
    relative = (directions / strengths) @ directions.T
    found: FloatArray = relative * np.outer(sizes, sizes)
    return found
