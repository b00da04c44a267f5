"""The layer: equal to numpy without shots, to the shot-noise formula with them."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.compiler import program as program_module
from qucnn_cirq.convolution import extract_patches, ideal_overlaps, squared_cosine_similarity
from qucnn_cirq.datasets import load_classical_filter, load_mnist

GEOMETRIES = [
    # kernel, stride, padding, channels
    ((2, 2), 1, 1, 1),
    ((2, 2), 3, 0, 3),
    ((3, 3), 2, 2, 1),
    ((3, 3), 1, 0, 3),
    ((4, 4), 3, 2, 1),
    ((4, 4), 2, 1, 3),
    ((3, 5), 2, 0, 1),
    ((3, 5), 3, 2, 3),
    ((8, 8), 3, 1, 1),
    ((8, 8), 3, 2, 3),
]


def digits(count):
    return load_mnist("train", count).images


def compiled(**settings):
    return compile_convolution(ConvolutionSpec(**settings), "willow_pink")


@pytest.mark.parametrize(("kernel", "stride", "padding", "channels"), GEOMETRIES)
def test_qsim_means_equal_numpy(kernel, stride, padding, channels):
    generator = np.random.default_rng(kernel[1] + 10 * stride)
    # A few columns of real digits, so that the larger kernels stay quick.
    images = digits(channels)[None, :, 6:20, 8:18] if channels > 1 else digits(1)[:, 6:20, 8:18]
    kernels = generator.normal(size=(1, channels, *kernel))
    spec = ConvolutionSpec(
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=channels,
        filters=FixedFilter(kernels[0] if channels > 1 else kernels[0, 0]),
    )
    program = compile_convolution(spec, "willow_pink")
    maps = QuantumConvolution(program, shots=None).forward(images)
    expected = squared_cosine_similarity(images, kernels if channels > 1 else kernels[:, 0], spec)
    assert maps.shape == expected.shape
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_several_ansatz_filters_equal_numpy_on_both_engines():
    spec = ConvolutionSpec(filters=[XZAnsatz(layers=3)] * 2, stride=3)
    layer = QuantumConvolution(compile_convolution(spec, "willow_pink"), shots=None, seed=3)
    images = digits(1)
    expected = ideal_overlaps(extract_patches(images, spec), spec, layer.parameters)
    np.testing.assert_allclose(layer.run(images).estimates, expected, atol=1e-6)
    exact = QuantumConvolution(layer.program, "exact", shots=None, parameters=layer.parameters)
    np.testing.assert_allclose(exact.run(images).estimates, expected, atol=1e-10)
    assert np.ptp(expected) > 0.1


def test_shot_noise_is_what_the_formula_says():
    spec = ConvolutionSpec(filters=FixedFilter(load_classical_filter()))
    program = compile_convolution(spec, "willow_pink")
    images = digits(16)
    outcome = QuantumConvolution(program, "exact", shots=10_000, seed=5).run(images)
    ideal = ideal_overlaps(outcome.patches, spec)
    rmse = np.sqrt(np.mean((outcome.estimates - ideal) ** 2))
    predicted = np.sqrt(np.mean(1 - ideal**2) / 10_000)
    assert outcome.patches.n_occupied == 4400
    assert rmse == pytest.approx(predicted, rel=0.05)


def test_numbers_do_not_depend_on_the_batch():
    layer = QuantumConvolution(
        compiled(filters=FixedFilter(np.arange(16)), stride=4), "exact", shots=100, seed=9
    )
    images = digits(5)
    whole = layer.forward(images)
    for i in (4, 1):
        alone = layer.run(images[i : i + 1], image_ids=[i]).maps
        np.testing.assert_array_equal(alone[0], whole[i])
    other_seed = QuantumConvolution(layer.program, "exact", shots=100, seed=10).forward(images)
    assert (other_seed != whole).any()
    np.testing.assert_array_equal(layer.forward(images), whole)


def test_same_image_twice_has_independent_shots():
    layer = QuantumConvolution(
        compiled(filters=FixedFilter(np.arange(16)), stride=4), "exact", shots=100
    )
    maps = layer.forward(np.repeat(digits(1), 2, axis=0))
    assert (maps[0] != maps[1]).any()


def test_blank_patches_are_zero_and_counted():
    layer = QuantumConvolution(compiled(filters=FixedFilter(np.ones((4, 4)))), "exact", shots=50)
    outcome = layer.run(np.zeros((2, 6, 6)))
    assert outcome.blank_patches == 18
    assert outcome.counts is not None
    assert outcome.counts.shape == (1, 0)
    np.testing.assert_array_equal(outcome.maps, np.zeros((2, 1, 3, 3)))


def test_noise_pulls_overlaps_towards_the_mixed_state():
    program = compiled(filters=FixedFilter(np.arange(1, 17)))
    patch = np.arange(1, 17).reshape(1, 4, 4)
    ideal = QuantumConvolution(program, "exact", shots=None).forward(patch)
    noisy = QuantumConvolution(
        program, "exact", noise={"depolarizing": {"p1": 0.001, "p2": 0.005}}, shots=None
    ).forward(patch)
    assert ideal.item() == pytest.approx(1)
    assert 0.6 < noisy.item() < 0.95


def test_parameters_are_drawn_from_the_seed_and_can_be_set():
    program = compiled(kernel=(2, 2), filters=[XZAnsatz(), XZAnsatz()])
    layer = QuantumConvolution(program, seed=1)
    np.testing.assert_array_equal(layer.parameters, QuantumConvolution(program, seed=1).parameters)
    assert (layer.parameters != QuantumConvolution(program, seed=2).parameters).all()
    layer.parameters = np.zeros((2, 4))
    assert not layer.parameters.any()
    with pytest.raises(InputError, match=r"takes \(2, 4\)"):
        layer.parameters = np.zeros(4)
    with pytest.raises(InputError, match="finite"):
        layer.parameters = np.full((2, 4), np.inf)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28)), "rank|dimensions|shape"),
        (np.zeros((1, 3, 3)), "larger than"),
        (np.full((1, 6, 6), np.nan), "image 0"),
        (np.full((1, 6, 6), np.inf), "image 0"),
        (np.zeros((1, 3, 6, 6)), "channel"),
        (np.zeros((0, 6, 6)), "empty|at least one"),
    ],
)
def test_bad_images_are_refused(images, message):
    layer = QuantumConvolution(compiled(filters=FixedFilter(np.ones((4, 4)))))
    with pytest.raises(InputError, match=message):
        layer.forward(images)


def test_bad_settings_are_refused():
    program = compiled(filters=FixedFilter(np.ones((4, 4))))
    with pytest.raises(InputError, match="shots"):
        QuantumConvolution(program, shots=0)
    with pytest.raises(InputError, match="seed"):
        QuantumConvolution(program, seed=-1)
    with pytest.raises(InputError, match="engine"):
        QuantumConvolution(program, engine="qsm")
    with pytest.raises(ValueError, match="p2"):
        QuantumConvolution(program, noise={"depolarizing": {"p2": 1.5}})
    with pytest.raises(InputError, match="image_ids"):
        QuantumConvolution(program).run(digits(1), image_ids=[-1])


def test_patches_give_the_numbers_of_their_images_and_solve_their_angles_once(monkeypatch):
    program = compiled(kernel=(4, 4), stride=4, filters=XZAnsatz(layers=1))
    images = digits(2)
    patches = extract_patches(images, program.spec)
    solved = []
    loader = type(program.filters[0].loader)
    angles = loader.angles
    monkeypatch.setattr(
        loader, "angles", lambda self, states: (solved.append(len(states)), angles(self, states))[1]
    )
    of_patches = QuantumConvolution(program, "exact", noise="willow_pink", shots=50)
    first = of_patches.run(patches, image_ids=[7, 3])
    of_patches.backward(np.ones_like(first.maps), "parameter_shift")
    again = QuantumConvolution(program, "exact", shots=50).run(patches)
    assert solved == [patches.n_occupied]
    assert not np.array_equal(first.estimates, again.estimates)
    of_images = QuantumConvolution(program, "exact", noise="willow_pink", shots=50)
    np.testing.assert_array_equal(of_images.run(images, [7, 3]).counts, first.counts)
    assert solved == [patches.n_occupied] * 2


def test_what_was_solved_for_patches_goes_when_they_or_the_program_go():
    spec = ConvolutionSpec(kernel=(2, 2), stride=2, filters=XZAnsatz(layers=1))
    patches = extract_patches(digits(1), spec)
    kept = QuantumConvolution(compile_convolution(spec, "sycamore_cz"), "exact", shots=None)
    kept.run(patches)
    # The same circuits over again, which no cache of compiled programs holds.
    filters = [replace(each) for each in kept.program.filters]
    filters = [replace(each, variants=(replace(each.variants[0]),)) for each in filters]
    other = QuantumConvolution(replace(kept.program, filters=tuple(filters)), "exact", shots=None)
    np.testing.assert_array_equal(other.forward(patches), kept.forward(patches))
    assert len(program_module._SOLVED[patches]) == 2
    del filters, other
    gc.collect()
    assert len(program_module._SOLVED[patches]) == 1
    before = len(program_module._SOLVED)
    del patches, kept
    gc.collect()
    assert len(program_module._SOLVED) == before - 1


def test_patches_are_told_apart_by_the_budget_of_their_program():
    images = digits(1)
    spec = ConvolutionSpec(kernel=(4, 4), stride=4, filters=FixedFilter(np.arange(1, 17)))
    patches = extract_patches(images, spec)
    for infidelity in (0.0, 0.3):
        program = compile_convolution(spec, "willow_pink", infidelity=infidelity)
        layer = QuantumConvolution(program, "exact", noise="willow_pink", shots=None)
        of_images = layer.forward(images)
        for _ in range(2):
            np.testing.assert_array_equal(layer.forward(patches), of_images)
    loads = program.filters[0].load_patches(patches)
    assert len(loads) > 1
    assert sorted(np.concatenate([load.columns for load in loads])) == list(
        range(patches.n_occupied)
    )
    with pytest.raises(ValueError, match="read-only"):
        loads[0].angles[0] = 0


def test_blank_patches_need_no_images():
    layer = QuantumConvolution(compiled(kernel=(2, 2), stride=2), "exact", shots=10)
    blank = extract_patches(np.zeros((1, 4, 4)), layer.program.spec)
    np.testing.assert_array_equal(layer.forward(blank), np.zeros((1, 1, 2, 2)))


def test_patches_of_another_specification_are_refused():
    layer = QuantumConvolution(compiled(kernel=(4, 4)), "exact", shots=None)
    with pytest.raises(InputError, match="9 elements on 4 qubits; this layer takes 16 on 4"):
        layer.run(extract_patches(digits(1), ConvolutionSpec(kernel=(3, 3))))


def test_gradient_of_images_needs_images():
    layer = QuantumConvolution(compiled(kernel=(2, 2), stride=2), "exact", shots=None)
    images = digits(1)
    maps = layer.run(extract_patches(images, layer.program.spec)).maps
    with pytest.raises(InputError, match="was given patches, not images"):
        layer.input_gradient(np.ones_like(maps))
    layer.run(images)
    assert layer.input_gradient(np.ones_like(maps)).shape == images.shape
