"""The gates that OpenQASM's usual headers define, as Cirq's gates.

Names are those of ``qelib1.inc``, ``stdgates.inc`` and ``hqslib1.inc``, and a few more that are in
common use. Rotations are exact, with their global phase, because a control makes it visible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import cirq
import sympy

Angle: TypeAlias = Any
"""Radians: a float, or of sympy where a file leaves it open (mypy has no types for sympy)."""


class StandardGate(NamedTuple):
    """A gate that Cirq has.

    Attributes:
        n_angles: How many angles the gate takes.
        n_qubits: How many qubits it acts on.
        build: Builds the gate from its angles in radians.
        phase: The global phase by which the gate differs from what is built, in radians.
    """

    n_angles: int
    n_qubits: int
    build: Callable[..., cirq.Gate]
    phase: Callable[..., Angle] | None = None


def turns(angle: Angle) -> Angle:
    """An angle in half turns, Cirq's exponent.

    Args:
        angle: Radians.
    """
    return angle / (sympy.pi if isinstance(angle, sympy.Basic) else math.pi)


def _pulse(theta: Angle, phi: Angle, lam: Angle) -> cirq.Gate:
    """OpenQASM 3's U: one pulse, where Cirq would use three rotations."""
    return cirq.PhasedXZGate(
        x_exponent=turns(theta),
        z_exponent=turns(phi + lam),
        axis_phase_exponent=0.5 - turns(lam),
    )


def _fixed(gate: cirq.Gate) -> StandardGate:
    return StandardGate(0, cirq.num_qubits(gate), lambda: gate)


def _turned(kind: Callable[..., cirq.Gate], n_qubits: int, shift: float = 0.0) -> StandardGate:
    """A gate whose exponent is its angle in half turns."""
    return StandardGate(1, n_qubits, lambda angle: kind(exponent=turns(angle), global_shift=shift))


def _controlled(rotation: Callable[..., cirq.Gate]) -> StandardGate:
    return StandardGate(1, 2, lambda angle: cirq.ControlledGate(rotation(angle)))


# Of the same angles as U, but u has a real first entry, and u2 and u3 are rz, ry and rz in a row.
_U = StandardGate(3, 1, _pulse, lambda theta, phi, lam: -theta / 2)
_U3 = StandardGate(3, 1, _pulse, lambda theta, phi, lam: -(theta + phi + lam) / 2)
_U2 = StandardGate(
    2,
    1,
    lambda phi, lam: _pulse(math.pi / 2, phi, lam),
    lambda phi, lam: -(math.pi / 2 + phi + lam) / 2,
)
_R = StandardGate(
    2,
    1,
    lambda theta, phi: cirq.PhasedXPowGate(
        exponent=turns(theta), phase_exponent=turns(phi), global_shift=-0.5
    ),
)

STANDARD_GATES: Mapping[str, StandardGate] = {
    "U": StandardGate(3, 1, _pulse),
    "u": _U,
    "u3": _U3,
    "u2": _U2,
    **dict.fromkeys(("u1", "p", "phase"), _turned(cirq.ZPowGate, 1)),
    "u0": StandardGate(1, 1, lambda _: cirq.I),
    **dict.fromkeys(("r", "U1q"), _R),
    "rx": StandardGate(1, 1, cirq.rx),
    "ry": StandardGate(1, 1, cirq.ry),
    **dict.fromkeys(("rz", "Rz"), StandardGate(1, 1, cirq.rz)),
    "id": _fixed(cirq.I),
    "x": _fixed(cirq.X),
    "y": _fixed(cirq.Y),
    "z": _fixed(cirq.Z),
    "h": _fixed(cirq.H),
    "s": _fixed(cirq.S),
    "sdg": _fixed(cirq.S**-1),
    "t": _fixed(cirq.T),
    "tdg": _fixed(cirq.T**-1),
    "sx": _fixed(cirq.X**0.5),
    "sxdg": _fixed(cirq.X**-0.5),
    **dict.fromkeys(("CX", "cx", "cnot"), _fixed(cirq.CNOT)),
    "cy": _fixed(cirq.ControlledGate(cirq.Y)),
    "cz": _fixed(cirq.CZ),
    "ch": _fixed(cirq.ControlledGate(cirq.H)),
    "cs": _fixed(cirq.CZ**0.5),
    "csdg": _fixed(cirq.CZ**-0.5),
    "csx": _fixed(cirq.CNOT**0.5),
    "swap": _fixed(cirq.SWAP),
    "iswap": _fixed(cirq.ISWAP),
    "ccx": _fixed(cirq.CCX),
    "ccz": _fixed(cirq.CCZ),
    "cswap": _fixed(cirq.CSWAP),
    "c3x": _fixed(cirq.ControlledGate(cirq.X, 3)),
    "c4x": _fixed(cirq.ControlledGate(cirq.X, 4)),
    "c3sqrtx": _fixed(cirq.ControlledGate(cirq.X**0.5, 3)),
    **dict.fromkeys(("cp", "cu1", "cphase"), _turned(cirq.CZPowGate, 2)),
    "crx": _controlled(cirq.rx),
    "cry": _controlled(cirq.ry),
    "crz": _controlled(cirq.rz),
    "rxx": _turned(cirq.XXPowGate, 2, -0.5),
    "ryy": _turned(cirq.YYPowGate, 2, -0.5),
    **dict.fromkeys(("rzz", "RZZ"), _turned(cirq.ZZPowGate, 2, -0.5)),
    "ZZ": _fixed(cirq.ZZPowGate(exponent=0.5, global_shift=-0.5)),
}

COMPOSED_GATES = """
gate cu3(theta, phi, lam) a, b { ctrl @ u(theta, phi, lam) a, b; }
gate cu(theta, phi, lam, gamma) a, b { p(gamma) a; ctrl @ u(theta, phi, lam) a, b; }
gate rzx(theta) a, b { h b; rzz(theta) a, b; h b; }
gate ecr a, b { rzx(pi/4) a, b; x a; rzx(-pi/4) a, b; }
gate dcx a, b { cx a, b; cx b, a; }
gate rccx a, b, c { h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c; }
gate rc3x a, b, c, d {
  h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; cx a, d; t d; cx b, d; tdg d;
  h d; t d; cx c, d; tdg d; h d;
}
gate Rxxyyzz(alpha, beta, gamma) a, b { rxx(alpha) a, b; ryy(beta) a, b; rzz(gamma) a, b; }
gate rcccx a, b, c, d { rc3x a, b, c, d; }
"""
"""The others, defined in OpenQASM itself."""
