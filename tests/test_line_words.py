"""Words of four qubits with fewer than six CZ: closed forms of products and of low rank."""

from typing import Any

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
from qucnn_cirq.circuits.line_circuit import line_states, n_line_angles
from qucnn_cirq.circuits.line_closed_forms import CLOSED_FORMS, NEAREST
from qucnn_cirq.circuits.line_search import line_infidelities, solve_line_angles
from qucnn_cirq.circuits.loaders import LineLoader, SymplecticLoader, line
from qucnn_cirq.circuits.loaders.line import PATTERNS
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.circuits.schmidt_bounds import least_beyond
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.patches import extract_patches

GATES = {
    **{"": 0, "L": 1, "R": 1, "M": 1, "O": 2, "ML": 2, "MR": 2},
    **{"MO": 3, "MRR": 3, "MLL": 3, "MRO": 4, "MLO": 4, "MOO": 5},
}
WORDS = tuple(GATES)
EXACT = 1e-24


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _digits(stride: int = 3) -> np.ndarray:
    spec = ConvolutionSpec(kernel=(4, 4), stride=stride, filters=FixedFilter(np.ones(16)))
    return extract_patches(load_mnist("train", 16).images, spec).states


def _random(count: int = 40) -> np.ndarray:
    return _unit(np.random.default_rng(0).normal(size=(count, 16)))


