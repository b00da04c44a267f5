"""Every operation of a compiled circuit says which part of the layer it belongs to."""

from __future__ import annotations

from dataclasses import replace

import cirq
import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, XZAnsatz, compile_convolution
from qucnn_cirq.circuits.parts import PARTS, describe_part, part_of, step_of
from qucnn_cirq.devices import grid_device
from qucnn_cirq.engines.exact import ExactEngine

Q = cirq.GridQubit
LINE = grid_device(Q.rect(1, 6), name="line")
PATCH = np.array([[1.0, -2.0], [0.5, 3.0]])


def circuit_of(device: object, overlap: str, backward: bool, filters: object) -> cirq.Circuit:
    spec = ConvolutionSpec(kernel=(2, 2), filters=filters, overlap=overlap, backward=backward)
    program = compile_convolution(spec, device)
    angles = np.linspace(0.1, 1, spec.n_parameters) if spec.n_parameters else None
    return program.circuit(PATCH, angles)


@pytest.mark.parametrize("device", ["willow_pink", "sycamore", LINE], ids=str)
@pytest.mark.parametrize("filters", [XZAnsatz(2), FixedFilter([[1, 2], [3, -4]])], ids=["a", "f"])
@pytest.mark.parametrize(
    ("overlap", "backward", "expected"),
    [
        ("ancilla", False, {"loader", "filter", "overlap"}),
        ("ancilla", True, {"loader", "filter", "overlap", "backward"}),
        ("destructive", False, {"loader", "filter", "overlap"}),
        ("inversion", False, {"loader", "filter", "overlap"}),
    ],
)
def test_every_operation_has_a_part(device, overlap, backward, expected, filters):
    circuit = circuit_of(device, overlap, backward, filters)
    parts = {part_of(operation) for operation in circuit.all_operations()}
    routed = {"routing"} if device is LINE and overlap != "inversion" else set()
    assert parts == expected | routed
    assert parts <= set(PARTS)
    (measurement,) = (op for op in circuit.all_operations() if cirq.is_measurement(op))
    assert part_of(measurement) == ("backward" if backward else "overlap")


def test_the_steps_of_the_walk_are_numbered_in_order():
    circuit = circuit_of("willow_pink", "ancilla", False, XZAnsatz())
    two_qubit = [op for op in circuit.all_operations() if len(op.qubits) == 2]
    steps = [step_of(op) for op in two_qubit if part_of(op) == "overlap"]
    assert steps.count(1) == steps.count(2) == 5
    assert {describe_part(op) for op in two_qubit} >= {"loader", "overlap step 1", "overlap step 2"}
    # Each step acts on one ancilla position and one pair.
    for step in (1, 2):
        assert len({q for op in two_qubit if step_of(op) == step for q in op.qubits}) == 3


def test_tags_survive_cirq_json():
    circuit = circuit_of("willow_pink", "ancilla", True, XZAnsatz())
    back = cirq.read_json(json_text=cirq.to_json(circuit))
    assert [op.tags for op in back.all_operations()] == [op.tags for op in circuit.all_operations()]


def test_engines_ignore_the_tags():
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([[1, 2], [3, -4]]))
    compiled = compile_convolution(spec, "willow_pink").filters[0]
    template = compiled.template
    bare = cirq.FrozenCircuit(
        cirq.Moment(operation.untagged for operation in moment) for moment in template.circuit
    )
    state = np.abs(PATCH.reshape(1, 4)) / np.linalg.norm(PATCH)
    tables = {"patch": compiled.loader.angles(state), "filter": compiled.filter_table(None)}
    for noise in (as_noise(None), as_noise("willow_pink")):
        means = [
            ExactEngine().means(each, noise, tables)
            for each in (template, replace(template, circuit=bare))
        ]
        assert np.array_equal(*means)


def test_untagged_operations_have_no_part():
    operation = cirq.X(Q(0, 0)).with_tags("else", 3, "step x")
    assert part_of(operation) is step_of(operation) is describe_part(operation) is None
