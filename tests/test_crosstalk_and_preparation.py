"""Errors between simultaneous gates, and of qubits that start in |1>."""

import attrs
import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import (
    CrosstalkError,
    CrosstalkNoise,
    NoiseConfiguration,
    NoiseError,
    PreparationNoise,
    as_noise,
)
from noise_models.timeline import prepared_qubits
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
    compile_parallel,
)
from qucnn_cirq.compiler.survival import is_coherent, survival
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import make_engine, prepared
from qucnn_cirq.engines.factoring import factor
from qucnn_cirq.engines.process import physical_process
from qucnn_cirq.estimators import readings_of
from qucnn_cirq.mitigation import ErrorCancellation
from qucnn_cirq.mitigation.quasi import as_depolarizing, depolarizing_only

Q = cirq.GridQubit.rect(2, 3)
A, B, C, D, E, F = Q
BOTH = {
    "crosstalk": {"p": 0.03, "angle": 0.2, "couplers": {"0,0:0,1": {"p": 0.1}}},
    "preparation": {"p": 0.05, "qubits": {"0,0": 0.2}},
    "depolarizing": {"p1": 0.01},
}
VECTOR = FixedFilter([1.0, -2.0, 0.5, 3.0])


def density(circuit: cirq.Circuit, qubits: list[cirq.Qid]) -> np.ndarray:
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    return simulator.simulate(circuit, qubit_order=qubits).final_density_matrix


def errors(circuit: cirq.Circuit, noise: object) -> list[tuple[tuple[cirq.Qid, ...], cirq.Gate]]:
    noisy = as_noise(noise).noisy_circuit(circuit)
    return [(op.qubits, op.gate) for op in noisy.all_operations() if cirq.VirtualTag() in op.tags]


def test_neighbours_of_different_gates_meet() -> None:
    noise = {"crosstalk": {"p": 0.01}}
    # Two gates side by side have two pairs, two in a row one, and one gate has none.
    side = cirq.Circuit(cirq.Moment(cirq.CZ(A, D), cirq.CZ(E, B)))
    assert [qubits for qubits, _ in errors(side, noise)] == [(A, B), (D, E)]
    line = cirq.LineQubit.range(5)
    row = cirq.Circuit(cirq.Moment(cirq.CZ(*line[:2]), cirq.CZ(*line[2:4]), cirq.X(line[4])))
    assert [qubits for qubits, _ in errors(row, noise)] == [(line[1], line[2])]
    one_by_one = cirq.Circuit(cirq.Moment(cirq.CZ(A, D)), cirq.Moment(cirq.CZ(B, E)))
    assert errors(one_by_one, noise) == []
    virtual = cirq.CZ(B, E).with_tags(cirq.VirtualTag())
    assert as_noise(noise).noisy_circuit(cirq.Circuit(cirq.Moment(cirq.CZ(A, D), virtual))) == (
        cirq.Circuit(cirq.Moment(cirq.CZ(A, D), virtual))
    )


def test_a_pair_that_is_named_has_values_of_its_own() -> None:
    circuit = cirq.Circuit(cirq.Moment(cirq.CZ(A, B), cirq.CZ(E, F)))
    near, far = {"p": 0.01}, {"couplers": {"0,0:1,2": {"angle": 0.3}}}
    assert errors(circuit, {"crosstalk": near}) == [((B, E), cirq.depolarize(0.01, 2))]
    turn = cirq.ZZPowGate(exponent=0.3 / np.pi, global_shift=-0.5)
    assert errors(circuit, {"crosstalk": far}) == [((A, F), turn)]
    off = {"p": 0.01, "couplers": {"0,1:1,1": {"p": 0}}}
    assert errors(circuit, {"crosstalk": off}) == []
    noise = CrosstalkNoise(p=0.01, couplers={"0,1:1,1": {"angle": 0.1}})
    assert noise.couplers["0,1:1,1"] == CrosstalkError(0.01, 0.1)


