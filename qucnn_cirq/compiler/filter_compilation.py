"""The circuits of a convolution's filters: candidates are placed, and the best is taken."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noise_models.extensions import FailedCodeError
from qucnn_cirq.circuits.feed_forward import MovedRecordError
from qucnn_cirq.circuits.loaders import EXACT, Loader, made
from qucnn_cirq.circuits.loading_rule import LoadingRule
from qucnn_cirq.circuits.overlap_tests import AUTO
from qucnn_cirq.compiler.assembly import Assembly, assemble, shorter_bodies
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Variant
from qucnn_cirq.compiler.fallback import best_route
from qucnn_cirq.compiler.layouts import Layout, fitting_loaders, layouts_for
from qucnn_cirq.compiler.loader_pairs import LoaderPair, LoaderPairs
from qucnn_cirq.compiler.placement import Placement, Positions, best_placement
from qucnn_cirq.compiler.placing import placed
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.refusals import (
    budget_without_effect,
    check_qubits,
    check_roles,
    check_routable,
    has_shorter_loaders,
)
from qucnn_cirq.compiler.request import (
    ROUTED,
    Request,
    check_sizes,
)
from qucnn_cirq.compiler.survival import is_coherent, survival
from qucnn_cirq.compiler.usage import Coupler, Usage
from qucnn_cirq.encodings import GivenLoader
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter, FixedFilter

MOST_KNOWN_QUBITS = 6
"""Qubits of a register on which a loader may prepare what a circuit of the user's does."""

_LOGGER = logging.getLogger(__name__)


@functools.lru_cache(maxsize=64)
def compiled_program(request: Request) -> Program:
    """The best circuits of all filters; the same request a second time gives the same object.

    Args:
        request: What is to be compiled.

    Raises:
        InputError: If nothing fits the device, or the request is not allowed.
    """
    spec = request.spec
    structures: dict[object, CompiledFilter] = {}
    compiled: list[CompiledFilter] = []

    def compile_once(filter_: Filter) -> CompiledFilter:
        # Fixed filters of one loader share one structure: only their angles differ.
        vector = filter_.fixed_vector(spec.register_qubits)
        key: object = filter_
        if vector is not None and len(spec.filter_list) > 1:
            key = _structure(vector, request)
        if vector is None and request.load_filters:
            # Only the angles of filters differ that are loaded as vectors.
            key = None
        if key not in structures:
            structures[key] = _compile_filter(filter_, request)
        elif vector is not None and structures[key].report.layout == ROUTED:
            # The loader that is routed is another one.
            loader, layout = _loader_routed(request, vector), _layout_routed(request)
            key = key, _pairs(loader, vector, request, layout).filter_words
            if key not in structures:
                structures[key] = _compile_filter(filter_, request)
        return _for_filter(structures[key], filter_)

    for filter_ in spec.filter_list:
        own = compile_once(filter_)
        vector = _vector_prepared(filter_, request)
        if vector is not None:
            # Where only a budget shortens the circuit's own loader there is none of the vector.
            with contextlib.suppress(InputError):
                loaded = compile_once(FixedFilter(vector))
                own = min(own, loaded, key=lambda each: each.report.predicted_error)
        compiled.append(own)
    return Program(spec, request.device, tuple(compiled))


def _vector_prepared(filter_: Filter, request: Request) -> NDArray[np.float64] | None:
    """The real vector that a circuit prepares, where a loader may do so in its place."""
    n_qubits = request.spec.register_qubits
    if filter_.fixed_vector(n_qubits) is not None or request.spec.measurement is not None:
        return None
    is_free = request.loader == AUTO and n_qubits <= MOST_KNOWN_QUBITS
    return filter_.real_vector(n_qubits) if is_free else None


def _structure(vector: NDArray[np.float64], request: Request) -> tuple[str, ...]:
    """What the circuits of two fixed vectors must have in common: the loaders of either.

    Of those alone that a circuit may take, as to find out what loads a vector takes a search.
    """
    taken = [(at, form) for at, forms in _loaders_of_layouts(request, vector) for form in forms]
    pairs = (_pairs(each, vector, request, at) for at, each in taken if not each.merges_filter)
    return tuple(dict.fromkeys(word for each in pairs for word in each.filter_words))


