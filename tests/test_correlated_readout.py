"""Readout errors of two qubits that happen together, in every engine."""

import attrs
import cirq
import numpy as np
import pytest

from noise_models import CorrelatedReadoutNoise, NoiseConfiguration, NoiseError, as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    RandomCircuit,
    compile_convolution,
)
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.engines.process import read_observable

A, B, C, D = cirq.GridQubit.rect(2, 2)
MIXED = {
    "depolarizing": {"p2": 0.01},
    "readout": {"p01": 0.03, "p10": 0.08},
    "correlated_readout": {"both": 0.04},
}


def recorded(noise: object, state: int, qubits: list[cirq.Qid]) -> np.ndarray:
    """Probabilities of the recorded bits of a basis state, by Cirq."""
    bits = cirq.big_endian_int_to_bits(state, bit_count=len(qubits))
    circuit = cirq.Circuit(cirq.X(q) for q, bit in zip(qubits, bits, strict=True) if bit)
    circuit += cirq.Moment(cirq.measure(*qubits, key="m"))
    noisy = cirq.drop_terminal_measurements(as_noise(noise).noisy_circuit(circuit))
    rho = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=qubits)
    return np.diag(rho.final_density_matrix).real


def test_a_pair_is_flipped_together() -> None:
    noise = {"correlated_readout": {"both": 0.1}}
    np.testing.assert_allclose(recorded(noise, 0b01, [A, B]), [0, 0.9, 0.1, 0], atol=1e-12)
    # The diagonal of a square is no coupler, but may be named.
    np.testing.assert_allclose(recorded(noise, 0b01, [A, D]), [0, 1, 0, 0], atol=1e-12)
    named = {"correlated_readout": {"both": 0.1, "couplers": {"0,0:1,1": 0.3, "0,0:0,1": 0}}}
    np.testing.assert_allclose(recorded(named, 0b01, [A, D]), [0, 0.7, 0.3, 0], atol=1e-12)
    np.testing.assert_allclose(recorded(named, 0b01, [A, B]), [0, 1, 0, 0], atol=1e-12)


def test_pairs_overlap_and_follow_independent_errors() -> None:
    noise = {"readout": {"p01": 0.2}, "correlated_readout": {"both": 0.1}}
    line = cirq.LineQubit.range(3)
    expected = np.zeros(8)
    for flips in range(8):  # Which of the three bits is misread for itself.
        own = 0.2 ** bin(flips).count("1") * 0.8 ** (3 - bin(flips).count("1"))
        for first in (0, 1):
            for second in (0, 1):
                chance = (0.1 if first else 0.9) * (0.1 if second else 0.9)
                expected[flips ^ (0b110 * first) ^ (0b011 * second)] += own * chance
    np.testing.assert_allclose(recorded(noise, 0, line), expected, atol=1e-12)


def test_what_is_measured_at_another_time_is_not_flipped_along() -> None:
    circuit = cirq.Circuit(cirq.Moment(cirq.measure(A)), cirq.Moment(cirq.measure(B)))
    noise = as_noise({"correlated_readout": {"both": 0.1}})
    assert noise.noisy_circuit(circuit) == circuit
    assert noise.joint_readout([A]) == []
    assert noise.joint_readout([A, B, D]) == [((A, B), 0.1), ((B, D), 0.1)]


def test_the_recorded_observable_joins_groups_that_share_errors() -> None:
    parity = (1.0, -1.0)
    observable = Observable((((A,), parity), ((D,), parity), ((B,), parity)), -1)
    noise = as_noise(MIXED)
    groups = read_observable(observable, noise)
    assert [set(qubits) for qubits, _ in groups] == [{A, B, D}]
    qubits, values = groups[0]
    bits = cirq.big_endian_int_to_bits
    for state in range(8):
        own = dict(zip(qubits, bits(state, bit_count=3), strict=True))
        number = cirq.big_endian_bits_to_int([own[q] for q in observable.qubits])
        chances = recorded({**MIXED, "depolarizing": {}}, number, list(observable.qubits))
        shots = np.array([bits(i, bit_count=3) for i in range(8)])
        assert values[state] == pytest.approx(chances @ observable.values(shots), abs=1e-12)


