"""Arrays in files of NumPy (.npy, .npz), which may come from anyone.

``numpy.load`` believes what a file says: a header of a few bytes asks for gigabytes, which a zip
file can even hold, and its parser warns and raises whatever it likes. Here the header is compared
with the bytes that are there before anything is allocated, and nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models.files import file_bytes
from qucnn_cirq.errors import InputError

LARGEST_ARRAYS = 2**30
"""Most bytes of arrays that are read from one file, packed or not; full MNIST has 47 million."""

MOST_DIMENSIONS = 32
"""More than any array of images has, and what every version of NumPy can hold."""

_NPY, _ZIP = b"\x93NUMPY", b"PK"
_ZIP_END, _ZIP_END_BYTES, _LARGEST_COMMENT = b"PK\x05\x06", 22, 2**16
_LARGEST_DIRECTORY = 2**20
_FREE_EXPANSION, _MOST_EXPANSION = 64 * 2**20, 100
_LARGEST_HEADER = 4096
_TYPE = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?[A-Za-z]\d*)['"]""", re.ASCII)
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""", re.ASCII)
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d, ]*)\)""", re.ASCII)


def read_arrays(
    path: Path, largest: int = LARGEST_ARRAYS
) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Reads a file of NumPy.

    Args:
        path: The file; its content tells of what kind it is, not its name.
        largest: The most bytes that it, and its arrays together, may have.

    Returns:
        The array of a .npy file, of any shape, or the arrays of a .npz file by name.

    Raises:
        InputError: If the file cannot be read, is damaged, is larger, or holds anything but arrays
            of numbers and texts.
    """
    content = file_bytes(path, largest)
    if content.startswith(_NPY):
        return _array(content, str(path))
    if not content.startswith(_ZIP):
        raise InputError(f"{path} is no usable NumPy file: it is neither .npy nor .npz inside.")
    try:
        return _members(content, path, largest)
    except InputError:
        raise
    except Exception as error:
        # The module of the standard library raises a dozen types on a damaged file.
        reason = type(error).__name__
        raise InputError(
            f"{path} is no usable NumPy file: its zip is damaged ({reason})."
        ) from None


def check_expansion(path: Path, packed: int, unpacked: int) -> None:
    """Refuses a file whose content expands as no data do.

    Args:
        path: The file, for the error.
        packed: Its bytes.
        unpacked: The bytes that it says to hold.

    Raises:
        InputError: If it unpacks to over 64 MiB and to over 100 times its size.
    """
    if unpacked > max(_FREE_EXPANSION, _MOST_EXPANSION * packed):
        raise InputError(
            f"{path} would unpack to {unpacked / 2**20:.0f} MiB, over {_MOST_EXPANSION} times its "
            f"size: give the file unpacked."
        )


def _members(content: bytes, path: Path, largest: int) -> dict[str, NDArray[Any]]:
    """The arrays of a zip file."""
    end = content.rfind(_ZIP_END, max(0, len(content) - _ZIP_END_BYTES - _LARGEST_COMMENT))
    directory = int.from_bytes(content[end + 12 : end + 16], "little") if end >= 0 else 0
    if directory > _LARGEST_DIRECTORY:
        raise InputError(f"{path} is no usable NumPy file: it lists too many arrays.")
    arrays: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [each for each in archive.infolist() if each.filename.endswith(".npy")]
        unpacked = sum(each.file_size for each in members)
        if unpacked > largest:
            raise InputError(
                f"{path} would unpack to {unpacked / 2**20:.3g} MiB; at most "
                f"{largest / 2**20:.3g} are read."
            )
        check_expansion(path, len(content), unpacked)
        for member in members:
            name = member.filename.removesuffix(".npy")
            # No more is read than the directory says, and the checksum is compared.
            arrays[name] = _array(archive.read(member), f"{path}, array {name[:40]!r},")
    return arrays


def _array(content: bytes, origin: str) -> NDArray[Any]:
    """The array of a .npy file's content."""
    wide = content[6:7] >= b"\x02"
    start = 12 if wide else 10
    length = int.from_bytes(content[8:start], "little")
    header = content[start : start + length]
    found = [
        pattern.search(header[:_LARGEST_HEADER].decode("latin-1"))
        for pattern in (_TYPE, _ORDER, _SHAPE)
    ]
    kind, order, sizes = (None if each is None else each.group(1) for each in found)
    if kind is None or order is None or sizes is None or len(header) < length:
        raise InputError(
            f"{origin} is no usable NumPy file: its header is damaged, or its entries are "
            f"neither numbers nor texts."
        )
    shape = tuple(int(size[:20]) for size in sizes.replace(" ", "").split(",") if size)
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError, OverflowError, MemoryError):
        dtype = np.dtype(object)
    if dtype.kind not in "biufcSU" or not dtype.itemsize:
        raise InputError(f"{origin} has entries of type {kind!r}: give numbers.")
    if len(shape) > MOST_DIMENSIONS:
        raise InputError(
            f"{origin} claims to have {len(shape)} dimensions; at most {MOST_DIMENSIONS} are read."
        )
    size = math.prod(shape) * dtype.itemsize
    there = len(content) - start - length
    # The second: of a shape with a zero, the other numbers may be of any size.
    if size != there or math.prod(max(each, 1) for each in shape) > 2**48:
        raise InputError(
            f"{origin} is no usable NumPy file: its header says {size} bytes and {there} follow."
        )
    values = np.frombuffer(content, dtype, offset=start + length)
    return values.reshape(shape, order="F" if order == "True" else "C").copy()
