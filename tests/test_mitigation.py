"""Methods that run more circuits: bias and variance against Cirq's density matrix and numpy."""

import inspect
import itertools
from pathlib import Path

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from noise_models.values import coupler_key
from qucnn_cirq import ConvolutionSpec, FixedFilter, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.compiler.passes import two_qubit_gates
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.outcomes import unfolded
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import evaluated, readings_of
from qucnn_cirq.mitigation import (
    METHODS,
    ErrorCancellation,
    PurityRescaling,
    RealShadows,
    SelfOverlap,
    ZeroNoiseExtrapolation,
    as_depolarizing,
    executor,
    folded,
    measured_readout,
)
from qucnn_cirq.mitigation.method import Plan, Run
from qucnn_cirq.mitigation.pec import sampled
from qucnn_cirq.mitigation.quasi import Inverse, depolarizing_only, inverses
from qucnn_cirq.mitigation.real_bases import real_bases, unbiased_bases
from qucnn_cirq.mitigation.self_overlap import rescaling
from qucnn_cirq.validation import errors_of, validate

RATES = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}
DECAY = {"thermal": {"t1": 30.0, "t2": 20.0}, "readout": {"p01": 0.02, "p10": 0.05}}
TESTS = ("ancilla", "destructive", "inversion")
EXACT = make_engine("exact")
SHOTS = 1000


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def a_reading(overlap="destructive", noise=RATES, kernel=(2, 2), device="willow_pink", **settings):
    generator = np.random.default_rng(3)
    size = kernel[0] * kernel[1]
    filters = FixedFilter(generator.normal(size=kernel))
    spec = ConvolutionSpec(kernel=kernel, filters=filters, overlap=overlap)
    program = compile_convolution(spec, device, **settings)
    compiled = program.filters[0]
    readings = readings_of(
        compiled, compiled.filter_table(None), filter_states(spec, None)[0], as_noise(noise), EXACT
    )
    return readings[compiled.generic], unit(generator.normal(size=(3, size)))


def probabilities(circuit, qubits, noise):
    """Of recorded outcomes, by Cirq's density matrix, readout errors as channels."""
    noisy = as_noise(noise).noisy_circuit(circuit)
    unmeasured = cirq.Circuit(
        cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in noisy
    )
    every = sorted(noisy.all_qubits())
    rho = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(unmeasured, qubit_order=every)
    diagonal = np.diag(rho.final_density_matrix).real.reshape((2,) * len(every))
    places = [every.index(qubit) for qubit in qubits]
    rest = tuple(axis for axis in range(len(every)) if axis not in places)
    kept = sorted(places)
    return diagonal.sum(axis=rest).transpose([kept.index(p) for p in places]).ravel()


def run_by_cirq(run, noise):
    """Mean and variance of one shot of a circuit for each patch."""
    found = []
    for row in range(len(run.patch)):
        own = {
            "patch": run.patch[[row]],
            "filter": run.filter[[row if len(run.filter) > 1 else 0]],
        }
        circuit = run.template.bound_circuit(own)
        chances = probabilities(circuit, run.template.observable.qubits, noise)
        mean = chances @ run.weights
        found.append((mean, chances @ run.weights**2 - mean**2))
    return np.array(found).T


def confusion(qubits, p01=0.02, p10=0.05):
    matrix = np.ones((1, 1))
    for _ in range(qubits):
        matrix = np.kron(matrix, [[1 - p01, p10], [p01, 1 - p10]])
    return matrix


@pytest.mark.parametrize("overlap", TESTS)
def test_without_noise_every_method_is_right(overlap):
    reading, states = a_reading(overlap, None)
    exact = evaluated(reading.own_form, states)[0]
    copies = a_reading("destructive", None)[0].variant
    made = {"purity": PurityRescaling(copies)}
    for name in METHODS:
        method = made.get(name) or METHODS[name]()
        # An exponential takes shot noise that raises a mean for a signal.
        found = method.moments(reading, states, 10**12).values[0]
        assert found == pytest.approx(exact, abs=1e-6 if name == "zne_exponential" else 1e-7)
        assert method.assumes in repr(method)


@pytest.mark.parametrize("overlap", TESTS)
@pytest.mark.parametrize("noise", [RATES, DECAY], ids=["depolarizing", "decay"])
@pytest.mark.parametrize("fit", ["linear", "richardson"])
def test_zne_is_the_extrapolation_of_density_matrices(overlap, noise, fit):
    reading, states = a_reading(overlap, noise)
    states = states[:2]
    scales = (1, 3, 5)
    # A number of shots that both splits divide.
    shots = 22 * 28
    found = ZeroNoiseExtrapolation(scales, fit).moments(reading, states, shots)
    table = reading.observable.table
    weights = np.linalg.solve(confusion(len(reading.observable.qubits)).T, table)
    slopes = {"linear": np.array([13, 4, -5]) / 12, "richardson": np.array([15, -10, 3]) / 8}[fit]
    split = np.abs(slopes) / np.abs(slopes).sum()
    patch = reading.variant.loader.angles(states)
    for column in range(len(states)):
        tables = {"patch": patch[[column]], "filter": reading.angles}
        mean = variance = 0.0
        circuit = reading.variant.template.bound_circuit(tables)
        for scale, slope, share in zip(scales, slopes, split, strict=True):
            again = cirq.Circuit(
                copy
                for moment in circuit
                for copy in [moment] * (scale if any(op.gate == cirq.CZ for op in moment) else 1)
            )
            chances = probabilities(again, reading.observable.qubits, noise)
            own = chances @ weights
            mean += slope * own
            number = share * shots
            variance += slope**2 * (chances @ weights**2 - own**2) / number
        assert found.values[0, column] == pytest.approx(mean, abs=1e-8)
        assert found.variances[0, column] == pytest.approx(variance, abs=1e-8)


