"""Encodings beside amplitudes, and measurements beside overlaps: every one on every path."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import attrs
import cirq
import numpy as np
import pytest
import sympy

from noise_models import as_noise
from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    register_encoding,
    register_measurement,
)
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.circuits.slots import TableAngle, rotation
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import extract_patches, ideal_numbers
from qucnn_cirq.encodings import ENCODINGS, CircuitEncoding, Encoding, ProductEncoding
from qucnn_cirq.filters import QCNNBody, RandomCircuit
from qucnn_cirq.measurements import Measurement

BODY = XZAnsatz(2, ("y", "z"), "ring")
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.02}, "readout": {"p01": 0.01, "p10": 0.05}}
PRODUCTS = ("angle", "dense_angle", "arctan", "threshold")
KINDS = ("z", "bit_count", "most_likely", "distribution", "pauli")
LINEAR = tuple(kind for kind in KINDS if kind != "most_likely")


def _measurement(kind: str, n_qubits: int) -> object:
    if kind != "pauli":
        return kind
    return {"kind": kind, "strings": ["ZX"] if n_qubits == 2 else ["ZIXI", "IYXI"]}


def _spec(encoding: str, kind: str, **settings: object) -> ConvolutionSpec:
    n_qubits = 2 if encoding in ("amplitudes", "dense_angle") else 4
    return ConvolutionSpec(
        kernel=(2, 2),
        stride=2,
        filters=[BODY, BODY],
        encoding=encoding,
        measurement=_measurement(kind, n_qubits),
        **settings,
    )


def _images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(3).random((count, 6, 4))


def _prepared(encoding: str, values: np.ndarray) -> cirq.Circuit:
    """The encoding in Cirq's own gates, as its definition says."""
    line = cirq.LineQubit.range(2 if encoding == "dense_angle" else 4)
    if encoding == "angle":
        return cirq.Circuit(cirq.ry(np.pi * x)(q) for x, q in zip(values, line, strict=True))
    if encoding == "dense_angle":
        turns = 2 * np.arcsin(np.sqrt(values))
        return cirq.Circuit(
            [cirq.ry(turns[2 * k])(q), cirq.rz(turns[2 * k + 1])(q)] for k, q in enumerate(line)
        )
    if encoding == "arctan":
        return cirq.Circuit(
            [cirq.ry(np.arctan(x))(q), cirq.rz(np.arctan(x * x))(q)]
            for x, q in zip(values, line, strict=True)
        )
    return cirq.Circuit(cirq.X(q) ** int(x > 0) for x, q in zip(values, line, strict=True))


@pytest.mark.parametrize("encoding", PRODUCTS)
def test_states_of_encodings_are_those_of_their_definition(encoding: str) -> None:
    values = np.random.default_rng(0).random((3, 4)) * [1, 1, 1, 0]
    states = ENCODINGS.read(encoding).states(values)
    for row, state in zip(values, states, strict=True):
        circuit = _prepared(encoding, row)
        wanted = circuit.final_state_vector(
            qubit_order=cirq.LineQubit.range(2 if encoding == "dense_angle" else 4),
            dtype=np.complex128,
        )
        assert abs(abs(np.vdot(wanted, state)) - 1) < 1e-12


@pytest.mark.parametrize("encoding", ("amplitudes", *PRODUCTS))
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_circuits_give_the_ideal_numbers(encoding: str, kind: str) -> None:
    spec = _spec(encoding, kind)
    program = compile_convolution(spec)
    assert program.verify().passed
    layer = QuantumConvolution(program, "exact", shots=None, seed=1)
    images = _images()
    patches = extract_patches(images, spec)
    wanted = patches.to_maps(ideal_numbers(patches, spec, layer.parameters))
    assert wanted.shape == (2, spec.n_maps, 3, 2)
    np.testing.assert_allclose(layer.forward(images), wanted, atol=1e-12)


@pytest.mark.parametrize("kind", LINEAR)
def test_numbers_are_those_of_the_density_matrix(kind: str) -> None:
    """Noise and readout included, against Cirq's own simulator on the same noisy circuit."""
    spec = _spec("angle", kind)
    program = compile_convolution(spec, "grid:4x4")
    noise = as_noise(NOISE)
    layer = QuantumConvolution(program, "exact", noise, None, seed=2)
    image = _images(1)[:, :2, :2]
    found = layer.forward(image)[0, :, 0, 0]
    wanted = []
    for row, compiled in enumerate(program.filters):
        circuit = program.circuit(image[0], layer.parameters[row], filter_index=row)
        read = compiled.template.observable.qubits
        noisy = cirq.drop_terminal_measurements(circuit).with_noise(noise.gate_model)
        qubits = sorted(circuit.all_qubits())
        final = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=qubits)
        chances = np.diag(final.final_density_matrix).real.reshape((2,) * len(qubits))
        axes = [qubits.index(qubit) for qubit in read]
        tensor = np.moveaxis(chances, axes, range(len(axes))).reshape(2 ** len(read), -1).sum(1)
        tensor = tensor.reshape((2,) * len(read))
        confusion = np.array([[1 - 0.01, 0.05], [0.01, 1 - 0.05]])
        for axis in range(len(read)):
            tensor = np.moveaxis(np.tensordot(confusion, tensor, (1, axis)), 0, axis)
        assert spec.measurement is not None
        template, recorded = compiled.template, tensor.ravel()
        if compiled.is_two_valued:
            wanted.append([recorded @ template.observable.table])
            continue
        relabelling = template.relabelling
        logical = recorded if relabelling is None else relabelling.read(recorded)
        wanted.append(spec.measurement.table(4) @ logical)
    np.testing.assert_allclose(found, np.concatenate(wanted), atol=1e-8)


