"""Noise models of the user's own: the exact engines compute them or refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cirq
import cirq_google
import numpy as np
import pytest
from helpers import density_matrix_mean

from noise_models import NoiseError
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
    compile_windows,
    window_overlaps,
)
from qucnn_cirq.compiler.program import Program

PATCH = np.array([[1.0, 2.0], [-1.0, 0.5]])
OVERLAPS = ("ancilla", "destructive", "inversion")


def compiled(overlap: str = "ancilla", device: str = "grid:4x5") -> Program:
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 2, -1, 0.5]), overlap=overlap)
    return compile_convolution(spec, device)


def mean(program: Program, engine: str, noise: cirq.NoiseModel, shots: int | None = None) -> float:
    layer = QuantumConvolution(program, engine=engine, noise=noise, shots=shots, seed=1)
    return float(layer.forward(PATCH[None]).item())


class AfterGates(cirq.NoiseModel):
    """Whatever a function puts in place of a one-qubit pulse."""

    def __init__(self, change: Callable[[cirq.Operation], cirq.OP_TREE]) -> None:
        self.change = change

    def noisy_operation(self, operation: cirq.Operation) -> cirq.OP_TREE:
        is_pulse = isinstance(operation.gate, cirq.PhasedXZGate)
        return self.change(operation) if is_pulse else operation


def over_rotated(operation: cirq.Operation) -> cirq.Operation:
    gate = operation.gate
    assert isinstance(gate, cirq.PhasedXZGate)
    return cirq.PhasedXZGate(
        x_exponent=1.1 * gate.x_exponent,
        z_exponent=gate.z_exponent,
        axis_phase_exponent=gate.axis_phase_exponent,
    ).on(*operation.qubits)


def flipped_and_over_rotated(operation: cirq.Operation) -> list[cirq.Operation]:
    return [cirq.bit_flip(0.1).on(*operation.qubits), over_rotated(operation)]


def tags_copied(operation: cirq.Operation) -> list[cirq.Operation]:
    channel = cirq.depolarize(0.05).on(*operation.qubits)
    return [operation, channel.with_tags(*operation.tags)]


def as_much_as_turned(operation: cirq.Operation) -> list[cirq.Operation]:
    gate = operation.gate
    assert isinstance(gate, cirq.PhasedXZGate)
    return [operation, cirq.depolarize(0.05 * abs(gate.x_exponent)).on(*operation.qubits)]


def unless_small(operation: cirq.Operation) -> list[cirq.Operation]:
    gate = operation.gate
    assert isinstance(gate, cirq.PhasedXZGate)
    noise = [] if gate.x_exponent < 0.3 else [cirq.amplitude_damp(0.05).on(*operation.qubits)]
    return [operation, *noise]


class StrongerEachCall(cirq.NoiseModel):
    """Noise that drifts while the program runs."""

    calls = 0

    def noisy_moments(
        self, moments: Sequence[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[cirq.OP_TREE]:
        self.calls += 1
        channel = cirq.depolarize(0.01 * self.calls)
        return [[moment, cirq.Moment(channel.on_each(*system_qubits))] for moment in moments]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (over_rotated, "in place of a one-qubit gate"),
        (flipped_and_over_rotated, "in place of a one-qubit gate"),
        (tags_copied, "copies its tags"),
        (as_much_as_turned, "depends on the angles"),
        (unless_small, "depends on the angles"),
    ],
)
def test_noise_that_depends_on_a_patch_is_refused_or_computed_for_each(
    change: Callable[[cirq.Operation], cirq.OP_TREE], message: str
) -> None:
    program, noise = compiled("destructive"), AfterGates(change)
    for engine in ("exact", "qsim_density", "qsim"):
        with pytest.raises(InputError, match=message):
            mean(program, engine, noise)
    expected = density_matrix_mean(program, PATCH, noise)
    sigma = np.sqrt((1 - expected**2) / 2000)
    assert abs(mean(program, "qsim", noise, 2000) - expected) < 4 * sigma


def test_noise_that_changes_from_call_to_call_is_refused() -> None:
    with pytest.raises(InputError, match="changes from call to call"):
        mean(compiled(), "exact", StrongerEachCall())


def test_what_is_no_channel_is_refused() -> None:
    half = cirq.KrausChannel([np.diag([1.0, 0.5])])
    with pytest.raises(InputError, match="must be the identity"):
        mean(compiled(), "exact", AfterGates(lambda op: [op, half.on(*op.qubits)]))


class Crosstalk(cirq.NoiseModel):
    """Joint errors of neighbours in every moment, whether they have met or not."""

    def noisy_moment(
        self, moment: cirq.Moment, system_qubits: Sequence[cirq.Qid]
    ) -> list[cirq.Moment]:
        chances = {"II": 0.95, "XX": 0.03, "ZY": 0.02}
        channel = cirq.asymmetric_depolarize(error_probabilities=chances)
        pairs = zip(system_qubits[::2], system_qubits[1::2], strict=False)
        return [moment, cirq.Moment(channel.on(*pair) for pair in pairs)]


class Drift(cirq.NoiseModel):
    """A model with a memory: unitary and non-unital errors that grow with time."""

    def noisy_moments(
        self, moments: Sequence[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        noisy = []
        for time, moment in enumerate(moments):
            place = time % (len(system_qubits) - 1)
            phase = cirq.CZPowGate(exponent=0.1 * time).on(*system_qubits[place : place + 2])
            damping = cirq.amplitude_damp(0.01 * time).on(system_qubits[0])
            noisy.append([moment, cirq.Moment(phase), cirq.Moment(damping)])
        return noisy


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize(
    "noise",
    [
        Crosstalk(),
        Drift(),
        cirq.ConstantQubitNoiseModel(cirq.generalized_amplitude_damp(0.7, 0.03)),
        cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.03), prepend=True),
        cirq.ConstantQubitNoiseModel(cirq.ResetChannel()),
        AfterGates(lambda op: [cirq.amplitude_damp(0.05).on(*op.qubits), op]),
    ],
    ids=["crosstalk", "drift", "heating", "before", "reset", "before gates"],
)
def test_correlated_and_odd_noise_is_exact(noise: cirq.NoiseModel, overlap: str) -> None:
    program = compiled(overlap)
    expected = density_matrix_mean(program, PATCH, noise)
    assert mean(program, "exact", noise) == pytest.approx(expected, abs=1e-8)
    assert mean(program, "qsim_density", noise) == pytest.approx(expected, abs=5e-6)


def test_the_model_of_cirq_google_is_exact() -> None:
    properties = cirq_google.engine.load_device_noise_properties("willow_pink")
    noise = cirq_google.NoiseModelFromGoogleNoiseProperties(properties)
    program = compiled("destructive", "willow_pink")
    # Its readout errors are channels and stay so.
    expected = density_matrix_mean(program, PATCH, "willow_pink")
    assert mean(program, "exact", noise) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (
            {"depolarizing": {"qubits": {"4_5": 0.1}}},
            "depolarizing.qubits has the key '4_5', but '4_5'",
        ),
        ({"depolarizing": {"couplers": {"0,0:0,1": 0.1, "0,0:9,9": 0.1}}}, "but '9,9' is no qubit"),
        ({"readout": {"qubits": {"alice": {"p01": 0.1}}}}, "readout.qubits has the key 'alice'"),
        ({"correlated_readout": {"couplers": {"0,0:7,7": 0.1}}}, "of device 'grid:4x5'"),
    ],
)
def test_values_for_qubits_that_the_device_lacks_are_refused(
    noise: dict[str, object], message: str
) -> None:
    """They would be without effect."""
    with pytest.raises(NoiseError, match=message):
        QuantumConvolution(compiled(), noise=noise)
    windows = compile_windows(
        cirq.Circuit(cirq.H.on_each(*cirq.LineQubit.range(2))),
        FixedFilter([1, 0, 0, 1]),
        "grid:4x5",
        size=2,
    )
    with pytest.raises(NoiseError, match=message):
        window_overlaps(windows, engine="exact", noise=noise, shots=None)
