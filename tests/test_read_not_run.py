"""Circuits that act on data and are read, in fewer gates than they were given in."""

from __future__ import annotations

import functools
from pathlib import Path

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, QuantumConvolution, compile_convolution
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.compiler.gadgets import Pauli, gadgets_of, noticed, single
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.short_bodies import grid_around, short_bodies
from qucnn_cirq.convolution import ideal_numbers
from qucnn_cirq.filters import CircuitFilter, RandomCircuit, RingBody, XZAnsatz
from qucnn_cirq.measurements import Distribution, EachZ, Measurement, PauliStrings
from qucnn_cirq.patches import extract_patches

NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.05}}

SEEDS = st.integers(0, 10_000)
MEASUREMENTS: tuple[Measurement, ...] = (
    EachZ(),
    EachZ((2,)),
    EachZ((3, 1)),
    Distribution(),
    PauliStrings(("ZZII", "IIXY", "ZIXI")),
    PauliStrings(("ZYXZ",)),
)
BODIES = (
    XZAnsatz(2, entangler="ring"),
    RingBody(),
    RandomCircuit(8, 3, pairs="grid", trainable=True),
)
LINE = tuple(cirq.LineQubit.range(4))


def _body(seed: int, rotations: int = 8) -> RandomCircuit:
    return RandomCircuit(rotations, seed, two_qubit_ratio=0.45, pairs="grid")


@functools.cache
def _program(body: object, measurement: Measurement) -> Program:
    spec = ConvolutionSpec((2, 2), filters=body, encoding="angle", measurement=measurement)
    return compile_convolution(spec, "grid:4x4")


def _noisy(program: Program, patch: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The numbers of Cirq's own simulator under noise on the compiled circuit."""
    (compiled,) = program.filters
    template, measurement, noise = compiled.template, program.spec.measurement, as_noise(NOISE)
    assert measurement is not None
    circuit = program.circuit(patch, angles)
    qubits, read = sorted(circuit.all_qubits()), template.observable.qubits
    noisy = cirq.drop_terminal_measurements(circuit).with_noise(noise.gate_model)
    final = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=qubits)
    chances = np.diag(final.final_density_matrix).real.reshape((2,) * len(qubits))
    tensor = np.moveaxis(chances, [qubits.index(qubit) for qubit in read], range(len(read)))
    tensor = tensor.reshape((2,) * len(read) + (-1,)).sum(axis=-1)
    confusion = np.array([[1 - 0.01, 0.05], [0.01, 1 - 0.05]])
    for axis in range(len(read)):
        tensor = np.moveaxis(np.tensordot(confusion, tensor, (1, axis)), 0, axis)
    recorded = tensor.ravel()
    if compiled.is_two_valued:
        return np.array([recorded @ template.observable.table])
    logical = recorded if template.relabelling is None else template.relabelling.read(recorded)
    return np.asarray(measurement.table(4) @ logical)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=3, unique=True), st.integers(0, 7), SEEDS)
def test_a_reading_is_a_parity_of_every_outcome(masks: list[int], flips: int, seed: int) -> None:
    """Against bit by bit, for parities of which none follows from others."""
    if len(masks) == 3 and masks[0] ^ masks[1] == masks[2]:
        masks = masks[:2]
    places = tuple(tuple(p for p in range(3) if mask >> p & 1) for mask in masks)
    relabelling = Relabelling(places, tuple(flips >> k & 1 for k in range(len(places))), 3)
    chances = np.random.default_rng(seed).random((2, 8))
    wanted = np.zeros((2, 1 << len(places)))
    for outcome in range(8):
        bits = [outcome >> 2 & 1, outcome >> 1 & 1, outcome & 1]
        read = [
            (sum(bits[p] for p in own) + flip) % 2
            for own, flip in zip(places, relabelling.flips, strict=True)
        ]
        wanted[:, int("".join(map(str, read)), 2)] += chances[:, outcome]
    np.testing.assert_allclose(relabelling.read(chances), wanted)
    products = [(k,) for k in range(len(places))] + [tuple(range(len(places)))]
    recorded, signs = relabelling.products(products)
    for product, own, sign in zip(products, recorded, signs, strict=True):
        of_read = [
            (-1) ** sum(r >> (len(places) - 1 - k) & 1 for k in product)
            for r in range(1 << len(places))
        ]
        of_recorded = [(-1) ** sum(r >> (2 - p) & 1 for p in own) for r in range(8)]
        np.testing.assert_allclose(wanted @ of_read, sign * (chances @ of_recorded))


