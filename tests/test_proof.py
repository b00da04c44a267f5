"""What is proved of compiled circuits, and that wrong ones are not."""

from __future__ import annotations

from dataclasses import replace

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from test_compiler_properties import requests

from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    InputError,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import AncillaTest
from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot, TableAngle
from qucnn_cirq.compiler.proof import NotProvedError, prove
from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.registries import register_overlap_test

DEVICES = {"cz": "willow_pink", "sqrt_iswap": "sycamore", "syc": "sycamore"}
KERNEL = np.random.default_rng(3).normal(size=(4, 4))


ANSATZ = XZAnsatz(1)


def _program(overlap="ancilla", filters=ANSATZ, kernel=(2, 4), **options):
    backward = options.pop("backward", False)
    device = options.pop("device", "willow_pink")
    spec = ConvolutionSpec(kernel=kernel, filters=filters, overlap=overlap, backward=backward)
    return compile_convolution(spec, device, **options)


def _with(program, **changed):
    """The program with nothing but the circuit for all patches, of another template."""
    (compiled,) = program.filters
    variant = compiled.variants[compiled.generic]
    variant = replace(variant, template=replace(variant.template, **changed))
    only = replace(compiled, variants=(variant,), generic=0, rule=None)
    return replace(program, filters=(only,))


def _with_operation(program, number, changed):
    """The program with one operation replaced, or dropped if it becomes None."""
    template = program.filters[0].template
    operations = list(template.circuit.all_operations())
    new = changed(operations[number])
    operations[number : number + 1] = [] if new is None else [new]
    moments = [cirq.Moment(operation) for operation in operations]
    return _with(program, circuit=cirq.FrozenCircuit(moments))


