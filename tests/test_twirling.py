"""Circuits that do the same without noise, and what coherent errors leave of their mean."""

import copy
import pickle

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QCNNBody,
    QuantumConvolution,
    RandomCircuit,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.engines import (
    ConjugateTwirl,
    ExactEngine,
    PauliTwirl,
    Streams,
    TwirledEngine,
    as_twirl,
    make_engine,
    twirled_engine,
)
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Mitigation, Optimal, Raw, Readout, Training, TwoPoint
from qucnn_cirq.measured_once import MeasuredOnce
from qucnn_cirq.mitigation import CircuitMitigation, SelfOverlap
from qucnn_cirq.patches import extract_patches
from qucnn_cirq.validation import validate

EXACT = make_engine("exact")
NO_NOISE, WILLOW = as_noise(None), as_noise("willow_pink")
KERNEL = np.random.default_rng(3).normal(size=(4, 4))


def a_program(overlap="inversion", kernel=(4, 4), filters=None, device="willow_pink", **settings):
    filters = FixedFilter(KERNEL[: kernel[0], : kernel[1]]) if filters is None else filters
    return compile_convolution(
        ConvolutionSpec(kernel=kernel, filters=filters, overlap=overlap), device, **settings
    )


def some_states(size=16, batch=6, seed=0):
    states = np.random.default_rng(seed).normal(size=(batch, size))
    return states / np.linalg.norm(states, axis=1, keepdims=True)


def bound(program, parameters=None, states=None, variant=-1):
    """A circuit and its tables."""
    compiled = program.filters[0]
    chosen = compiled.variants[variant]
    tables = {
        "patch": chosen.loader.angles(some_states() if states is None else states),
        "filter": compiled.filter_table(parameters),
        "upstream": upstream_table(1.0),
    }
    return chosen.template, tables


def final_state(template, tables, row=0):
    own = {**tables, "patch": tables["patch"][row : row + 1]}
    circuit = cirq.drop_terminal_measurements(template.bound_circuit(own))
    return (
        cirq.Simulator(dtype=np.complex128)
        .simulate(circuit, qubit_order=template.qubits)
        .final_state_vector
    )


def overlap_of(one, other):
    return abs(np.vdot(one, other))


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_a_slot_s_conjugate_has_conjugate_matrices(seed, length):
    generator = np.random.default_rng(seed)
    factors = [
        Rotation(generator.choice(["x", "y", "z"]), float(generator.normal()))
        if generator.random() < 0.6
        else FixedUnitary.from_matrix(cirq.testing.random_unitary(2, random_state=int(seed % 999)))
        for _ in range(length)
    ]
    slot = Slot(tuple(factors))
    assert np.allclose(slot.conjugate().unitaries({}), slot.unitaries({}).conj())
    if slot.is_real:
        matrix = slot.unitaries({})[0]
        assert abs(np.trace(matrix @ matrix.T)) == pytest.approx(2)


CASES = [
    ("inversion", None, None),
    ("destructive", None, None),
    ("ancilla", XZAnsatz(2), np.linspace(0, 3, 16)),
]


@pytest.mark.parametrize(("overlap", "filters", "parameters"), CASES)
def test_the_conjugate_circuit_ends_in_the_conjugate_state(overlap, filters, parameters):
    template, tables = bound(a_program(overlap, filters=filters), parameters)
    other = template.conjugate
    state, twin = final_state(template, tables), final_state(other, tables)
    assert overlap_of(state.conj(), twin) == pytest.approx(1, abs=1e-9)
    assert overlap_of(state, twin) < 0.999
    assert [len(moment) for moment in other.circuit] == [len(m) for m in template.circuit]
    assert [s.is_virtual for s in other.slots] == [s.is_virtual for s in template.slots]


def test_real_circuits_real_noise_and_other_gates_have_one_form():
    real, _ = bound(a_program("destructive"), variant=0, states=np.eye(16)[:1])
    assert real.conjugate is None
    template, _ = bound(a_program())
    for noise in ({"depolarizing": {"p2": 0.01}}, {"thermal": {"t1": 30.0, "t2": 20.0}}):
        assert len(ConjugateTwirl().forms(template, as_noise(noise))) == 1
    foreign = cirq.ConstantQubitNoiseModel(cirq.Z**0.01)
    for noise in ("willow_pink", {"coherent": {"angle": 0.1}}, foreign):
        assert len(ConjugateTwirl().forms(template, as_noise(noise))) == 2
    assert len(TwirledEngine(EXACT, ConjugateTwirl()).forms(template, NO_NOISE)) == 1
    # What a sampler's noise is, nobody says.
    sampler = make_engine(cirq.Simulator())
    assert len(TwirledEngine(sampler, ConjugateTwirl()).forms(template, NO_NOISE)) == 2
    native, _ = bound(a_program(device="sycamore", gate_set="sqrt_iswap"))
    assert native.conjugate is None
    with pytest.raises(InputError, match="'pauli' is for CZ gates"):
        PauliTwirl().forms(native, WILLOW)


