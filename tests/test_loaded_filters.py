"""Filters that are circuits, loaded as the vectors that they prepare."""

import json
import subprocess
import sys
from pathlib import Path

import attrs
import cirq
import numpy as np
import pytest
import sympy
from helpers import density_matrix_mean, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.loaders import StateLoader, SymplecticLoader, state
from qucnn_cirq.circuits.turns import turn_angles
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.parallel import compile_parallel
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.errors import InexactLoading, InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.patches import extract_patches

KERNELS = {1: (1, 2), 2: (2, 2), 3: (2, 4), 4: (4, 4)}
TESTS = ("ancilla", "destructive", "inversion")
EXACT = 1e-18


def _random(n_qubits: int, count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(2, count, 2**n_qubits))
    complex_ones = vectors[0] + 1j * vectors[1]
    return complex_ones / np.linalg.norm(complex_ones, axis=1, keepdims=True)


def _special(n_qubits: int) -> np.ndarray:
    """Basis states, products, phases, GHZ and W states, and equal singular values."""
    size, generator = 2**n_qubits, np.random.default_rng(1)
    ghz, w = np.zeros((2, size), dtype=complex)
    ghz[0], ghz[-1] = 1, 1j
    w[2 ** np.arange(n_qubits)] = np.exp(1j * np.arange(n_qubits))
    product = np.ones(1)
    for _ in range(n_qubits):
        product = np.kron(product, generator.normal(size=2) + 1j * generator.normal(size=2))
    phases = np.exp(2j * np.pi * generator.random(size))
    hadamard = (-1.0) ** np.array([bin(i & (i >> 1)).count("1") for i in range(size)])
    states = np.stack([*np.eye(size, dtype=complex), ghz, w, product, phases, hadamard])
    return states / np.linalg.norm(states, axis=1, keepdims=True)


def _spec(n_qubits: int, overlap: str, filters: object, **options: object) -> ConvolutionSpec:
    return ConvolutionSpec(kernel=KERNELS[n_qubits], filters=filters, overlap=overlap, **options)


