"""``compile_convolution``: the compiler's front door."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from noise_models import NoiseLike
from qucnn_cirq.checks import instance_of
from qucnn_cirq.circuits.comparison import Comparison
from qucnn_cirq.circuits.line_loader import EXACT, GENERIC, N_QUBITS, PATTERNS, LineLoader
from qucnn_cirq.circuits.loaders import Loader, make_loader
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.circuits.overlap_tests import AUTO, OVERLAP_TESTS
from qucnn_cirq.compiler.assembly import Assembly, assemble, assemble_routed
from qucnn_cirq.compiler.layouts import LAYOUTS
from qucnn_cirq.compiler.pinning import Pinning, PlacementLike, describe, read_placement
from qucnn_cirq.compiler.placement import Placement, Positions, Usage, best_placement, unmoved
from qucnn_cirq.compiler.placing import exact_filter_loader, placed
from qucnn_cirq.compiler.program import CompiledFilter, Program, Variant
from qucnn_cirq.compiler.request import (
    ROUTED,
    Request,
    check_names,
    check_sizes,
    read_budget,
    read_options,
)
from qucnn_cirq.compiler.survival import survival
from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.filter_base import Filter
from qucnn_cirq.specification import ConvolutionSpec


def compile_convolution(
    spec: ConvolutionSpec,
    device: DeviceLike = "willow_pink",
    *,
    layout: str = "auto",
    loader: str = "auto",
    gate_set: str | None = None,
    walkers: int = 1,
    infidelity: float | str = 0.0,
    noise: NoiseLike = None,
    dynamical_decoupling: str | None = None,
    placement: PlacementLike = None,
) -> Program:
    """Compiles a convolution for a device.

    Every layout that fits is compiled and placed, and the one with the smallest predicted error
    is taken. Where none fits, the whole circuit is routed instead. The result is deterministic;
    the same request a second time returns the same object.

    With an infidelity budget a program holds several circuits whose loaders differ, and each patch
    is run with one of them. That is for registers of four qubits on a ladder, whose loader has
    shorter patterns; anything else is refused.

    Args:
        spec: The convolution. With ``overlap="auto"`` the program's specification names the
            overlap test that was chosen.
        device: A name ("willow_pink", "grid:5x6", ...), a device, or a Cirq device.
        layout: "auto", "plaquettes", "ladder" or "routed".
        loader: "auto", "schmidt", "line", "multiplexed" or, for the inversion test of a fixed
            filter of 9 to 16 values, "comparison": patch and filter in one.
        gate_set: "cz", "sqrt_iswap" or "syc"; None takes the device's first.
        walkers: Ancillas of the ancilla test, 1 or 2. Two walk at the same time and are read in
            parity: about half the depth for one more readout error.
        infidelity: Largest infidelity 1 - <x|y>^2 with which a patch x may be loaded as y, within
            0..1: every patch gets the shortest loader that stays below. 0 is exact. "auto" takes
            for every patch the loader with the smallest expected error under ``noise``, see
            :class:`~qucnn_cirq.circuits.loading_rule.LoadingRule`. A filter is always exact.
        noise: The noise that "auto" weighs a shorter circuit against; as for
            :class:`~qucnn_cirq.QuantumConvolution`. Given without "auto" it is refused.
        dynamical_decoupling: Pulses for qubits that wait between two gates: "XX", "YY", "XY4", or
            None for none. They cancel slow phase errors, which depolarising, readout and thermal
            noise are not: under those they only cost gates.
        placement: Where the circuit must be: a list of qubits out of which the compiler may
            choose; or a mapping from any of "data", "filter" and "ancilla" to their qubits in
            order (as :attr:`Program.placement` gives them). A qubit is a ``cirq.GridQubit``, a
            pair (row, column) or text "row_column". None leaves it to the compiler.

    Raises:
        InputError: If a name is unknown, the device does not offer the gate set, the
            circuit does not fit the device or the placement, or the budget is outside its range.
        NoiseError: If the noise is not allowed.
    """
    instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
    target = load_device(device)
    if spec.overlap == AUTO:
        settings = {
            "layout": layout,
            "loader": loader,
            "gate_set": gate_set,
            "infidelity": infidelity,
            "noise": noise,
            "dynamical_decoupling": dynamical_decoupling,
            "placement": placement,
        }
        return _best_overlap_test(spec, target, walkers, settings)
    check_names(layout, loader)
    options = read_options(spec, target, gate_set, walkers, dynamical_decoupling)
    pinning = read_placement(placement, target)
    budget = read_budget(infidelity, noise)
    return _compile(Request(spec, target, layout, loader, options, budget, pinning))


def _best_overlap_test(
    spec: ConvolutionSpec, device: Device, walkers: int, settings: Mapping[str, Any]
) -> Program:
    """The program of the overlap test with the smallest predicted error.

    Raises:
        InputError: If none can be compiled; the reason is that of the first, the ancilla test.
    """
    programs = []
    refusals = []
    for overlap, test in OVERLAP_TESTS.items():
        try:
            programs.append(
                compile_convolution(
                    replace(spec, overlap=overlap),
                    device,
                    walkers=walkers if test.most_walkers > 1 else 1,
                    **settings,
                )
            )
        except InputError as error:
            refusals.append(error)
    if not programs:
        raise refusals[0]
    return min(programs, key=lambda program: program.report.predicted_error)


def better_overlap_test(program: Program, **settings: Any) -> str | None:
    """Says which overlap test has a smaller predicted error than a program's own, if one has.

    Args:
        program: A compiled convolution.
        settings: What it was compiled with besides specification and device.

    Returns:
        A line for the user; None if the test is the best, or is needed for a backward circuit.
    """
    if program.spec.backward:
        return None
    spec = replace(program.spec, overlap=AUTO)
    own, best = program, compile_convolution(spec, program.device, **settings)
    if best.report.predicted_error >= own.report.predicted_error:
        return None
    return (
        f"convolution.overlap = {best.spec.overlap!r} has the predicted error "
        f"{best.report.predicted_error:.2g} instead of {own.report.predicted_error:.2g}; see "
        "docs/overlap_tests.md, or choose 'auto'."
    )


@functools.lru_cache(maxsize=64)
def _compile(request: Request) -> Program:
    spec = request.spec
    structures: dict[object, CompiledFilter] = {}
    compiled: list[CompiledFilter] = []
    for filter_ in spec.filter_list:
        # Fixed filters of one loader share one structure: only their angles differ.
        key: object = filter_
        if filter_.fixed_vector(spec.register_qubits) is not None:
            own = exact_filter_loader(filter_, request)
            key = own.pattern if own else "fixed vector"
        if key not in structures:
            structures[key] = _compile_filter(filter_, request)
        compiled.append(_for_filter(structures[key], filter_))
    return Program(spec, request.device, tuple(compiled))


def _for_filter(structure: CompiledFilter, filter_: Filter) -> CompiledFilter:
    """The same circuits for another filter of the same structure."""
    vector = filter_.fixed_vector(structure.loader.n_qubits)
    if vector is None or not isinstance(structure.loader, Comparison):
        return replace(structure, filter=filter_)
    own = Comparison(vector)
    variants = tuple(replace(variant, loader=own) for variant in structure.variants)
    return replace(structure, filter=filter_, variants=variants)


def _compile_filter(filter_: Filter, request: Request) -> CompiledFilter:
    started = time.perf_counter()
    spec, device, budget = request.spec, request.device, request.budget
    check_sizes(spec)
    test, walkers = request.options.test, request.options.walkers
    needed = test.n_qubits(spec.register_qubits, walkers) + int(spec.backward)
    if needed > device.n_qubits:
        raise InputError(
            f"a {spec.overlap} test of kernel {spec.kernel} with {spec.channels} channel(s) needs "
            f"{needed} qubits; device {device.name!r} has {device.n_qubits}. Choose a smaller "
            "kernel or a larger device."
        )
    allowed = request.pinning.allowed
    if allowed is not None and len(allowed) < needed:
        raise InputError(
            f"placement has {len(allowed)} qubits; this circuit needs {needed}: give more."
        )
    best: tuple[Assembly, Placement] | None = None
    filter_loader = exact_filter_loader(filter_, request)
    candidates = list(_candidates(filter_, request, filter_loader))
    for candidate in candidates:
        _check_roles(candidate, request.pinning)
        placement = best_placement(candidate, device, request.options.gate_set, request.pinning)
        if placement and (best is None or placement.predicted_error < best[1].predicted_error):
            best = (candidate, placement)
    if budget.infidelity != 0 and (best is None or not _has_shorter_patterns(best[0])):
        raise _without_effect(request, best[0] if best else None)
    if best is None:
        _check_routable(request, candidates)
        assembly = _routed(filter_, request)
        best = assembly, unmoved(assembly, device, request.options.gate_set)
    generic = placed(*best, request, started)
    if not isinstance(generic.loader, LineLoader) or generic.report.layout == ROUTED:
        preparing = generic.loader
        if isinstance(preparing, Comparison):
            preparing = make_loader("schmidt", N_QUBITS)
        return CompiledFilter(filter_, (generic,), preparing)
    own_loader = filter_loader or generic.loader
    if generic.loader.n_qubits != N_QUBITS:
        return CompiledFilter(filter_, (generic,), own_loader)
    patterns = PATTERNS[generic.loader.gate]
    if budget.infidelity == 0:
        patterns = patterns[patterns.index(GENERIC) :]
    if len(patterns) == 1:
        return CompiledFilter(filter_, (generic,), own_loader)
    return _with_other_loaders(filter_, generic, own_loader, best[1].positions, patterns, request)


def _has_shorter_patterns(candidate: Assembly) -> bool:
    """Whether an infidelity budget shortens a loader."""
    return isinstance(candidate.loader, LineLoader) and candidate.loader.n_qubits == N_QUBITS


def _without_effect(request: Request, chosen: Assembly | None) -> InputError:
    """The refusal of an infidelity budget that would shorten nothing."""
    if chosen is not None and request.spec.register_qubits == N_QUBITS:
        return InputError(
            f"infidelity: the best circuit (layout {chosen.layout}, loader {chosen.loader.name}) "
            "has no shorter loaders; leave it 0, or choose layout = 'ladder' and loader = 'line'."
        )
    return InputError(
        f"infidelity is for registers of {N_QUBITS} qubits on a ladder, which have shorter "
        f"loaders; this one has {request.spec.register_qubits} on {request.device.name!r}: "
        "leave it 0."
    )


def _check_roles(candidate: Assembly, pinning: Pinning) -> None:
    for role, qubits in pinning.roles:
        own = candidate.roles.get(role, ())
        if len(own) != len(qubits):
            raise InputError(
                f"placement: {role} has {len(qubits)} qubits; this circuit has {len(own)} for it."
            )


def _check_routable(request: Request, candidates: Sequence[Assembly]) -> None:
    """Refuses requests that routing would not grant.

    Raises:
        InputError: If a loader, a layout or places were asked for that do not fit.
    """
    device, layout, loader = request.device, request.layout, request.loader
    if request.pinning.roles:
        own = [best_placement(each, device, request.options.gate_set) for each in candidates]
        others = [
            describe(candidate.roles_on(each.positions))
            for candidate, each in zip(candidates, own, strict=True)
            if each
        ]
        hint = f"one that does is {others[0]}" if others else "give a list of qubits instead"
        raise InputError(
            f"placement: no layout fits device {device.name!r} with {request.pinning}; {hint}."
        )
    if loader == Comparison.name:
        raise InputError(
            f"loader = {loader!r} is for the inversion test of fixed filters of 9 to 16 values "
            "on a device with a ring of four qubits; choose loader = 'auto'."
        )
    if layout in LAYOUTS and loader != "auto" and not candidates:
        raise InputError(
            f"loader = {loader!r} does not go with layout = {layout!r} on "
            f"{request.spec.register_qubits} qubits; choose 'auto' for one of them."
        )
    if layout not in ("auto", ROUTED):
        raise InputError(
            f"layout {layout!r} for {request.spec.register_qubits} qubits a register does not fit "
            f"device {device.name!r}; choose layout = 'auto'."
        )


def _with_other_loaders(
    filter_: Filter,
    generic: Variant,
    filter_loader: Loader,
    positions: Positions,
    patterns: Sequence[str],
    request: Request,
) -> CompiledFilter:
    """The same circuit in the same place with other patterns of the line loader."""
    spec, options, budget = request.spec, request.options, request.budget
    layout = LAYOUTS[generic.report.layout](spec.register_qubits, options.test)
    assert layout is not None
    assert isinstance(generic.loader, LineLoader)
    variants = []
    for pattern in patterns:
        if pattern == GENERIC:
            variants.append(generic)
            continue
        started = time.perf_counter()
        tolerance = 0.0 if GENERIC in pattern else budget.tolerance
        loader = LineLoader(pattern=pattern, tolerance=tolerance, gate=generic.loader.gate)
        assembly = assemble(filter_, layout, loader, options, filter_loader=filter_loader)
        usage = Usage.of(assembly.circuit)
        error = usage.predicted_error(positions, request.device, options.gate_set)
        variants.append(placed(assembly, Placement(positions, error), request, started))
    if budget.infidelity is not None:
        gates = [variant.report.two_qubit_gates for variant in variants]
        rule = LoadingRule.within(max(budget.infidelity, EXACT), gates)
    else:
        assert budget.noise is not None
        survivals = [survival(variant.template, budget.noise) for variant in variants]
        rule = LoadingRule.least_error(survivals)
    return CompiledFilter(filter_, tuple(variants), filter_loader, patterns.index(GENERIC), rule)


def _candidates(
    filter_: Filter, request: Request, filter_loader: Loader | None
) -> Iterator[Assembly]:
    spec, options, layout, loader = request.spec, request.options, request.layout, request.loader
    n_qubits = spec.register_qubits
    vector = filter_.fixed_vector(n_qubits)
    for name, make_layout in LAYOUTS.items():
        positions = make_layout(n_qubits, options.test) if layout in (name, "auto") else None
        if positions is None:
            continue
        loaders = [make_loader(each, n_qubits, options.gate_set) for each in positions.loaders]
        if (
            "schmidt" in positions.loaders
            and options.test.merges_known_vectors
            and vector is not None
        ):
            loaders.insert(0, Comparison(vector))
        if loader != "auto":
            chosen = [each for each in loaders if each.name == loader]
        else:
            chosen = loaders[:1]
        for each in chosen:
            own = filter_loader if each.name == LineLoader.name else None
            yield assemble(filter_, positions, each, options, own)


def _routed(filter_: Filter, request: Request) -> Assembly:
    spec, loader = request.spec, request.loader
    n_qubits = spec.register_qubits
    positions = next(
        found
        for make in LAYOUTS.values()
        if (found := make(n_qubits, request.options.test)) is not None
    )
    loader_name = positions.loaders[0] if loader == "auto" else loader
    # In CZ: routing needs a loader that loads every vector with one circuit.
    allowed = request.pinning.allowed
    graph = request.device.graph if allowed is None else request.device.graph.subgraph(allowed)
    return assemble_routed(
        filter_, positions, make_loader(loader_name, n_qubits), request.options, graph
    )