def test_every_method_is_on_the_page():
    page = (Path(__file__).parents[1] / "docs" / "mitigation.md").read_text(encoding="utf-8")
    for name, method in METHODS.items():
        assert f'| `"{name}"` | `{method.__name__}(' in page


def test_zne_splits_shots_in_proportion_to_its_coefficients():
    reading, states = a_reading()
    method = ZeroNoiseExtrapolation((1, 3))
    assert method.coefficients() == pytest.approx([1.5, -0.5])
    plan = method.plan(reading, states)
    assert plan.shots(1000) == [750, 250]
    gates = two_qubit_gates(reading.variant.template.circuit)
    cost = plan.cost(1000)
    assert (cost.circuits, cost.shots, cost.most_two_qubit_gates) == (2, 1000, 3 * gates)
    assert cost.two_qubit_gates == pytest.approx(0.75 * gates + 0.25 * 3 * gates)
    # No other split has less variance where the spread of all means is the same.
    noiseless = reading.observable.variance(0.3, 1)
    best = sum(a**2 / n for a, n in zip((1.5, 0.5), (750, 250), strict=True))
    assert best * noiseless == pytest.approx(4 * noiseless / 1000)


@pytest.mark.parametrize("overlap", ["destructive", "inversion"])
def test_an_outline_costs_what_the_plan_does(overlap):
    reading, states = a_reading(overlap)
    for method in (ErrorCancellation(5), ZeroNoiseExtrapolation((1, 3)), SelfOverlap()):
        outline, plan = (make(reading, states).cost(500) for make in (method.outline, method.plan))
        assert outline == plan
    # No random circuits are made for it.
    assert len({run.template for run in ErrorCancellation(5).outline(reading, states).runs}) == 1


@pytest.mark.parametrize(
    ("gate_set", "device"), [("cz", "willow_pink"), ("sqrt_iswap", "weber"), ("syc", "weber")]
)
def test_folded_circuits_are_valid_and_do_the_same(gate_set, device):
    reading, states = a_reading(device=device, gate_set=gate_set, noise=None)
    template = reading.variant.template
    again = folded(template, 3)
    assert not errors_of(validate(again.marked_circuit, device))
    assert two_qubit_gates(again.circuit) == 3 * two_qubit_gates(template.circuit)
    tables = {"patch": reading.variant.loader.angles(states), "filter": reading.angles}
    first, second = (EXACT.distribution(each, as_noise(None), tables) for each in (template, again))
    assert first == pytest.approx(second, abs=1e-9)
    pulses = [sum(not slot.is_virtual for slot in each.slots) for each in (template, again)]
    assert (pulses[0] == pulses[1]) == (gate_set != "syc")


def test_what_cannot_be_folded_is_refused():
    reading, _ = a_reading()
    a, b = reading.variant.template.qubits[:2]
    circuit = cirq.FrozenCircuit(cirq.CZ(a, b) ** 0.3, cirq.measure(a, b, key="overlap"))
    template = type(reading.variant.template)(circuit, reading.observable, (a,), (b,))
    with pytest.raises(InputError, match="no native inverse"):
        folded(template, 3)
    for scales in ((1,), (1, 2), (3, 1), (1, 1.5)):
        with pytest.raises(InputError, match="two or more odd numbers"):
            ZeroNoiseExtrapolation(scales)
    with pytest.raises(InputError, match="linear"):
        ZeroNoiseExtrapolation(fit="cubic")


def test_an_exponential_is_right_where_noise_is_one():
    # Means that decay as a + (F - a) r^scale, as global depolarising noise makes them.
    reading, _ = a_reading("inversion")
    method = ZeroNoiseExtrapolation((1, 3), "exponential")
    combine = method._exponential(reading)
    exact = np.array([0.02, 0.2, 0.6, 1.0])
    means = 0.25 + (exact - 0.25) * np.array([[0.9], [0.9**3]])
    assert combine(means) == pytest.approx(exact, abs=1e-12)
    line = ZeroNoiseExtrapolation((1, 3)).coefficients() @ means
    assert np.abs(line - exact).max() > 0.01
    # Means at the floor tell no decay, and shots may even seem to grow.
    assert combine(np.array([[0.25], [0.25]])) == pytest.approx([0.25])
    assert combine(np.array([[0.3], [0.4]])) == pytest.approx([0.3])


def test_zne_leaves_what_is_not_linear():
    # Strong noise breaks the assumption: the extrapolated line misses by much more than weak noise.
    weak, states = a_reading("destructive", {"depolarizing": {"p2": 0.002}})
    strong, _ = a_reading("destructive", {"depolarizing": {"p2": 0.06}})
    exact = evaluated(weak.own_form, states)[0]
    errors = [
        np.abs(ZeroNoiseExtrapolation().moments(each, states, 1000).values[0] - exact).max()
        for each in (weak, strong)
    ]
    assert errors[0] < 1e-3 < 0.02 < errors[1]


