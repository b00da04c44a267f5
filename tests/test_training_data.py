"""The images of a training study: the user's own, copies of them, and as many as they are."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qucnn_cirq.advance import counted
from qucnn_cirq.augmentation import augmented
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from studies.sweep.catalogue import study_named
from studies.sweep.plan import make_plan
from studies.sweep.study import Row
from studies.training import loop
from studies.training.data import first_images, training_set

SEED = np.random.SeedSequence(4)
TRAINING = study_named("training")
SMALL = {"images": 40, "test_images": 30, "epochs": 1, "batch": 20, "check_fraction": 0.0}
FILTERS = {"kernel": [2, 2], "stride": 4, "filters": {"kind": "ansatz", "layers": 1}}


def document(**study: Any) -> dict[str, Any]:
    noise = {"depolarizing": {"p2": 0.01}} if study.get("train") == "as_run" else {}
    whole = {"name": "training", **SMALL, **study}
    return {"study": whole, "convolution": FILTERS, "noise": noise}


def rows(**study: Any) -> list[Row]:
    return TRAINING.measure(TRAINING.read(document(**study)), SEED).rows


def saved(path: Path, **changes: Any) -> str:
    """A file of the first images that come with the package, and what is changed of it."""
    arrays = {
        f"{split}_{kind}": getattr(load_mnist(split, count), kind)
        for split, count in (("train", 40), ("test", 30))
        for kind in ("images", "labels")
    }
    content = {**arrays, **changes}
    np.savez(path, **{key: value for key, value in content.items() if value is not None})
    return str(path)


def test_copies_are_trained_with_and_never_tested() -> None:
    images, labels = training_set(100, 40, None, 7)
    expected = augmented(load_mnist("train", 40), 100, seed=7)
    np.testing.assert_array_equal(images, expected.images)
    np.testing.assert_array_equal(labels, expected.labels)
    assert images.dtype == np.uint8
    shipped = load_mnist("test", 500)
    np.testing.assert_array_equal(first_images("test_images", 500, None).images, shipped.images)
    with pytest.raises(InputError, match="test_images = 501 is more than the 500 test images"):
        first_images("test_images", 501, None)
    # All originals are seen, and the copies are: the same start, and another loss.
    few, more = rows(model="convolution"), rows(model="convolution", images=80, originals=40)
    assert few[0]["loss"] != more[0]["loss"]
    assert rows(model="convolution", originals=40) == few


def test_the_same_images_from_a_file_train_the_same_classifier(tmp_path: Path) -> None:
    own = saved(tmp_path / "own.npz")
    assert rows(train="as_run", data=own) == rows(train="as_run")
    digests = [make_plan(TRAINING, document(data=own)).points[0].digests]
    labels = (load_mnist("train", 40).labels + 1) % 10
    other = saved(tmp_path / "other.npz", train_labels=labels)
    digests += [make_plan(TRAINING, document(data=other)).points[0].digests]
    digests += [make_plan(TRAINING, document()).points[0].digests]
    # Those that come with the package are always the same, and had no digest before.
    assert [digest.keys() - {"measurement"} for digest in digests] == [
        {"images"},
        {"images"},
        set(),
    ]
    assert digests[0]["images"] != digests[1]["images"]


def test_circuits_that_progress_counts_are_those_expected() -> None:
    heard: list[int] = []
    settings = TRAINING.read(document(train="as_run", epochs=2))
    with counted(heard.append):
        TRAINING.measure(settings, SEED)
    assert sum(heard) == TRAINING.cost(settings).circuits


def test_memory_is_that_of_bytes_and_tests_are_made_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = np.random.default_rng(2)
    many = {"train": 40_000, "test": 300}
    images = {
        f"{split}_images": draws.integers(256, size=(count, 12, 12), dtype=np.uint8)
        for split, count in many.items()
    }
    labels = {f"{split}_labels": draws.integers(10, size=count) for split, count in many.items()}
    own = saved(tmp_path / "own.npz", **images, **labels)
    wanted = {"model": "convolution", "images": 40_000, "test_images": 300, "batch": 1000}
    settings = TRAINING.read(document(data=own, **wanted))
    TRAINING.digest(settings)
    tracemalloc.start()
    whole = TRAINING.measure(settings, SEED).rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # In float64 the images would take 46 MB.
    assert peak < 10e6
    monkeypatch.setattr(loop, "_TEST_BLOCK", 7)
    assert TRAINING.measure(settings, SEED).rows == whole


@pytest.mark.parametrize(
    ("study", "changes", "message"),
    [
        ({"images": 2001}, None, "images = 2001 is more than the 2000 train images in the package"),
        ({"originals": 41}, None, "originals = 41 is more than images = 40, of which they are a"),
        ({"images": 3000, "originals": 2001}, None, "originals = 2001 is more than the 2000 train"),
        ({"originals": 9}, None, "originals = 9 is not allowed: give a whole number within 10.."),
        ({"images": 50}, {}, "images = 50 is more than the 40 train images in .*set originals"),
        ({"test_images": 31}, {}, "test_images = 31 is more than the 30 test images"),
        ({"images": 50, "originals": 40}, {"train_images": np.ones((40, 4, 4))}, "type float64"),
        ({}, {"train_images": np.full((40, 9, 9), np.nan)}, "images have nan"),
        ({}, {"train_images": np.ones((40, 2, 9, 9))}, r"have 2 channel\(s\)"),
        ({}, {"train_labels": np.full(40, 10)}, "holds the label 10: give labels within 0..9"),
        ({}, {"test_images": np.ones((30, 14, 14))}, "of 28x28 for training and of 14x14"),
        ({}, {"test_labels": None}, "has no labels"),
        ({}, {"test_images": load_mnist("train", 40).images, "test_labels": np.zeros(40)},
         "the same images for training and for the test"),
    ],
)  # fmt: skip
def test_images_that_cannot_be_used_are_refused_before_anything_is_trained(
    study: dict[str, Any], changes: dict[str, Any] | None, message: str, tmp_path: Path
) -> None:
    data = {} if changes is None else {"data": saved(tmp_path / "own.npz", **changes)}
    with pytest.raises(InputError, match=message) as refused:
        make_plan(TRAINING, document(**study, **data))
    assert len(str(refused.value)) <= 200
