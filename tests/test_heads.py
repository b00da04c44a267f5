"""Heads: gradients against finite differences, small trainings, scikit-learn's conventions."""

import copy
import functools
import pickle
import warnings

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from qucnn_cirq import ConvolutionSpec, QuantumConvolution, compile_convolution
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.encodings import AMPLITUDES, DenseAngle
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, FixedFilter, RandomCircuit, Unentangled, XZAnsatz
from qucnn_cirq.heads import (
    AdversarialPair,
    BinaryClassifier,
    BodyClassifier,
    IdealOverlaps,
    LayerOverlaps,
    LinearClassifier,
    NearestCentroid,
    PrincipalComponents,
    QuantumMaps,
    QuClassiClassifier,
    RandomCosines,
    SampledOverlaps,
    SoftmaxClassifier,
    adversarial,
    binary,
    body,
    hellinger_distance,
    outcome_indicators,
    resized,
    unit_rows,
)

BODY = XZAnsatz(2, ("y", "z"), "ring")
CLASSIFIERS = {
    "class_states": QuClassiClassifier(epochs=3, batch=8),
    "class_states_alone": QuClassiClassifier(training="own_class", epochs=2, batch=8),
    "body": BodyClassifier(BODY, epochs=3),
    "body_mean_square": BodyClassifier(BODY, epochs=3, loss="mean_square"),
    "binary": BinaryClassifier(epochs=3),
    "real": BinaryClassifier(epochs=3, weights="real"),
    "softmax": SoftmaxClassifier(),
    "centroid": NearestCentroid(),
}


def digits(split, wanted, count):
    """The first images of some digits, and what they show."""
    images = load_mnist(split)
    chosen = np.flatnonzero(np.isin(images.labels, wanted))[:count]
    return images.images[chosen] / 255, images.labels[chosen].astype(int)


@functools.cache
def components(count):
    """Principal components of threes and sixes: to train with, then to test with."""
    (images, labels), (others, right) = digits("train", (3, 6), 200), digits("test", (3, 6), 88)
    scaled = PrincipalComponents(count).fit(images.reshape(len(images), -1))
    return [
        (scaled.transform(each.reshape(len(each), -1)), wanted)
        for each, wanted in ((images, labels), (others, right))
    ]


def blobs(generator, classes, samples, features):
    """Samples within 0..1 around a centre for each class."""
    centres = generator.uniform(0.2, 0.8, (classes, features))
    numbers = np.arange(samples) % classes
    return (centres[numbers] + generator.normal(0, 0.1, (samples, features))).clip(0.01, 1), numbers


def circuit_state(angles, rotations):
    circuit = cirq.Circuit(
        gate(float(angle)).on(cirq.LineQubit(qubit))
        for gate, qubit, angle in zip(rotations, *angles, strict=True)
    )
    return cirq.Simulator(dtype=np.complex128).simulate(circuit).final_state_vector


@given(hnp.arrays(float, (1, 5), elements=st.floats(0, 1)))
@settings(max_examples=20, deadline=None)
def test_encodings_are_the_circuits_of_their_words(features):
    angles = 2 * np.arcsin(np.sqrt(features[0]))
    pairs = circuit_state(([0, 0, 1, 1, 2], angles), [cirq.ry, cirq.rz, cirq.ry, cirq.rz, cirq.ry])
    np.testing.assert_allclose(DenseAngle().states(features)[0], pairs, atol=1e-12)
    alone = circuit_state((range(5), angles), [cirq.ry] * 5)
    np.testing.assert_allclose(adversarial._states(features)[0], alone, atol=1e-12)


