"""Registers of five to eight qubits in a frame: fewer CZ, and the same overlaps."""

import functools

import cirq
import numpy as np
import pytest
from helpers import mean_of, random_states, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.framed_circuit import FramedCircuit
from qucnn_cirq.circuits.framed_search import framed_infidelities, solve_framed_angles
from qucnn_cirq.circuits.loaders import FramedLoader, LineLoader, SideBySide, line, made
from qucnn_cirq.circuits.loaders.framed import SHORTER_WORDS, WORDS
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, MeetingPlace
from qucnn_cirq.compiler.loader_pairs import LoaderPairs
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.patches import extract_patches

EXACT_WORDS = [(n, word) for n, words in WORDS.items() for word in words]
ALL_WORDS = EXACT_WORDS + [(n, word) for n, words in SHORTER_WORDS.items() for word in words]
COST = {
    5: [(10, 6), (11, 6), (13, 7)],
    6: [(22, 10), (23, 10), (26, 11)],
    7: [(48, 17), (51, 18)],
    8: [(101, 30), (108, 32)],
}


@functools.cache
def frame(n_qubits: int) -> np.ndarray:
    """The matrix U, made without the package."""
    turn, one = np.array([[1, -1j], [-1j, 1]]) / np.sqrt(2), np.eye(2)
    turns = functools.reduce(np.kron, [one, turn, one, turn, *[one] * (n_qubits - 4)])
    bits = np.arange(2**n_qubits)
    both = bits >> (n_qubits - 2) & bits >> (n_qubits - 4) & 1
    return (1 - 2 * both)[:, None] * turns


def patches(n_qubits: int, count: int) -> np.ndarray:
    kernel = {5: (5, 5), 6: (8, 8)}[n_qubits]
    spec = ConvolutionSpec(kernel=kernel, filters=FixedFilter(np.ones(kernel)))
    found = extract_patches(load_mnist("test", 2).images, spec).states
    return np.unique(found, axis=0)[5::7][:count]


@pytest.mark.parametrize(("n_qubits", "word"), ALL_WORDS)
def test_the_circuit_makes_u_of_what_is_searched_in(n_qubits: int, word: str) -> None:
    loader, circuit = FramedLoader(n_qubits, word), FramedCircuit(n_qubits, word)
    qubits = cirq.LineQubit.range(n_qubits)
    angles = np.random.default_rng(1).uniform(-np.pi, np.pi, (2, loader.n_angles))
    for row, vector in zip(angles, circuit.states(angles), strict=True):
        made_ = state_of(loader.circuit(qubits, "patch"), qubits, {"patch": row[None]})
        assert abs(np.vdot(frame(n_qubits) @ vector, made_)) == pytest.approx(1, abs=1e-13)
        plain = loader.circuit(qubits, "patch") + loader.out_of_frame(qubits)
        found = state_of(plain, qubits, {"patch": row[None]})
        assert abs(np.vdot(vector, found)) == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize(("n_qubits", "word"), EXACT_WORDS)
def test_there_are_as_many_directions_as_vectors(n_qubits: int, word: str) -> None:
    circuit = FramedCircuit(n_qubits, word)
    angles = np.random.default_rng(2).uniform(-np.pi, np.pi, (1, circuit.n_angles))
    _, jacobians = circuit.differences(angles, circuit.states(angles))
    assert np.linalg.matrix_rank(jacobians[0], tol=1e-9) == 2**n_qubits - 1


@pytest.mark.parametrize(("n_qubits", "word"), [(5, "021"), (6, "24OM")])
def test_derivatives_agree_with_differences(n_qubits: int, word: str) -> None:
    circuit = FramedCircuit(n_qubits, word)
    angles = np.random.default_rng(3).uniform(-np.pi, np.pi, (2, circuit.n_angles))
    targets = random_states(n_qubits, 2, seed=1)[:2]
    differences, jacobians = circuit.differences(angles, targets)
    lengths = np.linalg.norm(circuit.states(angles) - targets, axis=1)
    np.testing.assert_allclose(np.linalg.norm(differences, axis=1), lengths, atol=1e-13)
    for column in range(circuit.n_angles):
        shift = 1e-5 * np.eye(circuit.n_angles)[column]
        ahead, behind = (
            circuit.differences(angles + sign * shift, targets, derivatives=False)[0]
            for sign in (1, -1)
        )
        np.testing.assert_allclose((ahead - behind) / 2e-5, jacobians[..., column], atol=1e-9)


