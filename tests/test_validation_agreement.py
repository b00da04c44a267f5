"""Validation agrees with Cirq on random circuits of every kind of operation that devices know."""

from __future__ import annotations

import cirq
import cirq_google
import numpy as np
import pytest

from qucnn_cirq import load_device
from qucnn_cirq.devices import Device
from qucnn_cirq.validation import validate

BEYOND_CIRQ = {"after_measurement", "measurement_beside_gates", "coherence_time"}


def operation(device: Device, random: np.random.Generator) -> cirq.Operation:
    """One operation, native on some devices and not on others."""
    qubits, couplers = sorted(device.graph), sorted(device.graph.edges)
    q = qubits[random.integers(len(qubits))]
    a, b = couplers[random.integers(len(couplers))]
    native = cirq.CZ if "cz" in device.two_qubit_gates else cirq.SQRT_ISWAP
    rarely = random.random() < 0.3
    choices = [
        cirq.Z(q).with_tags(cirq_google.PhysicalZTag()),
        cirq.wait(a, b, nanos=5),
        cirq.measure(a, b, key=str(random.integers(10**9))),
        cirq.FSimGate(*random.choice([0, np.pi / 2, np.pi / 6, -np.pi / 4], 2)).on(a, b),
        cirq.PhasedFSimGate(np.pi / 2, 0, 0, 0, np.pi / 6).on(a, b),
        cirq.wait(cirq_google.Coupler(a, b), nanos=5),
        cirq.wait(cirq_google.Coupler(q, b), nanos=5) if q != b else cirq.X(q),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(a), native(a, b)), repetitions=2),
        cirq.CircuitOperation(cirq.FrozenCircuit((cirq.CNOT if rarely else native)(a, b))),
        cirq.reset(q) if rarely else cirq.X(q),
        cirq.X(q).with_classical_controls("k") if rarely else cirq.H(q),
        cirq.ISWAP(a, b) ** -0.5,
        cirq_google.SYC(a, b).with_tags("tag"),
        cirq.PhasedXPowGate(phase_exponent=0.1, exponent=0.4).on(q),
        cirq.SingleQubitCliffordGate.H(q),
        cirq.I(q),
    ]
    return choices[random.integers(len(choices))]


@pytest.mark.parametrize("name", ["willow_pink", "weber", "rainbow", "sycamore", "grid:4x4"])
def test_an_error_is_found_exactly_when_cirq_raises(name: str) -> None:
    device = load_device(name)
    random = np.random.default_rng(5)
    accepted = 0
    for _ in range(110):
        circuit = cirq.Circuit(operation(device, random) for _ in range(random.integers(1, 5)))
        try:
            device.cirq_device.validate_circuit(circuit)
            allowed = True
        except ValueError:
            allowed = False
        accepted += allowed
        ours = [each for each in validate(circuit, device) if each.rule not in BEYOND_CIRQ]
        assert allowed == (not ours), circuit
    assert 20 < accepted < 100
