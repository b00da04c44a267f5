"""The compiler: correct on every device, valid, deterministic, and clear when it refuses."""

import itertools
from dataclasses import replace

import attrs
import cirq
import numpy as np
import pytest
from helpers import density_matrix_mean, filled, mean_of, random_states, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.slots import Slot, fixed, ry
from qucnn_cirq.compiler import passes
from qucnn_cirq.compiler.gate_sets import GATE_SETS, rebase
from qucnn_cirq.compiler.routing import route_preparation, routes
from qucnn_cirq.devices import NATIVE_GATES, device_names, grid_device, load_device

KERNEL_4X4 = np.random.default_rng(4).normal(size=(4, 4))
PATCH_4X4 = np.random.default_rng(5).normal(size=(4, 4))


@pytest.mark.parametrize(
    ("device", "overlaps"),
    [*zip([*device_names(), "grid:5x6"], itertools.cycle(["adi", "dia", "iad"]))],
)
def test_every_device_runs_what_is_compiled_for_it(device, overlaps):
    """Each of its gate sets with another overlap test; all pairs are compiled for a grid below."""
    named = {"a": "ancilla", "d": "destructive", "i": "inversion"}
    for gate_set, letter in zip(load_device(device).two_qubit_gates, itertools.cycle(overlaps)):
        overlap = named[letter]
        spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), overlap=overlap)
        program = compile_convolution(spec, device, gate_set=gate_set)
        circuit = program.circuit(PATCH_4X4)
        program.device.cirq_device.validate_circuit(circuit)
        two_qubit = [op for op in circuit.all_operations() if len(op.qubits) == 2]
        gates = {op.gate for op in two_qubit if not cirq.is_measurement(op)}
        assert gates == {NATIVE_GATES[gate_set]}
        assert program.report.gateset == gate_set
        assert program.report.device == device


@pytest.mark.parametrize("gate_set", list(GATE_SETS))
@pytest.mark.parametrize("overlap", ["ancilla", "destructive", "inversion"])
def test_native_circuit_measures_the_overlap(gate_set, overlap):
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), overlap=overlap)
    program = compile_convolution(spec, "grid:5x6", gate_set=gate_set)
    x, f = PATCH_4X4.ravel(), KERNEL_4X4.ravel()
    expected = (x @ f) ** 2 / (x @ x) / (f @ f)
    circuit = program.circuit(PATCH_4X4)
    assert _ideal_mean(program, circuit) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("layout", "overlap", "gates", "depth"),
    [
        ("plaquettes", "ancilla", 40, 24),
        ("plaquettes", "destructive", 24, 8),
        ("plaquettes", "inversion", 10, 6),
        ("ladder", "ancilla", 30, 19),
        ("ladder", "destructive", 14, 5),
    ],
)
@pytest.mark.parametrize("device", ["willow_pink", "sycamore_cz"])
def test_gate_counts_of_the_layouts(device, layout, overlap, gates, depth):
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), overlap=overlap)
    program = compile_convolution(spec, device, layout=layout)
    assert program.report.two_qubit_gates <= gates
    assert program.report.two_qubit_depth <= depth
    report, circuit = program.variant(PATCH_4X4).report, program.circuit(PATCH_4X4)
    counted = sum(isinstance(op.gate, cirq.CZPowGate) for op in circuit.all_operations())
    assert counted == report.two_qubit_gates
    assert len(circuit) == report.moments
    x, f = PATCH_4X4.ravel(), KERNEL_4X4.ravel()
    assert _ideal_mean(program, circuit) == pytest.approx(
        (x @ f) ** 2 / (x @ x) / (f @ f), abs=1e-6
    )


