"""Probabilistic error cancellation: random circuits with signs, whose mean has no gate errors."""

from __future__ import annotations

from dataclasses import replace

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration
from noise_models.checks import whole_number
from qucnn_cirq.circuits.pauli_frames import BITS, PAULI_OF, Pauli, PauliFrame
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Engine, Streams, make_engine
from qucnn_cirq.estimators import Estimates, Reading
from qucnn_cirq.mitigation.method import (
    MitigationMethod,
    Plan,
    Run,
    linear_combination,
    outcome_weights,
    run_counted,
    run_moments,
    streams_of,
)
from qucnn_cirq.mitigation.quasi import Places, depolarizing_only, inverses, undoing

FloatArray = NDArray[np.float64]


class ErrorCancellation(MitigationMethod):
    """Probabilistic error cancellation (arXiv:1612.02058) of depolarising noise.

    After every gate a random Pauli is put in, with the sign of its weight in the inverse of the
    gate's assumed noise. Paulis are merged into the next one-qubit gate, through CZ gates, so that
    a circuit has the gates and the moments of the plain one.

    Args:
        circuits: Random circuits among which the shots of a patch are split.
        unfolds_readout: Whether assumed readout errors are undone as well.
        seed: Seed of the random circuits. With shots they derive from the seed of the shots as
            well, so that other runs have others; they are the same for all patches of a run.

    Raises:
        InputError: If a number is not allowed.
    """

    name = "pec"
    serves_encodings = True
    assumes = "gate errors are depolarising, of known rates, and nothing happens to idle qubits"

    def __init__(self, circuits: int = 100, unfolds_readout: bool = True, seed: int = 0) -> None:
        self.circuits = whole_number("circuits", circuits, minimum=2, maximum=1_000_000)
        self.unfolds_readout, self.seed = unfolds_readout, seed

    def gamma(self, reading: Reading) -> float:
        """What the spread of a mean is multiplied by: the product over all gates.

        Args:
            reading: The circuit, and the noise that is assumed.

        Raises:
            InputError: If that is not depolarising.
        """
        template, assumed = reading.variant.template, depolarizing_only(reading.noise)
        return float(
            np.prod(
                [each.gamma for moment in _places(template, assumed) for each in moment.values()]
            )
        )

    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.plan`: random circuits, each with its sign in its weights."""
        return self._plan(reading, states, (self.seed,))

    def _plan(self, reading: Reading, states: FloatArray, seeds: tuple[int, ...]) -> Plan:
        template, assumed = reading.variant.template, depolarizing_only(reading.noise)
        places, gamma = _places(template, assumed), self.gamma(reading)
        weights = outcome_weights(reading, self.unfolds_readout)
        patch = reading.variant.loader.angles(states)
        generator = np.random.default_rng(seeds)
        runs = []
        for number in range(self.circuits):
            own, sign, flips = sampled(template, places, generator)
            counted = sign * gamma * weights[np.arange(len(weights)) ^ flips]
            name = f"circuit {number}"
            runs.append(Run(name, own, patch, reading.angles, counted, 1 / self.circuits))
        slopes = np.full(self.circuits, 1 / self.circuits)
        return Plan(tuple(runs), linear_combination(slopes), slopes)

    def outline(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.outline`: Paulis change no gate count, so none are drawn."""
        depolarizing_only(reading.noise)
        run = replace(self._plain(reading, states), share=1 / self.circuits)
        slopes = np.full(self.circuits, 1 / self.circuits)
        return Plan((run,) * self.circuits, linear_combination(slopes), slopes)

    def _plain(self, reading: Reading, states: FloatArray) -> Run:
        """The circuit without Paulis, which stands for all."""
        return Run(
            "all circuits",
            reading.variant.template,
            reading.variant.loader.angles(states),
            reading.angles,
            outcome_weights(reading, self.unfolds_readout),
            1.0,
        )

    def moments(
        self, reading: Reading, states: FloatArray, shots: int, noise: Noise | None = None
    ) -> Estimates:
        """As `MitigationMethod.moments`, where every shot has a random circuit of its own.

        The mean is that over all random circuits; fewer circuits than shots scatter more. Both are
        exact where the noise that there is commutes with Paulis, as depolarising noise does. Other
        noise between a two-qubit gate and the next one-qubit gate, which takes the Pauli, is met
        as if the Pauli came before it.
        """
        shots = whole_number("shots", shots, minimum=1)
        actual = reading.noise if noise is None else noise
        assumed, gamma = depolarizing_only(reading.noise), self.gamma(reading)
        run = self._plain(reading, states)
        engine = make_engine("exact")
        values, _ = run_moments(run, engine, undoing(actual, assumed, inserts=False))
        mean, spread = run_moments(run, engine, undoing(actual, assumed, inserts=True))
        variances = (gamma**2 * (spread + mean**2) - values**2) / shots
        return Estimates(values[None], variances[None])

    def estimate(
        self,
        reading: Reading,
        states: FloatArray,
        shots: int,
        engine: Engine | None = None,
        noise: Noise | None = None,
        seed: int = 0,
        streams: Streams | None = None,
    ) -> Estimates:
        """As `MitigationMethod.estimate`; variances are from how circuits scatter."""
        drawn = streams_of(seed, len(states), streams)
        run = drawn.seed, drawn.purpose, drawn.variant, *drawn.filters
        plan = self._plan(reading, states, (self.seed, *run))
        means = np.array(
            [
                run_counted(
                    own, engine or reading.engine, noise or reading.noise, number, (drawn, row)
                )[0]
                for row, (own, number) in enumerate(zip(plan.runs, plan.shots(shots), strict=True))
            ]
        )
        variances = means.var(axis=0, ddof=1) / len(means)
        return Estimates(means.mean(axis=0)[None], variances[None])


def _places(template: Template, assumed: NoiseConfiguration) -> list[Places]:
    return inverses(template.marked_circuit.moments, assumed, template.qubits)


def sampled(
    template: Template, places: list[Places], generator: np.random.Generator
) -> tuple[Template, int, int]:
    """One random circuit.

    Args:
        template: The compiled circuit.
        places: What is undone after each of its moments.
        generator: Draws the Paulis.

    Returns:
        The circuit, its sign, and which bits of its outcomes are flipped, as an outcome's number.
    """
    frame = PauliFrame()
    moments: list[cirq.Moment] = []
    sign, flips = 1, 0
    for moment, own in zip(template.circuit, places, strict=True):
        drawn: dict[cirq.Qid, Pauli] = {}
        for qubits, inverse in own.items():
            if generator.random() < inverse.chance:
                sign = -sign
                number = int(generator.integers(1, inverse.size))
                digits = np.unravel_index(number, (4,) * len(qubits))
                drawn.update((q, BITS[digit]) for q, digit in zip(qubits, digits, strict=True))
        early, operations = [], []
        for operation in moment:
            gate, qubits = operation.gate, operation.qubits
            if cirq.is_measurement(operation):
                measured = template.observable.qubits
                for place, qubit in enumerate(reversed(measured)):
                    flips |= int(frame.flips(qubit)) << place
                operations.append(operation)
            elif isinstance(gate, Slot):
                (qubit,) = qubits
                slot = _through(gate, qubit, frame, drawn)
                operations.append(slot.on(qubit).with_tags(*operation.tags))
            elif gate == cirq.CZ:
                frame.past_cz(*qubits)
                operations.append(operation)
            else:
                waiting = [(qubit, PAULI_OF[frame.take(qubit)]) for qubit in qubits]
                early += [Slot(factors).on(qubit) for qubit, factors in waiting if factors]
                operations.append(operation)
        for qubit, bits in drawn.items():
            frame.put(qubit, bits)
        if early:
            moments.append(cirq.Moment(early))
        moments.append(cirq.Moment(operations))
    return replace(template, circuit=cirq.Circuit(moments).freeze()), sign, flips


def _through(slot: Slot, qubit: cirq.Qid, frame: PauliFrame, drawn: dict[cirq.Qid, Pauli]) -> Slot:
    """A slot with the Paulis before and after it; what a virtual Z cannot take goes on."""
    if slot.is_virtual:
        return frame.past_phase(slot, qubit)
    before, after = frame.take(qubit), drawn.pop(qubit, BITS[0])
    return Slot((*PAULI_OF[before], *slot.factors, *PAULI_OF[after])).simplified()
