"""Circuits that do the same without noise, among which shots are shared (randomised compiling).

A coherent error, an angle that is always wrong by as much, changes probabilities in the first order
and does so differently in each of these circuits. In the mean over them what is left is of the
second order and like depolarisation, which calibrations and learned weights take away.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import ConfiguredNoiseModel, Noise
from noise_models.checks import whole_number
from qucnn_cirq.circuits.feed_forward import is_controlled
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.pauli_frames import BITS, PAULI_OF, PauliFrame
from qucnn_cirq.circuits.slots import AngleTables, Slot
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.process import Kraus, physical_process
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError, shown, unknown_name

_Y = BITS[2]
_FLIP_IF = cirq.unitary(cirq.Y.controlled())
_NEXT_FORM = 2**40
"""Added to the number of a circuit for the streams of each further form."""


class Form(NamedTuple):
    """One of the circuits that do the same without noise.

    Attributes:
        template: The circuit. Its observable takes flipped bits into account.
        flips: Which recorded bits are flipped, as an outcome's number.
    """

    template: Template
    flips: int = 0


class Twirl(abc.ABC):
    """A choice of circuits that do the same.

    Attributes:
        name: The word by which it is chosen.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def forms(self, template: Template, noise: Noise) -> tuple[Form, ...]:
        """The circuits, one where the noise makes no difference between them.

        Args:
            template: The compiled circuit.
            noise: The noise under which they are run.

        Raises:
            InputError: If there are none for its native gates.
        """


@dataclass(frozen=True)
class ConjugateTwirl(Twirl):
    """Half of the shots with the circuit, half with that of conjugate amplitudes.

    Native CZ are real, so all angles about X and Z are turned around. The first-order effect of a
    real symmetric generator H, an exchange or a controlled phase, on the probability of an
    amplitude A is 2 Im(A* M), where M is the amplitude with -H put in: conjugate amplitudes give it
    the other sign. So it vanishes in the mean of two circuits, whatever the angles are. What is
    real, noise or circuit, is the same in both, and then there is one circuit.
    """

    name: ClassVar[str] = "conjugate"

    def forms(self, template: Template, noise: Noise) -> tuple[Form, ...]:
        """See `Twirl.forms`."""
        conjugate = template.conjugate
        if conjugate is None or _is_real(template, noise):
            return (Form(template),)
        return Form(template), Form(conjugate)


@dataclass(frozen=True)
class PauliTwirl(Twirl):
    """Random Paulis after one-qubit gates, undone by the next ones (arXiv:1512.01098).

    They are merged into the gates, so that no circuit has more of them. The mean over many has
    errors that are random Paulis; bits that are flipped are put right.

    Args:
        circuits: How many random circuits.
        seed: Sets the Paulis.

    Raises:
        InputError: If a number is not allowed.
    """

    name: ClassVar[str] = "pauli"

    circuits: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number("circuits", self.circuits, minimum=1, maximum=10_000)
        whole_number("seed", self.seed, minimum=0)

    def forms(self, template: Template, noise: Noise) -> tuple[Form, ...]:
        """See `Twirl.forms`."""
        return _twirled(template, self.circuits, self.seed)


