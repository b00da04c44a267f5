"""Loading against an error budget: shorter circuits, and how much they may miss."""

import functools

import cirq
import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
)
from qucnn_cirq.circuits.line_search import solve_line_angles
from qucnn_cirq.circuits.loaded import infidelities, loaded_states
from qucnn_cirq.circuits.loaders.line import PATTERNS, LineLoader
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.compiler.survival import survival
from qucnn_cirq.convolution import extract_patches, ideal_overlaps
from qucnn_cirq.datasets import load_classical_filter, load_mnist

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}}
SPEC = ConvolutionSpec(filters=FixedFilter(load_classical_filter()))


@functools.cache
def program_within(infidelity):
    return compile_convolution(SPEC, "willow_pink", infidelity=infidelity)


def digits():
    return load_mnist("train", 2).images


def states():
    return extract_patches(digits(), SPEC).states


def two_qubit_gates(program, patch_states):
    (compiled,) = program.filters
    gates = np.array([variant.report.two_qubit_gates for variant in compiled.variants])
    return gates[compiled.choose(patch_states)]


@pytest.mark.parametrize("infidelity", [1e-4, 1e-3, 1e-2])
def test_every_patch_stays_within_the_budget(infidelity):
    (compiled,) = program_within(infidelity).filters
    patches = states()
    chosen = compiled.choose(patches)
    for index, variant in enumerate(compiled.variants):
        own = patches[chosen == index]
        qubits, tables = cirq.LineQubit.range(4), {"patch": variant.loader.angles(own)}
        circuit = variant.loader.circuit(qubits, "patch") + variant.loader.out_of_frame(qubits)
        loaded = loaded_states(circuit, qubits, tables, len(own))
        assert (infidelities(own, loaded) <= infidelity + 1e-12).all()
    assert len(set(chosen.tolist())) >= 4


def test_a_larger_budget_takes_fewer_gates():
    exact = program_within(0.0)
    assert exact.report.two_qubit_gates == 30
    loose, tight = (two_qubit_gates(program_within(limit), states()) for limit in (1e-2, 1e-4))
    assert loose.mean() < tight.mean() < 32
    # Real amplitudes may take two more.
    assert (loose <= tight + 2).all()


def test_at_one_in_a_thousand_a_loader_averages_less_than_4_5_cz():
    program = program_within(1e-3)
    assert (two_qubit_gates(program, states()) - 26).mean() < 4.5


def test_shorter_loading_is_more_accurate_under_noise_and_auto_most():
    patches = extract_patches(digits(), SPEC)
    truth = ideal_overlaps(patches, SPEC, np.zeros((1, 0)))
    errors = {}
    for infidelity in (0.0, 1e-3, "auto"):
        weighed = {"noise": NOISE} if infidelity == "auto" else {}
        program = compile_convolution(SPEC, "willow_pink", infidelity=infidelity, **weighed)
        layer = QuantumConvolution(program, engine="exact", noise=NOISE, shots=None)
        errors[infidelity] = np.abs(layer.run(digits()).estimates - truth).mean()
    assert errors["auto"] < errors[1e-3] < errors[0.0]


def test_auto_loads_longer_when_gates_are_better():
    mild = {"depolarizing": {"p1": 0.00001, "p2": 0.00005}}
    strong = {"depolarizing": {"p1": 0.005, "p2": 0.03}}
    means = [
        two_qubit_gates(
            compile_convolution(SPEC, "willow_pink", infidelity="auto", noise=noise), states()
        ).mean()
        for noise in (mild, NOISE, strong)
    ]
    assert means[0] > means[1] > means[2]


def test_engines_agree_on_a_program_of_several_circuits():
    program = program_within(1e-2)
    image = digits()[:1, 4:14, 8:20]
    assert len(set(program.filters[0].choose(extract_patches(image, SPEC).states).tolist())) >= 3
    by_engine = [
        QuantumConvolution(program, engine=engine, shots=None).forward(image)
        for engine in ("exact", "qsim")
    ]
    np.testing.assert_allclose(by_engine[0], by_engine[1], atol=1e-6)