@pytest.mark.parametrize("angle", [0.3, -1.0])
def test_a_turn_has_the_infidelity_that_is_documented(angle: float) -> None:
    ((_, gate),) = errors(
        cirq.Circuit(cirq.Moment(cirq.CZ(A, B), cirq.CZ(E, F))), {"crosstalk": {"angle": angle}}
    )
    zz = np.diag([1, -1, -1, 1])
    np.testing.assert_allclose(
        cirq.unitary(gate), np.diag(np.exp(-0.5j * angle * np.diag(zz))), atol=1e-12
    )
    fidelity = abs(np.trace(cirq.unitary(gate))) ** 2 / 16
    assert (1 - fidelity) * 4 / 5 == pytest.approx(0.8 * np.sin(angle / 2) ** 2, abs=1e-12)


def test_a_turn_comes_before_the_paulis_of_each_pair_in_order() -> None:
    """By hand: pair after pair, also where they share a qubit."""
    qubits = cirq.GridQubit.rect(3, 2)
    a, b, c, d, e, f = qubits
    ideal = cirq.Circuit(
        cirq.Moment(cirq.H.on_each(*qubits)),
        cirq.Moment(cirq.CZ(a, b), cirq.CZ(c, d), cirq.CZ(e, f)),
    )
    noise = {"crosstalk": {"p": 0.1, "angle": 0.7}}
    by_hand = ideal.copy()
    for pair in ((a, c), (b, d), (c, e), (d, f)):
        by_hand += cirq.Circuit(cirq.rz(0.7).on(pair[0]), cirq.rz(0.0).on(pair[1]))
        # exp(-i t ZZ / 2) is a controlled turn the other way round behind a turn.
        by_hand += cirq.Circuit(cirq.ControlledGate(cirq.rz(-1.4)).on(pair[1], pair[0]))
        by_hand += cirq.Circuit(cirq.depolarize(0.1, 2).on(*pair))
    found = density(as_noise(noise).noisy_circuit(ideal), qubits)
    np.testing.assert_allclose(found, density(by_hand, qubits), atol=1e-10)


def test_qubits_start_in_one() -> None:
    # What is used late was prepared with the others, and decays since then.
    circuit = cirq.Circuit(
        cirq.Moment(cirq.X(A)), cirq.Moment(cirq.X(A)), cirq.Moment(cirq.CZ(A, B))
    )
    noise = {"preparation": {"p": 0.1, "qubits": {"0,1": 0.3}}}
    own = np.diag(density(as_noise(noise).noisy_circuit(circuit), [A, B])).real
    np.testing.assert_allclose(own, np.kron([0.9, 0.1], [0.7, 0.3]), atol=1e-12)
    decay = {**noise, "thermal": {"t1": 1.0, "t2": 1.0}}
    own = np.diag(density(as_noise(decay).noisy_circuit(circuit), [A, B])).real
    left = np.exp(-(25 + 25 + 42) / 1000)
    assert own.reshape(2, 2)[:, 1].sum() == pytest.approx(0.3 * left, abs=1e-12)
    moments = as_noise(noise).noisy_circuit(circuit).moments
    assert [op.gate for op in moments[0]] == [cirq.bit_flip(0.1), cirq.bit_flip(0.3)]
    assert moments[1:] == circuit.moments
    assert as_noise(noise).noisy_circuit(cirq.Circuit()) == cirq.Circuit()


