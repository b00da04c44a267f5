"""An engine of your own: the bound and noisy circuits on Cirq's density matrix simulator."""

from __future__ import annotations

import cirq
import numpy as np

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import Engine, Outcome, Streams
from qucnn_cirq.engines.streams import outcome_from_means


class DensityMatrix(Engine):
    """Exact means from the probabilities of all outcomes."""

    name = "density_matrix"
    label = "Cirq density matrix"

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Means of every filter on every patch, and shots drawn from them."""
        means = np.array(
            [
                [
                    _mean(template, noise, {"patch": patch[None], "filter": filter_[None]})
                    for patch in tables["patch"]
                ]
                for filter_ in tables["filter"]
            ]
        )
        return outcome_from_means(means, template, shots, streams)


def _mean(template: Template, noise: Noise, tables: AngleTables) -> float:
    circuit = noise.noisy_circuit(template.bound_circuit(tables))
    unread = [each for each in circuit.all_operations() if not cirq.is_measurement(each)]
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    result = simulator.simulate(cirq.Circuit(unread), qubit_order=template.qubits)
    state = result.final_density_matrix
    probabilities = np.diagonal(state).real
    # The bits of every outcome, the first qubit's first, and of these the measured ones.
    bits = np.indices((2,) * len(template.qubits)).reshape(len(template.qubits), -1).T
    measured = [template.qubits.index(qubit) for qubit in template.observable.qubits]
    return float(probabilities @ template.observable.values(bits[:, measured]))
