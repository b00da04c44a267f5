"""What several verbs read: configurations, patches, seeds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qucnn_cirq.specification import ConvolutionSpec


def read_specification(path: Path) -> ConvolutionSpec:
    """The convolution of a file; that of a study's configuration has the study's defaults.

    Args:
        path: A TOML file with a table [convolution], of a study or by itself.

    Raises:
        InputError: If the file cannot be read or has no such table.
    """
    from qucnn_cirq.configuration import read_convolution, read_document
    from qucnn_cirq.specification import ConvolutionSpec

    document = read_document(path)
    if "convolution" not in document:
        raise InputError(f"{path} has no table [convolution]: add it.")
    table = document["convolution"]
    return read_convolution(table) if "study" in document else ConvolutionSpec.from_mapping(table)


def seed_of(options: argparse.Namespace) -> int:
    """The seed that was asked for with ``--seed``, or 0.

    Args:
        options: The options of a verb.

    Raises:
        InputError: If it is negative.
    """
    from noise_models.checks import whole_number

    return whole_number("seed", 0 if options.seed is None else options.seed, minimum=0)


def read_patch(path: Path) -> npt.NDArray[np.float64]:
    """Reads a patch from a NumPy file, without unpickling anything.

    Args:
        path: A .npy file with one array of real numbers.

    Returns:
        The array, of any shape.

    Raises:
        InputError: If the file cannot be read or holds something else.
    """
    from qucnn_cirq.array_files import read_arrays
    from qucnn_cirq.arrays import real_array

    content = read_arrays(path)
    if isinstance(content, dict):
        raise InputError(f"{path} holds several arrays: give a .npy file with one patch.")
    return real_array("patch", content)
