"""Cutting a process into what happens to the patch, to the filter, and when they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq

from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.process import Element
from qucnn_cirq.engines.steps import GateStep, fused, taken_apart


@dataclass(frozen=True, eq=False)
class Factored:
    """A process cut into what happens to the patch, to the filter, and when they meet.

    Attributes:
        patch: Steps on the data register alone.
        filter: Steps on the filter register alone.
        meeting: All other steps; none of them depends on the patch.
        data_qubits: The data register.
        filter_qubits: The filter register.
        is_cut: Whether the process factors; if not, all qubits are the data register.
    """

    patch: list[GateStep]
    filter: list[GateStep]
    meeting: list[GateStep]
    data_qubits: tuple[cirq.Qid, ...]
    filter_qubits: tuple[cirq.Qid, ...]
    is_cut: bool


def factor(elements: Sequence[Element], template: Template) -> Factored:
    """Cuts a process; if it does not factor, all of it becomes the patch's.

    An element belongs to a register as long as none of its qubits has met another one. What is
    fixed and comes last on a register is moved to the meeting, where it is done once and not for
    each patch.

    Args:
        elements: The process, as from `physical_process`.
        template: The circuit that it is of.
    """
    whole = taken_apart(elements)
    parts: dict[str, list[Element]] = {"patch": [], "filter": [], "meeting": []}
    for element, name in zip(whole, owners(whole, template), strict=True):
        parts[name].append(element)
    is_cut = not any(e.slot is not None and "patch" in e.slot.tables for e in parts["meeting"])
    if not is_cut:
        parts = {"patch": whole, "filter": [], "meeting": []}
    patch, after_patch = without_fixed_end(parts["patch"])
    filters, after_filter = without_fixed_end(parts["filter"])
    return Factored(
        fused(patch),
        fused(filters),
        fused([*after_patch, *after_filter, *parts["meeting"]]),
        template.data_qubits if is_cut else template.qubits,
        template.filter_qubits if is_cut else (),
        is_cut,
    )


def owners(elements: Sequence[Element], template: Template) -> list[str]:
    """What each element belongs to: "patch", "filter", or "meeting" once they have met.

    Args:
        elements: The process, in order of time.
        template: The circuit that it is of.
    """
    owner: dict[cirq.Qid, str] = dict.fromkeys(template.data_qubits, "patch")
    owner |= dict.fromkeys(template.filter_qubits, "filter")
    names = []
    for element in elements:
        own = {owner.get(qubit, "meeting") for qubit in element.qubits}
        tables = element.slot.tables if element.slot else frozenset()
        name = own.pop() if len(own) == 1 else "meeting"
        if not tables <= {name}:
            name = "meeting"
        owner.update(dict.fromkeys(element.qubits, name))
        names.append(name)
    return names


def without_fixed_end(elements: Sequence[Element]) -> tuple[list[Element], list[Element]]:
    """Elements up to the last slot on each qubit and what it depends on, and the others.

    Args:
        elements: In order of time.

    Returns:
        Both in order of time.
    """
    kept: list[Element] = []
    end: list[Element] = []
    needed: set[cirq.Qid] = set()
    for element in reversed(elements):
        if element.slot is not None or not needed.isdisjoint(element.qubits):
            needed.update(element.qubits)
            kept.append(element)
        else:
            end.append(element)
    return kept[::-1], end[::-1]