def test_slopes_of_overlaps_are_finite_differences():
    theta = sympy.Symbol("theta")
    qubits = cirq.LineQubit.range(2)
    shared = CircuitFilter(
        cirq.Circuit(
            cirq.rx(theta)(qubits[0]), cirq.ISWAP(*qubits) ** 0.5, cirq.ry(theta)(qubits[1])
        )
    )
    generator = np.random.default_rng(0)
    for filter_ in (BODY, shared, Unentangled(BODY)):
        overlaps = IdealOverlaps(filter_, 2)
        parameters = generator.uniform(-3, 3, (3, filter_.n_parameters(2)))
        features = generator.uniform(0, 1, (4, 4))
        upstream = generator.normal(size=(3, 4))
        products, slopes = overlaps.amplitudes(parameters, overlaps.encoded(features))
        ideal = overlaps(parameters, features)
        np.testing.assert_allclose(np.abs(products) ** 2, ideal, atol=1e-12)
        states = filter_.states(2, parameters)
        expected = np.abs(states.conj() @ DenseAngle().states(features).T) ** 2
        np.testing.assert_allclose(ideal, expected, atol=1e-12)
        moved = 1e-6 * generator.normal(size=parameters.shape)
        change = overlaps(parameters + moved, features) - overlaps(parameters - moved, features)
        assert (slopes(upstream) * moved).sum() == pytest.approx(
            (change * upstream).sum() / 2, abs=1e-10
        )


def test_sampled_overlaps_have_the_mean_and_the_variance_of_a_swap_test():
    sampled = SampledOverlaps(
        lambda parameters, features: np.full((1, 4000), 0.3), 100, np.random.default_rng(1)
    )
    found = sampled(np.zeros((1, 1)), np.zeros((4000, 1)))
    assert found.mean() == pytest.approx(0.3, abs=0.01)
    assert found.var() == pytest.approx((1 - 0.3**2) / 100, rel=0.1)


def test_a_compiled_layer_takes_the_place_of_linear_algebra():
    spec = ConvolutionSpec(kernel=(2, 2), filters=[BODY, BODY])
    program = compile_convolution(spec, device="grid:3x3")
    layer = QuantumConvolution(program, engine="exact", shots=None)
    generator = np.random.default_rng(2)
    parameters = generator.uniform(-3, 3, (3, BODY.n_parameters(2)))
    features = generator.uniform(0.1, 1, (4, 4))
    measured = LayerOverlaps(layer, (2, 2))(parameters, features)
    ideal = IdealOverlaps(BODY, 2, AMPLITUDES)(parameters, features)
    np.testing.assert_allclose(measured, ideal, atol=1e-6)
    labels = [0, 1, 0, 1]
    settings = {"training": "own_class", "encoding": AMPLITUDES, "epochs": 1, "batch": 4}
    by_layer = QuClassiClassifier(BODY, overlaps=LayerOverlaps(layer, (2, 2)), **settings)
    by_algebra = QuClassiClassifier(BODY, **settings)
    found = [each.fit(features, labels).predict_proba(features) for each in (by_layer, by_algebra)]
    np.testing.assert_allclose(*found, atol=1e-5)


def test_outcomes_of_the_qubits_that_are_read_are_told_apart():
    indicators = outcome_indicators((2, 0), 3)
    # Qubit 2 is the least significant bit of all and the most significant one of these.
    assert indicators[0b10].nonzero()[0].tolist() == [0b001, 0b011]
    assert (indicators.sum(axis=0) == 1).all()


@pytest.mark.parametrize("loss", body.LOSSES)
@pytest.mark.parametrize("classes", [2, 3])
def test_losses_of_outcomes_have_these_slopes(loss, classes):
    generator = np.random.default_rng(3)
    shares, numbers = generator.uniform(0.1, 1, (classes, 4)), generator.integers(classes, size=4)
    value, slopes = body._loss(loss, shares, numbers)
    likely = shares / shares.sum(axis=0)
    right = np.eye(classes)[numbers].T
    expected = {
        "cross_entropy": -np.log(likely[numbers, range(4)]).sum(),
        "mean_square": ((likely - right) ** 2).sum(),
    }
    assert value == pytest.approx(expected[loss])
    moved = 1e-6 * generator.normal(size=shares.shape)
    ahead, behind = (body._loss(loss, shares + s * moved, numbers)[0] for s in (1, -1))
    assert (slopes * moved).sum() == pytest.approx((ahead - behind) / 2, abs=1e-12)


