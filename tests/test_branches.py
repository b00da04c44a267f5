"""qsim's shots of noisy circuits by error patterns, and gates multiplied together for qsim."""

from __future__ import annotations

import itertools

import cirq
import numpy as np
import pytest
from scipy import stats

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
)
from qucnn_cirq.engines import branches, expected_seconds, make_engine
from qucnn_cirq.engines.branches import (
    BranchedCircuit,
    Mixture,
    error_patterns,
    expected_patterns,
)
from qucnn_cirq.engines.qsim_circuits import blocks_of, entries, evolved

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
PATCHES = np.random.default_rng(2).uniform(0.1, 1.0, (3, 2, 2))


def layer(engine, noise, shots=500, kernel=(2, 2), overlap="ancilla"):
    values = np.random.default_rng(1).normal(size=kernel)
    spec = ConvolutionSpec(kernel=kernel, filters=FixedFilter(values), overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    return QuantumConvolution(program, engine=engine, noise=noise, shots=shots, seed=4)


def test_error_patterns_averaged_by_their_chances_give_the_exact_mean():
    generator = np.random.default_rng(5)
    qubits = cirq.LineQubit.range(3)
    # A coherent error, a channel that has no identity among its branches, and one that is wide.
    channels = [
        cirq.depolarize(0.3, 2).on(qubits[1], qubits[0]),
        cirq.asymmetric_depolarize(0.1, 0.2, 0.7).on(qubits[2]),
        cirq.rx(0.3).on(qubits[0]),
        cirq.bit_flip(0.25).on(qubits[1]),
    ]
    circuit = cirq.Circuit()
    for channel in channels:
        circuit += cirq.testing.random_circuit(
            qubits, 4, 0.9, random_state=int(generator.integers(99))
        )
        circuit += channel
    circuit += cirq.testing.random_circuit(qubits, 4, 0.9, random_state=7)
    diagonal = generator.normal(size=8)
    branched = BranchedCircuit.of(circuit, qubits)
    chances = [mixture.chances for mixture in branched.mixtures]
    choices = list(itertools.product(*(range(len(each)) for each in chances)))
    assert len(choices) == 16 * 3 * 2
    patterns = [tuple((g, b) for g, b in enumerate(choice) if b) for choice in choices]
    total = 0.0
    for number, state in branched.states(patterns):
        weights = abs(state.view(np.complex64)) ** 2
        chance = np.prod([each[b] for each, b in zip(chances, choices[number], strict=True)])
        total += chance * (weights @ diagonal)
    matrix = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(circuit, qubit_order=qubits)
    expected = np.diag(matrix.final_density_matrix).real @ diagonal
    assert total == pytest.approx(expected, abs=2e-6)


def test_errors_are_drawn_as_often_as_they_are_likely(monkeypatch):
    monkeypatch.setattr(branches, "_SHOTS_AT_ONCE", 7000)
    pair = Mixture(np.array([0.7, 0.2, 0.1]), np.zeros((3, 2, 2), complex))
    gate = Mixture(np.ones(1), np.zeros((1, 2, 2), complex))
    patterns = error_patterns([pair, gate, pair], 20_000, np.random.default_rng(3))
    assert sum(patterns.values()) == 20_000
    expected, counted = [], []
    for first, second in itertools.product(range(3), repeat=2):
        pattern = tuple((number, b) for number, b in ((0, first), (2, second)) if b)
        expected.append(20_000 * pair.chances[first] * pair.chances[second])
        counted.append(patterns[pattern])
    assert len(patterns) == 9
    assert stats.chisquare(counted, expected).pvalue > 0.01
    assert error_patterns([gate], 5, np.random.default_rng(3)) == {(): 5}
    certain = Mixture(np.array([0.25] * 4), np.zeros((4, 2, 2), complex))
    assert sum(error_patterns([certain] * 30, 50, np.random.default_rng(3)).values()) == 50


def test_ten_thousand_shots_take_less_than_a_tenth_as_many_simulations(monkeypatch):
    seen = []

    def counted(n_qubits, gates, *rest):
        seen.append(n_qubits)
        return evolved(n_qubits, gates, *rest)

    monkeypatch.setattr(branches, "evolved", counted)
    sampled = layer("qsim", NOISE, 10_000, (4, 4))
    patch = np.random.default_rng(6).uniform(size=(1, 4, 4))
    estimate = sampled.forward(patch).item()
    assert set(seen) == {9}
    assert len(seen) < 1000
    mean = QuantumConvolution(sampled.program, "exact", NOISE, shots=None).forward(patch).item()
    assert abs(estimate - mean) < 3 * np.sqrt((1 - mean**2) / 10_000)


def test_counts_depend_on_the_image_alone():
    sampled = layer("qsim", NOISE)
    together = sampled.run(PATCHES).counts
    turned = layer("qsim", NOISE).run(PATCHES[::-1]).counts
    alone = [layer("qsim", NOISE).run(patch[None]).counts.item() for patch in PATCHES]
    np.testing.assert_array_equal(together.ravel(), alone)
    np.testing.assert_array_equal(together.ravel(), turned.ravel()[::-1])


@pytest.mark.parametrize(
    ("engine", "noise", "reason"),
    [
        ("qsim", None, "one final state a patch"),
        ("qsim", NOISE, "shots by branches"),
        ("qsim", {"depolarizing": {"p1": 0.1}, "coherent": {"angle": 0.1}}, "shots by branches"),
        ("qsim", cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.1)), "shots by branches"),
        ("qsim", cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.1)), "no unitary"),
        ("qsim", {"thermal": {"t1": 5.0, "t2": 4.0}}, "a trajectory for every shot"),
        ("qsim:trajectories", NOISE, "a trajectory for every shot (asked for)"),
    ],
)
def test_branches_are_taken_where_every_error_is_a_unitary(engine, noise, reason):
    sampled = layer(engine, noise, 2000, (1, 2))
    estimate = sampled.run(PATCHES[:1, :1]).estimates.item()
    assert sampled.engine.name == engine
    assert sampled.engine.reason.startswith(f"{engine}: ")
    assert reason in sampled.engine.reason
    exact = QuantumConvolution(sampled.program, "exact", noise, shots=None)
    mean = exact.run(PATCHES[:1, :1]).estimates.item()
    assert abs(estimate - mean) < 4 * np.sqrt((1 - mean**2) / 2000)