@pytest.mark.parametrize(
    ("gate_set", "overlap", "gates", "depth"),
    [
        ("sqrt_iswap", "ancilla", 36, 26),
        ("sqrt_iswap", "destructive", 16, 6),
        ("sqrt_iswap", "inversion", 12, 9),
        ("syc", "ancilla", 38, 28),
        ("syc", "destructive", 20, 6),
    ],
)
def test_gate_counts_in_native_gates(gate_set, overlap, gates, depth):
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), overlap=overlap)
    program = compile_convolution(spec, "sycamore", gate_set=gate_set)
    circuit = program.circuit(PATCH_4X4)
    native = NATIVE_GATES[gate_set]
    assert sum(op.gate == native for op in circuit.all_operations()) <= gates
    assert program.report.two_qubit_gates <= gates
    assert program.report.two_qubit_depth <= depth
    assert program.verify().passed
    # What is a rotation about Z for every patch costs nothing.
    pulses = sum(isinstance(op.gate, cirq.PhasedXZGate) for op in circuit.all_operations())
    phases = sum(isinstance(op.gate, cirq.ZPowGate) for op in circuit.all_operations())
    assert phases > 0 or overlap == "inversion" or gate_set == "syc"
    assert pulses + phases == program.variant(PATCH_4X4).report.one_qubit_gates


@pytest.mark.parametrize(
    ("kernel", "channels", "overlap", "gates", "depth"),
    [
        ((2, 2), 1, "ancilla", 12, 10),
        ((2, 4), 1, "ancilla", 21, 16),
        ((3, 3), 3, "ancilla", 53, 28),
        ((3, 3), 3, "destructive", 33, 8),
        ((4, 4), 3, "ancilla", 90, 37),
        ((8, 8), 1, "destructive", 66, 13),
    ],
)
def test_gate_counts_of_other_kernels(kernel, channels, overlap, gates, depth):
    vector = np.random.default_rng(3).normal(size=(channels, *kernel))
    spec = ConvolutionSpec(
        kernel=kernel, channels=channels, filters=FixedFilter(vector), overlap=overlap
    )
    program = compile_convolution(spec, "willow_pink")
    assert program.report.layout == "ladder"
    assert program.report.two_qubit_gates <= gates
    assert program.report.two_qubit_depth <= depth
    assert program.verify(patches=1).passed


@pytest.mark.parametrize(("loader", "gates"), [("comparison", 8), ("ring_comparison", 10)])
def test_comparison_of_two_vectors_takes_few_cz_in_depth_six(loader, gates):
    kernels = [KERNEL_4X4, np.ones((4, 4)), np.eye(4), np.random.default_rng(6).normal(size=(3, 3))]
    for kernel in kernels:
        spec = ConvolutionSpec(
            kernel=kernel.shape, filters=FixedFilter(kernel), overlap="inversion"
        )
        program = compile_convolution(spec, "willow_pink", loader=loader)
        assert program.report.two_qubit_gates == gates
        # A product needs no CZ of its own, so that 6 for the patch are the whole circuit.
        best = compile_convolution(spec, "willow_pink").report
        is_product = np.ptp(kernel) == 0
        assert best.loader == ("symplectic" if is_product else "comparison")
        assert best.two_qubit_gates == (6 if is_product else 8)
        assert program.report.two_qubit_depth <= 6
        found = program.verify(patches=3)
        assert found.passed and found.largest_deviation < 1e-12


def test_filters_compared_in_one_circuit_keep_their_own_angles():
    filters = [FixedFilter(KERNEL_4X4), FixedFilter(PATCH_4X4)]
    spec = ConvolutionSpec(filters=filters, overlap="inversion")
    program = compile_convolution(spec, "willow_pink")
    assert program.filters[0].template is program.filters[1].template
    patch = np.random.default_rng(7).normal(size=(4, 4))
    for index, kernel in enumerate((KERNEL_4X4, PATCH_4X4)):
        mean = _ideal_mean(program, program.circuit(patch, filter_index=index))
        expected = np.sum(patch * kernel) ** 2 / np.sum(patch**2) / np.sum(kernel**2)
        assert mean == pytest.approx(expected, abs=1e-9)
    with pytest.raises(InputError, match="comparison"):
        compile_convolution(ConvolutionSpec(filters=XZAnsatz()), loader="comparison")