def test_slopes_of_a_body_are_finite_differences():
    generator = np.random.default_rng(4)
    features, numbers = blobs(generator, 3, 9, 8)
    classifier = BodyClassifier(BODY, epochs=1).fit(features, numbers)
    states, parameters = unit_rows(features), generator.uniform(-3, 3, BODY.n_parameters(3))
    _, slopes = classifier._step(parameters, states, numbers)
    moved = 1e-6 * generator.normal(size=parameters.shape)
    ahead, behind = (classifier._step(parameters + s * moved, states, numbers)[0] for s in (1, -1))
    assert slopes @ moved == pytest.approx((ahead - behind) / 2, abs=1e-9)


@pytest.mark.parametrize("is_binary", [False, True])
def test_slopes_of_neurons_are_finite_differences(is_binary):
    generator = np.random.default_rng(5)
    hidden, head = generator.normal(size=(3, 4)), generator.normal(size=(4, 2))
    states = unit_rows(generator.uniform(0, 1, (6, 4)))
    wanted = np.eye(2)[generator.integers(2, size=6)]

    def loss(filters, head):
        return binary._slopes(filters, head, states, wanted)[0] / len(states)

    filters = binary._unit_filters(hidden, is_binary)
    _, by_filters, by_head = binary._slopes(filters, head, states, wanted)
    by_hidden = binary._through(by_filters, hidden, filters, is_binary)
    moved, turned = 1e-6 * generator.normal(size=(3, 4)), 1e-6 * generator.normal(size=(4, 2))
    expected = (loss(filters, head + turned) - loss(filters, head - turned)) / 2
    assert (by_head * turned).sum() == pytest.approx(expected, abs=1e-10)

    def at(sign):
        # Straight through: as if the weights were used themselves.
        if is_binary:
            return filters + sign * moved / 2
        return binary._unit_filters(hidden + sign * moved, is_binary)

    expected = (loss(at(1), head) - loss(at(-1), head)) / 2
    assert (by_hidden * moved).sum() == pytest.approx(expected, abs=1e-10)


def test_softmax_regression_is_at_its_minimum():
    generator = np.random.default_rng(6)
    features, numbers = blobs(generator, 3, 60, 5)
    classifier = SoftmaxClassifier(penalty=0.1).fit(features, numbers)
    scale = features.std(axis=0).max()
    missing = classifier.predict_proba(features) - np.eye(3)[numbers]
    slope = (features - features.mean(axis=0)).T @ missing / len(features) / scale
    np.testing.assert_allclose(slope, -0.1 * classifier.weights_ * scale, atol=1e-3)
    assert classifier.predict_proba(features).sum(axis=1) == pytest.approx(np.ones(60))


def test_principal_components_fill_what_they_learnt_from():
    generator = np.random.default_rng(7)
    given = generator.normal(size=(50, 4)) * [5, 3, 1, 0.1]
    scaled = PrincipalComponents(3).fit(given)
    np.testing.assert_allclose(np.abs(scaled.components_), np.eye(3, 4), atol=0.2)
    values = scaled.transform(given)
    np.testing.assert_allclose([values.min(axis=0), values.max(axis=0)], [[0] * 3, [1] * 3])
    assert scaled.transform(100 * given).max() == 1
    covariance = np.cov((given - scaled.mean_) @ scaled.components_.T, rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)


def test_resized_images_keep_their_mean():
    images = np.random.default_rng(8).uniform(size=(3, 28, 28))
    blocks = images.reshape(3, 4, 7, 4, 7).mean(axis=(2, 4))
    np.testing.assert_allclose(resized(images, 4, 4), blocks)
    np.testing.assert_allclose(resized(images, 16, 11).mean(axis=(1, 2)), images.mean(axis=(1, 2)))
    np.testing.assert_allclose(resized(images, 28, 28), images)


