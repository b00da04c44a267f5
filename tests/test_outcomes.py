"""Whole distributions of outcomes: every engine against Cirq's density matrix."""

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.observable import counted
from qucnn_cirq.engines import Streams, make_engine
from qucnn_cirq.engines.outcomes import recorded
from qucnn_cirq.errors import InputError

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}
_JOINT = {"correlated_readout": {"both": 0.03}}
CORRELATED = {**NOISE, **_JOINT}


def a_program(overlap, filters=None, kernel=(2, 2), **settings):
    spec = ConvolutionSpec(kernel=kernel, filters=filters or XZAnsatz(1), overlap=overlap)
    return compile_convolution(spec, **settings)


def tables_of(program, patches, parameters):
    states = patches / np.linalg.norm(patches, axis=1, keepdims=True)
    compiled = program.filters[0]
    (load,) = compiled.load(states)
    tables = {"patch": load.angles, "filter": compiled.filter_table(parameters)}
    return load.variant.template, tables


def by_density_matrix(template, tables, noise, row, column):
    """Probabilities of recorded outcomes, readout errors as channels."""
    own = {"patch": tables["patch"][[column]], "filter": tables["filter"][[row]]}
    noisy = as_noise(noise).noisy_circuit(template.bound_circuit(own))
    unmeasured = cirq.Circuit(
        cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in noisy
    )
    qubits = sorted(noisy.all_qubits())
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(unmeasured, qubit_order=qubits).final_density_matrix
    measured = template.observable.qubits
    found = np.zeros(2 ** len(measured))
    for bits, chance in zip(np.ndindex(*(2,) * len(qubits)), np.diag(rho).real, strict=True):
        number = 0
        for qubit in measured:
            number = 2 * number + bits[qubits.index(qubit)]
        found[number] += chance
    return found


def a_case(overlap, seed=0, **settings):
    generator = np.random.default_rng(seed)
    program = a_program(overlap, **settings)
    parameters = generator.uniform(-np.pi, np.pi, (2, program.spec.n_parameters))
    size = program.spec.n_elements
    return tables_of(program, generator.normal(size=(3, size)), parameters)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("engine", ["exact", "qsim", "qsim_density", "auto", "exact:float32"])