def test_a_vector_that_seven_sqrt_iswap_miss_is_loaded_with_eight():
    # One of 200 random vectors.
    missed = np.random.default_rng(1).normal(size=(200, 16))[143]
    for patch, kernel in ((missed, KERNEL_4X4), (PATCH_4X4, missed)):
        spec = ConvolutionSpec(filters=FixedFilter(np.reshape(kernel, (4, 4))))
        program = compile_convolution(spec, "sycamore", loader="line")
        circuit = program.circuit(np.reshape(patch, (4, 4)))
        assert sum(op.gate == cirq.SQRT_ISWAP for op in circuit.all_operations()) == 39
        x, f = np.ravel(patch), np.ravel(kernel)
        expected = (x @ f) ** 2 / (x @ x) / (f @ f)
        assert _ideal_mean(program, circuit) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("layout", "backward", "gates", "depth"),
    [("plaquettes", False, 40, 16), ("ladder", False, 32, 14), ("ladder", True, 34, 16)],
)
def test_two_walkers_halve_the_depth(layout, backward, gates, depth):
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), backward=backward)
    program = compile_convolution(spec, "willow_pink", layout=layout, walkers=2)
    assert program.report.two_qubit_gates <= gates
    assert program.report.two_qubit_depth <= depth
    assert len(program.filters[0].template.observable.qubits) == (1 if backward else 2)
    assert program.verify().passed


def test_walkers_are_checked():
    with pytest.raises(InputError, match="1 or 2"):
        compile_convolution(ConvolutionSpec(filters=XZAnsatz()), walkers=3)
    with pytest.raises(InputError, match="1 pairs"):
        compile_convolution(ConvolutionSpec(kernel=(1, 2), filters=XZAnsatz()), walkers=2)
    with pytest.raises(InputError, match="no ancilla"):
        compile_convolution(ConvolutionSpec(filters=XZAnsatz(), overlap="destructive"), walkers=2)
    with pytest.raises(InputError, match="walkers"):
        compile_convolution(ConvolutionSpec(filters=XZAnsatz()), walkers=0)


def _ideal_mean(program, circuit):
    state = cirq.Simulator(dtype=np.complex128).simulate(circuit[:-1]).final_state_vector
    qubits = sorted(circuit[:-1].all_qubits())
    return mean_of(program.filters[0].template.observable, np.abs(state) ** 2, qubits)


def test_a_kernel_that_does_not_fit_names_both_sizes():
    spec = ConvolutionSpec(kernel=(8, 8), filters=XZAnsatz())
    words = "^the ancilla test .* needs 13 qubits; device 'grid:3x4' has 12"
    with pytest.raises(InputError, match=words):
        compile_convolution(spec, "grid:3x4")


def test_wrong_names_are_refused_with_the_nearest():
    spec = ConvolutionSpec(filters=XZAnsatz())
    with pytest.raises(InputError, match="Did you mean 'willow_pink'"):
        compile_convolution(spec, "wilow_pink")
    with pytest.raises(InputError, match="Did you mean 'ladder'"):
        compile_convolution(spec, "grid:5x5", layout="lader")
    with pytest.raises(InputError, match="Did you mean 'schmidt'"):
        compile_convolution(spec, "grid:5x5", loader="schmit")
    with pytest.raises(InputError, match="it offers cz"):
        compile_convolution(spec, "willow_pink", gate_set="syc")
    with pytest.raises(InputError, match="does not fit"):
        compile_convolution(spec, "grid:3x3", layout="plaquettes")


def test_compiling_again_reuses_the_program():
    spec = ConvolutionSpec(filters=[FixedFilter(KERNEL_4X4), FixedFilter(PATCH_4X4)])
    program = compile_convolution(spec, "willow_pink")
    assert compile_convolution(spec, "willow_pink") is program
    assert program.filters[0].template is program.filters[1].template


def _circuits_verified(compiled):
    return max(2, len(compiled.variants)), 1 + len(compiled.variants)


