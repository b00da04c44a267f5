"""The sampler engine: any ``cirq.Sampler``, such as a simulator, a virtual engine or hardware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import CALIBRATIONS, Noise
from noise_models.errors import words_of
from qucnn_cirq.advance import circuits_run
from qucnn_cirq.circuits.feed_forward import controlling
from qucnn_cirq.circuits.observable import counted
from qucnn_cirq.circuits.slots import AngleTables, of_patches
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.engines.engine import Engine, relative_size
from qucnn_cirq.engines.outcomes import check_outcomes
from qucnn_cirq.engines.qsim import check_sample, check_state
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError, one_line, shown, unknown_name

_BATCH = 50
"""Circuits handed over at a time; enough that a remote processor's queue is paid for once."""


class SamplerEngine(Engine):
    """Runs every bound circuit on a sampler and counts what comes back.

    Args:
        sampler: Where circuits run. None is Cirq's density matrix simulator, with the layer's
            noise put into the circuit and a seed of its own for each item. Any other sampler has
            the noise of its own, so that a layer's noise is refused, and draws its own shots.
        name: The engine's name.
    """

    label = "Cirq density matrix, with shots"
    samples = True

    def __init__(self, sampler: cirq.Sampler | None = None, name: str = "sampler") -> None:
        if sampler is not None and not isinstance(sampler, cirq.Sampler):
            raise InputError(f"sampler = {shown(sampler)} is not a cirq.Sampler: give one or None.")
        self.name = name
        self._sampler = sampler

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """No: it can only sample."""
        return False

    @classmethod
    def seconds(cls, template: Template, noise: Noise, shots: int, variant: str = "") -> float:
        """Cirq's density matrix simulator, whatever the shots."""
        return 8.0 * relative_size(template)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Shots of every item; see `qucnn_cirq.engines.Engine`.

        Raises:
            InputError: If no shots are asked for, noise for a sampler that has its own, or if the
                density matrix does not fit the memory.
        """
        if shots is None:
            raise InputError(
                f"engine = {self.name!r} takes shots; for exact means choose engine = 'exact'."
            )
        counts = np.empty((len(tables["filter"]), len(tables["patch"])), dtype=np.int64)
        for item, bits in self._bits(template, noise, tables, shots, streams):
            counts[item] = np.count_nonzero(template.observable.values(bits) == 1)
        return Outcome(None, counts)

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """As `Engine.outcome_counts`: from the shots of `run`."""
        check_outcomes(template.observable.qubits)
        shape = (len(tables["filter"]), len(tables["patch"]), len(template.observable.table))
        counts = np.empty(shape, dtype=np.int64)
        for item, bits in self._bits(template, noise, tables, shots, streams):
            counts[item] = counted(bits)
        return counts

    def _bits(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> Iterator[tuple[tuple[int, ...], NDArray[np.integer]]]:
        """The recorded bits of every filter and patch, shape (shots, qubits)."""
        check_sample(shots, self.name)
        if self._sampler is not None and not noise.is_ideal:
            raise InputError(
                f"engine = {self.name!r} has the noise of its processor: leave noise out."
            )
        if self._sampler is not None and template.given is not None:
            raise InputError(
                f"engine = {self.name!r} runs the circuits of the device, and a state that is "
                "given is none: choose engine = 'exact' or 'qsim', or encoding = 'amplitudes'."
            )
        if self._sampler is None:
            check_state(2 * len(template.qubits), "engine = 'qsim' with shots")
        items = list(np.ndindex(len(tables["filter"]), len(tables["patch"])))
        seeds = streams.item_seeds()
        for start in range(0, len(items), _BATCH):
            batch = items[start : start + _BATCH]
            circuits = [template.bound_circuit(_tables_of(tables, *item)) for item in batch]
            if self._sampler is None:
                results = []
                for circuit, item in zip(circuits, batch, strict=True):
                    prepared = template.bound_preparation(_tables_of(tables, *item))
                    results.append(
                        _density_matrix(circuit, noise, shots, int(seeds[item]), prepared)
                    )
                    circuits_run(1)
            else:
                results = self._sampled(circuits, shots)
                circuits_run(len(batch))
            for item, result in zip(batch, results, strict=True):
                yield item, result.measurements[MEASUREMENT_KEY]

    def _sampled(self, circuits: Sequence[cirq.Circuit], shots: int) -> list[cirq.Result]:
        """What the sampler gives of each circuit.

        Raises:
            InputError: If it fails, and measurements control gates.
        """
        assert self._sampler is not None
        try:
            ran = self._sampler.run_batch(list(circuits), repetitions=shots)
        except Exception as error:
            if not any(map(controlling, circuits)):
                raise
            # Processors of Cirq-Google have no form for such gates.
            raise InputError(
                f"engine = {self.name!r} does not run gates that measurements in the middle of a "
                f"circuit control ({type(error).__name__}: {one_line(words_of(error)[:80])}...): "
                "choose another engine, or pooling = 'deferred'."
            ) from error
        return [result for (result,) in ran]


class VirtualEngine(SamplerEngine):
    """A ``cirq_google`` processor simulated with its calibrated noise.

    Compile for the device of the same name. Shots are trajectories and come from the virtual
    processor's own random numbers: they are not reproducible.

    Args:
        processor: The processor's name, such as "willow_pink".

    Raises:
        InputError: If there is no such processor.
    """

    label = "virtual processor"

    def __init__(self, processor: str) -> None:
        if processor not in CALIBRATIONS:
            raise unknown_name("virtual processor", processor, CALIBRATIONS)
        from cirq_google.engine import create_default_noisy_quantum_virtual_machine

        engine = create_default_noisy_quantum_virtual_machine(processor_id=processor)
        super().__init__(engine.get_sampler(processor), f"virtual:{processor}")
        self._processor = processor

    def __reduce__(self) -> tuple[type[VirtualEngine], tuple[str]]:
        # A copy makes a virtual processor of its own.
        return type(self), (self._processor,)

    @classmethod
    def variants(cls) -> tuple[str, ...]:
        """The calibrated processors; there is none without a name."""
        return tuple(CALIBRATIONS)


def _density_matrix(
    circuit: cirq.Circuit, noise: Noise, shots: int, seed: int, prepared: cirq.Circuit
) -> cirq.Result:
    physical = prepared + (circuit if noise.is_ideal else noise.noisy_circuit(circuit))
    simulator = cirq.DensityMatrixSimulator(seed=np.random.RandomState(seed % 2**32))
    return simulator.run(physical, repetitions=shots)


def _tables_of(tables: AngleTables, row: int, column: int) -> AngleTables:
    own = of_patches(tables, slice(column, column + 1))
    return {**own, "filter": tables["filter"][row : row + 1]}
