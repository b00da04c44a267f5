"""From a filter, a layout and a loader to a native circuit in the layout's own coordinates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cirq
import networkx as nx

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.observable import Observable, all_zeros
from qucnn_cirq.circuits.overlap_tests import MeetingPlace, OverlapTest, WalkStep
from qucnn_cirq.circuits.parts import tagged
from qucnn_cirq.circuits.relabelling import Relabelling
from qucnn_cirq.compiler.layouts import Layout, crossing
from qucnn_cirq.compiler.loader_pairs import LoaderPairs
from qucnn_cirq.compiler.meeting_orders import renamed, renamings
from qucnn_cirq.compiler.passes import drop_unobserved, merge_slots
from qucnn_cirq.compiler.pinning import roles_of
from qucnn_cirq.compiler.pipeline import PassRecord, passes_for, run_passes
from qucnn_cirq.compiler.routing import is_preparation, route_preparation, routes
from qucnn_cirq.compiler.short_bodies import Couplers, ShortBody, grid_around, short_bodies
from qucnn_cirq.compiler.swaps import swap
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.compiler.usage import Coupler
from qucnn_cirq.encodings import GivenLoader
from qucnn_cirq.filters import Filter, filter_circuit
from qucnn_cirq.measurements import Applied

ROUTED = "routed"
"""The layout of the last resort: the whole circuit is routed."""

_ORDERS = 192
"""Orders of the pairs that are tried where a circuit is routed."""

_NOTHING = cirq.FrozenCircuit()


@dataclass(frozen=True, eq=False)
class Assembly:
    """A native circuit, in a layout's own coordinates or already on a device.

    Attributes:
        layout: Name of the layout.
        loader: The loader of the patch.
        filter_loader: The loader of a filter with a fixed vector.
        template: Slots, native two-qubit gates and the measurement, and where the registers are.
        passes: What each pass changed.
        couplers: Couplers that must be there besides those that the circuit uses.
        pairs: The loaders that the patch and a fixed filter may have instead.
        body: What is run in the place of a filter's circuit that acts on the patch, or None.
    """

    layout: str
    loader: Loader
    filter_loader: Loader
    template: Template
    passes: tuple[PassRecord, ...]
    couplers: tuple[Coupler, ...] = ()
    pairs: LoaderPairs | None = None
    body: ShortBody | None = None

    @property
    def roles(self) -> dict[str, tuple[cirq.Qid, ...]]:
        """The qubits by what they are for; roles that the test does not have are left out."""
        return roles_of(self.template)

    def roles_on(self, positions: Mapping[cirq.Qid, cirq.Qid]) -> dict[str, tuple[cirq.Qid, ...]]:
        """The roles after the circuit has moved to other qubits.

        Args:
            positions: From the circuit's qubits to those that take their place.
        """
        return {
            role: tuple(positions[qubit] for qubit in qubits) for role, qubits in self.roles.items()
        }


@dataclass(frozen=True)
class Options:
    """What is asked of a circuit besides its filter, layout and loader.

    Attributes:
        test: The overlap test.
        backward: Whether the result is multiplied by a back-propagated value.
        walkers: Number of walking ancillas.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        decoupling: The dynamical decoupling sequence of idle windows, or None.
        duration_ratio: Duration of a two-qubit gate, in durations of a one-qubit gate.
        body: What is run in the place of a filter's circuit that acts on the patch, or None.
    """

    test: OverlapTest
    backward: bool
    walkers: int
    gate_set: str
    decoupling: str | None = None
    duration_ratio: float = 1.0
    body: ShortBody | None = None


def assemble(
    filter_: Filter,
    layout: Layout,
    loader: Loader,
    filter_loader: Loader,
    options: Options,
) -> Assembly:
    """Builds the circuit of a layout and runs the passes on it.

    Args:
        filter_: What the filter is.
        layout: Where the registers sit, in coordinates of its own.
        loader: The loader of the patch.
        filter_loader: The loader of a filter with a fixed vector.
        options: What else is asked of the circuit.
    """

    def prepare(circuit: cirq.Circuit, register: tuple[cirq.GridQubit, ...]) -> cirq.Circuit:
        return route_preparation(merge_slots(circuit), layout.register_graph(register))

    loaders = loader, filter_loader
    (logical, routed), observable = _logical(filter_, layout, *loaders, options, _as_it_is, prepare)
    begun = PassRecord.of("logical circuit", logical), PassRecord.of("route", routed)
    return _finished(routed, observable, layout, loaders, options, begun)


def assemble_routed(
    filter_: Filter,
    layout: Layout,
    loader: Loader,
    filter_loader: Loader,
    options: Options,
    graph: nx.Graph,
) -> Iterator[Assembly]:
    """Builds the circuit of a layout, and routes it on a device without the layout's positions.

    Args:
        filter_: What the filter is.
        layout: How the registers meet.
        loader: The loader of the patch.
        filter_loader: The loader of a filter with a fixed vector.
        options: What else is asked of the circuit.
        graph: The qubits and couplers of the device that may be used.

    Yields:
        The circuit in several ways, those with the fewest two-qubit gates first.

    Raises:
        InputError: If no connected part of the graph is large enough.
    """
    loaders = loader, filter_loader
    ways = renamings(layout.pairs, _ORDERS) if options.test.pairs_commute else [{}]

    (logical,), observable = _logical(filter_, layout, *loaders, options, _as_it_is)

    @functools.cache
    def needed(order: int) -> cirq.Circuit:
        prepared = (
            op.transform_qubits(lambda q: ways[order].get(q, q))
            for op in logical.all_operations()
            if is_preparation(op)
        )
        circuit = cirq.Circuit(
            # All that is renamed comes first, as the meeting may have begun on other qubits.
            *prepared,
            (op for op in logical.all_operations() if not is_preparation(op)),
        )
        last = cirq.measure(*observable.qubits)
        noticed = drop_unobserved(circuit + last)
        # Of measurements this one alone is for the time being.
        return merge_slots(cirq.Circuit(op for op in noticed.all_operations() if op != last))

    idle = (*layout.data, *layout.filter, *observable.qubits)
    from_zero = not isinstance(loader, GivenLoader)
    for route in routes(needed, ways, graph, idle, from_zero):
        begun = (
            PassRecord.of("logical circuit", logical),
            PassRecord.of(f"route, {route.tries} starts", route.circuit),
        )
        own, moved = renamed(layout, ways[route.order]), observable.on(route.ends)
        yield _finished(route.circuit, moved, own, loaders, options, begun, route.starts)


def _finished(
    routed: cirq.Circuit,
    observable: Observable,
    layout: Layout,
    loaders: tuple[Loader, Loader],
    options: Options,
    begun: tuple[PassRecord, PassRecord],
    starts: Mapping[cirq.Qid, cirq.Qid] | None = None,
) -> Assembly:
    """Runs the passes on a measured circuit; ``starts`` says where a routed one has its qubits."""
    given = loaders[0].preparation if isinstance(loaders[0], GivenLoader) else None
    measurement = cirq.measure(*observable.qubits, key=MEASUREMENT_KEY)
    passes = passes_for(
        options.gate_set,
        options.decoupling,
        options.duration_ratio,
        counts_zeros=observable == all_zeros(observable.qubits),
        given=() if given is None else [starts[q] if starts else q for q in layout.data],
    )
    measured = routed + measurement.with_tags("backward" if options.backward else "overlap")
    native, records = run_passes(measured, passes)
    walks = _walks(layout, options)
    ancillas = [walk[0][0] for walk in walks]
    used = native.all_qubits()

    def placed(qubits: Sequence[cirq.Qid], whole: bool = False) -> tuple[cirq.Qid, ...]:
        """Where qubits are; those that no operation acts on are left out, or have no place."""
        at = [starts[qubit] if starts else qubit for qubit in qubits]
        if not whole:
            return tuple(qubit for qubit in at if qubit in used)
        names = (cirq.NamedQubit(f"data {number}") for number in range(len(at)))
        return tuple(each if each in used else name for each, name in zip(at, names, strict=True))

    template = Template(
        native.freeze(),
        observable,
        # A state that is handed over has all of its qubits.
        placed(layout.data, whole=given is not None),
        placed(layout.filter),
        placed(ancillas),
        given,
        _relabelling(options.body),
    )
    name = layout.name if starts is None else ROUTED
    return Assembly(name, *loaders, template, (*begun, *records), body=options.body)


def _relabelling(body: ShortBody | None) -> Relabelling | None:
    """How what is recorded is read, where that is more than an observable says."""
    is_told = body is None or body.is_one_bit or body.relabelling.is_plain
    return None if is_told or body is None else body.relabelling


def _as_it_is(circuit: cirq.Circuit, _: tuple[cirq.GridQubit, ...]) -> cirq.Circuit:
    return circuit


_Prepare = Callable[[cirq.Circuit, tuple[cirq.GridQubit, ...]], cirq.Circuit]


def _logical(
    filter_: Filter,
    layout: Layout,
    loader: Loader,
    filter_loader: Loader,
    options: Options,
    *prepares: _Prepare,
) -> tuple[list[cirq.Circuit], Observable]:
    """Both preparations and their meeting, every operation tagged with its part.

    There is a circuit for each way to prepare the registers.
    """
    if loader.merges_filter:
        parts = loader.parts(layout.data, "patch")
        whole = cirq.Circuit(tagged(part, name) for name, part in parts)
        return [whole] * len(prepares), all_zeros(layout.data)
    register = layout.filter or layout.met
    loading = loader.circuit(layout.data, "patch")
    preparation = filter_circuit(filter_, register, filter_loader)
    test = options.test
    swaps = cirq.Circuit()
    if not test.undoes_filter:
        for pair in layout.swaps:
            swaps += tagged(cirq.Circuit(swap(*pair)), "overlap")
    circuits = []
    for prepare in prepares:
        if options.body is not None:
            whole = tagged(loading, "loader") + tagged(options.body.circuit, "filter")
            circuits.append(tagged(prepare(whole, layout.data), "filter"))
            observable = options.body.observable
            continue
        if test.acts_on_data:
            # Where the filter finds the data is where the loader left it: routed in one.
            whole = tagged(loading, "loader") + tagged(preparation, "filter")
            meeting, observable = _meeting(layout, options, prepare(whole, layout.data).freeze())
            circuits.append(cirq.Circuit(meeting))
            continue
        circuit = tagged(prepare(loading, layout.data), "loader")
        prepared = prepare(preparation, register)
        if test.undoes_filter:
            meeting, observable = _meeting(layout, options, prepared.freeze())
        else:
            circuit += tagged(prepared, "filter")
            meeting, observable = _meeting(layout, options)
        circuits.append(circuit + swaps + meeting)
    return circuits, observable


def shorter_bodies(
    filter_: Filter,
    layout: Layout,
    loader: Loader,
    filter_loader: Loader,
    options: Options,
    most: int,
) -> tuple[ShortBody, ...]:
    """What may be run in the place of a filter's circuit that acts on the patch.

    Args:
        filter_: What the filter is.
        layout: Where the register sits.
        loader: The loader of the patch.
        filter_loader: The loader of a filter with a fixed vector.
        options: What else is asked of the circuit.
        most: CZ that are of interest.
    """
    test, data = options.test, layout.data
    if not isinstance(test, Applied):
        return ()
    preparation = filter_circuit(filter_, data, filter_loader)
    circuit = _meeting(layout, options, preparation.freeze())[0]
    couplers: Couplers | None = tuple(layout.register_graph(data).edges)
    if layout.is_free:
        loading = loader.circuit(data, "patch")
        couplers = grid_around(data, [*loading.all_operations(), *circuit.all_operations()])
    if couplers is None:
        return ()
    return short_bodies(circuit, data, test.products(len(data)), couplers, most)


def _crosses(options: Options) -> bool:
    """Whether walks begin on the far side of the first pair."""
    return options.gate_set in options.test.crossing_gate_sets


def _walks(layout: Layout, options: Options) -> tuple[tuple[WalkStep, ...], ...]:
    """The steps of each walking ancilla, of which a test may have none."""
    if not options.test.most_walkers:
        return ()
    walks = layout.walks[options.walkers - 1]
    return tuple(map(crossing, walks)) if _crosses(options) else walks


@functools.lru_cache(maxsize=64)
def _meeting(
    layout: Layout, options: Options, preparation: cirq.FrozenCircuit = _NOTHING
) -> tuple[cirq.FrozenCircuit, Observable]:
    """How the registers meet; the same object for all loaders, of which there are several."""
    test = options.test
    meeting, observable = test.meeting(
        MeetingPlace(
            data=layout.met,
            preparation=preparation.unfreeze(),
            pairs=layout.pairs,
            walks=_walks(layout, options),
            crosses=_crosses(options),
            reader=layout.readers[options.walkers - 1] if options.backward else None,
            gate_set=options.gate_set if options.gate_set in test.native_gate_sets else "cz",
        )
    )
    part = "filter" if test.undoes_filter else "overlap"
    return tagged(meeting, part).freeze(), observable