@settings(max_examples=25, deadline=None)
@given(st.text("ixyz", min_size=3, max_size=3), st.text("ixyz", min_size=3, max_size=3))
def test_products_of_paulis_are_those_of_matrices(first: str, second: str) -> None:
    def pauli(word: str) -> Pauli:
        parts = [single(axis, at) for at, axis in enumerate(word) if axis != "i"]
        return functools.reduce(Pauli.times, parts, Pauli(0, 0))

    def matrix(word: str) -> np.ndarray:
        return cirq.kron(*(cirq.unitary(getattr(cirq, axis.upper())) for axis in word))

    product = pauli(first).times(pauli(second))
    letters = "".join(product.letter(at) for at in range(3))
    found = 1j ** (product.power - (product.x & product.z).bit_count()) * matrix(letters)
    np.testing.assert_allclose(found, matrix(first) @ matrix(second), atol=1e-12)
    commute = np.allclose(matrix(first) @ matrix(second), matrix(second) @ matrix(first))
    assert pauli(first).commutes(pauli(second)) == commute


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([((0,), (1,), (2,), (3,)), ((2,),), ((0, 1, 3),), ((1,), (3,))]))
def test_a_short_body_gives_every_outcome(seed: int, products: tuple[tuple[int, ...], ...]) -> None:
    """On random states, with random one-qubit gates and CZ on any pairs of a ring."""
    generator = np.random.default_rng(seed)
    circuit = cirq.Circuit()
    for _ in range(generator.integers(2, 9)):
        at = int(generator.integers(4))
        turn = cirq.testing.random_unitary(2, random_state=int(generator.integers(2**30)))
        circuit += fixed(turn).on(LINE[int(generator.integers(4))])
        circuit += fixed(cirq.unitary(cirq.H)).on(LINE[at])
        circuit += cirq.CZ(LINE[at], LINE[(at + 1) % 4])
    couplers = grid_around(LINE, circuit.all_operations())
    assert couplers is not None
    state = generator.normal(size=16) + 1j * generator.normal(size=16)
    state /= np.linalg.norm(state)

    def sign(value: int, places: tuple[int, ...]) -> int:
        return (-1) ** sum(value >> (3 - place) & 1 for place in places)

    def chances(own: cirq.AbstractCircuit) -> np.ndarray:
        vector = own.unfreeze().final_state_vector(
            initial_state=state, qubit_order=LINE, dtype=np.complex128
        )
        return np.abs(vector) ** 2

    given_chances = chances(circuit)
    for body in short_bodies(circuit.freeze(), LINE, products, couplers, 30):
        assert all(
            {*op.qubits} in [set(pair) for pair in couplers]
            for op in body.circuit.all_operations()
            if len(op.qubits) == 2
        )
        own = chances(body.circuit)
        recorded = [LINE.index(qubit) for qubit in body.recorded]
        # All products of the bits that are asked for.
        for subset in range(1 << len(products)):
            chosen = tuple(k for k in range(len(products)) if subset >> k & 1)
            places: set[int] = set()
            for k in chosen:
                places ^= set(products[k])
            wanted = sum(c * sign(v, tuple(places)) for v, c in enumerate(given_chances))
            ((of_recorded,), (flip,)) = body.relabelling.products([chosen])
            at = tuple(recorded[place] for place in of_recorded)
            assert abs(wanted - flip * sum(c * sign(v, at) for v, c in enumerate(own))) < 1e-9


def test_cnots_at_the_end_are_not_run() -> None:
    chain = XZAnsatz(1, entangler="chain")
    program = _program(chain, Distribution())
    assert program.report.two_qubit_gates == 0
    relabelling = program.filters[0].template.relabelling
    assert relabelling is not None and relabelling.places == ((0,), (0, 1), (0, 1, 2), (0, 1, 2, 3))
    assert program.verify().passed
    # Nothing but one qubit is needed for a product that the CNOT makes one of one qubit.
    one = _program(
        CircuitFilter(cirq.Circuit(cirq.CNOT(*LINE[:2]), cirq.I.on_each(*LINE[2:]))),
        PauliStrings(("ZZII",)),
    )
    assert one.report.qubits == 1 and one.filters[0].template.relabelling is None


