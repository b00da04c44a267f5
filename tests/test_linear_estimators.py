"""Linear estimators against matrices and Cirq, and what their assumptions cost."""

import itertools
from dataclasses import replace

import cirq
import numpy as np
import pytest
from scipy.stats import chi2

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.circuit_loader import CircuitLoader
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.outcomes import recorded
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    ESTIMATORS,
    AllZeros,
    Mixed,
    MixedEach,
    Optimal,
    PauliWeights,
    Raw,
    Readout,
    Recording,
    Regression,
    Training,
    TwoPoint,
    Unbiased,
    chain,
    evaluate,
    evaluated,
    gradient_forms,
    images_of,
    overlap_forms,
    readings_of,
)
from qucnn_cirq.estimators.calibrated import calibration_states
from qucnn_cirq.estimators.effects import effects_of, packed, unpacked
from qucnn_cirq.estimators.mixed import best_part
from qucnn_cirq.estimators.overlap_outcomes import overlap_outcomes
from qucnn_cirq.patches import extract_patches

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}
UNIFORM = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
SIGNS = np.array([1.0, 1.0, 1.0, -1.0])


class Small:
    """A 2x2 convolution with one filter, and Cirq's distributions of it."""

    def __init__(self, overlap="destructive", noise=None, vector=None, seed=0, **settings):
        self.generator = np.random.default_rng(seed)
        filter_ = XZAnsatz(2) if vector is None else FixedFilter(np.reshape(vector, (2, 2)))
        spec = ConvolutionSpec(kernel=(2, 2), filters=filter_, overlap=overlap)
        device = "sycamore" if settings else "willow_pink"
        self.program = compile_convolution(spec, device, **settings)
        self.compiled = self.program.filters[0]
        self.parameters = None
        if spec.n_parameters:
            self.parameters = self.generator.uniform(-np.pi, np.pi, (1, spec.n_parameters))
        self.vector = filter_states(spec, self.parameters)[0]
        self.noise = as_noise(noise)
        self.readings = readings_of(
            self.compiled,
            self.compiled.filter_table(self.parameters),
            self.vector,
            self.noise,
            make_engine("exact"),
        )
        (self.reading,) = self.readings

    def states(self, count):
        states = self.generator.normal(size=(count, 4))
        return states / np.linalg.norm(states, axis=1, keepdims=True)

    def overlaps(self, states):
        return np.abs(states @ self.vector.conj()) ** 2

    def cirq_distributions(self, states, noise=None):
        noise = self.noise if noise is None else as_noise(noise)
        return np.array([self._cirq_distribution(state, noise) for state in states])

    def _cirq_distribution(self, state, noise):
        circuit = self.program.circuit(state.reshape(2, 2), self.parameters)
        unmeasured = cirq.Circuit(
            cirq.Moment(op for op in moment if not cirq.is_measurement(op))
            for moment in noise.noisy_circuit(circuit)
        )
        measured = list(self.reading.observable.qubits)
        others = sorted(set(circuit.all_qubits()) - set(measured))
        simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
        rho = simulator.simulate(unmeasured, qubit_order=measured + others).final_density_matrix
        return np.diag(rho).real.reshape(1 << len(measured), -1).sum(axis=1)


def moments_of(weights, chances):
    means = chances @ weights
    return means, chances @ weights**2 - means**2


def check(estimator, small, weights, count=4, noise=None):
    """Mean and variance against weights that were found independently, and Cirq's distributions."""
    states = small.states(count)
    means, variances = moments_of(weights, small.cirq_distributions(states, noise))
    reading = small.reading if noise is None else replace(small.reading, noise=as_noise(noise))
    found = estimator.moments(small.reading, reading.distribution(states), 100)
    assert found.values[0] == pytest.approx(means, abs=1e-8)
    assert found.variances[0] == pytest.approx(variances / 100, abs=1e-8)
    return means - small.overlaps(states)


def bell(part, mean_sign=1.0):
    """a s + (1 - a) 4 [all pairs in Phi+], from the bits of two pairs."""
    weights = []
    for bits in itertools.product((0, 1), repeat=4):
        sign = (-1) ** (bits[0] * bits[1] + bits[2] * bits[3])
        weights.append(part * sign + (1 - part) * 4 * (bits == (0, 0, 0, 0)))
    return np.array(weights)


