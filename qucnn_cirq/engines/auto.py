"""The engine that chooses among the others."""

from __future__ import annotations

import logging

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.prepared import check_memory
from qucnn_cirq.engines.qsim import LARGEST_STATE, QsimDensityEngine, QsimEngine
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError

_LOGGER = logging.getLogger(__name__)


class AutoEngine(Engine):
    """Takes the fastest engine that is exact, and qsim's shots where none is.

    Attributes:
        reason: Why the last run was done by the engine that did it, in one line.
    """

    name = "auto"
    label = "the fastest exact engine"

    def __init__(self) -> None:
        self.reason = "nothing was run yet"
        self._exact = ExactEngine()

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether any engine gives them."""
        try:
            self.choose(template, noise, None)
        except InputError:
            return False
        return True

    @classmethod
    def seconds(cls, template: Template, noise: Noise, shots: int, variant: str = "") -> float:
        """As the exact engine, which is nearly always taken."""
        return ExactEngine.seconds(template, noise, shots)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Runs the engine that `choose` takes; see `qucnn_cirq.engines.Engine`."""
        engine = self._chosen(template, noise, shots)
        return engine.run(template, noise, tables, shots, streams)

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """Runs the engine that `choose` takes; see `qucnn_cirq.engines.Engine`."""
        engine = self._chosen(template, noise, None)
        return engine.distribution(template, noise, tables)

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """Runs the engine that `choose` takes; see `qucnn_cirq.engines.Engine`."""
        engine = self._chosen(template, noise, shots)
        return engine.outcome_counts(template, noise, tables, shots, streams)

    def _chosen(
        self, template: Template, noise: Noise, shots: int | None
    ) -> ExactEngine | QsimEngine | QsimDensityEngine:
        """The engine for a circuit; the reason is noted, and logged where it is another one."""
        engine, reason = self.choose(template, noise, shots)
        if reason != self.reason:
            _LOGGER.debug("engine %s", reason)
        self.reason = reason
        return engine

    def choose(
        self, template: Template, noise: Noise, shots: int | None
    ) -> tuple[ExactEngine | QsimEngine | QsimDensityEngine, str]:
        """The engine for a circuit, and why in one line.

        Args:
            template: The compiled circuit.
            noise: The noise.
            shots: Shots for each item; None for exact means.

        Raises:
            InputError: If nothing fits the memory; the message says how much would be needed.
        """
        n_qubits = len(template.qubits)
        try:
            is_cut = check_memory(template, noise)
        except InputError as error:
            refusal = str(error).split(". ")[0]
        else:
            if is_cut:
                how = "data and filter are on different qubits until they meet"
                return self._exact, f"exact: {how}, so that a patch takes microseconds"
            if n_qubits <= _LARGEST_WHOLE:
                return self._exact, "exact: the circuit is small enough to be evolved whole"
            refusal = "data and filter are not on different qubits until they meet"
        if noise.gate_model == cirq.NO_NOISE and n_qubits <= LARGEST_STATE:
            return QsimEngine(), f"qsim: a state vector of {n_qubits} qubits; not exact: {refusal}"
        if 2 * n_qubits <= LARGEST_STATE:
            return (
                QsimDensityEngine(),
                f"qsim_density: {n_qubits} qubits fit a density matrix; not exact: {refusal}",
            )
        if shots is None or n_qubits > LARGEST_STATE:
            raise InputError(
                f"no engine can do this: {refusal}, and {n_qubits} qubits take "
                f"{2.0 ** (n_qubits + 3) / 2**30:.3g} GiB as a state vector and "
                f"{4.0**n_qubits * 8 / 2**30:.3g} GiB as a density matrix. "
                + ("Ask for shots or use" if shots is None else "Use")
                + " a smaller kernel."
            )
        return QsimEngine(), f"qsim: shots of {n_qubits} qubits; not exact: {refusal}"


_LARGEST_WHOLE = 8
"""Qubits of a circuit that is evolved whole faster than by qsim's density matrix."""
