"""Patches: order, padding, blank patches, scattering, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq.convolution import ConvolutionSpec, Patches, extract_patches, sliding_windows
from qucnn_cirq.errors import InputError


def patches_by_loop(images, spec):
    """Patches by indexing pixel by pixel: nothing shared with the implementation."""
    batch, channels, height, width = images.shape
    (kernel_rows, kernel_columns), (row_step, column_step) = spec.kernel_pair, spec.stride_pair
    top, left = spec.padding_pair
    vectors, places = [], []
    for image in range(batch):
        y = -top
        while y + kernel_rows <= height + top:
            x = -left
            while x + kernel_columns <= width + left:
                vectors.append(
                    [
                        images[image, c, y + i, x + j]
                        if 0 <= y + i < height and 0 <= x + j < width
                        else 0.0
                        for c in range(channels)
                        for i in range(kernel_rows)
                        for j in range(kernel_columns)
                    ]
                )
                places.append((image, (y + top) // row_step, (x + left) // column_step))
                x += column_step
            y += row_step
    return np.array(vectors, dtype=float), np.array(places)


geometries = st.fixed_dictionaries(
    {
        "kernel": st.tuples(st.integers(1, 5), st.integers(1, 5)),
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "channels": st.integers(1, 3),
        "shape": st.tuples(st.integers(1, 2), st.integers(5, 8), st.integers(5, 8)),
        "pad": st.tuples(st.integers(0, 2), st.integers(0, 2)),
        "seed": st.integers(0, 1000),
    }
)


@given(geometries)
@settings(max_examples=60, deadline=None)
def test_patches_equal_the_loop(geometry):
    kernel = geometry["kernel"]
    spec = ConvolutionSpec(
        kernel=kernel,
        stride=geometry["stride"],
        channels=geometry["channels"],
        padding=tuple(min(p, k - 1) for p, k in zip(geometry["pad"], kernel, strict=True)),
    )
    batch, height, width = geometry["shape"]
    generator = np.random.default_rng(geometry["seed"])
    images = generator.integers(0, 3, size=(batch, spec.channels, height, width)).astype(np.uint8)
    images[generator.random(images.shape) < 0.6] = 0
    expected, places = patches_by_loop(images, spec)

    patches = extract_patches(images, spec)
    np.testing.assert_array_equal(patches.vectors, expected)
    np.testing.assert_array_equal(np.transpose(patches.positions()), places)
    assert (patches.rows, patches.columns) == spec.output_shape(height, width)
    np.testing.assert_allclose(patches.norms, np.linalg.norm(expected, axis=1))
    np.testing.assert_array_equal(patches.blank, ~expected.any(axis=1))
    np.testing.assert_array_equal(patches.occupied, np.flatnonzero(expected.any(axis=1)))

    states = patches.states
    assert states.shape == (patches.n_occupied, 2**spec.register_qubits)
    np.testing.assert_allclose(np.linalg.norm(states, axis=1), 1)
    np.testing.assert_allclose(
        states[:, : spec.n_elements] * patches.norms[patches.occupied, None],
        expected[patches.occupied],
        atol=1e-12,
    )
    assert not states[:, spec.n_elements :].any()


def test_one_channel_images_need_no_channel_axis():
    images = np.arange(50).reshape(2, 5, 5)
    spec = ConvolutionSpec(kernel=2)
    np.testing.assert_array_equal(
        extract_patches(images, spec).vectors, extract_patches(images[:, None], spec).vectors
    )


def test_order_of_a_patch_is_channels_rows_columns():
    images = np.arange(18).reshape(1, 2, 3, 3)
    first = extract_patches(images, ConvolutionSpec(kernel=2, channels=2)).vectors[0]
    assert first.tolist() == [0, 1, 3, 4, 9, 10, 12, 13]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32])
def test_any_real_type_is_accepted(dtype):
    images = np.eye(4).astype(dtype)[None]
    patches = extract_patches(images, ConvolutionSpec(kernel=4))
    assert patches.vectors.dtype == np.float64
    np.testing.assert_array_equal(patches.vectors[0], np.eye(4).ravel())


@pytest.mark.parametrize("scale", [5e-324, 1e-200, 1e200, 1.7e308])
def test_states_survive_extreme_scales(scale):
    patches = extract_patches(np.full((1, 2, 2), scale), ConvolutionSpec(kernel=2))
    np.testing.assert_allclose(patches.states, [[0.5, 0.5, 0.5, 0.5]])
    assert not patches.blank.any()
    if scale < 1e308:
        np.testing.assert_allclose(patches.norms, 2 * scale)


def test_all_blank_images():
    patches = extract_patches(np.zeros((2, 4, 4)), ConvolutionSpec(kernel=3))
    assert len(patches) == 8 and patches.n_occupied == 0
    assert patches.blank.all() and not patches.norms.any()
    assert patches.states.shape == (0, 16)
    maps = patches.to_maps(np.zeros((3, 0)), fill=-1.0)
    assert maps.shape == (2, 3, 2, 2) and (maps == -1).all()


def test_to_maps_puts_values_where_their_patches_were():
    images = np.zeros((2, 3, 3))
    images[0, 0, 0] = images[1, 2, 1] = 1
    patches = extract_patches(images, ConvolutionSpec(kernel=2))
    assert patches.occupied.tolist() == [0, 6, 7]
    maps = patches.to_maps([[1, 2, 3], [4, 5, 6]])
    assert maps.tolist() == [
        [[[1, 0], [0, 0]], [[4, 0], [0, 0]]],
        [[[0, 0], [2, 3]], [[0, 0], [5, 6]]],
    ]
    assert maps.dtype == np.float64
    assert np.isnan(patches.to_maps([[1, 2, 3]], fill=np.nan)).sum() == 5
    np.testing.assert_array_equal(patches.from_maps(maps), [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("values", [np.zeros(1), np.zeros((2, 2)), np.zeros((1, 1, 1))])
def test_to_maps_refuses_other_shapes(values):
    patches = extract_patches(np.ones((1, 2, 2)), ConvolutionSpec(kernel=2))
    with pytest.raises(InputError, match=r"\(filters, 1\)"):
        patches.to_maps(values)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 1, 1), (1, 1, 1, 2)])
def test_from_maps_refuses_other_shapes(shape):
    patches = extract_patches(np.ones((1, 2, 2)), ConvolutionSpec(kernel=2))
    with pytest.raises(InputError, match=r"\(1, filters, 1, 1\)"):
        patches.from_maps(np.zeros(shape))


@pytest.mark.parametrize(
    "vectors", [np.full((4, 3), np.nan), np.full((4, 3), np.inf), np.ones((4, 3), complex)]
)
def test_patches_of_other_than_finite_real_numbers_are_refused(vectors):
    with pytest.raises(InputError, match="must be float64 and finite"):
        Patches(vectors, batch=1, rows=2, columns=2, register_qubits=2)


def test_patches_are_read_only_and_leave_the_callers_array_alone():
    vectors = np.ones((4, 3))
    patches = Patches(vectors, batch=1, rows=2, columns=2, register_qubits=2)
    with pytest.raises(ValueError, match="read-only"):
        patches.vectors[0, 0] = 2
    assert vectors.flags.writeable
    assert not sliding_windows(np.ones((1, 4, 4)), ConvolutionSpec()).flags.writeable


@pytest.mark.parametrize(("shape", "qubits"), [((3, 4), 2), ((4, 5), 2), ((4,), 2)])
def test_patches_of_inconsistent_shape_are_refused(shape, qubits):
    with pytest.raises(InputError, match="vectors have shape"):
        Patches(np.ones(shape), batch=1, rows=2, columns=2, register_qubits=qubits)


@pytest.mark.parametrize(
    ("images", "channels", "message"),
    [
        (np.ones((4, 4)), 1, r"shape \(4, 4\)"),
        (np.ones((1, 1, 1, 4, 4)), 1, "give .batch, rows, columns"),
        (np.ones((1, 4, 4)), 3, r"1 channel.s. and .* channels = 3"),
        (np.ones((1, 3, 4, 4)), 1, r"3 channel.s. and .* channels = 1"),
        (np.ones((1, 4, 0)), 1, "images with pixels"),
        (np.ones((1, 3, 0, 4)), 3, "empty"),
        (np.ones((1, 4, 4)) * 1j, 1, "real numbers"),
        ([[[1, 2], [3]]], 1, "ragged"),
        (np.array([[["a"]]]), 1, "real numbers"),
        (np.ones((1, 1, 9)), 1, "kernel 2x2 is larger than the image 1x9"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, channels, message):
    with pytest.raises(InputError, match=message):
        extract_patches(images, ConvolutionSpec(kernel=2, channels=channels))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_first_value_that_is_not_finite_is_named(bad):
    images = np.zeros((3, 5, 5))
    images[1, 2, 3] = images[2, 0, 0] = bad
    with pytest.raises(InputError, match=f"have {bad} in image 1, row 2, column 3"):
        extract_patches(images, ConvolutionSpec())
    coloured = np.zeros((1, 3, 5, 5))
    coloured[0, 2, 4, 1] = bad
    with pytest.raises(InputError, match="image 0, channel 2, row 4, column 1"):
        extract_patches(coloured, ConvolutionSpec(channels=3))
