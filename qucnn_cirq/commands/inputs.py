"""What several verbs read: configurations, and what a circuit is bound to."""

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
    from qucnn_cirq.configuration import read_convolution
    from qucnn_cirq.documents import read_document
    from qucnn_cirq.specification import ConvolutionSpec

    document = read_document(path)
    if "convolution" not in document:
        raise InputError(f"{path} has no table [convolution]: add it.")
    table = document["convolution"]
    return read_convolution(table) if "study" in document else ConvolutionSpec.from_mapping(table)


def patch_and_angles(
    spec: ConvolutionSpec, options: argparse.Namespace
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """What a circuit is bound to: the patch of ``--patch``, or random values, and random angles.

    Args:
        spec: The convolution.
        options: The options of a verb.

    Returns:
        The patch, and the angles of a filter in radians, shape (parameters,); None if it has none.

    Raises:
        InputError: If the seed or the patch is not allowed.
    """
    import numpy as np

    from noise_models.checks import whole_number

    seed = whole_number("seed", 0 if options.seed is None else options.seed, minimum=0)
    random = np.random.default_rng(seed)
    shape = (spec.channels, *spec.kernel_pair)
    given = options.patch is not None
    patch = (
        read_array(options.patch, "patch") if given else spec.encoding.random_values(shape, random)
    )
    return patch, random.uniform(0, 2 * np.pi, spec.n_parameters) if spec.n_parameters else None


def read_array(path: Path, name: str) -> npt.NDArray[np.float64]:
    """One array of numbers from a NumPy file, without unpickling anything.

    Args:
        path: The file.
        name: What it holds, for the error.

    Returns:
        The numbers, of the shape that they have there.

    Raises:
        InputError: If it cannot be read, or holds several arrays or anything but finite numbers.
    """
    from qucnn_cirq.array_files import read_arrays
    from qucnn_cirq.arrays import real_array

    content = read_arrays(path)
    if isinstance(content, dict):
        raise InputError(f"{path} holds several arrays: give a .npy file with one, the {name}.")
    return real_array(name, content)
