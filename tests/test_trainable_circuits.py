"""A circuit with symbols is a trainable filter: compiled, stored, and with the right gradients."""

from __future__ import annotations

import cirq
import numpy as np
import pytest
import sympy

from qucnn_cirq import (
    CircuitFilter,
    ConvolutionSpec,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    compile_windows,
)
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.execution import Execution
from qucnn_cirq.filters import filter_from_mapping

A, B, C = cirq.LineQubit.range(3)
T, U, W = sympy.symbols("theta_2 theta_10 w")
SUM = 2 * T - U / 2 + sympy.pi / 3
# The symbols are shared, with coefficients and constants; C is left alone.
CIRCUIT = cirq.Circuit(
    cirq.rx(2 * T)(A),
    cirq.ry(T / 2 + np.pi)(B),
    cirq.CNOT(A, B),
    cirq.ZZ(A, B) ** (U / sympy.pi),
    cirq.ry(U + W)(A),
)
FILTER = CircuitFilter(CIRCUIT, [A, B, C])
SPEC = ConvolutionSpec(kernel=(2, 4), filters=[FILTER, FILTER])
IMAGES = np.random.default_rng(5).normal(size=(2, 2, 5))
UPSTREAM = np.random.default_rng(6).normal(size=(2, 2, 1, 2))
PARAMETERS = np.random.default_rng(7).uniform(-3, 3, (2, 3))


@pytest.fixture(scope="module")
def program() -> Program:
    return compile_convolution(SPEC, "willow_pink")


def loss(parameters: np.ndarray) -> float:
    """The loss whose upstream values those are, by Cirq's state vectors alone."""
    total = 0.0
    for row, values in enumerate(parameters):
        resolved = cirq.resolve_parameters(
            CIRCUIT, dict(zip(("theta_2", "theta_10", "w"), values, strict=True))
        )
        state = resolved.final_state_vector(qubit_order=[A, B, C], dtype=np.complex128)
        for image, place in np.ndindex(2, 2):
            patch = IMAGES[image][:, place : place + 4].ravel()
            overlap = abs(state.conj() @ patch) ** 2 / (patch @ patch)
            total += UPSTREAM[image, row, 0, place] * overlap
    return total


def differences() -> np.ndarray:
    found = np.empty_like(PARAMETERS)
    for index in np.ndindex(*found.shape):
        step = np.zeros_like(found)
        step[index] = 1e-5
        found[index] = (loss(PARAMETERS + step) - loss(PARAMETERS - step)) / 2e-5
    return found


EXACT = differences()


@pytest.mark.parametrize(
    "gate",
    [
        *(gate**SUM for gate in (cirq.X, cirq.Y, cirq.Z, cirq.H)),
        cirq.rx(SUM),
        cirq.PhasedXPowGate(phase_exponent=T, exponent=U),
        cirq.PhasedXZGate(x_exponent=T, z_exponent=U, axis_phase_exponent=0.3),
        *(gate**SUM for gate in (cirq.CZ, cirq.CNOT, cirq.XX, cirq.YY, cirq.ZZ)),
        *(gate**SUM for gate in (cirq.ISWAP, cirq.SWAP, cirq.CCZ)),
        cirq.FSimGate(T, U),
        cirq.FSimGate(T, 0.3),
        cirq.PhasedISwapPowGate(phase_exponent=T, exponent=U),
        cirq.givens(T),
        cirq.ms(T),
        *(cirq.ControlledGate(turn(T)) for turn in (cirq.rx, cirq.ry, cirq.rz)),
        cirq.ControlledGate(cirq.H**T),
    ],
    ids=str,
)
def test_gates_with_symbols_are_written_in_rotations(gate: cirq.Gate) -> None:
    some = [cirq.ry(0.3)(A), cirq.rx(0.7)(B), cirq.CNOT(A, B), cirq.T(B), cirq.CNOT(B, C)]
    qubits = [A, B, C][: cirq.num_qubits(gate)]
    circuit = cirq.Circuit(some, gate(*qubits), cirq.ry(0.9)(A), gate(*reversed(qubits)))
    filter_ = CircuitFilter(circuit, [A, B, C])
    parameters = np.random.default_rng(1).uniform(-4, 4, (2, filter_.n_parameters(3)))
    expected = filter_.states(3, parameters)
    written = filter_.states_at(3, filter_.angles(3, parameters))
    np.testing.assert_allclose(np.abs(np.sum(written.conj() * expected, axis=1)), 1, atol=1e-9)


