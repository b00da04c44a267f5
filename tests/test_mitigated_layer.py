"""A layer whose overlaps are made of all outcomes."""

import copy
import pickle
from itertools import product

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
from qucnn_cirq.estimators import (
    Auto,
    Estimates,
    Estimator,
    Mitigation,
    Optimal,
    Raw,
    Readout,
    Training,
)
from qucnn_cirq.patches import extract_patches

NOISE = {"depolarizing": {"p1": 0.004, "p2": 0.02}, "readout": {"p01": 0.02, "p10": 0.05}}


def a_layer(overlap="destructive", filters=None, **settings):
    filters = [XZAnsatz(1), XZAnsatz(1)] if filters is None else filters
    program = compile_convolution(ConvolutionSpec(kernel=2, filters=filters, overlap=overlap))
    return QuantumConvolution(program, noise=NOISE, seed=3, **settings)


def some_images(count=2):
    images = np.random.default_rng(0).random((count, 4, 5))
    images[0, :2, :2] = 0
    return images


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_raw_without_shots_is_the_layer_without_mitigation(overlap):
    images = some_images()
    plain = a_layer(overlap, shots=None).run(images)
    found = a_layer(overlap, shots=None, mitigation="raw").run(images)
    assert found.estimates == pytest.approx(plain.estimates, abs=1e-12)
    assert (found.variance == 0).all()
    assert found.counts is None
    assert found.exact == pytest.approx(plain.exact, abs=1e-12)


def test_raw_with_shots_is_as_precise_and_does_not_depend_on_batches():
    images = some_images(6)
    layer = a_layer(shots=500, mitigation="raw")
    found = layer.run(images)
    exact = a_layer(shots=None).run(images)
    z = (found.estimates - exact.estimates) / np.sqrt(exact_variance(exact, 500))
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1, abs=0.3)
    assert found.variance.mean() == pytest.approx(exact_variance(exact, 500).mean(), rel=0.1)
    halves = [layer.forward(images[:2]), layer.forward(images[2:])]
    assert np.concatenate(halves) == pytest.approx(found.maps, abs=1e-13)


def exact_variance(overlaps, shots):
    return (1 - overlaps.exact**2) / shots


@pytest.mark.parametrize("engine", ["exact", "qsim", "sampler"])
def test_outcomes_are_kept_and_serve_other_estimators(engine):
    images = some_images(3)
    layer = a_layer(engine=engine, shots=200, keep_outcomes=True)
    found = layer.run(images)
    table = layer.program.filters[0].template.observable.table
    assert len(found.outcomes) == 2
    for kept, counts, estimates in zip(found.outcomes, found.counts, found.estimates, strict=True):
        assert kept.shape == (found.grid.n_occupied, 16)
        assert (kept.sum(axis=1) == 200).all()
        assert (kept.toarray()[:, table == 1].sum(axis=1) == counts).all()
        assert kept @ table / 200 == pytest.approx(estimates)


def test_outcomes_do_not_depend_on_blocks(monkeypatch):
    images = some_images(5)
    whole = a_layer(shots=200, keep_outcomes=True).run(images)
    monkeypatch.setattr("qucnn_cirq.execution._MOST_COUNTED", 1)
    parts = a_layer(shots=200, keep_outcomes=True).run(images)
    for one, other in zip(whole.outcomes, parts.outcomes, strict=True):
        assert (one != other).nnz == 0
    ids = [4, 4, 2, 4, 2]
    several = a_layer(shots=200, keep_outcomes=True).run(images, image_ids=ids)
    assert several.counts.shape == whole.counts.shape


def test_structures_are_stacked_in_order():
    kernels = np.random.default_rng(1).normal(size=(2, 2, 2))
    filters = [FixedFilter(kernels[0]), FixedFilter(np.eye(2)), FixedFilter(kernels[1])]
    images = some_images()
    plain = a_layer(filters=filters, shots=None).run(images)
    found = a_layer(filters=filters, shots=None, mitigation=Raw()).run(images)
    assert found.estimates == pytest.approx(plain.estimates, abs=1e-12)


