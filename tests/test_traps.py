"""Traps of Cirq and qsim: what the library does, and that this package does not fall into it."""

# ruff: noqa: NPY002 - the legacy generator is the one that must be left alone.

import json
import re
import tomllib
from pathlib import Path

import cirq
import networkx as nx
import numpy as np
import pytest
import qsimcirq
import sympy

import noise_models
import qucnn_cirq
import studies
from noise_models import NoiseConfiguration, NoiseError, as_noise
from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.devices import grid_device, load_device
from qucnn_cirq.validation import validate

KERNEL = np.array([[1.0, -2.0], [0.5, 3.0]])
SPEC = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(KERNEL))
NOISE = {"depolarizing": {"p1": 0.01, "p2": 0.05}, "readout": {"p01": 0.02, "p10": 0.05}}
PATCH = np.array([[0.2, 0.9], [0.4, -0.1]])


@pytest.fixture(scope="module")
def program():
    return compile_convolution(SPEC, "willow_pink")


def test_noise_never_follows_a_measurement(program):
    circuit = program.circuit(PATCH)
    trapped = circuit.with_noise(cirq.depolarize(0.01))
    assert not trapped.are_all_measurements_terminal()
    noisy = as_noise(NOISE).noisy_circuit(circuit)
    assert noisy.are_all_measurements_terminal()
    assert cirq.is_measurement(list(noisy[-1])[0])


def test_readout_errs_in_a_circuit_of_measurements_alone():
    q = cirq.GridQubit(0, 0)
    circuit = cirq.Circuit(cirq.measure(q, key="m"))
    noisy = as_noise({"readout": {"p01": 0.5, "p10": 0.0}}).noisy_circuit(circuit)
    bits = cirq.Simulator(seed=1).run(noisy, repetitions=400).measurements["m"]
    assert 140 < bits.sum() < 260


def test_readout_errors_run_on_qsim_without_a_confusion_map(program):
    noisy = as_noise(NOISE).noisy_circuit(program.circuit(PATCH))
    measurements = [op.gate for op in noisy.all_operations() if cirq.is_measurement(op)]
    assert measurements and not any(gate.confusion_map for gate in measurements)
    result = qsimcirq.QSimSimulator(seed=3).run(noisy, repetitions=20)
    assert -1 <= program.estimate(result) <= 1
    q = cirq.LineQubit(0)
    confused = cirq.Circuit(cirq.measure(q, confusion_map={(0,): np.array([[0.9, 0.1], [0, 1]])}))
    with pytest.raises(ValueError):
        qsimcirq.QSimSimulator().run(confused, repetitions=2)


def test_a_symbol_as_noise_strength_is_refused_with_its_key():
    with pytest.raises(TypeError):
        cirq.depolarize(sympy.Symbol("p"))
    with pytest.raises(NoiseError, match="p2"):
        as_noise({"depolarizing": {"p2": sympy.Symbol("p")}})


def test_noise_travels_as_json_and_toml():
    configuration = as_noise({**NOISE, "scale": 0.5}).configuration
    assert configuration is not None
    with pytest.raises((TypeError, ValueError)):
        cirq.to_json(as_noise(NOISE).gate_model)
    through_json = json.loads(json.dumps(configuration.to_mapping()))
    assert NoiseConfiguration.from_mapping(through_json) == configuration
    text = noise_models.tables.write_table("noise", configuration.to_mapping())
    assert as_noise(tomllib.loads(text)["noise"]).configuration == configuration


def test_routing_stays_on_the_device_and_is_right():
    # Neither layout fits a tree.
    q = cirq.GridQubit
    edges = [(q(0, i), q(0, i + 1)) for i in range(4)] + [(q(0, 2), q(1, 2)), (q(1, 2), q(2, 2))]
    tree = grid_device(sorted({n for e in edges for n in e}), edges, name="tree")
    program = compile_convolution(SPEC, tree)
    assert program.report.layout == "routed"
    circuit = program.circuit(PATCH)
    assert circuit.all_qubits() <= set(nx.Graph(edges).nodes)
    assert validate(circuit, tree) == []
    assert program.verify(patches=3).passed


def test_all_offences_are_found_and_a_gate_after_measurement_too():
    device = load_device("willow_pink")
    a, b = sorted(device.graph.edges)[0]
    after = cirq.Circuit(cirq.measure(a), cirq.X(a))
    device.cirq_device.validate_circuit(after)
    assert len(validate(after, device)) == 1
    far = cirq.GridQubit(99, 99)
    several = cirq.Circuit(cirq.CNOT(a, b), cirq.X(far), cirq.measure(a), cirq.X(a))
    assert len(validate(several, device)) >= 3


def test_no_symbol_is_ever_resolved(program):
    assert not cirq.is_parameterized(program.filters[0].template.circuit)
    assert not cirq.is_parameterized(program.circuit(PATCH))
    assert not cirq.is_parameterized(program.filters[0].template.marked_circuit)


def test_global_random_state_is_neither_read_nor_changed():
    images = np.random.default_rng(0).random((2, 3, 3))

    def counts():
        program = compile_convolution(ConvolutionSpec(kernel=2, filters=XZAnsatz()), "grid:3x4")
        layer = QuantumConvolution(program, engine="exact", noise=NOISE, shots=100, seed=5)
        program.verify()
        return layer.run(images).counts

    np.random.seed(1)
    first = counts()
    after = np.random.random()
    np.random.seed(1)
    assert np.random.random() == after
    np.random.seed(2)
    np.testing.assert_array_equal(counts(), first)