def superoperator_mean(circuit, assumed, noise, weights, qubits):
    """Mean with the inverse of assumed depolarising noise after each gate, by matrices in numpy."""
    every = sorted(circuit.all_qubits())
    size = 2 ** len(every)
    rho = np.zeros((size, size), dtype=complex)
    rho[0, 0] = 1
    noise = as_noise(noise)

    def undone(rho, own):
        p, d = assumed[len(own) - 1], 4 ** len(own)
        damping = 1 - p * d / (d - 1)
        mixed = sum(
            (pauli := on_all(each, own, every)) @ rho @ pauli.conj().T for each in paulis(len(own))
        )
        # The twirl over all Paulis takes the part that is damped away.
        return rho / damping + (1 - 1 / damping) * mixed / d

    def acted(rho, op):
        return sum(
            (whole := on_all(each, op.qubits, every)) @ rho @ whole.conj().T
            for each in cirq.kraus(op)
        )

    for moment, noisy in zip(
        circuit, noise.gate_model.noisy_moments(list(circuit), every), strict=True
    ):
        gates = [op for op in moment if not cirq.is_measurement(op)]
        places = [op.qubits for op in gates if not isinstance(op.gate, cirq.ZPowGate)]
        for op in gates:
            rho = acted(rho, op)
        for own in (own for own in places if len(own) == 1):
            rho = undone(rho, own)
        for op in (op for each in cirq.Circuit(noisy).moments[1:] for op in each):
            rho = acted(rho, op)
        for own in (own for own in places if len(own) == 2):
            rho = undone(rho, own)
    diagonal = np.diag(rho).real.reshape((2,) * len(every))
    places = [every.index(qubit) for qubit in qubits]
    rest = tuple(axis for axis in range(len(every)) if axis not in places)
    kept = sorted(places)
    true = diagonal.sum(axis=rest).transpose([kept.index(p) for p in places]).ravel()
    return weights @ (confusion(len(qubits)) @ true)


def paulis(count):
    single = [cirq.unitary(gate) for gate in (cirq.I, cirq.X, cirq.Y, cirq.Z)]
    return [
        each[0] if count == 1 else np.kron(*each)
        for each in itertools.product(single, repeat=count)
    ]


def on_all(matrix, own, every):
    """A matrix on some qubits as one on all."""
    axes = [every.index(qubit) for qubit in own]
    n, k = len(every), len(own)
    whole = np.eye(2**n).reshape((2,) * (2 * n))
    tensor = np.asarray(matrix).reshape((2,) * (2 * k))
    found = np.tensordot(tensor, whole, axes=(range(k, 2 * k), axes))
    return np.moveaxis(found, range(k), axes).reshape(2**n, 2**n)


@pytest.mark.parametrize("overlap", ["destructive", "inversion"])
@pytest.mark.parametrize(
    "actual",
    [RATES, {**RATES, "depolarizing": {"p1": 0.001, "p2": 0.05}}, DECAY],
    ids=["right", "wrong", "decay"],
)
def test_pec_is_the_mean_of_signed_matrices(overlap, actual):
    reading, states = a_reading(overlap)
    found = ErrorCancellation().moments(reading, states, SHOTS, as_noise(actual))
    exact = evaluated(reading.own_form, states)[0]
    table = reading.observable.table
    weights = np.linalg.solve(confusion(len(reading.observable.qubits)).T, table)
    patch = reading.variant.loader.angles(states)
    for column in range(len(states)):
        tables = {"patch": patch[[column]], "filter": reading.angles}
        circuit = reading.variant.template.bound_circuit(tables)
        expected = superoperator_mean(
            circuit, (0.004, 0.02), actual, weights, reading.observable.qubits
        )
        assert found.values[0, column] == pytest.approx(expected, abs=1e-8)
    bias = np.abs(found.values[0] - exact).max()
    # Its assumption: with the right rates nothing is left, with others something is.
    assert bias < 1e-10 if actual is RATES else bias > 1e-3


@pytest.mark.parametrize("overlap", ["destructive", "inversion"])
def test_pec_s_spread_is_that_of_paulis_without_signs(overlap):
    reading, states = a_reading(overlap)
    rates = {}
    for key, p, size in (("p1", 0.004, 4), ("p2", 0.02, 16)):
        damping = 1 - p * size / (size - 1)
        other = (1 / damping - 1) / size
        chance = (size - 1) * other / (1 + 2 * (size - 1) * other)
        damping *= 1 - chance * size / (size - 1)
        rates[key] = (1 - damping) * (size - 1) / size
    table = reading.observable.table
    weights = np.linalg.solve(confusion(len(reading.observable.qubits)).T, table)
    found = ErrorCancellation().moments(reading, states, SHOTS)
    gamma = ErrorCancellation().gamma(reading)
    patch = reading.variant.loader.angles(states)
    for column in range(len(states)):
        circuit = reading.variant.template.bound_circuit(
            {"patch": patch[[column]], "filter": reading.angles}
        )
        chances = probabilities(
            circuit, reading.observable.qubits, {**RATES, "depolarizing": rates}
        )
        expected = gamma**2 * chances @ weights**2 - found.values[0, column] ** 2
        assert found.variances[0, column] == pytest.approx(expected / SHOTS, abs=1e-10)


