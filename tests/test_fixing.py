"""Any circuit brought to a device: valid, and with the same outcomes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import InputError, fix_circuit
from qucnn_cirq.cli import main
from qucnn_cirq.compiler import fixing
from qucnn_cirq.compiler.proof import NotProvedError
from qucnn_cirq.validation import validate

Q = cirq.LineQubit.range(6)


def chances(circuit: cirq.AbstractCircuit) -> dict[str, np.ndarray]:
    """The distribution of each measurement's bits, from amplitudes."""
    gates = cirq.drop_terminal_measurements(circuit)
    keys = [op for op in circuit.all_operations() if cirq.is_measurement(op)]
    qubits = sorted({*gates.all_qubits(), *(q for op in keys for q in op.qubits)})
    state = cirq.Simulator(dtype=np.complex128).simulate(gates, qubit_order=qubits)
    probabilities = np.abs(state.final_state_vector.reshape((2,) * len(qubits))) ** 2
    found = {}
    for op in keys:
        places = [qubits.index(q) for q in op.qubits]
        others = tuple(k for k in range(len(qubits)) if k not in places)
        kept = probabilities.sum(axis=others)
        found[cirq.measurement_key_name(op)] = kept.transpose(np.argsort(np.argsort(places)))
    return found


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    n_qubits=st.integers(1, 5),
    device=st.sampled_from(["willow_pink", "grid:1x6", "grid:3x3"]),
)
def test_random_circuits_become_valid_and_keep_their_outcomes(
    seed: int, n_qubits: int, device: str
) -> None:
    random = np.random.default_rng(seed)
    circuit = cirq.testing.random_circuit(Q[:n_qubits], 8, 0.6, random_state=seed)
    order = list(random.permutation(n_qubits))
    circuit += cirq.measure(*(Q[k] for k in order[:2]), key="a")
    if order[2:]:
        circuit += cirq.measure(
            *(Q[k] for k in order[2:]), key="b", invert_mask=(bool(seed % 2),) * len(order[2:])
        )
    found = fix_circuit(circuit, device)
    assert not [each for each in validate(found.circuit, device) if not each.is_warning]
    assert found.difference is not None and found.difference < 1e-6
    wanted, given_ = chances(circuit), chances(found.circuit)
    assert wanted.keys() == given_.keys()
    for key, own in wanted.items():
        np.testing.assert_allclose(given_[key], own, atol=1e-6)


@pytest.mark.parametrize(
    ("circuit", "gates"),
    [
        (cirq.Circuit(cirq.H(Q[0]), [cirq.CNOT(Q[0], q) for q in Q[1:5]]), 4),
        (cirq.Circuit(cirq.SWAP(Q[0], Q[1]), cirq.SWAP(Q[0], Q[1]), cirq.X(Q[0])), 0),
        (cirq.Circuit(cirq.X(Q[0]), cirq.global_phase_operation(1j)), 0),
        (cirq.Circuit(cirq.H(Q[3]), cirq.measure(*Q)), 0),
        (cirq.Circuit(), 0),
    ],
)
def test_no_gate_is_spent_where_none_is_needed(circuit: cirq.Circuit, gates: int) -> None:
    found = fix_circuit(circuit, "willow_pink")
    assert found.two_qubit_gates == gates
    assert len(set(found.ends.values())) == len(circuit.all_qubits())


@pytest.mark.parametrize(
    ("device", "gate_set", "gate"),
    [("willow_pink", "cz", cirq.CZ), ("weber", "sqrt_iswap", cirq.SQRT_ISWAP)],
)
def test_circuits_are_written_in_the_gate_set_that_is_asked_for(
    device: str, gate_set: str, gate: cirq.Gate
) -> None:
    gates = cirq.Circuit(cirq.H.on_each(*Q[:3]), cirq.TOFFOLI(*Q[:3]), cirq.H(Q[2]))
    circuit = gates + cirq.measure(*Q[:3])
    found = fix_circuit(circuit, device, gate_set)
    pairs = [op for op in found.circuit.all_operations() if cirq.num_qubits(op) == 2]
    assert {op.gate for op in pairs} == {gate}


@pytest.mark.parametrize(
    ("circuit", "device", "message"),
    [
        (cirq.Circuit(cirq.X(Q[0]) ** sympy.Symbol("t")), "willow_pink", r"open parameters \(t\)"),
        (cirq.Circuit(cirq.measure(Q[0]), cirq.X(Q[0])), "willow_pink", "measures in its middle"),
        (
            cirq.Circuit(cirq.measure(Q[0], key="a"), cirq.X(Q[1]).with_classical_controls("a")),
            "willow_pink",
            "is no gate with a unitary",
        ),
        (cirq.Circuit(cirq.reset(Q[0])), "willow_pink", "is no gate with a unitary"),
        (cirq.Circuit(cirq.depolarize(0.1)(Q[0])), "willow_pink", "is no gate with a unitary"),
        (
            cirq.Circuit(cirq.IdentityGate(1, (3,)).on(cirq.LineQid(0, 3))),
            "willow_pink",
            "more than two levels",
        ),
        (cirq.Circuit(cirq.H.on_each(*Q), cirq.TOFFOLI(Q[0], Q[2], Q[5])), "grid:1x5", "6"),
        (cirq.Circuit(cirq.measure(*Q)), "grid:1x5", "5"),
    ],
)
def test_what_cannot_be_brought_to_a_device_is_refused_in_a_sentence(
    circuit: cirq.Circuit, device: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        fix_circuit(circuit, device)
    with pytest.raises(InputError, match="give one of"):
        fix_circuit(circuit, "willow_pink", "xy")


def test_the_command_writes_a_valid_circuit(tmp_path: Path, capsys: Any) -> None:
    source, target = tmp_path / "ghz.json", tmp_path / "fixed.json"
    circuit = cirq.Circuit(cirq.H(Q[0]), [cirq.CNOT(Q[0], q) for q in Q[1:]], cirq.measure(*Q))
    source.write_text(cirq.to_json(circuit))
    arguments = [str(source), "--device", "willow_pink", "--out", str(target)]
    assert main(["validate", str(source), "--device", "willow_pink"]) == 1
    assert main(["fix", *arguments]) == 0
    assert "valid on willow_pink" in capsys.readouterr().out
    assert main(["validate", str(target), "--device", "willow_pink"]) == 0
    capsys.readouterr()
    assert main(["fix", *arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["difference"] < 1e-6 and len(told["places"]) == 6
    assert main(["fix", str(source), "--device", "grid:1x5", "--out", str(target)]) == 2
    assert "6 connected qubits" in capsys.readouterr().err


def test_another_circuit_is_not_taken_for_the_given_one() -> None:
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.CNOT(Q[0], Q[1]), cirq.X(Q[2]))
    for read in ([], [cirq.measure(*Q[:3])]):
        found = fix_circuit(circuit + read, "willow_pink")
        flip = cirq.Circuit(cirq.X(found.ends[Q[2]]))
        with pytest.raises(NotProvedError, match="outcomes differ"):
            fixing._proved(replace(found, circuit=flip + found.circuit), circuit, read)
        assert fixing._proved(found, circuit, read).difference == found.difference