@pytest.mark.parametrize("engine", ("exact", "qsim"))
@pytest.mark.parametrize("kind", KINDS[:4])
def test_shots_scatter_as_stated(engine: str, kind: str) -> None:
    spec = _spec("angle", kind)
    program = compile_convolution(spec, "grid:4x4")
    shots = 400 if engine == "exact" else 100
    images = _images(12 if engine == "exact" else 1)
    layer = QuantumConvolution(program, engine, NOISE, shots, seed=5)
    run = layer.run(images)
    exact = QuantumConvolution(program, "exact", NOISE, None, parameters=layer.parameters)
    means = exact.run(images).estimates
    if kind == "most_likely":
        assert set(np.unique(run.estimates)) <= set(range(5))
        return
    assert (run.variance > 0).all()
    # A normal approximation is none for outcomes that are seen a few times.
    often = (means > 0.05) & (means < 0.95) if kind == "distribution" else means < np.inf
    scores = ((run.estimates - means) / np.sqrt(run.variance))[often]
    assert abs(scores.std() - 1) < (0.12 if engine == "exact" else 0.35)
    assert abs(scores.mean()) < 0.4


def test_numbers_of_a_result_of_any_sampler() -> None:
    spec = _spec("angle", "z")
    program = compile_convolution(spec)
    patch, angles = np.full((2, 2), 0.3), np.linspace(0, 1, spec.n_parameters)
    result = cirq.Simulator(seed=1).run(program.circuit(patch, angles), repetitions=4000)
    found = program.numbers(result)
    patches = extract_patches(patch[None], spec)
    wanted = ideal_numbers(patches, spec, np.stack([angles, angles]))[:4, 0]
    assert (np.abs(found.values - wanted) < 5 * np.sqrt(found.variances) + 1e-9).all()
    with pytest.raises(InputError, match=r"Program\.numbers"):
        program.estimate(result)


@pytest.mark.parametrize("encoding", ("amplitudes", *PRODUCTS))
@pytest.mark.parametrize("kind", LINEAR)
def test_gradients_agree(encoding: str, kind: str) -> None:
    layer = QuantumConvolution(compile_convolution(_spec(encoding, kind)), "exact", shots=None)
    upstream = np.random.default_rng(0).normal(size=layer.forward(_images()).shape)
    exact = layer.backward(upstream, "exact")
    np.testing.assert_allclose(layer.backward(upstream, "parameter_shift"), exact, atol=1e-10)
    np.testing.assert_allclose(layer.backward(upstream, "finite_differences"), exact, atol=1e-4)


def test_the_variance_of_a_gradient_counts_correlations() -> None:
    """Numbers of one circuit are from the same shots: their sum scatters as it is stated."""
    program = compile_convolution(_spec("angle", "bit_count"), "grid:4x4")
    each = compile_convolution(_spec("angle", "z"), "grid:4x4")
    images = _images(1)
    shots = 200
    for own, repeated in ((program, 1), (each, 4)):
        layer = QuantumConvolution(own, "exact", NOISE, shots, seed=1)
        upstream = np.ones_like(layer.forward(images))
        found = [layer.gradient(upstream, "parameter_shift", draw) for draw in range(60)]
        spread = np.std([gradient.values for gradient in found], axis=0, ddof=1)
        stated = np.sqrt(np.mean([gradient.variance for gradient in found], axis=0))
        assert 0.8 < np.median(spread / stated) < 1.25, repeated


@pytest.mark.parametrize("encoding", ("amplitudes", "angle", "dense_angle", "arctan"))
@pytest.mark.parametrize("kind", (None, "z", "distribution"))
def test_torch_gradients_of_angles_and_images(encoding: str, kind: str | None) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    from qucnn_cirq.torch_layer import QuantumConv2d

    n_qubits = 4 if encoding in ("angle", "arctan") else 2
    numbers = {None: 1, "z": n_qubits, "distribution": 2**n_qubits}[kind]
    module = QuantumConv2d(
        1, 2 * numbers, 2, 2, ansatz=XZAnsatz(1), encoding=encoding, measurement=kind
    ).double()
    images = torch.tensor(0.2 + 0.6 * np.random.default_rng(1).random((1, 1, 4, 2)))
    module.eval()
    assert module(images).shape == (1, 2 * numbers, 2, 1)
    assert torch.autograd.gradcheck(
        lambda pixels, angles: torch.func.functional_call(module, {"angles": angles}, (pixels,)),
        (images.requires_grad_(), module.angles.detach().clone().requires_grad_()),
        atol=1e-5,
    )