@pytest.mark.parametrize("noise", [None, NOISE, CORRELATED], ids=["ideal", "noisy", "correlated"])
def test_distribution_is_that_of_the_density_matrix(overlap, engine, noise):
    template, tables = a_case(overlap)
    found = make_engine(engine).distribution(template, as_noise(noise), tables)
    assert found.shape == (2, 3, len(template.observable.table))
    for row, column in np.ndindex(2, 3):
        expected = by_density_matrix(template, tables, noise, row, column)
        assert found[row, column] == pytest.approx(expected, abs=3e-6)
        if engine in ("exact", "auto"):
            assert found[row, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_distribution_under_calibrated_noise_has_the_engine_s_means(overlap):
    generator = np.random.default_rng(5)
    program = a_program(overlap, FixedFilter(generator.normal(size=(4, 4))), (4, 4))
    compiled, noise = program.filters[0], as_noise("willow_pink")
    states = generator.normal(size=(20, 16))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    engine = make_engine("exact")
    for load in compiled.load(states):
        template = load.variant.template
        tables = {"patch": load.angles, "filter": compiled.filter_table(None)}
        found = engine.distribution(template, noise, tables)
        assert found.sum(axis=-1) == pytest.approx(np.ones(found.shape[:2]), abs=1e-12)
        means = engine.means(template, noise, tables)
        assert found @ template.observable.table == pytest.approx(means, abs=1e-12)


def test_a_merged_process_has_distributions_too():
    # Patch and filter are one circuit, which does not factor.
    generator = np.random.default_rng(1)
    program = a_program("inversion", FixedFilter(generator.normal(size=(4, 4))), (4, 4))
    assert program.filters[0].loader.merges_filter
    template, tables = tables_of(program, generator.normal(size=(2, 16)), None)
    found = make_engine("exact").distribution(template, as_noise(NOISE), tables)
    for column in range(2):
        expected = by_density_matrix(template, tables, NOISE, 0, column)
        assert found[0, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("few", [0, 9])
def test_registers_that_crosstalk_joins_have_distributions(overlap, few, monkeypatch):
    monkeypatch.setattr("qucnn_cirq.engines.exact._FEW_OUTCOMES", few)
    noise = {**CORRELATED, "crosstalk": {"p": 0.03, "angle": 0.3}, "preparation": {"p": 0.05}}
    template, tables = a_case(overlap)
    found = make_engine("exact").distribution(template, as_noise(noise), tables)
    for row, column in np.ndindex(2, 3):
        expected = by_density_matrix(template, tables, noise, row, column)
        assert found[row, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize(
    ("engine", "noise"),
    [
        ("exact", CORRELATED),
        ("qsim", CORRELATED),
        ("qsim", None),
        ("qsim:trajectories", CORRELATED),
        ("sampler", CORRELATED),
    ],
)
def test_counts_are_a_sample_of_the_distribution(overlap, engine, noise):
    template, tables = a_case(overlap)
    shots, given_noise = 4000, as_noise(noise)
    streams = Streams(3, (0, 1), np.arange(3))
    counts = make_engine(engine).outcome_counts(template, given_noise, tables, shots, streams)
    again = make_engine(engine).outcome_counts(template, given_noise, tables, shots, streams)
    expected = shots * make_engine("exact").distribution(template, given_noise, tables)
    assert (counts == again).all()
    assert (counts.sum(axis=-1) == shots).all()
    # Chi-squared of all items together, rare outcomes left out.
    seen = expected > 5
    statistic = ((counts - expected)[seen] ** 2 / expected[seen]).sum()
    degrees = seen.sum()
    assert statistic < degrees + 6 * np.sqrt(2 * degrees)
    assert (counts[expected < 1e-6] == 0).all()


def test_the_sampler_s_outcomes_are_the_shots_of_its_run():
    template, tables = a_case("destructive")
    streams = Streams(3, (0, 1), np.arange(3))
    engine = make_engine("sampler")
    counts = engine.outcome_counts(template, as_noise(NOISE), tables, 200, streams)
    ran = engine.run(template, as_noise(NOISE), tables, 200, streams)
    assert (counts[..., template.observable.table == 1].sum(axis=-1) == ran.counts).all()


@given(seed=st.integers(0, 2**32 - 1), bits=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_recorded_is_the_readout_channel(seed, bits):
    generator = np.random.default_rng(seed)
    qubits = cirq.LineQubit.range(bits)
    noise = as_noise({"readout": {"p01": 0.1, "p10": 0.2}, **_JOINT})
    distribution = generator.dirichlet(np.ones(2**bits), size=2)
    found = recorded(distribution, qubits, noise)
    single = np.array([[0.9, 0.2], [0.1, 0.8]])
    matrix = np.ones((1, 1))
    for _ in qubits:
        matrix = np.kron(matrix, single)
    expected = distribution @ matrix.T
    for pair, chance in noise.joint_readout(qubits):
        mask = sum(1 << (bits - 1 - q.x) for q in pair)
        expected = (1 - chance) * expected + chance * expected[:, np.arange(2**bits) ^ mask]
    assert found == pytest.approx(expected, abs=1e-14)


def test_counted_is_big_endian():
    bits = np.array([[0, 1, 1], [1, 0, 0], [0, 1, 1]])
    assert counted(bits).tolist() == [0, 0, 0, 2, 1, 0, 0, 0]


def test_values_of_outcomes_are_those_of_shots():
    template, _ = a_case("destructive")
    observable = template.observable
    bits = np.array(list(np.ndindex(*(2,) * len(observable.qubits))))
    assert (observable.values(bits) == observable.table).all()
    assert not observable.table.flags.writeable


def test_what_gives_no_distributions_says_so():
    template, tables = a_case("ancilla")
    with pytest.raises(InputError, match="no distributions of outcomes: choose engine = 'exact'"):
        make_engine("sampler").distribution(template, as_noise(None), tables)


def test_too_many_outcomes_are_refused():
    program = a_program("destructive", XZAnsatz(1), (16, 32), device="grid:9x9")
    compiled = program.filters[0]
    template = compiled.template
    tables = {"patch": np.zeros((1, 1)), "filter": np.zeros((1, 1))}
    with pytest.raises(InputError, match="18 qubits are measured, whose outcomes are 262144"):
        make_engine("exact").distribution(template, as_noise(None), tables)