def _for_filter(structure: CompiledFilter, filter_: Filter) -> CompiledFilter:
    """The same circuits for another filter of the same structure."""
    loader, report = structure.loader, structure.report
    vector = filter_.fixed_vector(loader.n_qubits)
    if vector is None or not loader.merges_filter:
        return replace(structure, filter=filter_)
    own = made(type(loader), loader.n_qubits, report.gateset, vector)
    variants = tuple(
        replace(variant, loader=own, filter_loader=own) for variant in structure.variants
    )
    return replace(structure, filter=filter_, variants=variants)


def _error(assembly: Assembly, placement: Placement, request: Request) -> float:
    """The predicted error by which circuits are chosen.

    Where a measurement asks for products of signs it is that of a single product, with the errors
    of all bits that it takes.
    """
    measurement, template = request.spec.measurement, assembly.template
    error = placement.predicted_error
    if measurement is None or (assembly.body is not None and assembly.body.is_one_bit):
        return error
    products = measurement.products(request.spec.register_qubits)
    if products is None:
        return error
    if template.relabelling is not None:
        products = tuple(template.relabelling.products(products)[0])
    places = (placement.positions[qubit] for qubit in template.observable.qubits)
    right = np.array([1 - request.device.readout_error(place) for place in places])
    of_products = np.mean([right[list(product)].prod() for product in products])
    return float(1 - (1 - error) / right.prod() * of_products)


def _compile_filter(filter_: Filter, request: Request) -> CompiledFilter:
    started = time.perf_counter()
    device, budget = request.device, request.budget
    check_sizes(request.spec)
    check_qubits(request)
    best: tuple[Assembly, Placement] | None = None
    unplaced: list[int] = []
    candidates = list(_candidates(filter_, request))
    for candidate in candidates:
        check_roles(candidate, request.pinning)
        placement = best_placement(candidate, device, request.options.gate_set, request.pinning)
        _log_candidate(candidate, placement)
        if placement is None:
            unplaced.append(_gates(candidate))
        elif best is None or _error(candidate, placement, request) < _error(*best, request):
            best = (candidate, placement)
    if budget.infidelity != 0 and (best is None or not has_shorter_loaders(best[0], request)):
        raise budget_without_effect(request, best[0] if best else None)
    if best is None:
        check_routable(request, candidates)
        best = _routed(filter_, request)
    elif _may_be_routed(request) and any(each < _gates(best[0]) for each in unplaced):
        # What fits is not what has the fewest gates, which may have fewer even when routed.
        routed = _routed(filter_, request)
        _log_candidate(*routed)
        best = min(best, routed, key=lambda each: each[1].predicted_error)
    generic = placed(*best, request, started)
    pairs = best[0].pairs
    assert pairs is not None
    # Routing needs a loader that loads every vector with one circuit.
    if generic.report.layout == ROUTED or not _has_other_loaders(pairs, request):
        return CompiledFilter(
            filter_, (generic,), pairs.of_filter, measurement=request.spec.measurement
        )
    own = replace(request, options=replace(request.options, body=best[0].body))
    return _with_other_loaders(filter_, generic, best[1].positions, pairs, own)


def _log_candidate(assembly: Assembly, placement: Placement | None) -> None:
    """Says what was weighed."""
    if _LOGGER.isEnabledFor(logging.DEBUG):
        _LOGGER.debug(
            "candidate: %s layout, %s loader, %d two-qubit gates, %s",
            assembly.layout,
            assembly.loader.name,
            _gates(assembly),
            "fits nowhere" if placement is None else f"error {placement.predicted_error:.4f}",
        )


def _has_other_loaders(pairs: LoaderPairs, request: Request) -> bool:
    """Whether patches may be loaded in several ways."""
    last = _last_resort(pairs, request)
    return len(pairs.family(request.budget.tolerance)) > 1 or last is not None