@pytest.mark.parametrize("shots", [None, 2_000_000])
def test_the_shift_rule_takes_mitigated_overlaps(shots):
    images = some_images()
    upstream = np.random.default_rng(2).normal(size=(2, 2, 3, 4))
    plain, mitigated = (
        a_layer(shots=each, mitigation=name) for each, name in ((None, None), (shots, "raw"))
    )
    plain.forward(images), mitigated.forward(images)
    found = mitigated.gradient(upstream)
    expected = plain.backward(upstream)
    tolerance = 1e-12 if shots is None else 6 * np.sqrt(found.variance.max())
    assert found.values == pytest.approx(expected, abs=tolerance)


def test_what_reads_single_outcomes_is_refused():
    images, upstream = some_images(), np.ones((2, 2, 3, 4))
    layer = a_layer("ancilla", shots=100, mitigation="raw")
    layer.forward(images)
    with pytest.raises(InputError, match="in-circuit gradient reads one ancilla"):
        layer.backward(upstream, "in_circuit")
    with pytest.raises(InputError, match="'coin' multiplies single outcomes"):
        layer.backward(upstream, "coin")


def test_a_mitigation_may_assume_another_noise():
    layer = a_layer(shots=None)
    other = Mitigation(Raw(), layer.noise, layer.engine)
    assert a_layer(mitigation=other).mitigation is other
    assert "raw: asked for" in repr(other)


@pytest.mark.parametrize("names", ["readout+two_point", ["readout", "two_point"]])
def test_several_estimators_correct_one_another(names):
    images = some_images()
    kernels = [FixedFilter(np.random.default_rng(1).normal(size=(2, 2)))]
    layer = a_layer(filters=kernels, shots=None, mitigation=names)
    raw = a_layer(filters=kernels, shots=None)
    exact = ideal_overlaps(layer.run(images).patches, layer.program.spec)
    found, without = layer.run(images).estimates - exact, raw.run(images).estimates - exact
    assert np.sqrt((found**2).mean()) < 0.2 * np.sqrt((without**2).mean())


def test_auto_takes_what_the_circuits_allow():
    images = some_images()
    kernels = [FixedFilter(np.random.default_rng(1).normal(size=(2, 2)))]
    cases = {
        "destructive": "likelihood: the noise is known",
        "inversion": "readout and two_point: outcomes do not tell patches",
        "ancilla": "readout and two_point: outcomes do not tell patches",
    }
    for overlap, reason in cases.items():
        layer = a_layer(overlap, kernels, shots=None, mitigation="auto")
        assert layer.mitigation.reason == "nothing was estimated yet"
        found = layer.run(images)
        exact = ideal_overlaps(found.patches, layer.program.spec)
        raw = a_layer(overlap, kernels, shots=None).run(images)
        assert layer.mitigation.reason.startswith(reason)
        assert np.abs(found.estimates - exact).mean() < 0.5 * np.abs(raw.estimates - exact).mean()
    trained = a_layer(shots=None, mitigation="auto")
    trained.forward(images)
    assert "the filter has angles, for which 'measured_once'" in trained.mitigation.reason


def test_auto_without_known_noise_uses_the_shots_better_and_corrects_nothing():
    program = a_layer().program
    layer = QuantumConvolution(program, shots=1000, seed=1, mitigation="auto")
    plain = QuantumConvolution(program, shots=1000, seed=1, keep_outcomes=True)
    images = some_images()
    assert layer.run(images).variance.mean() < 0.8 * plain.run(images).variance.mean()
    assert layer.mitigation.reason.startswith("mixed_each: no noise is known")


