"""Methods that run further circuits, as a layer's mitigation."""

import copy
import pickle

import numpy as np
import pytest

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.errors import InputError
from qucnn_cirq.mitigation import CircuitMitigation, SelfOverlap, ZeroNoiseExtrapolation
from qucnn_cirq.mitigation.self_overlap import rescaling

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}
KERNELS = np.random.default_rng(1).normal(size=(2, 2, 2))


def a_layer(filters=None, overlap="destructive", **settings):
    filters = [FixedFilter(each) for each in KERNELS] if filters is None else filters
    program = compile_convolution(ConvolutionSpec(kernel=2, filters=filters, overlap=overlap))
    return QuantumConvolution(program, noise=NOISE, seed=3, **settings)


def some_images(count=2):
    images = np.random.default_rng(0).random((count, 4, 5))
    images[0, :2, :2] = 0
    return images


def error(overlaps, layer):
    exact = ideal_overlaps(overlaps.patches, layer.program.spec)
    return np.sqrt(np.mean((overlaps.estimates - exact) ** 2))


@pytest.mark.parametrize(
    ("overlap", "method"),
    [
        *((overlap, "zne") for overlap in ("ancilla", "destructive", "inversion")),
        *((overlap, "pec") for overlap in ("ancilla", "destructive", "inversion")),
        # Of the ancilla test noise this strong does not leave one factor.
        *((test, SelfOverlap(calibration_shots=10**9)) for test in ("destructive", "inversion")),
    ],
)
def test_maps_become_less_wrong(overlap, method):
    images = some_images()
    raw, layer = (a_layer(overlap=overlap, shots=None, mitigation=m) for m in (None, method))
    found = layer.run(images)
    assert error(found, layer) < 0.7 * error(raw.run(images), raw)
    assert (found.variance == 0).all() and found.counts is None
    assert layer.mitigation.reason.endswith("asked for")


def test_shots_scatter_by_the_variance_and_belong_to_patches():
    images = some_images(6)
    layer = a_layer(shots=3000, mitigation="zne")
    found, limit = layer.run(images), a_layer(shots=None, mitigation="zne").run(images)
    z = (found.estimates - limit.estimates) / np.sqrt(found.variance)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1, abs=0.25)
    halves = [layer.forward(images[:2]), layer.forward(images[2:])]
    assert np.concatenate(halves) == pytest.approx(found.maps, abs=1e-13)
    assert not np.allclose(layer.forward(images, draw=1), found.maps)
    # Equal patches of one image, and equal images, have shots of their own.
    same = layer.run(np.ones((2, 4, 5)))
    assert len(np.unique(same.estimates[0].round(12))) > 8


def test_the_shift_rule_takes_mitigated_overlaps():
    images, upstream = some_images(), np.ones((2, 1, 3, 4))
    ideal = a_layer([XZAnsatz(1)], shots=None)
    ideal.noise = type(ideal.noise)(ideal.noise.configuration.from_mapping({}))
    layers = [a_layer([XZAnsatz(1)], shots=None, mitigation=name) for name in (None, "zne")]
    for layer in (ideal, *layers):
        layer.forward(images)
    exact = ideal.backward(upstream)
    raw, found = (np.abs(layer.backward(upstream) - exact).max() for layer in layers)
    assert found < 0.5 * raw


def test_layers_with_a_method_are_copied():
    layer = a_layer(shots=100, mitigation=ZeroNoiseExtrapolation((1, 3)))
    expected = layer.forward(some_images())
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (other.forward(some_images()) == expected).all()


def test_what_is_no_method_is_refused():
    with pytest.raises(InputError, match="is no method of mitigation"):
        CircuitMitigation("zne", None)
    with pytest.raises(InputError, match="give at least one shot to each"):
        a_layer(shots=1, mitigation="zne").forward(some_images())
    layer = a_layer([XZAnsatz(1)], overlap="ancilla", shots=100, mitigation="zne")
    layer.forward(some_images())
    with pytest.raises(InputError, match="in-circuit gradient reads one ancilla"):
        layer.backward(np.ones((2, 1, 3, 4)), "in_circuit")


def test_the_reason_names_all_estimators_of_a_chain_in_order():
    for names in (["mixed", "readout", "two_point"], ["readout", "two_point"], ["raw"]):
        layer = a_layer(mitigation=names)
        assert layer.mitigation.reason == f"{'+'.join(names)}: asked for"
    assert a_layer(mitigation="pauli_weights").mitigation.reason == "pauli_weights: asked for"
    corrected = a_layer(mitigation="raw+readout").mitigation.reason
    assert corrected == "readout: asked for"


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_self_overlaps_know_what_a_short_circuit_of_the_filter_loads(overlap):
    """A word loads this filter, and not all the patches that are put in its place."""
    spec = ConvolutionSpec((4, 4), 4, filters=FixedFilter(np.arange(1.0, 17)), overlap=overlap)
    program = compile_convolution(spec)
    images = np.random.default_rng(0).normal(size=(20, 4, 4)) ** 2
    layers = [QuantumConvolution(program, shots=None, mitigation=m) for m in ("self_overlap", None)]
    np.testing.assert_allclose(*[each.forward(images) for each in layers], atol=1e-9)


def test_damping_that_no_self_overlap_tells_is_refused():
    own = np.array([0.99, 0.3])
    means = np.array([[0.4, 0.4], [0.8, 0.3], [0.9, 0.9]])
    found = rescaling(0.0625, own)(means)
    # Of the second patch that of the filter stands for both.
    expected = 0.0625 + 0.9375 * (0.4 - 0.0625) / (0.9 - 0.0625)
    np.testing.assert_allclose(found[1], expected)
    assert found[0] > found[1]
    with pytest.raises(InputError, match="1 of 2"):
        rescaling(0.0625, own, has_filter=False)