@pytest.mark.parametrize(
    ("settings", "device"),
    [
        ({"filters": [FixedFilter(KERNEL_4X4), FixedFilter(PATCH_4X4)]}, "willow_pink"),
        ({"filters": XZAnsatz(layers=3), "backward": True}, "weber"),
        ({"kernel": (3, 3), "filters": XZAnsatz(), "overlap": "destructive"}, "rainbow"),
        (
            {"kernel": (2, 2), "channels": 3, "filters": XZAnsatz(), "overlap": "inversion"},
            "sycamore",
        ),
    ],
)
def test_programs_prove_themselves(settings, device):
    program = compile_convolution(ConvolutionSpec(**settings), device)
    found = program.verify(patches=2, seed=1)
    assert found.passed
    # Two patches a filter, and one more for each circuit that neither is run with.
    least, most = (
        sum(each) for each in zip(*map(_circuits_verified, program.filters), strict=True)
    )
    assert least <= found.circuits <= most
    assert 0 < found.largest_deviation < 1e-6


def test_the_overlap_test_with_the_smallest_predicted_error_is_chosen():
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL_4X4), overlap="auto")
    program = compile_convolution(spec, "willow_pink")
    errors = {
        overlap: compile_convolution(
            attrs.evolve(spec, overlap=overlap), "willow_pink"
        ).report.predicted_error
        for overlap in ("ancilla", "destructive", "inversion")
    }
    assert program.spec.overlap == min(errors, key=errors.get)
    assert program.report.predicted_error == min(errors.values())
    # Four qubits suffice for the inversion test alone.
    assert compile_convolution(spec, "grid:2x2").spec.overlap == "inversion"
    with pytest.raises(InputError, match="needs 9 qubits"):
        compile_convolution(spec, "grid:1x3")


def test_verification_notices_a_wrong_program():
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([[1, 2], [3, 4]]))
    program = compile_convolution(spec, "grid:4x5")
    compiled = program.filters[0]
    (qubits, values), *_ = compiled.template.observable.groups
    flipped = replace(compiled.template.observable, groups=((qubits, values[::-1]),))
    (variant,) = compiled.variants
    variant = replace(variant, template=replace(variant.template, observable=flipped))
    wrong = replace(compiled, variants=(variant,))
    assert not replace(program, filters=(wrong,)).verify().passed
    elsewhere = replace(program, device=load_device("grid:1x4"))
    assert not elsewhere.verify().passed
    assert elsewhere.verify().violations


def test_program_circuit_refuses_bad_patches():
    program = compile_convolution(ConvolutionSpec(filters=FixedFilter(KERNEL_4X4)), "willow_pink")
    with pytest.raises(InputError, match=r"patch of shape \(3, 4\)"):
        program.circuit(np.ones((3, 4)))
    with pytest.raises(InputError, match="all zero"):
        program.circuit(np.zeros((4, 4)))
    with pytest.raises(InputError, match="not finite|finite|NaN"):
        program.circuit(np.full((4, 4), np.nan))
    with pytest.raises(InputError, match="takes 0 parameters"):
        program.circuit(PATCH_4X4, np.ones(3))
    with pytest.raises(InputError, match="within 0..0"):
        program.circuit(PATCH_4X4, filter_index=1)
    with pytest.raises(InputError, match="backward=True"):
        program.circuit(PATCH_4X4, upstream=0.5)


def test_estimate_reads_a_result_and_refuses_a_foreign_one():
    program = compile_convolution(ConvolutionSpec(filters=FixedFilter(KERNEL_4X4)), "willow_pink")
    bits = np.array([[0], [0], [0], [1]])
    result = cirq.ResultDict(params=cirq.ParamResolver(), measurements={"overlap": bits})
    assert program.estimate(result) == 0.5
    foreign = cirq.ResultDict(params=cirq.ParamResolver(), measurements={"m": bits})
    with pytest.raises(InputError, match="no measurement 'overlap'"):
        program.estimate(foreign)