def test_other_ways_of_sampling_are_refused():
    with pytest.raises(InputError, match="unknown method .branch.*trajectories"):
        make_engine("qsim:branch")


def test_blocks_of_gates_do_what_the_gates_do():
    generator = np.random.default_rng(9)
    for n_qubits in (3, 4, 5):
        sizes = generator.choice([1, 1, 2, 2, 3], 25)
        places = [generator.permutation(n_qubits)[:size].tolist() for size in sizes]
        gates = [
            cirq.testing.random_unitary(2**size, random_state=int(generator.integers(99)))
            for size in sizes
        ]
        blocks = blocks_of(places)
        assert len(blocks) < 25
        assert sorted(gate for block in blocks for gate, _ in block.gates) == list(range(25))
        matrices = [gate[None] for gate in gates]
        states = [
            evolved(
                n_qubits, [(b.numbers, entries(b.product(matrices))[0].tolist()) for b in blocks], 1
            ),
            evolved(
                n_qubits,
                [(p, entries(m)[0].tolist()) for p, m in zip(places, matrices, strict=True)],
                1,
            ),
        ]
        np.testing.assert_allclose(*states, atol=1e-6)


def test_gates_that_are_made_anew_are_not_mistaken_for_one_another() -> None:
    """A controlled operation makes its gate when asked, which may take the place of the last."""
    (a, b), powers = cirq.LineQubit.range(2), np.random.default_rng(1).random(300)
    turns = (
        cirq.PhasedXZGate(x_exponent=power, z_exponent=0, axis_phase_exponent=0) for power in powers
    )
    circuit = cirq.Circuit(cirq.H(a), *(cirq.ControlledOperation([a], turn(b)) for turn in turns))
    branched = BranchedCircuit.of(circuit, [a, b])
    assert branched is not None
    generator = np.random.default_rng(0)
    _, mean = branched.sample(lambda chances: chances @ [0.0, 1, 0, 1], 10, generator)
    assert mean[0] == pytest.approx(np.sin(np.pi * powers.sum() / 2) ** 2 / 2, abs=1e-4)


@pytest.mark.parametrize("shots", [100, 10_000, 100_000])
def test_as_many_patterns_are_expected_as_are_drawn(shots: int) -> None:
    bound = layer("qsim", NOISE).program.circuit(np.eye(2))
    circuit = bound.with_noise(as_noise(NOISE).gate_model)
    branched = BranchedCircuit.of(circuit, sorted(circuit.all_qubits()))
    drawn = len(error_patterns(branched.mixtures, shots, np.random.default_rng(1)))
    assert expected_patterns(branched.mixtures, shots) == pytest.approx(drawn, rel=0.1)


@pytest.mark.parametrize(
    ("engine", "noise", "seconds"),
    [
        ("qsim", None, 1.5e-4),
        ("qsim", NOISE, 0.15),
        ("qsim:trajectories", NOISE, 3.3),
        ("qsim", "willow_pink", 12.6),
    ],
)
def test_qsim_expects_what_it_takes(engine: str, noise: object, seconds: float) -> None:
    """Within a factor of 3 of what was measured for 10,000 shots of the test of 4x4 patches."""
    template = layer(engine, noise, kernel=(4, 4)).program.filters[0].template
    found = expected_seconds(engine, template, as_noise(noise), 10_000)
    assert seconds / 3 < found < 3 * seconds
