"""Convolutions whose angles are fixed are the same convolutions."""

import numpy as np
import pytest

from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.convolution import filter_states
from qucnn_cirq.errors import InputError


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("kernel", [(2, 2), (3, 3)])
def test_overlaps_stay_and_the_file_holds_them(overlap: str, kernel: tuple[int, int]) -> None:
    spec = ConvolutionSpec(kernel=kernel, filters=[XZAnsatz(layers=2)] * 2, overlap=overlap)
    layer = QuantumConvolution(compile_convolution(spec, "grid:3x4"), shots=None, seed=3)
    fixed = ConvolutionSpec.from_toml(spec.with_angles(layer.parameters).to_toml())
    assert fixed.n_parameters == 0 and fixed.n_filters == 2
    states = filter_states(fixed, None)
    before = filter_states(spec, layer.parameters)
    overlaps = np.abs(np.sum(states.conj() * before, axis=1))
    np.testing.assert_allclose(overlaps, 1.0, atol=1e-12)
    again = QuantumConvolution(compile_convolution(fixed, "grid:3x4"), shots=None)
    images = np.random.default_rng(1).random((1, 4, 4))
    np.testing.assert_allclose(again.forward(images), layer.forward(images), atol=1e-12)
    # A state that is fixed may be prepared in another way.
    assert again.program.report.two_qubit_gates <= layer.program.report.two_qubit_gates


def test_filters_of_one_kind_keep_what_they_are() -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1))
    (own,) = spec.with_angles(np.zeros((1, spec.n_parameters))).filter_list
    assert isinstance(own, CircuitFilter) and not own.parameters


@pytest.mark.parametrize(
    ("spec", "parameters", "message"),
    [
        (ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 2, 3, 4])), [[]], "have some"),
        (ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1)), np.zeros((2, 3)), "needed"),
        (ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1)), [[np.nan] * 4], "finite"),
        (
            ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), measurement="z"),
            np.zeros((1, 4)),
            "overlap tests",
        ),
    ],
)
def test_what_does_not_go_is_refused(
    spec: ConvolutionSpec, parameters: object, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        spec.with_angles(parameters)  # type: ignore[arg-type]
