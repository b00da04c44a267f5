"""The one form of a callback: of fits, training loops and sweeps; and what trackers make of it."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trackers import MlflowStandIn, SummaryWriter, is_installed

import studies
from qucnn_cirq import ConvolutionSpec, XZAnsatz
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads import (
    AdversarialPair,
    BinaryClassifier,
    BodyClassifier,
    NearestCentroid,
    QuClassiClassifier,
    SoftmaxClassifier,
)
from qucnn_cirq.progress import Progress
from studies.systems.data import Data
from studies.systems.training import trained_angles
from studies.training.loop import Schedule

BODY = XZAnsatz(1, ("y",), "none")
LEARNERS: dict[str, tuple[Any, int, str]] = {
    "own class": (QuClassiClassifier(training="own_class", epochs=3, batch=10), 6, "loss"),
    "cross entropy": (QuClassiClassifier(epochs=4), 4, "loss"),
    "body": (BodyClassifier(BODY, epochs=3), 3, "loss"),
    "binary": (BinaryClassifier(epochs=5), 5, "loss"),
    "pair": (AdversarialPair(BODY, epochs=2), 2, "fidelity"),
}


def samples() -> tuple[np.ndarray, np.ndarray]:
    features = np.random.default_rng(3).uniform(size=(20, 4))
    return features, (features[:, 0] > 0.5).astype(int)


def test_what_cannot_be_called_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for refused in (
        lambda: studies.run("noise", out, progress="x"),  # type: ignore[arg-type]
        lambda: studies.run("noise", out, note=3),  # type: ignore[arg-type]
        lambda: studies.iterate("noise", out, progress="x"),  # type: ignore[arg-type]
        lambda: studies.jobs("noise", out, note="x"),  # type: ignore[arg-type]
        lambda: studies.collect(out, note="x"),  # type: ignore[arg-type]
        *(
            lambda learner=learner: learner.fit(*samples(), callback="x")
            for learner, *_ in LEARNERS.values()
        ),
        lambda: SoftmaxClassifier().fit(*samples(), callback=[]),  # type: ignore[arg-type]
        lambda: NearestCentroid().fit(*samples(), callback="x"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match=r"(progress|note|callback) = .* cannot be called"):
            refused()
        assert not out.exists()


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_tells_of_each_epoch(name: str) -> None:
    learner, total, number = LEARNERS[name]
    told: list[Progress] = []
    learner.fit(*samples(), callback=told.append)
    assert [(each.step, each.total) for each in told] == [(n + 1, total) for n in range(total)]
    assert {(each.what, each.unit) for each in told} == {(type(learner).__name__, "epochs")}
    assert [each.seconds for each in told] == sorted(each.seconds for each in told)
    curve = learner.fidelities_ if number == "fidelity" else learner.losses_
    numbers = [each.numbers[number] for each in told]
    if name == "own class":
        # One class after the other; the curve is their mean.
        shares = np.bincount(samples()[1]) / 20
        numbers = list(shares @ np.reshape(numbers, (2, 3)))
    np.testing.assert_allclose(numbers, curve)


def test_searches_may_end_before_and_what_does_not_iterate_tells_once() -> None:
    told: list[Progress] = []
    SoftmaxClassifier(iterations=200).fit(*samples(), callback=told.append)
    assert 1 < told[-1].step <= told[-1].total == 200 and told[-1].unit == "iterations"
    losses = [each.numbers["loss"] for each in told]
    assert losses == sorted(losses, reverse=True)
    told.clear()
    NearestCentroid().fit(*samples(), callback=told.append)
    assert [(each.step, each.total, dict(each.numbers)) for each in told] == [(1, 1, {})]


def test_being_listened_to_changes_no_number() -> None:
    alone, heard = (QuClassiClassifier(epochs=3, seed=5) for _ in range(2))
    alone.fit(*samples())
    heard.fit(*samples(), callback=lambda now: None)
    assert (alone.parameters_ == heard.parameters_).all()


def test_what_a_callback_raises_ends_the_fit() -> None:
    class Enough(Exception):
        pass

    def end(now: Progress) -> None:
        if now.step == 2:
            raise Enough

    classifier = BinaryClassifier(epochs=10)
    with pytest.raises(Enough):
        classifier.fit(*samples(), callback=end)
    assert not classifier.__sklearn_is_fitted__()


def test_a_training_loop_tells_of_each_epoch() -> None:
    spec = ConvolutionSpec(kernel=2, stride=2, filters=[XZAnsatz(1)])
    generator = np.random.default_rng(0)
    data = Data(generator.uniform(1, 9, (6, 4, 4)), np.arange(6) % 2)
    told: list[Progress] = []
    angles = np.zeros((1, spec.n_parameters))
    trained_angles(spec, angles, data, 1, Schedule(3, 2, 0.1, 0.1), callback=told.append)
    assert [each.step for each in told] == [1, 2, 3]
    assert all(each.numbers.keys() == {"loss", "train_accuracy"} for each in told)


def test_a_sweep_tells_of_each_point_its_last_row(tmp_path: Path) -> None:
    axes = {"noise.scale": [0.1, 1.0], "device": ["grid:3x3", "grid:1x1"]}
    settings = {"images": 1, "repeat": 0, "convolution.overlap": "inversion", "shots": 100}
    told: list[studies.Progress] = []
    results = studies.run("noise", tmp_path, axes, settings=settings, progress=told.append)
    first, *points = told
    assert (first.step, first.identity, dict(first.values)) == (0, None, {})
    assert all(isinstance(each, Progress) and each.unit == "points" for each in told)
    assert [each.step for each in points] == [1, 2, 3, 4] and {each.total for each in told} == {4}
    table = results.table().set_index("point")
    measured = {str(each.identity): each for each in points if "rmse" in each.numbers}
    assert set(measured) == set(table.index) and len(table) == 2
    for identity, each in measured.items():
        assert each.numbers["rmse"] == table["rmse"][identity]
        assert each.values["noise.scale"] == table["noise.scale"][identity]
    failed = [each for each in points if str(each.identity) not in measured]
    assert {each.values["device"] for each in failed} == {"grid:1x1"}
    assert points[-1].failed == points[-1].numbers["failed"] == 2


def test_a_training_point_is_told_by_its_last_epoch(tmp_path: Path) -> None:
    settings = {"epochs": 2, "images": 20, "test_images": 20}
    point = {"study": {"name": "training"}}
    told: list[studies.Progress] = []
    results = studies.run(point, tmp_path, settings=settings, progress=told.append)
    last = results.table().iloc[-1]
    assert told[-1].numbers["epoch"] == last["epoch"] == 2
    assert told[-1].numbers["train_accuracy"] == last["train_accuracy"]


@pytest.mark.parametrize(
    ("package", "name", "ours"),
    [
        ("mlflow", "start_run", MlflowStandIn.start_run),
        ("mlflow", "log_params", MlflowStandIn.log_params),
        ("mlflow", "log_metrics", MlflowStandIn.log_metrics),
        ("tensorboardX", "SummaryWriter.__init__", SummaryWriter.__init__),
        ("tensorboardX", "SummaryWriter.add_scalar", SummaryWriter.add_scalar),
        ("torch.utils.tensorboard", "SummaryWriter.add_scalar", SummaryWriter.add_scalar),
    ],
)
def test_the_stand_ins_take_what_the_real_ones_take(package: str, name: str, ours: Any) -> None:
    # The writer of PyTorch needs the package as well.
    for needed in {package.partition(".")[0], "tensorboard" if "torch." in package else package}:
        if not is_installed(needed):
            pytest.skip(f"{needed} is not installed")
    real = importlib.import_module(package)
    for part in name.split("."):
        real = getattr(real, part)
    taken = list(inspect.signature(real).parameters)
    own = [each for each in inspect.signature(ours).parameters if each != "self"]
    taken = [each for each in taken if each != "self"]
    assert taken[: len(own)] == own or set(own) <= set(taken)
