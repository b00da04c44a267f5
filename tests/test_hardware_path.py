"""Compiled circuits on cirq_google's virtual processors, as on real ones."""

from __future__ import annotations

import cirq_google
import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.patches import extract_patches
from qucnn_cirq.validation import validate

SHOTS = 1000
IMAGE = 1 + 0.3 * np.random.default_rng(3).normal(size=(1, 4, 4))
SPEC = ConvolutionSpec(kernel=(2, 2), stride=2, filters=FixedFilter(np.ones((2, 2))))


@pytest.mark.parametrize(("name", "gate_set"), [("rainbow", "sqrt_iswap")])
def test_a_virtual_processor_agrees_with_the_exact_engine(name, gate_set):
    machine = cirq_google.engine.create_default_noisy_quantum_virtual_machine(processor_id=name)
    sampler = machine.get_processor(name).get_sampler()
    program = compile_convolution(SPEC, name, gate_set=gate_set)
    exact = QuantumConvolution(program, engine="exact", noise=name, shots=None)
    expected = exact.forward(IMAGE).ravel()
    patches = extract_patches(IMAGE, SPEC).states.reshape(-1, 2, 2)
    estimates = np.array(
        [program.estimate(sampler.run(program.circuit(p), repetitions=SHOTS)) for p in patches]
    )
    deviations = (estimates - expected) / np.sqrt((1 - expected**2) / SHOTS)
    assert np.abs(deviations).max() < 4
    assert abs(deviations.sum()) / 2 < 3
    # The noise is what they agree on.
    ideal = QuantumConvolution(program, engine="exact", noise=None, shots=None).forward(IMAGE)
    assert np.abs(ideal.ravel() - expected).max() > 0.01


def test_a_processors_own_device_is_compiled_for():
    machine = cirq_google.engine.create_default_noisy_quantum_virtual_machine(
        processor_id="willow_pink"
    )
    device = machine.get_processor("willow_pink").get_device()
    program = compile_convolution(SPEC, device)
    circuit = program.circuit(IMAGE[0, :2, :2])
    assert validate(circuit, device) == []
    device.validate_circuit(circuit)