def test_out_channels_are_filters_times_numbers() -> None:
    pytest.importorskip("torch", reason="needs the extra [torch]")
    from qucnn_cirq.torch_layer import QuantumConv2d

    with pytest.raises(InputError, match="a multiple"):
        QuantumConv2d(1, 3, 2, encoding="angle", measurement="z")


@pytest.mark.parametrize("encoding", ("angle", "dense_angle"))
def test_a_fixed_filter_meets_encoded_patches(encoding: str) -> None:
    size = 2 if encoding == "dense_angle" else 4
    filters = [FixedFilter(np.arange(1, 5).reshape(2, 2))]
    if size == 4:
        filters = [XZAnsatz(1)]
    for overlap in ("ancilla", "destructive", "inversion"):
        spec = ConvolutionSpec((2, 2), 2, filters=filters, encoding=encoding, overlap=overlap)
        program = compile_convolution(spec)
        assert program.verify().passed
        layer = QuantumConvolution(program, "exact", shots=None)
        patches = extract_patches(_images(), spec)
        wanted = patches.to_maps(ideal_numbers(patches, spec, layer.parameters))
        np.testing.assert_allclose(layer.forward(_images()), wanted, atol=1e-9)


@pytest.mark.parametrize("encoding", ("given", "amplitudes", "angle"))
@pytest.mark.parametrize("entangler", ("none", "chain"))
@pytest.mark.parametrize("qubits", ([0], [1], [2, 0]))
def test_qubits_that_nothing_is_read_of_are_left_out(
    encoding: str, entangler: str, qubits: list[int]
) -> None:
    spec = ConvolutionSpec(
        (2, 2) if encoding == "angle" else (3, 3),
        filters=XZAnsatz(1, ("y",), entangler),
        encoding=encoding,
        measurement={"kind": "z", "qubits": qubits},
    )
    program = compile_convolution(spec)
    assert program.verify().passed
    layer = QuantumConvolution(program, "exact", shots=None)
    patches = extract_patches(_images(), spec)
    wanted = patches.to_maps(ideal_numbers(patches, spec, layer.parameters))
    np.testing.assert_allclose(layer.forward(_images()), wanted, atol=1e-12)


PLACES = ("willow_pink", "grid:1x8", "grid:2x3")


@pytest.mark.parametrize("device", PLACES)
@pytest.mark.parametrize("encoding", ("angle", "given", "amplitudes", "entangled"))
@pytest.mark.usefixtures("own_kinds")
def test_bodies_act_where_the_data_is(device: str, encoding: str) -> None:
    """Routing a body may not begin with the qubits in another order, as preparing may."""
    for seed in range(3):
        body = RandomCircuit(20, seed, two_qubit_ratio=0.5)
        spec = ConvolutionSpec(
            (2, 2) if encoding in ("angle", "entangled") else (4, 4),
            filters=body,
            encoding=encoding,
            measurement="distribution",
        )
        found = compile_convolution(spec, device).verify()
        assert found.passed, (seed, found)


def test_known_faults_of_routed_bodies() -> None:
    for seed in (0, 13, 37):
        spec = ConvolutionSpec(
            (2, 2),
            2,
            filters=RandomCircuit(20, seed, pairs="grid"),
            encoding="angle",
            measurement="z",
        )
        assert compile_convolution(spec).verify().passed


def _user_circuits() -> dict[str, cirq.Circuit]:
    a, b, c, d = cirq.LineQubit.range(4)
    theta, phi = sympy.symbols("theta phi")
    return {
        "a swap": cirq.Circuit(cirq.SWAP(a, b), cirq.X(c) ** 0.3, cirq.CZ(c, d), cirq.H(d)),
        "controls": cirq.Circuit(cirq.CNOT(a, b), cirq.CNOT(c, d), cirq.TOFFOLI(a, c, d)),
        "phases": cirq.Circuit(cirq.T(a), cirq.CZ(a, b), cirq.ISWAP(b, c), cirq.H(d)),
        "symbols": cirq.Circuit(
            cirq.SWAP(a, c),
            cirq.CNOT(a, b),
            cirq.ry(theta).on(b),
            cirq.CNOT(b, c),
            cirq.SWAP(c, d),
            cirq.rx(2 * theta + phi).on(a),
            cirq.CZ(a, d),
            cirq.rz(phi).on(d),
        ),
    }


