"""Placement by embedding: the optimum over all monomorphisms, in a bounded search."""

from collections import Counter
from dataclasses import replace

import cirq
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models.calibration import Calibration, GateError
from qucnn_cirq import ConvolutionSpec, FixedFilter, compile_convolution
from qucnn_cirq.circuits.loaders import LOADERS, Loader
from qucnn_cirq.circuits.slots import TableAngle, ry
from qucnn_cirq.compiler import embedding
from qucnn_cirq.compiler.embedding import best_embedding
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import grid_device, load_device
from qucnn_cirq.validation import errors_of, validate

Q = cirq.GridQubit


def calibrated(couplers, one_qubit):
    """A device whose couplers have the errors given, and its qubits those that are drawn."""
    kept = sorted({qubit for pair in couplers for qubit in pair})
    calibration = Calibration(
        name="lab",
        rates={q: (one_qubit(1e-4), one_qubit(1e-4)) for q in kept},
        one_qubit_ns=25.0,
        two_qubit_ns={cirq.CZPowGate: 40.0},
        measurement_ns=500.0,
        one_qubit={q: one_qubit(0.02) for q in kept},
        two_qubit={
            ends: {cirq.CZPowGate: GateError.of(error, cirq.PhasedFSimGate(0.0))}
            for (a, b), error in couplers.items()
            for ends in ((a, b), (b, a))
        },
        readout={q: (one_qubit(0.1), one_qubit(0.1)) for q in kept},
    )
    return replace(grid_device(kept, couplers), own_calibration=calibration)


def damaged_device(generator):
    """3x3 qubits with some of the couplers, and errors all different."""
    board = cirq.GridQubit.rect(3, 3)
    pairs = [(a, b) for a in board for b in board if a < b and a.is_adjacent(b)]
    kept = [pair for pair in pairs if generator.random() < 0.9]
    return calibrated(
        {pair: generator.uniform(0, 0.1) for pair in kept}, lambda most: generator.uniform(0, most)
    )


def random_usage(generator):
    """Up to six qubits on couplers of a grid, connected or not; some without gates on them."""
    rectangle = cirq.GridQubit.rect(2, 3)
    chosen = generator.choice(6, size=generator.integers(1, 7), replace=False)
    qubits = sorted(rectangle[index] for index in chosen)
    pairs = [(a, b) for a in qubits for b in qubits if a < b and a.is_adjacent(b)]
    return Usage(
        Counter({q: int(generator.integers(0, 9)) for q in qubits}),
        Counter(
            {pair: int(generator.integers(0, 20)) for pair in pairs if generator.random() < 0.9}
        ),
        tuple(q for q in qubits if generator.random() < 0.5),
        tuple(qubits),
        {q: (int(generator.integers(0, 20)), int(generator.integers(0, 20))) for q in qubits},
    )


def all_embeddings(usage, graph):
    """By networkx."""
    wanted = nx.Graph(list(usage.two_qubit))
    wanted.add_nodes_from(usage.qubits)
    matcher = nx.algorithms.isomorphism.GraphMatcher(graph, wanted)
    for found in matcher.subgraph_monomorphisms_iter():
        yield {qubit: place for place, qubit in found.items()}


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_no_embedding_has_a_smaller_predicted_error(seed):
    generator = np.random.default_rng(seed)
    device, usage = damaged_device(generator), random_usage(generator)
    places = sorted(device.graph)
    pinned = {}
    if generator.random() < 0.5:
        pinned[usage.qubits[-1]] = places[generator.integers(len(places))]
    allowed = [place for place in places if generator.random() < 0.9 or place in pinned.values()]
    graph = device.graph.subgraph(allowed)
    errors = [
        usage.predicted_error(positions, device, "cz")
        for positions in all_embeddings(usage, graph)
        if all(positions[qubit] == place for qubit, place in pinned.items())
    ]
    found = best_embedding(usage, device, "cz", graph, pinned, None)
    if found is None:
        assert not errors
        return
    assert set(found) == set(usage.qubits) and set(found.values()) <= set(allowed)
    assert len(set(found.values())) == len(found)
    assert all(graph.has_edge(found[a], found[b]) for a, b in usage.two_qubit)
    least = usage.predicted_error(found, device, "cz")
    assert least == pytest.approx(min(errors), abs=1e-9)
    above = best_embedding(usage, device, "cz", graph, pinned, least + 1e-6)
    assert usage.predicted_error(above, device, "cz") == pytest.approx(least, abs=1e-9)
    assert best_embedding(usage, device, "cz", graph, pinned, least) is None


def inversion(kernel):
    values = np.random.default_rng(1).normal(size=kernel)
    return ConvolutionSpec(kernel=kernel, filters=FixedFilter(values), overlap="inversion")


@pytest.mark.parametrize(
    ("kernel", "device", "gate_set", "largest"),
    [
        ((2, 4), "willow_pink", "cz", 0.038),
        ((8, 8), "willow_pink", "cz", 0.208),
        ((5, 5), "weber", "sqrt_iswap", 0.525),
    ],
)
def test_bent_lines_avoid_bad_couplers(kernel, device, gate_set, largest):
    program = compile_convolution(inversion(kernel), device, gate_set=gate_set)
    assert program.report.predicted_error < largest
    assert len({place.row for place in program.placement["data"]}) > 1


