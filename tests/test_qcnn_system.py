"""The QCNN: as a system with its controls, on states that are handed over, pooled by records."""

from __future__ import annotations

from pathlib import Path

import cirq
import numpy as np
import pytest

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, InputError, QCNNBody, QuantumConvolution
from qucnn_cirq import compile_convolution as compiled
from qucnn_cirq.circuits.feed_forward import (
    MovedRecordError,
    controlling,
    deferred,
    flip_if,
    recorded_in_time,
)
from qucnn_cirq.circuits.general_blocks import measured_angles
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ideal_numbers
from qucnn_cirq.patches import extract_patches
from qucnn_cirq.validation import errors_of, validate
from studies.systems.data import Data, selected
from studies.systems.models.qcnn import QCNN, THRESHOLDS
from studies.systems.running import Run

ROTATIONS = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.02}, "readout": {"p01": 0.03, "p10": 0.08}}


def _spec(body: QCNNBody, side: int) -> ConvolutionSpec:
    n_qubits = int(np.log2(side * side))
    return ConvolutionSpec(
        side,
        filters=[body],
        encoding="given",
        measurement={"kind": "z", "qubits": [body.read_qubit(n_qubits)]},
    )


def _layer(
    body: QCNNBody, side: int, noise: object = NOISE, engine: str = "exact"
) -> QuantumConvolution:
    spec = _spec(body, side)
    angles = np.random.default_rng(1).uniform(-3, 3, (1, spec.n_parameters))
    return QuantumConvolution(compiled(spec), engine, noise, None, parameters=angles)


def _images(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, side, side))


def _read(program: Program, noise: object, image: np.ndarray, circuit: cirq.Circuit) -> float:
    """The mean of Z as it is recorded, by Cirq's density matrices, without measurements inside."""
    (own,) = program.filters
    (read,) = own.template.observable.qubits
    data = list(own.template.data_qubits)
    others = sorted(circuit.all_qubits() - set(data))
    order = [*data, *others]
    state = extract_patches(image[None], program.spec).states[0]
    whole = np.kron(state, np.eye(1 << len(others))[0]).astype(np.complex128)
    found = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(
        circuit, qubit_order=order, initial_state=whole
    )
    z = cirq.partial_trace(
        found.final_density_matrix.reshape((2,) * (2 * len(order))), [order.index(read)]
    )
    chances = np.diag(z).real
    p01, p10 = as_noise(noise).readout(read)
    return float((1 - 2 * p01) * chances[0] - (1 - 2 * p10) * chances[1])


def test_a_noisy_qcnn_of_eight_qubits_is_what_cirq_says() -> None:
    layer = _layer(QCNNBody("so4"), 16)
    image = _images(1, 16)
    circuit = layer.program.circuit(image[0], layer.parameters[0])
    noisy = cirq.drop_terminal_measurements(circuit).with_noise(as_noise(NOISE).gate_model)
    wanted = _read(layer.program, NOISE, image[0], noisy)
    assert layer.run(image).estimates[0, 0] == pytest.approx(wanted, abs=1e-8)
    assert abs(wanted) > 1e-3


def test_images_in_blocks_are_the_same_one_by_one() -> None:
    layer = _layer(QCNNBody("so4"), 16)
    images = _images(1300, 16)
    together = layer.run(images).estimates
    apart = layer.run(images[[0, 600, 1299]]).estimates
    np.testing.assert_allclose(together[:, [0, 600, 1299]], apart, atol=1e-12)


@pytest.mark.parametrize(("block", "gates"), [("su4", (32, 12)), ("so4", (26, 10))])
def test_pooling_by_measurement_takes_no_gates_on_two_qubits(
    block: str, gates: tuple[int, int]
) -> None:
    program = compiled(_spec(QCNNBody(block, pooling="measured"), 16))
    assert (program.report.two_qubit_gates, program.report.two_qubit_depth) == gates
    assert program.verify(patches=1).passed
    circuit = program.filters[0].template.circuit
    assert len(controlling(circuit)) == 7
    angles = np.zeros(program.spec.n_parameters)
    assert not errors_of(validate(program.circuit(_images(1, 16)[0], angles), program.device))


@pytest.mark.parametrize("block", ["su4", "so4"])
@pytest.mark.parametrize(
    "noise", [None, {"readout": {"p01": 0.03, "p10": 0.08}}, NOISE, "willow_pink"]
)
def test_records_and_gates_on_two_qubits_pool_alike(block: str, noise: object) -> None:
    layer = _layer(QCNNBody(block, pooling="measured"), 4, noise)
    images = _images(2, 4)
    found = layer.run(images).estimates
    if noise is None:
        angles = layer.parameters
        spec = _spec(QCNNBody(block), 4)
        wanted = ideal_numbers(extract_patches(images, spec), spec, angles)
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    for row, image in enumerate(images):
        circuit = _with_confusion(layer.program.circuit(image, layer.parameters[0]), noise)
        noisy = circuit.with_noise(as_noise(noise).gate_model)
        # Cirq's own way to write records as qubits, read wrong as the map says.
        wanted = cirq.drop_terminal_measurements(cirq.defer_measurements(noisy))
        mean = _read(layer.program, noise, image, wanted)
        assert found[0, row] == pytest.approx(mean, abs=1e-8)
    doubled = _layer(QCNNBody(block, pooling="measured"), 4, noise, "qsim_density")
    np.testing.assert_allclose(doubled.run(images).estimates, found, atol=1e-5)