@pytest.mark.parametrize(
    ("resampling", "size"),
    # Its box counts whole pixels where the old ones are no multiple of the new ones.
    [("box", (4, 7)), *(("bilinear", size) for size in [(4, 4), (16, 11), (28, 1), (28, 28)])],
)
def test_images_are_resized_as_pillow_does(resampling: str, size: tuple[int, int]):
    images = np.random.default_rng(9).uniform(size=(2, 28, 28))
    own = Image.Resampling[resampling.upper()]
    theirs = [
        np.asarray(Image.fromarray(each.astype(np.float32)).resize(size[::-1], own))
        for each in images
    ]
    np.testing.assert_allclose(resized(images, *size, resampling), theirs, atol=1e-6)


def test_an_unknown_resampling_is_refused():
    with pytest.raises(InputError, match="unknown resampling 'cubic'"):
        resized(np.zeros((1, 4, 4)), 2, 2, "cubic")


def test_unit_rows_are_padded_and_never_zero():
    np.testing.assert_allclose(unit_rows([[3.0, 0, 4]]), [[0.6, 0, 0.8, 0]])
    with pytest.raises(InputError, match="row 1 is all zero"):
        unit_rows([[1.0, 0], [0, 0]])
    for scale in (1e300, 1e-300):
        np.testing.assert_allclose(unit_rows([[3 * scale, 4 * scale]]), [[0.6, 0.8]])


def test_random_cosines_approach_a_gaussian_kernel():
    points = np.random.default_rng(9).normal(size=(5, 3))
    features = RandomCosines(20_000, width=0.7).fit_transform(points)
    distances = ((points[:, None] - points) ** 2).sum(axis=-1)
    np.testing.assert_allclose(features @ features.T, np.exp(-0.49 * distances / 2), atol=0.05)


def test_an_unentangled_body_has_product_states_and_the_same_parameters():
    alone = Unentangled(BODY)
    assert alone.n_parameters(3) == BODY.n_parameters(3)
    parameters = np.random.default_rng(10).uniform(-3, 3, (2, 12))
    for state in alone.states(3, parameters):
        for qubit in range(3):
            rows = np.moveaxis(state.reshape(2, 2, 2), qubit, 0).reshape(2, 4)
            assert np.linalg.svd(rows)[1][1] == pytest.approx(0, abs=1e-12)
    assert Unentangled.from_mapping(alone.to_mapping()) == alone


@pytest.mark.parametrize(
    ("classifier", "least"),
    [
        (QuClassiClassifier(epochs=20, batch=20, rate=0.05), 0.94),
        (QuClassiClassifier(training="own_class", epochs=10, batch=10, shots=10_000), 0.94),
        (BinaryClassifier(epochs=20), 0.88),
        (NearestCentroid(), 0.94),
        (SoftmaxClassifier(), 0.94),
    ],
)
def test_threes_are_told_from_sixes(classifier, least):
    (features, labels), (others, right) = components(16)
    assert classifier.fit(features, labels).score(others, right) >= least


def test_a_body_tells_zeros_from_ones():
    (images, labels), (others, right) = digits("train", (0, 1), 200), digits("test", (0, 1), 109)
    small = [resized(each, 8, 8).reshape(-1, 64) for each in (images, others)]
    chosen = XZAnsatz(4, ("y",), "ring")
    classifier = BodyClassifier(chosen, epochs=15, rate=0.05).fit(small[0], labels)
    assert classifier.score(small[1], right) >= 0.9
    assert classifier.losses_[-1] < classifier.losses_[0]


def test_an_adversarial_pair_without_repulsion_learns_the_mean():
    generator = np.random.default_rng(11)
    given = generator.normal([0.3, 0.7], 0.02, (200, 2)).clip(0, 1)
    pair = AdversarialPair(XZAnsatz(2, ("y",)), epochs=60, rate=0.05, repulsion=0).fit(given)
    assert pair.fidelities_[-1] > 0.99
    made = pair.sample(2000, 20)
    np.testing.assert_allclose(made.mean(axis=0), [0.3, 0.7], atol=0.03)
    assert made.std(axis=0) == pytest.approx(np.sqrt([0.21, 0.21]) / np.sqrt(20), rel=0.1)


