"""Sizes beyond what can be compiled are refused in a sentence, before any work begins."""

from __future__ import annotations

import cirq
import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.compiler.windows import compile_windows
from qucnn_cirq.filters import CircuitFilter

HUGE = 10**5000
QUBIT = cirq.LineQubit(0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ConvolutionSpec(kernel=1000), r"kernel = \(1000, 1000\) .* at most 4096"),
        (lambda: ConvolutionSpec(kernel=(1, 5000)), r"kernel\[1\] = 5000 .* within 1\.\.4096"),
        (lambda: ConvolutionSpec(kernel=HUGE), "kernel = a int of thousands of digits"),
        (lambda: ConvolutionSpec(channels=300), "channels = 300 has 4800 values"),
        (lambda: ConvolutionSpec(channels=HUGE), "channels = a int"),
        (
            lambda: ConvolutionSpec(stride=2**40),
            r"stride = 1099511627776 .* within 1\.\.2147483647",
        ),
        (lambda: ConvolutionSpec(stride=(1, -HUGE)), r"stride\[1\] = a int"),
        (lambda: ConvolutionSpec(padding=10**9), "padding = 1000000000 .* within 0..4096"),
        (lambda: ConvolutionSpec(filters=[XZAnsatz()] * 1025), "1025 entries: give at most 1024"),
        (lambda: XZAnsatz(layers=10**5), "layers = 100000 .* within 1..1000"),
        (lambda: XZAnsatz(rotations="x" * 13), "13 axes: give at most 12"),
        (lambda: XZAnsatz(rotations="x" * 10**6), "1000000 axes: give at most 12"),
        (lambda: compile_windows(cirq.Circuit(cirq.X(QUBIT)), XZAnsatz(), size=60), "within 1..12"),
        (lambda: CircuitFilter(cirq.Circuit(cirq.X(QUBIT) ** np.nan)), "NaN or infinite"),
        (
            lambda: compile_convolution(ConvolutionSpec(kernel=(1, 4096)), "willow_pink"),
            "12 qubits a register: at most 10",
        ),
        (
            lambda: compile_convolution(
                ConvolutionSpec(kernel=32, filters=XZAnsatz(layers=900)), "willow_pink"
            ),
            "18000 rotations",
        ),
    ],
)
def test_what_is_too_large_is_refused_in_one_line(make, words):
    with pytest.raises(InputError, match=words) as refusal:
        make()
    assert len(str(refusal.value)) <= 200
    assert len(str(refusal.value).splitlines()) == 1


def test_the_largest_sizes_are_allowed():
    spec = ConvolutionSpec(kernel=64, padding=63, filters=FixedFilter(np.ones((64, 64))))
    assert spec.register_qubits == 12
    assert ConvolutionSpec(kernel=1, channels=4096).n_elements == 4096
    assert XZAnsatz(layers=1000, rotations="xyz" * 4).n_parameters(1) == 12_000
    assert ConvolutionSpec(kernel=2, filters=[XZAnsatz()] * 1024).n_filters == 1024