def test_shots_of_one_image_do_not_depend_on_its_batch():
    program = program_within(1e-2)
    layer = QuantumConvolution(program, engine="exact", noise=NOISE, shots=100, seed=3)
    both = layer.run(digits(), image_ids=[4, 9])
    alone = layer.run(digits()[1:], image_ids=[9])
    np.testing.assert_array_equal(both.counts[:, -alone.counts.shape[1] :], alone.counts)


def test_a_program_with_a_budget_proves_itself():
    check = program_within(1e-2).verify(patches=1)
    assert check.passed and check.circuits == len(program_within(1e-2).filters[0].variants)


def test_the_rule_takes_the_shortest_that_is_good_enough():
    random = LineLoader(pattern="MO", tolerance=1e-6).random_states(5, np.random.default_rng(1))
    loaders = [LineLoader(pattern=pattern, tolerance=1e-6) for pattern in PATTERNS["cz"]]
    chosen = LoadingRule.first_within(1e-4, len(loaders)).choose(random, loaders)
    for row, index in enumerate(chosen):
        state, patterns = random[row : row + 1], PATTERNS["cz"][:index]
        shorter = [solve_line_angles(state, pattern)[1][0] for pattern in patterns]
        assert min(shorter, default=1.0) > 1e-4
    assert np.median(chosen) <= PATTERNS["cz"].index("MO")


def test_the_score_is_the_mean_squared_error_over_all_filters():
    generator = np.random.default_rng(7)
    wanted, loaded, noise_left = *generator.normal(size=(2, 16)), 0.9
    wanted, loaded = (vector / np.linalg.norm(vector) for vector in (wanted, loaded))
    rule = LoadingRule.least_error([noise_left])
    infidelity = 1 - (wanted @ loaded) ** 2
    filters = generator.normal(size=(200_000, 16))
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    # The identity that noise mixes in is left out on both sides: it is the same for all loaders.
    errors = noise_left * (filters @ loaded) ** 2 - (filters @ wanted) ** 2
    variance = errors.var()
    score = rule.floors[0] + rule.slopes[0] * infidelity
    # Var f^T A f = 2 (tr A^2 - (tr A)^2 / d) / (d (d + 2)) for real unit vectors.
    expected = 2 * (score - (1 - noise_left) ** 2 / 16) / (16 * 18)
    assert variance == pytest.approx(expected, rel=0.02)


def test_survival_counts_every_channel():
    (compiled,) = program_within(0.0).filters
    report = compiled.report
    found = survival(compiled.template, as_noise({"depolarizing": {"p1": 0.001, "p2": 0.005}}))
    assert found == pytest.approx(
        0.999**report.one_qubit_gates * 0.995**report.two_qubit_gates, rel=1e-9
    )
    assert survival(compiled.template, as_noise(None)) == 1
    read = survival(compiled.template, as_noise({"readout": {"p01": 0.01, "p10": 0.03}}))
    assert read == pytest.approx(0.96)


@pytest.mark.parametrize("infidelity", [-1e-3, 2, np.nan, "shortest", True])
def test_budgets_out_of_range_are_refused(infidelity):
    with pytest.raises(InputError, match="infidelity = "):
        compile_convolution(SPEC, "willow_pink", infidelity=infidelity)


def test_auto_needs_noise():
    with pytest.raises(InputError, match="give noise as well"):
        compile_convolution(SPEC, "willow_pink", infidelity="auto")


def large(stride):
    kernel = FixedFilter(np.outer(np.hanning(8), np.hanning(8)))
    return ConvolutionSpec(kernel=(8, 8), stride=stride, filters=kernel, overlap="inversion")


def test_shorter_words_of_six_qubits_come_close_to_patches():
    """The bars are means that words in another order of qubits reached; the last one a median."""
    patches = np.unique(extract_patches(digits(), large(5)).states, axis=0)
    family = LineLoader(6).family(1e-3)
    assert [loader.cost[0] for loader in family] == [10, 13, 15, 20, 30, 33]
    qubits = cirq.LineQubit.range(6)
    for loader, bar in zip(family, (0.037, 0.021, 0.013), strict=False):
        angles, told = loader.solve(patches)
        loaded = loaded_states(
            loader.circuit(qubits, "patch"), qubits, {"patch": angles}, len(patches)
        )
        np.testing.assert_allclose(infidelities(patches, loaded), told, atol=1e-12)
        assert told.mean() < bar
    assert np.median(family[3].solve(patches)[1]) < 0.0015