def test_what_is_no_mitigation_is_refused():
    with pytest.raises(InputError, match="unknown mitigation 'rawe'. Did you mean 'raw'"):
        a_layer(mitigation="rawe")
    with pytest.raises(InputError, match="unknown mitigation 'self-overlap'.* 'self_overlap'"):
        a_layer(mitigation="self-overlap")
    with pytest.raises(InputError, match="needs a circuit of the destructive test as well"):
        a_layer(mitigation="purity")
    with pytest.raises(InputError, match="mitigation = 3 is no estimator: give one of "):
        a_layer(mitigation=3)


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4])
@pytest.mark.parametrize("overlap", ["destructive", "inversion"])
def test_states_of_filters_follow_from_their_angles(n_qubits, overlap):
    """Of a circuit, of one that is loaded as a vector, and of a fixed vector."""
    generator = np.random.default_rng(n_qubits)
    kernel = (1, 2**n_qubits)
    spec = ConvolutionSpec(kernel=kernel, filters=XZAnsatz(1), overlap=overlap)
    rows = generator.uniform(-np.pi, np.pi, (3, spec.n_parameters))
    expected = XZAnsatz(1).states(n_qubits, rows)
    for load_filters in (False, True):
        program = compile_convolution(spec, load_filters=load_filters)
        compiled = program.filters[0]
        found = compiled.filter_states(compiled.filter_table(rows))
        overlaps = np.abs(np.einsum("ri,ri->r", found.conj(), expected))
        assert overlaps == pytest.approx(np.ones(3), abs=1e-9)


@pytest.mark.parametrize(
    "mitigation", ["raw", "mixed_each", "likelihood", "auto", ["readout", "two_point"], "optimal"]
)
@pytest.mark.parametrize("way", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_layers_are_copied_before_and_after_a_pass(mitigation, way):
    images, fixed = some_images(1), FixedFilter(np.arange(1.0, 5).reshape(2, 2))
    if mitigation == "optimal":
        mitigation = Optimal(np.eye(4))
    layer = a_layer(filters=fixed, shots=100, mitigation=mitigation)
    before, maps = way(layer), layer.forward(images)
    for other in (before, way(layer)):
        assert other.forward(images) == pytest.approx(maps, abs=1e-12)
    assert layer.mitigation is not None
    assert way(layer).mitigation.estimator is not layer.mitigation.estimator


def test_halves_of_shots_do_not_depend_on_the_batch():
    images = some_images(6)
    layer = a_layer(shots=500, mitigation="mixed_each")
    maps = layer.forward(images)
    assert layer.forward(images[2:]) == pytest.approx(maps[2:], abs=1e-12)
    assert layer.forward(images[::-1]) == pytest.approx(maps[::-1], abs=1e-12)


def test_halves_of_very_many_shots():
    images = some_images(1)
    found = a_layer(shots=10**12, mitigation="mixed_each").forward(images)
    assert found == pytest.approx(
        a_layer(shots=None, mitigation="mixed_each").forward(images), abs=1e-5
    )


@pytest.mark.parametrize("mitigation", ["auto", "unbiased", "readout+two_point"])
def test_a_program_with_a_reader_is_mitigated_as_one_without(mitigation):
    images = some_images(1)
    filters = [XZAnsatz(1)]
    spec = ConvolutionSpec(kernel=2, filters=filters, backward=True)
    program = compile_convolution(spec)
    exact = QuantumConvolution(program, shots=None).forward(images)
    plain = QuantumConvolution(program, noise=NOISE, shots=None).forward(images)
    found = QuantumConvolution(program, noise=NOISE, shots=None, mitigation=mitigation)
    left = np.abs(found.forward(images) - exact).max()
    assert left < 0.3 * np.abs(plain - exact).max()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: a_layer(mitigation="optimal"), "learns from patches"),
        (lambda: a_layer(mitigation=[]), r"mitigation = \[\]"),
        (lambda: Auto(shots="many"), "shots = 'many'"),
        (lambda: Training([[1.0, 0.0], [0.0]]), "training is ragged"),
        (lambda: Training(np.eye(3)), "training patches have shape"),
        (
            lambda: a_layer(
                shots=10,
                mitigation=Readout(shots=2, device={"readout": {"p01": 0.5, "p10": 0.5}}),
            ).forward(some_images(1)),
            "tells nothing",
        ),
    ],
)
def test_wrong_estimators_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_gradient_keeps_no_outcomes():
    images = some_images(1)
    upstream = np.ones((1, 2, 3, 4))
    layers = [a_layer(shots=500, keep_outcomes=keeps) for keeps in (False, True)]
    for layer in layers:
        layer.forward(images)
    plain, kept = (layer.gradient(upstream) for layer in layers)
    np.testing.assert_array_equal(kept.values, plain.values)