def confusion_of(noise, qubits):
    """The confusion as a matrix, by readout errors of single qubits alone."""
    total = np.ones((1, 1))
    for qubit in qubits:
        p01, p10 = noise.readout(qubit)
        total = np.kron(total, [[1 - p01, p10], [p01, 1 - p10]])
    return total


# Mixed and all zeros.


@pytest.mark.parametrize("noise", [None, NOISE])
def test_mixed_is_sign_and_phi_plus(noise):
    small = Small(noise=noise)
    bias = check(Mixed(), small, bell(0.5))
    check(Mixed(0.1), small, bell(best_part(0.1, 4)))
    check(AllZeros(), small, bell(0.0))
    check(Raw(), small, bell(1.0))
    assert (np.abs(bias).max() < 1e-12) == (noise is None)


def test_the_best_part_has_the_least_variance():
    overlap = np.linspace(0, 1, 5)[:, None]
    part = np.linspace(0, 1, 1001)
    for dilution, sign in ((16, 1.0), (4, 0.0), (16, -1.0)):
        variance = (
            part**2
            + 2 * part * (1 - part) * sign * overlap
            + (1 - part) ** 2 * dilution * overlap
            - overlap**2
        )
        best = [best_part(float(each), dilution, sign) for each in overlap[:, 0]]
        assert best == pytest.approx(part[variance.argmin(axis=1)], abs=1e-3)
    assert best_part(1 / 16, 16) == 0.5
    assert best_part(1.0, 1) == 0.0


def test_mixed_variance_is_the_formula():
    small = Small()
    states = small.states(6)
    overlaps = small.overlaps(states)
    found = Mixed(0.3).moments(small.reading, small.reading.distribution(states), 1)
    a = best_part(0.3, 4)
    expected = a**2 + 2 * a * (1 - a) * overlaps + (1 - a) ** 2 * 4 * overlaps - overlaps**2
    assert found.variances[0] == pytest.approx(expected, abs=1e-12)


def test_all_zeros_of_the_inversion_test_is_raw():
    reading = Small("inversion").reading
    assert AllZeros().weights(reading) == pytest.approx(Raw().weights(reading))
    assert Mixed().weights(reading) == pytest.approx(Raw().weights(reading))


def test_several_outcomes_may_have_the_overlap():
    # Phases of a basis state do not show: every string of Z leaves it.
    reading = Small(vector=(0, 1, 0, 0)).reading
    found = overlap_outcomes(reading)
    assert found.indicator.sum() == 4
    assert found.dilution == pytest.approx(1.0)


@pytest.mark.parametrize("estimator", [AllZeros(), Mixed(), MixedEach()])
def test_no_outcome_of_other_circuits_is_the_overlap(estimator):
    counts = np.ones((1, 2), dtype=np.int64)
    with pytest.raises(InputError, match="the inversion test, or the destructive test in CZ"):
        estimator.estimate(Small("ancilla").reading, counts)
    native = Small(gate_set="sqrt_iswap").reading
    with pytest.raises(InputError, match="the inversion test, or the destructive test in CZ"):
        estimator.estimate(native, np.ones((1, 16), dtype=np.int64))


def test_quantum_data_has_no_real_vector():
    reading = Small().reading
    qubits = cirq.LineQubit.range(2)
    loader = CircuitLoader(cirq.Circuit(cirq.H(qubits[0]), cirq.S(qubits[0])), qubits)
    quantum = replace(reading, variant=replace(reading.variant, loader=loader))
    for estimator in (Mixed(), PauliWeights(), Unbiased(), Optimal(np.eye(4))):
        with pytest.raises(InputError, match="prepared by a circuit of their own"):
            estimator.weights(quantum)


# Sixteen images: the circuits of 4x4 patches, one of them in a frame.


class Digits:
    def __init__(self, noise, assumed=None):
        spec = ConvolutionSpec(filters=FixedFilter(load_classical_filter()), overlap="destructive")
        self.program = compile_convolution(spec)
        compiled = self.program.filters[0]
        self.patches = extract_patches(load_mnist("train", 16).images, spec)
        self.readings = readings_of(
            compiled,
            compiled.filter_table(None),
            filter_states(spec)[0],
            as_noise(noise if assumed is None else assumed),
            make_engine("exact"),
        )
        self.recording = Recording.of(self.readings, self.patches, noise)
        self.learn = images_of(self.patches) < 8
        self.training = Training(self.patches.states[self.learn])

    def errors(self, estimator, forms=None):
        return evaluate(estimator, self.recording, forms).of(~self.learn)