def _last_resort(pairs: LoaderPairs, request: Request) -> LoaderPair | None:
    """The loaders for what a search misses: not where noise is weighed against a miss of 1e-8."""
    return None if request.budget.infidelity is None else pairs.last_resort


def _with_other_loaders(
    filter_: Filter,
    generic: Variant,
    positions: Positions,
    pairs: LoaderPairs,
    request: Request,
) -> CompiledFilter:
    """The same circuit in the same place with other loaders of the same family."""
    spec, options, budget = request.spec, request.options, request.budget
    layout = layouts_for(spec.register_qubits, options.test)[generic.report.layout]

    def compiled(pair: LoaderPair) -> Variant:
        started = time.perf_counter()
        assembly = assemble(filter_, layout, *pair, options)
        usage = Usage.of(assembly.template.circuit)
        error = usage.predicted_error(positions, request.device, options.gate_set)
        return placed(assembly, Placement(positions, error), request, started)

    family = pairs.family(budget.tolerance)
    variants = [generic if pair.patch is generic.loader else compiled(pair) for pair in family]
    variants = _worthwhile(variants, generic, pairs.prefers_real)
    last = _last_resort(pairs, request)
    if last is not None:
        # Few patches need it, and it has the most gates to compile.
        variants.append(Variant.deferred(*last, lambda: compiled(last)))
    if budget.infidelity is not None:
        rule = LoadingRule.first_within(max(budget.infidelity, EXACT), len(variants))
    else:
        assert budget.noise is not None
        survivals = [survival(variant.template, budget.noise) for variant in variants]
        turns = is_coherent(generic.template, budget.noise)
        rule = LoadingRule.least_error(survivals, last_resort=pairs.prefers_real and turns)
    return CompiledFilter(
        filter_,
        tuple(variants),
        pairs.of_filter,
        variants.index(generic),
        rule,
        spec.measurement,
    )


def _worthwhile(variants: list[Variant], generic: Variant, prefers_real: bool) -> list[Variant]:
    """Without those for some patches in which these have more errors than in the circuit for all.

    A loader with fewer gates may leave less to merge with the filter.
    """
    if generic is not variants[-1]:
        return variants
    return [
        variant
        for variant in variants
        if variant is generic
        or variant.report.predicted_error < generic.report.predicted_error
        or (prefers_real and variant.loader.is_real)
    ]


def _candidates(filter_: Filter, request: Request) -> Iterator[Assembly]:
    options = request.options
    vector = filter_.fixed_vector(request.spec.register_qubits)
    taken = list(_loaders_of_layouts(request, vector))
    # On its own grid a body is no longer than on a part of it.
    is_free = not request.spec.loads_vectors and any(layout.is_free for layout, _ in taken)
    for layout, loaders in taken:
        for loader in loaders:
            pairs = _pairs(loader, vector, request, layout)
            try:
                assembly = assemble(filter_, layout, *pairs.generic, options)
            except MovedRecordError:
                # Where the register's own couplers do not do all the circuit is routed in others.
                continue
            couplers: tuple[Coupler, ...] = ()
            if _has_other_loaders(pairs, request):
                # The others take the same place and may use any coupler of the register.
                couplers = tuple(layout.register_graph(layout.data).edges)
            yield replace(assembly, pairs=pairs, couplers=couplers)
            if is_free and not layout.is_free:
                continue
            for body in shorter_bodies(filter_, layout, *pairs.generic, options, _gates(assembly)):
                shorter = assemble(filter_, layout, *pairs.generic, replace(options, body=body))
                # A place that is given for each qubit is for those of the circuit as it was given.
                if not request.pinning.roles or _sizes(shorter) == _sizes(assembly):
                    yield replace(shorter, pairs=pairs, couplers=couplers)


def _sizes(assembly: Assembly) -> dict[str, int]:
    """Qubits of each role."""
    return {role: len(qubits) for role, qubits in assembly.roles.items()}


