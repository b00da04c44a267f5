"""One step of the walking ancilla, in each native gate.

On the line a - x - f the step U obeys U^+ X_x U = X_a (x) SWAP_xf: what X on the ancilla times the
swap was, X on qubit x is afterwards, and a and f are free to be forgotten. Only this one observable
has to come out right, which takes fewer gates than a controlled swap. The steps were found by
numerical search over all words in the couplers ax and xf; none shorter was found.

Where the walk ends, X may as well come out on the ancilla: U^+ X_a U = X_a (x) SWAP_xf. In SYC that
takes a gate less; it was found by the same search, with general one-qubit gates. Where it begins
the ancilla is known, and <+| U^+ X_f U |+> = SWAP_xf is enough: that takes a gate less in SYC if X
comes out on f, and none less was found if it comes out on x.
"""

from __future__ import annotations

import cirq
import numpy as np

from qucnn_cirq.circuits.entanglers import givens
from qucnn_cirq.circuits.slots import Rotation, Slot
from qucnn_cirq.devices import NATIVE_GATES
from qucnn_cirq.errors import unknown_name

Turns = dict[str, tuple[tuple[str, float], ...]]


def _y(**quarters: int) -> Turns:
    """RY angles in units of pi/4, for each role."""
    return {role: (("y", turn / 4),) for role, turn in quarters.items()}


# Rotations before each coupler, in units of pi, and the coupler.
# CZ: the first two gates commute, as nothing turns x between them. CZ(x, f) stands first so that it
# can be done while the ancilla is still on its way: every step but the first adds four layers.
_CZ: tuple[tuple[Turns, str], ...] = (
    (_y(f=-2), "xf"),
    (_y(a=3), "ax"),
    (_y(a=-2, x=2, f=-2), "ax"),
    (_y(a=2, x=-3), "xf"),
    (_y(x=-1), "ax"),
    (_y(x=-3), ""),
)
# sqrt-iSWAP as the real rotation of |01>, |10>.
_SQRT_ISWAP: tuple[tuple[Turns, str], ...] = (
    (_y(a=-3, f=-2), "ax"),
    (_y(a=4), "ax"),
    (_y(x=-2), "xf"),
    (_y(f=-2), "ax"),
    ({}, "ax"),
    ({}, "xf"),
)
# SYC: most angles are no simple fractions of pi.
_SYC: tuple[tuple[Turns, str], ...] = (
    (
        {
            "a": (("y", -0.7614366507506671),),
            "f": (("z", -0.5370012343439327), ("y", -0.9057361426126964)),
        },
        "ax",
    ),
    ({"x": (("z", 2 / 3), ("y", 0.4771266984986657))}, "ax"),
    ({"x": (("y", 0.5),)}, "xf"),
    (
        {
            "x": (("z", -11 / 12), ("y", -0.7239292897100453)),
            "f": (("z", -5 / 12), ("y", -0.5354015749354395)),
        },
        "xf",
    ),
    ({"x": (("z", 1 / 12), ("y", 0.12966543232274239)), "f": (("y", 0.3626996172942078),)}, "ax"),
    ({"x": (("y", 0.7385633492493329),)}, "xf"),
    (
        {
            "x": (("z", -0.6397158615720507), ("y", 0.4771266984986657)),
            "f": (("z", 0.5473849920420023),),
        },
        "xf",
    ),
)
# SYC, with X on the ancilla at the end. RZ before a SYC is RZ of the other qubit after it, so that
# each slot is one RZ and one RY.
_SYC_STAYING: tuple[tuple[Turns, str], ...] = (
    (
        {
            "x": (("z", -0.4801268013923374), ("y", -0.12809243828532157)),
            "f": (("z", -0.41994805364861515), ("y", 0.52502696492041)),
        },
        "xf",
    ),
    (
        {
            "x": (("z", 0.50892233742286), ("y", -0.9859875975597461)),
            "f": (("z", -0.30039494600595196), ("y", -0.516326225424755)),
        },
        "xf",
    ),
    (
        {
            "a": (("z", 0.8545894439277432), ("y", -0.725645538224093)),
            "x": (("z", 0.4371476278968142), ("y", -0.822549559891627)),
        },
        "ax",
    ),
    (
        {
            "x": (("z", 0.46081814511936103), ("y", -0.26143665075066713)),
            "f": (("z", -0.1863139687324849), ("y", -0.1171325535278013)),
        },
        "xf",
    ),
    ({"x": (("z", -0.10540805197965804), ("y", -0.4771266984986657))}, "xf"),
    (
        {
            "a": (("z", 0.7210147074155998), ("y", -1.0)),
            "x": (("z", 2 / 3), ("y", -0.26143665075066713)),
        },
        "ax",
    ),
    (
        {
            "a": (
                ("z", -0.32335039905405627),
                ("y", -0.7355857575656206),
                ("z", 0.12604866758408972),
            )
        },
        "",
    ),
)
# SYC, with the ancilla in |+> and X on f at the end. A rotation of both x and f by the same angles
# before the step is the same after it, so that x needs none.
_SYC_CROSSING: tuple[tuple[Turns, str], ...] = (
    ({"a": (("y", -0.226237786158625),)}, "ax"),
    ({"x": (("z", -0.5),), "f": (("z", 1 / 12), ("y", 1.0))}, "xf"),
    (
        {
            "x": (("z", 5 / 12), ("y", -0.5)),
            "f": (("z", 2 / 3), ("y", -0.27376221461744255)),
        },
        "xf",
    ),
    (
        {
            "a": (("z", 0.3017830599571425), ("y", 0.5829426236221755)),
            "x": (("z", 1 / 12), ("y", 0.46951809677594747)),
        },
        "ax",
    ),
    (
        {
            "a": (("z", -11 / 12), ("y", 0.5)),
            "x": (("z", 0.575179995123226), ("y", -0.27376221751172997)),
        },
        "ax",
    ),
    (
        {
            "x": (("z", 1 / 12), ("y", 0.7164160930328927)),
            "f": (("z", -0.5), ("y", 0.5)),
        },
        "xf",
    ),
    ({"f": (("z", 1 / 12), ("y", -0.7737622103301385))}, ""),
)
STEPS: dict[str, tuple[tuple[Turns, str], ...]] = {
    "cz": _CZ,
    "sqrt_iswap": _SQRT_ISWAP,
    "syc": _SYC,
}
"""For each gate set the rotations before each coupler, in units of pi, and the coupler."""

