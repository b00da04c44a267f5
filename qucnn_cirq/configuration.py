"""Configuration files: their tables, and the convolution that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from noise_models.errors import shown
from noise_models.files import read_toml
from qucnn_cirq.datasets import load_classical_filter
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.filters import FixedFilter, XZAnsatz
from qucnn_cirq.specification import ConvolutionSpec

TABLES = ("study", "convolution", "noise")
"""The tables of a configuration of one run, or of one point of a sweep."""
QUICK = "quick"
"""The table whose `settings` make a quick version of a study."""
AXES = ("axes", "zip")
"""The tables that make it a sweep."""
_ALL = (*TABLES, *AXES, QUICK)


def read_document(path: Path) -> dict[str, Any]:
    """Reads a configuration file.

    Args:
        path: A TOML file.

    Returns:
        Its tables.

    Raises:
        InputError: If the file cannot be read, is not TOML, or has a table that nothing reads.
    """
    document = read_toml(path)
    for name, table in document.items():
        if name not in _ALL:
            raise unknown_name(f"table of {path.name}", name, _ALL)
        if not isinstance(table, dict) and not (name == "noise" and isinstance(table, str)):
            raise InputError(
                f"{path}: {name} = {shown(table)} is not allowed: write a table [{name}]."
            )
    return document


def read_convolution(mapping: Mapping[str, Any], default: str = "trained") -> ConvolutionSpec:
    """A specification with a default for the filters.

    Args:
        mapping: As for `ConvolutionSpec.from_mapping`.
        default: "trained", the filter that comes with the package; "ansatz", one of three layers;
            or "random", a fixed random vector.

    Raises:
        InputError: If a setting is not allowed, or no filter is given for a kernel that the
            default does not fit.
    """
    if "filters" in mapping:
        return ConvolutionSpec.from_mapping(mapping)
    if default == "ansatz":
        return ConvolutionSpec.from_mapping({**mapping, "filters": XZAnsatz(layers=3).to_mapping()})
    shape = ConvolutionSpec.from_mapping(mapping)
    if default == "random":
        values = np.random.default_rng(2).normal(size=(shape.channels, *shape.kernel_pair))
        fixed = FixedFilter(values).to_mapping()
        return ConvolutionSpec.from_mapping({**mapping, "filters": fixed})
    kernel = load_classical_filter()
    if (shape.channels, *shape.kernel_pair) != (1, *kernel.shape):
        raise InputError(
            f"convolution.filters is missing: the default filter is {kernel.shape[0]}x"
            f"{kernel.shape[1]} with one channel and does not fit kernel = {shape.kernel} with "
            f"{shape.channels} channel(s); set it, such as to {{kind = 'ansatz', layers = 3}}."
        )
    trained = FixedFilter(kernel).to_mapping()
    return ConvolutionSpec.from_mapping({**mapping, "filters": trained})