@pytest.fixture(scope="module")
def ideal():
    return Digits(None)


@pytest.fixture(scope="module")
def noisy():
    return Digits(UNIFORM)


def test_mixed_halves_the_variance_of_the_sign(ideal):
    raw, fixed = (evaluate(each, ideal.recording) for each in (Raw(), Mixed(0.1212)))
    assert raw.variance.mean() == pytest.approx(0.969, abs=5e-4)
    assert fixed.variance.mean() == pytest.approx(0.682, abs=5e-4)
    assert np.abs(fixed.bias).max() < 1e-6
    overlaps = fixed.exact[0]
    a = 15 * overlaps / (1 + 14 * overlaps)
    best = a**2 + 2 * a * (1 - a) * overlaps + (1 - a) ** 2 * 16 * overlaps - overlaps**2
    assert best.mean() == pytest.approx(0.493, abs=5e-4)
    squares, claimed, misses = [], [], []
    for reading, columns, chances in ideal.recording.parts:
        counts = np.random.default_rng(1).multinomial(10_000, chances / chances.sum(1)[:, None])
        found = MixedEach().estimate(reading, counts)
        miss = found.values[0] - overlaps[columns]
        squares += list(10_000 * miss**2)
        claimed += list(10_000 * found.variances[0])
        misses += list(miss)
        assert MixedEach().limit(reading, chances)[0] == pytest.approx(overlaps[columns], abs=1e-6)
    # 4,400 squares of a spread of 1.5: 0.02 is their standard error.
    assert np.mean(squares) == pytest.approx(0.503, abs=0.04)
    assert np.mean(claimed) <= 0.51
    assert np.mean(claimed) == pytest.approx(0.498, abs=0.005)
    assert abs(np.mean(misses)) < 4 * np.std(misses) / np.sqrt(len(misses))


def test_a_frame_has_its_own_outcome(ideal):
    frames = {
        reading.variant.loader.frame: tuple(np.flatnonzero(overlap_outcomes(reading).indicator))
        for reading in ideal.readings
    }
    assert frames == {"": (0,), "quaternions": (15,)}


def test_mixed_is_unbiased_by_shots_of_cirq(ideal):
    patch = ideal.patches.states[1000]
    compiled = ideal.program.filters[0]
    index = int(compiled.choose(patch[None])[0])
    reading = ideal.readings[index]
    circuit = ideal.program.circuit(patch.reshape(4, 4))
    (key,) = circuit.all_measurement_key_names()
    bits = cirq.Simulator(seed=2).run(circuit, repetitions=20_000).measurements[key]
    counts = np.bincount(bits @ (1 << np.arange(8)[::-1]), minlength=256)[None]
    exact = float((patch @ reading.vector.real) ** 2)
    for estimator in (Raw(), AllZeros(), Mixed(), MixedEach()):
        found = estimator.estimate(reading, counts)
        assert abs(found.values[0, 0] - exact) < 4 * np.sqrt(found.variances[0, 0])


def test_values_scatter_by_their_variances(noisy):
    # Chi-squared of 300 patches with the right variances, for estimators without bias.
    reading, columns, chances = max(noisy.recording.parts, key=lambda part: len(part[1]))
    exact = evaluated(reading.own_form, noisy.recording.states[columns])[0][:300]
    chances = chances[:300] / chances[:300].sum(axis=1, keepdims=True)
    counts = np.random.default_rng(3).multinomial(1000, chances)
    low, high = chi2.ppf([1e-4, 1 - 1e-4], 300)
    for estimator in (Unbiased(noisy.training), PauliWeights(0.12)):
        true = estimator.moments(reading, chances, 1000)
        # What is left of bias is far below the shots' spread.
        assert (true.values[0] - exact).std() < 0.05 * np.sqrt(true.variances.mean())
        miss = estimator.estimate(reading, counts).values[0] - exact
        assert low < (miss**2 / true.variances[0]).sum() < high
    raw = Raw().moments(reading, chances, 1000)
    miss = Raw().estimate(reading, counts).values[0] - exact
    assert (miss**2 / raw.variances[0]).sum() > high


# Calibrated ones, against matrices.