STAYING_STEPS: dict[str, tuple[tuple[Turns, str], ...]] = {"syc": _SYC_STAYING}
"""The same of steps that leave X where the ancilla came in, where that takes fewer gates."""

CROSSING_STEPS: dict[str, tuple[tuple[Turns, str], ...]] = {"syc": _SYC_CROSSING}
"""The same of steps that begin with a in |+> and leave X on f, where that takes fewer gates."""


def walking_step(a: cirq.Qid, x: cirq.Qid, f: cirq.Qid, gate_set: str = "cz") -> cirq.Circuit:
    """A circuit after which X on ``x`` is what X_a SWAP_xf was before.

    It has 5 CZ, 6 sqrt-iSWAP or 7 SYC gates.

    Args:
        a: Where the ancilla comes in.
        x: Neighbour of both others; the ancilla comes out here.
        f: The other qubit of the pair.
        gate_set: One of `STEPS`.

    Raises:
        InputError: If the gate set is unknown.
    """
    if gate_set not in STEPS:
        raise unknown_name("gate set", gate_set, STEPS)
    return _circuit(STEPS[gate_set], {"a": a, "x": x, "f": f}, gate_set)


def crossing_step(a: cirq.Qid, x: cirq.Qid, f: cirq.Qid, gate_set: str) -> cirq.Circuit:
    """The step that begins a walk: after it X on ``f`` is what SWAP_xf was before, if a is in |+>.

    It has 6 SYC, one less than `walking_step`.

    Args:
        a: The ancilla, in |+>.
        x: Neighbour of both others.
        f: The other qubit of the pair; the ancilla comes out here.
        gate_set: One of `CROSSING_STEPS`.

    Raises:
        InputError: If there is no such step in the gate set.
    """
    if gate_set not in CROSSING_STEPS:
        raise unknown_name("gate set", gate_set, CROSSING_STEPS)
    return _circuit(CROSSING_STEPS[gate_set], {"a": a, "x": x, "f": f}, gate_set)


def last_step(
    a: cirq.Qid, x: cirq.Qid, f: cirq.Qid, gate_set: str = "cz"
) -> tuple[cirq.Circuit, cirq.Qid]:
    """The step that ends a walk: X may come out on any qubit.

    Args:
        a: Where the ancilla comes in.
        x: Neighbour of both others.
        f: The other qubit of the pair.
        gate_set: One of `STEPS`.

    Returns:
        A circuit, of a gate less than `walking_step` in SYC, and the qubit on which X is what
        X_a SWAP_xf was before.

    Raises:
        InputError: If the gate set is unknown.
    """
    if gate_set not in STAYING_STEPS:
        return walking_step(a, x, f, gate_set), x
    return _circuit(STAYING_STEPS[gate_set], {"a": a, "x": x, "f": f}, gate_set), a


def _circuit(
    step: tuple[tuple[Turns, str], ...], roles: dict[str, cirq.Qid], gate_set: str
) -> cirq.Circuit:
    circuit = cirq.Circuit()
    for turns, coupled in step:
        for role, rotations in turns.items():
            factors = tuple(Rotation(axis, np.pi * turn) for axis, turn in rotations)  # type: ignore[arg-type]
            circuit.append(Slot(factors).on(roles[role]))
        if coupled:
            first, second = (roles[role] for role in coupled)
            circuit.append(
                givens(first, second)
                if gate_set == "sqrt_iswap"
                else NATIVE_GATES[gate_set](first, second)
            )
    return circuit
