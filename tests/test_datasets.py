import gzip
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qucnn_cirq import datasets
from qucnn_cirq.datasets import Images, load_classical_filter, load_mnist, map_idx, read_idx
from qucnn_cirq.errors import InputError

TYPE_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    """An independent writer of the format."""
    header = bytes([0, 0, TYPE_CODES[array.dtype.str[1:]], array.ndim])
    sizes = b"".join(struct.pack(">I", size) for size in array.shape)
    return header + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def mnist_folder(tmp_path):
    """A folder like MNIST's own: 5 training images plain, 3 test images compressed."""
    for prefix, split, count in (("train", "train", 5), ("t10k", "test", 3)):
        part = load_mnist(split, count)
        for kind, array in (("images-idx3", part.images), ("labels-idx1", part.labels)):
            content = idx_bytes(array)
            name = f"{prefix}-{kind}-ubyte"
            if split == "test":
                name, content = f"{name}.gz", gzip.compress(content)
            (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(("split", "count"), [("train", 2000), ("test", 500)])
def test_package_ships_the_promised_images(split, count):
    digits = load_mnist(split)
    assert len(digits) == count
    assert digits.images.shape == (count, 28, 28) and digits.images.dtype == np.uint8
    assert digits.labels.shape == (count,) and set(digits.labels) == set(range(10))


def test_first_images_are_those_of_the_database():
    # The opening labels of MNIST's two files, and the share of blank 4x4 patches among the first
    # 10,000, are well known.
    first = load_mnist("train", 16)
    assert first.labels.tolist()[:10] == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert load_mnist("test", 5).labels.tolist() == [7, 2, 1, 0, 4]
    windows = np.lib.stride_tricks.sliding_window_view(first.images, (4, 4), axis=(1, 2))
    blank = ~windows.any(axis=(3, 4))
    assert blank.size == 10_000
    assert blank.mean() == pytest.approx(0.56, abs=0.005)


def test_count_takes_the_first_images():
    np.testing.assert_array_equal(load_mnist(count=3).images, load_mnist().images[:3])


def test_loaded_images_are_the_callers_own():
    load_mnist(count=1).images[:] = 255
    assert load_mnist(count=1).images.min() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "tran"}, "unknown split 'tran'. Did you mean 'train'?"),
        ({"count": 2001}, "count = 2001 is more than the 2000 train images"),
        ({"split": "test", "count": 501}, "give 1 to 500; give the path of the full files"),
        ({"count": 0}, "count = 0 is not allowed"),
        ({"count": 1.5}, "count = 1.5 is not allowed"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_mnist(**arguments)


def test_images_and_labels_must_belong_together():
    with pytest.raises(InputError, match="2 images need uint8 labels of shape"):
        Images(np.zeros((2, 28, 28), np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(InputError, match="type float64: give uint8"):
        Images(np.zeros((2, 28, 28)), np.zeros(2, np.uint8))


@pytest.mark.parametrize("compress", [False, True])
@given(
    array=st.sampled_from(list(TYPE_CODES)).flatmap(
        lambda code: hnp.arrays(np.dtype(code), hnp.array_shapes(max_dims=4, min_side=0))
    )
)
def test_read_idx_gives_back_what_was_written(tmp_path_factory, compress, array):
    path = tmp_path_factory.mktemp("idx") / "array"
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if compress else content)
    read = read_idx(path)
    assert read.dtype == array.dtype and read.dtype.isnative
    np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(map_idx(path), array)


def test_folder_of_idx_files_plain_and_compressed(mnist_folder):
    for split, count in (("train", 5), ("test", 3)):
        expected, read = load_mnist(split, count), load_mnist(split, path=mnist_folder)
        np.testing.assert_array_equal(read.images, expected.images)
        np.testing.assert_array_equal(read.labels, expected.labels)


def test_one_file_of_images_finds_its_labels(mnist_folder):
    read = load_mnist("test", 2, path=mnist_folder / "t10k-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(read.labels, load_mnist("test", 2).labels)


def test_file_of_the_other_split_is_refused(mnist_folder):
    with pytest.raises(InputError, match="MNIST's train file by its name"):
        load_mnist("test", path=mnist_folder / "train-images-idx3-ubyte")


def test_file_without_labels_is_refused(mnist_folder):
    (mnist_folder / "digits").write_bytes(idx_bytes(np.zeros((1, 2, 2), np.uint8)))
    with pytest.raises(InputError, match="does not say in its name where its labels are"):
        load_mnist(path=mnist_folder / "digits")


def test_missing_files_are_named(mnist_folder):
    (mnist_folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r"neither train-labels-idx1-ubyte nor .*\.gz"):
        load_mnist(path=mnist_folder)
    with pytest.raises(InputError, match="nowhere does not exist"):
        load_mnist(path=mnist_folder / "nowhere")
    with pytest.raises(InputError, match="cannot read .*nowhere: No such file"):
        read_idx(mnist_folder / "nowhere")
    for read in (read_idx, map_idx):
        with pytest.raises(InputError, match="is no regular file"):
            read(mnist_folder)


def test_count_beyond_a_users_file_names_the_file(mnist_folder):
    with pytest.raises(InputError, match=f"more than the 5 train images in {mnist_folder}"):
        load_mnist(count=6, path=mnist_folder)


def test_mismatched_idx_files_are_refused(mnist_folder):
    images, labels = (mnist_folder / f"train-{k}-ubyte" for k in ("images-idx3", "labels-idx1"))
    labels.write_bytes(idx_bytes(np.zeros(4, np.uint8)))
    with pytest.raises(InputError, match="has 5 images and .* has 4 labels"):
        load_mnist(path=mnist_folder)
    labels.write_bytes(images.read_bytes())
    with pytest.raises(InputError, match=r"holds uint8 values in 3 dimension\(s\): labels are"):
        load_mnist(path=mnist_folder)
    images.write_bytes(idx_bytes(np.zeros((5, 28, 28), np.float32)))
    with pytest.raises(InputError, match="holds float32 values"):
        load_mnist(path=mnist_folder)


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: it starts with bytes (none)"),
        (b"\0\0\x08", "not an IDX file: it starts with bytes 00 00 08"),
        (b"PNG!" + GOOD, "not an IDX file"),
        (b"\0\0\x07\x02" + GOOD[4:], "not an IDX file"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (GOOD[:9], "cut short: it ends within its header"),
        (GOOD[:-1], "cut short: its header says 3x4 values (12 bytes) and 11 bytes follow"),
        (GOOD + b"\0", "goes on after the 3x4 values (12 bytes)"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, " 4294967295x4294967295x4294967295 values"),
        # Within the limit, yet far more than is there.
        (b"\0\0\x08\x01" + struct.pack(">I", 2**30) + b"abc", "and 3 bytes follow"),
    ],
)
def test_damaged_idx_files_are_refused_and_named(tmp_path, content, message, compress):
    path = tmp_path / "damaged"
    path.write_bytes(gzip.compress(content) if compress else content)
    for read in (read_idx, map_idx):
        with pytest.raises(InputError, match=re.escape(message)) as caught:
            read(path)
        text = str(caught.value)
        assert f"{path.parent.name}/{path.name}" in text and "\n" not in text


def test_a_file_of_numpy_is_told_from_a_damaged_one(tmp_path):
    for name, save in (("images.npy", np.save), ("images.npz", np.savez)):
        save(tmp_path / name, np.ones((2, 3, 3)))
        with pytest.raises(InputError, match="a file of NumPy's .*numpy.load"):
            map_idx(tmp_path / name)


@pytest.mark.parametrize("keep", [5, 20, -4, -9])
def test_damaged_gzip_is_refused_and_named(tmp_path, keep):
    path = tmp_path / "damaged.gz"
    path.write_bytes(gzip.compress(GOOD)[:keep])
    with pytest.raises(InputError, match=f"{path} is damaged gzip"):
        read_idx(path)


def test_corrupted_gzip_is_refused(tmp_path):
    packed = bytearray(gzip.compress(GOOD))
    packed[-6] ^= 1  # In the checksum.
    (tmp_path / "corrupted").write_bytes(packed)
    with pytest.raises(InputError, match="damaged gzip .*CRC"):
        read_idx(tmp_path / "corrupted")


def test_size_limit_holds_to_the_byte(tmp_path, monkeypatch):
    (tmp_path / "array").write_bytes(GOOD)
    monkeypatch.setattr(datasets, "IDX_SIZE_LIMIT", 12)
    assert read_idx(tmp_path / "array").size == 12
    monkeypatch.setattr(datasets, "IDX_SIZE_LIMIT", 11)
    with pytest.raises(InputError, match="at most 11 bytes are read"):
        read_idx(tmp_path / "array")


def test_classical_filter_comes_with_the_package():
    kernel = load_classical_filter()
    assert kernel.shape == (4, 4) and kernel.dtype == np.float64
    # A filter with structure: neither blank nor constant.
    assert kernel.std() > 0.1 * np.abs(kernel).max()