def test_readout_is_the_inverse_confusion():
    small = Small(noise=NOISE)
    confusion = confusion_of(small.noise, small.reading.observable.qubits)
    weights = np.linalg.inv(confusion).T @ bell(1.0)
    check(Readout(), small, weights)
    only_readout = {"readout": NOISE["readout"]}
    small = Small(noise=only_readout)
    bias = check(Readout(Mixed()), small, np.linalg.inv(confusion).T @ bell(0.5))
    assert np.abs(bias).max() < 1e-12
    assert np.abs(check(Mixed(), small, bell(0.5))).max() > 1e-3


def test_readout_undoes_pairs_that_err_together():
    noise = {"readout": NOISE["readout"], "correlated_readout": {"both": 0.02}}
    small = Small(noise=noise)
    assert small.noise.joint_readout(small.reading.observable.qubits)
    columns = recorded(np.eye(16), small.reading.observable.qubits, small.noise)
    bias = check(Readout(), small, np.linalg.inv(columns.T).T @ bell(1.0))
    assert np.abs(bias).max() < 1e-12
    # Measured qubit by qubit, pairs are not seen.
    states = small.states(20)
    alone = Readout(shots=10**9).moments(small.reading, small.reading.distribution(states), 1)
    assert np.abs(alone.values[0] - small.overlaps(states)).max() > 1e-3


def test_measured_confusion_tends_to_the_right_one():
    small = Small(noise=NOISE)
    exact = Readout().weights(small.reading)
    found = Readout(shots=10**9)
    assert found.weights(small.reading) == pytest.approx(exact, abs=1e-3)
    assert (found.calibration_circuits, found.calibration_shots) == (2, 2 * 10**9)
    few = Readout(shots=1000, seed=1).weights(small.reading)
    assert 1e-3 < np.abs(few - exact).max() < 0.3
    assert np.array_equal(few, Readout(shots=1000, seed=1).weights(small.reading))


def test_two_point_is_fixed_by_the_filter_and_what_is_orthogonal():
    vector = np.array([0.5, 0.1, -0.7, 0.4])
    small = Small(noise=NOISE, vector=vector)
    unit = vector / np.linalg.norm(vector)
    orthogonal = np.linalg.svd(unit[None])[2][1:]
    raw = bell(1.0)
    top = small.cirq_distributions(unit[None])[0] @ raw
    low = np.mean(small.cirq_distributions(orthogonal) @ raw)
    # Noise inside the loader depends on which three orthogonal states are taken.
    taken = calibration_states(small.reading)[:3]
    assert taken @ unit == pytest.approx(np.zeros(3), abs=1e-7)
    assert taken @ taken.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.mean(small.cirq_distributions(taken) @ raw) == pytest.approx(low, abs=2e-3)
    low = np.mean(small.cirq_distributions(taken) @ raw)
    estimator = TwoPoint()
    bias = check(estimator, small, (raw - low) / (top - low))
    # No straight line is right for all: noise inside the loader has more shapes.
    assert 1e-3 < np.abs(bias).max() < 0.05
    assert estimator.calibration_circuits == 4
    assert estimator.calibration_shots == 0


def test_two_point_calibrates_on_the_device():
    vector = np.array([0.5, 0.1, -0.7, 0.4])
    wrong, right = Small(noise=UNIFORM, vector=vector), Small(noise=NOISE, vector=vector)
    states = wrong.states(50)
    chances = right.reading.distribution(states)

    def rms(estimator, reading):
        found = estimator.moments(reading, chances, 1).values[0]
        return np.sqrt(np.mean((found - wrong.overlaps(states)) ** 2))

    measured = TwoPoint(device=NOISE, shots=10**8)
    assert rms(measured, wrong.reading) == pytest.approx(rms(TwoPoint(), right.reading), abs=1e-3)
    assert rms(TwoPoint(), wrong.reading) > 1.5 * rms(measured, wrong.reading)
    assert measured.calibration_shots == 4 * 10**8


def test_regression_is_a_straight_line():
    small = Small(noise=NOISE)
    training = small.states(40)
    means = small.cirq_distributions(training) @ bell(0.5)
    table = np.stack([means, np.ones(40)], axis=1)
    slope, offset = np.linalg.lstsq(table, small.overlaps(training), rcond=None)[0]
    estimator = Regression(training, Mixed())
    bias = check(estimator, small, slope * bell(0.5) + offset)
    assert 1e-3 < np.abs(bias).max() < 0.05
    assert estimator.calibration_circuits == 40


