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
from qucnn_cirq.compiler import compiled_filter
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.convolution import extract_patches, ideal_overlaps, squared_cosine_similarity
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.gradient_methods import METHODS

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
    ((8, 8), 6, 2, 3),
]


def digits(count):
    return load_mnist("train", count).images


def compiled(**settings):
    return compile_convolution(ConvolutionSpec(**settings), "willow_pink")


@pytest.mark.parametrize(("kernel", "stride", "padding", "channels"), GEOMETRIES)
def test_qsim_means_equal_numpy(kernel, stride, padding, channels):
    generator = np.random.default_rng(kernel[1] + 10 * stride)
    # A few columns of real digits, so that the larger kernels stay quick.
    images = digits(channels)[None, :, 6:15, 8:18] if channels > 1 else digits(1)[:, 6:15, 8:18]
    kernels = generator.normal(size=(1, channels, *kernel))
    spec = ConvolutionSpec(
        kernel=kernel,
        stride=stride,
        padding=padding,
        channels=channels,
        filters=FixedFilter(kernels[0] if channels > 1 else kernels[0, 0]),
    )
    program = compile_convolution(spec, "willow_pink")
    maps = QuantumConvolution(program, "qsim", shots=None).forward(images)
    expected = squared_cosine_similarity(images, kernels if channels > 1 else kernels[:, 0], spec)
    assert maps.shape == expected.shape
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_several_ansatz_filters_equal_numpy_on_both_engines():
    spec = ConvolutionSpec(filters=[XZAnsatz(layers=3)] * 2, stride=3)
    layer = QuantumConvolution(compile_convolution(spec, "willow_pink"), "qsim", shots=None, seed=3)
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
        np.testing.assert_array_equal(layer.forward(images[i : i + 1])[0], whole[i])
    other_seed = QuantumConvolution(layer.program, "exact", shots=100, seed=10).forward(images)
    assert (other_seed != whole).any()
    np.testing.assert_array_equal(layer.forward(images), whole)


def shot_layer(shots=100, **settings):
    program = compiled(filters=FixedFilter(np.arange(1, 17)), stride=4)
    return QuantumConvolution(program, "exact", shots=shots, seed=9, **settings)


def test_split_and_permuted_batches_give_the_numbers_of_the_whole():
    layer = shot_layer()
    images = digits(8)
    images[6] = 0
    whole = layer.forward(images)
    split = [layer.forward(images[start : start + 3]) for start in (0, 3, 6)]
    np.testing.assert_array_equal(np.concatenate(split), whole)
    order = np.random.default_rng(2).permutation(8)
    np.testing.assert_array_equal(layer.forward(images[order]), whole[order])
    np.testing.assert_array_equal(layer.forward(extract_patches(images, layer.program.spec)), whole)
    upstream = np.random.default_rng(3).normal(size=whole.shape)
    ansatz = QuantumConvolution(compiled(kernel=2, stride=4), "exact", shots=100)
    upstream = np.random.default_rng(3).normal(size=ansatz.forward(images).shape)
    of_whole = ansatz.backward(upstream)
    of_parts = 0
    for part in (slice(0, 5), slice(5, 8)):
        ansatz.forward(images[part])
        of_parts += ansatz.backward(upstream[part])
    np.testing.assert_allclose(of_parts, of_whole, rtol=1e-12)


def test_mini_batches_share_no_shots():
    layer = shot_layer()
    exact = shot_layer(shots=None)
    images = np.random.default_rng(0).random((60, 8, 8))
    errors = np.concatenate(
        [
            layer.forward(images[i : i + 4]) - exact.forward(images[i : i + 4])
            for i in range(0, 60, 4)
        ]
    )
    same_place = np.corrcoef(errors[:-4].ravel(), errors[4:].ravel())[0, 1]
    # 224 pairs: a standard error of 0.07.
    assert abs(same_place) < 0.25