@pytest.mark.parametrize("n_qubits", [5, 6])
def test_random_sparse_and_product_vectors_and_patches_are_loaded(n_qubits: int) -> None:
    generator = np.random.default_rng(4)
    product = functools.reduce(np.kron, generator.normal(size=(n_qubits, 2)))
    sparse = np.zeros((2, 2**n_qubits))
    sparse[:, generator.choice(2**n_qubits, 5, replace=False)] = generator.normal(size=(2, 5))
    ghz = np.eye(2**n_qubits)[0] + np.eye(2**n_qubits)[-1]
    others = np.vstack([product, sparse, ghz, np.ones(2**n_qubits), np.eye(2**n_qubits)[::9]])
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    states = np.concatenate([random_states(n_qubits, 6, seed=2), patches(n_qubits, 8), others])
    loader = FramedLoader(n_qubits).framed()
    angles, infidelities = loader.solve(states)
    left = infidelities > 1e-20
    for other in loader.family(None)[1:]:
        left[left] = other.solve(states[left])[1] > 1e-20
    assert not left.any() and (infidelities < 1e-20).mean() > 0.9
    # Simulated by Cirq, without the package's own arithmetic.
    qubits, row = cirq.LineQubit.range(n_qubits), 1
    found = state_of(loader.circuit(qubits, "patch"), qubits, {"patch": angles[row : row + 1]})
    assert abs(np.vdot(frame(n_qubits) @ states[row], found)) == pytest.approx(1, abs=1e-13)
    np.testing.assert_array_equal(loader.solve(states[::-1])[0], angles[::-1])


@pytest.mark.parametrize("n_qubits", [7, 8])
def test_long_lines_are_loaded(n_qubits: int) -> None:
    states = np.concatenate([random_states(n_qubits, 2, seed=8)[:1], np.eye(2**n_qubits)[5:6]])
    assert FramedLoader(n_qubits).framed().solve(states)[1].max() < 1e-20


def test_a_vector_does_not_depend_on_its_batch() -> None:
    states, circuit = random_states(5, 4, seed=5), FramedCircuit(5, "OMOM")
    together, _ = solve_framed_angles(states, circuit)
    alone, infidelities = solve_framed_angles(states[2:3], circuit)
    np.testing.assert_allclose(alone, together[2:3], atol=1e-6)
    np.testing.assert_allclose(framed_infidelities(states[2:3], alone, circuit), infidelities)
    assert solve_framed_angles(states[:0], circuit)[0].shape == (0, circuit.n_angles)


@pytest.mark.parametrize("n_qubits", WORDS)
def test_a_framed_register_takes_fewer_cz(n_qubits: int) -> None:
    plain = FramedLoader(n_qubits)
    framed = plain.framed()
    assert [each.cost for each in framed.family(None)] == COST[n_qubits]
    assert {each.frame for each in framed.family(1e-3)} == {framed.frame} != {""}
    assert plain.cost == LineLoader(n_qubits).cost and plain.is_real and not framed.is_real
    assert framed.couplers <= plain.couplers | {(q, q + 1) for q in range(n_qubits - 1)}
    assert (framed.framed(), plain.unframed(), plain.frame) == (framed, plain, "")
    assert framed.unframed().settings() == plain.settings() != framed.settings()
    assert FramedLoader(**framed.settings()).cost == framed.cost
    states = random_states(n_qubits, 2, seed=3)[: n_qubits < 8]
    np.testing.assert_array_equal(plain.solve(states)[0], LineLoader(n_qubits).solve(states)[0])


def test_other_sizes_and_gates_are_refused() -> None:
    for n_qubits in (3, 4, 9):
        with pytest.raises(InputError, match="registers of 5 to 8 qubits in CZ"):
            made(FramedLoader, n_qubits, "cz")
    with pytest.raises(InputError, match="not in syc"):
        made(FramedLoader, 5, "syc")