def test_repulsion_keeps_a_pair_from_meeting():
    given = np.random.default_rng(12).normal([0.3, 0.7], 0.02, (200, 2)).clip(0, 1)
    settings = {"epochs": 40, "rate": 0.05}
    alone, apart = (
        AdversarialPair(XZAnsatz(2, ("y",)), repulsion=r, **settings).fit(given).fidelities_[-5:]
        for r in (0, 1)
    )
    assert apart.mean() < alone.mean() - 0.05


def test_hellinger_distances_lie_between_equal_and_disjoint():
    low, high = np.full((10, 2), 0.1), np.full((10, 2), 0.9)
    assert hellinger_distance(low, low) == 0
    assert hellinger_distance(low, high) == 1
    half = np.concatenate([low, high])
    assert hellinger_distance(low, half) == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))
    for wrong, said in ((low + 1, "0 to 1"), (low * np.nan, "NaN"), (low[:0], "0 sample")):
        with pytest.raises(InputError, match=said):
            hellinger_distance(low, wrong)
    with pytest.raises(InputError, match="bins = 0"):
        hellinger_distance(low, high, 0)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_names_the_classes_it_was_given(name):
    generator = np.random.default_rng(13)
    features, numbers = blobs(generator, 3, 30, 4)
    names = np.array(["cat", "dog", "owl"])
    kind, settings = type(CLASSIFIERS[name]), CLASSIFIERS[name].get_params()
    classifier = kind(**settings)
    assert classifier.fit(features, names[numbers]) is classifier
    assert classifier.classes_.tolist() == ["cat", "dog", "owl"]
    assert classifier.n_features_in_ == 4
    shares = classifier.predict_proba(features)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (classifier.predict(features) == names[shares.argmax(axis=1)]).all()
    right = np.mean(names[shares.argmax(axis=1)] == names[numbers])
    assert classifier.score(features, names[numbers]) == pytest.approx(right)
    again = kind(**settings).fit(features, names[numbers])
    assert (again.predict_proba(features) == shares).all()
    with pytest.raises(InputError, match="3 features, but .* is expecting 4"):
        classifier.predict(features[:, :3])


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_bad_samples_are_refused_in_one_line(name):
    kind, settings = type(CLASSIFIERS[name]), CLASSIFIERS[name].get_params()
    good = np.full((4, 4), 0.5)
    for features, labels, said in (
        (np.full((4, 4), np.nan), [0, 1, 0, 1], "NaN"),
        (good[0], [0, 1, 0, 1], "Reshape"),
        (good[:0], [], "0 sample"),
        (good, [0, 1, 0], "4 samples"),
        (good, [0, 0, 0, 0], "1 class"),
        (good, [0, 0.5, 0, 1], "fractions"),
        (good, None, "requires y"),
        (good, np.array(["a", 1, "a", 1], object), "int, str"),
        (good, np.array([None, 1, None, 1], object), "none missing"),
        (good, [float("nan"), 1, 0, 1], "NaN"),
        (good, np.array([0, 1, 0, 1]) * 1j, "complex"),
        (good, [[1, 2], [3], [4], [5]], "ragged"),
        (good, np.ma.masked_equal([0, 1, 0, 1], 1), "masked"),
    ):
        classifier = kind(**settings)
        with pytest.raises(InputError, match=said):
            classifier.fit(features, labels)
        assert not classifier.__sklearn_is_fitted__()
    with pytest.raises(InputError, match="call fit first"):
        kind(**settings).predict(good)


