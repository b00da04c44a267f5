"""Circuits with symbols, written so that every symbol sits in the angle of a Pauli rotation.

The shift rule is exact for a rotation exp(-i angle P / 2). An angle may be any affine function of
the symbols: the angles are ``weights @ symbols + offsets``, and gradients go back by the chain
rule. Global phases are left out throughout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cirq
import numpy as np
import sympy
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import TableAngle, rotation
from qucnn_cirq.circuits.user_circuits import begun, written
from qucnn_cirq.errors import InputError, shown

Axis = Literal["x", "y", "z"]
_ROTATIONS = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}
_Part = cirq.Operation | tuple[Axis, cirq.Qid, Any]
"""What a gate is written in: an operation, or a rotation of a qubit by an angle."""


@dataclass(frozen=True, eq=False)
class Rotations:
    """A circuit in slots and CZ gates, and the angles of its rotations.

    Attributes:
        circuit: Its slots read the columns of the table ``"filter"``; None for a circuit that has
            no symbols to be written in rotations.
        weights: d angles / d symbols, shape (angles, symbols); None where the angles are the
            parameters themselves.
        offsets: The angles where all symbols are 0, shape (angles,).
    """

    circuit: cirq.Circuit | None
    weights: NDArray[np.float64] | None
    offsets: NDArray[np.float64]


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names sorted so that theta_2 comes before theta_10.

    Args:
        names: Names of symbols.
    """

    def key(name: str) -> list[str | int]:
        return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]

    return tuple(sorted(names, key=key))


def as_rotations(
    what: str,
    circuit: cirq.AbstractCircuit,
    qubits: Sequence[cirq.Qid],
    names: Sequence[str],
    from_zero: bool = True,
) -> Rotations:
    """Writes a circuit with symbols in rotations, fixed slots and CZ gates.

    Args:
        what: What the circuit is, for the error.
        circuit: A unitary circuit.
        qubits: Its register.
        names: The symbols, in the order of the columns of the weights.
        from_zero: Whether it acts on |0...0> alone; else what is written is equal to it on every
            state.

    Raises:
        InputError: If an angle is no affine function of the symbols, or Cirq cannot write a gate
            with symbols in rotations.
    """
    result, pending = cirq.Circuit(), cirq.Circuit()
    needed, known = begun(circuit, qubits, from_zero)
    weights: list[NDArray[np.float64]] = []
    offsets: list[float] = []

    def flush() -> None:
        nonlocal result, pending
        result += written(what, pending, known)
        pending = cirq.Circuit()

    for part in _parts(what, needed.all_operations()):
        if isinstance(part, cirq.Operation):
            pending.append(part)
            continue
        axis, qubit, angle = part
        weight, offset = _affine(what, angle, names)
        if not weight.any():
            pending.append(_ROTATIONS[axis](offset).on(qubit))
            continue
        # What is fixed is simplified together, up to the next rotation.
        flush()
        result.append(rotation(axis, TableAngle("filter", len(offsets))).on(qubit))
        known.pop(qubit, None)
        weights.append(weight)
        offsets.append(offset)
    flush()
    shape = (len(offsets), len(names))
    return Rotations(result, np.reshape(weights, shape), np.array(offsets))


def _parts(what: str, operations: Any) -> Iterator[_Part]:
    for operation in operations:
        if not operation.qubits:
            continue
        if not cirq.is_parameterized(operation):
            yield operation.untagged
            continue
        gate, qubits = operation.gate, operation.qubits
        rule = next((rule for kind, rule in _RULES if isinstance(gate, kind)), None)
        parts = None if rule is None or len(qubits) > 2 else rule(gate, *qubits)
        if parts is not None:
            yield from parts
            continue
        found = cirq.decompose_once(operation.untagged, default=None)
        if found is None:
            raise InputError(
                f"the {what} has {shown(operation.gate, 60)} with symbols, which Cirq cannot write "
                "in rotations: decompose it into one- and two-qubit gates first."
            )
        yield from _parts(what, found)


def _affine(what: str, angle: Any, names: Sequence[str]) -> tuple[NDArray[np.float64], float]:
    """The coefficients of the symbols in an angle, and what is left without them."""
    # By name, as Cirq resolves them, whatever a symbol assumes besides.
    symbols = [sympy.Dummy(name) for name in names]
    by_name = dict(zip(names, symbols, strict=True))
    try:
        expression = sympy.sympify(angle)
        known = {symbol: by_name[symbol.name] for symbol in expression.free_symbols}
        polynomial = sympy.Poly(expression.subs(known), *symbols)
        if polynomial.total_degree() > 1:
            raise ValueError
        weight = [float(polynomial.coeff_monomial(symbol)) for symbol in symbols]
        return np.array(weight), float(polynomial.coeff_monomial(1))
    except (sympy.PolynomialError, TypeError, ValueError):
        raise InputError(
            f"the {what} has the angle {shown(str(angle), 60)}: write a sum of symbols times "
            "numbers, such as 2*theta + pi/4, or a symbol of its own for it."
        ) from None


