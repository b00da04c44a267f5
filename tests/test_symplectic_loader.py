"""The loader of three and four qubits in closed form: exact for every real vector."""

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
from qucnn_cirq.circuits.loaders import LineLoader, SymplecticLoader
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import extract_patches

LIMIT = 1e-24
GENERIC = np.random.default_rng(3).random(16)
"""A filter that takes all six CZ."""
SIZES = [(3, 3, 3), (4, 6, 5)]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _loaded(loader: SymplecticLoader, angles: np.ndarray) -> np.ndarray:
    """What Cirq's simulator makes of the circuit with one row of angles."""
    qubits = cirq.LineQubit.range(loader.n_qubits)

    def bound(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not isinstance(operation.gate, Slot):
            return operation
        return cirq.MatrixGate(operation.gate.unitaries({"patch": angles[None]})[0]).on(
            *operation.qubits
        )

    circuit = cirq.map_operations(loader.circuit(qubits, "patch"), bound)
    return circuit.final_state_vector(qubit_order=qubits, dtype=complex)


@pytest.mark.parametrize(("n_qubits", "gates", "depth"), SIZES)
def test_loads_on_a_line_with_few_gates(n_qubits: int, gates: int, depth: int) -> None:
    loader = SymplecticLoader(n_qubits)
    assert loader.cost == (gates, depth)
    assert loader.couplers == {(q, q + 1) for q in range(n_qubits - 1)}
    # As many angles as a real unit vector has parameters.
    assert loader.n_angles == 2**n_qubits - 1


@pytest.mark.parametrize("n_qubits", [3, 4])
def test_cirq_finds_the_state_that_was_asked_for(n_qubits: int) -> None:
    size = 2**n_qubits
    generator = np.random.default_rng(n_qubits)
    states = unit(np.concatenate([np.eye(size)[:: size // 4], generator.normal(size=(12, size))]))
    loader = SymplecticLoader(n_qubits)
    angles, infidelities = loader.solve(states)
    for state, row, infidelity in zip(states, angles, infidelities, strict=True):
        vector = _loaded(loader, row)
        rest = vector - state * (state @ vector)
        assert np.linalg.norm(rest) ** 2 < 1e-28
        assert infidelity < 1e-28


def test_the_infidelity_is_that_of_the_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    state = unit(np.random.default_rng(0).normal(size=(1, 16)))
    loader = SymplecticLoader()
    wrong = loader.angles(state) + 0.1
    monkeypatch.setattr(loader, "angles", lambda _: wrong)
    expected = 1 - np.abs(state[0] @ _loaded(loader, wrong[0])) ** 2
    assert loader.solve(state)[1][0] == pytest.approx(expected, rel=1e-9)


def test_angles_of_a_known_vector() -> None:
    """Those of a second derivation, over pi, for six CZ."""
    state = unit(np.random.default_rng(7).random(16))
    expected = {
        **{"first_0": 0.1645, "first_1": -0.2790, "outer_0": 0.3908, "phase_1": 0.1027},
        **{"inner_2a": -0.1621, "inner_2y": 0.4826, "inner_2b": 0.1783, "outer_3": 0.2142},
        **{"middle_1": 0.4978, "middle_2": 0.1164, "last_1": -0.0617, "last_2a": 0.9693},
        **{"last_2y": 0.6761, "last_2b": 0.2743, "last_3": -0.6605},
    }
    found = SymplecticLoader().angles(state[None])[0] / np.pi
    np.testing.assert_allclose(found, list(expected.values()), atol=5e-5)


def structured(n_qubits: int) -> st.SearchStrategy[np.ndarray]:
    """Basis, sparse, integer, product and low-rank vectors, and such with a little noise."""
    size = 2**n_qubits
    integers = hnp.arrays(float, size, elements=st.integers(-2, 2).map(float))
    factors = hnp.arrays(float, (n_qubits, 2), elements=st.sampled_from([0.0, 1, -1, 0.5, 2, 1e-9]))
    seeds = st.integers(0, 2**32 - 1)

    def product(rows: np.ndarray) -> np.ndarray:
        vector = np.ones(1)
        for row in rows:
            vector = np.kron(vector, row)
        return vector

    def low_rank(seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        rank = generator.integers(1, 4)
        left, right = (generator.normal(size=(4, rank)) for _ in range(2))
        return (left @ right.T).ravel()[:size]

    plain = st.one_of(integers, factors.map(product), seeds.map(low_rank))
    noise = st.tuples(seeds, st.integers(1, 300))

    def noisy(parts: tuple[np.ndarray, tuple[int, int]]) -> np.ndarray:
        vector, (seed, exponent) = parts
        return vector + 10.0**-exponent * np.random.default_rng(seed).normal(size=size)

    return st.one_of(plain, st.tuples(plain, noise).map(noisy)).filter(
        lambda vector: np.linalg.norm(vector) > 1e-3
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(structured(3), min_size=1, max_size=30))
def test_every_vector_of_three_qubits(vectors: list[np.ndarray]) -> None:
    assert SymplecticLoader(3).solve(unit(np.array(vectors)))[1].max() < LIMIT


@settings(max_examples=100, deadline=None)
@given(st.lists(structured(4), min_size=1, max_size=30))
def test_every_vector_of_four_qubits(vectors: list[np.ndarray]) -> None:
    angles, infidelities = SymplecticLoader(4).solve(unit(np.array(vectors)))
    assert infidelities.max() < LIMIT
    assert np.isfinite(angles).all()


def test_every_patch_of_real_images() -> None:
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(np.ones(16)))
    states = extract_patches(load_mnist("test", 60).images, spec).states
    assert SymplecticLoader().solve(states)[1].max() < LIMIT


@pytest.mark.parametrize("n_qubits", [3, 4])
def test_a_vector_has_the_same_angles_in_any_batch(n_qubits: int) -> None:
    states = unit(np.random.default_rng(1).normal(size=(4100, 2**n_qubits)))
    loader = SymplecticLoader(n_qubits)
    together = loader.angles(states)
    for row in (0, 2047, 2048, 4099):
        np.testing.assert_allclose(loader.angles(states[row : row + 1])[0], together[row], atol=0)
    assert loader.angles(states[:0]).shape == (0, loader.n_angles)
    assert loader.solve(states[:0])[1].shape == (0,)


@pytest.mark.parametrize(
    ("gate_set", "name", "gates"),
    [("cz", "symplectic", 30), ("syc", "native", 38), ("sqrt_iswap", "native", 36)],
)
def test_is_taken_where_it_is_the_shortest_in_native_gates(
    gate_set: str, name: str, gates: int
) -> None:
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(GENERIC))
    device = "willow_pink" if gate_set == "cz" else "sycamore"
    program = compile_convolution(spec, device, gate_set=gate_set)
    assert (program.report.loader, program.report.two_qubit_gates) == (name, gates)
    assert program.verify(patches=1).largest_deviation < 1e-7


def test_shares_a_budget_with_the_shorter_patterns_of_the_line() -> None:
    family = SymplecticLoader().family(1e-4)
    gates = [loader.cost[0] for loader in family]
    assert gates == sorted(gates) and set(gates) == {0, 1, 2, 3, 4, 5, 6}
    assert all(isinstance(loader, LineLoader) for loader in family[:-1])
    assert SymplecticLoader(3).family(1e-4)[0].n_qubits == 3


def test_what_loads_exactly_also_does_within_a_tolerance() -> None:
    patterns = [
        {getattr(loader, "pattern", "") for loader in SymplecticLoader().family(tolerance)}
        for tolerance in (None, 1e-4)
    ]
    assert patterns[0] < patterns[1]
    exact = SymplecticLoader().family(None)
    assert all(loader.is_closed_form for loader in exact)
    assert all(loader.is_closed_form for loader in SymplecticLoader(3).family(1e-4))


def test_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="3 or 4 qubits, not 5"):
        SymplecticLoader(5)