def test_pauli_weights_add_up_to_the_mixture():
    reading = Small().reading
    for overlap in (0.0, 0.25, 1.0):
        parts = PauliWeights(overlap).parts(reading)
        assert parts.sum(axis=0) == pytest.approx(Mixed(overlap).weights(reading)[0])
        assert parts[0] == pytest.approx(np.full(16, 0.25))


def test_pauli_weights_are_strings_of_that_weight():
    small = Small()
    (state,) = small.states(1)
    both = np.kron(np.outer(state, state), np.outer(small.vector, small.vector.conj()))
    paulis = [
        np.eye(2),
        np.array([[0, 1], [1, 0]]),
        np.array([[0, -1j], [1j, 0]]),
        np.diag([1, -1]),
    ]
    expected = np.zeros(3)
    for first, second in itertools.product(range(4), repeat=2):
        string = np.kron(paulis[first], paulis[second])
        value = np.trace(both @ np.kron(string, string)).real / 4
        expected[(first > 0) + (second > 0)] += value
    parts = PauliWeights(1.0).parts(small.reading)
    assert small.cirq_distributions(state[None])[0] @ parts.T == pytest.approx(expected, abs=1e-8)


def test_pauli_weights_divide_each_by_what_is_left():
    small = Small(noise=NOISE)
    estimator = PauliWeights(0.25, states=8)
    parts = estimator.parts(small.reading)
    inverse = np.linalg.inv(confusion_of(small.noise, small.reading.observable.qubits)).T
    states = small.reading.variant.loader.random_states(8, np.random.default_rng(0))
    weights = parts[0].copy()
    for part in parts[1:]:
        clean = small.cirq_distributions(states, noise={}) @ part
        left = small.cirq_distributions(states) @ (inverse @ part)
        weights += inverse @ part * (clean @ clean) / (clean @ left)
    bias = check(estimator, small, weights)
    assert np.abs(bias).max() < 0.02
    with pytest.raises(InputError, match="does not read pairs of qubits in the Bell basis"):
        PauliWeights().weights(Small("inversion").reading)


# Learned and unbiased ones.


def test_optimal_solves_its_system():
    small = Small(noise=NOISE)
    training = Training(small.states(20), background=5.0, random=10)
    sample = training.sample(small.reading)
    assert sample.weights.sum() == pytest.approx(1.0)
    chances = small.cirq_distributions(sample.states)
    matrix = 0.99 * np.einsum("n,no,np->op", sample.weights, chances, chances)
    matrix += np.diag(sample.weights @ chances) / 100
    right = (sample.weights * small.overlaps(sample.states)) @ chances
    bias = check(Optimal(training, shots=100), small, np.linalg.solve(matrix, right))
    assert np.abs(bias).max() < 0.4


@pytest.mark.parametrize("shots", [10, 1000])
def test_no_weights_are_better_on_training_patches(shots):
    small = Small(noise=NOISE)
    training = Training(small.states(50), background=1e-6, random=1)
    states = training.states
    chances = small.reading.distribution(states)
    best = Optimal(training, shots).weights(small.reading)[0]

    def loss(weights):
        means, variances = moments_of(weights, chances)
        return np.mean((means - small.overlaps(states)) ** 2 + variances / shots)

    for step in np.random.default_rng(5).normal(size=(20, 16)):
        assert loss(best + 0.01 * step) > loss(best)


def test_optimal_gives_outcomes_that_never_show_no_weight():
    # Without noise a basis state of the filter leaves half of the outcomes to no patch.
    small = Small("inversion")
    states = small.states(30)
    weights = Optimal(states, 10**6).weights(small.reading)[0]
    assert np.isfinite(weights).all()
    assert weights == pytest.approx([1, 0, 0, 0], abs=1e-3)


def test_unbiased_is_right_and_has_the_least_variance():
    small = Small(noise=NOISE)
    estimator = Unbiased()
    weights = estimator.weights(small.reading)[0]
    effects = packed(effects_of(small.reading))
    wanted = packed(small.reading.own_form)[0]
    assert weights @ effects == pytest.approx(wanted, abs=1e-8)
    states = small.reading.variant.loader.random_states(500, np.random.default_rng(0))
    mean = small.reading.distribution(states).mean(axis=0)
    # Lagrange: what is least has a gradient among the constraints.
    multipliers = np.linalg.lstsq(effects, mean * weights, rcond=None)[0]
    assert effects @ multipliers == pytest.approx(mean * weights, abs=1e-8)
    bias = check(estimator, small, weights)
    assert np.abs(bias).max() < 2e-3