@pytest.mark.parametrize("g", [-0.6, 0.3, 1.0])
def test_backward_program_measures_g_times_the_overlap(g):
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=2), backward=True)
    forward = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=2))
    patch, parameters = np.array([[1.0, -2.0], [0.5, 3.0]]), np.linspace(0, 3, 8)
    overlap = density_matrix_mean(compile_convolution(forward, "grid:4x5"), patch, None, parameters)
    program = compile_convolution(spec, "grid:4x5")
    circuit = program.circuit(patch, parameters, upstream=g)
    assert _ideal_mean(program, circuit) == pytest.approx(g * overlap, abs=1e-6)
    with pytest.raises(InputError, match="within -1..1"):
        program.circuit(patch, parameters, upstream=1.5)


# Passes ---------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=25)
def test_passes_keep_what_is_measured(seed):
    generator = np.random.default_rng(seed)
    qubits = cirq.LineQubit.range(4)
    circuit = cirq.Circuit()
    for _ in range(25):
        if generator.random() < 0.6:
            qubit = qubits[generator.integers(4)]
            circuit.append(ry(generator.choice([0.0, 0.7, -0.7, 2.0])).on(qubit))
        else:
            circuit.append(cirq.CZ(*generator.choice(qubits, 2, replace=False)))
    circuit.append(cirq.measure(qubits[0], qubits[2], key="m"))
    for transform in (
        passes.merge_slots,
        passes.drop_unobserved,
        passes.schedule_as_late_as_possible,
    ):
        changed = transform(circuit)
        assert _measured(changed, qubits) == pytest.approx(_measured(circuit, qubits), abs=1e-9)
        again = transform(changed)
        assert len(again) == len(changed)
        for qubit in qubits:
            assert _on(again, qubit) == _on(changed, qubit)


def _on(circuit, qubit):
    return [op for op in circuit.all_operations() if qubit in op.qubits]


def _measured(circuit, qubits):
    unmeasured = cirq.Circuit(op for op in circuit.all_operations() if not cirq.is_measurement(op))
    probabilities = np.abs(state_of(unmeasured, qubits, {})) ** 2
    return probabilities.reshape(2, 2, 2, 2).sum(axis=(1, 3)).ravel()


def test_merge_slots_keeps_tags_and_drops_identities():
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(
        ry(0.3).on(a).with_tags("loader"),
        ry(0.4).on(a).with_tags("overlap"),
        ry(1.0).on(b),
        ry(-1.0).on(b),
        cirq.CZ(a, b).with_tags("overlap"),
    )
    merged = list(passes.merge_slots(circuit).all_operations())
    assert merged[0].tags == ("loader", "overlap")
    assert merged[1] == cirq.CZ(a, b).with_tags("overlap")
    assert len(merged) == 2


def test_schedule_puts_kinds_apart_and_measures_last():
    spec = ConvolutionSpec(filters=XZAnsatz(layers=2))
    circuit = compile_convolution(spec, "willow_pink").filters[0].template.circuit
    for moment in circuit[:-1]:
        assert len({len(op.qubits) for op in moment}) == 1
    assert all(cirq.is_measurement(op) for op in circuit[-1])
    assert not any(cirq.is_measurement(op) for m in circuit[:-1] for op in m)


@pytest.mark.parametrize("gate_set", list(GATE_SETS))
def test_rebase_is_the_same_unitary(gate_set):
    qubits = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(
        cirq.CZ(*qubits[:2]).with_tags("part"),
        fixed(cirq.unitary(cirq.H)).on(qubits[1]),
        cirq.CZ(*qubits[1:]),
    )
    changed = rebase(circuit, gate_set=gate_set)
    cirq.testing.assert_circuits_with_terminal_measurements_are_equivalent(
        filled(changed, {}), filled(circuit, {}), atol=1e-6
    )
    first_two_qubit = next(op for op in changed.all_operations() if len(op.qubits) == 2)
    assert first_two_qubit.tags == ("part",)


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=15)
def test_routing_prepares_the_same_state(seed):
    circuit, line = _all_to_all_circuit(seed), cirq.GridQubit.rect(1, 4)
    graph = grid_device(line).graph
    expected = state_of(circuit, line, {})
    routed = route_preparation(circuit, graph)
    assert all(len(op.qubits) == 1 or graph.has_edge(*op.qubits) for op in routed.all_operations())
    assert abs(np.vdot(state_of(routed, line, {}), expected)) == pytest.approx(1, abs=1e-9)
    route = next(routes(lambda _: circuit, [{}], grid_device(cirq.GridQubit.rect(2, 2)).graph))
    assert set(route.starts) == set(route.ends) == set(line)
    there = state_of(route.circuit, [route.ends[qubit] for qubit in line], {})
    assert abs(np.vdot(there, expected)) == pytest.approx(1, abs=1e-9)


