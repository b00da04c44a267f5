"""Noise models of the user's own: the exact engines compute them or refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cirq
import cirq_google
import numpy as np
import pytest
import sympy
from cirq.contrib import noise_models as contrib
from helpers import density_matrix_mean, mean_of

from noise_models import NoiseError, as_noise
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
    with pytest.raises(NoiseError, match="must be the identity"):
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


# Whatever a model returns is applied, on every engine the same, or refused in one line.


def means_by_cirq(program: Program, noise: cirq.NoiseModel) -> float:
    """The mean under a model as Cirq applies it; its own measurements as projections."""

    def as_channels(operation: cirq.Operation) -> list[cirq.Operation]:
        if isinstance(operation.gate, cirq.PauliMeasurementGate):
            parts = cirq.decompose_once(operation)
            return [each for part in parts for each in as_channels(part)]
        if cirq.is_measurement(operation):
            return [cirq.KrausChannel(cirq.kraus(operation)).on(*operation.qubits)]
        return [operation]

    circuit = program.circuit(PATCH)
    qubits = sorted(circuit.all_qubits())
    noisy = cirq.unroll_circuit_op(circuit.with_noise(noise), deep=True, tags_to_check=None)
    before: list[cirq.Operation] = []
    for operation in noisy.all_operations():
        if "overlap" in cirq.measurement_key_names(operation):
            break
        before += as_channels(operation) if operation.qubits else []
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(cirq.Circuit(before), qubit_order=qubits).final_density_matrix
    return mean_of(program.filters[0].template.observable, np.diag(rho).real, qubits)


class EachOperation(cirq.NoiseModel):
    def __init__(self, change: Callable[[cirq.Operation], cirq.OP_TREE]) -> None:
        self.change = change

    def noisy_operation(self, operation: cirq.Operation) -> cirq.OP_TREE:
        return self.change(operation)


class EachMoment(cirq.NoiseModel):
    def __init__(self, change: Callable[[cirq.Moment, list[cirq.Qid]], cirq.OP_TREE]) -> None:
        self.change = change

    def noisy_moment(self, moment: cirq.Moment, system_qubits: Sequence[cirq.Qid]) -> cirq.OP_TREE:
        return self.change(moment, list(system_qubits))


class AllMoments(cirq.NoiseModel):
    def __init__(self, change: Callable[[list[cirq.Moment]], Sequence[cirq.OP_TREE]]) -> None:
        self.change = change

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> Sequence[cirq.OP_TREE]:
        return self.change(list(moments))


class OneAfterTheOther(cirq.NoiseModel):
    """Models composed as users do it: one long list of moments."""

    def __init__(self, *models: cirq.NoiseModel) -> None:
        self.models = models

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> Sequence[cirq.OP_TREE]:
        circuit = cirq.Circuit(moments)
        for model in self.models:
            circuit = circuit.with_noise(model)
        return list(circuit)


def after(gate: cirq.Gate) -> EachOperation:
    """A one-qubit gate after every operation, measurements apart."""
    return EachOperation(
        lambda op: [op, *([] if cirq.is_measurement(op) else gate.on_each(*op.qubits))]
    )


def for_two(change: Callable[[cirq.Operation], cirq.OP_TREE]) -> EachOperation:
    """Something in place of two-qubit gates."""
    return EachOperation(lambda op: change(op) if isinstance(op.gate, cirq.CZPowGate) else op)


def for_measurement(change: Callable[[cirq.Operation], cirq.OP_TREE]) -> EachOperation:
    return EachOperation(lambda op: change(op) if cirq.is_measurement(op) else op)


class MadeOfChannels(cirq.Gate):
    def _num_qubits_(self) -> int:
        return 2

    def _decompose_(self, qubits: tuple[cirq.Qid, ...]) -> cirq.OP_TREE:
        return cirq.depolarize(0.1).on_each(*qubits)


class Broken(cirq.Gate):
    """A gate whose Kraus operators are no channel, or fail."""

    def __init__(self, kraus: Callable[[], object]) -> None:
        self._kraus_ = kraus

    def _num_qubits_(self) -> int:
        return 1


DEPOLARIZING = cirq.depolarize(0.02)
FLIPS = [np.sqrt(0.9) * np.eye(2), np.sqrt(0.1) * cirq.unitary(cirq.X)]
DROPS_TWO = for_two(lambda op: [])

APPLIED = {
    "measures each qubit": EachOperation(lambda op: [op, cirq.measure_each(*op.qubits)]),
    "measures together": EachOperation(lambda op: [op, cirq.measure(*op.qubits)]),
    "measures everywhere": cirq.ConstantQubitNoiseModel(cirq.MeasurementGate(1, "m")),
    "Pauli measurement": after(cirq.PauliMeasurementGate([cirq.X], "p")),
    "joint Pauli measurement": for_two(
        lambda op: [op, cirq.PauliMeasurementGate([cirq.X, cirq.Z], "p").on(*op.qubits)]
    ),
    "Kraus channel with a key": after(cirq.KrausChannel(FLIPS, key="k")),
    "mixture with a key": after(
        cirq.MixedUnitaryChannel([(0.9, np.eye(2)), (0.1, cirq.unitary(cirq.X))], key="k")
    ),
    "drops two-qubit gates": DROPS_TWO,
    "identity for two-qubit gates": for_two(lambda op: cirq.IdentityGate(2).on(*op.qubits)),
    "channel for two-qubit gates": for_two(lambda op: cirq.depolarize(0.1, 2).on(*op.qubits)),
    "weaker two-qubit gates": for_two(lambda op: cirq.CZ(*op.qubits) ** 0.9),
    "several for two-qubit gates": for_two(
        lambda op: [cirq.X(op.qubits[0]) ** 0.1, cirq.CNOT(*op.qubits[::-1])]
    ),
    "other qubits": EachMoment(
        lambda moment, qubits: [moment, cirq.Moment(cirq.CNOT(qubits[0], qubits[-1]) ** 0.1)]
    ),
    "subcircuit around gates": for_two(
        lambda op: cirq.CircuitOperation(
            cirq.FrozenCircuit(op, DEPOLARIZING.on_each(*op.qubits), cirq.measure(op.qubits[0]))
        ).repeat(3)
    ),
    "made of channels": for_two(lambda op: [op, MadeOfChannels().on(*op.qubits)]),
    "controlled": for_two(
        lambda op: [op, (cirq.Y(op.qubits[0]) ** 0.1).controlled_by(op.qubits[1])]
    ),
    "Pauli string": EachMoment(
        lambda moment, qubits: [moment, cirq.PauliString({qubit: cirq.Y for qubit in qubits})]
    ),
    "global phase": EachOperation(lambda op: [op, cirq.global_phase_operation(1j)]),
    "large identity": EachMoment(
        lambda moment, qubits: [moment, cirq.IdentityGate(len(qubits)).on(*qubits)]
    ),
    "tags": EachOperation(
        lambda op: [op.with_tags("mine"), DEPOLARIZING(op.qubits[0]).with_tags(1)]
    ),
    "tags lost": EachOperation(lambda op: [op.untagged, DEPOLARIZING(op.qubits[0])]),
    "three qubits": EachMoment(
        lambda moment, qubits: [
            moment,
            [] if cirq.is_measurement(moment) else cirq.depolarize(0.05, 3)(*qubits[:3]),
        ][: 2 if len(moment) > 1 else 1]
    ),
    # Some of its parts make their gate anew whenever they are asked for it.
    "Fourier transform": EachMoment(
        lambda moment, qubits: (
            [moment] + ([] if any(map(cirq.is_measurement, moment)) else [cirq.qft(*qubits[:4])])
        )
    ),
    "before the measurement": EachMoment(
        lambda moment, qubits: [
            cirq.amplitude_damp(0.2).on_each(*qubits) if cirq.is_measurement(moment) else [],
            moment,
        ]
    ),
    "after the measurement": EachMoment(
        lambda moment, qubits: [
            moment,
            cirq.X.on_each(*qubits) if cirq.is_measurement(moment) else [],
        ]
    ),
    "unitary and virtual": cirq.ConstantQubitNoiseModel(cirq.X**0.05),
    "before moments": cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.03), prepend=True),
    "reset": after(cirq.ResetChannel()),
    "readout of contrib": contrib.DepolarizingWithReadoutNoiseModel(0.01, 0.02),
    "damped readout of contrib": contrib.DepolarizingWithDampedReadoutNoiseModel(0.01, 0.02, 0.03),
    "insertion": cirq.devices.InsertionNoiseModel(
        {cirq.OpIdentifier(cirq.CZPowGate): cirq.depolarize(0.1)(cirq.GridQubit(0, 1))},
        require_physical_tag=False,
    ),
    "composed": OneAfterTheOther(cirq.ConstantQubitNoiseModel(DEPOLARIZING), after(cirq.X**0.1)),
    "composed and drops": OneAfterTheOther(cirq.ConstantQubitNoiseModel(DEPOLARIZING), DROPS_TWO),
    "backwards in time": AllMoments(lambda moments: [*moments[-2::-1], moments[-1]]),
    "all in the first tree": AllMoments(lambda moments: [moments, *[[]] * (len(moments) - 1)]),
}
FAR = cirq.NamedQubit("far" * 100)
REFUSED = {
    "empty": (EachMoment(lambda *_: []), "measurement"),
    "no list": (EachMoment(lambda *_: None), "EachMoment fails with TypeError"),
    "nothing": (AllMoments(lambda _: None), "AllMoments fails with TypeError"),
    "text": (EachOperation(lambda _: "x" * 500), "fails with TypeError"),
    "an error of its own": (AllMoments(lambda _: 1 / 0), "ZeroDivisionError"),
    "a qubit of its own": (EachOperation(lambda op: [op, cirq.X(FAR)]), "no qubit of the circuit"),
    "a qutrit": (
        EachOperation(lambda op: [op, cirq.ResetChannel(3)(cirq.LineQid(0, 3))]),
        "no qubit of the circuit",
    ),
    "a symbol": (after(cirq.X ** sympy.Symbol("t" * 300)), "has a symbol"),
    "classical control": (
        for_two(
            lambda op: [
                op,
                cirq.measure(op.qubits[0], key="c"),
                cirq.X(op.qubits[1]).with_classical_controls("c"),
            ]
        ),
        "depends on a measured result",
    ),
    "many qubits": (
        EachMoment(lambda moment, qubits: [moment, cirq.depolarize(0.1, 4)(*qubits[:4])]),
        "more than 3 qubits",
    ),
    "no Kraus operators": (after(Broken(lambda: NotImplemented)), "has no Kraus operators"),
    "Kraus operators that fail": (after(Broken(lambda: 1 / 0)), "fail with ZeroDivisionError"),
    "wrong shape": (after(Broken(lambda: (np.eye(3),))), "must be the identity"),
    "not a number": (after(Broken(lambda: (np.diag([1, np.nan]),))), "must be the identity"),
    "measurement dropped": (for_measurement(lambda op: []), "drops, moves or changes"),
    "measurement renamed": (
        for_measurement(lambda op: cirq.measure(*op.qubits, key="other")),
        "drops, moves or changes",
    ),
    "measurement repeated": (for_measurement(lambda op: [op, op]), "repeats a measurement key"),
    "measurement inverted": (
        for_measurement(lambda op: cirq.measure(*op.qubits, key="overlap", invert_mask=(True,))),
        "repeats a measurement key",
    ),
    "measurement first": (AllMoments(lambda moments: moments[::-1]), "repeats a measurement key"),
}


@pytest.mark.parametrize("name", APPLIED)
def test_what_a_model_returns_is_applied_as_cirq_does(name: str) -> None:
    program, noise = compiled("destructive"), APPLIED[name]
    expected = means_by_cirq(program, noise)
    assert mean(program, "exact", noise) == pytest.approx(expected, abs=1e-7)
    assert mean(program, "qsim_density", noise) == pytest.approx(expected, abs=5e-6)
    sigma = np.sqrt(max(0.0, 1 - expected**2) / 300) + 1e-3
    assert abs(mean(program, "qsim", noise, 300) - expected) < 4 * sigma


@pytest.mark.parametrize("name", ["measures together", "drops two-qubit gates", "reset"])
def test_the_sampler_applies_it_too(name: str) -> None:
    program, noise = compiled("destructive"), APPLIED[name]
    expected = means_by_cirq(program, noise)
    sigma = np.sqrt(max(0.0, 1 - expected**2) / 300) + 1e-3
    assert abs(mean(program, "sampler", noise, 300) - expected) < 4 * sigma


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_applied_is_refused_by_all_engines_alike(name: str) -> None:
    noise, words = REFUSED[name]
    lines = set()
    for engine, shots in (
        ("exact", None),
        ("qsim_density", None),
        ("qsim", 10),
        ("sampler", 10),
        ("auto", 10),
    ):
        with pytest.raises(NoiseError, match=words) as refusal:
            mean(compiled("destructive"), engine, noise, shots)
        lines.add(str(refusal.value))
    (line,) = lines
    assert "\n" not in line and len(line) <= 200


def test_pulses_whose_places_are_lost_are_refused_by_exact_engines() -> None:
    """Moments in another order, without the tags that say which pulse is which."""
    noise = AllMoments(
        lambda moments: [
            *(cirq.Moment(op.untagged for op in moment) for moment in moments[-2::-1]),
            moments[-1],
        ]
    )
    for engine in ("exact", "qsim_density"):
        with pytest.raises(InputError, match="one-qubit gate"):
            mean(compiled("destructive"), engine, noise)


def test_a_model_that_is_changed_acts_as_changed() -> None:
    class Changing(cirq.NoiseModel):
        strength = 0.0

        def noisy_moment(
            self, moment: cirq.Moment, system_qubits: Sequence[cirq.Qid]
        ) -> cirq.OP_TREE:
            return [moment, cirq.depolarize(self.strength).on_each(*system_qubits)]

    noise = Changing()
    layer = QuantumConvolution(compiled(), engine="exact", noise=noise, shots=None)
    for noise.strength in (0.0, 0.1):
        expected = means_by_cirq(layer.program, noise)
        assert layer.forward(PATCH[None]).item() == pytest.approx(expected, abs=1e-8)


def test_what_is_dropped_changes_no_recorded_bit() -> None:
    """Noise after a measurement counts where a later measurement sees it."""
    first, second = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(
        cirq.Moment(cirq.measure(first, key="a")),
        cirq.Moment(cirq.X(first), cirq.measure(second, key="b")),
        cirq.Moment(cirq.measure(first, key="c")),
    )
    model = cirq.ConstantQubitNoiseModel(cirq.X)
    noisy = circuit.with_noise(as_noise(model).gate_model)
    results = [
        cirq.Simulator().run(each, repetitions=1).measurements
        for each in (noisy, circuit.with_noise(model))
    ]
    for key, bits in results[1].items():
        np.testing.assert_array_equal(results[0][key], bits)
    assert noisy.are_all_measurements_terminal() is False
    assert cirq.is_measurement(noisy[-1])


def test_virtual_z_keeps_its_place_where_gates_are_replaced_or_dropped() -> None:
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(
        cirq.Moment(cirq.H.on_each(a, b)),
        cirq.Moment(cirq.Z(a) ** 0.3, cirq.X(b)),
        cirq.Moment(cirq.Z(a) ** 0.4),
        cirq.Moment(cirq.CZ(a, b)),
        cirq.Moment(cirq.H.on_each(a, b)),
    )
    for gates in ([], [cirq.CZ(a, b) ** 0.5], [cirq.X(a) ** 0.1, cirq.ISWAP(a, b)]):
        model = for_two(lambda op, gates=gates: gates)
        noisy = circuit.with_noise(as_noise(model).gate_model)
        expected = cirq.Circuit(circuit[:3], gates, circuit[4:])
        np.testing.assert_allclose(
            noisy.unitary(qubit_order=[a, b]), expected.unitary(qubit_order=[a, b]), atol=1e-7
        )
    composed = OneAfterTheOther(DROPS_TWO, cirq.ConstantQubitNoiseModel(DEPOLARIZING))
    with pytest.raises(NoiseError, match="virtual Z cannot be put back"):
        circuit.with_noise(as_noise(composed).gate_model)


class MeasuresAfterGates(cirq.NoiseModel):
    """Looks at the first qubit of every gate."""

    def noisy_operation(self, operation: cirq.Operation) -> cirq.OP_TREE:
        if cirq.is_measurement(operation):
            return operation
        return [operation, cirq.measure(operation.qubits[0], key="seen")]


class DropsTwoQubitGates(cirq.NoiseModel):
    """Leaves every entangling gate out."""

    def noisy_operation(self, operation: cirq.Operation) -> cirq.OP_TREE:
        is_gate = len(operation.qubits) == 2 and not cirq.is_measurement(operation)
        return [] if is_gate else operation


@pytest.mark.parametrize(
    "noise", [MeasuresAfterGates(), DropsTwoQubitGates()], ids=["measures", "drops"]
)
def test_a_default_kernel_gives_what_cirq_gives_on_every_engine(noise: cirq.NoiseModel) -> None:
    generator = np.random.default_rng(0)
    patch, change = generator.normal(size=(2, 4, 4))
    spec = ConvolutionSpec(filters=FixedFilter(patch + 0.5 * change), overlap="inversion")
    program = compile_convolution(spec, "grid:5x6")
    circuit = program.circuit(patch)
    gates = cirq.Circuit(op for op in circuit.all_operations() if not cirq.is_measurement(op))
    noisy = cirq.dephase_measurements(gates.with_noise(noise))
    qubits = sorted(circuit.all_qubits())
    rho = cirq.DensityMatrixSimulator(dtype=np.complex128).simulate(noisy, qubit_order=qubits)
    diagonal = np.diag(rho.final_density_matrix).real
    expected = mean_of(program.filters[0].template.observable, diagonal, qubits)
    ideal = QuantumConvolution(program, shots=None).forward(patch[None]).item()
    assert abs(expected - ideal) > 0.1
    for engine in ("exact", "qsim_density"):
        exact = QuantumConvolution(program, engine=engine, noise=noise, shots=None)
        assert exact.forward(patch[None]).item() == pytest.approx(expected, abs=1e-6)
    shots = QuantumConvolution(program, engine="qsim", noise=noise, shots=2000, seed=1)
    deviation = shots.forward(patch[None]).item() - expected
    assert abs(deviation) < 5 * np.sqrt(expected * (1 - expected) / 2000)
