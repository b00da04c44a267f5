"""Any specification on any device: valid, correct and the same again."""

from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    InputError,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.compiler import filter_compilation
from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.devices import Device, grid_device
from qucnn_cirq.validation import errors_of, validate

LARGEST_REGISTER = 4


@st.composite
def devices(draw, max_rows=4, max_columns=6):
    """Rectangles with some qubits and couplers missing, and some of the gates on offer."""
    rows, columns = draw(st.integers(1, max_rows)), draw(st.integers(2, max_columns))
    qubits = cirq.GridQubit.rect(rows, columns)
    missing = draw(st.sets(st.sampled_from(qubits), max_size=3))
    kept = [qubit for qubit in qubits if qubit not in missing]
    couplers = [(a, b) for a in kept for b in kept if a < b and a.is_adjacent(b)]
    assume(couplers)
    broken = draw(st.sets(st.sampled_from(couplers), max_size=4))
    gates = draw(st.sampled_from([("cz",), ("cz", "sqrt_iswap", "syc"), ("sqrt_iswap", "syc")]))
    return grid_device(kept, [c for c in couplers if c not in broken], two_qubit_gates=gates)


@st.composite
def shapes(draw):
    """Kernel and channels whose patches fit a register of at most four qubits."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    channels = draw(st.integers(1, 3))
    assume(kernel[0] * kernel[1] * channels <= 2**LARGEST_REGISTER)
    return kernel, channels


@st.composite
def filters(draw, shape, n_qubits):
    """One or two filters of one kind."""
    seed = draw(st.integers(0, 10**6))
    generator = np.random.default_rng(seed)
    kind = draw(st.sampled_from(["fixed", "ansatz", "circuit"]))
    if kind == "ansatz":
        rotations = draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=3))
        entangler = draw(st.sampled_from(["chain", "ring"]))
        layers = draw(st.integers(1, 3))
        return [XZAnsatz(layers=layers, rotations=tuple(rotations), entangler=entangler)]
    if kind == "circuit":
        qubits = cirq.LineQubit.range(n_qubits)
        circuit = cirq.testing.random_circuit(qubits, 5, 0.7, random_state=seed)
        return [CircuitFilter(circuit, qubits)]
    count = draw(st.integers(1, 2))
    # Sparse vectors are degenerate: their angles are not unique.
    density = draw(st.sampled_from([0.3, 1.0]))
    vectors = generator.normal(size=(count, *shape)) * (generator.random((count, *shape)) < density)
    vectors[:, 0, 0, 0] += 1e-3
    return [FixedFilter(vector) for vector in vectors]


@dataclass(frozen=True)
class Request:
    """What is asked of the compiler."""

    spec: ConvolutionSpec
    device: Device
    options: dict


@st.composite
def requests(draw):
    device = draw(devices())
    kernel, channels = draw(shapes())
    n_qubits = ConvolutionSpec(kernel=kernel, channels=channels).register_qubits
    overlap = draw(st.sampled_from(["ancilla", "destructive", "inversion", "auto"]))
    spec = ConvolutionSpec(
        kernel=kernel,
        channels=channels,
        filters=draw(filters((channels, *kernel), n_qubits)),
        overlap=overlap,
        backward=overlap == "ancilla" and draw(st.booleans()),
    )
    walkers = draw(st.integers(1, min(2, n_qubits))) if overlap == "ancilla" else 1
    gate_set = draw(st.sampled_from([None, *device.two_qubit_gates]))
    layout = draw(st.sampled_from(["auto", "auto", "routed"]))
    options = {
        "walkers": walkers,
        "gate_set": gate_set,
        "layout": layout,
        "dynamical_decoupling": draw(st.sampled_from([None, None, "XX", "XY4"])),
    }
    return Request(spec, device, options)


def _qubits_needed(request):
    spec = request.spec
    n_qubits = spec.register_qubits
    if spec.overlap in ("inversion", "auto"):
        return n_qubits
    ancillas = request.options["walkers"] if spec.overlap == "ancilla" else 0
    return 2 * n_qubits + ancillas + spec.backward


@given(request=requests(), seed=st.integers(0, 10**6))
@settings(
    deadline=None,
    max_examples=50,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_request_is_valid_correct_and_repeatable(request, seed):
    spec, device = request.spec, request.device
    try:
        program = compile_convolution(spec, device, **request.options)
    except InputError as refusal:
        largest = max(map(len, nx.connected_components(device.graph)))
        assert largest < _qubits_needed(request), refusal
        return
    generator = np.random.default_rng(seed)
    patch = generator.normal(size=(spec.channels, *spec.kernel_pair))
    angles = generator.uniform(-4, 4, spec.n_parameters)
    upstream = float(generator.uniform(-1, 1)) if spec.backward else None
    circuits = []
    for index, filter_ in enumerate(spec.filter_list):
        circuit = program.circuit(patch, angles, filter_index=index, upstream=upstream)
        assert errors_of(validate(circuit, device)) == []
        device.cirq_device.validate_circuit(circuit)
        state = np.zeros(2**spec.register_qubits)
        state[: patch.size] = patch.ravel() / np.linalg.norm(patch)
        prepared = filter_.states(spec.register_qubits, angles[None])[0]
        expected = abs(np.vdot(prepared, state)) ** 2 * (1 if upstream is None else upstream)
        measured = simulated_mean(circuit, program.filters[index].template.observable)
        assert measured == pytest.approx(expected, abs=1e-6)
        circuits.append(circuit)
    # An equal device gives the program that is known; this one is made anew.
    equal = Device(device.name, device.cirq_device)
    assert compile_convolution(spec, equal, **request.options) is program
    filter_compilation.compiled_program.cache_clear()
    again = compile_convolution(spec, device, **request.options)
    assert again is not program
    for index, circuit in enumerate(circuits):
        same = again.circuit(patch, angles, filter_index=index, upstream=upstream)
        assert cirq.to_json(same) == cirq.to_json(circuit)


Q = cirq.GridQubit
EIGHT = cirq.GridQubit.rect(2, 4)


@pytest.mark.parametrize(
    ("extra", "broken", "layout"),
    [
        (Q(0, 4), None, "ladder"),
        # Plaquettes fit, with more gates than the ladder has when it is routed.
        (Q(2, 1), None, "routed"),
        (Q(0, 4), (Q(0, 1), Q(0, 2)), "routed"),
    ],
)
def test_the_layout_that_is_left_is_taken(extra, broken, layout):
    qubits = [*EIGHT, extra]
    couplers = [(a, b) for a in qubits for b in qubits if a < b and a.is_adjacent(b)]
    device = grid_device(qubits, [c for c in couplers if c != broken], two_qubit_gates=["cz"])
    kernel = np.random.default_rng(1).normal(size=(4, 4))
    program = compile_convolution(ConvolutionSpec(filters=FixedFilter(kernel)), device)
    assert program.report.layout == layout
    assert program.verify(patches=1).passed
