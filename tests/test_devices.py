"""Devices: what they offer, and every violation found."""

import cirq
import cirq_google
import networkx as nx
import pytest

from qucnn_cirq import InputError, load_device
from qucnn_cirq.devices import NATIVE_GATES, describe_devices, device_names, grid_device

A, B, C = cirq.GridQubit(0, 0), cirq.GridQubit(0, 1), cirq.GridQubit(1, 1)
FAR = cirq.GridQubit(7, 7)


@pytest.mark.parametrize(
    ("name", "qubits", "gates"),
    [
        ("sycamore", 54, ("sqrt_iswap", "syc")),
        ("sycamore_cz", 54, ("cz", "sqrt_iswap", "syc")),
        ("rainbow", 23, ("cz", "sqrt_iswap", "syc")),
        ("weber", 53, ("cz", "sqrt_iswap", "syc")),
        ("willow_pink", 105, ("cz",)),
        ("grid:3x5", 15, ("cz", "sqrt_iswap", "syc")),
    ],
)
def test_devices_offer_what_cirq_accepts(name, qubits, gates):
    device = load_device(name)
    assert device.n_qubits == qubits
    assert device.two_qubit_gates == gates
    a, b = sorted(device.graph.edges)[0]
    for gate_name, gate in NATIVE_GATES.items():
        circuit = cirq.Circuit(gate(a, b))
        if gate_name in gates:
            device.cirq_device.validate_circuit(circuit)
        else:
            with pytest.raises(ValueError, match="not supported|not.*gateset|contain"):
                device.cirq_device.validate_circuit(circuit)


def test_calibrated_errors_are_plausible_and_weighed():
    device = load_device("willow_pink")
    edges = sorted(device.graph.edges)
    errors = [device.two_qubit_error(a, b, "cz") for a, b in edges]
    assert 0 <= min(errors) < max(errors) < 0.2
    qubit = edges[0][0]
    assert 0 < device.readout_error(qubit) < 0.2
    assert device.decay_error(qubit, 0, 0) == pytest.approx(0)
    assert 0 < device.decay_error(qubit, 10, 10) < device.decay_error(qubit, 100, 100) <= 0.75
    plain = load_device("grid:3x3")
    assert not plain.is_calibrated
    assert plain.two_qubit_error(A, B, "cz") == 0.005


def test_names_objects_and_rows():
    assert load_device("weber") is load_device("weber")
    assert load_device(load_device("weber")) is load_device("weber")
    wrapped = load_device(cirq_google.Sycamore)
    assert nx.utils.graphs_equal(wrapped.graph, load_device("sycamore").graph)
    rows = describe_devices()
    assert [row["name"] for row in rows] == list(device_names())
    assert all(isinstance(row["qubits"], int) for row in rows)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sycamor", "Did you mean 'sycamore'"),
        ("grid:0x3", "ROWSxCOLUMNS"),
        ("grid:axb", "ROWSxCOLUMNS"),
        ("grid5x5", "ROWSxCOLUMNS"),
        ("grid:1000x1000", "1 to 10000"),
        (cirq.UNCONSTRAINED_DEVICE, "nx_graph"),
        (5, "give a name"),
    ],
)
def test_unknown_devices_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        load_device(name)


def test_bad_grids_are_refused():
    with pytest.raises(InputError, match="no qubits"):
        grid_device([])
    with pytest.raises(InputError, match="does not join two neighbours"):
        grid_device([A, B, C], [(A, C)])
    with pytest.raises(InputError, match="Did you mean 'cz'"):
        grid_device([A, B], two_qubit_gates=["czz"])
