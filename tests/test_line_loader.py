import warnings

import cirq
import numpy as np
import pytest
from helpers import state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
from qucnn_cirq.circuits import real_search
from qucnn_cirq.circuits.line_circuit import (
    line_layers,
    line_states,
    n_line_angles,
    propagate,
)
from qucnn_cirq.circuits.line_jacobians import states_and_jacobians
from qucnn_cirq.circuits.line_search import solve_line_angles
from qucnn_cirq.circuits.loaded import infidelities, loaded_states
from qucnn_cirq.circuits.loaders import line as line_loader
from qucnn_cirq.circuits.loaders.line import EXACT, PATTERNS, LineLoader
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.errors import InexactLoading, InputError


def normalised(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_states(count, seed):
    return normalised(np.random.default_rng(seed).normal(size=(count, 16)))


def strokes():
    """Blurred lines through a 4x4 window, as handwriting has: many are nearly degenerate."""
    rows, columns = np.mgrid[:4, :4]
    patches = [
        np.clip(1.2 - np.abs((rows - 1.5) * np.cos(a) + (columns - 1.5) * np.sin(a) - shift), 0, 1)
        for a in np.linspace(0, np.pi, 13)
        for shift in np.linspace(-1.5, 1.5, 7)
    ]
    return normalised(np.reshape(patches, (-1, 16)))


DEGENERATE = {
    "basis states": np.eye(16),
    "products": normalised(
        np.array(
            [
                np.kron(np.kron([1, a], [b, 1]), np.kron([1, -a], [1, b]))
                for a in (0.0, 0.3, 1.0)
                for b in (0.0, -0.7, 1.0)
            ]
        )
    ),
    "rank one": normalised(
        np.array(
            [np.outer(*np.random.default_rng(s).normal(size=(2, 4))).ravel() for s in range(8)]
        )
    ),
    "GHZ": normalised(np.array([[1.0] + [0] * 14 + [sign] for sign in (1, -1)])),
    "W": normalised(np.array([[float(i in (1, 2, 4, 8)) for i in range(16)]])),
    "two Bell pairs across the cut": np.eye(4).reshape(1, 16) / 2,
    "uniform": np.full((1, 16), 0.25),
    "strokes": strokes(),
}


def test_loads_random_vectors_exactly():
    states = random_states(60, 1)
    angles, infidelities = solve_line_angles(states)
    overlaps = np.sum(line_states(angles) * states, axis=1)
    assert infidelities.max() < 1e-14
    np.testing.assert_allclose(np.abs(overlaps), 1, atol=1e-12)


@pytest.mark.parametrize("name", DEGENERATE)
def test_loads_degenerate_vectors_exactly(name):
    assert solve_line_angles(DEGENERATE[name])[1].max() < 1e-10


FORMS = [(gate, pattern) for gate, patterns in PATTERNS.items() for pattern in patterns]


@pytest.mark.parametrize(("gate", "pattern"), FORMS)
def test_circuit_is_what_the_solver_solved_for(gate, pattern):
    loader = LineLoader(pattern=pattern, gate=gate)
    angles = np.random.default_rng(2).uniform(-np.pi, np.pi, (3, n_line_angles(pattern)))
    qubits = cirq.LineQubit.range(4)
    template = loader.circuit(qubits, "patch")
    two_qubit = [op for op in template.all_operations() if len(op.qubits) == 2]
    native = {"cz": cirq.CZ, "sqrt_iswap": cirq.SQRT_ISWAP}[gate]
    assert all(op.gate == native for op in two_qubit)
    assert len(two_qubit) == pattern.count("M") + 2 * pattern.count("O")
    for row, expected in zip(angles, line_states(angles, pattern, gate), strict=True):
        bound = cirq.Circuit(
            cirq.MatrixGate(op.gate.unitaries({"patch": row[None]})[0]).on(*op.qubits)
            if isinstance(op.gate, Slot)
            else op
            for op in template.all_operations()
        )
        state = bound.final_state_vector(qubit_order=qubits, dtype=complex)
        np.testing.assert_allclose(state, expected, atol=1e-12)


def test_sqrt_iswap_loads_random_vectors_with_seven_gates_or_eight():
    states = random_states(100, 3)
    seven = solve_line_angles(states, "MOMOM", gate="sqrt_iswap")[1]
    assert np.mean(seven < EXACT) > 0.95
    missed = np.concatenate([states[seven > EXACT], states[:20]])
    eight = solve_line_angles(missed, "MOMOMM", gate="sqrt_iswap")[1]
    assert eight.max() < EXACT


@pytest.mark.parametrize("name", DEGENERATE)
def test_eight_sqrt_iswap_load_degenerate_vectors(name):
    assert solve_line_angles(DEGENERATE[name], "MOMOMM", gate="sqrt_iswap")[1].max() < 1e-10


def test_longest_pattern_has_seven_cz_in_depth_five():
    circuit = LineLoader().circuit(cirq.LineQubit.range(4), "patch")
    moments = [m for m in circuit if any(len(op.qubits) == 2 for op in m)]
    assert sum(len(op.qubits) == 2 for op in circuit.all_operations()) == 7
    assert len(moments) == 5


@pytest.mark.parametrize("pattern", PATTERNS["cz"])
def test_finds_the_states_that_a_pattern_makes(pattern):
    angles = np.random.default_rng(5).uniform(-np.pi, np.pi, (20, n_line_angles(pattern)))
    infidelities = solve_line_angles(line_states(angles, pattern), pattern)[1]
    assert np.median(infidelities) < 1e-6


def test_longer_patterns_load_better():
    states = random_states(25, 3)
    means = [solve_line_angles(states, pattern)[1].mean() for pattern in ("", "MO", "MOM", "MOMO")]
    assert all(longer < shorter for shorter, longer in zip(means, means[1:], strict=False))


def test_product_pattern_finds_the_closest_product_of_a_known_state():
    # cos|0000> + sin|1111> overlaps best with the larger of its two terms.
    state = np.zeros((1, 16))
    state[0, [0, 15]] = np.cos(0.4), np.sin(0.4)
    assert solve_line_angles(state, "")[1][0] == pytest.approx(np.sin(0.4) ** 2, abs=1e-6)


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_result_does_not_depend_on_the_batch(seed):
    states = random_states(6, seed)
    together, _ = solve_line_angles(states)
    order = np.random.default_rng(seed).permutation(6)
    np.testing.assert_allclose(solve_line_angles(states[order])[0], together[order], atol=1e-6)
    np.testing.assert_allclose(solve_line_angles(states[:1])[0], together[:1], atol=1e-6)


def test_stubborn_states_race_and_do_not_depend_on_the_batch_either(monkeypatch):
    """Close to degenerate vectors most first starts fail, so that several have to race."""
    products = DEGENERATE["products"]
    noise = np.random.default_rng(6).normal(size=(4, *products.shape))
    sizes = np.array([1e-2, 1e-3, 1e-4, 1e-5])[:, None, None]
    states = normalised((products + sizes * noise).reshape(-1, 16))
    raced = []
    descend = real_search._descend

    def recorded(targets, angles, *rest):
        raced.append(angles.shape[1])
        return descend(targets, angles, *rest)

    monkeypatch.setattr(real_search, "_descend", recorded)
    together, infidelities = solve_line_angles(states)
    assert set(raced) == {1, 4, 6}
    assert infidelities.max() < 1e-8
    order = np.random.default_rng(7).permutation(len(states))[::3]
    np.testing.assert_allclose(solve_line_angles(states[order])[0], together[order], atol=1e-6)
    for row in (0, 35):
        alone = solve_line_angles(states[row : row + 1])[0]
        np.testing.assert_allclose(alone, together[row : row + 1], atol=1e-6)


def test_of_several_starts_that_arrive_the_first_one_in_order_wins():
    distances = np.array([[1e-3, 0.9e-24, 1e-26], [0.5, 0.2, 0.3]])
    assert real_search._first_there(distances, 1e-24).tolist() == [1, 1]


def test_derivatives_agree_with_differences():
    angles = np.random.default_rng(4).uniform(-np.pi, np.pi, (2, 18))
    _, jacobians = states_and_jacobians(angles, line_layers("MOMOM"))
    for column in range(18):
        shift = 1e-5 * np.eye(18)[column]
        difference = (line_states(angles + shift) - line_states(angles - shift)) / 2e-5
        np.testing.assert_allclose(jacobians[:, :, column], difference, atol=1e-9)


def test_empty_batch_gives_no_angles():
    angles, infidelities = solve_line_angles(np.zeros((0, 16)))
    assert angles.shape == (0, 18) and infidelities.shape == (0,)


@pytest.mark.parametrize(
    ("states", "pattern", "message"),
    [
        (np.ones((1, 16)), "MOMOM", "norm 1"),
        (np.full((1, 16), np.nan), "MOMOM", "finite"),
        (np.ones(16) / 4, "MOMOM", "shape"),
        (np.ones((1, 12)) / np.sqrt(12), "MOMOM", "shape"),
        (np.eye(16), "MXM", "'X'"),
    ],
)
def test_bad_input_is_named(states, pattern, message):
    with pytest.raises(InputError, match=message):
        solve_line_angles(states, pattern)


def test_other_registers_are_refused():
    with pytest.raises(InputError, match="3 to 8 qubits, not 9"):
        LineLoader(9)


def test_a_digit_is_one_coupler():
    angles = np.random.default_rng(0).normal(size=(3, n_line_angles("OMLR", 5)))
    one, other = (line_states(angles, word, n_qubits=5) for word in ("OMLR", "021303"))
    np.testing.assert_allclose(one, other, atol=1e-14)
    with pytest.raises(InputError, match="'4' is no layer"):
        line_layers("0314", n_qubits=5)


@pytest.mark.parametrize(("pattern", "gate"), [("2103", "cz"), ("MOMOM", "sqrt_iswap")])
@pytest.mark.parametrize("n_qubits", [5, 6])
def test_derivatives_by_halves_are_those_gate_by_gate(n_qubits, pattern, gate):
    layers = line_layers(pattern, gate, n_qubits)
    angles = np.random.default_rng(0).normal(size=(2, n_line_angles(pattern, n_qubits)))
    vectors = propagate(angles, layers, derivatives=True)
    states, jacobians = states_and_jacobians(angles, layers)
    np.testing.assert_allclose(states, vectors[0].T, atol=1e-14)
    np.testing.assert_allclose(jacobians, vectors[1:].transpose(2, 1, 0), atol=1e-14)


@pytest.mark.parametrize(
    ("n_qubits", "count", "gate", "gates"),
    [
        (3, 40, "cz", 3),
        (5, 3, "cz", 14),
        (6, 1, "cz", 30),
        (7, 1, "cz", 63),
        (3, 40, "sqrt_iswap", 4),
        (5, 3, "sqrt_iswap", 16),
        (6, 1, "sqrt_iswap", 33),
    ],
)
def test_other_lines_load_generic_and_degenerate_vectors(n_qubits, count, gate, gates):
    generator = np.random.default_rng(n_qubits)
    dense = generator.normal(size=(count, 2**n_qubits))
    sparse = dense * (generator.random(dense.shape) < 0.2)
    sparse[:, 0] += 1e-3
    states = normalised(np.concatenate([dense, sparse] if n_qubits < 7 else [dense]))
    generic = LineLoader(n_qubits, gate=gate)
    family = generic.family(None)
    assert generic.cost[0] == gates
    qubits = cirq.LineQubit.range(n_qubits)
    rule = LoadingRule.first_within(EXACT, len(family))
    for index, rows, angles in rule.load(states, family):
        circuit = family[index].circuit(qubits, "patch")
        if family[index].gate == "cz":
            loaded = loaded_states(circuit, qubits, {"patch": angles}, len(rows))
            assert infidelities(states[rows], loaded).max() < EXACT
        for row in (0, len(rows) - 1):
            state = state_of(circuit, qubits, {"patch": angles[[row]]})
            assert abs(np.vdot(state, states[rows[row]])) == pytest.approx(1, abs=1e-9)
    chosen = rule.choose(normalised(dense), family)
    assert (chosen == family.index(generic)).mean() > 0.6


def test_patches_that_a_search_misses_are_told_of_where_nothing_else_loads_them() -> None:
    generator = np.random.default_rng(0)
    spec = ConvolutionSpec(kernel=(5, 5), filters=FixedFilter(generator.normal(size=(5, 5))))
    near = normalised(np.eye(32)[:8] + 1e-5 * generator.normal(size=(8, 32)))
    settings = {"device": "willow_pink", "loader": "line"}
    (routed,) = compile_convolution(spec, layout="routed", **settings).filters
    with pytest.warns(InexactLoading, match=r"missed \d of 8 patches, by an infidelity of up to"):
        routed.load(near)
    (compiled,) = compile_convolution(spec, **settings).filters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        routed.load(normalised(generator.normal(size=(3, 32))))
        loads = compiled.load(near)
    assert loads[-1].variant.loader.name == "multiplexed"
    for load in loads:
        infidelities = load.variant.loader.solve(near[load.columns])[1]
        assert (infidelities <= EXACT).all()


def test_loader_remembers_what_it_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    states = np.random.default_rng(8).normal(size=(5, 16))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    loader = LineLoader()
    angles = loader.angles(states)
    monkeypatch.setattr(line_loader, "solve_line_angles", None)
    np.testing.assert_array_equal(loader.angles(states[::-1]), angles[::-1])


def test_a_search_tells_of_every_vector_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(real_search, "vectors_solved", told.append)
    solve_line_angles(np.concatenate([random_states(5, 1), DEGENERATE["GHZ"]]), "MOM")
    assert sum(told) == 7


def test_what_a_search_costs_grows_with_the_line() -> None:
    seconds = [LineLoader(n).seconds for n in range(3, 9)]
    assert seconds[0] < 1e-4 and all(np.diff(seconds) > 0) and seconds[-1] > 1
    within = LineLoader(6).family(1e-3)
    assert max(loader.seconds for loader in within[:4]) < 0.02 < within[4].seconds