@pytest.mark.parametrize("name", OVERLAP_TESTS)
@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=2)
def test_overlaps_are_those_of_the_vectors(name: str, seed: int) -> None:
    """Any angles make U of some vectors, here the patch's with another word than the filter's."""
    words, generator = WORDS[5], np.random.default_rng(seed)
    of_patch, of_filter = FramedLoader(5, words[1]), FramedLoader(5, words[0])
    x, f = (
        (loader, generator.uniform(-np.pi, np.pi, (1, loader.n_angles)))
        for loader in (of_patch, of_filter)
    )
    vectors = [FramedCircuit(5, loader.word or "").states(angles)[0] for loader, angles in (x, f)]
    data, other = (tuple(cirq.NamedQubit.range(5, prefix=prefix)) for prefix in "xf")
    test = OVERLAP_TESTS[name]
    place = MeetingPlace(
        data,
        preparation=of_filter.circuit(data, "filter"),
        pairs=tuple(zip(data, other, strict=True)),
        walks=(tuple(zip((cirq.NamedQubit("a"), *data), data, other, strict=False)),),
    )
    circuit = of_patch.circuit(data, "patch")
    if not test.undoes_filter:
        circuit += of_filter.circuit(other, "filter")
    meeting, observable = test.meeting(place)
    circuit += meeting
    qubits = sorted(circuit.all_qubits())
    probabilities = np.abs(state_of(circuit, qubits, {"patch": x[1], "filter": f[1]})) ** 2
    expected = (vectors[0] @ vectors[1]) ** 2
    assert mean_of(observable, probabilities, qubits) == pytest.approx(expected, abs=1e-12)


def test_what_a_word_misses_is_loaded_with_the_next_in_the_same_frame() -> None:
    vector = random_states(5, 1, seed=6)[0]
    pairs = LoaderPairs.of(FramedLoader(5), vector, prefers_real=True, tolerance=1e-3)
    family = pairs.family(None)
    assert [pair.patch.cost for pair in family] == COST[5] and family[0] == pairs.generic
    assert {pair.filter for pair in family} == {pairs.generic.filter}
    assert isinstance(pairs.generic.filter, SideBySide) and pairs.generic.filter.cost == (10, 6)
    within = pairs.family(1e-3)
    assert [pair.patch.cost[0] for pair in within[: len(SHORTER_WORDS[5])]] == sorted(
        3 + len(word) for word in SHORTER_WORDS[5]
    )
    rest = within[len(SHORTER_WORDS[5]) :]
    assert rest[0] == pairs.generic and [pair.patch.cost for pair in rest] == COST[5]


@pytest.mark.parametrize(("loader", "gates"), [("auto", 20), ("framed", 20), ("line", 28)])
def test_patches_of_25_values_take_20_cz(loader: str, gates: int) -> None:
    kernel = FixedFilter(np.random.default_rng(7).normal(size=(5, 5)))
    spec = ConvolutionSpec(kernel=(5, 5), filters=kernel, overlap="inversion")
    program = compile_convolution(spec, "willow_pink", loader=loader)
    assert program.report.two_qubit_gates == gates
    assert program.verify(patches=1).passed and program.proof.bound < 1e-10


def test_a_filter_that_is_a_circuit_is_in_no_frame() -> None:
    spec = ConvolutionSpec(kernel=(5, 5), filters=XZAnsatz(1), overlap="inversion")
    programs = [compile_convolution(spec, "willow_pink", loader=n) for n in ("framed", "line")]
    assert {program.report.two_qubit_gates for program in programs} == {14 + 4}
    assert compile_convolution(spec, "willow_pink").report.loader == "line"


def test_only_loaders_that_may_be_taken_search_for_filters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "solve_line_angles", lambda *_, **__: pytest.fail("a search"))
    draws = np.random.default_rng(8)
    filters = [FixedFilter(draws.normal(size=(8, 8))) for _ in range(3)]
    spec = ConvolutionSpec(kernel=(8, 8), filters=filters, overlap="inversion")
    compiled = compile_convolution(spec, "willow_pink").filters
    assert {each.report.two_qubit_gates for each in compiled} == {44}
    assert all(each.variants[0] is compiled[0].variants[0] for each in compiled)