def _by_cirq(loader: LineLoader, angles: np.ndarray) -> np.ndarray:
    """What Cirq's simulator makes of a row of angles."""
    qubits = cirq.LineQubit.range(4)

    def bound(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not isinstance(operation.gate, Slot):
            return operation
        unitary = operation.gate.unitaries({"patch": angles[None]})[0]
        return cirq.MatrixGate(unitary).on(*operation.qubits)

    circuit = cirq.map_operations(loader.circuit(qubits, "patch"), bound)
    return circuit.final_state_vector(qubit_order=qubits, dtype=complex)


def test_all_are_known_and_have_their_gates() -> None:
    known = {word for n_qubits, word in CLOSED_FORMS if n_qubits == 4}
    assert known == {*WORDS, "MOMMR", "MOMML"}
    for word, gates in GATES.items():
        assert LineLoader(pattern=word).cost[0] == gates


@settings(max_examples=150, deadline=None)
@given(
    word=st.sampled_from(WORDS),
    seed=st.integers(0, 2**32 - 1),
    step=st.sampled_from([0.0, np.pi / 4, np.pi / 2, np.pi]),
    small=st.sampled_from([1.0, 1e-3, 1e-8, 1e-15]),
)
def test_a_word_loads_what_it_makes(word: str, seed: int, step: float, small: float) -> None:
    """Any angles; also multiples of pi/4, pi/2 and pi, some of them a little off."""
    generator = np.random.default_rng(seed)
    angles = generator.uniform(-np.pi, np.pi, (30, n_line_angles(word)))
    if step:
        away = small * generator.normal(size=angles.shape) * (generator.random(angles.shape) < 0.3)
        angles = step * np.round(angles / step) + away
    elif small < 1:
        angles[generator.random(angles.shape) < 0.5] *= small
    found, infidelities = LineLoader(pattern=word).solve(line_states(angles, word))
    assert infidelities.max() <= EXACT
    assert np.isfinite(found).all() and found.shape == angles.shape


@pytest.mark.parametrize("word", WORDS)
def test_cirq_finds_the_state_and_its_mirror_image_takes_the_mirrored_word(word: str) -> None:
    generator = np.random.default_rng(1)
    states = line_states(generator.uniform(-np.pi, np.pi, (5, n_line_angles(word))), word)
    loader = LineLoader(pattern=word)
    for state, angles in zip(states, loader.solve(states)[0], strict=True):
        assert abs(np.vdot(state, _by_cirq(loader, angles))) == pytest.approx(1, abs=1e-12)
    mirrored = states.reshape(-1, 2, 2, 2, 2).transpose(0, 4, 3, 2, 1).reshape(-1, 16)
    image = word.translate(str.maketrans("LR", "RL"))
    assert LineLoader(pattern=image).solve(mirrored)[1].max() <= EXACT


@pytest.mark.parametrize("word", WORDS)
def test_basis_states_and_products_take_any_word(word: str) -> None:
    factors = np.random.default_rng(2).choice([0.0, 1, -1, 0.5, 1e-9, 1e-200], (60, 4, 2))
    factors[..., 0] += np.abs(factors).max(axis=2) < 1e-10
    products = np.einsum("na,nb,nc,nd->nabcd", *_unit(factors).swapaxes(0, 1)).reshape(-1, 16)
    states = np.concatenate([np.eye(16), np.ones((1, 16)) / 4, products])
    angles, infidelities = LineLoader(pattern=word).solve(states)
    assert infidelities.max() <= EXACT and np.isfinite(angles).all()


@pytest.mark.parametrize("word", WORDS)
def test_what_it_does_not_load_has_infidelity_one(word: str) -> None:
    angles, infidelities = LineLoader(pattern=word).solve(_random())
    assert (infidelities == 1).all() and np.isfinite(angles).all()
    angles, infidelities = LineLoader(pattern=word).solve(np.empty((0, 16)))
    assert angles.shape == (0, n_line_angles(word)) and infidelities.shape == (0,)


@pytest.mark.parametrize("word", WORDS)
def test_it_loads_what_a_search_finds_a_word_to_load(word: str) -> None:
    states = _digits()[:150]
    searched = solve_line_angles(states, word)[1] <= EXACT
    closed = LineLoader(pattern=word).solve(states)[1] <= EXACT
    assert (closed >= searched).all() and closed.any()


@pytest.mark.parametrize("word", sorted(word for size, word in NEAREST if size == 4))
def test_within_a_tolerance_the_nearest_state_needs_no_search(word: str) -> None:
    states = np.concatenate([_digits()[:60], _random()])
    loader = LineLoader(pattern=word, tolerance=1e-3)
    angles, infidelities = loader.solve(states)
    assert loader.is_closed_form
    np.testing.assert_allclose(
        infidelities, line_infidelities(states, angles, word), rtol=1e-9, atol=1e-24
    )
    assert (infidelities <= solve_line_angles(states, word)[1] + 1e-9).all()


def test_within_a_tolerance_a_search_is_only_for_what_has_no_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched = []

    def noticed(states: np.ndarray, *others: Any, **named: Any) -> tuple[np.ndarray, np.ndarray]:
        searched.append(len(states))
        return solve_line_angles(states, *others, **named)

    monkeypatch.setattr(line, "solve_line_angles", noticed)
    monkeypatch.setenv("QUCNN_CACHE", "")
    loader = LineLoader(pattern="MO", tolerance=1e-4)
    exact = loader.random_states(20, np.random.default_rng(3))
    states = np.concatenate([exact, _random(20)])
    angles, infidelities = loader.solve(states)
    assert infidelities[:20].max() <= EXACT
    np.testing.assert_allclose(infidelities, line_infidelities(states, angles, "MO"), atol=1e-12)
    assert sum(searched) == 20


@pytest.mark.parametrize("gate", ["cz", "sqrt_iswap"])
@pytest.mark.parametrize("word", sorted({*WORDS, *PATTERNS["cz"]}))
def test_the_bound_is_never_above_the_infidelity(word: str, gate: str) -> None:
    generator = np.random.default_rng(4)
    angles = generator.uniform(-np.pi, np.pi, (60, n_line_angles(word)))
    angles[::3] = np.pi / 2 * np.round(angles[::3] / np.pi * 2)
    made = line_states(angles, word, gate)
    away = generator.normal(size=made.shape) * 10.0 ** generator.uniform(-9, 0, (60, 1))
    loader = LineLoader(pattern=word, gate=gate)
    # What it makes it loads, and what is not far from that has at most the infidelity with it.
    assert loader.least_infidelities(made).max() < 1e-26
    near = _unit(made + away)
    assert (loader.least_infidelities(near) <= 1 - np.sum(near * made, axis=1) ** 2 + 1e-14).all()
    assert loader.least_infidelities(made[:0]).shape == (0,)


@pytest.mark.parametrize("rank", [1, 2])
def test_minors_bound_what_singular_values_are_left(rank: int) -> None:
    generator = np.random.default_rng(6)
    sizes = 10.0 ** generator.uniform(-9, 0, (500, 4))
    sizes[::5, rank:] = 0
    left, right = (np.linalg.qr(generator.normal(size=(500, 4, 4)))[0] for _ in range(2))
    matrices = (left * _unit(sizes)[:, None]) @ right
    squares = np.sort(_unit(sizes) ** 2)[:, ::-1]
    left_over = squares[:, rank:].sum(axis=1)
    bound = least_beyond(matrices.transpose(1, 2, 0), rank)
    assert (bound <= left_over * (1 + 1e-9) + 1e-26).all()
    # Sharp where what is left is small beside the rest.
    clear = (left_over < 1e-3 * squares[:, rank - 1]) & (squares[:, rank - 1] > 1e-5)
    assert clear.sum() > 50
    np.testing.assert_allclose(bound[clear], left_over[clear], rtol=0.01, atol=1e-26)


@pytest.mark.parametrize("word", ["", "L", "R", "M", "O", "MRR", "MLL", "MOO"])
def test_the_bound_tells_which_states_a_word_loads(word: str) -> None:
    states = np.concatenate([_digits(), _random()])
    loader = LineLoader(pattern=word)
    np.testing.assert_array_equal(
        loader.least_infidelities(states) <= EXACT, loader.solve(states)[1] <= EXACT
    )


def test_patches_of_digits_take_four_cz_on_average() -> None:
    states, family = _digits(1), SymplecticLoader().family(None)
    gates = [loader.cost[0] for loader in family]
    assert gates == sorted(gates)
    loads = LoadingRule.first_within(1e-18, len(family)).load(states, family)
    rows = np.concatenate([rows for _, rows, _ in loads])
    assert sorted(rows) == list(range(len(states)))
    assert sum(gates[index] * len(rows) for index, rows, _ in loads) < 4 * len(states)
    for index, rows, angles in loads:
        assert family[index].solve(states[rows])[1].max() <= EXACT
        np.testing.assert_allclose(angles, family[index].angles(states[rows]), atol=1e-9)
        for shorter in family[:index]:
            if shorter.cost[0] < gates[index]:
                assert (shorter.solve(states[rows])[1] > EXACT).all()


@pytest.mark.parametrize(
    ("vector", "gates"),
    [
        (np.ones(16), 0),
        (np.eye(16)[5], 0),
        (np.kron([1, 2, 3, 4], [1, 0, 0, 2]), 2),
        (np.kron(np.kron([1, 2], [1, 2, 3, 5]), [1, 0]), 1),
        (np.kron(np.arange(1.0, 9) ** 2, [1, 3]), 3),
        (np.arange(16.0), 5),
        (np.eye(16)[0] + np.eye(16)[15], 3),
        (np.random.default_rng(5).normal(size=16), 6),
    ],
)
def test_a_vector_takes_the_shortest_word(vector: np.ndarray, gates: int) -> None:
    state = _unit(np.asarray(vector, dtype=float))
    loader = SymplecticLoader().exact_for(state)
    assert loader.cost[0] == gates
    assert loader.solve(state[None])[1][0] <= EXACT


def test_a_program_counts_the_words_of_patch_and_filter() -> None:
    spec = ConvolutionSpec(filters=FixedFilter(np.ones((4, 4))), overlap="destructive")
    program = compile_convolution(spec, "willow_pink")
    gates = [variant.report.two_qubit_gates for variant in program.filters[0].variants]
    # Four for the test, none for the filter.
    assert gates == [4 + loader.cost[0] for loader in SymplecticLoader().family(None)]
    assert program.verify(patches=1).passed