@pytest.mark.parametrize("name", _user_circuits())
@pytest.mark.parametrize("encoding", ("angle", "given"))
def test_circuits_of_ones_own_act_on_every_state(tmp_path: Path, name: str, encoding: str) -> None:
    circuit = _user_circuits()[name]
    spec = ConvolutionSpec(
        (2, 2) if encoding == "angle" else (4, 4),
        filters=CircuitFilter(circuit),
        encoding=encoding,
        measurement="distribution",
    )
    program = compile_convolution(spec)
    assert program.verify(patches=4).passed
    program.save(tmp_path / "own.json")
    assert Program.load(tmp_path / "own.json") == program
    assert ConvolutionSpec.from_mapping(spec.to_mapping()) == spec
    layer = QuantumConvolution(program, "exact", shots=None)
    image = np.random.default_rng(2).random((1, *spec.kernel_pair))
    found = layer.run(image).estimates
    line = cirq.LineQubit.range(4)
    names = sorted(cirq.parameter_names(circuit), key=["theta", "phi"].index)
    values = dict(zip(sorted(names), layer.parameters[0], strict=True))
    state = extract_patches(image, spec).states[0].astype(complex)
    wanted = cirq.resolve_parameters(circuit, values).final_state_vector(
        initial_state=state, qubit_order=line, dtype=np.complex128
    )
    np.testing.assert_allclose(found[:, 0], np.abs(wanted) ** 2, atol=1e-9)
    if layer.parameters.size:
        upstream = np.random.default_rng(0).normal(size=layer.forward(image).shape)
        exact = layer.backward(upstream, "exact")
        shifted = layer.backward(upstream, "parameter_shift")
        np.testing.assert_allclose(shifted, exact, atol=1e-10)


def _given(**settings: object) -> ConvolutionSpec:
    return ConvolutionSpec((3, 3), 3, filters=BODY, encoding="given", **settings)


@pytest.mark.parametrize("kind", ("z", "distribution"))
def test_a_given_state_has_no_noise_of_its_own(kind: str) -> None:
    program = compile_convolution(_given(measurement=kind), "grid:4x4")
    image = np.random.default_rng(0).normal(size=(1, 3, 3))
    layer = QuantumConvolution(program, "exact", NOISE, None, seed=1)
    (compiled,) = program.filters
    noise = as_noise(NOISE)
    circuit = program.circuit(image[0], layer.parameters[0])
    qubits = list(compiled.template.data_qubits)
    state = extract_patches(image, program.spec).states[0].astype(complex)
    final = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(
        cirq.drop_terminal_measurements(circuit).with_noise(noise.gate_model),
        qubit_order=qubits,
        initial_state=state,
    )
    chances = np.diag(final.final_density_matrix).real.reshape((2,) * 4)
    read = [qubits.index(qubit) for qubit in compiled.template.observable.qubits]
    tensor = chances.transpose(read)
    confusion = np.array([[1 - 0.01, 0.05], [0.01, 1 - 0.05]])
    for axis in range(4):
        tensor = np.moveaxis(np.tensordot(confusion, tensor, (1, axis)), 0, axis)
    assert program.spec.measurement is not None
    recorded, relabelling = tensor.ravel(), compiled.template.relabelling
    logical = recorded if relabelling is None else relabelling.read(recorded)
    wanted = program.spec.measurement.table(4) @ logical
    np.testing.assert_allclose(layer.run(image).estimates[:, 0], wanted, atol=1e-8)
    sampled = QuantumConvolution(program, "qsim", NOISE, 2000, parameters=layer.parameters)
    run = sampled.run(image)
    assert (np.abs(run.estimates[:, 0] - wanted) < 5 * np.sqrt(run.variance[:, 0])).all()


@pytest.mark.parametrize("overlap", ("ancilla", "destructive", "inversion"))
def test_a_given_state_meets_filters(overlap: str) -> None:
    image = np.random.default_rng(0).normal(size=(2, 3, 3))
    for filters in (FixedFilter(np.arange(1.0, 10).reshape(3, 3)), XZAnsatz(1)):
        spec = ConvolutionSpec((3, 3), 3, filters=filters, encoding="given", overlap=overlap)
        program = compile_convolution(spec)
        assert program.verify().passed
        layer = QuantumConvolution(program, "exact", shots=None)
        patches = extract_patches(image, spec)
        wanted = ideal_numbers(patches, spec, layer.parameters)
        np.testing.assert_allclose(layer.run(image).estimates, wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("mitigation", "is_real"),
    (("readout", False), ("zne", True), ("zne", False), ("pec", False), ("shadows", True)),
)
def test_mitigation_is_of_the_state_that_is_given(mitigation: str, is_real: bool) -> None:
    filters = FixedFilter(np.arange(1.0, 5).reshape(2, 2)) if is_real else XZAnsatz(1)
    spec = ConvolutionSpec((2, 2), 2, filters=filters, encoding="given", overlap="inversion")
    program = compile_convolution(spec, "willow_pink")
    images = np.random.default_rng(0).normal(size=(2, 4, 4))
    wanted = ideal_numbers(extract_patches(images, spec), spec, _angles(spec))
    noise = {"depolarizing": {"p1": 0.0005, "p2": 0.002}} if mitigation == "pec" else "willow_pink"
    layer = QuantumConvolution(
        program, "exact", noise, 40_000, parameters=_angles(spec), mitigation=mitigation
    )
    assert np.abs(layer.run(images).estimates - wanted).max() < 0.06


