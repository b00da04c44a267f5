"""Dynamical decoupling: exact, valid, and of use where phases drift."""

import cirq
import numpy as np
import pytest
from helpers import state_of

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
)
from qucnn_cirq.circuits.slots import ry
from qucnn_cirq.compiler.decoupling import DECOUPLING_TAG, SEQUENCES, decouple

PATCHES = np.random.default_rng(0).random((6, 4, 4))
KERNEL = np.random.default_rng(1).random((4, 4))
IDEAL = np.einsum("bij,ij->b", PATCHES, KERNEL) ** 2 / (
    np.sum(PATCHES**2, axis=(1, 2)) * np.sum(KERNEL**2)
)


class Detuning(cirq.NoiseModel):
    """A constant phase on every qubit for each moment in which it waits."""

    def __init__(self, angle):
        self.angle = angle

    def noisy_moment(self, moment, system_qubits):
        waiting = [qubit for qubit in system_qubits if qubit not in moment.qubits]
        if not moment.operations or any(cirq.is_measurement(op) for op in moment):
            return moment
        return [moment, cirq.Moment(cirq.rz(self.angle).on(qubit) for qubit in waiting)]


def _program(sequence, **options):
    spec = ConvolutionSpec(filters=FixedFilter(KERNEL), overlap=options.pop("overlap", "ancilla"))
    return compile_convolution(spec, "sycamore_cz", dynamical_decoupling=sequence, **options)


def _error(program, noise):
    layer = QuantumConvolution(program, engine="exact", noise=noise, shots=None)
    return np.abs(layer.forward(PATCHES).ravel() - IDEAL).mean()


@pytest.mark.parametrize(
    ("sequence", "gate_set", "numbers"),
    [
        ("XX", "cz", (1,)),
        ("XX", "syc", (2,)),
        ("YY", "cz", (2,)),
        ("YY", "syc", (1,)),
        ("XY4", "cz", (1, 2)),
        ("XY4", "syc", (1,)),
    ],
)
def test_circuits_stay_exact_valid_and_as_long(sequence, gate_set, numbers):
    assert sequence in SEQUENCES and len(SEQUENCES) == 3
    for walkers in numbers:
        bare = _program(None, gate_set=gate_set, walkers=walkers)
        program = _program(sequence, gate_set=gate_set, walkers=walkers)
        assert program.verify(patches=1).passed
        assert program.report.moments == bare.report.moments
        assert program.report.two_qubit_gates == bare.report.two_qubit_gates
        circuit = program.circuit(PATCHES[0])
        report, without = (each.variant(PATCHES[0]).report for each in (program, bare))
        pulses = [op for op in circuit.all_operations() if DECOUPLING_TAG in op.tags]
        assert len(pulses) == report.one_qubit_gates - without.one_qubit_gates
        assert len(pulses) % len(SEQUENCES[sequence]) == 0
        assert program.filters[0].passes[-1].name == "decouple"
        if not pulses:
            # With two walkers no window of CZ circuits has room for four pulses.
            assert (walkers, sequence, gate_set) == (2, "XY4", "cz")
            continue
        *_, last = (i for i, m in enumerate(circuit) if any(DECOUPLING_TAG in op.tags for op in m))
        assert last < len(circuit) - 1


def test_a_constant_detuning_is_cancelled_and_depolarising_is_not():
    bare, decoupled = _program(None), _program("XX")
    assert _error(decoupled, Detuning(0.03)) < 0.15 * _error(bare, Detuning(0.03))
    assert _error(decoupled, Detuning(0.0)) < 1e-9
    depolarising = {"depolarizing": {"p1": 0.001, "p2": 0.005}}
    assert _error(decoupled, depolarising) > _error(bare, depolarising)


def test_every_engine_runs_decoupled_circuits():
    noise = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.02}}
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), overlap="ancilla")
    program = compile_convolution(spec, "grid:3x5", dynamical_decoupling="XX", gate_set="cz")
    assert any(
        DECOUPLING_TAG in op.tags
        for op in program.circuit(np.eye(2), np.ones(4))[:-1].all_operations()
    )
    maps = [
        QuantumConvolution(program, engine=engine, noise=noise, shots=None, seed=3).forward(
            PATCHES[:1]
        )
        for engine in ("exact", "qsim_density")
    ]
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-5)
    layer = QuantumConvolution(program, engine="qsim", noise=noise, shots=400, seed=3)
    shots = layer.forward(PATCHES[:1, :3, :3])
    assert np.abs(shots - maps[0][..., :2, :2]).max() < 5 / np.sqrt(400)


def test_sequences_sit_symmetrically_in_a_window():
    a, b, c = cirq.LineQubit.range(3)
    busy = [cirq.Moment(ry(0.1).on(a)) for _ in range(8)]
    circuit = cirq.Circuit(
        cirq.Moment(cirq.CZ(a, b)), *busy, cirq.Moment(cirq.CZ(a, b)), cirq.Moment(cirq.measure(b))
    )
    found = decouple(circuit, sequence="XX")
    times = [i for i, moment in enumerate(found) if b in moment.qubits]
    # Eight moments of one-qubit gates: quarters and three quarters of them.
    assert times in ([0, 3, 7, 9, 10], [0, 2, 6, 9, 10])
    found = decouple(circuit, sequence="XY4")
    times = [i for i, moment in enumerate(found) if b in moment.qubits]
    assert times in ([0, 1, 3, 5, 7, 9, 10], [0, 2, 4, 6, 8, 9, 10])
    unmeasured = cirq.drop_terminal_measurements(circuit)
    before, after = (
        state_of(each, [a, b], {}) for each in (unmeasured, decouple(unmeasured, sequence="XY4"))
    )
    assert abs(np.vdot(before, after)) == pytest.approx(1)
    # A qubit that waits for its measurement, or has not begun, is left alone; so is a tag.
    waiting = cirq.Circuit(ry(0.2).on(c), busy, cirq.measure(c))
    assert decouple(waiting) == waiting
    context = cirq.TransformerContext(tags_to_ignore=("keep",))
    kept = cirq.map_operations(circuit, lambda op, _: op.with_tags("keep"))
    assert decouple(kept, context=context) == kept


def test_wrong_sequences_are_refused():
    with pytest.raises(InputError, match="Did you mean 'XY4'"):
        _program("XY8")
    with pytest.raises(InputError, match="Known: XX, XY4, YY"):
        decouple(cirq.Circuit(), sequence="CPMG")
    with pytest.raises(InputError, match="positive"):
        decouple(cirq.Circuit(), duration_ratio=0.0)