def test_pec_s_gamma_is_a_product_over_gates():
    reading, _ = a_reading("destructive")
    template = reading.variant.template
    pulses = sum(not slot.is_virtual for slot in template.slots)
    expected = 1.0
    for count, p, size in (
        (pulses, 0.004, 4),
        (two_qubit_gates(template.circuit), 0.02, 16),
    ):
        damping = 1 - p * size / (size - 1)
        gamma = (1 + (size - 1) / damping) / size + (size - 1) * (1 / damping - 1) / size
        expected *= gamma**count
    assert ErrorCancellation().gamma(reading) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("overlap", TESTS)
def test_pec_s_circuits_have_its_mean_and_spread(overlap):
    reading, states = a_reading(overlap)
    found = ErrorCancellation().moments(reading, states, 1)
    method = ErrorCancellation(circuits=80, seed=1)
    plan = method.plan(reading, states)
    means, squares = [], []
    for run in plan.runs:
        chances = EXACT.distribution(
            run.template, reading.noise, {"patch": run.patch, "filter": run.filter}
        )[0]
        means.append(chances @ run.weights)
        squares.append(chances @ run.weights**2)
        assert len(run.template.circuit) == len(reading.variant.template.circuit)
        assert two_qubit_gates(run.template.circuit) == plan.cost(80).most_two_qubit_gates
        assert not errors_of(validate(run.template.marked_circuit, "willow_pink"))
    scatter = np.std(means, axis=0) / np.sqrt(len(means))
    assert (np.abs(np.mean(means, axis=0) - found.values[0]) < 4.5 * scatter + 1e-9).all()
    spread = np.mean(squares, axis=0) - found.values[0] ** 2
    assert spread == pytest.approx(found.variances[0], rel=0.4)


def test_other_shots_of_pec_have_other_circuits():
    reading, states = a_reading("inversion")
    method = ErrorCancellation(circuits=20)
    wanted = method.moments(reading, states, 20).values[0]
    # Of so many shots what scatters is the choice of the circuits.
    found = [method.estimate(reading, states, 20 * 10**6, seed=seed) for seed in range(12)]
    values = np.array([each.values[0] for each in found])
    again = method.estimate(reading, states, 20 * 10**6, seed=3).values[0]
    assert again == pytest.approx(values[3], abs=1e-12)
    spread = values.std(axis=0, ddof=1)
    stated = np.sqrt(np.mean([each.variances[0] for each in found], axis=0))
    assert (spread > 0.4 * stated).all()
    assert (np.abs(values.mean(axis=0) - wanted) < 4.5 * spread / np.sqrt(12)).all()


def test_paulis_reach_a_slot_through_cz_and_a_virtual_z():
    # A Pauli after CZ, a virtual Z and another CZ end up in slots or flips, as matrices say.
    reading, states = a_reading("destructive", None)
    template = reading.variant.template
    places = inverses(
        template.marked_circuit.moments,
        depolarizing_only(as_noise({"depolarizing": {"p1": 0.7, "p2": 0.9}})),
        template.qubits,
    )
    tables = {"patch": reading.variant.loader.angles(states[:1]), "filter": reading.angles}
    plain = EXACT.distribution(template, as_noise(None), tables)[0, 0]
    seen = []
    for seed in range(20):
        own, _, flips = sampled(template, places, np.random.default_rng(seed))
        assert all(slot.tables == before.tables for slot, before in pairs_of(own, template))
        chances = EXACT.distribution(own, as_noise(None), tables)[0, 0]
        seen.append(chances[np.arange(len(chances)) ^ flips])
    assert np.abs(np.array(seen) - plain).max() > 0.05


def pairs_of(one, other):
    slots = [
        [op.gate for op in each.circuit.all_operations() if isinstance(op.gate, Slot)]
        for each in (one, other)
    ]
    return zip(*slots, strict=True)


def test_pec_knows_depolarising_noise_alone():
    reading, states = a_reading(noise=DECAY)
    with pytest.raises(InputError, match="depolarising noise alone, not of thermal"):
        ErrorCancellation().moments(reading, states, 10)
    foreign, _ = a_reading(noise=cirq.ConstantQubitNoiseModel(cirq.depolarize(0.01)))
    with pytest.raises(InputError, match="a noise model of its own"):
        ErrorCancellation().plan(foreign, states)
    with pytest.raises(InputError, match="has no inverse"):
        Inverse(0.75, 1)
    with pytest.raises(InputError, match="circuits"):
        ErrorCancellation(circuits=1)


def test_depolarising_noise_of_another_s_infidelities():
    reading, states = a_reading("inversion", "willow_pink")
    template = reading.variant.template
    same = as_depolarizing(as_noise(RATES), template)
    for operation in template.marked_circuit.all_operations():
        if operation.gate == cirq.CZ:
            key = coupler_key(*operation.qubits)
            assert same.configuration.depolarizing.couplers[key] == pytest.approx(0.02, abs=1e-12)
    rates = list(same.configuration.depolarizing.qubits.values())
    assert rates == pytest.approx([0.004] * len(rates), abs=1e-12)
    exact = evaluated(reading.own_form, states)[0]
    assumed, _ = a_reading("inversion", as_depolarizing(reading.noise, template))
    raw = reading.distribution(states) @ reading.observable.table
    found = ErrorCancellation().moments(assumed, states, SHOTS, reading.noise).values[0]
    # What is not depolarising is left.
    assert 0 < np.linalg.norm(found - exact) < 0.6 * np.linalg.norm(raw - exact)