def test_effects_are_those_of_cirq_but_for_noise_in_the_loader():
    small = Small(noise={"readout": NOISE["readout"]})
    states = small.states(5)
    chances = evaluated(effects_of(small.reading), states).T
    assert chances == pytest.approx(small.cirq_distributions(states), abs=1e-9)
    form = np.arange(16.0).reshape(4, 4)
    form += form.T
    assert unpacked(packed(form[None]), 4)[0] == pytest.approx(form)


@pytest.mark.parametrize("kind", [Optimal, Unbiased])
def test_one_circuit_serves_filters_and_gradients(kind):
    small = Small()
    others = small.states(3).astype(complex)
    ansatz = XZAnsatz(2)
    angles = small.generator.uniform(-np.pi, np.pi, ansatz.n_parameters(2))
    forms = np.concatenate([overlap_forms(others), gradient_forms(ansatz, 2, angles)])
    states = small.states(6)
    estimator = kind(small.states(300)) if kind is Optimal else kind()
    found = estimator.moments(small.reading, small.reading.distribution(states), 1, forms)
    limit = 0.05 if kind is Optimal else 1e-6
    assert found.values == pytest.approx(evaluated(forms, states), abs=limit)


def test_two_outcomes_do_not_tell_other_filters():
    small = Small("ancilla")
    other = overlap_forms(small.states(1).astype(complex))
    assert np.abs(check(Unbiased(), small, Raw().weights(small.reading)[0])).max() < 1e-8
    with pytest.raises(InputError, match="do not tell every form"):
        Unbiased().weights(small.reading, other)
    assert np.isfinite(Unbiased(tolerance=1.0).weights(small.reading, other)).all()


# On the digits: how much is gained, and what wrong assumptions cost.


def test_errors_of_every_estimator(noisy):
    """RMSE at 10,000 shots on images that nothing was trained on."""
    mean = {"mean_overlap": 0.1212}
    training = {"training": noisy.training}
    found = {}
    for names, settings in (
        (["raw"], {}),
        (["raw", "readout"], {}),
        (["raw", "readout", "two_point"], {}),
        (["raw", "readout", "regression"], {"regression": training}),
        (["mixed"], {"mixed": mean}),
        (["mixed", "readout", "two_point"], {"mixed": mean}),
        (["pauli_weights"], {"pauli_weights": mean}),
        (["unbiased"], {"unbiased": training}),
        (["optimal"], {"optimal": training}),
    ):
        found["+".join(names)] = noisy.errors(chain(names, settings)).rmse(10_000)[0]
    assert found == pytest.approx(
        {
            "raw": 0.0262,
            "raw+readout": 0.0163,
            "raw+readout+two_point": 0.0128,
            "raw+readout+regression": 0.0125,
            "mixed": 0.0228,
            "mixed+readout+two_point": 0.0108,
            "pauli_weights": 0.0105,
            "unbiased": 0.0089,
            "optimal": 0.0075,
        },
        abs=1.5e-4,
    )


def test_parts_of_the_error_add_up(noisy):
    errors = noisy.errors(Raw())
    parts = (errors.offset, errors.shrinkage, errors.rest, errors.shot_noise(1000))
    assert sum(part**2 for part in parts) == pytest.approx(errors.rmse(1000) ** 2)
    assert errors.rmse(np.inf) == pytest.approx(np.sqrt((errors.bias**2).mean(axis=1)))
    assert -0.2 < errors.slope[0] < -0.1


def test_wrong_rates_cost_little_at_first():
    found = {}
    for factor in (0.5, 1.1, 1.2):
        assumed = {
            kind: {name: factor * rate for name, rate in rates.items()}
            for kind, rates in UNIFORM.items()
        }
        digits = Digits(UNIFORM, assumed)
        found[factor] = [
            digits.errors(estimator).rmse(10_000)[0]
            for estimator in (Optimal(digits.training), Unbiased(digits.training))
        ]
    for number, right in ((0, 0.0075), (1, 0.0089)):
        assert found[1.1][number] < 1.1 * right
        assert found[1.2][number] < 1.3 * right
        assert found[0.5][number] > 1.3 * right