def test_a_layout_is_bent_before_anything_is_routed():
    program = compile_convolution(inversion((5, 5)), "grid:3x3")
    assert program.report.layout == "ladder"
    assert program.verify(patches=1).passed
    # Bent around a hole, in the place that it was given.
    ring = [qubit for qubit in cirq.GridQubit.rect(3, 3) if qubit != Q(1, 1)]
    corner = [Q(0, 1), Q(0, 2), Q(1, 2), Q(2, 2), Q(2, 1)]
    for where in (ring, {"data": corner}):
        program = compile_convolution(inversion((5, 5)), grid_device(ring), placement=where)
        assert program.report.layout == "ladder"
    assert program.placement["data"] == tuple(corner)


def test_every_circuit_of_a_bent_program_is_on_couplers_that_are_there():
    bent = grid_device([Q(0, 0), Q(0, 1), Q(1, 1), Q(1, 2)], two_qubit_gates=["cz"])
    program = compile_convolution(inversion((4, 4)), bent, infidelity=0.01, loader="symplectic")
    assert program.report.layout == "ladder"
    variants = program.filters[0].variants
    assert len(variants) > 5
    for variant in variants:
        assert errors_of(validate(variant.template.marked_circuit, bent)) == []


def test_couplers_that_only_other_loaders_need_are_there_too():
    line = Q(0, 0), Q(0, 1), Q(0, 2)
    usage = Usage.of(cirq.Circuit(cirq.CZ(*line[:2])), couplers=[line[:0:-1]])
    assert usage.two_qubit == {line[:2]: 1, line[1:]: 0}
    two_pairs = grid_device([Q(0, 0), Q(0, 1), Q(2, 0), Q(2, 1)])
    assert best_embedding(usage, two_pairs, "cz", two_pairs.graph, {}, None) is None
    corner = grid_device([Q(0, 0), Q(0, 1), Q(1, 1)])
    assert best_embedding(usage, corner, "cz", corner.graph, {}, None) is not None


class Star(Loader):
    """Joins qubit 0 with 1 and 3, and 1 with 2; the other member of its family needs 2 and 3."""

    name = "star"
    n_angles = 1

    def __init__(self, n_qubits, pairs=((0, 1), (1, 2), (0, 3))):
        super().__init__(n_qubits)
        self.pairs = pairs

    def circuit(self, qubits, table):
        turns = [ry(TableAngle(table, 0))(qubit) for qubit in qubits]
        return cirq.Circuit(turns, [cirq.CZ(qubits[a], qubits[b]) for a, b in self.pairs], turns)

    def angles(self, states):
        return np.zeros((len(states), 1))

    def family(self, tolerance):
        return (Star(self.n_qubits, ((2, 3),)), self)


def test_no_loader_of_a_family_meets_a_coupler_that_is_missing(monkeypatch):
    monkeypatch.setattr(LOADERS, "_members", {**LOADERS._members, "star": Star})
    square = [Q(0, 0), Q(0, 1), Q(1, 1), Q(1, 0)]
    couplers = list(zip(square, square[1:] + square[:1], strict=True))
    whole = compile_convolution(inversion((4, 4)), grid_device(square), loader="star")
    assert (whole.report.layout, len(whole.filters[0].variants)) == ("plaquettes", 2)
    broken = grid_device(square, couplers[1:])
    assert compile_convolution(inversion((4, 4)), broken, loader="star").report.layout == "routed"


@pytest.mark.parametrize(("error", "is_bent"), [(0.0099, False), (0.009, True)])
def test_a_layout_is_bent_only_if_that_saves_a_hundredth(error, is_bent):
    couplers = {(Q(0, 0), Q(0, 1)): 0.01, (Q(0, 1), Q(0, 2)): 0.01, (Q(0, 1), Q(1, 1)): error}
    device = calibrated(couplers, lambda most: most / 100)
    program = compile_convolution(inversion((2, 4)), device)
    assert (Q(1, 1) in program.placement["data"]) == is_bent


def test_the_effort_is_bounded_whatever_is_asked(monkeypatch):
    """A path through all qubits of a board whose colours differ in number does not exist."""
    board = [qubit for qubit in cirq.GridQubit.rect(5, 6) if qubit not in {Q(0, 0), Q(4, 4)}]
    line = cirq.LineQubit.range(len(board))
    usage = Usage.of(cirq.Circuit(cirq.CZ(*line[i : i + 2]) for i in range(len(line) - 1)))
    device = grid_device(board)
    assert best_embedding(usage, device, "cz", device.graph, {}, None) is None
    # On a device with errors of its own what was found so far is kept.
    willow = load_device("willow_pink")
    errors = []
    for effort in (2_000, 20_000):
        monkeypatch.setattr(embedding, "LARGEST_EFFORT", effort)
        found = best_embedding(usage, willow, "cz", willow.graph, {}, None)
        assert len(set(found.values())) == len(board)
        assert all(willow.graph.has_edge(found[a], found[b]) for a, b in usage.two_qubit)
        errors.append(usage.predicted_error(found, willow, "cz"))
    assert errors[1] < errors[0]
