"""Probabilities of a circuit's outcomes with their derivatives, forward through its channels."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.meeting import contraction_order, largest_tensor
from qucnn_cirq.engines.pauli_transfer import IDENTITY, ZERO_STATE
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.channels import Channels, Variations
from qucnn_cirq.fitting.circuits import FitCircuit
from qucnn_cirq.fitting.sloped import OUTCOMES, Sloped, SlopedState, SlopedStep, fused, product
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]
Indices = tuple[int, ...]

_LARGEST = 2**24
"""Numbers in a state and its derivatives, 128 MiB; those by more numbers are found in turn."""
_LARGEST_TENSOR = 2**21
"""Numbers in a tensor of the meeting, without derivatives."""


@functools.lru_cache(maxsize=64)
def _channels(template: Template) -> Channels:
    return Channels(template)


@single_threaded_blas()
def expanded(circuit: FitCircuit, noise: Variations) -> FloatArray:
    """Probabilities of outcomes before readout errors, and their derivatives.

    Args:
        circuit: The circuit.
        noise: The noise, and its variations with the numbers.

    Returns:
        Shape (1 + gate numbers, instances, 2^m): first the probabilities.

    Raises:
        InputError: If the noise has other channels at other values of the numbers, or it would take
            too much memory.
    """
    template, tables = circuit.template, circuit.tables or {}
    if template.given is not None:
        raise InputError("a state that is handed over is of no gates.")
    every = _channels(template).steps(noise, tables)
    n_numbers = len(noise.ends)
    names = {name for name, step in every if len(step.transfer.value) > 1}
    is_cut = bool(template.filter_qubits) and names <= {"patch"}
    parts: dict[str, list[SlopedStep]] = {"patch": [], "filter": [], "meeting": []}
    for name, step in every:
        parts[name if is_cut else "patch"].append(step)
    joined = {name: fused(own) for name, own in parts.items()}
    own_qubits = template.data_qubits if is_cut else template.qubits
    room = max(1, _LARGEST // (4 ** len(own_qubits) * circuit.n_rows) - 1)
    found: list[FloatArray] = []
    for start in range(0, max(1, n_numbers), room):
        chosen = range(start, min(n_numbers, start + room))
        part = {name: [_of_numbers(step, chosen) for step in own] for name, own in joined.items()}
        state = _evolved(part["patch"], own_qubits, circuit.n_rows, len(chosen))
        if is_cut:
            effects = _effects(part, template, len(chosen))
            chances = _met(effects, state.coefficients(own_qubits))
        else:
            chances = state.outcomes(circuit.qubits)
        found += list(chances if not found else chances[1:])
    return np.stack(found)


def _of_numbers(step: SlopedStep, chosen: range) -> SlopedStep:
    own = step.transfer.slopes
    slopes = {number - chosen.start: own[number] for number in own if number in chosen}
    return SlopedStep(step.qubits, Sloped(step.transfer.value, slopes))


def _evolved(
    steps: Sequence[SlopedStep], qubits: Sequence[cirq.Qid], n_rows: int, n_numbers: int
) -> SlopedState:
    state = SlopedState(qubits, n_rows, n_numbers)
    for step in steps:
        state.apply(step)
    return state


def _met(effects: FloatArray, state: FloatArray) -> FloatArray:
    """Probabilities of what a data register gives, shape (1 + numbers, rows, 2^m).

    Args:
        effects: Shape (1 + numbers, 2^m, 4^n).
        state: Shape (1 + numbers, rows, 4^n).
    """
    found: FloatArray = state @ effects[0].T
    found[1:] += state[0] @ effects[1:].swapaxes(1, 2)
    return found


def _effects(parts: dict[str, list[SlopedStep]], template: Template, n_numbers: int) -> FloatArray:
    """What the data register has to do with every outcome, shape (1 + numbers, 2^m, 4^n).

    The tensor network of `qucnn_cirq.engines.meeting.Meeting`, with derivatives.
    """
    tensors: list[tuple[Indices, Sloped]] = []
    number = itertools.count()
    ends: dict[object, int] = {}
    outcomes = []
    for qubit in template.observable.qubits:
        ends[qubit] = next(number)
        outcomes.append(next(number))
        tensors.append(((outcomes[-1], ends[qubit]), Sloped(OUTCOMES, {})))

    def end_of(qubit: object) -> int:
        if qubit not in ends:
            ends[qubit] = next(number)
            tensors.append(((ends[qubit],), Sloped(IDENTITY, {})))
        return ends[qubit]

    for step in reversed(parts["meeting"]):
        if ends.keys().isdisjoint(step.qubits):
            continue
        after = [end_of(qubit) for qubit in step.qubits]
        before = [next(number) for _ in step.qubits]
        shape = (4,) * (2 * len(before))
        tensors.append(((*after, *before), step.transfer.mapped(_shaped(shape))))
        ends.update(zip(step.qubits, before, strict=True))
    data = [end_of(qubit) for qubit in template.data_qubits]
    filters = tuple(end_of(qubit) for qubit in template.filter_qubits)
    left = [qubit for qubit in ends if qubit not in template.data_qubits + template.filter_qubits]
    tensors += [((ends[qubit],), Sloped(ZERO_STATE, {})) for qubit in left]
    state = _evolved(parts["filter"], template.filter_qubits, 1, n_numbers)
    coefficients = state.coefficients(template.filter_qubits)
    first, *slopes = coefficients.reshape(1 + n_numbers, *(4,) * len(filters))
    tensors.append((filters, Sloped(first, dict(enumerate(slopes)))))
    met = _contracted(tensors, (*outcomes, *data), frozenset(outcomes))
    found = np.zeros((1 + n_numbers, *met.value.shape))
    found[0] = met.value
    for own, slope in met.slopes.items():
        found[1 + own] = slope
    return found.reshape(1 + n_numbers, 2 ** len(outcomes), -1)


def _shaped(shape: tuple[int, ...]) -> Callable[[FloatArray], FloatArray]:
    return lambda array: array.reshape(shape)


def _contracted(
    tensors: Sequence[tuple[Indices, Sloped]], result: Indices, bits: frozenset[int]
) -> Sloped:
    """Contracts a network pair by pair."""
    order, largest = _order(tuple(indices for indices, _ in tensors), result, bits)
    if largest > _LARGEST_TENSOR:
        raise InputError("the meeting of data and filter takes too much memory.")
    remaining = list(tensors)
    for places in order:
        # Each index is on two tensors, or on one and the result.
        taken = [remaining.pop(place) for place in sorted(places, reverse=True)]
        indices, found = taken.pop()
        for others, other in taken:
            shared = [index for index in indices if index in others]
            axes = ([indices.index(i) for i in shared], [others.index(i) for i in shared])
            found = product(functools.partial(np.tensordot, axes=axes), found, other)
            indices = tuple(index for index in indices + others if index not in shared)
        remaining.append((indices, found))
    ((indices, found),) = remaining
    axes_of = [indices.index(index) for index in result]
    return found.mapped(lambda array: array.transpose(axes_of))


@functools.lru_cache(maxsize=64)
def _order(
    indices: tuple[Indices, ...], result: Indices, bits: frozenset[int]
) -> tuple[list[tuple[int, ...]], int]:
    """Which tensors to contract, and how many numbers the largest has."""
    sizes = {index: 2 if index in bits else 4 for own in indices for index in own}
    order = contraction_order(indices, result, sizes)
    return order, largest_tensor(indices, result, sizes, order)