def test_they_are_plain_data_that_is_scaled() -> None:
    noise = NoiseConfiguration(**BOTH, scale=0.5, scales={"gate": 0.5, "readout": 2.0})
    assert NoiseConfiguration.from_toml(noise.to_toml()) == noise
    assert NoiseConfiguration.from_json(noise.to_json()) == noise
    assert noise.preparation == PreparationNoise(0.05, {"0,0": 0.2})
    circuit = cirq.Circuit(cirq.Moment(cirq.CZ(D, E), cirq.CZ(A, B)))
    found = dict(errors(circuit, attrs.evolve(noise, depolarizing=None)))
    assert found[(A,)] == cirq.bit_flip(0.2) and found[(D,)] == cirq.bit_flip(0.05)
    assert found[A, D] == cirq.depolarize(0.03 / 4, 2)
    turn = {"crosstalk": {"angle": 0.2}, "scale": 0.25}
    assert dict(errors(circuit, turn))[B, E].exponent == pytest.approx(0.1 / np.pi)
    for scales in ({"scale": 0.0}, {"scales": {"gate": 0.0, "readout": 0.0}}):
        assert as_noise({"crosstalk": BOTH["crosstalk"], **scales}).is_ideal
        assert as_noise({"preparation": {"p": 0.1}, **scales}).is_ideal
    assert as_noise({"crosstalk": {}, "preparation": {"p": 0}}).is_ideal


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"crosstalk": {"p": 1.5}}, r"crosstalk.p = 1.5 is not allowed: .* within 0..1"),
        ({"crosstalk": {"angle": 4}}, r"crosstalk.angle = 4 is not allowed"),
        ({"crosstalk": {"couplers": {"0,0:0,1": 0.1}}}, "not a table with the keys p and angle"),
        ({"crosstalk": {"couplers": {"0,0:0,1": {"q": 0.1}}}}, "unknown key .* 'q'"),
        ({"crosstalk": {"couplers": {"0,0": {}}}}, "no coupler"),
        ({"crosstalk": {"p": 0.6}, "scale": 2}, "crosstalk.p = 0.6 to 1.2"),
        ({"crosstalk": {"couplers": {"0,0:0,1": {"p": 0.6}}}, "scale": 2}, "'0,0:0,1'.p = 0.6"),
        ({"preparation": {"p": -1}}, "preparation.p = -1 is not allowed"),
        ({"preparation": 0.1}, "preparation = 0.1 is not a table"),
        ({"preparation": {"qubits": {"0,0": 0.6}}, "scale": 2}, "'0,0' = 0.6 to 1.2"),
    ],
)
def test_what_is_not_allowed_is_named(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(NoiseError, match=message):
        as_noise(mapping)


def test_values_for_places_that_a_device_lacks_are_refused() -> None:
    program = compile_convolution(ConvolutionSpec(kernel=(2, 2), filters=VECTOR), "grid:3x3")
    for noise in (
        {"crosstalk": {"couplers": {"0,0:7,7": {"p": 0.1}}}},
        {"preparation": {"qubits": {"7,7": 0.1}}},
    ):
        with pytest.raises(InputError, match="'7,7' is no qubit"):
            QuantumConvolution(program, engine="exact", noise=noise, shots=None)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_engines_agree_with_the_density_matrix(overlap: str) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap=overlap)
    program = compile_convolution(spec, "grid:3x4")
    patch = np.array([[[0.3, 1.0], [-0.7, 0.2]]])
    template = program.filters[0].template
    noisy = as_noise(BOTH).noisy_circuit(program.circuit(patch[0]))
    measured = list(template.observable.qubits)
    others = [q for q in template.qubits if q not in measured]
    rho = density(cirq.drop_terminal_measurements(noisy), [*measured, *others])
    chances = np.diag(rho).real.reshape(2 ** len(measured), -1).sum(axis=1)
    bits = [cirq.big_endian_int_to_bits(i, bit_count=len(measured)) for i in range(len(chances))]
    expected = float(chances @ template.observable.values(np.array(bits)))
    for engine, tolerance in (("exact", 1e-12), ("qsim_density", 1e-6)):
        layer = QuantumConvolution(program, engine=engine, noise=BOTH, shots=None)
        assert layer.forward(patch).item() == pytest.approx(expected, abs=tolerance)
    for engine in ("qsim", "qsim:trajectories", "sampler"):
        layer = QuantumConvolution(program, engine=engine, noise=BOTH, shots=5_000, seed=5)
        deviation = np.sqrt(template.observable.variance(expected, 5_000))
        assert abs(layer.forward(patch).item() - expected) < 4.5 * deviation


