"""Whole data sets: images of any origin, a block at a time, give what they give at once."""

import functools
import io
import re
import struct
import tracemalloc

import numpy as np
import pytest

from qucnn_cirq import (
    ConvolutionSpec,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    advance,
    compile_convolution,
    image_blocks,
)
from qucnn_cirq.advance import counted
from qucnn_cirq.gradient_methods import METHODS

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.02}}


def layer_of(shots=50, channels=1, **spec):
    settings = {"kernel": 2, "filters": [XZAnsatz(), XZAnsatz()], "channels": channels, **spec}
    program = compile_convolution(ConvolutionSpec(**settings), "grid:4x5")
    return QuantumConvolution(program, "exact", NOISE, shots, seed=2)


def images_of(count=7, shape=(4, 5)):
    """Images with blank patches, two of which are equal."""
    images = np.random.default_rng(1).integers(0, 256, (count, *shape), np.uint8)
    images[1, ..., :3, :3] = 0
    images[-1] = images[0]
    return images


@pytest.fixture
def small_blocks(monkeypatch):
    """Has the blocks hold so many images of `images_of`, of 12 patches of 4 pixels."""

    def limit(images):
        for name in ("BLOCK_ELEMENTS", "KEPT_ELEMENTS"):
            monkeypatch.setattr(image_blocks, name, images * 48)

    return limit


@pytest.mark.parametrize("size", [1, 3])
def test_images_in_blocks_give_the_numbers_of_all_at_once(small_blocks, size):
    layer, images = layer_of(), images_of()
    whole = layer.run(images)
    ids = layer._last.ids
    small_blocks(size)
    found = layer.run(images)
    np.testing.assert_array_equal(layer._last.ids, ids)
    np.testing.assert_array_equal(found.counts, whole.counts)
    np.testing.assert_allclose(found.exact, whole.exact, rtol=1e-13)
    np.testing.assert_array_equal(found.maps, whole.maps)
    np.testing.assert_array_equal(found.patches.vectors, whole.patches.vectors)
    assert found.blank_patches == whole.blank_patches > 0
    np.testing.assert_array_equal(layer.forward(images), whole.maps)
    # Those that share a stream are not set apart by blocks.
    for numbers in (range(7), [5] * 7):
        small_blocks(99)
        shared = layer.forward(images, numbers)
        small_blocks(size)
        np.testing.assert_array_equal(layer.forward(images, numbers), shared)


@pytest.mark.parametrize("shots", [None, 50])
@pytest.mark.parametrize("method", sorted(METHODS))
def test_gradients_of_blocks_add_up(small_blocks, method, shots):
    layer, images = layer_of(shots), images_of()
    # A search for the likeliest patch amplifies rounding.
    close = {"rtol": 1e-8 if method == "measured_once" else 1e-11, "atol": 1e-13}
    upstream = 3 * np.random.default_rng(3).normal(size=layer.forward(images).shape)
    whole = layer.gradient(upstream, method)
    small_blocks(2)
    layer.forward(images)
    found = layer.gradient(upstream, method)
    np.testing.assert_allclose(found.values, whole.values, **close)
    np.testing.assert_allclose(found.variance, whole.variance, **(close | {"atol": 1e-15}))
    assert (found.circuits, found.shots, found.method) == (whole.circuits, whole.shots, method)
    huge = layer.gradient(upstream * 2.0**1000, method).values / 2.0**1000
    np.testing.assert_allclose(huge, whole.values, **close)


def test_gradients_of_images_in_blocks_are_those_of_all_at_once(small_blocks):
    layer, images = layer_of(), images_of()
    upstream = np.random.default_rng(3).normal(size=layer.forward(images).shape)
    whole = layer.input_gradient(upstream)
    small_blocks(2)
    layer.forward(images)
    np.testing.assert_allclose(layer.input_gradient(upstream), whole, rtol=1e-12, atol=1e-15)


def origins(images, folder):
    """The same images from everywhere."""
    stored = np.memmap(folder / "stored", images.dtype, "w+", shape=images.shape)
    stored[:] = images
    header = bytes([0, 0, 8, images.ndim]) + struct.pack(f">{images.ndim}I", *images.shape)
    (folder / "images.idx").write_bytes(header + images.tobytes())
    yield stored
    yield folder / "images.idx"
    yield str(folder / "images.idx")
    yield list(images)
    yield [images[:2], images[2], images[3:3], images[3:]]
    yield images.tolist()
    yield iter(images)
    yield ((images[start : start + 4],) for start in (0, 4))


@pytest.mark.parametrize(("channels", "shape"), [(1, (4, 5)), (2, (2, 4, 5))])
def test_images_from_everywhere_give_the_numbers_of_the_array(
    small_blocks, tmp_path, channels, shape
):
    layer, images = layer_of(channels=channels), images_of(shape=shape)
    expected = layer.forward(images)
    small_blocks(2 * channels)
    for given in origins(images, tmp_path):
        np.testing.assert_array_equal(layer.forward(given), expected)
        assert layer._last.shape == images.shape
    if channels == 1:
        for given in (iter(images[:, None]), [images[:, None]]):
            np.testing.assert_array_equal(
                layer.forward(given, range(7)), layer.forward(images, range(7))
            )


