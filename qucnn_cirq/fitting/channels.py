"""The noisy gates of a circuit with their derivatives by numbers of the noise.

The channels of every kind of noise are made again for each number that changes it, and compared
one by one: equal gates are looked at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import ConfiguredNoiseModel, NoiseConfiguration, NoiseKind
from noise_models.drift import refuse_drift
from noise_models.kind import Strength
from noise_models.timeline import Step, prepared_qubits, timeline
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import SlotTag, Template
from qucnn_cirq.engines.factoring import owners
from qucnn_cirq.engines.pauli_transfer import PAULIS, transfer_matrix
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.steps import taken_apart
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.sloped import Sloped, SlopedStep

FloatArray = NDArray[np.float64]

_STEP = 1e-4
"""Step of differences of transfer matrices, relative to a number; their error is its square."""
_STEP_AT_ZERO = 0.05
"""What a number near 0 is taken for there, relative to its size."""
_LEAST = 1e-9
"""What stands for 0, relative to a number's size, so that its channels are there."""


@dataclass(frozen=True, eq=False)
class Variations:
    """A noise, and on either side of it for each number that acts on gates.

    Attributes:
        here: The noise.
        ends: For each number the two values that it takes, and the noise with each.
    """

    here: NoiseConfiguration
    ends: tuple[tuple[tuple[float, NoiseConfiguration], tuple[float, NoiseConfiguration]], ...]

    @classmethod
    def around(cls, numbers: FreeNumbers, values: FloatArray) -> Variations:
        """Those around a point.

        Args:
            numbers: The numbers.
            values: Their values, shape (numbers,).

        Raises:
            InputError: If the noise is not allowed there.
        """
        low, _ = numbers.bounds
        tiny = _LEAST * numbers.sizes
        point = np.where(numbers.acts_on_gates & (np.abs(values) < tiny), tiny, values)
        here = _configuration(numbers, point)

        def end(index: int, value: float) -> tuple[float, NoiseConfiguration]:
            other = np.array(point)
            other[index] = max(value, low[index] + tiny[index])
            try:
                return float(other[index]), _configuration(numbers, other)
            except InputError:
                # T2 may not be larger than 2 T1, say: then of one side.
                return float(point[index]), here

        found = []
        for index in np.flatnonzero(numbers.acts_on_gates).tolist():
            step = _STEP * max(abs(point[index]), _STEP_AT_ZERO * numbers.sizes[index])
            found.append((end(index, point[index] - step), end(index, point[index] + step)))
        return cls(here, tuple(found))


