"""Layouts: where data, filter and ancilla sit relative to each other, and how they meet.

A layout is written once in coordinates of its own; placement then looks for the best of its
translations, rotations and reflections on a device, and bends it where that helps. In each layout
the two registers load without leaving their own couplers and the ancilla walks from pair to pair,
so that nothing needs to be routed except inside a register.

Adding a layout is adding a function to `LAYOUTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import cirq
import networkx as nx

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.overlap_tests import OverlapTest, Pair, WalkStep
from qucnn_cirq.compiler.gate_sets import gates_of_cz

Q = cirq.GridQubit


@dataclass(frozen=True)
class Layout:
    """Positions of the registers and the way they meet.

    Attributes:
        name: The name under which it is chosen.
        data: Data register, most significant qubit first.
        filter: Filter register, in the same order; empty where the test has none.
        swaps: Couplers over which qubits are exchanged before the meeting, in parallel.
        pairs: Data and filter qubits that meet, after the swaps.
        walks: For one walker, for two, ...: the steps (a, x, f) of each walker.
        readers: Where the second ancilla of the backward pass sits, for as many walkers.
        window: The data qubits that meet the filter; empty for all of them.
        is_free: Whether the positions are names alone, so that the register has any coupler that a
            circuit uses, and a place on the device is sought for those.
    """

    name: str
    data: tuple[Q, ...]
    filter: tuple[Q, ...]
    swaps: tuple[Pair, ...] = ()
    pairs: tuple[Pair, ...] = ()
    walks: tuple[tuple[tuple[WalkStep, ...], ...], ...] = ()
    readers: tuple[Q, ...] = ()
    window: tuple[Q, ...] = ()
    is_free: bool = False

    @property
    def met(self) -> tuple[Q, ...]:
        """The data qubits that meet the filter."""
        return self.window or self.data

    def register_graph(self, register: tuple[Q, ...]) -> nx.Graph:
        """The couplers inside a register.

        Args:
            register: Qubits of one of the registers.
        """
        graph = nx.Graph()
        graph.add_nodes_from(register)
        graph.add_edges_from(
            (a, b)
            for i, a in enumerate(register)
            for b in register[i + 1 :]
            if self.is_free or a.is_adjacent(b)
        )
        return graph

    def offers(self, loader: Loader) -> bool:
        """Whether a loader's couplers are there, so that it needs no routing.

        Args:
            loader: A loader of the size of the register that meets the filter, `met`.
        """
        graph = self.register_graph(self.met)
        return all(graph.has_edge(self.met[a], self.met[b]) for a, b in loader.couplers)

    @property
    def n_couplers(self) -> int:
        """Couplers inside a register."""
        return int(self.register_graph(self.met).number_of_edges())


def fitting_loaders(
    layout: Layout,
    loaders: Iterable[Loader],
    others: Iterable[Layout] = (),
    gate_set: str = "cz",
    in_frame: bool = False,
) -> list[Loader]:
    """The loaders that a register can have on a layout.

    A loader is for the layouts with the fewest couplers among those that offer its own: a line
    leaves the ring to the loaders that need one.

    Args:
        layout: The layout.
        loaders: Loaders of the register's size.
        others: The other layouts of that size.
        gate_set: The native two-qubit gate that CZ gates are written in.
        in_frame: Whether they may be in their frame, as where they load a known filter too.

    Returns:
        Best first: those that need no routing, by native two-qubit gates and then depth; then those
        that may be routed.
    """
    sparser = [other for other in others if other.n_couplers < layout.n_couplers]
    offered = {loader: layout.offers(loader) for loader in loaders}

    def fits(loader: Loader) -> bool:
        if not offered[loader]:
            return loader.is_routable
        if layout.is_free:
            # Others with their shorter forms would need couplers of their own.
            return len(loader.family(None)) == 1 and loader.last_resort() is None
        return not any(other.offers(loader) for other in sparser)

    def order(loader: Loader) -> tuple[bool, int, int]:
        native = 1 if loader.gate == gate_set else gates_of_cz(gate_set)
        shortest = (loader.framed() if in_frame else None) or loader
        gates, depth = (native * each for each in shortest.cost)
        # What merges the filter stands for the filter's loader as well.
        return not offered[loader], gates if loader.merges_filter else 2 * gates, depth

    found = list(filter(fits, offered))
    return sorted(found, key=order) if len(found) > 1 else found


def _plaquettes(n_qubits: int, test: OverlapTest) -> Layout | None:
    """Two plaquettes side by side, for registers of four qubits on a ring.

    Columns D D F F; the two middle columns change places (2 SWAPs in parallel), after which
    every data qubit has its partner beside it and the ancilla walks once round the middle.
    """
    if n_qubits != 4:
        return None
    data = (Q(0, 0), Q(0, 1), Q(1, 1), Q(1, 0))
    if test.undoes_filter:
        return Layout("plaquettes", data, ())
    left = ((Q(-1, 1), Q(0, 1), Q(0, 0)), (Q(0, 1), Q(1, 1), Q(1, 0)))
    return Layout(
        "plaquettes",
        data=data,
        filter=(Q(0, 2), Q(0, 3), Q(1, 3), Q(1, 2)),
        swaps=((Q(0, 1), Q(0, 2)), (Q(1, 1), Q(1, 2))),
        pairs=(
            (Q(0, 0), Q(0, 1)),
            (Q(0, 2), Q(0, 3)),
            (Q(1, 2), Q(1, 3)),
            (Q(1, 0), Q(1, 1)),
        ),
        walks=(
            ((*left, (Q(1, 1), Q(1, 2), Q(1, 3)), (Q(1, 2), Q(0, 2), Q(0, 3))),),
            (left, ((Q(-1, 2), Q(0, 2), Q(0, 3)), (Q(0, 2), Q(1, 2), Q(1, 3)))),
        ),
        readers=(Q(-1, 2), Q(2, 2)),
    )


def _ladder(n_qubits: int, test: OverlapTest) -> Layout | None:
    """Data on a row, filter on the row below, the ancilla walking along the data: any size.

    Two walkers come in from both ends and meet in the middle.
    """
    data = tuple(Q(0, column) for column in range(1, n_qubits + 1))
    if test.undoes_filter:
        return Layout("ladder", data, ())
    below = tuple(Q(1, qubit.col) for qubit in data)
    half = (n_qubits + 1) // 2
    from_left = tuple((x + (0, -1), x, f) for x, f in zip(data, below, strict=True))
    from_right = tuple((x + (0, 1), x, x + (1, 0)) for x in reversed(data[half:]))
    return Layout(
        "ladder",
        data=data,
        filter=below,
        pairs=tuple(zip(data, below, strict=True)),
        walks=((from_left,),) if n_qubits == 1 else ((from_left,), (from_left[:half], from_right)),
        readers=(Q(0, n_qubits + 1), Q(-1, half + 1)),
    )


def crossing(walk: tuple[WalkStep, ...]) -> tuple[WalkStep, ...]:
    """The same walk begun beside the other qubit of the first pair, so that it crosses the pair.

    Args:
        walk: The steps (a, x, f) of an ancilla, on grid qubits.

    Returns:
        The walk with the first step mirrored, which is to end on its last qubit; a walk of one
        step as it is.
    """
    if len(walk) < 2:
        return walk
    (a, x, f), *others = cast(Sequence[tuple[Q, Q, Q]], walk)
    along = (f.row - x.row) * (a.row - x.row) + (f.col - x.col) * (a.col - x.col)
    times = 1 - 2 * along
    mirrored = a + ((f.row - x.row) * times, (f.col - x.col) * times)
    return ((mirrored, f, x), *others)


def _embedded(n_qubits: int, test: OverlapTest) -> Layout | None:
    """No positions: the device is searched for the couplers that the circuit uses."""
    if not test.acts_on_data:
        return None
    return Layout("embedded", tuple(Q(0, place) for place in range(n_qubits)), (), is_free=True)


LAYOUTS: dict[str, Callable[[int, OverlapTest], Layout | None]] = {
    "plaquettes": _plaquettes,
    "ladder": _ladder,
    "embedded": _embedded,
}


def layouts_for(n_qubits: int, test: OverlapTest) -> dict[str, Layout]:
    """The layouts that exist for a size of the registers, by name.

    Args:
        n_qubits: Size of a register, at least 1.
        test: The overlap test.
    """
    found = {name: make(n_qubits, test) for name, make in LAYOUTS.items()}
    return {name: layout for name, layout in found.items() if layout is not None}


def window_ladders(n_data: int, start: int, size: int, test: OverlapTest) -> tuple[Layout, ...]:
    """Quantum data on a row, the filter below the window that it meets, ancillas from above.

    Where the window is at an end of the row the ancilla can also come in from there.

    Args:
        n_data: Qubits of the data.
        start: Position of the window's first qubit in the row.
        size: Qubits of the window.
        test: The overlap test.
    """
    data = tuple(Q(0, column) for column in range(n_data))
    window = data[start : start + size]
    if test.undoes_filter:
        return (Layout("ladder", data, (), window=window),)
    below = tuple(x + (1, 0) for x in window)
    pairs = tuple(zip(window, below, strict=True))

    def walk(entrance: Q, met: Sequence[Pair]) -> tuple[WalkStep, ...]:
        before = (entrance, *(x for x, _ in met))
        return tuple((a, x, f) for a, (x, f) in zip(before, met, strict=False))

    left, right = pairs, pairs[::-1]
    half = (size + 1) // 2
    both = (
        walk(window[0] + (-1, 0), left[:half]),
        walk(window[-1] + (-1, 0), right[: size - half]),
    )
    entrances = [(window[0] + (-1, 0), left), (window[-1] + (-1, 0), right)]
    if start == 0:
        entrances.append((window[0] + (0, -1), left))
    if start + size == n_data:
        entrances.append((window[-1] + (0, 1), right))
    return tuple(
        Layout("ladder", data, below, pairs=pairs, walks=((walk(q, met),), both), window=window)
        for q, met in (entrances if test.most_walkers else entrances[:1])
    )