def test_turned_frames_are_noticed_only_where_they_are() -> None:
    circuit = cirq.Circuit(fixed(cirq.unitary(cirq.rz(0.3))).on(LINE[0]), cirq.CZ(*LINE[:2]))
    parts = gadgets_of(circuit, LINE)
    assert parts is not None
    assert not noticed(*parts)


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.sampled_from(MEASUREMENTS))
def test_random_bodies_are_right_with_and_without_noise(
    seed: int, measurement: Measurement
) -> None:
    program = _program(_body(seed), measurement)
    assert program.verify().passed
    patch, angles = np.random.default_rng(seed).random((2, 2)), np.zeros(0)
    ideal = QuantumConvolution(program, "exact", None, None).forward(patch[None])
    wanted = ideal_numbers(extract_patches(patch[None], program.spec), program.spec, angles[None])
    np.testing.assert_allclose(ideal[0, :, 0, 0], np.ravel(wanted), atol=1e-10)
    noisy = QuantumConvolution(program, "exact", NOISE, None).forward(patch[None])
    np.testing.assert_allclose(noisy[0, :, 0, 0], _noisy(program, patch, angles), atol=1e-8)


@pytest.mark.parametrize("engine", ("exact", "qsim"))
@pytest.mark.parametrize("measurement", (EachZ(), EachZ((2,)), Distribution()))
def test_shots_scatter_about_noisy_means(engine: str, measurement: Measurement) -> None:
    program = _program(_body(5), measurement)
    patch = np.full((2, 2), 0.3)
    run = QuantumConvolution(program, engine, NOISE, 600, seed=3).run(patch[None])
    wanted = _noisy(program, patch, np.zeros(0))
    found, variance = run.estimates.ravel(), run.variance.ravel()
    assert (np.abs(found - wanted) < 5 * np.sqrt(variance) + 0.02).all()


@pytest.mark.parametrize("measurement", (EachZ(), EachZ((2,))))
def test_results_of_any_sampler_are_read(measurement: Measurement) -> None:
    program = _program(_body(5), measurement)
    patch = np.full((2, 2), 0.3)
    result = cirq.Simulator(seed=1).run(program.circuit(patch), repetitions=4000)
    found = program.numbers(result)
    ideal = QuantumConvolution(program, "exact", None, None).forward(patch[None]).ravel()
    assert (np.abs(found.values - ideal) < 5 * np.sqrt(found.variances) + 1e-9).all()


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.kind)
@pytest.mark.parametrize("measurement", (EachZ(), EachZ((1,))))
def test_gradients_are_those_of_the_circuit_as_it_was_given(
    body: XZAnsatz, measurement: Measurement
) -> None:
    layer = QuantumConvolution(_program(body, measurement), "exact", None, None, seed=4)
    images = np.random.default_rng(0).random((2, 3, 3))
    upstream = np.random.default_rng(1).normal(size=layer.forward(images).shape)
    exact = layer.backward(upstream, "exact")
    np.testing.assert_allclose(layer.backward(upstream, "parameter_shift"), exact, atol=1e-10)


def test_a_stored_program_is_read_alike(tmp_path: Path) -> None:
    program = _program(XZAnsatz(1, entangler="chain"), Distribution())
    program.save(tmp_path / "program.json")
    again = Program.load(tmp_path / "program.json")
    mine, other = program.filters[0].template, again.filters[0].template
    assert mine.relabelling is not None and other.relabelling == mine.relabelling
    assert other.digest == mine.digest and again.verify().passed


def test_overlap_circuits_are_written_as_before(tmp_path: Path) -> None:
    program = compile_convolution(ConvolutionSpec((2, 2)))
    program.save(tmp_path / "program.json")
    assert '"relabelling"' not in (tmp_path / "program.json").read_text()


# Two-qubit gates that pytket's and Qiskit's best circuits had on willow_pink in July 2026.
@pytest.mark.parametrize(("seed", "others"), [(0, 5), (4, 7), (5, 12), (6, 5), (8, 8)])
def test_random_bodies_take_no_more_gates_than_general_compilers(seed: int, others: int) -> None:
    body = RandomCircuit(20, seed, pairs="grid")
    spec = ConvolutionSpec((2, 2), filters=body, encoding="angle", measurement="z")
    assert compile_convolution(spec).report.two_qubit_gates <= others