def test_a_score_is_of_classes_of_the_same_kind_and_shape():
    features, numbers = blobs(np.random.default_rng(15), 2, 10, 4)
    classifier = NearestCentroid().fit(features, numbers)
    right = classifier.score(features, numbers)
    assert right == np.mean(classifier.predict(features) == numbers)
    for same in (numbers[:, None], numbers.astype(float), numbers.astype(object)):
        assert classifier.score(features, same) == right
    assert classifier.score(features, numbers + 5) == 0
    for wrong, said in (
        (None, "requires y"),
        (numbers[:3], "10 samples"),
        (numbers.astype(str), "same kind"),
        (np.eye(2)[numbers], "10 samples"),
    ):
        with pytest.raises(InputError, match=said):
            classifier.score(features, wrong)
    named = NearestCentroid().fit(features, numbers.astype(str).astype(object))
    assert named.score(features, numbers.astype(str)) == right
    with pytest.raises(InputError, match="same kind"):
        named.score(features, numbers)


@pytest.mark.parametrize("wrong", [np.zeros(10, int), np.arange(9)])
def test_who_fails_to_learn_again_has_not_learnt(wrong):
    features, numbers = blobs(np.random.default_rng(15), 2, 10, 4)
    classifier = NearestCentroid().fit(features, numbers)
    with pytest.raises(InputError):
        classifier.fit(features[:, :3], wrong)
    with pytest.raises(InputError, match="call fit first"):
        classifier.predict(features)


def test_a_pair_that_fails_to_learn_makes_nothing():
    pair = AdversarialPair(XZAnsatz(1, ("y",)), epochs=1).fit(np.full((4, 2), 0.5))
    assert pair.sample(3, 5).shape == (3, 2)
    with pytest.raises(InputError):
        pair.fit(np.full((4, 2), 1.5))
    with pytest.raises(InputError, match="call fit first"):
        pair.sample(3, 5)