def test_other_gates_leave_what_is_given_and_read() -> None:
    program = compile_convolution(_given(measurement="z"), "willow_pink")
    bits = Relabelling(((0,), (1,)), (0, 1), 2)
    template = replace(program.filters[0].template, relabelling=bits)
    conjugate = template.conjugate
    assert conjugate is not None
    assert conjugate.given is template.given and conjugate.relabelling is bits


def _angles(spec: ConvolutionSpec) -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 6, (spec.n_filters, spec.n_parameters))


def test_gradients_of_what_is_given_agree() -> None:
    program = compile_convolution(_given(measurement={"kind": "z", "qubits": [1]}))
    image = np.random.default_rng(0).normal(size=(3, 3, 3))
    layer = QuantumConvolution(program, "exact", shots=None)
    upstream = np.random.default_rng(1).normal(size=layer.forward(image).shape)
    wanted = layer.backward(upstream, "exact")
    np.testing.assert_allclose(layer.backward(upstream, "parameter_shift"), wanted, atol=1e-12)


def _data_circuit() -> cirq.Circuit:
    a, b, c = cirq.LineQubit.range(3)
    x, y = sympy.symbols("x y")
    return cirq.Circuit(
        cirq.H.on_each(a, b, c),
        cirq.rz(x).on(a),
        cirq.CNOT(a, b),
        cirq.rz(2 * x + y).on(b),
        cirq.CNOT(a, b),
        cirq.SWAP(b, c),
        cirq.ry(y).on(a),
        cirq.ZZ(a, c) ** (x / np.pi),
    )


@pytest.mark.parametrize("kind", (None, "z"))
def test_a_batch_of_data_circuits_is_one_circuit(tmp_path: Path, kind: str | None) -> None:
    """Compiled once; its angles are the values, and have gradients."""
    spec = ConvolutionSpec(
        (1, 2), filters=XZAnsatz(1), encoding=CircuitEncoding(_data_circuit()), measurement=kind
    )
    program = compile_convolution(spec)
    assert program.verify().passed
    program.save(tmp_path / "own.json")
    assert Program.load(tmp_path / "own.json") == program
    assert ConvolutionSpec.from_toml(spec.to_toml()) == spec
    values = np.random.default_rng(0).uniform(-2, 2, (4, 1, 2))
    layer = QuantumConvolution(program, "exact", shots=None)
    patches = extract_patches(values, spec)
    wanted = ideal_numbers(patches, spec, layer.parameters)
    np.testing.assert_allclose(layer.run(values).estimates, wanted, atol=1e-12)
    upstream = np.random.default_rng(1).normal(size=layer.forward(values).shape)
    slopes = layer.input_gradient(upstream)
    for place in range(2):
        step = np.zeros_like(values)
        step[..., place] = 1e-5
        ahead, behind = layer.forward(values + step), layer.forward(values - step)
        found = ((ahead - behind) * upstream).sum(axis=(1, 2, 3)) / 2e-5
        np.testing.assert_allclose(slopes[:, 0, place], found, atol=1e-7)


def test_data_circuits_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="no symbols"):
        CircuitEncoding(cirq.Circuit(cirq.H(cirq.LineQubit(0))))
    with pytest.raises(InputError, match=r"kernel = \(1, 2\)"):
        ConvolutionSpec((2, 2), encoding=CircuitEncoding(_data_circuit()))


def test_auto_takes_the_exact_gradient_of_what_is_exact() -> None:
    layer = QuantumConvolution(compile_convolution(_spec("angle", "z")), "exact", shots=None)
    upstream = np.ones_like(layer.forward(_images(1)))
    assert layer.gradient(upstream).method == "exact"
    noisy = QuantumConvolution(compile_convolution(_spec("angle", "z")), "exact", NOISE, None)
    noisy.forward(_images(1))
    assert noisy.gradient(upstream).method == "parameter_shift"


def test_a_given_state_is_no_circuit_of_a_sampler(tmp_path: Path) -> None:
    program = compile_convolution(_given(measurement="z"))
    program.save(tmp_path / "given.json")
    assert Program.load(tmp_path / "given.json") == program
    layer = QuantumConvolution(program, cirq.Simulator(), shots=10)
    with pytest.raises(InputError, match="given"):
        layer.forward(np.ones((1, 3, 3)))


@pytest.mark.parametrize("block, gates, depth", (("su4", 39, 15), ("so4", 33, 13)))
def test_a_qcnn_is_compiled_without_routing(block: str, gates: int, depth: int) -> None:
    body = QCNNBody(block)
    spec = ConvolutionSpec(
        (16, 16),
        filters=body,
        encoding="given",
        measurement={"kind": "z", "qubits": [body.read_qubit(8)]},
    )
    program = compile_convolution(spec)
    assert (program.report.two_qubit_gates, program.report.two_qubit_depth) == (gates, depth)
    assert program.verify(patches=1).passed


def test_blank_patches_have_states_but_for_amplitudes() -> None:
    blank = np.zeros((1, 2, 2))
    for encoding in PRODUCTS:
        run = QuantumConvolution(
            compile_convolution(_spec(encoding, "z")), "exact", shots=None
        ).run(blank)
        assert run.blank_patches == 0
        assert np.abs(run.estimates).max() > 0
    run = QuantumConvolution(
        compile_convolution(_spec("amplitudes", "z")), "exact", shots=None
    ).run(blank)
    assert run.blank_patches == 1
    assert (run.maps == 0).all()


