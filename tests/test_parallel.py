"""Several tests at the same time on one device: disjoint, valid, and each right by itself."""

import cirq
import numpy as np
import pytest

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    XZAnsatz,
    compile_convolution,
    compile_parallel,
)
from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.devices import load_device
from qucnn_cirq.validation import errors_of, validate

GENERATOR = np.random.default_rng(2)
KERNELS = GENERATOR.normal(size=(3, 4, 4))
PATCHES = GENERATOR.normal(size=(9, 4, 4))


def _overlap(patch, kernel):
    return np.sum(patch * kernel) ** 2 / np.sum(patch**2) / np.sum(kernel**2)


def _qubits(program):
    return [set(copy.filters[0].template.qubits) for copy in program.copies]


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
@pytest.mark.parametrize("spacing", [0, 1])
def test_copies_share_no_qubit_and_keep_their_distance(overlap, spacing):
    spec = ConvolutionSpec(filters=FixedFilter(KERNELS[0]), overlap=overlap)
    program = compile_parallel(spec, "willow_pink", 4, spacing=spacing)
    places = _qubits(program)
    graph = load_device("willow_pink").graph
    for index, place in enumerate(places):
        around = place | {n for qubit in place for n in graph.neighbors(qubit) if spacing}
        assert all(around.isdisjoint(other) for other in places[:index])
    errors = [copy.report.predicted_error for copy in program.copies]
    assert errors == sorted(errors)
    alone = compile_convolution(spec, "willow_pink")
    assert errors[0] == pytest.approx(alone.report.predicted_error)
    assert program.report.two_qubit_gates == 4 * alone.report.two_qubit_gates
    assert program.report.moments == alone.report.moments


def test_as_many_copies_as_fit():
    spec = ConvolutionSpec(filters=FixedFilter(KERNELS[0]))
    most = compile_parallel(spec, "willow_pink")
    assert len(most.copies) >= 9
    circuit = most.circuit(PATCHES)
    assert errors_of(validate(circuit, most.copies[0].device)) == []
    assert len(circuit.all_qubits()) == 81
    # Copies that are run with one circuit are in step.
    alike = most.circuit(np.repeat(PATCHES[:1], len(most.copies), axis=0))
    assert len(alike) == most.report.moments <= len(circuit)
    with pytest.raises(InputError, match=r"copies = 5 do not fit device 'grid:5x6': \d were found"):
        compile_parallel(spec, "grid:5x6", 5)


@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_filters_of_different_structures_share_the_qubits_of_a_copy(overlap):
    """One is a product and takes no gate, and would have a better place of its own."""
    bank = [FixedFilter(kernel) for kernel in (KERNELS[0], np.ones((4, 4)), 1 + 0 * KERNELS[1])]
    both = compile_parallel(ConvolutionSpec(filters=bank, overlap=overlap), "willow_pink")
    alone = compile_parallel(ConvolutionSpec(filters=bank[0], overlap=overlap), "willow_pink")
    assert len(both.copies) == len(alone.copies)
    for copy in both.copies:
        assert copy.structures == ((0,), (1, 2))
        assert len({frozenset(compiled.template.qubits) for compiled in copy.filters}) == 1
    assert both.verify().passed


def test_every_copy_measures_its_own_patch():
    spec = ConvolutionSpec(filters=FixedFilter(KERNELS[0]), overlap="destructive")
    program = compile_parallel(spec, "grid:5x6", 2, gate_set="sqrt_iswap")
    assert program.verify().passed
    circuit = program.circuit(PATCHES[:2])
    assert cirq.measurement_key_names(circuit) == {"overlap_0", "overlap_1"}
    assert circuit.are_all_measurements_terminal()
    for copy, patch, place in zip(program.copies, PATCHES, _qubits(program), strict=False):
        part = cirq.Circuit(op for op in circuit.all_operations() if place.issuperset(op.qubits))
        mean = simulated_mean(part, copy.filters[0].template.observable)
        assert mean == pytest.approx(_overlap(patch, KERNELS[0]), abs=1e-9)