def test_a_budget_makes_overlaps_of_larger_patches_more_accurate():
    errors = []
    spec = large(10)
    patches = extract_patches(digits()[:1], spec)
    exact = ideal_overlaps(patches, spec, np.zeros((1, 0)))
    for infidelity in (0.0, 0.01):
        program = compile_convolution(spec, "willow_pink", infidelity=infidelity)
        layer = QuantumConvolution(program, "exact", NOISE, shots=None)
        errors.append(np.abs(layer.run(patches).estimates - exact).mean())
    assert errors[1] < 0.98 * errors[0]


def test_three_qubits_have_shorter_loaders_too():
    spec = ConvolutionSpec(kernel=(2, 4), filters=FixedFilter(np.arange(8.0) ** 2))
    states = np.random.default_rng(0).normal(size=(40, 8)) + [9, 0, 0, 0, 9, 0, 0, 0]
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    gates = []
    for budget in (0.0, 1e-2, 0.1):
        (compiled,) = compile_convolution(spec, "willow_pink", infidelity=budget).filters
        loads = compiled.load(states)
        for load in loads:
            assert load.variant.loader.solve(states[load.columns])[1].max() <= max(budget, 1e-18)
        gates.append(sum(each.variant.report.two_qubit_gates * len(each.columns) for each in loads))
    assert gates[0] > gates[1] > gates[2]


@pytest.mark.parametrize("kernel", [(1, 2), (2, 2), (8, 16)])
@pytest.mark.parametrize("budget", [{"infidelity": 0.1}, {"infidelity": "auto", "noise": NOISE}])
def test_a_budget_for_registers_without_shorter_loaders_is_refused(kernel, budget):
    spec = ConvolutionSpec(kernel=kernel)
    told = f"for registers of {spec.register_qubits} qubits that fit 'willow_pink' has a loader"
    with pytest.raises(InputError, match=told):
        compile_convolution(spec, "willow_pink", **budget)


@pytest.mark.parametrize("options", [{"layout": "plaquettes"}, {"loader": "schmidt"}])
def test_a_budget_for_exact_loaders_is_refused(options):
    with pytest.raises(InputError, match="no shorter loaders"):
        compile_convolution(SPEC, "willow_pink", infidelity=0.1, **options)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion", "auto"])
def test_a_budget_gives_several_loaders_or_is_refused(overlap):
    spec = ConvolutionSpec(filters=SPEC.filters, overlap=overlap)
    options = {"infidelity": 0.01}
    if overlap == "inversion":
        # Its best circuit undoes the filter in few gates and has one form only.
        with pytest.raises(InputError, match="layout ladder, loader comparison"):
            compile_convolution(spec, "willow_pink", **options)
        options |= {"loader": "symplectic"}
    (compiled,) = compile_convolution(spec, "willow_pink", **options).filters
    assert len(compiled.variants) > 1


def test_noise_that_nothing_weighs_is_refused():
    with pytest.raises(InputError, match="noise is weighed only by"):
        compile_convolution(SPEC, "willow_pink", noise=NOISE)


def test_a_patch_names_its_circuit():
    program = program_within(1e-3)
    corner = np.zeros((4, 4))
    corner[0, 0] = 1
    assert program.variant(corner).report.two_qubit_gates == 26
    circuit = program.circuit(corner)
    assert sum(len(op.qubits) == 2 for op in circuit.all_operations()) == 26
    generic = np.random.default_rng(0).normal(size=(4, 4))
    assert program.variant(generic).report.two_qubit_gates == 32
    complex_ones = np.random.default_rng(4).normal(size=(40, 4, 4))
    gates = {program.variant(each).report.two_qubit_gates for each in complex_ones}
    assert gates == {32, program.report.two_qubit_gates}