@pytest.mark.parametrize("overlap", ["inversion", "destructive"])
def test_what_is_left_of_coherent_errors_is_of_the_second_order(overlap):
    template, tables = bound(a_program(overlap))

    def error(engine, angle):
        noise = as_noise({"coherent": {"angle": angle}})
        ideal = EXACT.distribution(template, NO_NOISE, tables)
        return np.abs(engine.distribution(template, noise, tables) - ideal).sum()

    twirled = TwirledEngine(EXACT, ConjugateTwirl())
    assert error(EXACT, 0.01) / error(EXACT, 0.005) == pytest.approx(2, rel=0.05)
    assert error(twirled, 0.01) / error(twirled, 0.005) == pytest.approx(4, rel=0.02)
    assert error(twirled, 0.01) < 0.1 * error(EXACT, 0.01)


@pytest.mark.parametrize("twirl", [ConjugateTwirl(), PauliTwirl(3, seed=5)])
def test_distributions_are_means_of_density_matrices(twirl):
    template, tables = bound(a_program(), states=some_states(batch=2))
    expected = np.zeros(16)
    forms = twirl.forms(template, WILLOW)
    for form in forms:
        own = {**tables, "patch": tables["patch"][1:]}
        circuit = WILLOW.noisy_circuit(form.template.bound_circuit(own))
        gates = cirq.drop_terminal_measurements(circuit)
        order = template.observable.qubits
        simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
        matrix = simulator.simulate(gates, qubit_order=order).final_density_matrix
        chances = np.diag(matrix).real
        expected += [chances[outcome ^ form.flips] for outcome in range(16)]
    found = TwirledEngine(EXACT, twirl).distribution(template, WILLOW, tables)
    assert len(forms) > 1
    assert found[0, 1] == pytest.approx(expected / len(forms), abs=1e-6)
    means = TwirledEngine(EXACT, twirl).run(template, WILLOW, tables, None, streams_of(2)).means
    assert means == pytest.approx(found @ template.observable.table, abs=1e-9)


@pytest.mark.parametrize("twirl", [ConjugateTwirl(), PauliTwirl(5, seed=5)])
@pytest.mark.parametrize("measurement", ["z", {"kind": "pauli", "strings": ["YYII", "IYZX"]}])
def test_products_are_carried_back_each_by_itself(twirl, measurement):
    body = RandomCircuit(16, 2)
    spec = ConvolutionSpec((2, 2), filters=body, encoding="angle", measurement=measurement)
    images = np.random.default_rng(2).random((3, 2, 2))
    program = compile_convolution(spec, "willow_pink")
    (load,) = program.filters[0].load_patches(extract_patches(images, spec))
    template = load.variant.template
    tables = {"patch": load.angles, "filter": np.zeros((1, 0)), "upstream": upstream_table(1.0)}
    groups = [(0,), (1, 0), tuple(range(len(template.observable.qubits)))]
    twirled = TwirledEngine(EXACT, twirl)
    # By the base class of all engines: from the whole distribution.
    expected = super(TwirledEngine, twirled).parities(template, WILLOW, tables, groups)
    assert twirled.parities(template, WILLOW, tables, groups) == pytest.approx(expected, abs=1e-9)
    assert not np.allclose(EXACT.parities(template, WILLOW, tables, groups), expected, atol=1e-5)
    factors = np.random.default_rng(3).normal(size=(2, 3))
    means = twirled.run(template, WILLOW, tables, None, streams_of(3)).means
    sums = twirled.weighted_means(template, WILLOW, tables, factors, streams_of(3))
    assert sums == pytest.approx(means @ factors.T, abs=1e-9)


def streams_of(patches, seed=1):
    return Streams(seed, (0,), np.arange(patches))


@pytest.mark.parametrize(("overlap", "filters", "parameters"), CASES)
def test_pauli_forms_do_the_same_with_the_same_gates(overlap, filters, parameters):
    program = a_program(overlap, filters=filters)
    template, tables = bound(program, parameters, some_states(batch=2))
    ideal = EXACT.distribution(template, NO_NOISE, tables)
    forms = PauliTwirl(8).forms(template, WILLOW)
    for form in forms:
        found = EXACT.distribution(form.template, NO_NOISE, tables)
        assert found[..., np.arange(ideal.shape[-1]) ^ form.flips] == pytest.approx(ideal, abs=1e-9)
        assert EXACT.means(form.template, NO_NOISE, tables) == pytest.approx(
            ideal @ template.observable.table, abs=1e-9
        )
        assert len(form.template.circuit) == len(template.circuit)
        own = {**tables, "patch": tables["patch"][:1]}
        assert not validate(form.template.bound_circuit(own), program.device)
    assert len({form.flips for form in forms}) > 1