def test_equal_images_have_shots_of_their_own(program):
    images = np.repeat(np.random.default_rng(1).random((1, 5, 5)), 2, axis=0)
    for engine in ("exact", "qsim"):
        layer = QuantumConvolution(program, engine=engine, noise=None, shots=10_000, seed=5)
        counts = layer.run(images).counts[0].reshape(2, -1)
        assert (counts[0] != counts[1]).mean() > 0.8
        both = layer.run(images[:1]).counts[0]
        np.testing.assert_array_equal(both, counts[0])


def test_nothing_of_contrib_is_used():
    packages = (Path(m.__file__).parent for m in (qucnn_cirq, noise_models, studies))
    sources = [path for package in packages for path in package.rglob("*.py")]
    assert len(sources) > 50
    # Cirq's reader of OpenQASM is there and nowhere else.
    others = r"cirq\.contrib(?!\.qasm_import)"
    assert not [path for path in sources if re.search(others, path.read_text())]


@pytest.mark.parametrize("p", [0.0, 0.75])
def test_depolarizing_at_both_ends(program, p):
    layer = QuantumConvolution(
        program, engine="exact", noise={"depolarizing": {"p1": p}}, shots=None
    )
    (mean,) = layer.forward(PATCH[None]).ravel()
    overlap = np.sum(PATCH * KERNEL) ** 2 / np.sum(PATCH**2) / np.sum(KERNEL**2)
    # At 3/4 nothing of the ancilla's X survives.
    assert mean == pytest.approx(overlap if p == 0 else 0.0, abs=1e-9)


def test_one_sided_readout_errors(program):
    observable = program.filters[0].template.observable
    overlap = np.sum(PATCH * KERNEL) ** 2 / np.sum(PATCH**2) / np.sum(KERNEL**2)
    assert len(observable.qubits) == 1
    for p01, p10 in ((0.1, 0.0), (0.0, 0.1)):
        noise = {"readout": {"p01": p01, "p10": p10}}
        layer = QuantumConvolution(program, engine="exact", noise=noise, shots=None)
        (mean,) = layer.forward(PATCH[None]).ravel()
        # <Z> becomes (1 - p01 - p10) <Z> + p10 - p01.
        expected = [(1 - p01 - p10) * overlap + sign * (p10 - p01) for sign in (1, -1)]
        assert min(abs(mean - each) for each in expected) < 1e-9


def test_calibrated_noise_scaled_to_zero_is_none(program):
    configuration = as_noise("willow_pink").configuration
    assert configuration is not None
    off = NoiseConfiguration.from_mapping({**configuration.to_mapping(), "scale": 0.0})
    layer = QuantumConvolution(program, engine="exact", noise=off, shots=None)
    (mean,) = layer.forward(PATCH[None]).ravel()
    overlap = np.sum(PATCH * KERNEL) ** 2 / np.sum(PATCH**2) / np.sum(KERNEL**2)
    assert mean == pytest.approx(overlap, abs=1e-9)


class MetadataOnly(cirq.Device):
    """What Cirq lets pass for a device: it validates nothing."""

    @property
    def metadata(self):
        qubits = cirq.GridQubit.rect(2, 3)
        couplers = nx.Graph((a, b) for a in qubits for b in qubits if a < b and a.is_adjacent(b))
        return cirq.DeviceMetadata(qubits, couplers)


def test_a_device_of_metadata_alone_does_not_pass_everything():
    device = MetadataOnly()
    far = cirq.Circuit(cirq.CZ(cirq.GridQubit(0, 0), cirq.GridQubit(9, 9)))
    device.validate_circuit(far)
    ours = load_device(device)
    (violation,) = validate(far, ours)
    assert violation.rule == "unknown_qubit"
    diagonal = cirq.Circuit(cirq.CZ(cirq.GridQubit(0, 0), cirq.GridQubit(1, 1)))
    (violation,) = validate(diagonal, ours)
    assert violation.rule == "missing_coupler"


@pytest.mark.parametrize("n_qubits", [2, 4])
def test_a_large_matrix_in_a_filter_is_decomposed_or_refused(n_qubits):
    unitary = cirq.testing.random_unitary(2**n_qubits, random_state=3)
    qubits = cirq.LineQubit.range(n_qubits)
    whole = cirq.Circuit(cirq.MatrixGate(unitary).on(*qubits))
    left = cirq.optimize_for_target_gateset(whole, gateset=cirq.CZTargetGateset())
    assert any(len(op.qubits) == 4 for op in left.all_operations()) == (n_qubits == 4)
    kernel = (2, 2) if n_qubits == 2 else (4, 4)
    spec = ConvolutionSpec(kernel=kernel, filters=CircuitFilter(whole))
    try:
        program = compile_convolution(spec, "willow_pink")
    except InputError as error:
        assert "decompose" in str(error)
    else:
        assert program.verify().passed


def test_every_compiled_operation_knows_its_part():
    circuit = compile_convolution(ConvolutionSpec(filters=XZAnsatz(2)), "weber").circuit(
        np.arange(16).reshape(4, 4), np.linspace(0, 3, 16)
    )
    parts = {"loader", "filter", "overlap"}
    for operation in circuit.all_operations():
        if not cirq.is_measurement(operation):
            assert parts & set(operation.tags), operation