def _all_to_all_circuit(seed):
    generator = np.random.default_rng(seed)
    line = cirq.GridQubit.rect(1, 4)
    circuit = cirq.Circuit(
        ry(angle).on(q) for q, angle in zip(line, random_states(2, 1, 1)[0], strict=True)
    )
    for _ in range(8):
        a, b = generator.choice(4, 2, replace=False)
        circuit.append([ry(generator.normal()).on(line[a]), cirq.CZ(line[a], line[b])])
        circuit.append(ry(generator.normal()).on(line[b]))
    return circuit


def test_passes_leave_ignored_tags_alone_and_ordinary_circuits_whole():
    a, b = cirq.LineQubit.range(2)
    kept = [ry(0.3).on(a).with_tags("keep"), cirq.CZ(a, b).with_tags("keep")]
    circuit = cirq.Circuit(ry(0.2).on(a), *kept, cirq.measure(a))
    context = cirq.TransformerContext(tags_to_ignore=("keep",))
    for transform in (passes.merge_slots, passes.drop_unobserved, rebase):
        options = {"gate_set": "syc"} if transform is rebase else {}
        changed = transform(circuit, context=context, **options)
        assert [op for op in changed.all_operations() if "keep" in op.tags] == kept
    early = cirq.Circuit(cirq.Moment(kept[0]), cirq.Moment(cirq.X(b)), cirq.measure(a, b))
    assert passes.schedule_as_late_as_possible(early, context=context) == early
    assert passes.schedule_as_late_as_possible(early).moments[0] == cirq.Moment(kept[0], cirq.X(b))
    ordinary = cirq.testing.random_circuit(4, 8, 0.7, random_state=1)
    for transform in (passes.merge_slots, passes.drop_unobserved, rebase):
        cirq.testing.assert_allclose_up_to_global_phase(
            cirq.unitary(transform(ordinary)), cirq.unitary(ordinary), atol=1e-7
        )
    with pytest.raises(InputError, match="measure last"):
        passes.schedule_as_late_as_possible(cirq.Circuit(cirq.measure(a), cirq.X(a)))


def test_the_table_of_passes_counts_what_the_circuit_holds():
    spec = ConvolutionSpec(kernel=(2, 4), filters=XZAnsatz(layers=2, entangler="ring"))
    program = compile_convolution(spec, "grid:3x5", layout="ladder", gate_set="syc")
    records = program.filters[0].passes
    # Routing adds SWAPs inside the registers, the gate set two SYC for each CZ of them.
    gates = {record.name: record.two_qubit_gates for record in records}
    assert gates["logical circuit"] < gates["route"] < gates["native gates"]
    last = records[-1]
    assert last.two_qubit_gates == program.report.two_qubit_gates
    assert last.moments == program.report.moments
    header, *lines = program.passes_text.splitlines()
    assert header.startswith("pass") and len(lines) == len(records)
    difference = records[1].two_qubit_gates - records[0].two_qubit_gates
    assert lines[1].split()[:3] == ["route", str(records[1].two_qubit_gates), f"+{difference}"]


def test_slots_survive_cirq_transformers():
    circuit = cirq.Circuit(ry(0.3).on(cirq.LineQubit(0)), cirq.CZ(*cirq.LineQubit.range(2)))
    aligned = cirq.align_right(cirq.drop_empty_moments(circuit))
    assert sum(isinstance(op.gate, Slot) for op in aligned.all_operations()) == 1