def test_one_patch_meets_several_filters_in_one_run():
    kernels = KERNELS[:, :2, :2]
    spec = ConvolutionSpec(
        kernel=(2, 2), filters=[FixedFilter(k) for k in kernels], overlap="inversion"
    )
    program = compile_parallel(spec, "grid:2x6", 3)
    patch = PATCHES[0, :2, :2]
    circuit = program.circuit(patch, filter_index=[0, 1, 2])
    result = cirq.Simulator(seed=1).run(circuit, repetitions=20_000)
    estimates = program.estimate(result, filter_index=[0, 1, 2])
    expected = [_overlap(patch, kernel) for kernel in kernels]
    np.testing.assert_allclose(estimates, expected, atol=5 * 0.5 / np.sqrt(20_000))
    assert len(set(np.round(expected, 2))) == 3


def test_backward_copies_have_their_own_upstream():
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), backward=True)
    program = compile_parallel(spec, "grid:6x6", 2, gate_set="cz")
    upstream, angles = [0.5, -0.8], np.linspace(0.1, 1, 8).reshape(2, 4)
    circuit = program.circuit(PATCHES[:2, :2, :2], angles, upstream=upstream)
    for number, place in enumerate(_qubits(program)):
        part = cirq.Circuit(op for op in circuit.all_operations() if place.issuperset(op.qubits))
        patch = PATCHES[number, :2, :2].ravel()
        state = spec.filter_list[0].states(2, angles[number : number + 1])[0]
        expected = upstream[number] * abs(np.vdot(state, patch)) ** 2 / (patch @ patch)
        observable = program.copies[number].filters[0].template.observable
        assert simulated_mean(part, observable) == pytest.approx(expected, abs=1e-9)


def test_circuits_of_different_length_end_together():
    spec = ConvolutionSpec(filters=FixedFilter(KERNELS[0]), overlap="inversion")
    options = {"infidelity": 1e-3, "gate_set": "cz", "loader": "symplectic"}
    program = compile_parallel(spec, "grid:6x6", 2, **options)
    blank = np.zeros((4, 4))
    blank[1, 1] = 1
    circuit = program.circuit([PATCHES[0], blank])
    assert program.copies[0].variant(blank).report.moments < program.report.moments
    assert errors_of(validate(circuit, program.copies[0].device)) == []
    assert len(circuit) == program.report.moments
    assert all(len({len(op.qubits) for op in moment}) == 1 for moment in circuit[:-1])


def test_bad_requests_are_refused():
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1))
    program = compile_parallel(spec, "grid:5x6", 2)
    patches = PATCHES[:2, :2, :2]
    with pytest.raises(InputError, match="3 tests at the same time; this program has 2 copies"):
        program.circuit(PATCHES[:3, :2, :2], np.ones(4))
    with pytest.raises(InputError, match="filter_parameters has 3 entries for 2 copies"):
        program.circuit(patches, np.ones((3, 4)))
    with pytest.raises(InputError, match=r"patch of shape \(3, 3\)"):
        program.circuit(PATCHES[:2, :3, :3], np.ones(4))
    with pytest.raises(InputError, match="copies = 0"):
        compile_parallel(spec, "grid:5x6", 0)
    bits = {"overlap": np.zeros((1, 1), int)}
    foreign = cirq.ResultDict(params=cirq.ParamResolver(), measurements=bits)
    with pytest.raises(InputError, match="no measurement 'overlap_0'"):
        program.estimate(foreign)


def test_no_spacing_or_number_of_patches_takes_for_ever():
    spec = ConvolutionSpec(filters=FixedFilter(KERNELS[0]))
    assert len(compile_parallel(spec, "grid:5x6", spacing=2**31 - 1).copies) == 1
    program = compile_convolution(spec, "grid:5x6")
    with pytest.raises(InputError, match=r"patches .* within 1\.\.10000"):
        program.verify(patches=2**31 - 1)
