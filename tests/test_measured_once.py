"""One measurement of each patch for all filters and gradients."""

import gc
import tracemalloc

import numpy as np
import pytest

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    image_blocks,
)
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import evaluated, overlap_forms
from qucnn_cirq.measured_once import BASES, MeasuredOnce
from qucnn_cirq.patches import extract_patches

NOISE = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
SPEC = ConvolutionSpec(kernel=(2, 2), stride=2, filters=[XZAnsatz(1), XZAnsatz(1)])
IMAGES = np.random.default_rng(0).uniform(0.1, 1, (3, 8, 8))
PARAMETERS = np.random.default_rng(1).uniform(-np.pi, np.pi, (2, SPEC.n_parameters))


@pytest.fixture(scope="module", params=["bases", "destructive"])
def measured(request):
    layer = MeasuredOnce(SPEC, noise=NOISE, shots=20_000, seed=3, circuit=request.param)
    return layer.measure(IMAGES)


def test_overlaps_are_right_within_their_errors(measured):
    found = measured.overlaps(PARAMETERS)
    patches = extract_patches(IMAGES, SPEC)
    errors = found.values - patches.to_maps(ideal_overlaps(patches, SPEC, PARAMETERS))
    assert found.values.shape == found.variances.shape == (3, 2, 4, 4)
    assert np.abs(errors).max() < 0.03
    assert np.mean(np.abs(errors) < 1.96 * np.sqrt(found.variances)) > 0.88


def test_gradients_are_slopes_of_the_values_from_the_same_counts(measured):
    upstream = np.random.default_rng(4).normal(size=(3, 2, 4, 4))
    found = measured.gradients(upstream, PARAMETERS)
    for row, column in [(0, 0), (1, 2), (0, 3)]:
        step = np.zeros_like(PARAMETERS)
        step[row, column] = 1e-4
        ahead, behind = (measured.overlaps(PARAMETERS + s * step).values for s in (1, -1))
        slope = np.sum(upstream * (ahead - behind)) / 2e-4
        assert found.values[row, column] == pytest.approx(slope, abs=1e-5)
    assert found.variance.shape == PARAMETERS.shape
    assert (found.variance > 0).all()


def test_filters_can_be_chosen_later(measured):
    other = FixedFilter([1.0, -2.0, 0.5, 1.0])
    found = measured.overlaps(filters=[other])
    patches = extract_patches(IMAGES, SPEC)
    spec = ConvolutionSpec(kernel=(2, 2), stride=2, filters=[other])
    expected = patches.to_maps(ideal_overlaps(patches, spec))
    assert found.values == pytest.approx(expected, abs=0.03)


def test_the_shots_of_a_patch_are_shared_among_the_circuits(measured):
    (counts,) = measured.counts
    assert (counts.sum(axis=(1, 2)) == measured.shots).all()
    assert counts.shape[1] == measured.circuits in (1, BASES)
    assert 20_000 - measured.circuits < measured.shots <= 20_000
    gradient = measured.gradients(np.ones((3, 2, 4, 4)), PARAMETERS)
    assert gradient.shots == 48 * measured.shots


def test_bases_take_no_gates_beyond_the_loader_and_are_informative():
    layer = MeasuredOnce(ConvolutionSpec(kernel=(4, 4)), noise=NOISE, shots=12_000, circuit="bases")
    reports = [variant.report for variant in layer.program.filters[0].variants]
    assert max(report.two_qubit_gates for report in reports) == 6
    assert max(report.qubits for report in reports) == 4
    assert layer.conditioning(20) > 0.5
    patch = np.random.default_rng(0).normal(size=(1, 4, 4))
    found = layer.measure(patch)
    state = patch.ravel() / np.linalg.norm(patch)
    assert abs(found.likeliest[0].states[0] @ state) > 0.995


def test_blank_patches_are_zero_and_cost_nothing():
    images = np.zeros((1, 4, 4))
    images[0, 0, 0] = 1.0
    found = MeasuredOnce(SPEC, shots=1200).measure(images)
    maps = found.overlaps(PARAMETERS)
    assert (maps.values.reshape(2, 4)[:, 1:] == 0).all()
    assert (maps.variances.reshape(2, 4)[:, 1:] == 0).all()
    assert found.gradients(np.ones((1, 2, 2, 2)), PARAMETERS).circuits == found.circuits


