"""Circuits whose outcomes were counted, or are to be: their exact probabilities under any noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cirq
import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import real_number
from qucnn_cirq.circuits.feed_forward import controlling
from qucnn_cirq.circuits.observable import Observable, counted
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.engines.evolution import Evolution
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.outcomes import check_outcomes, recorded
from qucnn_cirq.engines.process import physical_process
from qucnn_cirq.engines.steps import fused, taken_apart
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.fitting.sloped import OUTCOMES
from qucnn_cirq.mitigation.zne import folded
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

Counts = ArrayLike | Mapping[int, int] | Mapping[str, int] | cirq.Result
"""Every way to say what was recorded."""

FOLDS = (1, 3, 9, 17)
"""How often every two-qubit gate stands in candidates of a design. The smaller its errors are, the
more of them tell it best; further ones add little."""

_MOST_QUBITS = 11
"""Qubits of a circuit without tables, whose 4^n coefficients are evolved whole."""


@dataclass(frozen=True, eq=False)
class FitCircuit:
    """A circuit with a name: a compiled template with tables of angles, or an ordinary circuit.

    Attributes:
        name: What messages call it.
        template: The circuit; of an ordinary one with no slots.
        tables: The angle tables: rows of ``"patch"`` are the instances, and ``"filter"`` has one
            row. None for an ordinary circuit.
    """

    name: str
    template: Template
    tables: AngleTables | None = None

    @classmethod
    def of(cls, circuit: cirq.AbstractCircuit, name: str = "circuit") -> FitCircuit:
        """An ordinary circuit of gates without symbols, with one measurement at the end.

        Args:
            circuit: The circuit. The noise model sees it as it is, so it should be native.
            name: What messages call it.

        Raises:
            InputError: If it is not of this form.
        """
        measured = [op for op in circuit.all_operations() if cirq.is_measurement(op)]
        if len(measured) != 1 or not isinstance(measured[0].gate, cirq.MeasurementGate):
            raise InputError(
                f"{name} has {len(measured)} measurements: give circuits that measure all that "
                "is counted in one, under one key."
            )
        if not circuit.are_all_measurements_terminal() or any(measured[0].gate.invert_mask):
            raise InputError(f"{name} measures before its end, or with an invert mask: leave both.")
        if cirq.is_parameterized(circuit):
            raise InputError(f"{name} has symbols: resolve them first.")
        qubits = measured[0].qubits
        check_outcomes(qubits)
        n_qubits = len(circuit.all_qubits())
        if n_qubits > _MOST_QUBITS:
            raise InputError(
                f"{name} has {n_qubits} qubits; a fit evolves up to {_MOST_QUBITS}: give a "
                "template with its tables, which is cut where data and filter meet."
            )
        observable = Observable(tuple(((qubit,), (1.0, -1.0)) for qubit in qubits), low=-1.0)
        template = Template(circuit.freeze(), observable, tuple(sorted(circuit.all_qubits())), ())
        return cls(name, template)

    def __post_init__(self) -> None:
        if controlling(self.template.circuit):
            raise InputError(f"{self.name} has gates that measured bits control: a fit takes none.")
        if self.tables is not None and len(self.tables.get("filter", [0])) != 1:
            raise InputError(f"{self.name} has several rows of filters: give one circuit for each.")

    def __repr__(self) -> str:
        rows = "" if self.n_rows == 1 else f", {self.n_rows} patches"
        return f"<circuit {self.name!r}: {len(self.qubits)} measured qubits{rows}>"

    @property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """The measured qubits; the first is the most significant bit of an outcome."""
        return self.template.observable.qubits

    @property
    def n_rows(self) -> int:
        """Instances: patches, or one."""
        return 1 if self.tables is None else len(self.tables["patch"])

    @property
    def n_outcomes(self) -> int:
        """Outcomes of each instance."""
        return 1 << len(self.qubits)

    @property
    def n_pairs(self) -> int:
        """Two-qubit gates."""
        return sum(
            len(op.qubits) == 2 and not cirq.is_measurement(op)
            for op in self.template.circuit.all_operations()
        )

    def folded(self, times: int) -> FitCircuit:
        """The same with every two-qubit gate several times in place of once.

        Args:
            times: An odd number.

        Raises:
            InputError: If it is none, or a gate has no native inverse.
        """
        if type(times) is not int or times < 1 or times % 2 == 0:
            raise InputError(f"folds are odd numbers from 1, not {shown(times)}.")
        if times == 1:
            return self
        name = f"{self.name}, two-qubit gates {times} times"
        template = folded(self.template, times)
        return replace(self, name=name, template=template)

    def bound(self) -> list[cirq.Circuit]:
        """The native circuit of each instance."""
        if self.tables is None:
            return [self.template.circuit.unfreeze()]
        rows = range(self.n_rows)
        return [
            self.template.bound_circuit({**self.tables, "patch": self.tables["patch"][i : i + 1]})
            for i in rows
        ]

    @single_threaded_blas()
    def true_probabilities(self, noise: Noise) -> FloatArray:
        """Probabilities of outcomes with the noise of gates alone: readout is left out.

        Args:
            noise: Noise without readout errors.

        Returns:
            Shape (instances, 2^m).
        """
        if self.tables is not None:
            of_filter: FloatArray = ExactEngine().distribution(self.template, noise, self.tables)[0]
            return of_filter
        steps = fused(taken_apart(physical_process(self.template, noise)))
        evolution = Evolution(steps, self.template.qubits)
        coefficients = evolution.whole(evolution.run({}))[:, 0]
        n_qubits = len(self.template.qubits)
        tensor = coefficients.reshape((4,) * n_qubits)
        # What is not measured is summed over; of the rest the bits' probabilities are sums of
        # products of Z.
        measured = [self.template.qubits.index(qubit) for qubit in self.qubits]
        others = [axis for axis in range(n_qubits) if axis not in measured]
        tensor = tensor.transpose(*measured, *others)[(..., *[0] * len(others))]
        for axis in range(len(measured)):
            tensor = np.moveaxis(np.tensordot(OUTCOMES, tensor, axes=(1, axis)), 0, axis)
        chances: FloatArray = tensor.reshape(1, -1)
        return chances

    def probabilities(self, noise: NoiseLike) -> FloatArray:
        """Exact probabilities of what is recorded.

        Args:
            noise: The noise, as for `noise_models.as_noise`.

        Returns:
            Shape (instances, 2^m).
        """
        model = as_noise(noise)
        true = self.true_probabilities(model.before_reading)
        chances = np.maximum(recorded(true, self.qubits, model), 0.0)
        found: FloatArray = chances / chances.sum(axis=1, keepdims=True)
        return found

    def sampled(self, noise: NoiseLike, shots: int, seed: int = 0) -> Counted:
        """Counts as a processor of known noise would give them: to see what a fit would tell.

        Args:
            noise: The noise.
            shots: In all instances, which share them as evenly as whole numbers can be.
            seed: Of the random numbers.
        """
        generator = np.random.default_rng(seed)
        chances = self.probabilities(noise)
        each = shots // len(chances) + (np.arange(len(chances)) < shots % len(chances))
        return self.counted(generator.multinomial(each, chances))

    def counted(self, counts: Counts) -> Counted:
        """The circuit with what was recorded.

        Args:
            counts: How often each outcome was, shape (2^m,) or (instances, 2^m); by outcome: a
                number, or its bits as text, the first measured qubit first; or the result of a
                ``cirq.Sampler``.

        Raises:
            InputError: If the counts do not fit.
        """
        return Counted(self, as_counts(self, counts, self.n_rows))


@dataclass(frozen=True, eq=False)
class Counted:
    """A circuit and how often each of its outcomes was recorded.

    Attributes:
        circuit: The circuit.
        counts: Shape (instances, 2^m).
    """

    circuit: FitCircuit
    counts: FloatArray

    @property
    def shots(self) -> int:
        """All shots."""
        return int(self.counts.sum())


def preparations(qubits: Sequence[cirq.Qid]) -> list[FitCircuit]:
    """Circuits that prepare all qubits in 0, and all in 1, and measure them.

    Args:
        qubits: The qubits, in the order in which they are measured.
    """
    flip = cirq.PhasedXZGate(x_exponent=1.0, z_exponent=0.0, axis_phase_exponent=0.0)
    measured = cirq.Moment(cirq.measure(*qubits, key=MEASUREMENT_KEY))
    zeros = cirq.Circuit(measured)
    ones = cirq.Circuit(cirq.Moment(flip.on_each(*qubits)), measured)
    return [FitCircuit.of(zeros, "all qubits in 0"), FitCircuit.of(ones, "all qubits in 1")]


def as_counts(circuit: FitCircuit, counts: Counts, n_rows: int) -> FloatArray:
    """Counts of a circuit as an array.

    Args:
        circuit: The circuit.
        counts: As for `FitCircuit.counted`.
        n_rows: Of how many instances they are.

    Returns:
        Shape (instances, 2^m).

    Raises:
        InputError: If they do not fit.
    """
    shape = (n_rows, circuit.n_outcomes)
    if isinstance(counts, cirq.Result):
        bits = list(counts.measurements.values())
        if len(bits) != 1 or bits[0].shape[1] != len(circuit.qubits):
            raise InputError(
                f"the result has other measurements than {circuit.name}, which has one of "
                f"{len(circuit.qubits)} qubits."
            )
        found: FloatArray = counted(bits[0]).astype(float)
    elif isinstance(counts, Mapping):
        found = np.zeros(shape[1])
        for outcome, number in counts.items():
            index = _outcome(circuit, outcome)
            found[index] += real_number(f"the count of {shown(outcome)}", number, 0.0, np.inf)
    else:
        found = np.asarray(counts, dtype=float)
    if found.ndim == 1:
        found = found[np.newaxis]
    if found.shape != shape:
        raise InputError(
            f"counts of {circuit.name} have the shape {found.shape}; {shape} is needed: one number "
            "for each outcome."
        )
    if not np.isfinite(found).all() or (found < 0).any() or found.sum() == 0:
        raise InputError(f"counts of {circuit.name} have to be numbers from 0, not all of them 0.")
    return found


def _outcome(circuit: FitCircuit, outcome: int | str) -> int:
    n_bits = len(circuit.qubits)
    if isinstance(outcome, str) and len(outcome) == n_bits and set(outcome) <= {"0", "1"}:
        return int(outcome, 2)
    if isinstance(outcome, int | np.integer) and 0 <= outcome < circuit.n_outcomes:
        return int(outcome)
    raise InputError(
        f"{shown(outcome)} is no outcome of {circuit.name}: give {n_bits} bits, as "
        f"{'01' * (n_bits // 2) + '0' * (n_bits % 2)!r}, or a number below {circuit.n_outcomes}."
    )
