"""What a search for angles misses is loaded in closed form."""

import pickle
import warnings
from collections.abc import Callable

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, compile_convolution
from qucnn_cirq.circuits.loaded import infidelities, loaded_states
from qucnn_cirq.circuits.loaders import FramedLoader, LineLoader, MultiplexedLoader
from qucnn_cirq.circuits.loaders.loader import EXACT, Loader
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.verification import simulated_mean

SEARCHED: list[Callable[[], Loader]] = [
    lambda: LineLoader(3, gate="sqrt_iswap"),
    lambda: LineLoader(4),
    lambda: LineLoader(4, gate="sqrt_iswap"),
    lambda: LineLoader(5),
    lambda: LineLoader(6, gate="sqrt_iswap"),
    lambda: LineLoader(8),
    lambda: FramedLoader(5),
    *(lambda n=n: FramedLoader(n).framed() for n in (5, 6, 7, 8)),  # type: ignore[misc]
]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _hostile(n_qubits: int, seed: int = 0) -> np.ndarray:
    """Basis states, all with noise of 1e-3 to 1e-9, sparse signs, and all equal."""
    generator, size = np.random.default_rng(seed), 1 << n_qubits
    basis = np.eye(size)[generator.permutation(size)[:6]]
    near = basis + 10.0 ** -generator.uniform(3, 9, (6, 1)) * generator.normal(size=(6, size))
    signs = generator.choice([-1.0, 0, 0, 0, 1], (4, size))
    signs[:, 0] = 1
    return _unit(np.concatenate([basis, near, signs, np.ones((1, size))]))


@pytest.mark.parametrize("made", SEARCHED)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_it_loads_every_vector_in_the_same_frame(made: Callable[[], Loader], seed: int) -> None:
    loader = made()
    last = loader.last_resort()
    assert last is not None and last.is_closed_form
    assert last.frame == loader.frame and last.unframed().frame == ""
    states = _hostile(loader.n_qubits, seed)
    register = cirq.LineQubit.range(loader.n_qubits)
    circuit = last.circuit(register, "patch") + last.out_of_frame(register)
    loaded = loaded_states(circuit, register, {"patch": last.angles(states)}, len(states))
    assert infidelities(states, loaded).max() < 1e-24
    frames = last.out_of_frame(register), loader.out_of_frame(register)
    unitaries = [cirq.Circuit(each).unitary(qubit_order=register) for each in frames]
    np.testing.assert_allclose(*unitaries, atol=1e-12)


def test_closed_forms_have_none() -> None:
    for loader in (LineLoader(3), LineLoader(pattern="MRR"), MultiplexedLoader(5)):
        assert loader.last_resort() is None
    with pytest.raises(InputError, match="at least 4"):
        MultiplexedLoader(3, in_frame=True)


@pytest.mark.parametrize(
    ("kernel", "loader", "device", "overlap"),
    [
        ((4, 4), "line", "willow_pink", "ancilla"),
        ((4, 4), "line", "weber", "inversion"),
        ((5, 5), "line", "willow_pink", "destructive"),
        ((5, 5), "auto", "willow_pink", "inversion"),
    ],
)
def test_patches_and_filters_that_are_missed_are_right(
    kernel: tuple[int, int], loader: str, device: str, overlap: str
) -> None:
    size = kernel[0] * kernel[1]
    n_qubits = (size - 1).bit_length()
    generator = np.random.default_rng(1)
    near = np.zeros((4, 1 << n_qubits))
    near[:, :size] = np.eye(size)[0] + 1e-4 * generator.normal(size=(4, size))
    near = _unit(near)
    values = near[-1, :size].reshape(kernel)
    spec = ConvolutionSpec(kernel=kernel, filters=FixedFilter(values), overlap=overlap)
    program = compile_convolution(spec, device, loader=loader, layout="ladder")
    (compiled,) = program.filters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loads = compiled.load(near)
    assert compiled.variants[-1].loader.is_closed_form
    for load in loads:
        solved = load.variant.loader.solve(near[load.columns])[1]
        assert solved.max() <= EXACT
        row = load.columns[0]
        circuit = program.circuit(near[row, :size].reshape(kernel))
        expected = near[row] @ near[-1]
        measured = simulated_mean(circuit, load.variant.template.observable)
        assert measured == pytest.approx(expected**2, abs=1e-10)


def _program(**settings: object) -> Program:
    kernel = np.random.default_rng(2).normal(size=(5, 5))
    spec = ConvolutionSpec(kernel=(5, 5), filters=FixedFilter(kernel), overlap="inversion")
    return compile_convolution(spec, "willow_pink", **settings)  # type: ignore[arg-type]


def test_it_is_compiled_when_it_is_needed() -> None:
    program = _program(loader="line", placement=[(4, column) for column in range(3, 10)])
    last = program.filters[0].variants[-1]
    assert "template" not in vars(last)
    assert program.verify(patches=1).passed
    assert last.report.two_qubit_gates > 50 and "template" in vars(last)
    assert set(last.template.qubits) == set(program.filters[0].template.qubits)
    assert "multiplexed" in repr(last)
    with pytest.raises(AttributeError, match="nothing"):
        last.nothing  # noqa: B018
    fresh = Variant.deferred(last.loader, last.filter_loader, lambda: last)
    assert pickle.loads(pickle.dumps(fresh)).report == last.report


def test_noise_is_not_weighed_against_a_miss() -> None:
    noise = {"depolarizing": {"p1": 0.001, "p2": 0.005}}
    within, auto = _program(infidelity=1e-3), _program(infidelity="auto", noise=noise)
    assert within.filters[0].variants[-1].loader.name == "multiplexed"
    assert auto.filters[0].variants[-1].loader.name == "framed"
