"""The exact engine evolves patches once, and keeps their states while they are of use."""

import gc

import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, QuantumConvolution, XZAnsatz, compile_convolution
from qucnn_cirq.engines import exact
from qucnn_cirq.engines.evolution import Evolution
from qucnn_cirq.engines.prepared import prepare
from qucnn_cirq.patches import extract_patches

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
SPEC = ConvolutionSpec(kernel=(2, 4), filters=[XZAnsatz(layers=1)] * 2)
IMAGES = np.random.default_rng(0).random((2, 4, 6))
UPSTREAM = np.random.default_rng(1).normal(size=(2, 2, 3, 3))


def _layer(shots: int | None = None, noise: object = NOISE) -> QuantumConvolution:
    return QuantumConvolution(compile_convolution(SPEC, "willow_pink"), "exact", noise, shots)


@pytest.fixture
def evolved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many patches were evolved, call by call."""
    counts: list[int] = []
    run = Evolution.run

    def counted(self: Evolution, tables: object, batch: int = 1) -> object:
        if "patch" in tables and batch == len(tables["patch"]) and "filter" in tables:
            counts.append(batch)
        return run(self, tables, batch)

    monkeypatch.setattr(Evolution, "run", counted)
    return counts


@pytest.mark.parametrize("shots", [None, 100])
def test_forward_and_gradient_evolve_a_patch_once(evolved: list[int], shots: int | None) -> None:
    layer = _layer(shots)
    patches = extract_patches(IMAGES, SPEC)
    layer.run(patches)
    once = sum(evolved)
    assert once > 0
    layer.backward(UPSTREAM, "parameter_shift")
    layer.parameters = layer.parameters + 0.1
    layer.run(patches)
    assert sum(evolved) == once


def test_images_of_the_pass_before_are_not_evolved_again(evolved: list[int]) -> None:
    """As in training on all images at each step; other images, be it in one bit, are others."""
    layer = _layer()
    layer.run(IMAGES)
    once = sum(evolved)
    layer.parameters = layer.parameters + 0.1
    maps = layer.run(IMAGES.copy()).maps
    layer.backward(UPSTREAM, "parameter_shift")
    assert sum(evolved) == once
    np.testing.assert_array_equal(_again(layer, IMAGES), maps)
    others = IMAGES.copy()
    others[1, 3, 5] = np.nextafter(others[1, 3, 5], 1)
    found = layer.run(others).maps
    assert sum(evolved) > once
    np.testing.assert_array_equal(_again(layer, others), found)


def _again(layer: QuantumConvolution, images: np.ndarray) -> np.ndarray:
    """The maps by a layer that remembers nothing."""
    other = _layer()
    other.parameters = layer.parameters
    return other.run(images).maps


def test_what_is_kept_goes_with_the_patches() -> None:
    layer = _layer()
    patches = extract_patches(IMAGES, SPEC)
    layer.run(patches)
    assert layer.engine._evolved
    layer.forward(np.ones((1, 2, 4)))
    del patches
    gc.collect()
    assert len(layer.engine._evolved) == 1


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = _layer()
    one, other = (extract_patches(images, SPEC) for images in (IMAGES, IMAGES + 1))
    expected = [layer.run(each).estimates for each in (one, other)]
    size = layer.engine._bytes_evolved // 2
    for limit, kept in ((size, 1), (size - 8, 0)):
        monkeypatch.setattr(exact, "_LARGEST_EVOLVED", limit)
        again = _layer()
        found = [again.run(each).estimates for each in (one, other)]
        np.testing.assert_array_equal(found, expected)
        assert len(again.engine._evolved) == kept


def test_more_patches_than_fit_do_not_push_each_other_out(
    evolved: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another noise make room."""
    layer = _layer()
    batches = [extract_patches(IMAGES + i, SPEC) for i in range(3)]
    for patches in batches:
        layer.run(patches)
    size, once = layer.engine._bytes_evolved // 3, sum(evolved) // 3
    monkeypatch.setattr(exact, "_LARGEST_EVOLVED", 2 * size)
    layer = _layer()
    for _ in range(2):
        evolved.clear()
        for patches in batches:
            layer.run(patches)
    assert sum(evolved) == once
    layer.noise = as_noise({"depolarizing": {"p1": 0.01}})
    for _ in range(2):
        evolved.clear()
        layer.run(batches[0])
    assert not sum(evolved)


@pytest.mark.parametrize("noise", [None, NOISE, "willow_pink"])
@pytest.mark.parametrize("overlap", ["ancilla", "inversion"])
def test_sums_over_patches_are_those_of_the_means(noise: object, overlap: str) -> None:
    """Also where a circuit does not factor into patch and filter, as for inversion."""
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), overlap=overlap)
    layer = QuantumConvolution(compile_convolution(spec, "willow_pink"), "exact", noise, None)
    upstream = np.random.default_rng(2).normal(size=(2, 1, 3, 5))
    layer.forward(IMAGES)
    found = layer.backward(upstream, "parameter_shift")
    angles, expected = layer.parameters, np.zeros_like(found)
    for index in range(angles.shape[1]):
        for sign in (1, -1):
            moved = angles.copy()
            moved[0, index] += sign * np.pi / 2
            layer.parameters = moved
            expected[0, index] += sign / 2 * np.sum(upstream * layer.forward(IMAGES))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rows_that_are_left_out_are_zero() -> None:
    """Of a real state those with an odd number of Y; of any other one none need be."""
    program = compile_convolution(ConvolutionSpec(filters=XZAnsatz()), "willow_pink")
    real, other = program.filters[0].variants[-2:]
    for variant, noise in ((real, NOISE), (other, NOISE), (real, "willow_pink")):
        loader, template = variant.loader, variant.template
        patch = prepare(template, as_noise(noise), exact.NUMPY).patch
        vectors = loader.random_states(40, np.random.default_rng(3))
        states = patch.run({"patch": loader.angles(vectors)}, 40)
        assert len(states) == len(patch.live)
        assert (np.abs(states).max(axis=1) > 0).all()
        assert len(patch.live) == (136 if noise is NOISE else 256)