@pytest.mark.parametrize("overlap", TESTS)
def test_self_overlap_is_the_ratio_of_density_matrices(overlap):
    reading, states = a_reading(overlap)
    method = SelfOverlap()
    plan = method.plan(reading, states)
    means = [run_by_cirq(run, RATES)[0] for run in plan.runs]
    plain, own, filters = means
    expected = 0.25 + 0.75 * (plain - 0.25) / np.sqrt((own - 0.25) * (filters - 0.25))
    # The curvature of the root, times the variance of 10^12 shots, is nothing.
    found = method.moments(reading, states, 10**12)
    assert found.values[0] == pytest.approx(expected, abs=1e-8)
    # To leading order, by hand: dF/dm of both means.
    spreads = [run_by_cirq(run, RATES)[1] for run in plan.runs[:2]]
    size = np.sqrt((own - 0.25) * (filters - 0.25))
    slopes = 0.75 / size, -0.75 * (plain - 0.25) / (2 * size * (own - 0.25))
    variance = sum(a**2 * v / n for a, v, n in zip(slopes, spreads, (9e11, 1e11), strict=True))
    assert found.variances[0] == pytest.approx(variance, rel=1e-4)


def test_self_overlap_is_right_where_noise_shrinks_towards_one_value():
    combine = rescaling(0.25, np.ones(5))
    exact, damping = np.linspace(0, 1, 5), 0.8
    means = np.array([0.25 + damping * (exact - 0.25), np.full(5, 0.85), np.full(5, 0.85)])
    assert combine(means) == pytest.approx(exact, abs=1e-12)
    # Its assumption broken: means shrink towards b instead, with the bias that the module states.
    b = 0.4
    means = b + damping * (np.array([exact, np.ones(5), np.ones(5)]) - b)
    rest = (b - 0.25) * (1 - exact) * (1 - damping) / (b - 0.25 + damping * (1 - b))
    assert combine(means) - exact == pytest.approx(rest, abs=1e-12)
    assert rest[0] > 0.04


def test_self_overlap_is_for_fixed_real_filters():
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(1), overlap="destructive")
    compiled = compile_convolution(spec).filters[0]
    parameters = np.random.default_rng(0).uniform(-3, 3, (1, spec.n_parameters))
    (reading,) = readings_of(
        compiled,
        compiled.filter_table(parameters),
        filter_states(spec, parameters)[0],
        as_noise(None),
        EXACT,
    )
    states = unit(np.random.default_rng(0).normal(size=(2, 4)))
    with pytest.raises(InputError, match="a fixed real vector"):
        SelfOverlap().plan(reading, states)
    with pytest.raises(InputError, match="this one is complex"):
        RealShadows().plan(reading, states)
    with pytest.raises(InputError, match="floor"):
        SelfOverlap(floor=1.0)
    with pytest.raises(InputError, match="share"):
        SelfOverlap(share=0.0)


def test_a_small_share_of_self_overlaps_is_best_where_overlaps_are_small():
    reading, states = a_reading("destructive")
    exact = evaluated(reading.own_form, states)[0]
    small = states[exact < 0.2]
    variances = [
        SelfOverlap(share=share).moments(reading, small, 2000).variances.mean()
        for share in (0.02, 0.1, 0.5)
    ]
    assert variances[1] < min(variances[0] * 1.1, 0.65 * variances[2])


def test_a_circuit_whose_loader_cannot_load_the_filter_has_no_overlap_of_it():
    generator = np.random.default_rng(3)
    spec = ConvolutionSpec(
        kernel=(4, 4), filters=FixedFilter(generator.normal(size=(4, 4))), overlap="destructive"
    )
    compiled = compile_convolution(spec).filters[0]
    states = np.zeros((1, 16))
    states[0, [0, 1]] = 0.6, 0.8
    (load,) = compiled.load(states)
    reading = readings_of(
        compiled, compiled.filter_table(None), filter_states(spec, None)[0], as_noise(RATES), EXACT
    )[load.index]
    assert load.index != compiled.generic
    plan = SelfOverlap().plan(reading, states)
    assert [run.name for run in plan.runs] == ["plain", "patch with itself"]
    exact = evaluated(reading.own_form, states)[0]
    found = SelfOverlap().moments(reading, states, 10**9).values[0]
    assert found == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("overlap", TESTS)
def test_purity_is_that_of_two_copies(overlap):
    reading, states = a_reading(overlap)
    copies = a_reading("destructive")[0].variant
    method = PurityRescaling(copies)
    plan = method.plan(reading, states)
    plain, own, filters = (run_by_cirq(run, RATES)[0] for run in plan.runs)
    damping = np.sqrt((own - 0.25) / 0.75) * np.sqrt((filters - 0.25) / 0.75)
    found = method.moments(reading, states, 10**12)
    assert found.values[0] == pytest.approx(0.25 + (plain - 0.25) / damping, abs=1e-8)
    if overlap == "destructive":
        same = SelfOverlap().moments(reading, states, SHOTS)
        again = method.moments(reading, states, SHOTS)
        assert np.array(same) == pytest.approx(np.array(again), abs=1e-12)
    else:
        with pytest.raises(InputError, match="no circuit of the destructive test"):
            PurityRescaling(reading.variant)


def test_a_purity_does_not_see_errors_that_keep_states_pure():
    # The assumption broken: a rotation is no loss of purity, and is left as it is.
    reading, states = a_reading("destructive", {"coherent": {"angle": 0.1}})
    exact = evaluated(reading.own_form, states)[0]
    raw = reading.distribution(states) @ reading.observable.table
    found = PurityRescaling(reading.variant).moments(reading, states, 10**9).values[0]
    assert np.abs(found - exact).max() > np.abs(raw - exact).max() / 3


