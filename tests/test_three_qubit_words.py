"""Words of three qubits with fewer CZ than loading every vector takes, in and out of the frame."""

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, compile_convolution
from qucnn_cirq.circuits.line_circuit import line_states, n_line_angles
from qucnn_cirq.circuits.line_search import solve_line_angles
from qucnn_cirq.circuits.loaded import infidelities, loaded_states
from qucnn_cirq.circuits.loaders import LineLoader, Loader, SymplecticLoader
from qucnn_cirq.circuits.loaders.line import EXACT
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.patches import extract_patches

WORDS = ("", "L", "R", "RL")


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _made(word: str, step: float, small: float, seed: int, count: int = 30) -> np.ndarray:
    """What a word makes of any angles, or of multiples of a step, some of them a little off."""
    generator = np.random.default_rng(seed)
    angles = generator.uniform(-np.pi, np.pi, (count, n_line_angles(word, 3)))
    if step:
        away = small * generator.normal(size=angles.shape) * (generator.random(angles.shape) < 0.3)
        angles = step * np.round(angles / step) + away
    return line_states(angles, word, n_qubits=3)


def _simulated(loader: Loader, states: np.ndarray) -> np.ndarray:
    """Infidelities of what the circuit makes."""
    register = cirq.LineQubit.range(3)
    circuit = loader.circuit(register, "patch") + loader.out_of_frame(register)
    tables = {"patch": loader.angles(states)}
    return infidelities(states, loaded_states(circuit, register, tables, len(states)))


@settings(max_examples=80, deadline=None)
@given(
    word=st.sampled_from(WORDS),
    seed=st.integers(0, 2**32 - 1),
    step=st.sampled_from([0.0, np.pi / 4, np.pi / 2, np.pi]),
    small=st.sampled_from([1.0, 1e-3, 1e-8, 1e-15]),
)
def test_a_word_loads_what_it_makes(word: str, seed: int, step: float, small: float) -> None:
    states = _made(word, step, small, seed)
    loader = LineLoader(3, word)
    assert loader.solve(states)[1].max() < 1e-24
    assert _simulated(loader, states).max() < 1e-24
    assert loader.least_infidelities(states).max() < 1e-24


@pytest.mark.parametrize(("word", "gates"), [("", 0), ("L", 1), ("R", 1), ("RL", 2)])
def test_it_loads_what_a_search_finds_a_word_to_load(word: str, gates: int) -> None:
    generator = np.random.default_rng(1)
    states = np.concatenate([_made(each, 0.0, 1.0, 2, 5) for each in WORDS])
    # The couplers in the other order make no other states.
    states = np.concatenate([states, line_states(generator.normal(size=(5, 7)), "LR", "cz", 3)])
    states = np.concatenate([states, _unit(generator.normal(size=(10, 8)))])
    found = LineLoader(3, word).solve(states)[1] <= EXACT
    assert LineLoader(3, word).cost[0] == gates
    for each in {word, word[::-1]}:
        searched = solve_line_angles(states, each)[1] <= EXACT
        np.testing.assert_array_equal(found, searched)


@pytest.mark.parametrize("loader", [LineLoader(3), SymplecticLoader(3)])
def test_a_patch_takes_the_shortest_word(loader: Loader) -> None:
    family = loader.family(None)
    assert [each.cost[0] for each in family] == [0, 1, 1, 2, 3]
    for word in WORDS:
        state = _made(word, 0.0, 1.0, 3, 1)
        (chosen,) = LoadingRule.first_within(EXACT, 5).choose(state, family)
        assert family[chosen].settings() == LineLoader(3, word).settings()
        assert loader.exact_for(state[0]).settings() == LineLoader(3, word).settings()
        assert LineLoader(3, word).solve(state[:0])[1].shape == (0,)
    generic = _unit(np.random.default_rng(4).normal(size=8))
    assert loader.exact_for(generic) is loader


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), small=st.sampled_from([0.0, 1e-3, 1e-9, 1.0]))
def test_in_the_frame_a_first_qubit_apart_takes_one_cz(seed: int, small: float) -> None:
    generator = np.random.default_rng(seed)
    framed = SymplecticLoader(3).framed()
    assert framed is not None
    first = generator.choice([0, 1, -1, 0.5], (20, 2)) + small * generator.normal(size=(20, 2))
    rest = generator.choice([0, 1, -1, 2], (20, 4)) + small * generator.normal(size=(20, 4))
    states = np.einsum("na,nb->nab", first, rest).reshape(-1, 8)
    states = _unit(states[np.abs(states).max(axis=1) > 1e-12])
    for state in states[:3]:
        apart = framed.exact_for(state)
        assert (apart.cost[0], apart.frame) == (1, framed.frame)
        assert _simulated(apart, state[None])[0] < 1e-24
    own, other = np.array([1, 2]), _unit(np.arange(1.0, 9))
    assert framed.exact_for(_unit(np.kron([1.0, 2, 3, 5], own))) is framed
    assert framed.exact_for(other) is framed


