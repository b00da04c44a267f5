"""The backward pass: methods that must agree, their variances, and their costs."""

import numpy as np
import pytest
from helpers import density_matrix_mean
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.convolution import extract_patches, ideal_overlaps
from qucnn_cirq.gradient_methods import METHODS

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.02}, "readout": {"p01": 0.01, "p10": 0.04}}
SHIFTS = ("in_circuit", "in_circuit_absorbed", "parameter_shift")


def layer_of(noise=None, shots=None, seed=0, engine="exact", **spec):
    settings_of = {"kernel": 2, "filters": XZAnsatz(layers=2), **spec}
    program = compile_convolution(ConvolutionSpec(**settings_of), "grid:4x5")
    return QuantumConvolution(program, engine=engine, noise=noise, shots=shots, seed=seed)


def images_of(seed, shape=(2, 4, 4)):
    images = np.random.default_rng(seed).random(shape)
    images[0, ..., :2, :2] = 0
    return images


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    ansatz=st.builds(
        XZAnsatz,
        layers=st.integers(1, 2),
        rotations=st.sampled_from([("x", "z"), ("y",), ("z", "y")]),
        entangler=st.sampled_from(["chain", "ring"]),
    ),
    size=st.sampled_from([1e-3, 1.0, 20.0]),
    backward=st.booleans(),
)
def test_methods_agree_without_noise(seed, ansatz, size, backward):
    layer = layer_of(filters=[ansatz, ansatz], seed=seed, backward=backward)
    maps = layer.forward(images_of(seed))
    upstream = size * np.random.default_rng(seed).normal(size=maps.shape)
    expected = layer.backward(upstream, "exact")
    assert expected.shape == layer.parameters.shape
    for method in (*SHIFTS, "coin"):
        np.testing.assert_allclose(
            layer.backward(upstream, method), expected, atol=1e-11 * size * 99
        )
    rough = layer.backward(upstream, "finite_differences")
    np.testing.assert_allclose(rough, expected, atol=1e-4 * size)


def test_exact_is_the_derivative_of_the_overlaps():
    layer = layer_of(padding=1, stride=2)
    images = images_of(3)
    upstream = np.random.default_rng(4).normal(size=layer.forward(images).shape)

    def loss(parameters):
        patches = extract_patches(images, layer.program.spec)
        overlaps = ideal_overlaps(patches, layer.program.spec, parameters)
        return float(np.sum(patches.to_maps(overlaps) * upstream))

    gradient = layer.backward(upstream, "exact")
    for index in np.ndindex(gradient.shape):
        step = np.zeros(gradient.shape)
        step[index] = 1e-6
        slope = (loss(layer.parameters + step) - loss(layer.parameters - step)) / 2e-6
        assert gradient[index] == pytest.approx(slope, abs=1e-7)


def test_noisy_shift_rule_is_that_of_the_density_matrix():
    layer = layer_of(noise=NOISE, filters=XZAnsatz(layers=1))
    image = np.random.default_rng(5).random((1, 2, 2))
    layer.forward(image)
    angles = layer.parameters[0]
    gradient = layer.backward(np.full((1, 1, 1, 1), -0.7), "parameter_shift")[0]
    for index in (0, 3):
        step = np.pi / 2 * np.eye(len(angles))[index]
        plus, minus = (
            density_matrix_mean(layer.program, image[0], NOISE, moved)
            for moved in (angles + step, angles - step)
        )
        assert gradient[index] == pytest.approx(-0.7 * (plus - minus) / 2, abs=1e-9)


@pytest.mark.parametrize("g", [-1.0, -0.3, 0.6])
def test_noisy_in_circuit_means_are_those_of_the_circuit_with_that_reader(g):
    layer = layer_of(noise=NOISE, filters=XZAnsatz(layers=1), backward=True)
    image = np.random.default_rng(6).random((1, 2, 2))
    layer.forward(image)
    angles, program = layer.parameters[0], layer.program
    gradient = layer.backward(np.full((1, 1, 1, 1), g))[0]
    tables = {
        "patch": program.filters[0].loader.angles(extract_patches(image, program.spec).states),
        "upstream": np.array([[np.arccos(g)]]),
    }
    for index in (1, 2):
        step = np.pi / 2 * np.eye(len(angles))[index]
        plus, minus = (
            layer.engine.means(
                program.filters[0].template,
                layer.noise,
                {**tables, "filter": program.filters[0].filter_table(moved)},
            )[0, 0]
            for moved in (angles + step, angles - step)
        )
        assert gradient[index] == pytest.approx((plus - minus) / 2, abs=1e-12)