def test_a_prior_is_wrong_for_other_patches(noisy):
    states = np.random.default_rng(8).normal(size=(500, 16))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    recording = Recording.of(noisy.readings, states)
    learned = evaluate(Optimal(noisy.training), recording).rmse(10_000)[0]
    free = evaluate(Unbiased(), recording).rmse(10_000)[0]
    assert free < 0.012
    assert learned > 1.05 * free


# Chains, names and settings.


def test_every_estimator_is_known_by_its_name():
    for name in ("raw", "all_zeros", "mixed", "mixed_each", "pauli_weights", "readout"):
        assert ESTIMATORS[name]().name == name
    for name in ("two_point", "unbiased"):
        assert ESTIMATORS[name]().name == name
    for name in ("regression", "optimal"):
        assert ESTIMATORS[name](np.eye(4)).name == name
    assert all(each.assumes for each in ESTIMATORS.values())


def test_chains_correct_in_turn():
    small = Small(noise=NOISE)
    found = chain(["mixed", "readout", "two_point"], {"mixed": {"mean_overlap": 0.1}})
    by_hand = TwoPoint(Readout(Mixed(0.1)))
    assert found.weights(small.reading) == pytest.approx(by_hand.weights(small.reading))
    assert found.calibration_circuits == 4
    assert chain(["mixed_each"]).name == "mixed_each"


@pytest.mark.parametrize(
    ("names", "settings", "message"),
    [
        ([], {}, "give a list of one or more"),
        ("raw", {}, "give a list of one or more"),
        (["rwa"], {}, "rwa"),
        (["raw", "mixed"], {}, "corrects no other one: name it first"),
        (["raw", "pauli_weights"], {}, "corrects no other one: name it first"),
        (["mixed_each", "readout"], {}, "is not linear"),
        (["raw"], {"mixed": {}}, "which is not among raw"),
        (["raw"], {"raw": {"a": 1}}, "estimator 'raw' with the settings"),
        (["optimal"], {}, "training"),
        (["mixed"], {"mixed": {"mean_overlap": 2}}, "mean_overlap"),
        (["two_point"], {"two_point": {"shots": 0}}, "shots"),
        (["readout"], {"readout": {"base": MixedEach()}}, "corrects linear estimators"),
        (["optimal"], {"optimal": {"training": np.ones((2, 4))}}, "length 2"),
        (["optimal"], {"optimal": {"training": np.ones(4)}}, "give real unit vectors"),
        (["optimal"], {"optimal": {"training": np.eye(4) * 1j}}, "real"),
    ],
)
def test_wrong_chains_are_refused(names, settings, message):
    with pytest.raises(InputError, match=message):
        chain(names, settings)


def test_a_circuit_that_is_told_alone_learns_from_what_it_loads(ideal):
    for reading in ideal.readings:
        own = ideal.training.own(reading)
        alone = ideal.training.own(replace(reading, compiled=None))
        assert len(own) <= len(alone) <= len(ideal.training.states)
    assert sum(len(ideal.training.own(reading)) for reading in ideal.readings) == 2333
    assert len(alone) == 2333


def test_a_layer_takes_them(noisy):
    images = load_mnist("train", 9).images[8:]
    learned = Optimal(noisy.training)
    layer = QuantumConvolution(noisy.program, noise=UNIFORM, shots=None, mitigation=learned)
    errors = evaluate(learned, noisy.recording).of(images_of(noisy.patches) == 8)
    assert layer.run(images).estimates == pytest.approx(errors.exact + errors.bias, abs=1e-9)


def test_training_patches_of_another_size_are_refused():
    with pytest.raises(InputError, match="cut them with the same kernel"):
        Optimal(np.eye(16)).weights(Small().reading)


def test_recordings_are_of_all_circuits_of_a_filter(ideal):
    with pytest.raises(InputError, match="all circuits of a filter"):
        Recording.of(ideal.readings[:2], ideal.patches)
    with pytest.raises(InputError, match="all circuits of a filter"):
        Recording.of([], ideal.patches)


def test_nothing_left_is_not_calibrated():
    hopeless = {"depolarizing": {"p1": 0.0, "p2": 15 / 16}}
    small = Small(noise=hopeless)
    with pytest.raises(InputError, match="nothing of the overlap is left"):
        TwoPoint().weights(small.reading)
