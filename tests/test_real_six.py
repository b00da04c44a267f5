"""Words of a line in CZ whose angles have a closed form, with real amplitudes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.circuits.line_circuit import line_states
from qucnn_cirq.circuits.line_closed_forms import closed_form_angles
from qucnn_cirq.circuits.loaders import LineLoader
from qucnn_cirq.circuits.real_six import real_six_angles
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.patches import extract_patches

SPEC = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(load_classical_filter()))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("pattern", ["MOMMR", "MOMML"])
def test_six_cz_load_what_they_can_make(pattern: str) -> None:
    """States made by the word have angles; near double roots, where these lie dense, inexact."""
    angles = np.random.default_rng(1).uniform(-np.pi, np.pi, (2000, 16))
    states = line_states(angles, pattern)
    assert closed_form_angles(states, pattern)[1].all()
    assert (LineLoader(pattern=pattern).solve(states)[1] < 1e-24).mean() > 0.85


def test_the_discriminant_says_which_vectors_there_are() -> None:
    states = _unit(np.random.default_rng(2).normal(size=(4000, 16)))
    angles, exist = real_six_angles(states)
    loaded = line_states(angles, "MOMMR")
    infidelities = 1 - np.sum(states * loaded, axis=1) ** 2
    assert 0.72 < exist.mean() < 0.78
    assert infidelities[exist].max() < 1e-12
    assert infidelities[~exist].min() > 1e-10


@pytest.mark.parametrize(("pattern", "share"), [("MOMMR", 0.8), ("MOMML", 0.8)])
def test_most_patches_of_digits_stay_real(pattern: str, share: float) -> None:
    states = extract_patches(load_mnist("test", 20).images, SPEC).states
    angles, infidelities = LineLoader(pattern=pattern).solve(states)
    loaded = infidelities < 1
    assert loaded.mean() > share and infidelities[loaded].max() <= 1e-24
    assert np.isfinite(angles).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["basis", "integers", "product", "rank 2", "constant"]),
    noise=st.sampled_from([0.0, 1e-3, 1e-8, 1e-12, 1e-15]),
)
def test_what_it_calls_loaded_is(seed: int, kind: str, noise: float) -> None:
    generator = np.random.default_rng(seed)
    vectors = {
        "basis": np.eye(16),
        "integers": generator.integers(-1, 2, size=(20, 16)) + 0.0,
        "product": np.einsum("na,nb->nab", *generator.normal(size=(2, 20, 4))).reshape(20, 16),
        "rank 2": np.einsum("nak,nbk->nab", *generator.normal(size=(2, 20, 4, 2))).reshape(20, 16),
        "constant": np.ones((3, 16)),
    }[kind]
    vectors = vectors + noise * generator.normal(size=vectors.shape)
    states = _unit(vectors[np.abs(vectors).sum(axis=1) > 0.1])
    for pattern in ("MOMMR", "MOMML"):
        loader = LineLoader(pattern=pattern)
        angles, infidelities = loader.solve(states)
        found = line_states(angles, pattern)
        missed = np.sum((found - np.sum(found * states, axis=1)[:, None] * states) ** 2, axis=1)
        assert (missed[infidelities < 1] <= 1e-24).all()
        if noise == 0 and kind in ("basis", "product", "constant"):
            assert (infidelities < 1).all()


def test_three_qubits_take_three_cz_whatever_the_vector() -> None:
    generator = np.random.default_rng(3)
    integers = generator.integers(-1, 2, size=(300, 8)) + 0.0
    vectors = np.concatenate([np.eye(8), integers, generator.normal(size=(300, 8))])
    loader = LineLoader(3)
    assert loader.is_closed_form and loader.cost == (3, 3)
    assert loader.solve(_unit(vectors[np.abs(vectors).sum(axis=1) > 0]))[1].max() < 1e-28


def test_a_program_takes_real_amplitudes_where_it_can() -> None:
    (compiled,) = compile_convolution(SPEC, "willow_pink").filters
    states = extract_patches(load_mnist("test", 2).images, SPEC).states
    loads = compiled.load(states)
    *real, others = loads
    assert [load.variant.report.two_qubit_gates for load in real[-2:]] == [32, 32]
    assert all(load.variant.loader.is_real for load in real)
    assert (others.variant.loader.name, others.variant.report.two_qubit_gates) == ("symplectic", 30)
    assert len(others.columns) < 0.1 * len(states)
    assert sorted(np.concatenate([load.columns for load in loads])) == list(range(len(states)))
    for load in loads:
        alone = load.variant.loader.angles(states[load.columns])
        np.testing.assert_allclose(load.angles, alone, atol=1e-9)


def test_a_loader_that_is_named_takes_the_fewest_gates() -> None:
    (compiled,) = compile_convolution(SPEC, "willow_pink", loader="symplectic").filters
    states = extract_patches(load_mnist("test", 2).images, SPEC).states
    gates = [variant.report.two_qubit_gates for variant in compiled.variants]
    assert gates == sorted(gates) and gates[-1] == 30
    assert sum(len(load.columns) for load in compiled.load(states)) == len(states)


def test_wrong_phases_hurt_real_amplitudes_less() -> None:
    """Calibrated noise has them; depolarising noise does not."""
    patches = extract_patches(load_mnist("test", 1).images, SPEC)
    noise, errors = as_noise("willow_pink"), {}
    for name in ("auto", "symplectic"):
        program = compile_convolution(SPEC, "willow_pink", loader=name, layout="ladder")
        ideal, noisy = (
            QuantumConvolution(program, "exact", how, None).run(patches).estimates
            for how in (None, noise)
        )
        errors[name] = np.sqrt(np.mean((noisy - ideal) ** 2))
    assert errors["auto"] < 0.9 * errors["symplectic"]
