"""Registers in the frame of the symplectic loader: one CZ less, and the same overlaps."""

import functools

import cirq
import numpy as np
import pytest
from helpers import mean_of, random_states, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter
from qucnn_cirq.circuits.loaders import LOADERS, LineLoader, Loader, SymplecticLoader, make_loader
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, MeetingPlace
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import extract_patches

SIZES = [3, 4]


@functools.cache
def frame(n_qubits: int) -> np.ndarray:
    """The matrix U."""
    turn = cirq.unitary(cirq.rx(np.pi / 2))
    return np.kron(np.eye(1 << n_qubits - 2), np.diag([1, 1, 1, -1]) @ np.kron(turn, turn))


@pytest.mark.parametrize(("n_qubits", "gates", "depth"), [(3, 2, 2), (4, 5, 4)])
def test_a_framed_register_takes_one_cz_less(n_qubits: int, gates: int, depth: int) -> None:
    plain = SymplecticLoader(n_qubits)
    framed = plain.framed()
    assert isinstance(framed, SymplecticLoader)
    assert framed.cost == (gates, depth)
    assert framed.couplers == plain.couplers
    assert framed.n_angles == plain.n_angles
    assert (framed.framed(), plain.unframed()) == (framed, plain)
    assert framed.unframed().settings() == plain.settings() != framed.settings()
    assert (plain.frame, framed.unframed().frame) == ("", "")
    assert framed.frame == SymplecticLoader(7 - n_qubits, in_frame=True).frame != ""
    assert SymplecticLoader(**framed.settings()).frame == framed.frame
    states = random_states(n_qubits, 20, seed=1)
    np.testing.assert_array_equal(framed.angles(states), plain.angles(states))


def test_loaders_without_a_frame_say_so() -> None:
    for name in ("line", "schmidt", "multiplexed"):
        loader = make_loader(name, 4)
        assert (loader.frame, loader.framed(), loader.unframed()) == ("", None, loader)


def test_amplitudes_are_real_between_rotations_about_y() -> None:
    real = ("line", "schmidt", "multiplexed")
    assert all(make_loader(name, 4).is_real for name in real)
    assert not SymplecticLoader(3).is_real
    assert not SymplecticLoader(4, in_frame=True).is_real
    assert not LineLoader(gate="sqrt_iswap").is_real


@pytest.mark.parametrize("n_qubits", SIZES)
def test_it_makes_u_psi(n_qubits: int) -> None:
    states = np.concatenate([np.eye(2**n_qubits), random_states(n_qubits, 30, seed=2)])
    loader = SymplecticLoader(n_qubits, in_frame=True)
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = loader.circuit(qubits, "patch")
    angles, infidelities = loader.solve(states)
    assert infidelities.max() < 1e-28
    for state, row in zip(states, angles, strict=True):
        found, wanted = state_of(circuit, qubits, {"patch": row[None]}), frame(n_qubits) @ state
        assert np.linalg.norm(found - wanted * np.vdot(wanted, found)) ** 2 < 1e-28


def test_the_infidelity_is_that_of_u_psi(monkeypatch: pytest.MonkeyPatch) -> None:
    state = random_states(4, 3, seed=3)[2:]
    loader = SymplecticLoader(in_frame=True)
    wrong = loader.angles(state) + 0.1
    monkeypatch.setattr(loader, "angles", lambda _: wrong)
    qubits = cirq.LineQubit.range(4)
    found = state_of(loader.circuit(qubits, "patch"), qubits, {"patch": wrong})
    expected = 1 - abs(np.vdot(frame(4) @ state[0], found)) ** 2
    assert loader.solve(state)[1][0] == pytest.approx(expected, rel=1e-9)


def test_every_patch_of_real_images_is_loaded_in_the_frame() -> None:
    for kernel, n_qubits in (((2, 4), 3), ((4, 4), 4)):
        spec = ConvolutionSpec(kernel=kernel, filters=FixedFilter(np.ones(kernel)))
        states = extract_patches(load_mnist("test", 20).images, spec).states
        assert SymplecticLoader(n_qubits, in_frame=True).solve(states)[1].max() < 1e-24