def test_calibrations_take_shots_of_their_own():
    reading, states = a_reading("destructive")
    exact, few = SelfOverlap(), SelfOverlap(calibration_shots=200)
    cost = few.plan(reading, states).cost(1000)
    assert (cost.shots, cost.calibration_shots, cost.circuits) == (1000, 200, 2)
    spreads = [m.moments(reading, states, 1000).variances[0] for m in (exact, few)]
    assert (spreads[1] > spreads[0]).all()
    with pytest.raises(InputError, match="set calibration_shots"):
        exact.estimate(reading, states, 1000, make_engine(cirq.Simulator()), as_noise(None))
    # Many shots of the calibration are as good as the exact mean, where the engine gives means.
    many = SelfOverlap(calibration_shots=10**12).estimate(reading, states, 1000, seed=4)
    assert exact.estimate(reading, states, 1000, seed=4).values == pytest.approx(
        many.values, abs=1e-4
    )
    found = np.array([few.estimate(reading, states, 4000, seed=s).values[0] for s in range(60)])
    moments = few.moments(reading, states, 4000)
    assert found.mean(axis=0) == pytest.approx(moments.values[0], abs=0.02)
    assert found.var(axis=0) == pytest.approx(moments.variances[0], rel=0.75)


@pytest.mark.parametrize(("n_qubits", "count"), [(1, 2), (2, 6), (3, 30), (4, 270)])
def test_real_bases_are_all_of_them(n_qubits, count):
    line = frozenset((q, q + 1) for q in range(n_qubits - 1))
    bases = list(real_bases(n_qubits, line).values())
    assert len(bases) == count
    size = 2**n_qubits
    for basis in bases:
        assert basis.vectors @ basis.vectors.T == pytest.approx(np.eye(size), abs=1e-9)
    # Averages of polynomials of degree 4 and 6 are those over the sphere.
    x, f = unit(np.random.default_rng(0).normal(size=(2, size)))
    vectors = np.concatenate([basis.vectors for basis in bases])
    a, b, overlap = (vectors @ x) ** 2, (vectors @ f) ** 2, (x @ f) ** 2
    assert size * np.mean(a * b) == pytest.approx((1 + 2 * overlap) / (size + 2))
    sixth = (3 + 12 * overlap) / ((size + 2) * (size + 4))
    assert size * np.mean(a * b**2) == pytest.approx(sixth)


@pytest.mark.parametrize("n_qubits", [1, 2, 4])
def test_few_unbiased_bases_do(n_qubits):
    line = frozenset((q, q + 1) for q in range(n_qubits - 1))
    bases = unbiased_bases(n_qubits, line)
    size = 2**n_qubits
    assert len(bases) == size // 2 + 1
    for one, other in itertools.combinations(bases, 2):
        assert np.abs(one.vectors @ other.vectors.T) == pytest.approx(
            np.full((size, size), size**-0.5)
        )
    x, f = unit(np.random.default_rng(0).normal(size=(2, size)))
    vectors = np.concatenate([basis.vectors for basis in bases])
    average = size * np.mean((vectors @ x) ** 2 * (vectors @ f) ** 2)
    assert average == pytest.approx((1 + 2 * (x @ f) ** 2) / (size + 2))


def test_three_qubits_have_no_complete_set():
    with pytest.raises(InputError, match="choose bases = 'all'"):
        unbiased_bases(3, frozenset({(0, 1), (1, 2)}))
    with pytest.raises(InputError, match="up to 4 qubits, not 5"):
        real_bases(5, frozenset())
    with pytest.raises(InputError, match="unbiased"):
        RealShadows("random")


@pytest.mark.parametrize("bases", ["unbiased", "all"])
@pytest.mark.parametrize("noise", [None, RATES], ids=["ideal", "noisy"])
def test_shadows_are_those_of_density_matrices(bases, noise):
    reading, states = a_reading("inversion", noise)
    method = RealShadows(bases)
    plan = method.plan(reading, states)
    found = method.moments(reading, states, 180)
    means, spreads = np.moveaxis([run_by_cirq(run, noise) for run in plan.runs], 1, 0)
    number = 180 // len(plan.runs)
    assert found.values[0] == pytest.approx(means.mean(axis=0), abs=1e-8)
    variance = spreads.mean(axis=0) / number / len(plan.runs)
    assert found.variances[0] == pytest.approx(variance, abs=1e-8)
    exact = evaluated(reading.own_form, states)[0]
    bias = np.abs(found.values[0] - exact).max()
    # Its assumption: nothing is left without noise, and the loader's noise is left with it.
    assert bias < 1e-10 if noise is None else bias > 1e-3
    if noise is None and bases == "all":
        # One shot in a random basis: the variance of real shadows, d = 4.
        one = spreads.mean(axis=0) + means.var(axis=0)
        formula = (6 * (3 + 12 * exact) / 8 - 1 - 4 * exact) / 4 - exact**2
        assert one == pytest.approx(formula, abs=1e-10)


def test_shadows_of_four_qubits_count_their_gates():
    reading, states = a_reading("destructive", None, (4, 4))
    method = RealShadows()
    plan = method.plan(reading, states)
    assert len(plan.runs) == 9
    loader = 6
    extra = plan.cost(900).two_qubit_gates - loader
    assert 0 < extra <= sum(basis.two_qubit_gates for basis in method.chosen(reading)) / 9
    exact = evaluated(reading.own_form, states)[0]
    assert method.moments(reading, states, 900).values[0] == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize("engine", ["exact", "sampler"])
