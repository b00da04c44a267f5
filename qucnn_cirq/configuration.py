"""The convolution that a configuration describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qucnn_cirq.datasets import load_classical_filter
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import FixedFilter, XZAnsatz
from qucnn_cirq.specification import ConvolutionSpec


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
