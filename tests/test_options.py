"""Every option of compiling acts, or is refused: none is accepted without effect."""

from __future__ import annotations

import itertools

import cirq
import numpy as np
import pytest

from noise_models.fields import field_names
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.compiler.parallel import compile_parallel
from qucnn_cirq.compiler.windows import compile_windows

KERNELS = {1: (1, 2), 2: (2, 2), 3: (2, 4), 4: (4, 4), 5: (4, 8)}
SPEC = ConvolutionSpec(filters=FixedFilter(np.arange(1.0, 17.0)))
ROW = cirq.LineQubit.range(3)
DATA = cirq.Circuit(cirq.ry(0.3).on_each(*ROW), cirq.CZ(*ROW[:2]), cirq.CZ(*ROW[1:]))
PLACES = [f"{row}_{column}" for row in range(1, 4) for column in range(6)]


@pytest.mark.parametrize("n_qubits", KERNELS)
@pytest.mark.parametrize(
    "loader", ["schmidt", "line", "multiplexed", "comparison", "ring_comparison"]
)
def test_a_loader_that_is_asked_for_is_used_or_refused(n_qubits, loader):
    spec = ConvolutionSpec(kernel=KERNELS[n_qubits], filters=XZAnsatz(), overlap="destructive")
    for layout in ("auto", "plaquettes", "ladder"):
        try:
            report = compile_convolution(spec, "grid:4x8", layout=layout, loader=loader).report
        except InputError as refusal:
            assert len(str(refusal)) <= 200
            assert loader in str(refusal) or layout in str(refusal)
        else:
            assert report.loader == loader
            assert layout in ("auto", report.layout)


@pytest.mark.parametrize("gate_set", ["cz", "sqrt_iswap", "syc"])
@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_gate_set_and_overlap_are_those_of_the_circuit(gate_set, overlap):
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(), overlap=overlap)
    program = compile_convolution(spec, "grid:3x4", gate_set=gate_set)
    assert (program.report.gateset, program.spec.overlap) == (gate_set, overlap)


# What is changed, and what the circuit of the default is compared with.
CHANGES = {
    "layout": {"layout": "ladder", "loader": "multiplexed"},
    "routed": {"layout": "routed"},
    "loader": {"loader": "multiplexed"},
    "gate_set": {"gate_set": "sqrt_iswap"},
    "walkers": {"walkers": 2},
    "infidelity": {"infidelity": 0.1},
    "infidelity auto": {"infidelity": "auto", "noise": "depolarizing"},
    "dynamical_decoupling": {"dynamical_decoupling": "XX"},
    "placement": {"placement": PLACES},
}


def _content(program):
    return [
        (variant.template.circuit, variant.report.loader)
        for compiled in program.filters
        for variant in compiled.variants
    ]


@pytest.mark.parametrize("name", CHANGES)
def test_every_option_of_compile_convolution_changes_the_program(name):
    default = compile_convolution(SPEC, "grid:5x6")
    assert _content(compile_convolution(SPEC, "grid:5x6", **CHANGES[name])) != _content(default)


def test_loaded_filters_change_the_program():
    spec = ConvolutionSpec(filters=XZAnsatz(layers=3))
    programs = [
        compile_convolution(spec, "grid:5x6", load_filters=loads) for loads in (False, True)
    ]
    assert _content(programs[0]) != _content(programs[1])


def _of_windows(**options):
    found = compile_windows(DATA, XZAnsatz(), "grid:4x6", size=2, **options)
    return [found.circuit(window, np.ones(4)) for window in range(len(found.windows))]


@pytest.fixture(scope="module")
def usual_windows():
    return _of_windows()


@pytest.mark.parametrize(
    "name", ["routed", "gate_set", "walkers", "dynamical_decoupling", "placement"]
)
def test_every_option_of_compile_windows_changes_the_program(name, usual_windows):
    assert _of_windows(**CHANGES[name]) != usual_windows


@pytest.mark.parametrize("options", [{"copies": 3}, {"spacing": 1}, {"walkers": 2}])
def test_every_option_of_compile_parallel_changes_the_program(options):
    spec = ConvolutionSpec(kernel=(1, 2), filters=FixedFilter([1.0, 2.0]))
    if "walkers" in options:
        with pytest.raises(InputError, match="walkers = 2"):
            compile_parallel(spec, "grid:4x6", 2, **options)
        return
    default = compile_parallel(spec, "grid:4x6", 2)
    other = compile_parallel(spec, "grid:4x6", **({"copies": 2} | options))
    assert [copy.placement for copy in other.copies] != [copy.placement for copy in default.copies]


def test_every_setting_of_a_specification_is_part_of_its_identity():
    changes = {
        "kernel": (2, 8),
        "stride": 2,
        "padding": 1,
        "channels": 2,
        "filters": XZAnsatz(layers=2),
        "overlap": "inversion",
        "backward": True,
        "encoding": "angle",
        "measurement": "z",
    }
    specs = [ConvolutionSpec(), *(ConvolutionSpec(**{key: changes[key]}) for key in changes)]
    assert set(changes) == set(field_names(ConvolutionSpec))
    assert len({spec.identity for spec in specs}) == len(specs)
    assert all(a != b for a, b in itertools.combinations(specs, 2))