def test_every_method_runs_on_an_engine(engine):
    reading, states = a_reading("inversion")
    copies = a_reading("destructive")[0].variant
    methods = [
        ZeroNoiseExtrapolation(),
        ErrorCancellation(circuits=4),
        SelfOverlap(calibration_shots=300, share=0.5),
        PurityRescaling(copies, calibration_shots=300, share=0.5),
        RealShadows(),
    ]
    for method in methods:
        runs = [
            method.estimate(reading, states[:2], 300, make_engine(engine), seed=seed)
            for seed in (1, 1, 2)
        ]
        assert (runs[0].values == runs[1].values).all()
        assert (runs[0].values != runs[2].values).any()
        assert runs[0].values.shape == runs[0].variances.shape == (1, 2)
        assert (runs[0].variances > 0).all()
        wrong = np.abs(runs[0].values[0] - method.moments(reading, states[:2], 300).values[0])
        if not isinstance(method, ErrorCancellation):
            assert (wrong < 6 * np.sqrt(runs[0].variances[0]) + 0.05).all()


def test_estimates_scatter_as_their_moments_say():
    reading, states = a_reading("inversion")
    method = ZeroNoiseExtrapolation()
    found = [method.estimate(reading, states, 800, seed=seed) for seed in range(200)]
    exact = method.moments(reading, states, 800)
    values = np.array([each.values[0] for each in found])
    assert values.mean(axis=0) == pytest.approx(exact.values[0], abs=0.01)
    assert values.var(axis=0) == pytest.approx(exact.variances[0], rel=0.35)
    told = np.mean([each.variances[0] for each in found], axis=0)
    assert told == pytest.approx(exact.variances[0], rel=0.15)


def test_drifted_rates_leave_something():
    drifted = as_noise({**RATES, "readout": {"p01": 0.05, "p10": 0.1}})
    reading, states = a_reading("inversion")
    right, wrong = (
        ZeroNoiseExtrapolation().moments(reading, states, 10, each).values[0]
        for each in (None, drifted)
    )
    exact = evaluated(reading.own_form, states)[0]
    assert np.abs(wrong - exact).max() > 2 * np.abs(right - exact).max()


@given(seed=st.integers(0, 2**32 - 1), bits=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_unfolded_values_have_the_true_mean(seed, bits):
    generator = np.random.default_rng(seed)
    qubits = cirq.LineQubit.range(bits)
    joint = 0.04 if bits > 1 else 0.0
    noise = as_noise({"readout": {"p01": 0.1, "p10": 0.2}, "correlated_readout": {"both": joint}})
    values, true = generator.normal(size=2**bits), generator.dirichlet(np.ones(2**bits))
    seen = confusion(bits, 0.1, 0.2) @ true
    for pair, chance in noise.joint_readout(qubits):
        mask = sum(1 << (bits - 1 - q.x) for q in pair)
        seen = (1 - chance) * seen + chance * seen[np.arange(2**bits) ^ mask]
    assert unfolded(values, qubits, noise) @ seen == pytest.approx(values @ true, abs=1e-10)


def test_measured_readout_scatters_about_the_rates():
    qubits = cirq.LineQubit.range(2)
    noise = as_noise({"readout": {"p01": 0.1, "p10": 0.2}, "scale": 0.5})
    found = np.array(
        [measured_readout(noise, qubits, 1000, seed).readout(qubits[0]) for seed in range(100)]
    )
    assert found.mean(axis=0) == pytest.approx([0.05, 0.1], abs=0.005)
    assert found.std(axis=0) == pytest.approx([0.0069, 0.0095], rel=0.3)
    ideal = as_noise({"scales": {"readout": 0.0}})
    assert measured_readout(ideal, qubits, 10) is ideal
    with pytest.raises(InputError, match="configured noise"):
        measured_readout(as_noise(cirq.NO_NOISE), qubits, 10)
    with pytest.raises(InputError, match="tells nothing"):
        unfolded(np.ones(2), qubits[:1], as_noise({"readout": {"p01": 0.5, "p10": 0.5}}))


def test_shots_are_split_to_the_last():
    shares = (0.701, 0.299 / 3, 0.299 / 3, 0.299 / 3)
    reading, states = a_reading()
    template = reading.variant.template
    rows = reading.variant.loader.angles(states)
    runs = tuple(
        Run("", template, rows, reading.angles, reading.observable.table, share) for share in shares
    )
    plan = Plan(runs, lambda means: means[0])
    for total in (4, 5, 7, 100, 1001):
        split = plan.shots(total)
        assert sum(split) == total and min(split) >= 1
    with pytest.raises(InputError, match="at least one shot to each"):
        plan.shots(3)


QUBITS = cirq.LineQubit.range(2)
BELL = cirq.Circuit(cirq.H(QUBITS[0]), cirq.CNOT(*QUBITS), cirq.measure(*QUBITS, key="anything"))


@pytest.mark.parametrize("engine", ["exact", "qsim_density", "sampler"])
@pytest.mark.parametrize("noise", [None, RATES])
def test_an_executor_gives_expectation_values(engine, noise):
    shots = 20_000 if engine == "sampler" else None
    expected = probabilities(BELL, QUBITS, noise)
    for value, weights in (
        (None, [1, -1, -1, 1]),
        ({"00": 1.0, "11": 2.0}, [1, 0, 0, 2]),
        (lambda bits: float(bits == "01"), [0, 1, 0, 0]),
        (Observable((((QUBITS[1],), (1.0, -1.0)),), -1.0), [1, -1, 1, -1]),
    ):
        run = executor(value, noise, engine, shots)
        assert run(BELL) == pytest.approx(np.dot(weights, expected), abs=0.05 if shots else 2e-6)


class StubOfMitiq:
    """What Mitiq does with an executor: look at its annotation, fold, call, extrapolate."""

    @staticmethod
    def execute_with_zne(circuit, execute):
        assert inspect.getfullargspec(execute).annotations["return"] in (float, None)
        values = []
        for scale in (1, 3):
            folds = cirq.Circuit()
            for moment in circuit:
                gates = [op for op in moment if not cirq.is_measurement(op)]
                folds += cirq.Circuit(moment)
                for _ in range(scale // 2 if gates else 0):
                    folds += cirq.Circuit([cirq.inverse(op) for op in gates], gates)
            values.append(execute(folds))
        return 1.5 * values[0] - 0.5 * values[1]


def test_a_tool_that_folds_circuits_can_call_the_executor():
    noise = {"depolarizing": {"p1": 0.001, "p2": 0.01}}
    execute = executor(noise=noise)
    mitigated = StubOfMitiq.execute_with_zne(BELL, execute)
    assert abs(mitigated - 1) < abs(execute(BELL) - 1) / 10


def test_an_executor_runs_a_compiled_circuit():
    reading, states = a_reading("destructive")
    tables = {"patch": reading.variant.loader.angles(states[:1]), "filter": reading.angles}
    circuit = reading.variant.template.bound_circuit(tables)
    found = executor(reading.observable, RATES)(circuit)
    mean = reading.distribution(states[:1])[0] @ reading.observable.table
    assert found == pytest.approx(mean, abs=1e-12)


def test_calls_of_an_executor_with_shots_are_independent_and_repeatable():
    first, second = (executor(engine="exact", noise=RATES, shots=50, seed=3) for _ in range(2))
    values = [first(BELL) for _ in range(8)]
    assert values == [second(BELL) for _ in range(8)]
    assert len(set(values)) > 1


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (cirq.Circuit(cirq.H(QUBITS[0])), "measures nothing"),
        (cirq.Circuit(cirq.measure(QUBITS[0]), cirq.H(QUBITS[0])), "measure last"),
        ("H 0", "takes a cirq.Circuit, not a str"),
    ],
)
def test_what_an_executor_cannot_run_is_refused(circuit, message):
    with pytest.raises(InputError, match=message):
        executor()(circuit)