def test_only_another_draw_gives_other_shots_and_means_of_draws_improve():
    layer = shot_layer()
    images = np.random.default_rng(0).random((10, 8, 8))
    exact = shot_layer(shots=None).forward(images)
    np.testing.assert_array_equal(layer.forward(images, draw=5), layer.forward(images, draw=5))
    draws = np.array([layer.forward(images, draw=draw) for draw in range(20)])
    one = np.mean((draws - exact) ** 2)
    mean = np.mean((draws.mean(axis=0) - exact) ** 2)
    # 40 values: their mean square scatters by sqrt(2 / 40) = 22 %.
    assert 1 / 40 < mean / one < 1 / 12


@pytest.mark.parametrize(
    "ids", [[-1], [1.0], [True], ["a"], [2**63], [[1]], [], None, [None], np.ma.masked_all(1, int)]
)
def test_wrong_image_ids_are_refused(ids):
    if ids is None:
        ids = object()
    with pytest.raises(InputError, match="image_ids must be 1 whole"):
        shot_layer().forward(digits(1), image_ids=ids)


@pytest.mark.parametrize("overlap", ["ancilla", "inversion"])
def test_no_images_give_empty_maps_and_zero_gradients(overlap):
    program = compiled(kernel=2, stride=2, overlap=overlap, filters=[XZAnsatz(), XZAnsatz()])
    for images in (np.zeros((0, 4, 6)), np.zeros((0, 1, 4, 6), np.uint8)):
        layer = QuantumConvolution(program, "exact", shots=10)
        assert layer.forward(images).shape == (0, 2, 2, 3)
        for method in ("auto", "spsa", "exact"):
            gradient = layer.backward(np.zeros((0, 2, 2, 3)), method)
            np.testing.assert_array_equal(gradient, np.zeros((2, 4)))
        assert layer.input_gradient(np.zeros((0, 2, 2, 3))).shape == images.shape


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e300, 1e308])
def test_gradients_are_right_at_the_ends_of_the_range(size):
    layer = QuantumConvolution(compiled(kernel=2, stride=2), "exact", shots=None)
    images = np.array([[[1.0, 1.0], [1.0, 0.0]]])
    ones = np.ones((1, 1, 1, 1))
    layer.forward(images)
    expected = layer.input_gradient(ones)
    with np.errstate(all="raise", under="ignore"):
        maps = layer.forward(images * size)
        np.testing.assert_array_equal(maps, layer.forward(images))
        layer.forward(images * size)
        if size < 1:
            with pytest.raises(InputError, match="beyond the range of float64"):
                layer.input_gradient(ones)
        else:
            found = layer.input_gradient(1e307 * ones) / 1e307 * size
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_gradients_of_huge_upstream_values_are_right(method):
    layer = QuantumConvolution(compiled(kernel=2, stride=2), "exact", shots=100)
    upstream = np.random.default_rng(4).normal(size=layer.forward(digits(1)[:, 8:16, 8:16]).shape)
    upstream /= np.abs(upstream).max()
    with np.errstate(all="raise"):
        expected = layer.gradient(upstream, method).values
        huge = layer.gradient(upstream * 2.0**1000, method)
        np.testing.assert_allclose(huge.values / 2.0**1000, expected, rtol=1e-12)
    assert not np.isnan(huge.variance).any()
    assert method == "exact" or (huge.variance > 0).any()
    with pytest.raises(InputError, match="beyond the range"):
        layer.gradient(np.full_like(upstream, 1.7e308), "finite_differences")