def test_in_the_frame_none_takes_no_cz() -> None:
    """Of a product, too, qubits 1 and 2 are entangled there, as much as can be."""
    states = np.concatenate([_made("", 0.0, 1.0, 5), np.eye(8), np.ones((1, 8)) / np.sqrt(8)])
    x = np.array([[1, -1j], [-1j, 1]]) / np.sqrt(2)
    frame = np.kron(np.eye(2), np.diag([1, 1, 1, -1]) @ np.kron(x, x))
    seen = (states @ frame.T).reshape(-1, 2, 2, 2).transpose(0, 2, 1, 3).reshape(-1, 2, 4)
    np.testing.assert_allclose(np.linalg.svd(seen, compute_uv=False) ** 2, 0.5, atol=1e-12)
    with pytest.raises(InputError, match="apart"):
        SymplecticLoader(3, apart=True)


def test_within_a_tolerance_one_cz_makes_the_nearest_state() -> None:
    states = _unit(np.random.default_rng(6).normal(size=(50, 8)))
    for word, shape in (("R", (-1, 2, 4)), ("L", (-1, 4, 2))):
        largest = np.linalg.svd(states.reshape(shape), compute_uv=False)[:, 0]
        found = LineLoader(3, word, tolerance=1e-3).solve(states)[1]
        np.testing.assert_allclose(found, 1 - largest**2, atol=1e-12)


@pytest.mark.parametrize(
    ("filter_", "gates", "generic"),
    [
        (np.ones(8), [0, 1, 1, 2, 3], 3),
        (np.kron([1, 2], [1, 2, 3, 5]), [1, 2, 2, 2, 3], 3),
        (np.kron([1, 2, 3, 5], [1, 2]), [1, 2, 2, 3, 4], 4),
        (np.arange(1.0, 9) ** 2, [3, 3, 4], 4),
    ],
)
@pytest.mark.parametrize("overlap", ["destructive", "inversion"])
def test_a_program_counts_the_words_of_patch_and_filter(
    filter_: np.ndarray, gates: list[int], generic: int, overlap: str
) -> None:
    filters = FixedFilter(np.reshape(filter_, (2, 4)))
    spec = ConvolutionSpec(kernel=(2, 4), filters=filters, overlap=overlap)
    program = compile_convolution(spec, "willow_pink", loader="symplectic")
    between = 3 if overlap == "destructive" else 0
    found = [variant.report.two_qubit_gates - between for variant in program.filters[0].variants]
    assert (found, program.report.two_qubit_gates - between) == (gates, generic)
    assert program.verify(patches=1).passed and program.proof.circuits == len(gates)


def test_all_patches_of_digits_are_loaded() -> None:
    spec = ConvolutionSpec(kernel=(2, 4), stride=2, filters=FixedFilter(np.arange(8.0)))
    states = extract_patches(load_mnist("train", 16).images, spec).states
    (compiled,) = compile_convolution(spec, "willow_pink").filters
    loads = compiled.load(states)
    assert len(loads) > 2
    for load in loads:
        assert load.variant.loader.solve(states[load.columns])[1].max() < EXACT