def pooled_by_records(block, encoding, kernel):
    body = QCNNBody(block, pooling="measured")
    read = body.read_qubit(2 if encoding == "amplitudes" else 4)
    spec = ConvolutionSpec(
        kernel, filters=body, encoding=encoding, measurement={"kind": "z", "qubits": [read]}
    )
    program = compile_convolution(spec, "willow_pink")
    generator = np.random.default_rng(7)
    patches = extract_patches(generator.random((2, *kernel)), spec)
    compiled = program.filters[0]
    (load,) = compiled.load_patches(patches)
    tables = {
        "patch": load.angles,
        "filter": compiled.filter_table(generator.uniform(0, 6, (1, spec.n_parameters))),
        "upstream": upstream_table(1.0),
    }
    return load.variant.template, tables


@pytest.mark.parametrize("block", ["su4", "so4"])
@pytest.mark.parametrize(
    ("encoding", "kernel"), [("amplitudes", (2, 2)), ("given", (4, 4)), ("angle", (2, 2))]
)
def test_conjugates_control_by_records_as_well(block, encoding, kernel):
    template, tables = pooled_by_records(block, encoding, kernel)
    ideal = EXACT.distribution(template, NO_NOISE, tables)
    other = EXACT.distribution(template.conjugate, NO_NOISE, tables)
    assert other == pytest.approx(ideal, abs=1e-9)
    depolarizing = as_noise({"depolarizing": {"p2": 0.01}, "readout": {"p01": 0.1}})
    assert len(ConjugateTwirl().forms(template, depolarizing)) == 1

    def error(twirl, angle):
        noise = as_noise({"coherent": {"angle": angle}})
        found = twirled_engine(EXACT, twirl).distribution(template, noise, tables)
        return np.abs(found - ideal).sum()

    twirl = ConjugateTwirl()
    assert error(None, 0.01) / error(None, 0.005) == pytest.approx(2, rel=0.1)
    assert error(twirl, 0.01) / error(twirl, 0.005) == pytest.approx(4, rel=0.1)


def test_many_paulis_make_coherent_errors_random():
    template, tables = bound(a_program())
    noise = as_noise({"coherent": {"angle": 0.05}})
    ideal = EXACT.distribution(template, NO_NOISE, tables)

    def error(twirl):
        found = twirled_engine(EXACT, twirl).distribution(template, noise, tables)
        return np.sqrt(np.mean((found - ideal) ** 2))

    assert error(PauliTwirl(64)) < 0.4 * error(None)
    assert error(ConjugateTwirl()) < error(PauliTwirl(64))


@pytest.mark.parametrize("engine", ["exact", "qsim", "sampler"])
@pytest.mark.parametrize("twirl", [ConjugateTwirl(), PauliTwirl(4)])
def test_shots_are_shared_to_the_last(engine, twirl):
    template, tables = bound(a_program(), states=some_states(batch=1))
    twirled = TwirledEngine(make_engine(engine), twirl)
    for shots in (1, 7):
        counts = twirled.outcome_counts(template, WILLOW, tables, shots, streams_of(1))
        assert counts.shape == (1, 1, 16) and counts.sum() == shots
    found = twirled.run(template, WILLOW, tables, 7, streams_of(1))
    assert 0 <= found.counts[0, 0] <= 7


def test_counts_of_forms_have_the_mean_distribution():
    template, tables = bound(a_program(), states=some_states(batch=1))
    noise = as_noise({"coherent": {"angle": 0.4}})
    twirled = TwirledEngine(EXACT, PauliTwirl(4))
    expected = twirled.distribution(template, noise, tables)[0, 0]
    counts = twirled.outcome_counts(template, noise, tables, 400_000, streams_of(1))[0, 0]
    alone = EXACT.distribution(template, noise, tables)[0, 0]
    chi = np.sum((counts - 400_000 * expected) ** 2 / (400_000 * expected))
    assert chi < 50 < np.sum((counts - 400_000 * alone) ** 2 / (400_000 * alone))