def test_auto_says_why_it_does_not_calibrate():
    spec = ConvolutionSpec(
        kernel=2, filters=FixedFilter(np.arange(1.0, 5).reshape(2, 2)), overlap="inversion"
    )
    noise = {"readout": {"p01": 0.5, "p10": 0.5}}
    layer = QuantumConvolution(compile_convolution(spec), noise=noise, mitigation="auto")
    layer.forward(some_images(1))
    assert layer.mitigation is not None
    assert layer.mitigation.reason.startswith("raw: outcomes do not tell patches, and calibration")
    assert "tells nothing" in layer.mitigation.reason


class Spread(Estimator):
    name, assumes = "spread", "nothing"

    def estimate(self, reading, counts, forms=None):
        return Estimates(np.zeros(1), np.zeros(1))


class Nothing(Spread):
    name = "nothing"

    def estimate(self, reading, counts, forms=None):
        return None


@pytest.mark.parametrize(("own", "shots"), [(Spread(), None), (Spread(), 10), (Nothing(), 10)])
def test_an_estimator_of_ones_own_gives_a_value_for_each_patch(own, shots):
    layer = a_layer(shots=shots, mitigation=own)
    with pytest.raises(InputError, match=r"each of shape \(1, "):
        layer.forward(some_images(1))


def test_a_mitigation_takes_names_of_noise_and_engine():
    named = Mitigation(Raw(), "willow_pink", "exact")
    assert named.engine.name == "exact" and not named.noise.is_ideal
    with pytest.raises(InputError, match="estimator = 'raw' is no estimator"):
        Mitigation("raw", None)
    with pytest.raises(InputError, match="unknown noise"):
        Mitigation(Raw(), "quiet")


@pytest.mark.parametrize(
    ("overlap", "mitigation"),
    [
        # The outcomes of the other tests tell too little for a value that is right for every state.
        ("destructive", "unbiased"),
        *product(["ancilla", "destructive", "inversion"], [["readout", "two_point"], "optimal"]),
    ],
)
def test_fixed_filters_that_share_circuits_are_each_compared_with_its_own(overlap, mitigation):
    images = some_images(1)
    values = [[[1.0, -2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], [[-1.0, 0.5], [2.0, 0.1]]]
    filters = [FixedFilter(np.array(each)) for each in values]
    if mitigation == "optimal":
        mitigation = Optimal(np.eye(4))
    layer = a_layer(overlap, filters=filters, shots=None, mitigation=mitigation)
    assert overlap == "inversion" or len(layer.program.structures) == 1
    patches = extract_patches(images, layer.program.spec)
    exact = patches.to_maps(ideal_overlaps(patches, layer.program.spec))
    assert layer.forward(images) == pytest.approx(exact, abs=0.02)


def test_calibration_does_not_jump_where_angles_change_a_little():
    filters, images = [XZAnsatz(2)], some_images(1)
    parameters = np.random.default_rng(4).uniform(0, 6, (1, 8))
    layer = a_layer("inversion", filters, shots=None, mitigation="two_point", parameters=parameters)
    upstream = np.ones_like(layer.forward(images))
    shifted, finite = (
        layer.backward(upstream, method) for method in ("parameter_shift", "finite_differences")
    )
    assert finite == pytest.approx(shifted, abs=0.1)
