"""The last resort, where no layout fits: the whole circuit routed in many ways."""

from __future__ import annotations

import itertools

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.compiler.assembly import Assembly, Options, assemble_routed
from qucnn_cirq.compiler.layouts import Layout
from qucnn_cirq.compiler.pinning import Pinning
from qucnn_cirq.compiler.placement import Placement, best_placement, unmoved
from qucnn_cirq.devices import Device
from qucnn_cirq.filters import Filter

_PLACED, _MOST_PLACED = 8, 16
"""Routes of a circuit that are placed and compared by their predicted errors: so many, and of those
with at most one two-qubit gate more than the best up to so many, as qubits wait less in some."""


def best_route(
    filter_: Filter,
    layout: Layout,
    loader: Loader,
    filter_loader: Loader,
    options: Options,
    device: Device,
    pinning: Pinning,
) -> tuple[Assembly, Placement]:
    """The routed circuit with the smallest predicted error.

    Args:
        filter_: What the filter is.
        layout: How the registers meet; positions do not matter.
        loader: The loader of the patch.
        filter_loader: The loader of a filter with a fixed vector.
        options: What else is asked of the circuit.
        device: The device.
        pinning: The qubits that may be used.

    Raises:
        InputError: If no connected part of them is large enough.
    """
    graph = pinning.graph(device)
    found: list[tuple[Assembly, Placement]] = []
    ways = assemble_routed(filter_, layout, loader, filter_loader, options, graph)
    for number, assembly in enumerate(itertools.islice(ways, _MOST_PLACED)):
        gates = assembly.passes[-1].two_qubit_gates
        if number >= _PLACED and gates > found[0][0].passes[-1].two_qubit_gates + 1:
            break
        placement = unmoved(assembly, device, options.gate_set)
        if set(placement.positions) == set(assembly.template.qubits):
            # What was routed in one place may be better in another of the same couplers.
            moved = best_placement(assembly, device, options.gate_set, pinning)
            placement = moved or placement
        found.append((assembly, placement))
    return min(found, key=lambda each: each[1].predicted_error)