def test_values_of_an_executor_are_checked():
    import sympy

    with pytest.raises(InputError, match="no outcome of 2 bits"):
        executor({"0": 1.0})(BELL)
    with pytest.raises(InputError, match="does not measure q"):
        executor(Observable((((cirq.LineQubit(7),), (1.0, -1.0)),), -1.0))(BELL)
    with pytest.raises(InputError, match="finite numbers"):
        executor(lambda bits: float("nan"))(BELL)
    turned = cirq.Circuit(cirq.rx(sympy.Symbol("t"))(QUBITS[0]), cirq.measure(QUBITS[0]))
    with pytest.raises(InputError, match="t has no value"):
        executor()(turned)


def test_an_inverted_measurement_is_read_inverted():
    inverted = cirq.Circuit(cirq.X(QUBITS[0]), cirq.measure(*QUBITS, invert_mask=(True, True)))
    assert executor({"01": 1.0})(inverted) == pytest.approx(1.0)
    assert executor()(inverted) == pytest.approx(-1.0)


@pytest.mark.parametrize("method", [ZeroNoiseExtrapolation(), ErrorCancellation(2), RealShadows()])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shots": 0}, "shots"),
        ({"shots": 1.5}, "shots"),
        ({"shots": "many"}, "shots = 'many'"),
        ({"shots": None}, "shots = None"),
        ({"seed": -1}, "seed = -1"),
    ],
)
def test_shots_and_seeds_of_methods_are_checked(method, settings, message):
    reading, states = a_reading("inversion")[:2]
    with pytest.raises(InputError, match=message):
        method.estimate(reading, states, **{"shots": 100, **settings})
    if "shots" in settings:
        with pytest.raises(InputError, match=message):
            method.moments(reading, states, **settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ZeroNoiseExtrapolation(None), "scales = None"),
        (lambda: executor(shots=0), "shots = 0"),
        (lambda: executor(shots=1.5), "shots = 1.5"),
        (lambda: executor(seed=-1), "seed = -1"),
        (lambda: executor("00"), "value = '00'"),
        (lambda: executor({"0": "one"})(MEASURED), "real numbers"),
        (lambda: executor(lambda bits: [1, 2])(MEASURED), "give a number"),
        (lambda: executor()(CONTROLLED), "controlled by a measurement"),
        (lambda: measured_readout(as_noise(RATES), [], 0), "shots = 0"),
    ],
)
def test_arguments_of_tools_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


MEASURED = cirq.Circuit(cirq.measure(cirq.q(0)))
CONTROLLED = cirq.Circuit(
    cirq.measure(cirq.q(0), key="first"), cirq.X(cirq.q(1)).with_classical_controls("first")
)