@pytest.mark.parametrize("device", ("grid:1x8", "weber"))
@pytest.mark.parametrize("encoding", ("angle", "amplitudes"))
def test_what_is_routed_measures_before_it_acts_on_records(device: str, encoding: str) -> None:
    side = 2 if encoding == "angle" else 4
    image = np.random.default_rng(0).uniform(0.1, 1, (1, side, side))
    found = []
    for pooling in ("measured", "deferred"):
        body = QCNNBody("so4", pooling=pooling)
        spec = ConvolutionSpec(
            side,
            filters=[body],
            encoding=encoding,
            measurement={"kind": "z", "qubits": [body.read_qubit(4)]},
        )
        program = compiled(spec, device)
        angles = np.random.default_rng(1).uniform(-3, 3, (1, spec.n_parameters))
        circuit = program.circuit(image[0], angles[0])
        assert not errors_of(validate(circuit, program.device))
        recorded: set[cirq.MeasurementKey] = set()
        for operation in circuit.all_operations():
            assert cirq.control_keys(operation) <= recorded
            recorded |= cirq.measurement_key_objs(operation)
        layer = QuantumConvolution(program, "exact", None, None, parameters=angles)
        found.append(layer.forward(image).ravel())
        noisy = QuantumConvolution(program, "exact", NOISE, None, parameters=angles)
        assert np.abs(noisy.forward(image)).max() > 1e-3
    np.testing.assert_allclose(*found, atol=1e-7)


def test_operations_are_put_behind_their_records() -> None:
    a, b, c = cirq.LineQubit.range(3)
    measured, flip = flip_if(a, "a", b, is_first=True)
    late = cirq.Circuit(cirq.CZ(a, b), flip, cirq.X(b), measured)
    in_time = list(recorded_in_time(late).all_operations())
    assert in_time.index(measured) < in_time.index(flip) < in_time.index(cirq.X(b))
    plain = cirq.Circuit(cirq.CZ(a, b))
    assert recorded_in_time(plain) is plain
    for wrong in ([measured, cirq.SWAP(a, c), flip], [flip, cirq.CZ(a, b), measured]):
        with pytest.raises(MovedRecordError):
            recorded_in_time(cirq.Circuit(wrong))


