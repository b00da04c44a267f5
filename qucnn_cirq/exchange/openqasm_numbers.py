"""The values of OpenQASM's expressions: numbers, symbols, truth values and lists of bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import cirq
import sympy

from qucnn_cirq.exchange.openqasm_tokens import Refused, shown

CONSTANTS: Mapping[str, float] = {
    **dict.fromkeys(("pi", "π"), math.pi),
    **dict.fromkeys(("tau", "τ"), math.tau),
    **dict.fromkeys(("euler", "ℇ"), math.e),
    "true": 1,
    "false": 0,
}
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    **{
        name: (getattr(math, name), getattr(sympy, name))
        for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "asin", "acos", "atan", "floor")
    },
    "ln": (math.log, sympy.log),
    "arcsin": (math.asin, sympy.asin),
    "arccos": (math.acos, sympy.acos),
    "arctan": (math.atan, sympy.atan),
    "ceiling": (math.ceil, sympy.ceiling),
}

_BITWISE: Mapping[str, Callable[[Any, Any], Any]] = {
    "|": lambda a, b: a + b - a * b,
    "^": lambda a, b: a + b - 2 * a * b,
    "&": lambda a, b: a * b,
}
"""Of two bits that are 0 or 1, as polynomials."""
UNARY = 10
"""Binds tighter than products, and less than powers."""
POWER = 11


def binding(operator: str, version: int) -> int:
    """How tightly an operator binds in a version of the language, 0 if it is none.

    Args:
        operator: A token, as "+" or "&&".
        version: 2 or 3; "^" is a power in the former only.
    """
    return POWER if (operator, version) == ("^", 2) else _BINDING.get(operator, 0)


_BINDING: Mapping[str, int] = {
    "||": 1,
    "&&": 2,
    **{operator: 3 + index for index, operator in enumerate(_BITWISE)},
    **dict.fromkeys(("==", "!="), 6),
    **dict.fromkeys(("<", ">", "<=", ">="), 7),
    **dict.fromkeys(("+", "-"), 8),
    **dict.fromkeys(("*", "/", "%"), 9),
    "**": POWER,
}


def literal(text: str) -> Any:
    """A written number: whole if it has no point and no exponent.

    Args:
        text: Digits as OpenQASM writes them, as "0x1F", "1_000" or "1.5e-3".

    Raises:
        Refused: If it is too large.
    """
    digits = text.replace("_", "")
    based = digits[:2].lower() in ("0x", "0o", "0b")
    if based or digits.isdecimal():
        if len(digits) > 240:
            raise Refused(f"the number {shown(digits)} is too large.")
        return int(digits, 0) if based else int(digits)
    return finite(float(digits))


def called(name: str, value: Any) -> Any:
    """Applies a function to a number or symbol.

    Args:
        name: One of `FUNCTIONS`.
        value: A real number, or an expression of sympy.

    Raises:
        Refused: If the function is not defined there.
    """
    numeric, symbolic = FUNCTIONS[name]
    if isinstance(value, sympy.Basic):
        return symbolic(value)
    try:
        return finite(numeric(value))
    except (ValueError, OverflowError):
        raise Refused(f"{name} of {value:g} is no number.") from None


def combined(left: Any, operator: str, right: Any, version: int) -> Any:
    """What an operator makes of two values, in a version of the language.

    Args:
        left: A number, a truth value, or a list of bits.
        operator: An operator that `binding` knows.
        right: What stands behind it, of the same kinds.
        version: Of the language, 2 or 3.

    Returns:
        A number, a truth value of sympy, or a list of bits.

    Raises:
        Refused: If the operator does not join such values.
    """
    if operator in ("||", "&&"):
        join = sympy.Or if operator == "||" else sympy.And
        return join(truth(left), truth(right))
    if operator in _COMPARISONS:
        return _compared(left, operator, right)
    if operator in _BITWISE and binding(operator, version) != POWER:
        return _bitwise(left, operator, right)
    left, right = number(left), number(right)
    try:
        return finite(_ARITHMETIC[operator](left, right))
    except (ArithmeticError, ValueError, TypeError):
        raise Refused(f"an angle contains {operator!r} of numbers that have none.") from None


def opposite(value: Any) -> list[Any]:
    """The opposite of each bit.

    Args:
        value: A list of bits.

    Raises:
        Refused: If it is anything else.
    """
    if not isinstance(value, list):
        raise Refused("~ stands before bits only.")
    return [1 - bit for bit in value]


def _bitwise(left: Any, operator: str, right: Any) -> list[Any]:
    sizes = {len(each) for each in (left, right) if isinstance(each, list)}
    if not sizes:
        raise Refused(f"{operator} joins bits only; in OpenQASM 3 a power is written **.")
    size = max(sizes)
    bits = [
        each if isinstance(each, list) else [(whole(each) >> index) & 1 for index in range(size)]
        for each in (left, right)
    ]
    if len(sizes) > 1 or any(isinstance(each, int) and each >> size for each in (left, right)):
        raise Refused(f"{operator} joins as many bits as bits.")
    return [_BITWISE[operator](*pair) for pair in zip(*bits, strict=True)]


def finite(value: Any) -> Any:
    """The same number, which has to be finite.

    Args:
        value: A number, or an expression of sympy.

    Raises:
        Refused: If it is complex, infinite, no number, or above 1e300.
    """
    if isinstance(value, sympy.Basic):
        return value
    if isinstance(value, complex) or not math.isfinite(value) or abs(value) > 1e300:
        raise Refused("a number is not finite.")
    return value


def number(value: Any) -> Any:
    """The same value, which has to be a number or a symbol.

    Args:
        value: Any value of an expression.

    Raises:
        Refused: If it is bits or a truth value.
    """
    if (
        isinstance(value, list)
        or isinstance(value, sympy.logic.boolalg.Boolean)
        and not (isinstance(value, sympy.Symbol))
    ):
        raise Refused("a number is expected, and no bits.")
    return value


def whole(value: Any) -> int:
    """A value as a whole number.

    Args:
        value: Any value of an expression.

    Raises:
        Refused: If it is no whole number.
    """
    if not isinstance(value, int | float) or not float(value).is_integer():
        raise Refused(f"{shown(str(value))} stands where a whole number is expected.")
    return int(value)


def _power_of(base: Any, exponent: Any) -> Any:
    if isinstance(base, sympy.Basic) or isinstance(exponent, sympy.Basic):
        return base**exponent
    # As floats: a power of whole numbers may have more digits than fit into memory.
    power = float(base) ** float(exponent)
    whole = isinstance(base, int) and isinstance(exponent, int) and abs(power) < 2**53
    return int(power) if whole and exponent >= 0 else power


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": _power_of,
    "^": _power_of,
}


def truth(value: Any) -> Any:
    """A condition as one of sympy's truth values.

    Args:
        value: A number or bits, which hold where any is not 0; or a truth value, which stays.
    """
    if isinstance(value, list):
        return sympy.Or(*(sympy.Eq(bit, 1) for bit in value))
    if isinstance(value, int | float):
        return sympy.true if value else sympy.false
    return value


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": sympy.Eq,
    "!=": sympy.Ne,
    "<": sympy.Lt,
    ">": sympy.Gt,
    "<=": sympy.Le,
    ">=": sympy.Ge,
}


def _compared(left: Any, operator: str, right: Any) -> Any:
    if isinstance(right, list) and not isinstance(left, list):
        flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
        return _compared(right, flipped.get(operator, operator), left)
    if isinstance(left, list) and isinstance(right, int) and operator in ("==", "!="):
        # One condition for each bit, because that is how they are measured.
        bits = [sympy.Eq(bit, (right >> index) & 1) for index, bit in enumerate(left)]
        same = sympy.And(*bits) if 0 <= right < 2 ** len(left) else sympy.false
        return same if operator == "==" else sympy.Not(same)
    pair = [
        sum(bit * 2**index for index, bit in enumerate(each)) if isinstance(each, list) else each
        for each in (left, right)
    ]
    return _COMPARISONS[operator](*pair)


def condition(holds: Any) -> cirq.Condition:
    """A truth value of measured bits as Cirq's condition.

    Args:
        holds: A truth value of sympy, as from `truth`.
    """
    if isinstance(holds, sympy.Eq) and isinstance(holds.lhs, sympy.Symbol) and holds.rhs == 1:
        return cirq.KeyCondition(cirq.MeasurementKey(str(holds.lhs)))
    return cirq.SympyCondition(holds)
