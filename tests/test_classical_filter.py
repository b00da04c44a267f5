import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import qucnn_cirq
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.errors import InputError

SCRIPT = Path(__file__).parents[1] / "docs" / "examples" / "train_classical_filter.py"
spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
trainer = sys.modules[SCRIPT.stem] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trainer)
SHIPPED = json.loads(
    (Path(qucnn_cirq.__file__).parent / "data" / "classical_filter.json").read_text()
)


@pytest.fixture(scope="module")
def retrained():
    """The shipped filter, trained anew with the settings stored beside it."""
    train = load_mnist("train", SHIPPED["training_images"])
    names = ("epochs", "seed", "batch_size", "learning_rate")
    return trainer.train_classical_filter(
        train.images, train.labels, **{name: SHIPPED[name] for name in names}
    )


def small_problem(seed=3):
    """A random network with 7x6 images, all of whose parameters matter."""
    random = np.random.default_rng(seed)
    network = trainer.Network(
        kernel=random.normal(size=(4, 4)),
        bias=np.asarray(0.1),
        weights=random.normal(size=(12, 10)),
        offsets=random.normal(size=10),
    )
    return network, random.random((5, 7, 6)), random.integers(10, size=5)


@pytest.mark.parametrize("name", ["kernel", "bias", "weights", "offsets"])
def test_gradient_agrees_with_finite_differences(name):
    network, pixels, digits = small_problem()
    _, gradient = trainer.loss_and_gradient(network, pixels, digits)
    array, step = getattr(network, name), 1e-6
    numerical = np.empty_like(array)
    for index in np.ndindex(array.shape):
        losses = []
        for sign in (1, -1):
            shifted = array.copy()
            shifted[index] += sign * step
            moved = trainer.Network(**{**vars(network), name: shifted})
            losses.append(trainer.loss_and_gradient(moved, pixels, digits)[0])
        numerical[index] = (losses[0] - losses[1]) / (2 * step)
    assert np.abs(numerical).max() > 1e-3
    np.testing.assert_allclose(getattr(gradient, name), numerical, rtol=1e-6, atol=1e-8)


def test_loss_is_the_cross_entropy_of_a_network_written_out():
    network, pixels, digits = small_problem()
    losses = []
    for image, digit in zip(pixels, digits, strict=True):
        values = [
            max(0.0, float((image[r : r + 4, c : c + 4] * network.kernel).sum() + network.bias))
            for r in range(4)
            for c in range(3)
        ]
        scores = np.exp(values @ network.weights + network.offsets)
        losses.append(-np.log(scores[digit] / scores.sum()))
    assert trainer.loss_and_gradient(network, pixels, digits)[0] == pytest.approx(np.mean(losses))


def test_loss_survives_extreme_scores():
    network, pixels, digits = small_problem()
    extreme = trainer.Network(network.kernel, network.bias, 1e6 * network.weights, network.offsets)
    loss, gradient = trainer.loss_and_gradient(extreme, pixels, digits)
    assert np.isfinite(loss) and np.isfinite(gradient.kernel).all()


def test_shipped_filter_is_what_its_settings_give(retrained):
    # Rounding differs between machines; training amplifies it little.
    np.testing.assert_allclose(retrained.network.kernel, load_classical_filter(), atol=1e-9)
    assert float(retrained.network.bias) == pytest.approx(SHIPPED["bias"], abs=1e-9)


def test_shipped_accuracies_are_reproduced(retrained):
    test = load_mnist("test", SHIPPED["test_images"])
    # One image more or less may change sides by rounding.
    measured = retrained.accuracy(test.images, test.labels)
    assert measured == pytest.approx(SHIPPED["test_accuracy"], abs=1.1 / len(test))
    assert retrained.train_accuracy == pytest.approx(SHIPPED["train_accuracy"], abs=1.1 / 2000)
    # Far above what a filter that learned nothing reaches (one in ten).
    assert measured > 0.85


