"""Pinned placement: the circuit is where it was wanted, or the refusal says why not."""

import cirq
import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.compiler.pinning import placement_text

Q = cirq.GridQubit
FIXED = ConvolutionSpec(filters=FixedFilter(np.random.default_rng(1).normal(size=(4, 4))))
DATA = [Q(2, column) for column in (1, 2, 3, 4)]


def test_only_the_qubits_given_are_used():
    block = cirq.GridQubit.rect(3, 6, top=2, left=1)
    program = compile_convolution(FIXED, "grid:8x8", placement=block)
    assert set(program.filters[0].template.qubits) <= set(block)
    assert program.report.layout == "ladder"
    assert program.verify(patches=1).passed
    # A block that no layout fits: routed within it.
    ring = [q for q in cirq.GridQubit.rect(4, 4, top=3, left=3) if q not in {Q(4, 4), Q(5, 5)}]
    routed = compile_convolution(FIXED, "grid:8x8", placement=[(q.row, q.col) for q in ring])
    assert routed.report.layout == "routed"
    assert set(routed.filters[0].template.qubits) <= set(ring)
    assert routed.verify(patches=1).passed


def test_registers_and_ancilla_sit_where_they_are_pinned():
    program = compile_convolution(FIXED, "grid:5x6", placement={"data": DATA})
    assert program.placement["data"] == tuple(DATA)
    assert {q.row for q in program.placement["filter"]} <= {1, 3}
    filter_ = tuple(q + (1, 0) for q in DATA)
    both = compile_convolution(
        FIXED, "grid:5x6", placement={"data": DATA, "filter": [f"{q.row}_{q.col}" for q in filter_]}
    )
    assert both.placement == {"data": tuple(DATA), "filter": filter_, "ancilla": (Q(2, 0),)}
    assert both.verify(patches=1).passed


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_a_placement_read_from_a_program_pins_another(overlap):
    spec = ConvolutionSpec(filters=FIXED.filters, overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    same = compile_convolution(spec, "willow_pink", placement=program.placement)
    patch = np.arange(1, 17).reshape(4, 4)
    assert same.circuit(patch) == program.circuit(patch)
    written = compile_convolution(spec, "willow_pink", placement=placement_text(program.placement))
    assert written is same


def test_a_text_of_qubits_is_a_list_of_them():
    block = cirq.GridQubit.rect(3, 6, top=2, left=1)
    program = compile_convolution(FIXED, "grid:8x8", placement=block)
    for mark in (" ", ",", ", "):
        text = mark.join(f"{q.row}_{q.col}" for q in block)
        assert compile_convolution(FIXED, "grid:8x8", placement=text) is program


def test_two_walkers_have_two_places():
    program = compile_convolution(FIXED, "grid:5x6", walkers=2)
    assert len(program.placement["ancilla"]) == 2
    swapped = {"data": program.placement["data"][::-1], "ancilla": program.placement["ancilla"]}
    with pytest.raises(InputError, match="no layout fits"):
        compile_convolution(FIXED, "grid:5x6", walkers=2, placement=swapped)


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ({"data": [Q(9, 9), *DATA[1:]]}, r"q\(9, 9\), which device 'grid:5x6' does not have"),
        ({"data": DATA, "filter": DATA}, "twice"),
        ({"data": DATA[:3]}, "data has 3 qubits; this circuit has 4"),
        ({"dta": DATA}, "Did you mean 'data'"),
        ({"data": [DATA[0], DATA[2], DATA[1], DATA[3]]}, "one that does is data = [0-9]_[0-9] "),
        ({"data": ["2-1"]}, "row_column"),
        (DATA, "4 qubits; this circuit needs 9"),
        (cirq.GridQubit.rect(1, 6) + cirq.GridQubit.rect(1, 6, top=3), "9 connected qubits"),
        ("2_1", "1 qubits; this circuit needs 9"),
        ("data = 2_1 2_2 2_3", "data has 3 qubits; this circuit has 4"),
        ("data = 2-1", "row_column"),
        ("dta = 2_1", "Did you mean 'data'"),
        ("data = 2_1, data = 2_2", "cannot be read"),
        ("data = 2_1, 2_2", "cannot be read"),
        (7, "give a list of qubits"),
    ],
)
def test_what_cannot_be_placed_is_refused(placement, message):
    with pytest.raises(InputError, match=message):
        compile_convolution(FIXED, "grid:5x6", placement=placement)


def test_tests_without_a_role_refuse_it():
    spec = ConvolutionSpec(filters=XZAnsatz(), overlap="inversion")
    with pytest.raises(InputError, match="filter has 4 qubits; this circuit has 0"):
        compile_convolution(spec, "grid:5x6", placement={"filter": DATA})