def _about(axis: Axis) -> Callable[..., list[_Part]]:
    return lambda gate, qubit: [(axis, qubit, sympy.pi * gate.exponent)]


def _two(axis: Axis, a: cirq.Qid, b: cirq.Qid, angle: Any) -> list[_Part]:
    """exp(-i angle/2 P P): the rotation of Z Z, seen in other axes."""
    turn = {"x": cirq.Y**0.5, "y": cirq.X**-0.5, "z": cirq.I}[axis]
    there: list[_Part] = [] if axis == "z" else [(turn**-1).on(each) for each in (a, b)]
    back: list[_Part] = [] if axis == "z" else [turn.on(each) for each in (a, b)]
    return [*there, cirq.CNOT(a, b), ("z", b, angle), cirq.CNOT(a, b), *back]


def _power(*axes: Axis, factor: Any = 1) -> Callable[..., list[_Part]]:
    def parts(gate: Any, a: cirq.Qid, b: cirq.Qid) -> list[_Part]:
        angle = factor * sympy.pi * gate.exponent
        return [part for axis in axes for part in _two(axis, a, b, angle)]

    return parts


def _phase(a: cirq.Qid, b: cirq.Qid, angle: Any) -> list[_Part]:
    """diag(1, 1, 1, exp(i angle))."""
    half = angle / 2
    return [("z", a, half), ("z", b, half), *_two("z", a, b, -half)]


def _h_power(gate: Any, qubit: cirq.Qid) -> list[_Part]:
    tilt = cirq.ry(np.pi / 4)
    return [(tilt**-1).on(qubit), ("z", qubit, sympy.pi * gate.exponent), tilt.on(qubit)]


def _phased(gate: Any, qubit: cirq.Qid) -> list[_Part]:
    if isinstance(gate, cirq.PhasedXPowGate):
        x, z, axis = gate.exponent, 0, gate.phase_exponent
    else:
        x, z, axis = gate.x_exponent, gate.z_exponent, gate.axis_phase_exponent
    turns = (("z", -axis), ("x", x), ("z", axis + z))
    return [(name, qubit, sympy.pi * turn) for name, turn in turns]  # type: ignore[misc]


def _controlled(gate: Any, a: cirq.Qid, b: cirq.Qid) -> list[_Part] | None:
    """A rotation by a symbol, controlled by one qubit; the rest is left to Cirq."""
    inner = gate.sub_gate
    kinds: tuple[tuple[type[cirq.Gate], Axis], ...] = (
        (cirq.Rx, "x"),
        (cirq.Ry, "y"),
        (cirq.Rz, "z"),
    )
    axis = next((axis for kind, axis in kinds if isinstance(inner, kind)), None)
    if axis is None or gate.control_values != cirq.ProductOfSums([1]):
        return None
    angle = sympy.pi * inner.exponent
    into, out = {"x": (cirq.H, cirq.H), "y": (cirq.X**0.5, cirq.X**-0.5), "z": (cirq.I, cirq.I)}[
        axis
    ]
    turns: list[_Part] = [("z", b, angle / 2), *_two("z", a, b, -angle / 2)]
    return [into(b), *turns, out(b)]


def _controlled_x(gate: Any, a: cirq.Qid, b: cirq.Qid) -> list[_Part]:
    return [cirq.H(b), *_phase(a, b, sympy.pi * gate.exponent), cirq.H(b)]


def _fsim(gate: Any, a: cirq.Qid, b: cirq.Qid) -> list[_Part]:
    theta, phi = (sympy.sympify(angle) for angle in (gate.theta, gate.phi))
    return [*_two("x", a, b, theta), *_two("y", a, b, theta), *_phase(a, b, -phi)]


_RULES: tuple[tuple[type[cirq.Gate], Callable[..., list[_Part] | None]], ...] = (
    (cirq.XPowGate, _about("x")),
    (cirq.YPowGate, _about("y")),
    (cirq.ZPowGate, _about("z")),
    (cirq.HPowGate, _h_power),
    (cirq.PhasedXPowGate, _phased),
    (cirq.PhasedXZGate, _phased),
    (cirq.XXPowGate, _power("x")),
    (cirq.YYPowGate, _power("y")),
    (cirq.ZZPowGate, _power("z")),
    (cirq.ISwapPowGate, _power("x", "y", factor=sympy.Rational(-1, 2))),
    (cirq.SwapPowGate, _power("x", "y", "z", factor=sympy.Rational(1, 2))),
    (cirq.CZPowGate, lambda gate, a, b: _phase(a, b, sympy.pi * gate.exponent)),
    (cirq.CXPowGate, _controlled_x),
    (cirq.FSimGate, _fsim),
    (cirq.ControlledGate, _controlled),
)
"""How gates with symbols are written, the first that fits."""