@given(st.floats(0, 0.2), st.floats(0, 0.2), st.floats(-1, 1), st.integers(0, 10**6), st.booleans())
@settings(max_examples=10, deadline=None)
def test_any_state_on_a_square(
    p: float, flip: float, angle: float, seed: int, turned: bool
) -> None:
    """Against matrices: kron products of Pauli operators on four qubits."""
    generator = np.random.default_rng(seed)
    ends = ((A, D), (B, E)) if turned else ((A, B), (D, E))
    pulses = [cirq.PhasedXZGate(x_exponent=x, z_exponent=z, axis_phase_exponent=0.1)
              for x, z in generator.uniform(-1, 1, (4, 2))]  # fmt: skip
    order = [A, B, D, E]
    circuit = cirq.Circuit(
        cirq.Moment(pulse.on(q) for pulse, q in zip(pulses, order, strict=True)),
        cirq.Moment(cirq.CZ(*pair) for pair in ends),
    )
    noise = {"crosstalk": {"p": p, "angle": angle}, "preparation": {"p": flip}}
    found = density(as_noise(noise).noisy_circuit(circuit), order)

    def on(operators: dict[cirq.Qid, np.ndarray]) -> np.ndarray:
        product = np.eye(1)
        for qubit in order:
            product = np.kron(product, operators.get(qubit, np.eye(2)))
        return product

    state = np.eye(1)
    for _ in order:
        state = np.kron(state, np.diag([1 - flip, flip]))
    unitary = cirq.unitary(circuit)
    state = unitary @ state @ unitary.conj().T
    paulis = [cirq.unitary(gate) for gate in (cirq.I, cirq.X, cirq.Y, cirq.Z)]
    for first, second in ((A, D), (B, E)) if not turned else ((A, B), (D, E)):
        zz = np.diag(on({first: paulis[3], second: paulis[3]}))
        turn = np.diag(np.exp(-0.5j * angle * zz))
        state = turn @ state @ turn.conj().T
        rest = sum(
            kick @ state @ kick.conj().T
            for i in range(4)
            for j in range(4)
            if i or j
            for kick in [on({first: paulis[i], second: paulis[j]})]
        )
        state = (1 - p) * state + p / 15 * rest
    np.testing.assert_allclose(found, state, atol=1e-10)


def test_a_state_that_is_handed_over_is_not_prepared() -> None:
    spec = ConvolutionSpec((2, 2), 2, filters=VECTOR, encoding="given", overlap="destructive")
    program = compile_convolution(spec, "grid:3x3")
    template = program.filters[0].template
    marked = template.marked_circuit
    assert set(prepared_qubits(marked, template.qubits)) == (
        set(template.qubits) - set(template.data_qubits)
    )
    image = np.random.default_rng(0).normal(size=(1, 2, 2))
    noise = {"preparation": {"p": 0.1}}
    on_filter = {
        "preparation": {"qubits": {f"{q.row},{q.col}": 0.1 for q in template.filter_qubits}}
    }
    for engine, tolerance in (("exact", 1e-12), ("qsim_density", 1e-6)):
        all_, own, without = (
            QuantumConvolution(program, engine=engine, noise=each, shots=None).forward(image).item()
            for each in (noise, on_filter, None)
        )
        assert all_ == pytest.approx(own, abs=tolerance)
        assert abs(all_ - without) > 1e-3
    sampled = QuantumConvolution(program, engine="qsim", noise=noise, shots=10_000, seed=1)
    exact_ = QuantumConvolution(program, engine="exact", noise=noise, shots=None)
    expected = exact_.forward(image).item()
    deviation = np.sqrt(template.observable.variance(expected, 10_000))
    assert abs(sampled.forward(image).item() - expected) < 4.5 * deviation