def test_accuracy_counts_right_answers(retrained):
    train = load_mnist("train")
    right = retrained.network.predict(train.images / 255) == train.labels
    assert retrained.train_accuracy == right.mean()
    assert retrained.accuracy(train.images[right], train.labels[right]) == 1
    assert retrained.accuracy(train.images[~right], train.labels[~right]) == 0


def test_same_seed_same_filter_other_seed_other_filter():
    train = load_mnist("train", 60)

    def kernel(seed):
        trained = trainer.train_classical_filter(train.images, train.labels, epochs=1, seed=seed)
        return trained.network.kernel

    np.testing.assert_array_equal(kernel(1), kernel(1))
    assert not np.allclose(kernel(1), kernel(2))


@pytest.mark.parametrize(
    "changed", [{"epochs": 2}, {"batch_size": 7}, {"learning_rate": 0.1}], ids=lambda c: [*c][0]
)
def test_every_setting_acts(changed):
    train = load_mnist("train", 60)
    settings = {"epochs": 1, "batch_size": 20, "learning_rate": 0.01, "seed": 5}
    kernels = [
        trainer.train_classical_filter(train.images, train.labels, **s).network.kernel
        for s in (settings, {**settings, **changed})
    ]
    assert not np.allclose(*kernels)


def test_training_leaves_global_randomness_alone():
    train = load_mnist("train", 20)
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    trainer.train_classical_filter(train.images, train.labels, epochs=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_progress_is_silent_away_from_a_terminal(capfd):
    train = load_mnist("train", 20)
    trainer.train_classical_filter(train.images, train.labels, epochs=1, progress=True)
    assert capfd.readouterr() == ("", "")


GOOD_IMAGES, GOOD_LABELS = np.zeros((2, 28, 28), np.uint8), np.array([3, 4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": GOOD_IMAGES[0]}, "images have shape (28, 28): give (n, rows, columns)"),
        ({"images": GOOD_IMAGES[:0]}, "with at least one image"),
        ({"images": GOOD_IMAGES[:, :3]}, "at least 4x4 pixels"),
        ({"images": GOOD_IMAGES - 1.0}, "images range from -1.0 to -1.0"),
        ({"images": np.full((2, 28, 28), np.nan)}, "images range from nan to nan"),
        ({"labels": [1, 2, 3]}, "2 images need integers of shape (2,)"),
        ({"labels": [0.5, 1]}, "labels have shape (2,) and type float64"),
        ({"labels": [0, 10]}, "labels range from 0 to 10: give digits 0 to 9"),
        ({"epochs": 0}, "epochs = 0 is not allowed"),
        ({"seed": -1}, "seed = -1 is not allowed"),
        ({"batch_size": 2.5}, "batch_size = 2.5 is not allowed"),
        ({"learning_rate": 0}, "learning_rate = 0 is not allowed"),
        ({"learning_rate": float("nan")}, "learning_rate = nan is not allowed"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        trainer.train_classical_filter(
            **{"images": GOOD_IMAGES, "labels": GOOD_LABELS, **arguments}
        )


def test_accuracy_refuses_images_of_another_size(retrained):
    with pytest.raises(InputError, match="give maps of 1 values and the network was trained on"):
        retrained.accuracy(np.zeros((1, 4, 4)), [0])


def test_script_prints_accuracy_and_writes_the_record(tmp_path, capsys):
    out = tmp_path / "filter.json"
    assert trainer.main(["--out", str(out), "--epochs", "1", "--seed", "2"]) == 0
    train, test = load_mnist("train"), load_mnist("test")
    trained = trainer.train_classical_filter(train.images, train.labels, epochs=1, seed=2)
    accuracy = trained.accuracy(test.images, test.labels)
    assert json.loads(out.read_text()) == trainer.record(trained, accuracy, 500)
    assert f"test accuracy  {accuracy:.4f} (500 images)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "epochs = 0 is not allowed"),
        (["--epochs", "1", "--out", "/nowhere/filter.json"], "cannot be written: No such file"),
    ],
)
def test_script_exits_with_2_on_bad_input(capsys, arguments, message):
    assert trainer.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_shipped_record_has_the_keys_that_are_written(retrained):
    assert SHIPPED.keys() == trainer.record(retrained, 0.0, 0).keys()