def test_means_of_some_bits_know_flips_with_the_others() -> None:
    filters = RandomCircuit()
    spec = ConvolutionSpec(kernel=(2, 2), filters=filters, encoding="angle", measurement="z")
    program = compile_convolution(spec, "grid:2x2")
    template = program.filters[0].template
    patch = np.array([[[0.3, 1.0], [0.7, 0.2]]])
    noisy = as_noise(MIXED).noisy_circuit(program.circuit(patch[0]))
    measured = list(template.observable.qubits)
    assert len(as_noise(MIXED).joint_readout(measured)) > 1
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(cirq.drop_terminal_measurements(noisy), qubit_order=measured)
    chances = np.diag(rho.final_density_matrix).real
    if template.relabelling is not None:
        chances = template.relabelling.read(chances)
    chances = chances.reshape((2,) * 4)
    zeros = [np.moveaxis(chances, axis, 0)[0].sum() for axis in range(4)]
    layer = QuantumConvolution(program, engine="exact", noise=MIXED, shots=None)
    np.testing.assert_allclose(layer.forward(patch).ravel(), 2 * np.array(zeros) - 1, atol=1e-10)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_engines_agree_with_the_density_matrix(overlap: str) -> None:
    spec = ConvolutionSpec(
        kernel=(2, 2), filters=FixedFilter([1.0, -2.0, 0.5, 3.0]), overlap=overlap
    )
    program = compile_convolution(spec, "willow_pink")
    patch = np.array([[[0.3, 1.0], [-0.7, 0.2]]])
    template = program.filters[0].template
    noisy = as_noise(MIXED).noisy_circuit(program.circuit(patch[0]))
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    measured = list(template.observable.qubits)
    rho = simulator.simulate(
        cirq.drop_terminal_measurements(noisy),
        qubit_order=[*measured, *(q for q in template.qubits if q not in measured)],
    ).final_density_matrix
    chances = np.diag(rho).real.reshape(2 ** len(measured), -1).sum(axis=1)
    shots = np.array(
        [cirq.big_endian_int_to_bits(i, bit_count=len(measured)) for i in range(len(chances))]
    )
    expected = chances @ template.observable.values(shots)
    for engine, tolerance in (("exact", 1e-12), ("qsim_density", 1e-6)):
        layer = QuantumConvolution(program, engine=engine, noise=MIXED, shots=None)
        assert layer.forward(patch).item() == pytest.approx(expected, abs=tolerance)
    for engine in ("qsim", "sampler"):
        layer = QuantumConvolution(program, engine=engine, noise=MIXED, shots=20_000, seed=5)
        deviation = np.sqrt(template.observable.variance(expected, 20_000))
        assert abs(layer.forward(patch).item() - expected) < 4 * deviation
    without = {key: value for key, value in MIXED.items() if key != "correlated_readout"}
    silent = QuantumConvolution(program, engine="exact", noise=without, shots=None).forward(patch)
    noticed = len(as_noise(MIXED).joint_readout(measured)) > 0
    assert (abs(silent.item() - expected) > 1e-3) == noticed


def test_it_is_plain_data_that_scales_with_readout() -> None:
    noise = NoiseConfiguration(
        correlated_readout={"both": 0.01, "couplers": {"q(0, 1):q(0, 0)": 0.05}},
        scales={"readout": 2.0},
    )
    assert noise.correlated_readout == CorrelatedReadoutNoise(0.01, {"0,0:0,1": 0.05})
    assert NoiseConfiguration.from_toml(noise.to_toml()) == noise
    assert NoiseConfiguration.from_json(noise.to_json()) == noise
    assert as_noise(noise).joint_readout([A, B]) == [((A, B), 0.1)]
    assert as_noise(noise).has_readout_noise
    assert as_noise(attrs.evolve(noise, scale=0)).is_ideal
    # It adds to what a calibration says, which explicit readout errors replace.
    both = as_noise({"calibrated": "willow_pink", "correlated_readout": {"both": 0.01}})
    assert both.readout(cirq.GridQubit(6, 3)) != (0, 0)
    assert as_noise({"calibrated": "willow_pink", "readout": {}}).has_readout_noise is False


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"both": 1.5}, "correlated_readout.both = 1.5 is not allowed: .* within 0..1"),
        ({"couplers": {"0,0": 0.1}}, "no coupler"),
        ({"couplers": 0.1}, "correlated_readout.couplers = 0.1 is not a table"),
        ({"p01": 0.1}, "'p01'"),
    ],
)
def test_what_is_not_allowed_is_named(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(NoiseError, match=message):
        as_noise({"correlated_readout": mapping})
    with pytest.raises(NoiseError, match=r"correlated_readout.both = 0.6 to 1.2"):
        as_noise({"correlated_readout": {"both": 0.6}, "scale": 2})