@pytest.mark.parametrize(
    "dtype", ["bool", "u1", "i8", "u8", ">i4", "f2", ">f4", "f8", "longdouble"]
)
def test_images_of_every_real_type_give_the_same_numbers(dtype, tmp_path):
    layer = shot_layer()
    plain = (digits(1)[:, 4:16, 4:16] > 100).astype(float)
    expected = layer.forward(plain)
    images = plain.astype(dtype)
    stored = np.memmap(tmp_path / "images", images.dtype, "w+", shape=images.shape)
    stored[:] = images
    read_only = images.view()
    read_only.flags.writeable = False
    for given in (
        images,
        np.asfortranarray(images),
        stored,
        read_only,
        np.ma.masked_array(images),
        images[:, ::-1, ::-1][:, ::-1, ::-1],
        images.tolist(),
    ):
        np.testing.assert_array_equal(layer.forward(given), expected)


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
        (np.zeros((1, 6, 0)), "empty"),
        (np.zeros((2, 6, 6, 1)), r"np\.moveaxis\(images, -1, -3\)"),
        (np.ma.masked_less(np.arange(36.0).reshape(1, 6, 6), 3), "masked"),
        ([np.ma.masked_less(np.arange(36.0).reshape(6, 6), 3)], "masked"),
        (np.zeros((1, 6, 6), complex), "type complex128"),
        (np.zeros((1, 6, 6), "datetime64[s]"), "type datetime64"),
        (np.zeros((1, 6, 6), [("red", "f8"), ("blue", "f8")]), "type"),
        (np.full((1, 6, 6), None), "type object"),
        ([[[1.0], [1.0, 2.0]]], "ragged"),
        ("images", "cannot read images: No such file"),
        (type("Failing", (), {"__array__": lambda self, *_, **__: 1 / 0})(), "division"),
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
    with pytest.raises(InputError, match="give what compile_convolution"):
        QuantumConvolution(program.spec)
    with pytest.raises(InputError, match="engine = 3 is not an engine"):
        QuantumConvolution(program, engine=3)
    with pytest.raises(InputError, match="within -1e"):
        QuantumConvolution(compiled(kernel=2)).parameters = np.full((1, 4), 1e20)


@pytest.mark.parametrize(
    "number",
    [
        -1,
        2**64,
        1e30,
        np.nan,
        np.inf,
        True,
        np.True_,
        "3",
        None,
        1.5,
        np.array([3]),
        pytest.param(10**5000, id="digits"),
    ],
)
def test_seeds_shots_and_draws_outside_their_range_are_refused(number):
    layer = shot_layer()
    messages = []
    for name in ("seed", "shots"):
        if number is not None or name == "seed":
            with pytest.raises(InputError, match=f"{name} = .* give a whole number") as refused:
                QuantumConvolution(layer.program, **{name: number})
            messages.append(str(refused.value))
    with pytest.raises(InputError, match="draw = .* give a whole number") as refused:
        layer.forward(digits(1), draw=number)
    messages.append(str(refused.value))
    assert all(len(message) <= 200 and "\n" not in message for message in messages)


def test_the_largest_seeds_shots_and_draws_are_taken():
    layer = QuantumConvolution(
        shot_layer().program, "exact", shots=2**63 - 1, seed=np.uint64(2**64 - 1)
    )
    maps = layer.forward(digits(1), draw=2**63 - 1)
    exact = shot_layer(shots=None).forward(digits(1))
    np.testing.assert_allclose(maps, exact, atol=1e-8)
    noisy = QuantumConvolution(layer.program, "qsim", "willow_pink", shots=2**40)
    with pytest.raises(InputError, match="draws them one by one, within 1..2147483647"):
        noisy.forward(digits(1))


def test_patches_give_the_numbers_of_their_images_and_solve_their_angles_once(monkeypatch):
    program = compiled(kernel=(4, 4), stride=4, filters=XZAnsatz(layers=1))
    images = digits(2)
    patches = extract_patches(images, program.spec)
    solved = []
    load = CompiledFilter.load
    monkeypatch.setattr(
        CompiledFilter,
        "load",
        lambda self, states: (solved.append(len(states)), load(self, states))[1],
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
    assert len(compiled_filter._SOLVED[patches]) == 2
    del filters, other
    gc.collect()
    assert len(compiled_filter._SOLVED[patches]) == 1
    before = len(compiled_filter._SOLVED)
    del patches, kept
    gc.collect()
    assert len(compiled_filter._SOLVED) == before - 1


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