def test_identities_stay_and_differ() -> None:
    usual = ConvolutionSpec()
    assert set(usual.to_mapping()) & {"encoding", "measurement"} == set()
    spec = _spec("angle", "z")
    again = ConvolutionSpec.from_mapping(spec.to_mapping())
    assert again == spec
    assert again.identity == spec.identity
    assert ConvolutionSpec.from_toml(spec.to_toml()) == spec
    others = [usual, spec, _spec("arctan", "z"), _spec("angle", "bit_count")]
    assert len({each.identity for each in others}) == 4
    assert len({*others, again}) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_programs_are_stored(tmp_path: Path, kind: str) -> None:
    program = compile_convolution(_spec("dense_angle", kind))
    program.save(tmp_path / "program.json")
    again = Program.load(tmp_path / "program.json")
    assert again == program
    image = _images(1)
    layers = [QuantumConvolution(each, "exact", shots=50, seed=3) for each in (program, again)]
    np.testing.assert_array_equal(*[layer.forward(image) for layer in layers])
    assert pickle.loads(pickle.dumps(program.spec)) == program.spec


REFUSED = {
    "range": (lambda: _forward("angle", np.full((1, 2, 2), 200.0)), "within 0..1"),
    "below": (lambda: _forward("dense_angle", np.full((1, 2, 2), -0.1)), "within 0..1"),
    "unknown encoding": (lambda: ConvolutionSpec(encoding="angel"), "angle"),
    "unknown measurement": (lambda: ConvolutionSpec(measurement="zz"), "measurement"),
    "no kind": (lambda: ConvolutionSpec(encoding={"threshold": 1}), "kind"),
    "unknown key": (
        lambda: ConvolutionSpec(measurement={"kind": "z", "qubit": 1}),
        "qubit",
    ),
    "overlap": (
        lambda: ConvolutionSpec(overlap="inversion", measurement="z"),
        "no effect",
    ),
    "vector": (
        lambda: ConvolutionSpec((2, 2), filters=FixedFilter(np.ones((2, 2))), measurement="z"),
        "cannot act",
    ),
    "backward": (lambda: _spec("angle", "z", backward=True), "backward"),
    "no such qubit": (
        lambda: ConvolutionSpec((2, 2), measurement={"kind": "z", "qubits": [2]}),
        "0..1",
    ),
    "string length": (
        lambda: ConvolutionSpec((2, 2), measurement={"kind": "pauli", "strings": ["ZZZ"]}),
        "2 qubits",
    ),
    "two bases": (
        lambda: ConvolutionSpec((2, 2), measurement={"kind": "pauli", "strings": ["ZI", "XI"]}),
        "one basis",
    ),
    "loader": (
        lambda: compile_convolution(_spec("angle", "z"), loader="line"),
        "no effect",
    ),
    "load_filters": (
        lambda: compile_convolution(_spec("angle", "z"), load_filters=True),
        "act on the patch",
    ),
    "mitigation": (
        lambda: QuantumConvolution(
            compile_convolution(_spec("angle", "z")), shots=10, mitigation="readout"
        ),
        "mitigation",
    ),
    "gradient of the most likely": (
        lambda: _backward("most_likely", "exact"),
        "no gradient",
    ),
    "shift of the most likely": (
        lambda: _backward("most_likely", "parameter_shift"),
        "no gradient",
    ),
    "coin": (lambda: _backward("z", "coin"), "parameter_shift"),
    "in circuit": (lambda: _backward("z", "in_circuit"), "reads the ancilla"),
    "measured once": (lambda: _backward("z", "measured_once"), "measuring once"),
    "proof": (lambda: compile_convolution(_spec("angle", "z")).proof, "verify"),
}


def _forward(encoding: str, images: np.ndarray) -> None:
    QuantumConvolution(compile_convolution(_spec(encoding, "z")), "exact").forward(images)


def _backward(kind: str, method: str) -> None:
    layer = QuantumConvolution(compile_convolution(_spec("angle", kind)), "exact", shots=None)
    layer.backward(np.ones_like(layer.forward(_images(1))), method)


@pytest.mark.parametrize("what", REFUSED)
def test_what_makes_no_sense_is_refused(what: str) -> None:
    refused, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        refused()


def test_nine_qubits_are_read_without_all_outcomes() -> None:
    spec = ConvolutionSpec(
        (3, 3), 3, filters=XZAnsatz(1, ("x", "z"), "chain"), encoding="arctan", measurement="z"
    )
    program = compile_convolution(spec)
    layer = QuantumConvolution(program, "exact", {"depolarizing": {"p2": 0.0}}, None)
    image = np.random.default_rng(0).random((1, 3, 3))
    patches = extract_patches(image, spec)
    wanted = ideal_numbers(patches, spec, layer.parameters)
    np.testing.assert_allclose(layer.run(image).estimates, wanted, atol=1e-12)


