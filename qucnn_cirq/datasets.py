"""Images to convolve: a part of MNIST that comes with the package, and IDX files of your own."""

from __future__ import annotations

import gzip
import importlib.resources
import io
import math
import os
import struct
import zlib
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from noise_models.checks import LARGEST_COUNT, one_of, whole_number
from noise_models.files import check_file, file_bytes, read_json
from qucnn_cirq.array_files import (
    LARGEST_ARRAYS,
    MOST_DIMENSIONS,
    check_expansion,
    read_arrays,
)
from qucnn_cirq.errors import InputError

IDX_SIZE_LIMIT = LARGEST_ARRAYS
"""Most bytes of data that `read_idx` accepts from one file; full MNIST has 47 million."""

_PREFIXES = {"train": "train", "test": "t10k"}
_IMAGES_SUFFIX = "images-idx3-ubyte"
_LABELS_SUFFIX = "labels-idx1-ubyte"
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 2**20
_LARGEST_HEADER = 4 + 4 * MOST_DIMENSIONS

# Third byte of an IDX file; multi-byte values are stored most significant byte first.
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True, eq=False)
class Images:
    """Grey-scale images and what they show.

    Attributes:
        images: Pixel values 0 (background) to 255, uint8, shape (n, rows, columns); MNIST's are
            28x28.
        labels: The digit shown by each image, uint8, shape (n,).
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name, values in (("images", self.images), ("labels", self.labels)):
            if not isinstance(values, np.ndarray):
                raise InputError(f"{name} are a {type(values).__name__}: give a NumPy array.")
        if self.images.ndim != 3 or self.images.dtype != np.uint8:
            raise InputError(
                f"images have shape {self.images.shape} and type {self.images.dtype}: give uint8 "
                f"of shape (n, rows, columns)."
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != np.uint8:
            raise InputError(
                f"labels have shape {self.labels.shape} and type {self.labels.dtype}: "
                f"{len(self.images)} images need uint8 labels of shape ({len(self.images)},)."
            )

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)


def load_mnist(
    split: str = "train", count: int | None = None, path: str | os.PathLike[str] | None = None
) -> Images:
    """Loads handwritten digits of MNIST, in the order of the database.

    Args:
        split: "train" or "test".
        count: How many of the first images to load; None for all of them.
        path: Where to read them. None: the first 2,000 training and 500 test images, which come
            with the package. A folder: IDX files with MNIST's own names
            (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`,
            `t10k-labels-idx1-ubyte`), plain or gzip with `.gz` added. A file: the IDX file of
            images; the one of labels lies beside it, named alike with `labels-idx1` for
            `images-idx3`.

    Returns:
        The images and their labels.

    Raises:
        InputError: If the split is unknown, a file is missing or damaged, the images and labels
            do not belong together, or `count` is not between 1 and the number of images.
    """
    one_of("split", split, _PREFIXES)
    loaded = _shipped(split) if path is None else _from_idx(Path(path), split)
    if count is None:
        return loaded
    count = whole_number("count", count, 1)
    if count > len(loaded):
        source = "the package's part of MNIST" if path is None else str(path)
        hint = "; give the path of the full files for more" if path is None else ""
        raise InputError(
            f"count = {count} is more than the {len(loaded)} {split} images in {source}: "
            f"give 1 to {len(loaded)}{hint}."
        )
    return Images(loaded.images[:count], loaded.labels[:count])


def load_classical_filter() -> npt.NDArray[np.float64]:
    """The 4x4 filter of a classical network trained on the package's part of MNIST.

    `docs/examples/train_classical_filter.py` trains it. Its scale has no meaning for a quantum
    filter, which is normalised.

    Returns:
        A new array of shape (4, 4).
    """
    with importlib.resources.as_file(_data_file("classical_filter.json")) as path:
        return np.array(read_json(path)["kernel"], dtype=np.float64)


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Reads an array from an IDX file, the format of MNIST's own files.

    The file is two zero bytes, one byte for the type, one for the number of dimensions, the
    dimensions as big-endian 32-bit integers, and the values in C order, big-endian
    (http://yann.lecun.com/exdb/mnist/). It may be compressed with gzip, whatever its name.

    Args:
        path: The file.

    Returns:
        The array, of the shape in the file's header, in the machine's byte order.

    Raises:
        InputError: If the file is missing or unreadable, is not an IDX file, holds fewer or more
            bytes than its header says, or its header asks for more than `IDX_SIZE_LIMIT` bytes.
    """
    path = Path(path)
    content = file_bytes(path, IDX_SIZE_LIMIT + _LARGEST_HEADER)
    if not content.startswith(_GZIP_MAGIC):
        return _parse_idx(io.BytesIO(content), path, len(content))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
            return _parse_idx(unpacked, path, len(content))
    except (EOFError, zlib.error, OSError) as error:
        raise InputError(f"{path} is damaged gzip ({error}): fetch it again.") from None


def map_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """As `read_idx`, but a file that is not compressed is mapped into memory, whatever its size.

    Args:
        path: The file, which must not change as long as the array is in use.

    Returns:
        A read-only array, of the shape and the byte order of the file.

    Raises:
        InputError: As for `read_idx`.
    """
    path = Path(path)
    check_file(path, LARGEST_COUNT)
    with path.open("rb") as file:
        is_packed = file.peek(2).startswith(_GZIP_MAGIC)
        if not is_packed:
            header = _idx_header(file, path)
            header.check(path, os.fstat(file.fileno()).st_size - file.tell())
            # There is no mapping of no bytes.
            if header.size:
                return np.memmap(file, header.dtype, "r", file.tell(), header.shape)
    return read_idx(path)


class _Header(NamedTuple):
    """What the header of an IDX file says."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of data."""
        # Python integers: the product of 32-bit dimensions may exceed 64 bits.
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape[:5]))} values ({self.size} bytes)"

    def check(self, path: Path, following: int) -> None:
        """Refuses a file in which fewer or more bytes follow.

        Args:
            path: The file, for the error.
            following: How many bytes follow.

        Raises:
            InputError: If these are not as many as the header says.
        """
        if following < self.size:
            raise InputError(
                f"{path} is cut short: its header says {self} and {following} bytes follow. "
                f"Fetch it again."
            )
        if following > self.size:
            raise InputError(
                f"{path} goes on after the {self} of its header: it is damaged or no IDX file."
            )


def _idx_header(file: io.BufferedIOBase, path: Path) -> _Header:
    """Reads the header of an uncompressed IDX file; its path is for the errors."""
    magic = file.read(4)
    if magic[:1] == b"\x93" or magic[:2] == b"PK":
        raise InputError(
            f"{path} is a file of NumPy's and no IDX file: give the array, "
            "numpy.load(path, mmap_mode='r')."
        )
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _IDX_TYPES or magic[3] == 0:
        raise InputError(
            f"{path} is not an IDX file: it starts with bytes {magic.hex(' ') or '(none)'}, and "
            f"MNIST's images start with 00 00 08 03, its labels with 00 00 08 01."
        )
    dtype = np.dtype(_IDX_TYPES[magic[2]])
    n_dimensions = magic[3]
    if n_dimensions > MOST_DIMENSIONS:
        raise InputError(
            f"{path} claims to have {n_dimensions} dimensions; at most {MOST_DIMENSIONS} are read: "
            f"MNIST's images have 3, its labels 1."
        )
    header = file.read(4 * n_dimensions)
    if len(header) < 4 * n_dimensions:
        raise InputError(f"{path} is cut short: it ends within its header. Fetch it again.")
    shape = struct.unpack(f">{n_dimensions}I", header)
    return _Header(dtype, shape)


def _parse_idx(file: io.BufferedIOBase, path: Path, packed: int) -> npt.NDArray[Any]:
    """The array in an uncompressed IDX file; its path and its size on disk are for the errors."""
    header = _idx_header(file, path)
    # Of a shape with a zero, the other numbers may be of any size.
    most = math.prod(max(each, 1) for each in header.shape) * header.dtype.itemsize
    if most > IDX_SIZE_LIMIT:
        raise InputError(
            f"{path} claims to hold {header}: at most {IDX_SIZE_LIMIT} bytes are read from one "
            f"file. Split it, or fetch it again if it is damaged."
        )
    # Read piece by piece: memory follows what is there, not what the header claims.
    content, size = bytearray(), header.size
    while len(content) <= size and (piece := file.read(min(_CHUNK, size + 1 - len(content)))):
        content += piece
        check_expansion(path, packed, len(content))
    header.check(path, len(content))
    values = np.frombuffer(content, dtype=header.dtype).reshape(header.shape)
    return values.astype(header.dtype.newbyteorder("="), copy=False)


def _data_file(name: str) -> Traversable:
    """A file of the folder `data` of this package, wherever it is installed."""
    return importlib.resources.files("qucnn_cirq") / "data" / name


def _shipped(split: str) -> Images:
    """One split of the MNIST images that come with the package."""
    with importlib.resources.as_file(_data_file("mnist_subset.npz")) as path:
        arrays = read_arrays(path)
        assert isinstance(arrays, dict)
        return Images(arrays[f"{split}_images"], arrays[f"{split}_labels"])


def _from_idx(path: Path, split: str) -> Images:
    """Images and labels from a folder of IDX files, or from one file of images."""
    if path.is_dir():
        images_path = _plain_or_gzip(path / f"{_PREFIXES[split]}-{_IMAGES_SUFFIX}")
        labels_path = _plain_or_gzip(path / f"{_PREFIXES[split]}-{_LABELS_SUFFIX}")
    else:
        images_path, labels_path = path, _labels_beside(path, split)
    images, labels = read_idx(images_path), read_idx(labels_path)
    for array, file, n_dimensions in ((images, images_path, 3), (labels, labels_path, 1)):
        if array.ndim != n_dimensions or array.dtype != np.uint8:
            raise InputError(
                f"{file} holds {array.dtype} values in {array.ndim} dimension(s): "
                f"{'images' if n_dimensions == 3 else 'labels'} are uint8 in {n_dimensions}."
            )
    if len(images) != len(labels):
        raise InputError(
            f"{images_path} has {len(images)} images and {labels_path} has {len(labels)} labels: "
            f"give files that belong together."
        )
    return Images(images, labels)


def _plain_or_gzip(path: Path) -> Path:
    """The file, or the file with `.gz` added if only that exists."""
    packed = path.with_name(f"{path.name}.gz")
    for candidate in (path, packed):
        if candidate.is_file():
            return candidate
    raise InputError(f"{path.parent} has neither {path.name} nor {packed.name}: add one of them.")


def _labels_beside(path: Path, split: str) -> Path:
    """The file of labels that belongs to a file of images."""
    if not path.exists():
        raise InputError(f"{path} does not exist: give a folder of IDX files or a file of images.")
    for other, prefix in _PREFIXES.items():
        if other != split and path.name.startswith(prefix):
            raise InputError(
                f"{path} is MNIST's {other} file by its name: ask for split {other!r}, or give "
                f"the {split} file."
            )
    plain = path.name.removesuffix(".gz")
    if "images-idx3" not in plain:
        raise InputError(
            f"{path} does not say in its name where its labels are: name it ...{_IMAGES_SUFFIX} "
            f"beside ...{_LABELS_SUFFIX}, or use read_idx for images alone."
        )
    return _plain_or_gzip(path.with_name(plain.replace("images-idx3", "labels-idx1")))
