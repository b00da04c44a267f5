"""What a request asks for and no circuit can have, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qucnn_cirq.circuits.loaders import AUTO, LOADERS
from qucnn_cirq.compiler.assembly import Assembly
from qucnn_cirq.compiler.layouts import LAYOUTS, fitting_loaders, layouts_for
from qucnn_cirq.compiler.pinning import Pinning, placement_text
from qucnn_cirq.compiler.placement import best_placement
from qucnn_cirq.compiler.request import ROUTED, Request
from qucnn_cirq.errors import InputError


def has_shorter_loaders(candidate: Assembly, request: Request) -> bool:
    """Whether the infidelity budget of a request shortens a circuit's loader.

    Args:
        candidate: A circuit with a loader for exact states.
        request: What was asked for.
    """
    assert candidate.pairs is not None
    return (
        candidate.pairs.family(request.budget.tolerance)[0].patch
        is not candidate.pairs.generic.patch
    )


def budget_without_effect(request: Request, chosen: Assembly | None) -> InputError:
    """The refusal of an infidelity budget that would shorten nothing.

    Args:
        request: What was asked for.
        chosen: The best circuit; None if none fits.
    """
    better = _shortened(request) if chosen is not None else None
    if chosen is not None and better is not None:
        return InputError(
            f"infidelity: the best circuit (layout {chosen.layout}, loader {chosen.loader.name}) "
            f"has no shorter loaders; leave it 0, or choose layout = {better[0]!r} and loader = "
            f"{better[1]!r}."
        )
    return InputError(
        f"infidelity: none of the circuits for registers of {request.spec.register_qubits} qubits "
        f"that fit {request.device.name!r} has a loader with shorter, inexact forms: leave it 0."
    )


def _shortened(request: Request) -> tuple[str, str] | None:
    """The layout and the loader that an infidelity budget shortens; None for other sizes."""
    every = replace(request, loaders=tuple(LOADERS.values())).loaders_of_size()
    layouts = layouts_for(request.spec.register_qubits, request.options.test)
    tolerance = request.budget.tolerance
    for name, layout in layouts.items():
        gates = request.options.gate_set
        for loader in fitting_loaders(layout, every, layouts.values(), gates):
            if loader.family(tolerance)[0] is not loader:
                return name, loader.name
    return None


def check_qubits(request: Request) -> None:
    """Refuses a circuit of more qubits than there are.

    Args:
        request: What was asked for.

    Raises:
        InputError: If the device or the placement has fewer.
    """
    spec, device = request.spec, request.device
    test, walkers = request.options.test, request.options.walkers
    needed = test.n_qubits(spec.register_qubits, walkers) + int(spec.backward)
    if needed > device.n_qubits:
        what = f"{spec.overlap} test" if spec.measurement is None else "circuit"
        raise InputError(
            f"the {what} of kernel {spec.kernel} with {spec.channels} channel(s) "
            f"needs {needed} qubits; device {device.name!r} has {device.n_qubits}. Choose a "
            "smaller kernel or a larger device."
        )
    allowed = request.pinning.allowed
    if allowed is not None and len(allowed) < needed:
        raise InputError(
            f"placement has {len(allowed)} qubits; this circuit needs {needed}: give more."
        )


def check_roles(candidate: Assembly, pinning: Pinning) -> None:
    """Refuses a placement that gives a role another number of qubits than it has.

    Args:
        candidate: A circuit that was asked for.
        pinning: Where it must be.

    Raises:
        InputError: If it does.
    """
    for role, qubits in pinning.roles:
        own = candidate.roles.get(role, ())
        if len(own) != len(qubits):
            raise InputError(
                f"placement: {role} has {len(qubits)} qubits; this circuit has {len(own)} for it."
            )


def check_routable(request: Request, candidates: Sequence[Assembly]) -> None:
    """Refuses requests that routing would not grant.

    Args:
        request: What was asked for.
        candidates: The circuits on layouts, none of which fits the device.

    Raises:
        InputError: If a loader, a layout or places were asked for that do not fit.
    """
    device, layout, loader = request.device, request.layout, request.loader
    if request.pinning.roles:
        own = [best_placement(each, device, request.options.gate_set) for each in candidates]
        others = [
            placement_text(candidate.roles_on(each.positions))
            for candidate, each in zip(candidates, own, strict=True)
            if each
        ]
        hint = f"one that does is {others[0]}" if others else "give a list of qubits instead"
        raise InputError(
            f"placement: no layout fits device {device.name!r} with {request.pinning}; {hint}."
        )
    if loader != AUTO and request.loaders[0].merges_filter:
        raise InputError(
            f"loader = {loader!r} is for {request.loaders[0].purpose}; choose loader = 'auto'."
        )
    if layout in LAYOUTS and loader != AUTO and not candidates:
        raise InputError(
            f"loader = {loader!r} does not go with layout = {layout!r} on "
            f"{request.spec.register_qubits} qubits; choose 'auto' for one of them."
        )
    if layout not in ("auto", ROUTED):
        raise InputError(
            f"layout {layout!r} for {request.spec.register_qubits} qubits a register does not fit "
            f"device {device.name!r}; choose layout = 'auto'."
        )