def _with_confusion(circuit: cirq.Circuit, noise: object) -> cirq.Circuit:
    """Measurements that control something, with their readout error."""
    keys = controlling(circuit)

    def confused(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not cirq.is_measurement(operation):
            return operation
        (key,) = cirq.measurement_key_objs(operation)
        if key not in keys:
            return operation
        p01, p10 = as_noise(noise).readout(operation.qubits[0])
        map_ = {(0,): np.array([[1 - p01, p01], [p10, 1 - p10]])}
        return cirq.measure(*operation.qubits, key=key, confusion_map=map_)

    return cirq.map_operations(circuit, confused)


def test_trajectories_of_the_circuit_with_measurements_agree() -> None:
    # Channels take long, and are the same in every circuit.
    noise = {"readout": {"p01": 0.1, "p10": 0.2}}
    layer = _layer(QCNNBody("so4", pooling="measured"), 4, noise)
    image = _images(1, 4)
    program = layer.program
    (own,) = program.filters
    circuit = _with_confusion(program.circuit(image[0], layer.parameters[0]), noise)
    simulator = cirq.Simulator(seed=3)
    prepared = own.template.bound_preparation(
        {"patch": extract_patches(image, program.spec).states}
    )
    result = simulator.run(prepared + circuit, repetitions=600)
    bits = result.measurements["overlap"].ravel()
    p01, p10 = as_noise(noise).readout(own.template.observable.qubits[0])
    # Whether the last bit is 1, read wrong or not.
    mean = float(np.where(bits, -(1 - 2 * p10), 1 - 2 * p01).mean())
    wanted = layer.run(image).estimates[0, 0]
    assert abs(mean - wanted) < 4 / np.sqrt(600)
    sampled = QuantumConvolution(program, "qsim", noise, 1000, parameters=layer.parameters)
    run = sampled.run(image)
    assert abs(run.estimates[0, 0] - wanted) < 4 * np.sqrt(run.variance[0, 0])


def test_any_block_takes_two_cnots_before_a_measurement() -> None:
    """Up to a turn of the qubit that is not measured, by an angle of either sign."""
    drawn = [cirq.testing.random_unitary(4, random_state=seed) for seed in range(20)]
    gates = cirq.SWAP, cirq.CNOT, cirq.ISWAP, cirq.IdentityGate(2), cirq.SWAP**0.5, cirq.CZ**0.3
    matrices = np.array([*drawn, *map(cirq.unitary, gates)])
    q = cirq.LineQubit.range(2)
    for wanted, angles, turn in zip(matrices, *measured_angles(matrices), strict=True):
        values = iter(angles)
        before = [ROTATIONS[axis](next(values))(each) for each in q for axis in "zyz"]
        flip = cirq.CNOT(*q)
        middle = [flip, cirq.rx(next(values))(q[0]), cirq.rz(next(values))(q[1]), flip]
        after = [ROTATIONS[axis](next(values))(each) for each in q for axis in "zyz"]
        decided = [cirq.rz(-turn)(q[1]).controlled_by(q[0])]
        decided += [cirq.rz(turn)(q[1]).controlled_by(q[0], control_values=[0])]
        found = cirq.Circuit(before, middle, after, decided).unitary(q, q)
        cirq.testing.assert_allclose_up_to_global_phase(found, wanted, atol=1e-9)


@pytest.mark.parametrize(("block", "noise"), [("so4", NOISE), ("su4", None)])
def test_gradients_through_records_agree(tmp_path: Path, block: str, noise: object) -> None:
    layer = _layer(QCNNBody(block, pooling="measured"), 4, noise)
    images = _images(3, 4)
    upstream = np.random.default_rng(1).normal(size=layer.forward(images).shape)
    shifted = layer.backward(upstream, "parameter_shift")
    step, differences = 1e-5, np.zeros_like(shifted)
    start = layer.parameters
    for column in range(start.shape[1]):
        sides = []
        for sign in (1, -1):
            layer.parameters = start + sign * step * np.eye(start.shape[1])[column]
            sides.append((layer.forward(images) * upstream).sum())
        differences[0, column] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(shifted, differences, atol=1e-8)
    layer.program.save(tmp_path / "measured.json")
    assert Program.load(tmp_path / "measured.json") == layer.program


def test_what_measured_pooling_does_not_take_is_refused() -> None:
    with pytest.raises(InputError, match="no effect"):
        QCNNBody(merged=False, pooling="measured")
    with pytest.raises(InputError, match="pooling"):
        QCNNBody(pooling="average")
    a, b, c = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(flip_if(a, "a", b, True), cirq.CZ(a, c))
    with pytest.raises(InputError, match="was measured"):
        deferred(circuit, lambda qubit: (0.0, 0.0))
    plain = cirq.Circuit(cirq.CZ(a, c), cirq.measure(c))
    assert deferred(plain, lambda qubit: (0.1, 0.1)) is plain


def test_a_qcnn_tells_two_digits_apart_beside_its_controls() -> None:
    train = selected("images", 400, None, (0, 1))
    test = selected("test_images", 200, None, (0, 1))
    system = QCNN("so4", epochs=8)
    run = Run(noise=as_noise("willow_pink").configuration)
    accuracies = {}
    for model in system.models(0):
        model.fit(train, 0)
        row = model.tested(test, run if model.specs else Run())
        accuracies[model.label] = row["correct"] / row["tested"]
    assert list(accuracies)[:3] == ["QCNN", "without entanglers", "linear"]
    assert list(accuracies)[3:] == ["linear, 24 parameters", "nearest centroid", "QuCNN"]
    assert accuracies["QCNN"] > 0.9
    assert accuracies["QCNN"] > accuracies["without entanglers"]
    assert min(accuracies["linear"], accuracies["QuCNN"]) > 0.9


def test_a_qcnn_is_asked_for_two_digits() -> None:
    model = QCNN().models(0)[0]
    data = Data(np.ones((3, 28, 28)), np.array([0, 1, 2]))
    with pytest.raises(InputError, match="two digits"):
        model.fit(data, 0)
    assert QCNN("so4", encoding="amplitudes").label == "QCNN, SO(4), with loader"
    assert QCNN("so4", pooling="measured").label == "QCNN, SO(4), measured pooling"
    with pytest.raises(InputError):
        QCNN("su5")


def test_a_threshold_in_the_middle_moves_with_what_is_read() -> None:
    train, test = (selected(key, 300, None, (0, 1)) for key in ("images", "test_images"))
    # What reads 0 is read as it is, and what reads 1 nearly always as 0.
    run = Run(noise=as_noise({"readout": {"p01": 0.0, "p10": 0.9}}).configuration)
    rights = []
    for threshold in THRESHOLDS:
        model = QCNN("so4", epochs=8, threshold=threshold).models(0)[0]
        model.fit(train, 0)
        row = model.tested(test, run)
        rights.append(row["correct"] / row["tested"])
    assert rights[0] < 0.7
    assert rights[1] > 0.9