class TwirledEngine(Engine):
    """Another engine, whose shots of a circuit are shared evenly among its forms.

    Args:
        engine: Runs them.
        twirl: Says which there are.
    """

    name = "twirled"

    def __init__(self, engine: Engine, twirl: Twirl) -> None:
        self.engine, self.twirl = engine, twirl
        self.name = f"{engine.name}, {twirl.name} twirl"
        self.is_measured = engine.is_measured

    def __repr__(self) -> str:
        return f"TwirledEngine({self.engine!r}, {self.twirl!r})"

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether the engine does."""
        return self.engine.gives_means(template, noise)

    def predicts(self, template: Template, noise: Noise) -> bool:
        """As of the engine; see `Engine.predicts`."""
        return self.engine.predicts(template, noise)

    def predicted_noise(self, noise: Noise) -> Noise:
        """As of the engine; see `Engine.predicted_noise`."""
        return self.engine.predicted_noise(noise)

    def predicting(self, noise: Noise) -> Engine:
        """As of the engine, twirled alike; see `Engine.predicting`."""
        return TwirledEngine(self.engine.predicting(noise), self.twirl)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """See `Engine.run`: the mean over the forms, and counts of all."""
        found = [
            self.engine.run(form.template, noise, tables, own, each)
            for form, own, each in self._shared(template, noise, shots, streams)
        ]
        means = [each.means for each in found if each.means is not None]
        counts = [each.counts for each in found if each.counts is not None]
        return Outcome(
            np.mean(means, axis=0) if len(means) == len(found) else None,
            np.sum(counts, axis=0) if len(counts) == len(found) else None,
        )

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """See `Engine.distribution`: the mean over the forms."""
        forms = self.forms(template, noise)
        total: NDArray[np.float64] | None = None
        for form in forms:
            found = self.engine.distribution(form.template, noise, tables)
            own = found[..., np.arange(found.shape[-1]) ^ form.flips]
            total = own if total is None else total + own
        assert total is not None
        return total / len(forms)

    def parities(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        groups: Sequence[tuple[int, ...]],
    ) -> NDArray[np.float64]:
        """See `Engine.parities`: the mean over the forms."""
        bits = np.arange(len(template.observable.qubits))[::-1]
        found = []
        for form in self.forms(template, noise):
            flipped = (form.flips >> bits) & 1
            signs = np.array([1.0 - 2.0 * (flipped[list(group)].sum() % 2) for group in groups])
            own = self.engine.parities(form.template, noise, tables, groups)
            found.append(own * signs[:, None])
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    def weighted_means(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        factors: NDArray[np.float64],
        streams: Streams,
    ) -> NDArray[np.float64]:
        """See `Engine.weighted_means`: the mean over the forms."""
        found = [
            self.engine.weighted_means(form.template, noise, tables, factors, streams)
            for form in self.forms(template, noise)
        ]
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """See `Engine.outcome_counts`: those of all forms."""
        found = []
        for form, own, each in self._shared(template, noise, shots, streams):
            assert own is not None
            counts = self.engine.outcome_counts(form.template, noise, tables, own, each)
            found.append(counts[..., np.arange(counts.shape[-1]) ^ form.flips])
        total: NDArray[np.int64] = np.sum(found, axis=0)
        return total

    def forms(self, template: Template, noise: Noise) -> tuple[Form, ...]:
        """The circuits among which shots are shared.

        Args:
            template: The compiled circuit.
            noise: The noise.
        """
        # What can only be sampled may have noise of its own.
        if noise.gate_model == cirq.NO_NOISE and self.engine.gives_means(template, noise):
            return (Form(template),)
        return self.twirl.forms(template, noise)

    def _shared(
        self, template: Template, noise: Noise, shots: int | None, streams: Streams
    ) -> list[tuple[Form, int | None, Streams]]:
        """The forms that are run, each with its shots and streams."""
        forms = self.forms(template, noise)
        shared = []
        for number, form in enumerate(forms):
            own = None if shots is None else (shots + len(forms) - 1 - number) // len(forms)
            if own != 0:
                variant = streams.variant + number * _NEXT_FORM
                shared.append((form, own, streams.of_variant(variant)))
        return shared


TWIRLS: dict[str, type[Twirl]] = {each.name: each for each in (ConjugateTwirl, PauliTwirl)}
"""The classes of twirls by name."""


def as_twirl(twirl: str | Twirl | None) -> Twirl | None:
    """A twirl in any form that is taken.

    Args:
        twirl: Its name, "none" for none; a twirl; or None.

    Raises:
        InputError: If it is something else.
    """
    if twirl is None or isinstance(twirl, Twirl):
        return twirl
    if not isinstance(twirl, str):
        raise InputError(f"twirl = {shown(twirl)}: give one of none, {', '.join(TWIRLS)}.")
    if twirl == "none":
        return None
    if twirl not in TWIRLS:
        raise unknown_name("twirl", twirl, ("none", *TWIRLS))
    return TWIRLS[twirl]()


def twirled_engine(engine: Engine, twirl: Twirl | None) -> Engine:
    """An engine that runs the forms of each circuit; itself without a twirl.

    Args:
        engine: Runs them.
        twirl: Says which there are.
    """
    return engine if twirl is None else TwirledEngine(engine, twirl)


@functools.lru_cache(maxsize=512)
def _is_real(template: Template, noise: Noise) -> bool:
    """Whether conjugate amplitudes meet the same noise: configured channels are real or not."""
    if not isinstance(noise.gate_model, ConfiguredNoiseModel):
        # Nothing is known of a sampler's, and a model's may change from call to call.
        return False
    elements = physical_process(template, noise)
    return all(_is_real_channel(each.kraus) for each in elements if each.slot is None)


def _is_real_channel(kraus: Kraus) -> bool:
    """Whether a channel takes conjugate states to conjugate states.

    What a record controls does, up to a sign that goes with the record, which nobody sees.
    """
    if len(kraus) == 1 and np.array_equal(kraus[0], _FLIP_IF):
        return True
    total = sum(np.kron(operator, operator.conj()) for operator in kraus)
    return bool(np.abs(np.imag(total)).max() < 1e-12)


@functools.lru_cache(maxsize=256)
def _twirled(template: Template, circuits: int, seed: int) -> tuple[Form, ...]:
    generator = np.random.default_rng(seed)
    return tuple(_form(template, generator) for _ in range(circuits))


def _form(template: Template, generator: np.random.Generator) -> Form:
    """A random form: each pulse undoes the Pauli before it, and ends with one of its own."""
    frame, slots = PauliFrame(), []
    measured: dict[cirq.MeasurementKey, cirq.Qid] = {}
    for operation in template.circuit.all_operations():
        gate, qubits = operation.gate, operation.qubits
        if cirq.is_measurement(operation):
            if len(qubits) == 1:
                measured |= dict.fromkeys(cirq.measurement_key_objs(operation), qubits[0])
            continue
        if isinstance(gate, Slot):
            (qubit,) = qubits
            if gate.is_virtual:
                slots.append(frame.past_phase(gate, qubit))
                continue
            drawn = BITS[int(generator.integers(4))]
            before = frame.take(qubit)
            slots.append(Slot((*PAULI_OF[before], *gate.factors, *PAULI_OF[drawn])).simplified())
            frame.put(qubit, drawn)
        elif gate == cirq.CZ:
            frame.past_cz(*qubits)
        elif is_controlled(operation):
            # A flipped record does its Y where it was not to be done, and the other way round.
            if sum(frame.flips(measured[key]) for key in cirq.control_keys(operation)) % 2:
                frame.put(qubits[0], _Y)
        else:
            raise InputError(f"twirl = 'pauli' is for CZ gates, not for {gate}: choose another.")
    flipped = [frame.flips(qubit) for qubit in template.observable.qubits]
    flips = int("".join(str(int(bit)) for bit in flipped), 2)
    return Form(template.with_slots(slots, _flipped(template.observable, flipped)), flips)


def _flipped(observable: Observable, flipped: list[bool]) -> Observable:
    """The observable of bits of which some are flipped."""
    groups, start = [], 0
    for qubits, values in observable.groups:
        own = flipped[start : start + len(qubits)]
        number = int("".join(str(int(bit)) for bit in own), 2)
        groups.append((qubits, tuple(values[k ^ number] for k in range(len(values)))))
        start += len(qubits)
    return Observable(tuple(groups), observable.low)