def test_draws_and_seeds_give_other_shots_and_repeat():
    layer = MeasuredOnce(SPEC, shots=1200, seed=1)
    first, again, other = (layer.measure(IMAGES, draw=draw).counts[0] for draw in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_too_few_bases_and_shots_are_refused():
    with pytest.raises(InputError, match="signs"):
        MeasuredOnce(SPEC, circuit="bases", bases=3)
    with pytest.raises(InputError, match="shots"):
        MeasuredOnce(SPEC, circuit="bases", shots=5)
    with pytest.raises(InputError, match="circuit"):
        MeasuredOnce(SPEC, circuit="both")
    with pytest.raises(InputError, match="upstream"):
        MeasuredOnce(SPEC, shots=1200).measure(IMAGES).gradients(np.ones((2, 2, 4, 4)), PARAMETERS)


def test_exact_distributions_give_exact_values():
    found = MeasuredOnce(SPEC, noise=NOISE, shots=None, circuit="bases").measure(IMAGES)
    patches = extract_patches(IMAGES, SPEC)
    exact = patches.to_maps(ideal_overlaps(patches, SPEC, PARAMETERS))
    maps = found.overlaps(PARAMETERS)
    assert maps.values == pytest.approx(exact, abs=2e-3)
    assert (maps.variances == 0).all()


@pytest.mark.parametrize(("shots", "error"), [(None, 0.01), (20_000, 0.4)])
def test_it_is_a_gradient_method(shots, error):
    layer = QuantumConvolution(
        compile_convolution(SPEC), noise=NOISE, shots=shots, parameters=PARAMETERS
    )
    layer.forward(IMAGES)
    upstream = np.random.default_rng(4).normal(size=(3, 2, 4, 4))
    exact = layer.gradient(upstream, "exact")
    found = layer.gradient(upstream, "measured_once")
    assert found.values == pytest.approx(exact.values, abs=error)
    assert found.circuits == 48 * BASES
    if shots is not None:
        assert (np.abs(found.values - exact.values) < 4 * np.sqrt(found.variance)).all()


def test_the_torch_layer_shares_counts_between_forward_and_backward():
    torch = pytest.importorskip("torch")
    from qucnn_cirq.torch_layer import QuantumConv2d

    module = QuantumConv2d(
        1, 2, 2, 2, ansatz=XZAnsatz(1), noise=NOISE, shots=6000, gradient="measured_once"
    )
    images = torch.from_numpy(IMAGES[:, None]).requires_grad_()
    maps = module(images)
    maps.sum().backward()
    layer = MeasuredOnce(SPEC, noise=NOISE, shots=6000, circuit="bases")
    measured = layer.measure(IMAGES[:, None], draw=1)
    parameters = module.layer.parameters
    found = measured.overlaps(parameters).values
    assert maps.detach().numpy() == pytest.approx(found, abs=1e-9)
    expected = measured.gradients(np.ones(found.shape), parameters).values
    assert module.angles.grad.numpy() == pytest.approx(expected, abs=1e-6)
    exact = QuantumConv2d(1, 2, 2, 2, ansatz=XZAnsatz(1))
    others = torch.from_numpy(IMAGES[:, None]).requires_grad_()
    exact(others).sum().backward()
    assert images.grad.numpy() == pytest.approx(others.grad.numpy(), abs=1e-9)


@pytest.mark.parametrize(("kernel", "channels"), [((1, 2), 1), ((2, 3), 1), ((1, 2), 4)])
def test_registers_of_other_sizes(kernel, channels):
    spec = ConvolutionSpec(kernel=kernel, channels=channels, filters=XZAnsatz(1))
    patch = np.random.default_rng(0).normal(size=(2, channels, *kernel))
    layer = MeasuredOnce(spec, "grid:4x4", noise=None, shots=60_000, circuit="bases")
    found = layer.measure(patch)
    vectors = patch.reshape(2, -1) / np.linalg.norm(patch.reshape(2, -1), axis=1, keepdims=True)
    states = found.likeliest[0].states[:, : vectors.shape[1]]
    assert np.abs(np.sum(states * vectors, axis=1)).min() > 0.998


def test_the_misfit_tells_wrong_noise(measured):
    assert 0.8 < measured.misfit < 1.2
    circuit = "bases" if measured.circuits == BASES else "destructive"
    ideal = MeasuredOnce(SPEC, noise=None, shots=20_000, circuit=circuit)
    other = {"readout": {"p01": 0.1, "p10": 0.2}}
    assumed = MeasuredOnce(SPEC, noise=NOISE, assumed=other, shots=20_000, circuit=circuit)
    assert assumed.measure(IMAGES).misfit > 1.5
    assert ideal.measure(IMAGES).misfit < 1.2


def test_no_images_and_wrong_numbers_of_images():
    layer = MeasuredOnce(SPEC, shots=1200, circuit="bases")
    found = layer.measure(np.zeros((0, 4, 4)))
    assert found.overlaps(PARAMETERS).values.shape == (0, 2, 2, 2)
    assert found.misfit == 1.0
    for numbers in ([1, 2], [1, 2, 3, 4]):
        with pytest.raises(InputError, match="image_ids"):
            layer.measure(IMAGES, numbers)
    for numbers in (
        [-1, 2, 3],
        [0.5, 1, 2],
        [np.nan, 1, 2],
        [True, False, True],
        "abc",
        [2**63] * 3,
    ):
        with pytest.raises(InputError, match="image_ids must be 3 whole numbers"):
            layer.measure(IMAGES, numbers)
    same = layer.measure(IMAGES[[0, 0]], [4, 4])
    assert same.counts[0].shape[0] == 32


def test_large_registers_are_refused():
    spec = ConvolutionSpec(kernel=(6, 6), filters=XZAnsatz(1))
    layer = MeasuredOnce(spec, shots=1200, circuit="bases")
    with pytest.raises(InputError, match="smaller kernel"):
        layer.measure(np.ones((1, 6, 6)))


def test_images_of_equal_numbers_take_from_their_stream_in_turn(monkeypatch):
    layer = MeasuredOnce(SPEC, shots=1200, circuit="bases")
    whole = layer.measure(IMAGES[[0, 0]], [4, 4])
    monkeypatch.setattr("qucnn_cirq.image_blocks.BLOCK_ELEMENTS", 1)
    blocks = layer.measure(IMAGES[[0, 0]], [4, 4])
    np.testing.assert_array_equal(np.concatenate(blocks.counts), whole.counts[0])


def test_one_filter_stands_for_a_list_of_it(measured):
    fixed = FixedFilter(np.arange(1.0, 5).reshape(2, 2))
    alone = measured.overlaps(filters=fixed)
    np.testing.assert_array_equal(alone.values, measured.overlaps(filters=[fixed]).values)


def test_what_is_out_of_range_is_refused():
    with pytest.raises(InputError, match="patches = 0"):
        MeasuredOnce(SPEC, shots=1200, circuit="bases").conditioning(0)
    elsewhere = {"readout": {"qubits": {"q(99, 99)": {"p01": 0.1}}}}
    with pytest.raises(InputError, match="99"):
        MeasuredOnce(SPEC, assumed=elsewhere, shots=1200, circuit="bases")


def test_a_small_pixel_by_itself_has_the_right_sign():
    """Few outcomes tell it, and chi squared no mistake: draws in which the search had it wrong."""
    patch = np.zeros((4, 4))
    patch[0, 0], patch[3, 2:] = 24, (91, 212)
    spec = ConvolutionSpec(filters=FixedFilter(np.eye(4)))
    noise = {"depolarizing": {"p1": 0.001, "p2": 0.005}, "readout": {"p01": 0.01, "p10": 0.03}}
    exact = (np.trace(patch) / 2) ** 2 / (patch**2).sum()
    for seed in (16, 24, 28, 33):
        once = MeasuredOnce(spec, noise=noise, shots=10_000, seed=seed, circuit="bases")
        found = once.measure(patch[None]).overlaps()
        assert abs(found.values.item() - exact) < 4 * np.sqrt(found.variances.item())


def test_what_is_kept_of_a_patch_is_small():
    """Vector and counts, without copies of the patches or anything that is kept beside them."""
    layer = MeasuredOnce(SPEC, noise=NOISE, shots=1200, circuit="bases")
    images = np.random.default_rng(0).uniform(0.1, 1, (60, 16, 16))
    layer.measure(images[:1])

    def kept_bytes(count):
        gc.collect()
        tracemalloc.start()
        measured = layer.measure(images[:count])
        gc.collect()
        current = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert measured.counts[0].dtype == np.uint8
        return current

    each = (kept_bytes(60) - kept_bytes(20)) / (40 * 64)
    # 4 amplitudes, 12 circuits of 4 outcomes, and a few numbers.
    assert each < 4 * 8 + 48 + 24


def test_blocks_give_what_all_at_once_gives(monkeypatch):
    monkeypatch.setattr(image_blocks, "BLOCK_ELEMENTS", 64)
    monkeypatch.setattr(image_blocks, "_FEWEST_ELEMENTS", 64)
    layer = MeasuredOnce(SPEC, noise=NOISE, shots=1200, circuit="bases")
    blocks = list(layer.blocks(IMAGES))
    assert len(blocks) == 3
    maps = [block.overlaps(PARAMETERS) for block in blocks]
    whole = layer.measure(IMAGES).overlaps(PARAMETERS)
    for found, expected in zip(zip(*maps, strict=True), whole, strict=True):
        np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-7)


@pytest.mark.parametrize("circuit", ["bases", "destructive"])
def test_intervals_hold_at_a_million_shots(circuit):
    """Words that load few vectors have effects that are no forms: their patches are looked up."""
    spec = ConvolutionSpec(kernel=(4, 4), stride=4, filters=XZAnsatz(1))
    patches = extract_patches(load_mnist("train", 3).images, spec)
    layer = MeasuredOnce(spec, noise=NOISE, shots=1_000_000, seed=3, circuit=circuit)
    (found,) = layer.measure(patches).likeliest
    vectors = np.random.default_rng(1).normal(size=(30, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    forms = overlap_forms(vectors.astype(complex))
    estimates = found.estimates(forms)
    errors = np.abs(estimates.values - evaluated(forms, patches.states))
    assert np.mean(errors < 1.96 * np.sqrt(estimates.variances)) > 0.9
    # 0.0008 without looking up.
    assert np.sqrt(np.mean(errors**2)) < 6e-4