@pytest.mark.parametrize("method", [*SHIFTS, "spsa", "finite_differences"])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_bias_and_variance_are_as_stated(method, noise):
    images = images_of(7, (1, 3, 3))
    layer = layer_of(noise=noise, shots=50, seed=11, filters=XZAnsatz(layers=1))
    upstream = 2 * np.random.default_rng(8).normal(size=layer.forward(images).shape)
    gradients = [layer.gradient(upstream, method, draw) for draw in range(400)]
    draws = np.array([gradient.values[0] for gradient in gradients])
    # The variance of SPSA is that at the signs drawn; for others it is always the same.
    variance = np.array([gradient.variance[0] for gradient in gradients])
    means = layer_of(noise=noise, seed=11, filters=XZAnsatz(layers=1))
    means.forward(images)
    if method == "spsa":
        # Its signs differ between draws: compare each with what it has without shots.
        expected = np.array([means.backward(upstream, method, draw)[0] for draw in range(400)])
    else:
        expected = means.backward(upstream, method)[0]
    scores = (draws - expected) / np.sqrt(variance)
    z = scores.mean(axis=0) * np.sqrt(len(draws))
    # Each of 80 comparisons fails by chance once in 100,000 times: 1 in 1,000 in all.
    assert (np.abs(z) < stats.norm.isf(0.5e-5)).all()
    low, high = stats.chi2.ppf([0.5e-5, 1 - 0.5e-5], len(draws))
    ratios = np.sum(scores**2, axis=0)
    assert ((low < ratios) & (ratios < high)).all()


def test_variance_follows_the_formulas():
    layer = layer_of(shots=100, filters=XZAnsatz(layers=1))
    image = np.random.default_rng(9).random((1, 2, 2))
    layer.forward(image)
    for g in (0.5, 1.0, 3.0):
        upstream = np.full((1, 1, 1, 1), g)
        states = extract_patches(image, layer.program.spec).states
        shifted = layer.parameters[0] + np.pi / 2 * np.concatenate([np.eye(4), -np.eye(4)])
        filters = layer.program.spec.filter_list[0].states(2, shifted)
        plus, minus = np.split(np.abs(filters.conj() @ states[0]) ** 2, 2)
        post = g**2 * (2 - plus**2 - minus**2) / 400
        scale = max(1, g)
        inside = scale**2 * (2 - (g / scale) ** 2 * (plus**2 + minus**2)) / 400
        got = {method: layer.gradient(upstream, method) for method in SHIFTS}
        np.testing.assert_allclose(got["parameter_shift"].variance[0], post, atol=1e-12)
        np.testing.assert_allclose(got["in_circuit"].variance[0], inside, atol=1e-12)
        assert (inside >= post - 1e-12).all()
        assert (got["in_circuit_absorbed"].variance[0] > 3.9 * inside - 3 * post).all()


def test_costs_are_counted():
    layer = layer_of(shots=10, filters=[XZAnsatz(1), XZAnsatz(1)])
    maps = layer.forward(images_of(1))
    occupied = 17
    shift = layer.gradient(np.ones(maps.shape), "parameter_shift")
    assert shift.circuits == 2 * 4 * 2 * occupied
    assert shift.shots == 10 * shift.circuits
    assert layer.gradient(np.ones(maps.shape), "spsa").circuits == 2 * 2 * occupied
    exact = layer.gradient(np.ones(maps.shape), "exact")
    assert (exact.circuits, exact.shots) == (0, None)


def test_spsa_is_right_on_average():
    layer = layer_of(filters=XZAnsatz(layers=1), seed=2)
    upstream = np.ones(layer.forward(images_of(2)).shape)
    draws = np.array([layer.backward(upstream, "spsa", draw)[0] for draw in range(2000)])
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    bias = np.abs(draws.mean(axis=0) - layer.backward(upstream, "exact")[0])
    # Steps of 0.1 leave a bias of the order of 0.1^2 of the third derivatives.
    assert (bias < 4.5 * error + 0.02).all()