def test_registers_that_crosstalk_joins_early_are_evolved_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap="destructive")
    program = compile_convolution(spec, "grid:3x4")
    template = program.filters[0].template
    without = as_noise({"depolarizing": {"p2": 0.01}})
    assert factor(physical_process(template, without), template).is_cut
    joined = as_noise({"crosstalk": {"p": 0.01}})
    assert not factor(physical_process(template, joined), template).is_cut
    monkeypatch.setattr(prepared, "_LARGEST_STATE", len(template.qubits) - 1)
    layer = QuantumConvolution(program, engine="exact", noise=joined, shots=None)
    with pytest.raises(InputError, match="the state of a patch has .* qubits"):
        layer.forward(np.ones((1, 2, 2)))


def test_the_compiler_knows_them() -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap="destructive")
    template = compile_convolution(spec, "grid:3x4").filters[0].template
    flips = as_noise({"preparation": {"p": 0.1}})
    assert survival(template, flips) == pytest.approx(0.9 ** len(template.qubits))
    assert not is_coherent(template, flips)
    p = as_noise({"crosstalk": {"p": 0.1}})
    turn = as_noise({"crosstalk": {"angle": 0.1}})
    pairs = sum(len(q) == 2 for q, _ in errors(template.marked_circuit, {"crosstalk": {"p": 0.1}}))
    assert survival(template, p) == pytest.approx(0.9**pairs)
    assert pairs > 0 and is_coherent(template, turn) and not is_coherent(template, p)


def test_copies_side_by_side_disturb_each_other() -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap="destructive")
    parallel = compile_parallel(spec, "grid:2x4", 2)
    noise = {"crosstalk": {"p": 0.1}}
    patches = np.random.default_rng(1).random((2, 2, 2))
    alone = [
        errors(copy.circuit(patch), noise)
        for copy, patch in zip(parallel.copies, patches, strict=True)
    ]
    together = errors(parallel.circuit(patches), noise)
    assert len(together) > sum(map(len, alone)) > 0


def test_cancellation_does_not_undo_them() -> None:
    """It refuses to assume them, and meets them as noise that there is."""
    with pytest.raises(InputError, match="crosstalk, preparation"):
        depolarizing_only(as_noise(BOTH))
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap="destructive")
    template = compile_convolution(spec, "grid:3x4").filters[0].template
    assumed = as_depolarizing(as_noise(BOTH), template).configuration
    assert assumed is not None and assumed.depolarizing is not None
    assert set(assumed.depolarizing.couplers.values()) == {0.0}
    assert list(assumed.depolarizing.qubits.values()) == pytest.approx(
        [0.01] * len(assumed.depolarizing.qubits)
    )


def test_cancellation_leaves_what_it_does_not_assume() -> None:
    """Exactly undone, depolarising noise is as if it were not there: the flips at the start are."""
    spec = ConvolutionSpec(kernel=(2, 2), filters=VECTOR, overlap="inversion")
    program = compile_convolution(spec, "grid:3x4")
    assumed = {"depolarizing": {"p1": 0.004, "p2": 0.02}}
    flips = {"preparation": {"p": 0.05}}
    compiled = program.filters[0]
    table, vector = compiled.filter_table(None), filter_states(spec, None)[0]
    noise, engine = as_noise(assumed), make_engine("exact")
    reading = readings_of(compiled, table, vector, noise, engine)[0]
    states = np.random.default_rng(0).normal(size=(3, 4))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    actual = as_noise({**assumed, **flips})
    values, _ = ErrorCancellation().moments(reading, states, 10**9, actual)
    only = readings_of(compiled, table, vector, as_noise(flips), engine)[0]
    expected = only.distribution(states) @ only.observable.table
    np.testing.assert_allclose(values[0], expected, atol=1e-9)