def _pairs(
    loader: Loader, vector: NDArray[np.float64] | None, request: Request, layout: Layout
) -> LoaderPairs:
    if vector is not None and not request.spec.loads_vectors:
        # The patch is prepared by its encoding, and the filter by a loader of vectors.
        loaders = request.vector_loaders()
        fitting = fitting_loaders(layout, loaders, gate_set=request.options.gate_set)
        own = fitting[0].exact_for(vector)
        return LoaderPairs(LoaderPair(loader, own), own, {loader.frame: own}, False)
    return LoaderPairs.of(
        loader, vector, request.prefers_real, request.load_filters, request.budget.tolerance
    )


def _loaders_of_layouts(
    request: Request, vector: NDArray[np.float64] | None
) -> Iterator[tuple[Layout, list[Loader]]]:
    """The layouts that may be taken, each with the loaders that are weighed there."""
    options, n_qubits = request.options, request.spec.register_qubits
    loaders = request.loaders_of_size(vector if options.test.merges_known_vectors else None)
    layouts = layouts_for(n_qubits, options.test)
    in_frame = vector is not None or request.load_filters
    for name, layout in layouts.items():
        # What is handed over stays in its order, which routing inside a register does not keep.
        is_kept = layout.is_free or not any(isinstance(each, GivenLoader) for each in loaders)
        if request.layout in (name, "auto") and (is_kept or not options.test.acts_on_data):
            fitting = fitting_loaders(
                layout, loaders, layouts.values(), options.gate_set, in_frame=in_frame
            )
            # What merges the filter is weighed against a filter that a short word loads.
            merging = [loader for loader in fitting if loader.merges_filter]
            others = [loader for loader in fitting if not loader.merges_filter]
            best = (*merging[:1], *others[:1])
            yield layout, [form for loader in best for form in loader.forms()]


def _gates(assembly: Assembly) -> int:
    return assembly.passes[-1].two_qubit_gates


def _may_be_routed(request: Request) -> bool:
    """Whether a routed circuit may take the place of one that fits."""
    is_free = request.layout == request.loader == AUTO and not request.pinning.roles
    return is_free and request.budget.infidelity == 0


def _named_in_cz(request: Request) -> Loader:
    """The loader that was named, in the gates in which circuits are routed.

    Raises:
        InputError: If it has no form for the register's size, or none in CZ.
    """
    kind, n_qubits = request.loaders[0], request.spec.register_qubits
    made(kind, n_qubits, request.options.gate_set)
    try:
        return made(kind, n_qubits, "cz")
    except FailedCodeError:
        raise
    except InputError:
        raise InputError(
            f"loader = {request.loader!r} has no form in CZ, in which circuits are routed where no "
            "layout fits; choose 'auto' for loader and layout."
        ) from None


def _layout_routed(request: Request) -> Layout:
    """A layout whose circuit is routed."""
    layouts = layouts_for(request.spec.register_qubits, request.options.test)
    # Positions do not matter, so that exchanging qubits before they meet would be for nothing.
    return next(each for each in layouts.values() if not each.swaps)


def _loader_routed(request: Request, vector: NDArray[np.float64] | None) -> Loader:
    """The loader of what is routed, in CZ: it loads every vector with one circuit."""
    if request.loader == AUTO:
        loaders = request.loaders_of_size(gate_set="cz")
        in_frame = vector is not None or request.load_filters
        loader = fitting_loaders(_layout_routed(request), loaders, in_frame=in_frame)[0]
    else:
        loader = _named_in_cz(request)
    return loader.family(None)[-1]


def _routed(filter_: Filter, request: Request) -> tuple[Assembly, Placement]:
    spec, options = request.spec, request.options
    vector = filter_.fixed_vector(spec.register_qubits)
    layout, loader = _layout_routed(request), _loader_routed(request, vector)
    pairs = _pairs(loader, vector, request, layout)
    assembly, placement = best_route(
        filter_, layout, *pairs.generic, options, request.device, request.pinning
    )
    return replace(assembly, pairs=pairs), placement
