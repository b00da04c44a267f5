"""What noise does to circuits."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

import attrs
import cirq
import numpy as np
import pytest
import qsimcirq
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import (
    CoherentNoise,
    DepolarizingNoise,
    Noise,
    NoiseConfiguration,
    NoiseError,
    ReadoutNoise,
    ThermalChannel,
    as_noise,
    load_calibration,
    readout_gate,
    thermal_gate,
)

# A plaquette that rainbow, weber and willow_pink share.
Q = cirq.GridQubit.rect(2, 2, 6, 2)
A, B, C, D = Q


def example(angle: float = 0.3, measured: bool = True) -> cirq.Circuit:
    """One- and two-qubit gates, virtual Z alone and beside gates, idling; every gate tagged."""
    pulse = cirq.PhasedXZGate(x_exponent=angle, z_exponent=0.2, axis_phase_exponent=0.1)
    moments = [
        cirq.Moment(pulse(qubit).with_tags(f"pulse {qubit}") for qubit in Q),
        cirq.Moment(cirq.CZ(A, B).with_tags("first")),
        cirq.Moment(pulse(A).with_tags("alone"), (cirq.Z(C) ** angle).with_tags("beside")),
        cirq.Moment(cirq.CZ(A, C).with_tags("left"), cirq.CZ(B, D).with_tags("right")),
        cirq.Moment((cirq.Z(D) ** angle).with_tags("only virtual")),
        cirq.Moment(pulse(qubit).with_tags(f"last {qubit}") for qubit in Q),
    ]
    if measured:
        moments.append(cirq.Moment(cirq.measure(*Q, key="m").with_tags("measurement")))
    return cirq.Circuit(moments)


def density(circuit: cirq.Circuit, qubits: Iterable[cirq.Qid] = Q) -> np.ndarray:
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    return simulator.simulate(circuit, qubit_order=list(qubits)).final_density_matrix


def before_measurement(circuit: cirq.Circuit) -> cirq.Circuit:
    return cirq.Circuit(moment for moment in circuit if not cirq.is_measurement(moment))


def google_model(name: str) -> cirq.NoiseModel:
    cirq_google = pytest.importorskip("cirq_google")
    properties = cirq_google.engine.load_device_noise_properties(name)
    return cirq_google.NoiseModelFromGoogleNoiseProperties(properties)  # type: ignore[no-any-return]


MAPPINGS: list[Any] = [
    {"depolarizing": {"p1": 0.01, "p2": 0.05}},
    {"depolarizing": {"qubits": {"6,2": 0.1}}},
    {"depolarizing": {"couplers": {"6,3:6,2": 0.1}}},
    {"idle": 0.02},
    {"thermal": {"t1": 10, "t2": 8}},
    {"coherent": {"angle": 0.2}},
    {"readout": {"p01": 0.05, "p10": 0.1}},
    {"readout": {"p01": 0.05}},
    {"readout": {"qubits": {"6,3": {"p10": 0.2}}}},
    "willow_pink",
    "rainbow",
    {"calibrated": "weber", "depolarizing": {"p1": 0.01}, "readout": {"p10": 0.1}},
]
FOREIGN: list[cirq.NoiseModel] = [
    cirq.ConstantQubitNoiseModel(cirq.depolarize(0.05)),
    cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.05), prepend=True),
]


@pytest.fixture(params=[*MAPPINGS, *FOREIGN, "google"], ids=str)
def noise(request: pytest.FixtureRequest) -> Noise:
    if request.param == "google":
        return as_noise(google_model("willow_pink"))
    return as_noise(request.param)


def test_every_option_acts(noise: Noise) -> None:
    circuit = example()
    ideal = density(before_measurement(circuit))
    noisy = density(before_measurement(noise.noisy_circuit(circuit)))
    assert not noise.is_ideal
    assert np.abs(np.diag(ideal - noisy)).max() > 1e-5


def test_original_operations_keep_moments_order_and_tags(noise: Noise) -> None:
    circuit = example()
    tags = {tag for operation in circuit.all_operations() for tag in operation.tags}
    originals = [
        [op for op in moment if tags & set(op.tags)] for moment in noise.noisy_circuit(circuit)
    ]
    assert [set(each) for each in originals if each] == [set(moment) for moment in circuit]


def test_nothing_follows_a_measurement(noise: Noise) -> None:
    early = cirq.Circuit(
        cirq.Moment(cirq.X(A), cirq.X(B)),
        cirq.Moment(cirq.measure(A, key="a")),
        cirq.Moment(cirq.CZ(B, D)),
        cirq.Moment(cirq.measure(B, D, key="b")),
    )
    for circuit in (example(), early):
        for model in (noise.noisy_circuit(circuit), circuit.with_noise(noise.gate_model)):
            assert model.are_all_measurements_terminal()


def test_no_noise_on_virtual_z(noise: Noise) -> None:
    phases = cirq.Circuit(
        cirq.Moment(cirq.Z(A), cirq.Z(B) ** 0.3, cirq.rz(0.2)(C)),
        cirq.Moment(cirq.X(A).with_tags(cirq.VirtualTag())),
    )
    assert phases.with_noise(noise.gate_model) == phases


def test_noise_does_not_depend_on_angles(noise: Noise) -> None:
    def channels(angle: float) -> list[list[cirq.Operation]]:
        noisy = noise.noisy_circuit(example(angle))
        return [[op for op in moment if cirq.VirtualTag() in op.tags] for moment in noisy]

    assert str(channels(0.0)) == str(channels(1.0)) == str(channels(0.37))


def test_trajectories_in_qsim_agree_with_the_density_matrix(noise: Noise) -> None:
    circuit = noise.noisy_circuit(example())
    shots = 2000
    simulator = qsimcirq.QSimSimulator(seed=11)
    counts = simulator.run(circuit, repetitions=shots).histogram(key="m")
    expected = np.real(np.diag(density(before_measurement(circuit))))
    seen = np.array([counts[index] for index in range(16)]) / shots
    sigma = np.sqrt(expected * (1 - expected) / shots) + 1 / shots
    assert np.all(np.abs(seen - expected) < 5 * sigma)


def test_scale_zero_is_exactly_noiseless() -> None:
    for mapping in MAPPINGS:
        configuration = as_noise(mapping).configuration
        assert configuration is not None
        noise = as_noise(attrs.evolve(configuration, scale=0))
        assert noise.is_ideal and noise.gate_model == cirq.NO_NOISE
        assert noise.noisy_circuit(example()) == example()
        assert noise.readout(A) == (0.0, 0.0)


@pytest.mark.parametrize("mapping", MAPPINGS, ids=str)
def test_error_is_linear_in_scale(mapping: Any) -> None:
    configuration = as_noise(mapping).configuration
    assert configuration is not None
    # After one Bell pair the fidelity loss is first order in every probability.
    bell = cirq.Circuit(
        cirq.Moment(cirq.PhasedXZGate(x_exponent=0.5, z_exponent=0, axis_phase_exponent=0.5)(A)),
        cirq.Moment(cirq.PhasedXZGate(x_exponent=0.5, z_exponent=0, axis_phase_exponent=0.5)(B)),
        cirq.Moment(cirq.CZ(A, B)),
    )
    ideal = density(bell, [A, B])

    def loss(scale: float) -> float:
        noise = as_noise(attrs.evolve(configuration, scale=scale))
        rho = density(bell.with_noise(noise.gate_model), [A, B])
        return 1 - float(np.real(np.trace(ideal @ rho))) + sum(noise.readout(B))

    assert loss(0.002) / loss(0.001) == pytest.approx(2, rel=2e-3)


def test_scales_of_groups_act_on_their_group_alone() -> None:
    base: dict[str, Any] = {
        "depolarizing": {"p1": 0.01, "p2": 0.02},
        "idle": 0.03,
        "readout": {"p01": 0.1},
    }
    circuit = example()
    gates = as_noise({**base, "scales": {"idle": 0, "readout": 0}})
    only_gates = as_noise({"depolarizing": base["depolarizing"]})
    assert gates.noisy_circuit(circuit) == only_gates.noisy_circuit(circuit)
    idle = as_noise({**base, "scales": {"gate": 0, "readout": 0}})
    assert idle.noisy_circuit(circuit) == as_noise({"idle": 0.03}).noisy_circuit(circuit)
    readout = as_noise({**base, "scales": {"gate": 0, "idle": 0, "readout": 2}})
    doubled = as_noise({"readout": {"p01": 0.2}})
    assert readout.noisy_circuit(circuit) == doubled.noisy_circuit(circuit)


def test_thermal_scales_distinguish_gates_from_idling() -> None:
    circuit = cirq.Circuit(cirq.X(A), cirq.I(B))
    for name, qubit in (("gate", A), ("idle", B)):
        scales = {"gate": 0, "idle": 0, name: 1}
        noise = as_noise({"thermal": {"t1": 10, "t2": 8}, "scales": scales})
        channels = circuit.with_noise(noise.gate_model)[1].operations
        assert [op.qubits for op in channels] == [(qubit,)]


def test_placing_of_depolarizing_and_idle_noise() -> None:
    noise = as_noise({"depolarizing": {"p1": 0.01, "p2": 0.02}, "idle": 0.03})
    tag = cirq.VirtualTag()
    assert noise.noisy_circuit(example())[:8] == cirq.Circuit(
        example()[0],
        cirq.Moment(cirq.depolarize(0.01)(q).with_tags(tag) for q in Q),
        example()[1],
        cirq.Moment(
            cirq.depolarize(0.02, 2)(A, B).with_tags(tag),
            *(cirq.depolarize(0.03)(q).with_tags(tag) for q in (C, D)),
        ),
        example()[2],
        # C holds a virtual Z alone, so it waits.
        cirq.Moment(
            cirq.depolarize(0.01)(A).with_tags(tag),
            *(cirq.depolarize(0.03)(q).with_tags(tag) for q in (B, C, D)),
        ),
        example()[3],
        cirq.Moment(
            cirq.depolarize(0.02, 2)(A, C).with_tags(tag),
            cirq.depolarize(0.02, 2)(B, D).with_tags(tag),
        ),
    )


def test_qubits_do_not_idle_within_a_moment_that_measures() -> None:
    circuit = cirq.Circuit(
        cirq.Moment(cirq.measure(A, key="a"), cirq.X(B)),
        cirq.Moment(cirq.X(B)),
        cirq.Moment(cirq.X(C)),
    )
    noise = as_noise({"idle": 0.03})
    noisy = noise.noisy_circuit(circuit)
    idle = cirq.depolarize(0.03)
    tag = cirq.VirtualTag()
    # C waits in the first moment for longer than a gate, which is not what p is for, and A is done.
    assert noisy == cirq.Circuit(
        circuit[0],
        circuit[1],
        cirq.Moment(idle(C).with_tags(tag)),
        circuit[2],
        cirq.Moment(idle(B).with_tags(tag)),
    )


def test_a_phased_xz_gate_is_a_pulse_even_without_x() -> None:
    phase = cirq.PhasedXZGate(x_exponent=0, z_exponent=0.3, axis_phase_exponent=0)
    noisy = as_noise("depolarizing").noisy_circuit(cirq.Circuit(phase(A)))
    assert len(noisy) == 2


def test_a_z_that_is_tagged_physical_is_a_pulse() -> None:
    cirq_google = pytest.importorskip("cirq_google")
    circuit = cirq.Circuit(cirq.Z(A).with_tags(cirq_google.PhysicalZTag()))
    assert len(as_noise("depolarizing").noisy_circuit(circuit)) == 2


def test_noise_can_be_sent_to_another_process() -> None:
    for mapping in MAPPINGS:
        noise = as_noise(mapping)
        copy = pickle.loads(pickle.dumps(noise))
        assert copy == noise and hash(copy) == hash(noise)
        assert copy.noisy_circuit(example()) == noise.noisy_circuit(example())


def test_symbols_carry_the_same_noise_as_numbers() -> None:
    theta = sympy.Symbol("theta")
    symbolic = cirq.Circuit(cirq.rx(theta)(A), cirq.CZ(A, B), cirq.measure(A, B))
    noise = as_noise({"depolarizing": {"p1": 0.01, "p2": 0.02}, "readout": {"p10": 0.1}})
    noisy = cirq.resolve_parameters(noise.noisy_circuit(symbolic), {"theta": 0.3})
    assert noisy == noise.noisy_circuit(cirq.resolve_parameters(symbolic, {"theta": 0.3}))


def test_overrides_replace_the_general_probability_in_either_order_of_qubits() -> None:
    noise = as_noise(
        {"depolarizing": {"p1": 0.01, "qubits": {"q(6, 2)": 0.0}, "couplers": {"6,3:6,2": 0.1}}}
    )
    pulses = cirq.Circuit(cirq.X(A), cirq.X(B)).with_noise(noise.gate_model)
    assert [op.qubits for op in pulses[1]] == [(B,)]
    for pair in ((A, B), (B, A)):
        noisy = cirq.Circuit(cirq.CZ(*pair)).with_noise(noise.gate_model)
        assert noisy[1].operations[0].gate == cirq.depolarize(0.1, 2)
    assert cirq.Circuit(cirq.CZ(A, C)).with_noise(noise.gate_model) == cirq.Circuit(cirq.CZ(A, C))


@pytest.mark.parametrize(("p", "shrinkage"), [(0.0, 1.0), (0.15, 0.8), (0.75, 0.0), (1.0, -1 / 3)])
def test_depolarizing_shrinks_the_bloch_vector(p: float, shrinkage: float) -> None:
    circuit = cirq.Circuit(cirq.X(A) ** 0.5)
    noisy = as_noise({"depolarizing": {"p1": p}}).noisy_circuit(circuit)
    ideal = density(circuit, [A])
    expected = shrinkage * ideal + (1 - shrinkage) * np.eye(2) / 2
    np.testing.assert_allclose(density(noisy, [A]), expected, atol=1e-12)


def test_two_qubit_depolarizing_mixes_fully_at_fifteen_sixteenths() -> None:
    noise = as_noise({"depolarizing": {"p2": 15 / 16}})
    noisy = noise.noisy_circuit(cirq.Circuit(cirq.CNOT(A, B)))
    np.testing.assert_allclose(density(noisy, [A, B]), np.eye(4) / 4, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 5), st.floats(0, 5), st.floats(0, 1), st.floats(-0.5, 0.5))
def test_thermal_channel_decays_population_and_coherence(
    decay: float, pure: float, excited: float, coherence: float
) -> None:
    dephasing = decay / 2 + pure
    rho = np.array([[1 - excited, coherence], [coherence, excited]], dtype=complex)
    gate = thermal_gate(decay, dephasing)
    operators = cirq.kraus(gate) if gate is not None else (np.eye(2),)
    after = sum(k @ rho @ k.conj().T for k in operators)
    population = excited * np.exp(-decay)
    expected = np.array(
        [
            [1 - population, coherence * np.exp(-dephasing)],
            [coherence * np.exp(-dephasing), population],
        ]
    )
    np.testing.assert_allclose(after, expected, atol=1e-12)


def test_dephasing_alone_is_a_phase_flip() -> None:
    flip = thermal_gate(0.0, 0.3)
    assert isinstance(flip, cirq.PhaseFlipChannel)
    assert flip.p == pytest.approx((1 - np.exp(-0.3)) / 2)
    assert thermal_gate(0.0, 0.0) is None


def test_gates_that_take_no_time_leave_no_time_to_decay() -> None:
    no_time = dict.fromkeys(("one_qubit", "two_qubit", "measurement"), 0)
    noise = as_noise({"thermal": {"t1": 10, "t2": 8, **no_time}})
    circuit = cirq.Circuit(cirq.X(A), cirq.CZ(A, B), cirq.measure(A, B))
    assert noise.noisy_circuit(circuit) == circuit


def test_thermal_noise_lasts_as_long_as_the_longest_operation() -> None:
    thermal = {"t1": 10, "t2": 8, "one_qubit": 20, "two_qubit": 40, "measurement": 500}
    noise = as_noise({"thermal": thermal})
    circuit = cirq.Circuit(
        cirq.Moment(cirq.X(A)),
        cirq.Moment(cirq.CZ(A, B), cirq.X(C)),
        cirq.Moment(cirq.WaitGate(cirq.Duration(nanos=1000)).on(B)),
        cirq.Moment(cirq.measure(A, key="a")),
        cirq.Moment(cirq.measure(B, key="b")),
    )
    found = [
        (set(moment.qubits), 10_000 * op.gate.decay)
        for moment in circuit.with_noise(noise.gate_model)
        for op in moment.operations[:1]
        if isinstance(op.gate, ThermalChannel)
    ]
    # While A is measured only B decays: C is not used again.
    assert [qubits for qubits, _ in found] == [{A, B, C}, {A, B, C}, {A, B, C}, {B}]
    assert [time for _, time in found] == pytest.approx([20, 40, 1000, 500])


@pytest.mark.parametrize("angle", [-1.0, 1.0, 0.2])
def test_a_coherent_error_acts_at_every_angle_but_zero(angle: float) -> None:
    circuit = cirq.Circuit(cirq.CZ(A, B), cirq.measure(A, B))
    noisy = Noise(NoiseConfiguration(coherent=CoherentNoise(angle=angle))).noisy_circuit(circuit)
    assert cirq.CZPowGate(exponent=angle / np.pi) in [op.gate for op in noisy.all_operations()]
    none = Noise(NoiseConfiguration(coherent=CoherentNoise(angle=0.0))).noisy_circuit(circuit)
    assert none == circuit


def test_coherent_errors_add_up() -> None:
    noise = Noise(NoiseConfiguration(coherent=CoherentNoise(angle=np.pi / 4)))
    noisy = noise.noisy_circuit(cirq.Circuit(cirq.CZ(A, B) for _ in range(4)))
    cirq.testing.assert_allclose_up_to_global_phase(
        cirq.unitary(noisy), cirq.unitary(cirq.CZ), atol=1e-9
    )


@pytest.mark.parametrize(
    ("p01", "p10"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.2), (0.1, 0.3), (0.2, 0.2), (1.0, 1.0), (1, 0)]
)
def test_readout_channel_flips_each_state_with_its_probability(p01: float, p10: float) -> None:
    noise = as_noise({"readout": {"p01": p01, "p10": p10}})
    assert noise.readout(A) == (p01, p10)
    for state, p_one in ((0, p01), (1, 1 - p10)):
        circuit = cirq.Circuit([cirq.X(A)] * state, cirq.measure(A, key="m"))
        noisy = before_measurement(noise.noisy_circuit(circuit))
        probability = density(cirq.Circuit(cirq.I(A), noisy), [A])[1, 1].real
        assert probability == pytest.approx(p_one, abs=1e-12)
    assert (readout_gate(p01, p10) is None) == (p01 == p10 == 0)


def test_measurements_alone_are_read_wrongly() -> None:
    noise = as_noise({"readout": {"p01": 0.25}})
    circuit = noise.noisy_circuit(cirq.Circuit(cirq.measure(A, B, key="m")))
    for simulator in (qsimcirq.QSimSimulator(seed=3), cirq.Simulator(seed=3)):
        # Cirq simulates each of them; the standard error is 0.014.
        bits = simulator.run(circuit, repetitions=1000).measurements["m"]
        assert np.abs(bits.mean(axis=0) - 0.25).max() < 0.05


def test_readout_is_no_part_of_the_gate_model() -> None:
    noise = as_noise({"readout": {"p01": 0.25}})
    assert noise.gate_model == cirq.NO_NOISE and not noise.is_ideal
    assert "Misread" not in str(example().with_noise(as_noise("willow_pink").gate_model))


def test_readout_of_single_qubits() -> None:
    noise = as_noise({"readout": {"p01": 0.1, "qubits": {"6,3": {"p10": 0.2}, "6,2": [0, 0]}}})
    assert noise.readout(B) == (0.1, 0.2)
    assert noise.readout(A) == (0.0, 0.0)
    assert noise.readout(C) == (0.1, 0.0)
    assert as_noise(NoiseConfiguration(scale=2, readout=ReadoutNoise(p01=0.1, p10=0.2))).readout(
        A
    ) == (0.2, 0.4)


def test_readout_needs_measurements_in_the_computational_basis() -> None:
    circuit = cirq.Circuit(cirq.measure_single_paulistring(cirq.X(A) * cirq.X(B), key="m"))
    with pytest.raises(NoiseError, match="computational basis"):
        as_noise({"readout": {"p01": 0.1}}).noisy_circuit(circuit)


def test_what_noise_is_not_defined_for_is_refused() -> None:
    noise = as_noise("depolarizing")
    with pytest.raises(NoiseError, match="3 qubits"):
        noise.noisy_circuit(cirq.Circuit(cirq.CCZ(A, B, C)))
    subcircuit = cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(A)))
    with pytest.raises(NoiseError, match="unroll"):
        noise.noisy_circuit(cirq.Circuit(subcircuit))


def test_channels_in_the_circuit_are_left_alone() -> None:
    circuit = cirq.Circuit(cirq.depolarize(0.75)(A), cirq.reset(B))
    noise = Noise(NoiseConfiguration(depolarizing=DepolarizingNoise(p1=0.1), idle=0.1))
    assert noise.noisy_circuit(circuit) == circuit


@pytest.mark.parametrize("name", ["willow_pink", "rainbow", "weber"])
def test_calibrated_noise_equals_that_of_cirq_google(name: str) -> None:
    circuit = example()
    if name != "willow_pink":
        circuit = cirq.map_operations(
            circuit, lambda op, _: cirq.SQRT_ISWAP(*op.qubits) if op.gate == cirq.CZ else op
        )
    theirs = density(before_measurement(circuit.with_noise(google_model(name))))
    ours = density(before_measurement(as_noise(name).noisy_circuit(circuit)))
    # Theirs holds readout as well, as a channel that may differ in coherences.
    np.testing.assert_allclose(np.diag(ours), np.diag(theirs), atol=1e-10)
    if name == "willow_pink":
        guarded = as_noise(google_model(name)).noisy_circuit(circuit)
        np.testing.assert_allclose(density(before_measurement(guarded)), theirs, atol=1e-10)


def test_calibrated_readout_is_named_as_ours_is() -> None:
    cirq_google = pytest.importorskip("cirq_google")
    metrics = cirq_google.engine.load_median_device_calibration("willow_pink")
    noise = as_noise("willow_pink")
    assert noise.readout(A) == (
        pytest.approx(metrics["single_qubit_p00_error"][(A,)][0]),
        pytest.approx(metrics["single_qubit_p11_error"][(A,)][0]),
    )


def test_explicit_readout_replaces_the_calibrated_one() -> None:
    noise = as_noise({"calibrated": "willow_pink", "readout": {"p01": 0.2}})
    assert noise.readout(A) == (0.2, 0.0)
    silent = as_noise({"calibrated": "willow_pink", "readout": {}})
    assert silent.readout(A) == (0.0, 0.0) and not silent.has_readout_noise
    assert silent.gate_model != cirq.NO_NOISE


def test_a_gate_that_is_not_calibrated_is_no_better_than_those_that_are() -> None:
    def p2(gate: cirq.Gate) -> float:
        noisy = cirq.Circuit(gate(A, B)).with_noise(as_noise("rainbow").gate_model)
        return max(
            (op.gate.p for op in noisy.all_operations() if hasattr(op.gate, "p")), default=0.0
        )

    assert p2(cirq.CZ) >= p2(cirq.SQRT_ISWAP) > 0.001


def test_calibrated_noise_names_qubits_it_does_not_know() -> None:
    noise = as_noise("rainbow")
    line = cirq.LineQubit.range(2)
    with pytest.raises(NoiseError, match="no calibration for qubit q\\(0\\)"):
        noise.noisy_circuit(cirq.Circuit(cirq.X(line[0])))
    with pytest.raises(NoiseError, match="no coupler 6,2:7,3"):
        noise.noisy_circuit(cirq.Circuit(cirq.CZ(A, D)))
    with pytest.raises(NoiseError, match="no calibration"):
        noise.readout(line[0])
    with pytest.raises(NoiseError, match="readout error of 6,2"):
        as_noise({"calibrated": "rainbow", "scale": 1000}).readout(A)


class _StrongerEachMoment(cirq.NoiseModel):
    """A model with memory: the k-th moment is followed by k bit flips of A."""

    def noisy_moments(self, moments: Any, system_qubits: Any) -> Any:
        return [[m, *[cirq.Moment(cirq.bit_flip(0.1)(A))] * k] for k, m in enumerate(moments)]


def test_foreign_models_keep_their_memory() -> None:
    circuit = cirq.Circuit(cirq.Moment(cirq.X(A)), cirq.Moment(cirq.Y(A)), cirq.Moment(cirq.X(A)))
    noisy = circuit.with_noise(as_noise(_StrongerEachMoment()).gate_model)
    assert noisy == circuit.with_noise(_StrongerEachMoment())


def test_foreign_models_that_replace_operations_keep_tags() -> None:
    model = cirq.devices.noise_model.GateSubstitutionNoiseModel(
        lambda op: cirq.CZ(*op.qubits) ** 0.9 if op.gate == cirq.CZ else op
    )
    noisy = as_noise(model).noisy_circuit(example())
    assert (cirq.CZ(A, B) ** 0.9).with_tags("first") in noisy[1].operations
    assert len(noisy) == len(example())


def test_foreign_noise_before_measurements_is_kept() -> None:
    model = cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.25), prepend=True)
    noise = as_noise(model)
    noisy = noise.noisy_circuit(cirq.Circuit(cirq.measure(A, key="m")))
    assert density(before_measurement(noisy), [A])[1, 1] == pytest.approx(0.25)
    assert noise.readout(A) == (0.0, 0.0)


def test_a_gate_beside_a_measurement_decays_for_as_long_as_the_measurement() -> None:
    pulse = cirq.PhasedXZGate(x_exponent=0.9, z_exponent=0.2, axis_phase_exponent=0.4)
    circuit = cirq.Circuit(
        cirq.Moment(pulse(B)),
        cirq.Moment(cirq.measure(A, key="a"), pulse(B)),
        cirq.Moment(cirq.measure(B, key="b")),
    )
    thermal = {"thermal": {"t1": 10, "t2": 8, "measurement": 500}}
    decays = [
        10_000 * op.gate.decay
        for op in circuit.with_noise(as_noise(thermal).gate_model).all_operations()
        if isinstance(op.gate, ThermalChannel) and op.qubits == (B,)
    ]
    assert decays == pytest.approx([25, 500])

    def excited(noisy: cirq.Circuit) -> float:
        gates = cirq.Circuit(
            cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in noisy
        )
        rho = density(gates, [A, B]).reshape(2, 2, 2, 2).trace(axis1=0, axis2=2)
        return float(rho[1, 1].real)

    theirs = circuit.with_noise(google_model("rainbow"))
    assert excited(as_noise("rainbow").noisy_circuit(circuit)) == pytest.approx(excited(theirs))


def test_a_virtual_z_after_a_measurement_brings_no_noise_back() -> None:
    circuit = cirq.Circuit(
        cirq.Moment(cirq.measure(A, key="a")),
        cirq.Moment(cirq.Z(A) ** 0.5, cirq.X(B)),
        cirq.Moment(cirq.measure(B, key="b")),
    )
    noise = as_noise({"idle": 0.1, "thermal": {"t1": 10, "t2": 8}})
    noisy = circuit.with_noise(noise.gate_model)
    added = [op for op in noisy.all_operations() if op not in circuit.all_operations()]
    assert added and all(op.qubits == (B,) for op in added)
    guarded = as_noise(cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.1)))
    added = [
        op
        for op in guarded.noisy_circuit(circuit).all_operations()
        if op not in circuit.all_operations()
    ]
    assert added and all(op.qubits == (B,) for op in added)


@pytest.mark.parametrize(
    ("name", "kind"), [("willow_pink", "CZ"), ("rainbow", "SQRT_ISWAP"), ("weber", "SQRT_ISWAP")]
)
def test_native_gates_have_the_noise_of_cirq_google(name: str, kind: str) -> None:
    """Whole density matrices, with a third qubit that waits."""
    pulse = cirq.PhasedXZGate(x_exponent=0.4, z_exponent=0.1, axis_phase_exponent=0.3)
    for operation in (
        pulse(A),
        cirq.Z(A) ** 0.3,
        cirq.wait(A, nanos=100),
        getattr(cirq, kind)(A, B),
        getattr(cirq, kind)(B, A),
    ):
        around = cirq.Moment(pulse.on_each(A, B, C))
        circuit = cirq.Circuit(around, cirq.Moment(operation), around)
        theirs = density(circuit.with_noise(google_model(name)), [A, B, C])
        ours = density(as_noise(name).noisy_circuit(circuit), [A, B, C])
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parametrize("name", ["rainbow", "weber"])
def test_a_sycamore_gate_takes_its_own_time(name: str) -> None:
    cirq_google = pytest.importorskip("cirq_google")
    noisy = cirq.Circuit(cirq_google.SYC(A, B)).with_noise(as_noise(name).gate_model)
    rates = load_calibration(name).rates
    found = {
        op.qubits[0]: op.gate.decay / rates[op.qubits[0]][0]
        for op in noisy.all_operations()
        if isinstance(op.gate, ThermalChannel)
    }
    assert found == pytest.approx({A: 12, B: 12})
    # The rest of its noise is that of cirq-google, whose decay lasts for 32 ns.
    theirs = cirq.Circuit(cirq_google.SYC(A, B)).with_noise(google_model(name))
    for kind in (cirq.DepolarizingChannel, cirq.PhasedFSimGate):
        (one,), (other,) = (
            [op.gate for op in c.all_operations() if isinstance(op.gate, kind)]
            for c in (noisy, theirs)
        )
        assert cirq.approx_eq(one, other, atol=1e-12)