def test_draws_differ_and_repeat():
    layer = layer_of(shots=100)
    upstream = np.ones(layer.forward(images_of(1)).shape)
    first, again, other = (layer.backward(upstream, "in_circuit", draw) for draw in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


@pytest.mark.parametrize(
    "spec",
    [{}, {"padding": 1, "channels": 2}, {"padding": (1, 0), "stride": (2, 1), "channels": 2}],
)
def test_input_gradient_is_the_derivative_by_pixels(spec):
    layer = layer_of(**spec)
    shape = (1, 2, 4, 5) if spec else (2, 4, 4)
    images = images_of(5, shape) + (0.1 if spec else 0.0)
    upstream = np.random.default_rng(6).normal(size=layer.forward(images).shape)

    def loss(moved):
        patches = extract_patches(moved, layer.program.spec)
        overlaps = ideal_overlaps(patches, layer.program.spec, layer.parameters)
        return float(np.sum(patches.to_maps(overlaps) * upstream))

    gradient = layer.input_gradient(upstream)
    assert gradient.shape == images.shape
    for index in np.argwhere(images > 0)[::3]:
        step = np.zeros(images.shape)
        step[tuple(index)] = 1e-6
        slope = (loss(images + step) - loss(images - step)) / 2e-6
        assert gradient[tuple(index)] == pytest.approx(slope, abs=1e-6)


def test_a_program_with_a_reader_also_runs_forward():
    plain, reading = (layer_of(backward=backward, seed=4) for backward in (False, True))
    np.testing.assert_allclose(
        plain.forward(images_of(3)), reading.forward(images_of(3)), atol=1e-10
    )


@pytest.mark.parametrize("engine", ["qsim", "qsim_density"])
def test_other_engines_give_the_same(engine):
    images = images_of(1, (1, 2, 3)) + 0.1
    exact, other = (
        layer_of(noise=NOISE, filters=XZAnsatz(1), engine=each) for each in ("exact", engine)
    )
    upstream = np.ones(exact.forward(images).shape)
    other.forward(images)
    np.testing.assert_allclose(
        other.backward(upstream, "in_circuit"), exact.backward(upstream, "in_circuit"), atol=1e-5
    )


def test_bad_input_is_named():
    layer = layer_of()
    with pytest.raises(InputError, match="forward"):
        layer.backward(np.zeros((2, 1, 3, 3)))
    maps = layer.forward(images_of(1))
    with pytest.raises(InputError, match="shape"):
        layer.backward(maps[0])
    with pytest.raises(InputError, match=r"nan at \(0, 0, 1, 2\)"):
        layer.backward(np.where(np.arange(9).reshape(3, 3) == 5, np.nan, maps))
    with pytest.raises(InputError, match="parameter_shift"):
        layer.backward(maps, "parameter_shft")
    with pytest.raises(InputError, match="draw"):
        layer.backward(maps, draw=-1)
    inverted = layer_of(overlap="inversion")
    inverted.forward(images_of(1))
    with pytest.raises(InputError, match="ancilla"):
        inverted.backward(maps, "in_circuit")
    np.testing.assert_allclose(
        inverted.backward(maps, "parameter_shift"), inverted.backward(maps, "exact"), atol=1e-11
    )


def test_a_fixed_filter_has_no_gradient():
    layer = layer_of(filters=FixedFilter(np.ones((2, 2))))
    upstream = np.ones(layer.forward(images_of(1)).shape)
    for method in METHODS:
        assert layer.backward(upstream, method).shape == (1, 0)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive"])
@pytest.mark.parametrize("largest", [0.4, 3.0])
def test_a_classical_coin_does_what_the_second_ancilla_does(overlap, largest):
    spec = ConvolutionSpec(kernel=2, filters=XZAnsatz(layers=1), overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    images = np.random.default_rng(2).uniform(0.1, 1, (2, 2, 3))
    upstream = np.random.default_rng(3).uniform(-largest, largest, (2, 1, 1, 2))
    layer = QuantumConvolution(program, engine="exact", shots=None, seed=4)
    layer.forward(images)
    exact = layer.gradient(upstream, "exact").values
    np.testing.assert_allclose(layer.gradient(upstream, "coin").values, exact, atol=1e-12)
    layer.shots = 400
    found = [layer.gradient(upstream, "coin", draw) for draw in range(300)]
    values = np.array([each.values for each in found])
    z = (values.mean(axis=0) - exact) / np.sqrt(found[0].variance / 300)
    assert np.abs(z).max() < 4.5
    # A sample variance of 300 draws scatters by 8 %.
    ratio = values.var(axis=0, ddof=1) / found[0].variance
    assert np.abs(ratio - 1).max() < 0.4
    if overlap == "ancilla":
        second = layer.gradient(upstream, "in_circuit")
        np.testing.assert_allclose(found[0].variance, second.variance, rtol=1e-9)


def test_a_coin_needs_outcomes_of_plus_and_minus_one():
    spec = ConvolutionSpec(kernel=2, filters=XZAnsatz(layers=1), overlap="inversion")
    layer = QuantumConvolution(compile_convolution(spec, "willow_pink"), engine="exact")
    layer.forward(np.ones((1, 2, 2)))
    with pytest.raises(InputError, match="coin"):
        layer.gradient(np.ones((1, 1, 1, 1)), "coin")