def test_ridge_regression_checks_what_it_is_given():
    features, numbers = blobs(np.random.default_rng(15), 2, 10, 4)
    classifier = LinearClassifier.fit(features, numbers)
    again = LinearClassifier.fit(features, numbers.astype(float))
    assert (again.weights == classifier.weights).all()
    for given_, labels, said in (
        (np.where(features > 0, np.nan, features), numbers, "NaN"),
        (features[:, 0], numbers, "Reshape"),
        (features, numbers[:3], "labels have shape"),
        (features, numbers.astype(str), "labels has entries"),
    ):
        with pytest.raises(InputError, match=said):
            LinearClassifier.fit(given_, labels)
    with pytest.raises(InputError, match="3 features"):
        classifier.predict(features[:, :3])
    often = LinearClassifier.fit(np.ones((3, 2)), [4, 4, 7])
    assert often.predict(np.ones((1, 2))).tolist() == [4]


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (QuClassiClassifier(training="shift"), "training 'shift'"),
        (QuClassiClassifier(shots=10), "shots"),
        (QuClassiClassifier(epochs=0), "epochs = 0"),
        (QuClassiClassifier(body="s"), "body is a str"),
        (QuClassiClassifier(seed=-1), "seed = -1"),
        (BodyClassifier(BODY, read=(5,)), "read = 5"),
        (BodyClassifier(BODY, read=(0, 0)), "read = \\(0, 0\\)"),
        (BodyClassifier(BODY, loss="hinge"), "loss 'hinge'"),
        (BodyClassifier(BODY, rate=-1), "rate = -1"),
        (BinaryClassifier(neurons=0), "neurons = 0"),
        (BinaryClassifier(weights="signs"), "weights 'signs'"),
        (SoftmaxClassifier(penalty=-1), "penalty = -1"),
        (PrincipalComponents(9), "components = 9"),
        (RandomCosines(0), "features = 0"),
        (AdversarialPair(BODY, repulsion=-1), "repulsion = -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(estimator, said):
    features, numbers = blobs(np.random.default_rng(14), 2, 10, 4)
    with pytest.raises(InputError, match=said):
        estimator.fit(features, numbers)
    assert not estimator.__sklearn_is_fitted__()


def test_features_beyond_the_encoding_are_refused():
    with pytest.raises(InputError, match="PrincipalComponents"):
        QuClassiClassifier().fit([[0.5, 2.0], [0.1, 0.2]], [0, 1])


def test_settings_are_read_and_set_by_name():
    classifier = QuClassiClassifier(seed=3)
    assert classifier.get_params()["seed"] == 3
    assert classifier.set_params(seed=4) is classifier
    assert repr(classifier) == "QuClassiClassifier(seed=4)"
    with pytest.raises(InputError, match="seed"):
        classifier.set_params(sead=4)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_scikit_learn_takes_them_for_its_own(name):
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline

    features, numbers = blobs(np.random.default_rng(15), 2, 40, 6)
    classifier = clone(CLASSIFIERS[name])
    assert is_classifier(classifier)
    assert clone(classifier).get_params() == classifier.get_params()
    with pytest.raises(NotFittedError):
        classifier.predict(features)
    line = make_pipeline(PrincipalComponents(4), classifier)
    right = np.mean(line.fit(features, numbers).predict(features) == numbers)
    assert line.score(features, numbers) == pytest.approx(right)
    assert len(cross_val_score(line, features, numbers, cv=2)) == 2
    grid = {"principalcomponents__components": [2, 4]}
    best = GridSearchCV(line, grid, cv=2).fit(features, numbers)
    assert best.best_params_["principalcomponents__components"] in (2, 4)


@pytest.mark.parametrize("estimator", [PrincipalComponents(2), RandomCosines(4)])
def test_scikit_learn_takes_transformers_for_its_own(estimator):
    pytest.importorskip("sklearn")
    from sklearn.pipeline import make_pipeline

    features, numbers = blobs(np.random.default_rng(16), 2, 40, 6)
    line = make_pipeline(estimator, SoftmaxClassifier()).fit(features, numbers)
    assert line.score(features, numbers) >= 0.4


IMAGES = np.random.default_rng(21).uniform(1, 200, (5, 6, 6))


@pytest.mark.parametrize("shots", [None, 50])
def test_maps_are_those_of_the_layer(shots):
    maps = QuantumMaps(kernel=2, stride=2, filters=[XZAnsatz(1)] * 2, shots=shots, seed=3)
    found = maps.fit_transform(IMAGES)
    spec = ConvolutionSpec(kernel=2, stride=2, filters=[XZAnsatz(1)] * 2)
    layer = QuantumConvolution(compile_convolution(spec), shots=shots, seed=3)
    assert (found == layer.forward(IMAGES).reshape(5, -1)).all()
    assert maps.map_shape_ == (2, 3, 3) and found.shape == (5, 18)
    names = maps.get_feature_names_out()
    assert (names[0], names[-1], len(set(names))) == ("map0_0_0", "map1_2_2", 18)
    # Whatever the batch, whatever the shape in which images come.
    assert (maps.transform(IMAGES[3:].reshape(2, 36)) == found[3:]).all()
    assert (clone_of(maps).fit_transform(IMAGES.reshape(5, 1, 6, 6)) == found).all()


def clone_of(learner):
    """As scikit-learn copies one."""
    return type(learner)(**copy.deepcopy(learner.get_params()))


def test_maps_of_channels_and_of_flat_rectangles():
    of_flat = QuantumMaps(kernel=2, shape=(4, 9)).fit(IMAGES.reshape(5, 36))
    assert of_flat.map_shape_ == (1, 3, 8)
    images = np.random.default_rng(2).uniform(1, 9, (3, 2, 4, 4))
    of_channels = QuantumMaps(kernel=(2, 2), filters=FixedFilter(np.arange(1, 9)), noise="thermal")
    assert of_channels.fit_transform(images).shape == (3, 9)
    flat = clone_of(of_channels).set_params(shape=(2, 4, 4)).fit_transform(images.reshape(3, -1))
    assert (flat == of_channels.transform(images)).all()


def test_maps_with_a_measurement_are_its_numbers():
    settings = {"kernel": 2, "stride": 2, "encoding": "angle", "measurement": "z"}
    maps = QuantumMaps(**settings, filters=RandomCircuit(4, seed=1))
    assert maps.fit_transform(IMAGES / 255).shape == (5, 4 * 9) and maps.map_shape_[0] == 4


@pytest.mark.parametrize(
    ("settings", "given", "said"),
    [
        ({}, np.ones((2, 7)), "X has 7 features, and images have the shape \\(2, 2\\)"),
        ({"shape": (2, 4)}, np.ones((2, 7)), "X has 7 features"),
        ({"shape": (7,)}, np.ones((2, 7)), "X has 7 features"),
        ({"shape": (3, 3)}, np.ones((2, 4, 4)), "leave it out"),
        ({}, np.ones((0, 4, 4)), "0 sample"),
        ({}, np.full((2, 4, 4), np.nan), "NaN"),
        ({"kernel": 5}, np.ones((2, 4, 4)), "5"),
        ({"shots": 0}, np.ones((2, 4, 4)), "shots = 0"),
    ],
)
def test_maps_that_cannot_be_are_refused(settings, given, said):
    maps = QuantumMaps(**settings)
    with pytest.raises(InputError, match=said):
        maps.fit(given)
    with pytest.raises(InputError, match="call fit first"):
        maps.transform(IMAGES)


def test_maps_do_not_take_images_of_another_shape_with_as_many_pixels():
    wide = IMAGES.reshape(5, 4, 9)
    maps = QuantumMaps(kernel=2).fit(wide)
    with pytest.raises(InputError, match=r"images of shape \(6, 6\)"):
        maps.transform(IMAGES.reshape(5, 6, 6))
    flat = maps.transform(IMAGES.reshape(5, 36))
    for same in (wide, wide[:, np.newaxis]):
        assert np.array_equal(maps.transform(same), flat)
    with pytest.raises(InputError, match="shape = 6 is not allowed"):
        QuantumMaps(kernel=2, shape=6).fit(IMAGES.reshape(5, 36))  # type: ignore[arg-type]


def test_maps_of_other_images_than_learnt_are_refused():
    maps = QuantumMaps(kernel=2).fit(IMAGES)
    with pytest.raises(InputError, match="expecting 36 features"):
        maps.transform(IMAGES[:, :5])


def test_maps_are_a_step_of_a_pipeline_that_is_searched_over():
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    images = np.random.default_rng(4).uniform(1, 9, (24, 16))
    numbers = np.arange(24) % 2
    images[numbers == 1, :8] *= 5
    line = Pipeline([("maps", QuantumMaps(kernel=2, stride=2)), ("head", SoftmaxClassifier())])
    assert clone(line).get_params()["maps__stride"] == 2
    told = []
    line.fit(images, numbers, head__callback=told.append)
    assert told and line.score(images, numbers) == line["head"].score(
        line["maps"].transform(images), numbers
    )
    grid = {"maps__noise": [None, "thermal"], "maps__kernel": [2, 4]}
    search = GridSearchCV(line, grid, cv=2, error_score="raise").fit(images, numbers)
    assert set(search.best_params_) == set(grid)
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (again.predict(images) == search.predict(images)).all()


NOT_OURS = {
    "check_dtype_object": "an InputError is a ValueError, and no TypeError",
    "check_supervised_y_2d": "a column of classes is taken as it is, without a warning",
}


@pytest.mark.parametrize(
    "estimator",
    [NearestCentroid(), SoftmaxClassifier(), PrincipalComponents(1), RandomCosines(4)],
    ids=lambda each: type(each).__name__,
)
def test_scikit_learns_own_checks_pass(estimator):
    """Of those that take any features: the others need values within 0..1, or none all zero."""
    pytest.importorskip("sklearn")
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(estimator, on_fail=None)
    failed = {each["check_name"] for each in found if each["status"] == "failed"}
    assert len(found) > 40 and failed <= set(NOT_OURS)
