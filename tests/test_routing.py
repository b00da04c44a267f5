"""Routing where no layout fits: few gates are added, and what is measured stays right."""

import cirq
import numpy as np
import pytest
from helpers import state_of

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    XZAnsatz,
    compile_convolution,
    load_device,
)
from qucnn_cirq.circuits.slots import TableAngle, ry
from qucnn_cirq.compiler.passes import two_qubit_gates
from qucnn_cirq.compiler.swaps import write_out_swaps

FIXED = FixedFilter(np.random.default_rng(3).normal(size=16))
RINGS = load_device("ooooo\no.o.o\nooooo\no.o.o\nooooo\n")


@pytest.mark.parametrize(
    ("device", "overlap", "most"),
    [("grid:3x3", "ancilla", 38), (RINGS, "destructive", 29), ("grid:1x10", "destructive", 35)],
)
def test_what_fits_no_layout_takes_few_more_gates(device, overlap, most):
    spec = ConvolutionSpec(filters=FIXED, overlap=overlap)
    program = compile_convolution(spec, device)
    assert program.report.layout == "routed"
    assert program.report.two_qubit_gates <= most
    assert program.verify(patches=1).passed
    assert "starts" in program.passes_text


def test_a_circuit_that_fits_gives_way_to_one_that_errs_less_when_routed():
    device = load_device(".o..\noooo\noooo\n")
    program = compile_convolution(ConvolutionSpec(filters=FIXED), device)
    fits = compile_convolution(ConvolutionSpec(filters=FIXED), device, layout="plaquettes")
    assert program.report.layout == "routed"
    assert program.report.predicted_error < fits.report.predicted_error
    assert program.verify(patches=1).passed


def test_a_swap_beside_a_gate_costs_one_and_one_of_a_qubit_in_zero_two():
    a, b, c = cirq.LineQubit.range(3)
    angles = {"patch": np.random.default_rng(4).normal(size=(1, 6))}

    def turn(qubit, column):
        return ry(TableAngle("patch", column)).on(qubit)

    begin = [turn(a, 0), turn(b, 1)]
    beside = [cirq.CZ(a, b).with_tags("loader"), turn(a, 2), turn(b, 3)]
    for circuit, gates in (
        ([*begin, *beside, cirq.SWAP(a, b), turn(a, 4)], 2),
        ([*begin, cirq.SWAP(a, b), turn(a, 4), turn(b, 5), cirq.CZ(b, a)], 2),
        ([*begin, cirq.SWAP(b, c), turn(c, 4)], 2),
        ([*begin, turn(c, 2), cirq.CZ(a, b), cirq.SWAP(b, c), cirq.CZ(a, b)], 5),
        ([*begin, cirq.SWAP(a, b), *beside, cirq.SWAP(a, b)], 5),
    ):
        original = cirq.Circuit(circuit, cirq.I.on_each(a, b, c))
        written = write_out_swaps(cirq.Circuit(circuit))
        assert two_qubit_gates(written) == gates
        written += cirq.I.on_each(a, b, c)
        expected, found = (state_of(each, (a, b, c), angles) for each in (original, written))
        assert abs(np.vdot(expected, found)) == pytest.approx(1, abs=1e-12)


def test_qubits_that_are_moved_while_they_are_in_zero_start_apart():
    spec = ConvolutionSpec(filters=XZAnsatz(2), backward=True)
    program = compile_convolution(spec, "grid:1x10")
    starts = [qubit for qubits in program.placement.values() for qubit in qubits]
    assert program.report.layout == "routed"
    assert len(set(starts)) == len(starts) == 9