@attrs.frozen
class Cosine(ProductEncoding):
    """An encoding of the user's own: one angle a value, by a function of theirs."""

    kind = "cosine"
    title = "RX(cos x)"
    axes = ("x",)

    def turned(self, values: np.ndarray) -> np.ndarray:
        return np.cos(values)


@attrs.frozen
class Entangled(Encoding):
    """An encoding of the user's own with gates between qubits."""

    kind = "entangled"
    title = "RY(x) and a chain of CZ, twice"

    def n_qubits(self, n_elements: int) -> int:
        return n_elements

    def circuit(self, qubits, table, n_elements):  # type: ignore[no-untyped-def]
        circuit = cirq.Circuit()
        for layer in range(2):
            for place, qubit in enumerate(qubits):
                angle = TableAngle(table, layer * n_elements + place)
                circuit.append(rotation("y", angle).on(qubit))
            circuit.append(cirq.CZ(a, b) for a, b in zip(qubits, qubits[1:], strict=False))
        return circuit

    def angles(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values**2], axis=1)


@attrs.frozen
class Parity(Measurement):
    """A measurement of the user's own: is the number of ones odd, and are there none?"""

    kind = "parity"
    title = "odd number of ones; none"

    def table(self, n_qubits: int) -> np.ndarray:
        ones = np.array([bin(k).count("1") for k in range(2**n_qubits)])
        return np.array([ones % 2, ones == 0], dtype=float)


@pytest.fixture
def own_kinds():  # type: ignore[no-untyped-def]
    register_encoding(Cosine)
    register_encoding(Entangled)
    register_measurement(Parity)


@pytest.mark.usefixtures("own_kinds")
@pytest.mark.parametrize("encoding", ("cosine", "entangled"))
def test_kinds_of_ones_own_are_one_class_each(tmp_path: Path, encoding: str) -> None:
    spec = ConvolutionSpec((2, 2), 2, filters=BODY, encoding=encoding, measurement="parity")
    program = compile_convolution(spec)
    assert program.verify().passed
    program.save(tmp_path / "own.json")
    assert Program.load(tmp_path / "own.json") == program
    layer = QuantumConvolution(program, "exact", shots=None)
    upstream = np.ones_like(layer.forward(_images()))
    exact = layer.backward(upstream, "exact")
    np.testing.assert_allclose(layer.backward(upstream, "parameter_shift"), exact, atol=1e-10)
    images = _images()
    pixels = layer.input_gradient(upstream)
    step = np.zeros_like(images)
    step[0, 1, 1] = 1e-5
    difference = (layer.forward(images + step) - layer.forward(images - step)).sum() / 2e-5
    assert abs(difference - pixels[0, 1, 1]) < 1e-6


@pytest.mark.parametrize("loader", ("framed", "native", "comparison"))
def test_loaders_that_do_not_go_with_a_measurement_are_refused(loader: str) -> None:
    spec = ConvolutionSpec((3, 3), filters=XZAnsatz(1), measurement="z")
    with pytest.raises(InputError, match="loader"):
        compile_convolution(spec, loader=loader)


def test_a_budget_for_loading_is_taken_into_account() -> None:
    spec = ConvolutionSpec((4, 4), filters=XZAnsatz(1), measurement="distribution")
    program = compile_convolution(spec, infidelity=1e-2)
    assert len(program.filters[0].variants) > 1
    assert program.verify(patches=4).passed


@pytest.mark.parametrize("encoding", ("angle", "dense_angle", "given"))
def test_circuits_are_compiled_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    file = tmp_path / "body.toml"
    file.write_text(
        f"[convolution]\nkernel = [2, 2]\nencoding = '{encoding}'\nmeasurement = 'z'\n"
        "filters = {kind = 'random_circuit', rotations = 8}\n"
    )
    out = str(tmp_path / "circuit.json")
    assert main(["compile", str(file), "--device", "grid:3x3", "--out", out]) == 0
    printed = capsys.readouterr()
    assert "measurement" in printed.out and "overlap" not in printed.out
    assert not printed.err
    assert main(["validate", out, "--device", "grid:3x3"]) == 0


def test_kinds_are_named_by_file(tmp_path: Path) -> None:
    file = tmp_path / "own_kinds.py"
    file.write_text(
        "import attrs, numpy as np\n"
        "from qucnn_cirq.encodings import ProductEncoding\n"
        "@attrs.frozen\n"
        "class Half(ProductEncoding):\n"
        "    kind = 'half'\n"
        "    title = 'RY(x / 2)'\n"
        "    axes = ('y',)\n"
        "    def turned(self, values):\n"
        "        return values / 2\n"
    )
    spec = ConvolutionSpec((1, 2), filters=XZAnsatz(1), encoding=f"{file}:Half", measurement="z")
    assert ConvolutionSpec.from_mapping(spec.to_mapping()) == spec
    assert compile_convolution(spec).verify().passed
    assert "encoding" in str(spec.filter_sources)


KNOWING = ("two_point", "mixed", "all_zeros", "unbiased", "likelihood", "auto", "self_overlap")