@given(request=requests())
@settings(
    deadline=None,
    max_examples=20,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_program_is_proved(request):
    try:
        program = compile_convolution(request.spec, request.device, **request.options)
    except InputError:
        return
    proof = program.proof
    assert proof.bound < 1e-10
    assert proof.filter_infidelity is None or proof.filter_infidelity < 1e-12
    assert proof.circuits >= 1


@pytest.mark.parametrize("gate_set", ["cz", "sqrt_iswap", "syc"])
@pytest.mark.parametrize(
    ("overlap", "backward", "walkers"),
    [("ancilla", False, 1), ("ancilla", True, 2), ("destructive", False, 1)],
)
def test_gate_sets_and_tests_are_proved(gate_set, overlap, backward, walkers):
    program = _program(
        overlap, backward=backward, walkers=walkers, gate_set=gate_set, device=DEVICES[gate_set]
    )
    assert program.proof.states == 4**program.spec.register_qubits * (2 if backward else 1)
    assert program.proof.bound < 1e-10


def test_every_circuit_of_a_budget_is_proved():
    program = _program(filters=FixedFilter(KERNEL), kernel=(4, 4), infidelity=1e-2)
    proof = program.proof
    assert proof.circuits == len(program.filters[0].variants) > 3
    assert proof.filter_infidelity < 1e-12


def test_routed_circuits_of_a_line_are_proved():
    program = _program(device="grid:1x8", kernel=(2, 4), backward=True)
    assert program.report.layout == "routed"
    assert program.proof.bound < 1e-10


def test_a_users_circuit_is_proved_and_compared_with_what_was_given():
    qubits = cirq.LineQubit.range(3)
    circuit = cirq.testing.random_circuit(qubits, 8, 0.8, random_state=5)
    proof = _program("inversion", CircuitFilter(circuit, qubits)).proof
    assert proof.filter_infidelity < 1e-12
    assert proof.states == 8
    assert "fixed filters" not in str(replace(proof, filter_infidelity=None))


def test_a_loader_that_merges_the_filter_is_proved_to_be_itself():
    program = _program("inversion", FixedFilter(KERNEL), (4, 4), loader="comparison")
    assert program.proof.merges_filter
    assert "its loader" in str(program.proof)
    assert program.proof.filter_infidelity is None


@pytest.mark.parametrize("order", [1, -1])
def test_one_filter_that_is_merged_is_told_of_beside_others(order):
    """The product is loaded by itself, with fewer gates than a comparison has."""
    bank = [FixedFilter(kernel) for kernel in (np.ones((4, 4)), KERNEL)][::order]
    program = _program("inversion", bank, (4, 4))
    assert {each.loader.merges_filter for each in program.filters} == {False, True}
    assert program.proof.merges_filter
    assert "the overlap or what its loader says" in str(program.proof)
    assert program.proof.filter_infidelity < 1e-12


def _is_right(program):
    """Whether random angles give the mean that those of the program as it was compiled do."""
    original = _program(program.spec.overlap, program.filters[0].filter, **_settings(program))
    templates = [each.filters[0].template for each in (program, original)]
    generator = np.random.default_rng(1)
    for _ in range(3):
        tables = {name: generator.uniform(-3, 3, (1, 40)) for name in ("patch", "filter")}
        tables["upstream"] = generator.uniform(-3, 3, (1, 1))
        means = [simulated_mean(t.bound_circuit(tables), t.observable) for t in templates]
        if abs(means[0] - means[1]) > 1e-9:
            return False
    return True


def _settings(program):
    return {"backward": program.spec.backward, "kernel": program.spec.kernel_pair}


def _is_proved(program):
    try:
        return prove(program).bound < 1e-9
    except NotProvedError:
        return False


TESTS = [("ancilla", False), ("ancilla", True), ("destructive", False), ("inversion", False)]


def _wrong(program, change):
    """For each slot, or gate, that a change makes another circuit of, whether it is caught."""
    caught = []
    operations = list(program.filters[0].template.circuit.all_operations())
    for number, operation in enumerate(operations):
        if cirq.is_measurement(operation):
            continue
        changed = change(operation)
        if changed == operation:
            continue
        other = _with_operation(program, number, lambda _, changed=changed: changed)
        if _is_right(other):
            # Without effect on any angles, such as a CZ on |0>.
            assert _is_proved(other)
        else:
            caught.append(not _is_proved(other))
    return caught


@pytest.mark.parametrize(("overlap", "backward"), TESTS)
def test_a_dropped_gate_is_caught_wherever_it_is(overlap, backward):
    program = _program(overlap, backward=backward)
    caught = _wrong(program, lambda op: None if len(op.qubits) == 2 else op)
    assert all(caught)
    assert len(caught) > 4


@pytest.mark.parametrize(("overlap", "backward"), TESTS)
def test_a_wrong_angle_is_caught_wherever_it_is(overlap, backward):
    def turned(operation):
        if not isinstance(operation.gate, Slot):
            return operation
        more = FixedUnitary.from_matrix(cirq.unitary(cirq.ry(1e-3)) @ cirq.unitary(cirq.rz(2e-3)))
        return Slot((*operation.gate.factors, more)).on(*operation.qubits)

    caught = _wrong(_program(overlap, backward=backward), turned)
    assert all(caught)
    assert len(caught) > 10


@pytest.mark.parametrize("change", ["sign", "column", "axis", "table", "dropped"])
def test_a_rotation_that_is_not_the_designed_one_is_caught(change):
    def changed(operation):
        factors = list(getattr(operation.gate, "factors", ()))
        open_ = [n for n, f in enumerate(factors) if f.table is not None]
        if not open_:
            return operation
        angle, axis = factors[open_[0]].angle, factors[open_[0]].axis
        if change == "dropped":
            return Slot(tuple(factors[: open_[0]] + factors[open_[0] + 1 :])).on(*operation.qubits)
        if change == "axis":
            axis = {"x": "y", "y": "z", "z": "x"}[axis]
        elif change == "sign":
            angle = -angle
        elif change == "column":
            angle = TableAngle(angle.table, angle.column + 1, angle.sign)
        else:
            other = "patch" if angle.table == "filter" else "filter"
            angle = TableAngle(other, angle.column, angle.sign)
        factors[open_[0]] = Rotation(axis, angle)
        return Slot(tuple(factors)).on(*operation.qubits)

    program = _program(filters=XZAnsatz(2))
    operations = list(program.filters[0].template.circuit.all_operations())
    wrong = 0
    for number, operation in enumerate(operations):
        if changed(operation) != operation:
            other = _with_operation(program, number, changed)
            assert not _is_proved(other) or _is_right(other)
            wrong += not _is_right(other)
    assert wrong > 8


def test_exchanged_qubits_are_caught():
    program = _program()
    template = program.filters[0].template
    half = len(template.circuit) // 2
    for a, b in zip(template.qubits[:-1], template.qubits[1:], strict=True):
        later = template.circuit[half:].unfreeze().transform_qubits({a: b, b: a})
        other = _with(program, circuit=cirq.FrozenCircuit(template.circuit[:half], *later))
        assert not _is_proved(other)
        assert not _is_right(other)


def test_another_observable_is_caught():
    program = _program("destructive")
    observable = program.filters[0].template.observable
    groups = tuple((qubits, values[::-1]) for qubits, values in observable.groups)
    with pytest.raises(NotProvedError, match="mean"):
        prove(_with(program, observable=Observable(groups, observable.low)))


def test_rotations_by_one_parameter_are_told_apart():
    theta = sympy.Symbol("theta")
    a, b, c = qubits = cirq.LineQubit.range(3)
    # The second is on the qubit that is drawn to the front.
    circuit = cirq.Circuit(
        cirq.ry(theta)(c), cirq.ry(0.3)(a), cirq.CZ(a, c), cirq.ry(theta)(a), cirq.rx(theta)(b)
    )
    program = _program(filters=CircuitFilter(circuit, qubits))
    assert program.proof.bound < 1e-10
    assert program.proof.filter_infidelity is None


class Careless(AncillaTest):
    """An overlap test that reads the opposite."""

    name = "careless"
    title = "minus the SWAP test"

    def meeting(self, place):
        circuit, observable = super().meeting(place)
        groups = tuple((qubits, values[::-1]) for qubits, values in observable.groups)
        return circuit, Observable(groups, observable.low)


def test_prove_says_what_is_wrong_of_an_overlap_test_of_ones_own():
    register_overlap_test(Careless)
    with pytest.raises(NotProvedError, match="mean of the observable"):
        _program("careless", kernel=(2, 2), prove=True)


def test_what_is_too_large_is_refused_with_the_largest():
    with pytest.raises(InputError, match="at most 11 qubits"):
        _program(kernel=(8, 8), filters=FixedFilter(np.ones((8, 8))), prove=True)
    with pytest.raises(InputError, match="prove = 'yes'"):
        _program(prove="yes")


def test_the_best_overlap_test_is_proved_too():
    program = _program("auto", kernel=(2, 2), prove=True)
    assert program.__dict__["proof"] is program.proof