class Channels:
    """A circuit's gates, and where its noise stands.

    Args:
        template: The circuit, without gates that measured bits control.
    """

    def __init__(self, template: Template) -> None:
        marked = template.marked_circuit
        moments, qubits = list(marked), sorted(marked.all_qubits())
        self._template = template
        steps = timeline(moments, qubits)
        # Equal steps, as in gates that stand several times, have the same noise.
        distinct: dict[Step, int] = {}
        self._numbers = [distinct.setdefault(step, len(distinct)) for step in steps]
        self._steps = list(distinct)
        self._prepared = prepared_qubits(moments, qubits)
        self._gates = [_gates(template, moment) for moment in moments]

    def steps(self, noise: Variations, tables: AngleTables) -> list[tuple[str, SlopedStep]]:
        """Gates and channels in order of time, each with the register that it belongs to.

        Args:
            noise: The noise and its variations.
            tables: The angle tables.

        Returns:
            With "patch", "filter" or "meeting"; derivatives are by the numbers that act on gates.

        Raises:
            InputError: If the noise has other channels at other values.
        """
        here = noise.here
        layers = {kind: self._layers(kind, here.strength) for kind in here.kinds}
        slopes: dict[int, dict[int, FloatArray]] = {}
        for place, ends in enumerate(noise.ends):
            self._add_slopes(slopes, place, here, layers, ends)
        return self._in_order(layers, slopes, tables)

    def _layers(self, kind: NoiseKind, strength: Strength) -> list[list[cirq.Operation]]:
        """Noise of a kind before the first moment, and after each step that differs."""
        every = [kind.before(self._prepared, strength)]
        every += [kind.layers(step, strength) for step in self._steps]
        return [[operation for layer in layers for operation in layer] for layers in every]

    def _add_slopes(
        self,
        slopes: dict[int, dict[int, FloatArray]],
        place: int,
        here: NoiseConfiguration,
        layers: dict[NoiseKind, list[list[cirq.Operation]]],
        ends: Sequence[tuple[float, NoiseConfiguration]],
    ) -> None:
        """Adds the derivative of every operation's matrix by one number, by its identity."""
        (first, before), (last, after) = ends
        if len({len(each.kinds) for each in (here, before, after)}) > 1:
            raise InputError(_OTHERWISE)
        known: dict[tuple[int, int], FloatArray] = {}
        for kind, lower, upper in zip(here.kinds, before.kinds, after.kinds, strict=True):
            if lower == upper and before.strength == after.strength:
                continue
            every = (self._layers(lower, before.strength), self._layers(upper, after.strength))
            for own, one, other in zip(layers[kind], *every, strict=True):
                if not len(own) == len(one) == len(other):
                    raise InputError(_OTHERWISE)
                for operation, low, high in zip(own, one, other, strict=True):
                    if not operation.qubits == low.qubits == high.qubits:
                        raise InputError(_OTHERWISE)
                    if low.gate is high.gate:
                        continue
                    key = id(low.gate), id(high.gate)
                    if key not in known:
                        change = _transfer(high.gate) - _transfer(low.gate)
                        known[key] = change[np.newaxis] / (last - first)
                    slopes.setdefault(id(operation), {})[place] = known[key]

    def _in_order(
        self,
        layers: dict[NoiseKind, list[list[cirq.Operation]]],
        slopes: dict[int, dict[int, FloatArray]],
        tables: AngleTables,
    ) -> list[tuple[str, SlopedStep]]:
        def channels(index: int) -> Iterator[tuple[Element, Sloped]]:
            for kind in layers:
                for operation in layers[kind][index]:
                    matrix = _transfer(operation.gate)[np.newaxis]
                    own = Sloped(matrix, slopes.get(id(operation), {}))
                    yield Element(operation.qubits), own

        found = list(channels(0))
        for number, gates in zip(self._numbers, self._gates, strict=True):
            for gate in gates:
                found.append((gate, Sloped(_gate_transfer(gate, tables), {})))
            found += channels(1 + number)
        names = owners([element for element, _ in found], self._template)
        return [
            (name, SlopedStep(element.qubits, own))
            for name, (element, own) in zip(names, found, strict=True)
        ]


_OTHERWISE = "the noise has other channels at other values of a number."


def _configuration(numbers: FreeNumbers, values: FloatArray) -> NoiseConfiguration:
    model = numbers.gate_noise(values).gate_model
    if not isinstance(model, ConfiguredNoiseModel):
        return NoiseConfiguration()
    refuse_drift(model.configuration.drift)
    return model.configuration


def _gates(template: Template, moment: cirq.Moment) -> list[Element]:
    """The gates of a moment, each with one factor at most."""
    found = []
    for operation in moment:
        index = next((tag.index for tag in operation.tags if isinstance(tag, SlotTag)), None)
        if index is not None:
            found.append(Element(operation.qubits, slot=template.slots[index]))
        elif not cirq.is_measurement(operation) and operation.qubits:
            kraus = tuple(np.asarray(each, complex) for each in cirq.kraus(operation))
            found.append(Element(operation.qubits, kraus=kraus))
    return taken_apart(found)


def _gate_transfer(gate: Element, tables: AngleTables) -> FloatArray:
    """Shape (rows, 4^k, 4^k), of one row if all are the same."""
    if gate.slot is None:
        return transfer_matrix(gate.kraus)[np.newaxis]
    unitaries = gate.slot.unitaries(tables)
    images = np.einsum("rij,bjk,rlk->rbil", unitaries, PAULIS, unitaries.conj(), optimize=True)
    found: FloatArray = np.einsum("aij,rbji->rab", PAULIS, images, optimize=True).real / 2
    return found


def _transfer(gate: cirq.Gate | None) -> FloatArray:
    try:
        return _transfer_of(gate)
    except TypeError:
        # Not every channel is hashable.
        return _transfer_of.__wrapped__(gate)


@functools.lru_cache(maxsize=4096)
def _transfer_of(gate: cirq.Gate) -> FloatArray:
    if isinstance(gate, cirq.DepolarizingChannel):
        # All coefficients shrink but that of the identity; its Kraus operators take long.
        size = 4 ** cirq.num_qubits(gate)
        shrunk = np.full(size, 1 - gate.p * size / (size - 1))
        shrunk[0] = 1.0
        return np.diag(shrunk)
    return transfer_matrix(tuple(np.asarray(each, complex) for each in cirq.kraus(gate)))