def test_symbols_are_the_parameters_in_natural_order_or_the_order_given() -> None:
    assert FILTER.parameters == ("theta_2", "theta_10", "w")
    other = CircuitFilter(CIRCUIT, [A, B, C], parameters=[W, "theta_10", T])
    assert other != FILTER
    np.testing.assert_allclose(
        other.states(3, PARAMETERS[:, ::-1]), FILTER.states(3, PARAMETERS), atol=1e-12
    )
    for filter_ in (other, FILTER):
        assert filter_from_mapping(filter_.to_mapping()) == filter_
    for wrong in (["w"], ["w", "w", "theta_2"], ["theta_2", "theta_10", "v"], "w", 3):
        with pytest.raises(InputError, match="list each of its symbols once") as refused:
            CircuitFilter(CIRCUIT, parameters=wrong)  # type: ignore[arg-type]
        assert len(str(refused.value)) <= 200


def test_a_circuit_with_symbols_is_compiled_verified_and_stored(program: Program, tmp_path) -> None:
    assert program.spec.n_parameters == 3
    assert program.verify().passed
    program.save(tmp_path / "program.json")
    loaded = Program.load(tmp_path / "program.json")
    assert loaded == program and loaded.spec.identity == SPEC.identity
    assert loaded.spec.filter_list == (FILTER, FILTER)
    data = cirq.Circuit(cirq.H(A), cirq.CNOT(A, B), cirq.ry(0.4)(C))
    assert compile_windows(data, CircuitFilter(CIRCUIT), size=2).verify().passed


@pytest.mark.parametrize(
    ("method", "tolerance", "circuits"),
    [
        # Two for each of the 4 angles, 2 for each of the 3 parameters, or 2; 4 patches, 2 filters.
        ("parameter_shift", 1e-8, 64),
        ("coin", 1e-8, 64),
        ("in_circuit", 1e-8, 64),
        ("in_circuit_absorbed", 1e-8, 64),
        ("exact", 1e-8, 0),
        ("finite_differences", 1e-5, 48),
    ],
)
def test_every_method_has_the_gradient_of_the_symbols(
    program: Program, method: str, tolerance: float, circuits: int
) -> None:
    layer = QuantumConvolution(program, "exact", shots=None, parameters=PARAMETERS)
    layer.forward(IMAGES)
    found = layer.gradient(UPSTREAM, method)
    np.testing.assert_allclose(found.values, EXACT, atol=tolerance)
    assert found.circuits == circuits


def test_spsa_moves_the_symbols_themselves(program: Program) -> None:
    layer = QuantumConvolution(program, "exact", shots=None, parameters=PARAMETERS)
    layer.forward(IMAGES)
    draws = [layer.gradient(UPSTREAM, "spsa", draw=draw).values for draw in range(300)]
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - EXACT) < 4 * error + 0.05).all()


@pytest.mark.parametrize("method", ["parameter_shift", "coin", "in_circuit"])
def test_the_variance_is_that_of_shared_symbols(program: Program, method: str) -> None:
    layer = QuantumConvolution(program, "exact", shots=200, parameters=PARAMETERS, seed=1)
    layer.forward(IMAGES)
    draws = [layer.gradient(UPSTREAM, method, draw=draw) for draw in range(150)]
    z = [(each.values - EXACT) / np.sqrt(each.variance) for each in draws]
    # Squares of 150 normal numbers: their mean is 1, give or take 0.12.
    np.testing.assert_allclose(np.mean(np.square(z), axis=0), 1, atol=0.4)
    np.testing.assert_allclose(np.mean(z, axis=0), 0, atol=0.35)


def test_filters_with_different_numbers_of_angles_draw_shots_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = CircuitFilter(
        cirq.Circuit(cirq.ry(T)(A), cirq.CNOT(A, B), cirq.rx(U + W)(B)), [A, B, C]
    )
    spec = ConvolutionSpec(kernel=(2, 4), filters=[FILTER, other, FILTER])
    layer = QuantumConvolution(compile_convolution(spec), "exact", shots=100, seed=3)
    layer.forward(IMAGES)
    numbers: list[int] = []
    run = Execution.patches

    def recorded(self: Execution, *arguments: object, **options: object) -> object:
        numbers.extend(options["numbers"])  # type: ignore[call-overload]
        return run(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Execution, "patches", recorded)
    upstream = np.concatenate([UPSTREAM, UPSTREAM[:, :1]], axis=1)
    found = layer.gradient(upstream, "parameter_shift")
    settings = 2 * (4 + 2 + 4)
    assert (found.circuits, found.shots) == (settings * 4, settings * 4 * 100)
    # Each filter has a stream, from which all settings of its angles take.
    assert numbers == [0] * 8 + [1] * 4 + [2] * 8


def test_a_layer_draws_symbols_as_it_draws_angles(program: Program) -> None:
    assert QuantumConvolution(program, seed=3).parameters.shape == (2, 3)
    with pytest.raises(InputError, match="different numbers of parameters"):
        ConvolutionSpec(kernel=(2, 4), filters=[FILTER, XZAnsatz(1)])
