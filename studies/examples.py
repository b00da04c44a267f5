"""Example circuits for reports."""

from __future__ import annotations

import cirq
import numpy as np

from qucnn_cirq.compiler.program import Program


def example_circuit(program: Program) -> list[tuple[str, cirq.Circuit]]:
    """The circuit of a random patch and, for an ansatz, random angles, with a title.

    Args:
        program: The compiled convolution; its first filter is shown.
    """
    spec, report = program.spec, program.report
    generator = np.random.default_rng(0)
    patch = generator.uniform(0.1, 1.0, (spec.channels, *spec.kernel_pair))
    angles = generator.uniform(0, 2 * np.pi, spec.n_parameters) if spec.n_parameters else None
    title = (
        f"The compiled circuit of one patch on {report.device}: {report.two_qubit_gates} "
        f"{report.gateset} gates, two-qubit depth {report.two_qubit_depth}, {report.qubits} qubits."
    )
    return [(title, program.circuit(patch, angles))]
