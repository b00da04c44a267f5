"""Points of many images are measured a block at a time, with the numbers of one block."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qucnn_cirq import image_blocks
from qucnn_cirq.errors import InputError
from studies.images import PatchBlocks, Selection, occupied_patches
from studies.noise.study import _fitted
from studies.sweep.catalogue import study_named
from studies.sweep.study import Measured


@pytest.fixture(scope="module")
def own_images(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Images of four patches, one of them blank and one all blank."""
    path = tmp_path_factory.mktemp("images") / "own.npz"
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8))
    images[1] = images[4, :4, :4] = 0
    labels = np.arange(24) % 3
    names = ("train_images", "test_images", "train_labels", "test_labels")
    np.savez(path, **dict(zip(names, (images, images[::2], labels, labels[::2]), strict=True)))
    return str(path)


def limit_blocks(monkeypatch: pytest.MonkeyPatch, patches: int) -> None:
    """Has a block hold so many patches of 4x4 pixels."""
    for name in ("BLOCK_ELEMENTS", "KEPT_ELEMENTS"):
        monkeypatch.setattr(image_blocks, name, patches * 16)


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """Images are cut anew in the blocks of each test, and after it."""
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (occupied_patches, _fitted):
        cached.cache_clear()


def measured(name: str, data: str, **study: Any) -> Measured:
    kind = study_named(name)
    document = {
        "study": {"name": name, "data": data, "check_fraction": 1.0, "check_shots": 20, **study},
        "convolution": {"kernel": 4, "stride": 4},
        "noise": {"depolarizing": {"p1": 0.001, "p2": 0.01}},
    }
    return kind.measure(kind.read(document), np.random.SeedSequence(3))


@pytest.mark.parametrize(
    ("name", "study"),
    [
        ("forward", {"images": 7, "shots": 50, "engine": "exact", "check_patches": 2}),
        ("noise", {"images": 7, "shots": 50, "classify": 20, "split": "test"}),
        ("noise", {"images": 7, "shots": 50, "precision": 0.02}),
        ("loading", {"images": 7, "infidelity": "auto"}),
    ],
)
def test_points_in_blocks_are_those_of_one_block(
    monkeypatch: pytest.MonkeyPatch, own_images: str, name: str, study: dict[str, Any]
) -> None:
    whole = measured(name, own_images, **study)
    limit_blocks(monkeypatch, 8)
    forget()
    found = measured(name, own_images, **study)
    assert found.rows[0].keys() == whole.rows[0].keys()
    for key, value in whole.rows[0].items():
        near = pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value
        assert found.rows[0][key] == near, key
    assert found.arrays.keys() == whole.arrays.keys()
    for key, array in whole.arrays.items():
        tolerance = 1e-13 if array.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(found.arrays[key], array, tolerance, tolerance)


def test_patches_that_are_checked_are_found_in_their_blocks(
    monkeypatch: pytest.MonkeyPatch, own_images: str
) -> None:
    images = np.load(own_images)["train_images"]
    selection = Selection(images.astype(float), None, np.arange(len(images)))
    document = {"study": {"name": "forward"}, "convolution": {"kernel": 4, "stride": 4}}
    spec = study_named("forward").read(document).convolution
    whole = PatchBlocks(selection, spec)
    ((_, patches),) = whole
    limit_blocks(monkeypatch, 20)
    blocks = PatchBlocks(selection, spec)
    assert [len(part.ids) for part, _ in blocks] == [5, 5, 5, 5, 4]
    rows = np.array([0, 1, 17, 40, patches.n_occupied - 1])
    np.testing.assert_array_equal(blocks.states(rows), patches.states[rows])
    images = selection.images.copy()
    images[13, 2, 3] = np.nan
    with pytest.raises(InputError, match="nan in image 13, row 2, column 3"):
        PatchBlocks(Selection(images, None, selection.ids), spec)


def test_memory_of_a_point_does_not_grow_with_the_number_of_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(1, 256, (200, 16, 16))
    np.save(tmp_path / "many.npy", images)

    def peak() -> float:
        forget()
        study = {"images": 200, "shots": 10, "check_fraction": 0.0}
        tracemalloc.start()
        measured("noise", str(tmp_path / "many.npy"), **study)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / 2**20

    measured("noise", str(tmp_path / "many.npy"), images=2, shots=10)
    at_once = peak()
    limit_blocks(monkeypatch, 160)
    assert peak() < at_once / 3