class Recorder(cirq.Simulator):
    """Remembers what it ran."""

    def __init__(self):
        super().__init__(seed=1)
        self.ran = []

    def run_batch(self, programs, params_list=None, repetitions=1):
        self.ran += [(each, repetitions) for each in programs]
        return super().run_batch(programs, params_list, repetitions)


def test_a_sampler_runs_both_circuits_with_half_of_the_shots():
    sampler = Recorder()
    layer = QuantumConvolution(
        a_program(), engine=sampler, shots=101, mitigation=Mitigation(Readout(), None), seed=2
    )
    layer.run(np.random.default_rng(0).random((1, 4, 4)))
    assert [shots for _, shots in sampler.ran] == [51, 50]
    states = [
        cirq.drop_terminal_measurements(c).final_state_vector(dtype=np.complex128)
        for c, _ in sampler.ran
    ]
    assert overlap_of(states[0].conj(), states[1]) == pytest.approx(1, abs=1e-6)


def error_of(mitigation, images):
    layer = QuantumConvolution(a_program(), noise="willow_pink", shots=None, mitigation=mitigation)
    ideal = QuantumConvolution(a_program(), shots=None)
    return np.sqrt(np.mean((layer.forward(images) - ideal.forward(images)) ** 2))


@pytest.mark.parametrize(
    "estimator", [TwoPoint(Readout()), Optimal(Training(some_states(batch=200)), shots=10**6)]
)
def test_mitigation_gains_by_it_without_being_asked(estimator):
    images = np.random.default_rng(1).normal(size=(1, 10, 10))
    alone = error_of(Mitigation(estimator, "willow_pink", twirl="none"), images)
    assert error_of(Mitigation(estimator, "willow_pink"), images) < 0.5 * alone
    assert error_of(estimator, images) < 0.5 * alone


def test_methods_that_run_circuits_gain_as_well():
    images = np.random.default_rng(1).normal(size=(1, 6, 6))
    method = SelfOverlap(calibration_shots=10**9)
    alone = error_of(CircuitMitigation(method, "willow_pink", twirl=None), images)
    assert error_of(CircuitMitigation(method, "willow_pink"), images) < 0.7 * alone


def test_raw_is_the_circuit_alone():
    assert Mitigation(Raw(), "willow_pink").twirl is None
    images = np.random.default_rng(1).normal(size=(1, 5, 5))
    assert error_of("raw", images) == pytest.approx(error_of(None, images), abs=1e-12)


def test_twirls_are_values_and_are_copied():
    assert ConjugateTwirl() == as_twirl("conjugate") and hash(PauliTwirl()) == hash(PauliTwirl(16))
    assert as_twirl("none") is None and twirled_engine(EXACT, None) is EXACT
    mitigation = Mitigation(Readout(), "willow_pink", twirl=PauliTwirl(4, 2))
    for again in (copy.deepcopy(mitigation), pickle.loads(pickle.dumps(mitigation))):
        assert again.twirl == PauliTwirl(4, 2)
    circuits = CircuitMitigation(SelfOverlap(), "willow_pink", twirl="none")
    assert pickle.loads(pickle.dumps(circuits)).twirl is None
    engine = pickle.loads(pickle.dumps(TwirledEngine(EXACT, ConjugateTwirl())))
    assert engine.name == "exact, conjugate twirl" and engine.twirl == ConjugateTwirl()


def test_measuring_once_takes_it():
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(KERNEL))
    layers = [
        MeasuredOnce(spec, noise="willow_pink", shots=None, circuit="destructive", twirl=twirl)
        for twirl in ("none", "conjugate")
    ]
    images = np.random.default_rng(4).random((1, 6, 6))
    exact = QuantumConvolution(a_program(), shots=None).forward(images)
    errors = [np.abs(each.measure(images).overlaps().values - exact).max() for each in layers]
    assert errors[1] < errors[0]
    assert layers[0].twirl is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mitigation(Readout(), None, twirl="turn"), "turn"),
        (lambda: Mitigation(Readout(), None, twirl=3), "twirl = 3"),
        (lambda: PauliTwirl(0), "circuits"),
        (lambda: PauliTwirl(2, -1), "seed"),
    ],
)
def test_what_is_no_twirl_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_what_predicts_under_another_noise_stays_twirled():
    class Predicting(ExactEngine):
        """Keeps the noise that it is to predict under."""

        asked = None

        def predicting(self, noise):
            other = Predicting()
            other.asked = noise
            return other

    noise = as_noise("willow_pink")
    twirled = twirled_engine(Predicting(), as_twirl("pauli"))
    other = twirled.predicting(noise)
    assert isinstance(other, TwirledEngine) and other.twirl is twirled.twirl
    assert other.engine.asked is noise and twirled.engine.asked is None