def mean_of_test(name: str, loader: Loader, x: np.ndarray, f: np.ndarray, backward: bool) -> float:
    """The mean of an overlap test of two registers that one loader loads, simulated by Cirq."""
    test = OVERLAP_TESTS[name]
    data = tuple(cirq.NamedQubit.range(loader.n_qubits, prefix="x"))
    other = tuple(cirq.NamedQubit.range(loader.n_qubits, prefix="f"))
    place = MeetingPlace(
        data,
        preparation=loader.circuit(data, "filter"),
        pairs=tuple(zip(data, other, strict=True)),
        walks=(tuple(zip((cirq.NamedQubit("a"), *data), data, other, strict=False)),),
        reader=cirq.NamedQubit("reader") if backward else None,
    )
    circuit = loader.circuit(data, "patch")
    if not test.undoes_filter:
        circuit += loader.circuit(other, "filter")
    meeting, observable = test.meeting(place)
    circuit += meeting
    qubits = sorted(circuit.all_qubits())
    tables = {"patch": loader.angles(x[None]), "filter": loader.angles(f[None])}
    tables["upstream"] = np.array([[np.arccos(-0.4)]])
    return mean_of(observable, np.abs(state_of(circuit, qubits, tables)) ** 2, qubits)


@pytest.mark.parametrize("n_qubits", SIZES)
@pytest.mark.parametrize("name", OVERLAP_TESTS)
@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=6)
def test_overlaps_are_those_of_the_vectors(name: str, n_qubits: int, seed: int) -> None:
    x, f = random_states(n_qubits, 3, seed)[1:]
    loader = SymplecticLoader(n_qubits, in_frame=True)
    assert mean_of_test(name, loader, x, f, False) == pytest.approx((x @ f) ** 2, abs=1e-13)
    if OVERLAP_TESTS[name].takes_reader:
        found = mean_of_test(name, loader, x, f, True)
        assert found == pytest.approx(-0.4 * (x @ f) ** 2, abs=1e-13)


NO_VECTORS = {
    "longer": (np.full((2, 8), 1.0), "row 0 of the states has length 2.8"),
    "zero": (np.eye(8)[[0, 1]] * [[1], [0]], "row 1 of the states has length 0:"),
    "nan": (np.where(np.eye(8) == 1, np.nan, 0), "row 0 of the states has length nan"),
    "infinite": (np.diag([1.0] * 7 + [np.inf]), "row 7 of the states has length inf"),
    "very large": (1e300 * np.eye(8), "length inf"),
    "one vector": (np.eye(8)[0], r"of shape \(8,\): .* 3 qubits takes .* shape \(batch, 8\)"),
    "other size": (np.eye(16), r"of shape \(16, 16\)"),
    "complex": (1j * np.eye(8), "states has entries of type complex128"),
    "text": ([["a"] * 8], "states has entries of type"),
}


@pytest.mark.parametrize("case", NO_VECTORS)
@pytest.mark.parametrize("method", ["angles", "solve"])
@pytest.mark.parametrize("name", ["symplectic", "line", "multiplexed"])
def test_what_is_no_unit_vector_is_refused_by_every_loader(
    name: str, method: str, case: str
) -> None:
    states, reason = NO_VECTORS[case]
    with pytest.raises(InputError, match=reason) as refused:
        getattr(LOADERS[name].for_register(3, "cz"), method)(states)
    assert len(str(refused.value)) <= 200 and "\n" not in str(refused.value)


def test_vectors_of_other_types_are_taken() -> None:
    states = random_states(4, 5, seed=4)
    loader = SymplecticLoader()
    expected = loader.angles(states)
    np.testing.assert_array_equal(loader.angles(states.tolist()), expected)
    assert loader.solve(states.astype(np.float32))[1].max() < 1e-12