@pytest.mark.parametrize("encoding", ("angle", "dense_angle"))
@pytest.mark.parametrize("mitigation", ("readout", "zne", "pec", *KNOWING))
def test_mitigation_that_knows_patches_is_for_amplitudes(encoding: str, mitigation: str) -> None:
    """What assumes real vectors is refused, and the rest is right."""
    spec = ConvolutionSpec((2, 2), 2, filters=XZAnsatz(1), encoding=encoding, overlap="destructive")
    program = compile_convolution(spec, "grid:3x4")
    if mitigation in KNOWING:
        with pytest.raises(InputError, match="as amplitudes"):
            QuantumConvolution(program, noise=NOISE, shots=None, mitigation=mitigation)
        return
    patches = extract_patches(_images(1), spec)
    plain = QuantumConvolution(program, "exact", NOISE, None)
    ideal = ideal_numbers(patches, spec, plain.parameters)
    better = QuantumConvolution(program, "exact", NOISE, None, mitigation=mitigation)
    errors = [np.abs(each.run(patches).estimates - ideal).max() for each in (better, plain)]
    assert errors[0] < (0.5 if mitigation != "readout" else 0.95) * errors[1]


@pytest.mark.parametrize("overlap", ("inversion", "destructive"))
@pytest.mark.parametrize("mitigation", ("two_point", "unbiased", "zne", "pec", "shadows", "auto"))
def test_circuits_of_mitigation_begin_with_what_is_given(overlap: str, mitigation: str) -> None:
    """Twirled, folded and random circuits are handed the same states."""
    vector = np.random.default_rng(7).normal(size=(2, 2))
    spec = ConvolutionSpec(
        (2, 2), 2, filters=FixedFilter(vector), encoding="given", overlap=overlap
    )
    program = compile_convolution(spec, "grid:3x4")
    patches = extract_patches(_images(1), spec)
    ideal = ideal_numbers(patches, spec)
    for noise, limit in ((None, 1e-6), (NOISE, 0.05)):
        layer = QuantumConvolution(program, "exact", noise, None, mitigation=mitigation)
        assert np.abs(layer.run(patches).estimates - ideal).max() < limit


@pytest.mark.parametrize("encoding", ("arctan", "dense_angle"))
@pytest.mark.parametrize("overlap", ("ancilla", "inversion"))
def test_mitigation_of_encodings_is_right_or_refused(encoding: str, overlap: str) -> None:
    spec = ConvolutionSpec((1, 2), filters=XZAnsatz(1), encoding=encoding, overlap=overlap)
    program = compile_convolution(spec, "willow_pink")
    images = np.random.default_rng(0).uniform(0.1, 0.9, (2, 2, 3))
    wanted = ideal_numbers(extract_patches(images, spec), spec, _angles(spec))
    for name in ("readout", "zne", "pec"):
        layer = QuantumConvolution(
            program, "exact", None, 40_000, parameters=_angles(spec), mitigation=name
        )
        assert np.abs(layer.run(images).estimates - wanted).max() < 0.05
    for name in ("auto", "two_point", "mixed", "likelihood", "readout+two_point", "shadows"):
        with pytest.raises(InputError, match="as amplitudes"):
            QuantumConvolution(program, "exact", mitigation=name)


def test_kept_outcomes_are_those_that_are_asked_for() -> None:
    # Bodies of which one, two and more bits are recorded for the product.
    bodies = [RandomCircuit(8, seed) for seed in range(4)]
    measurement = {"kind": "pauli", "strings": ["ZZZZ"]}
    spec = ConvolutionSpec((2, 2), filters=bodies, encoding="angle", measurement=measurement)
    program = compile_convolution(spec, "grid:4x4")
    assert len({len(each.template.observable.qubits) for each in program.filters}) > 1
    found = QuantumConvolution(program, "exact", shots=500, keep_outcomes=True).run(_images())
    assert found.outcomes is not None
    for row, outcomes in enumerate(found.outcomes):
        assert outcomes.shape[1] == 2
        np.testing.assert_allclose(outcomes @ [1, -1] / 500, found.estimates[row])


def test_what_cannot_be_measured_is_said() -> None:
    settings = {"kernel": (2, 2), "encoding": "angle"}
    with pytest.raises(InputError, match="measurement = 'z': the in-circuit backward pass"):
        ConvolutionSpec(measurement="z", backward=True, **settings)
    with pytest.raises(InputError, match="measurement = "):
        ConvolutionSpec(measurement=np.arange(2), **settings)
    body = QCNNBody("so4", pooling="measured")
    for kind in ("z", {"kind": "z", "qubits": [0]}, {"kind": "pauli", "strings": ["XIII"]}):
        with pytest.raises(InputError, match="reads qubit 0, which the qcnn filter measures"):
            ConvolutionSpec(filters=body, measurement=kind, **settings)
    layer = QuantumConvolution(compile_convolution(ConvolutionSpec(measurement="z", **settings)))
    with pytest.raises(InputError, match=r"have 1\.0000000000\d+:"):
        layer.forward(np.full((1, 2, 2), 1 + 1e-12))