def _layer(spec: ConvolutionSpec, seed: int = 0, **options: object) -> QuantumConvolution:
    program = compile_convolution(spec, "willow_pink", load_filters=True)
    return QuantumConvolution(program, **{"engine": "exact", "shots": None, "seed": seed} | options)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_turns_make_every_unitary(seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrices = generator.normal(size=(3, 2, 2)) + 1j * generator.normal(size=(3, 2, 2))
    unitaries = [*np.linalg.qr(matrices)[0], np.eye(2), np.diag([1, 1j]), [[0, 1], [1j, 0]]]
    for unitary, (first, middle, last) in zip(
        unitaries, turn_angles(np.array(unitaries)), strict=True
    ):
        made = cirq.unitary(cirq.rz(last)) @ cirq.unitary(cirq.ry(middle))
        made = made @ cirq.unitary(cirq.rz(first))
        cirq.testing.assert_allclose_up_to_global_phase(made, np.array(unitary), atol=1e-12)


@pytest.mark.parametrize(("n_qubits", "gates"), [(1, 0), (2, 1), (3, 3), (4, 6)])
def test_every_complex_vector_is_loaded_on_a_line(n_qubits: int, gates: int) -> None:
    loader, qubits = StateLoader(n_qubits), cirq.LineQubit.range(n_qubits)
    assert loader.cost[0] == gates
    assert loader.couplers == {(q, q + 1) for q in range(n_qubits - 1)}
    states = np.concatenate([_special(n_qubits), _random(n_qubits, 40, n_qubits)])
    angles, infidelities = loader.solve(states)
    assert infidelities.max() < EXACT
    for vector, row in zip(states[-30:], angles[-30:], strict=True):
        made = state_of(loader.circuit(qubits, "filter"), qubits, {"filter": row[None]})
        assert abs(np.vdot(vector, made)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("n_qubits", [3, 4])
def test_in_the_frame_of_a_patch_it_makes_the_framed_vector(n_qubits: int) -> None:
    framed = SymplecticLoader(n_qubits, in_frame=True)
    inside = StateLoader(n_qubits, framed)
    outside = StateLoader(n_qubits, framed, leaves_frame=True)
    assert (inside.frame, outside.frame) == (framed.frame, "")
    qubits, vectors = cirq.LineQubit.range(n_qubits), _random(n_qubits, 2, 3)
    table = {"filter": inside.angles(vectors[:1])}
    assert np.array_equal(table["filter"], outside.angles(vectors[:1]))
    back = inside.circuit(qubits, "filter") + inside.out_of_frame(qubits)
    for circuit in (back, outside.circuit(qubits, "filter") + outside.out_of_frame(qubits)):
        made = state_of(circuit, qubits, table)
        assert abs(np.vdot(vectors[0], made)) == pytest.approx(1, abs=1e-12)


def test_angles_do_not_depend_on_what_else_is_solved() -> None:
    circuit = StateLoader(4)._words
    vectors = _random(4, 6, 9)
    together = state._searched(vectors, circuit)[0]
    alone = [state._searched(vectors[row : row + 1], circuit)[0][0] for row in range(6)]
    assert np.array_equal(together, alone)
    for n_qubits in (1, 2, 3):
        loader, vectors = StateLoader(n_qubits), _random(n_qubits, 50, 9)
        alone = [loader.angles(vectors[row : row + 1])[0] for row in range(50)]
        assert loader.angles(vectors) == pytest.approx(np.array(alone), abs=1e-12)


@given(st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1), st.floats(0, 12))
@settings(max_examples=60, deadline=None)
def test_closed_forms_have_no_bad_vectors(n_qubits: int, seed: int, nearness: float) -> None:
    """Also next to products and other degenerate ones, where singular values nearly vanish."""
    special = _special(n_qubits)
    near = special + 10.0**-nearness * _random(n_qubits, len(special), seed)
    sparse = _random(n_qubits, 8, seed + 1)
    sparse *= np.random.default_rng(seed).random(sparse.shape) < 0.4
    sparse[:, 0] += 1e-3
    vectors = np.concatenate([near, sparse])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # It is 1e-28, but next to pairs of maximally entangled vectors.
    assert StateLoader(n_qubits).solve(vectors)[1].max() < 1e-16


def test_angles_are_the_same_in_another_process() -> None:
    code = (
        "import numpy as np, sys; from qucnn_cirq.circuits.loaders import StateLoader;"
        "vectors = np.frombuffer(bytes.fromhex(sys.argv[1]), complex).reshape(-1, 8);"
        "print(StateLoader(3).angles(vectors).tobytes().hex())"
    )
    vectors = _random(3, 3, 4)
    done = subprocess.run(
        [sys.executable, "-c", code, vectors.tobytes().hex()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == StateLoader(3).angles(vectors).tobytes().hex()


@pytest.mark.parametrize("filter_", [XZAnsatz(layers=3), XZAnsatz(layers=2, entangler="ring")])
def test_a_set_of_parameters_has_the_same_angles_in_any_table(filter_: XZAnsatz) -> None:
    spec = _spec(4, "inversion", filter_)
    compiled = compile_convolution(spec, "willow_pink", load_filters=True).filters[0]
    rows = np.random.default_rng(8).normal(size=(5, spec.n_parameters))
    together = compiled.filter_table(rows)
    alone = [compiled.filter_table(row)[0] for row in rows]
    assert np.array_equal(together, alone)


def test_angles_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = _random(4, 2, 77)
    first = StateLoader(4).angles(vectors)
    monkeypatch.setattr(state, "_searched", lambda rows, circuit: pytest.fail("searched again"))
    assert np.array_equal(StateLoader(4).angles(vectors[::-1]), first[::-1])


def test_a_vector_that_the_search_misses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(rows: np.ndarray, circuit: object) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(rows), StateLoader(4).n_angles)), np.full(len(rows), 1e-4)

    monkeypatch.setattr(state, "_searched", missing)
    monkeypatch.setattr(state, "_remembered", lambda n: state.RememberedAngles(31))
    with pytest.warns(InexactLoading, match="missed 2 of 2 filters.*1.0e-04"):
        StateLoader(4).angles(_random(4, 2, 78))


@given(
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from(TESTS),
    st.builds(
        XZAnsatz,
        layers=st.integers(1, 8),
        rotations=st.sampled_from([("x", "z"), ("y",), ("z", "x", "y")]),
        entangler=st.sampled_from(["chain", "ring", "none"]),
    ),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_every_test_measures_the_overlap(
    n_qubits: int, overlap: str, ansatz: XZAnsatz, seed: int
) -> None:
    spec = _spec(n_qubits, overlap, ansatz)
    layer = _layer(spec, seed)
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(2, *spec.kernel_pair))
    patches = extract_patches(images, spec)
    assert layer.program.filters[0].is_loaded
    found = layer.run(images).estimates
    assert found == pytest.approx(ideal_overlaps(patches, spec, layer.parameters), abs=1e-9)


@pytest.mark.parametrize("overlap", TESTS)
@pytest.mark.parametrize("n_qubits", [2, 3])
def test_a_loaded_program_is_verified_and_proved(n_qubits: int, overlap: str) -> None:
    spec = _spec(n_qubits, overlap, [XZAnsatz(layers=3)] * 2)
    program = compile_convolution(spec, "willow_pink", load_filters=True, prove=True)
    assert program.proof.bound < 1e-9
    assert program.verify().passed


def test_a_loaded_program_of_four_qubits_is_proved() -> None:
    spec = _spec(4, "inversion", XZAnsatz(layers=8))
    program = compile_convolution(spec, "willow_pink", load_filters=True)
    assert program.verify().passed
    assert program.proof.bound < 1e-9
    # Patches of few CZ are loaded so, with the filter in no frame.
    assert len(program.filters[0].variants) > 1


GATES = {
    # (qubits, overlap test): its own circuit of 3, 5 and 8 layers, loaded.
    (2, "inversion"): (4, 6, 9, 2),
    (3, "inversion"): (9, 13, 19, 5),
    (4, "ancilla"): (35, 41, 50, 31),
    (4, "destructive"): (19, 25, 34, 15),
    (4, "inversion"): (15, 21, 30, 11),
}


@pytest.mark.parametrize(("n_qubits", "overlap"), GATES)
def test_gates_do_not_grow_with_layers(n_qubits: int, overlap: str) -> None:
    *own, loaded = GATES[n_qubits, overlap]
    for layers, gates in zip((3, 5, 8), own, strict=True):
        spec = _spec(n_qubits, overlap, XZAnsatz(layers=layers))
        usual = compile_convolution(spec, "willow_pink").report
        shorter = compile_convolution(spec, "willow_pink", load_filters=True).report
        assert (usual.two_qubit_gates, shorter.two_qubit_gates) == (gates, loaded)
        assert shorter.predicted_error < usual.predicted_error


def test_filters_that_are_loaded_share_their_circuits() -> None:
    spec = _spec(2, "destructive", [XZAnsatz(layers=2), XZAnsatz(layers=2, entangler="none")])
    program = compile_convolution(spec, "willow_pink", load_filters=True)
    assert program.structures == ((0, 1),)
    assert compile_convolution(spec, "willow_pink", load_filters=True) is program
    usual = compile_convolution(spec, "willow_pink")
    assert usual.digest != program.digest
    assert not usual.filters[0].is_loaded


def _shared_symbols() -> CircuitFilter:
    a, b = sympy.symbols("a b")
    first, second = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(
        cirq.ry(2 * a + 0.3)(first),
        cirq.rx(a - b)(second),
        cirq.CNOT(first, second),
        cirq.rz(b)(second),
        cirq.ISWAP(first, second) ** 0.5,
        cirq.rx(a)(first),
        cirq.CZ(first, second),
    )
    return CircuitFilter(circuit)


@pytest.mark.parametrize("filter_", [XZAnsatz(layers=3), _shared_symbols()], ids=["xz", "own"])
@pytest.mark.parametrize("overlap", TESTS)
def test_gradients_are_those_of_the_overlaps(overlap: str, filter_: Filter) -> None:
    spec = _spec(2, overlap, [filter_] * 2)
    layer, generator = _layer(spec, seed=5), np.random.default_rng(6)
    images = generator.normal(size=(2, 3, 3))
    upstream = generator.normal(size=layer.forward(images).shape)
    patches, start = extract_patches(images, spec), layer.parameters

    def loss(parameters: np.ndarray) -> float:
        maps = patches.to_maps(ideal_overlaps(patches, spec, parameters))
        return float(np.sum(maps * upstream))

    expected, step = np.empty_like(start), 1e-5
    for place in np.ndindex(start.shape):
        moved = np.zeros_like(start)
        moved[place] = step
        expected[place] = (loss(start + moved) - loss(start - moved)) / (2 * step)
    methods = ["parameter_shift", "finite_differences", "exact", "auto"]
    for method in [*methods, *(["in_circuit"] if overlap == "ancilla" else [])]:
        assert layer.backward(upstream, method) == pytest.approx(expected, abs=1e-5), method


def test_the_backward_circuits_of_a_loaded_layer_are_loaded() -> None:
    layer = _layer(_spec(2, "ancilla", XZAnsatz(layers=5)))
    backward = layer._backward_program()
    assert backward.filters[0].is_loaded
    spec = attrs.evolve(layer.program.spec, backward=True)
    program = compile_convolution(spec, "willow_pink", load_filters=True, prove=True)
    assert program is backward
    assert program.verify().passed


@pytest.mark.parametrize("overlap", TESTS)
@pytest.mark.parametrize("engine", ["qsim", "sampler"])
def test_sampling_engines_run_loaded_filters(engine: str, overlap: str) -> None:
    spec = _spec(2, overlap, XZAnsatz(layers=4))
    chosen = cirq.Simulator(seed=1) if engine == "sampler" else engine
    layer = _layer(spec, engine=chosen, shots=20_000)
    images = np.random.default_rng(2).normal(size=(2, 2, 2))
    expected = ideal_overlaps(extract_patches(images, spec), spec, layer.parameters)
    assert layer.run(images).estimates == pytest.approx(expected, abs=0.04)


def test_noise_acts_on_the_loader() -> None:
    spec, noise = _spec(2, "inversion", XZAnsatz(layers=8)), "depolarizing"
    layer = _layer(spec, noise=noise)
    patch = np.array([[0.3, -1.0], [0.2, 0.7]])
    expected = density_matrix_mean(layer.program, patch, noise, layer.parameters[0])
    assert layer.forward(patch[None]).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gate_set", ["cz", "sqrt_iswap", "syc"])
def test_all_gate_sets_and_routed_circuits(gate_set: str) -> None:
    for kernel, options in (((2, 2), {"layout": "routed"}), ((2, 4), {})):
        spec = ConvolutionSpec(kernel=kernel, filters=XZAnsatz(layers=6), overlap="destructive")
        program = compile_convolution(
            spec, "grid:4x4", gate_set=gate_set, load_filters=True, **options
        )
        assert program.verify().passed
        usual = compile_convolution(spec, "grid:4x4", gate_set=gate_set, **options)
        assert program.report.two_qubit_gates < usual.report.two_qubit_gates


def test_a_circuit_without_parameters_is_loaded_too() -> None:
    qubits = cirq.LineQubit.range(3)
    circuit = cirq.testing.random_circuit(qubits, 30, 0.9, random_state=3)
    spec = _spec(3, "inversion", CircuitFilter(circuit, qubits))
    program = compile_convolution(spec, "willow_pink", load_filters=True, prove=True)
    assert program.report.two_qubit_gates == 5
    assert program.proof.filter_infidelity is not None
    assert program.verify().passed


def test_a_budget_shortens_patches_beside_loaded_filters() -> None:
    spec = _spec(4, "destructive", XZAnsatz(layers=3))
    program = compile_convolution(spec, "willow_pink", load_filters=True, infidelity=1e-2)
    assert program.verify().passed
    gates = [variant.report.two_qubit_gates for variant in program.filters[0].variants]
    assert min(gates) < program.report.two_qubit_gates == 15


@pytest.mark.parametrize(
    ("spec", "value", "message"),
    [
        (_spec(2, "ancilla", FixedFilter(np.arange(4.0))), True, "every filter is a known vector"),
        (ConvolutionSpec(kernel=(4, 8), filters=XZAnsatz()), True, "on 5 qubits are not loaded"),
        (_spec(2, "ancilla", XZAnsatz()), "yes", "load_filters"),
        (_spec(2, "auto", FixedFilter(np.arange(4.0))), True, "every filter is a known vector"),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    spec: ConvolutionSpec, value: object, message: str
) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        compile_convolution(spec, "willow_pink", load_filters=value)
    assert "\n" not in str(refusal.value)


def test_a_program_is_read_from_its_file(tmp_path: Path) -> None:
    for n_qubits in (2, 4):
        spec = _spec(n_qubits, "destructive", XZAnsatz(layers=4))
        program = compile_convolution(spec, "willow_pink", load_filters=True)
        program.save(tmp_path / "program.json")
        again = Program.load(tmp_path / "program.json")
        assert again == program
        assert again.filters[0].is_loaded
        generator = np.random.default_rng(3)
        patch = generator.normal(size=spec.kernel_pair)
        angles = generator.normal(size=spec.n_parameters)
        assert again.circuit(patch, angles) == program.circuit(patch, angles)


def test_copies_are_loaded_side_by_side() -> None:
    spec = _spec(2, "inversion", XZAnsatz(layers=5))
    program = compile_parallel(spec, "willow_pink", 2, load_filters=True)
    assert all(copy.filters[0].is_loaded for copy in program.copies)
    assert program.verify().passed


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration = tmp_path / "layer.toml"
    configuration.write_text(
        '[convolution]\nkernel = [2, 2]\noverlap = "inversion"\n'
        'filters = { kind = "ansatz", layers = 8 }\n'
    )
    order = ["--json", "compile", str(configuration), "--device", "willow_pink"]
    order += ["--out", str(tmp_path / "circuit.json")]
    gates = []
    for more in ([], ["--load-filters"]):
        assert main([*order, *more]) == 0
        gates.append(json.loads(capsys.readouterr().out)["two_qubit_gates"])
    assert gates == [9, 2]


def test_the_torch_layer_loads_filters() -> None:
    torch = pytest.importorskip("torch")
    from qucnn_cirq.torch_layer import QuantumConv2d

    layers = [QuantumConv2d(1, 2, 2, load_filters=loads, seed=3) for loads in (False, True)]
    images = torch.rand(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert layers[1].layer.program.filters[0].is_loaded
    maps = [layer(images) for layer in layers]
    torch.testing.assert_close(maps[0], maps[1])
    for each in maps:
        each.square().sum().backward()
    torch.testing.assert_close(layers[0].angles.grad, layers[1].angles.grad)