def test_gradients_of_what_can_be_read_again_are_taken(small_blocks, tmp_path):
    layer, images = layer_of(), images_of()
    upstream = np.ones_like(layer.forward(images))
    expected = layer.backward(upstream)
    # All in one block is remembered, wherever it is from.
    layer.forward(iter(images))
    np.testing.assert_array_equal(layer.backward(upstream), expected)
    small_blocks(2)
    *lasting, _, used_up = origins(images, tmp_path)
    for given in lasting:
        layer.forward(given)
        np.testing.assert_allclose(layer.backward(upstream), expected, rtol=1e-11)
    found = layer.run(used_up)
    for refused in (lambda: layer.backward(upstream), lambda: found.patches):
        with pytest.raises(InputError, match="from an iterator, which is used up: give an array"):
            refused()
    layer.forward(images)
    images[5] = 0
    with pytest.raises(InputError, match="have changed since"):
        layer.backward(upstream)
    fewer = list(images)
    layer.forward(fewer)
    fewer.pop()
    with pytest.raises(InputError, match="have changed since"):
        layer.backward(upstream)


def with_nan(images):
    images = images.astype(float)
    images[5, 2, 3] = np.nan
    return images


IMAGES = images_of()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (with_nan(IMAGES), "nan in image 5, row 2, column 3"),
        ([with_nan(IMAGES)[:3], with_nan(IMAGES)[3:]], "nan in image 5, row 2, column 3"),
        ([*IMAGES[:4], IMAGES[4, 1:]], "image 4 is of 3x5 and those before of 4x5"),
        ([IMAGES[:3], np.ones(4)], r"image 3 has shape \(4,\): give images of shape \(rows, col"),
        ([IMAGES, np.ones((2, 3, 4, 5))], r"image 7 has shape \(2, 3, 4, 5\)"),
        ([IMAGES[0], IMAGES[1].astype(complex)], "image 1 has entries of type complex128"),
        ([IMAGES[:2], IMAGES[:2].astype("U3")], "the batch from image 2 on has entries of type"),
        (iter([(IMAGES[:2], np.ones(2))]), "image 0 is a tuple of arrays: give .* without labels"),
        ([(IMAGES[0], 1), (IMAGES[1], 2)], "image 0 is a tuple of arrays: give .* without labels"),
        (iter(()), "images hold no image"),
        ([], "images hold no image"),
        (range(3), r"image 0 has shape \(\)"),
        ([IMAGES[0, :1]], "larger than"),
    ],
)
def test_what_is_wrong_is_named_by_its_number_among_all_images(small_blocks, given, message):
    small_blocks(2)
    with pytest.raises(InputError, match=message) as caught:
        layer_of().forward(given)
    assert len(str(caught.value)) <= 200 and "\n" not in str(caught.value)


@pytest.mark.parametrize("ids", [[0, 1, 2], range(8)])
@pytest.mark.parametrize("again", [lambda: IMAGES, lambda: iter(IMAGES)])
def test_numbers_of_images_must_be_as_many(small_blocks, ids, again):
    small_blocks(2)
    with pytest.raises(InputError, match="image_ids (must be 7|are . and images)"):
        layer_of().forward(again(), ids)


def test_every_block_is_heard_of(small_blocks):
    layer, heard = layer_of(), []
    small_blocks(2)
    with counted(heard.append):
        found = layer.run(IMAGES)
    assert len(heard) == 4 and sum(heard) == found.estimates.size


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch):
    layer = layer_of(None, filters=XZAnsatz(), stride=2)
    images = np.random.default_rng(0).integers(0, 3, (400, 12, 12), np.uint8)

    def peak():
        tracemalloc.start()
        maps = layer.forward(images)
        layer.backward(np.broadcast_to(1.0, maps.shape))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return (most - maps.nbytes) / 2**20

    layer.forward(images[:2])
    at_once = peak()
    for name in ("BLOCK_ELEMENTS", "KEPT_ELEMENTS"):
        monkeypatch.setattr(image_blocks, name, 20 * 36 * 4)
    assert peak() < 1.5 < 4 < at_once


class Terminal(io.StringIO):
    """What a terminal would show."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_nowhere_else(small_blocks, monkeypatch):
    """Of blocks to come as many circuits are expected as of those that were cut."""
    small_blocks(2)
    monkeypatch.setattr(advance, "_BAR_DELAY", 0.0)
    monkeypatch.setattr(
        advance, "progress_bar", functools.partial(advance.progress_bar, mininterval=0)
    )
    layer = layer_of()
    terminal, pipe, told = Terminal(), io.StringIO(), []
    monkeypatch.setattr("sys.stderr", terminal)
    layer.forward(IMAGES)
    n_circuits = layer.run(IMAGES).estimates.size
    # The last block is cut when those before it have been run.
    assert re.search(f"[1-9][0-9]+/({n_circuits}|1[0-9][0-9]) ", terminal.getvalue())
    assert "forward" in terminal.getvalue()
    layer.backward(np.ones((len(IMAGES), 2, 3, 4)))
    assert "gradient" in terminal.getvalue()
    before = terminal.getvalue()
    with advance.counted(told.append):
        layer.forward(IMAGES)
    assert terminal.getvalue() == before and sum(told) == n_circuits
    monkeypatch.setattr("sys.stderr", pipe)
    layer.forward(IMAGES)
    assert not pipe.getvalue()
