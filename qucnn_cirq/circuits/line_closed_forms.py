"""The words of a line in CZ whose angles follow from a formula."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_circuit import line_layers
from qucnn_cirq.circuits.line_trees import (
    TREES,
    direction,
    inner_basis,
    mirrored,
    tree_angles,
    turned,
    without_outer,
)
from qucnn_cirq.circuits.real_six import real_six_angles
from qucnn_cirq.circuits.two_qubits import special_orthogonal_angles, two_qubit_angles

FloatArray = NDArray[np.float64]
Form = Callable[[FloatArray], tuple[FloatArray, NDArray[np.bool_]]]
"""What gives angles of real unit vectors, and whether they load."""

_BLOCK = 8192
"""Vectors that are solved together: many for each call of NumPy, few for a processor's cache."""


def _three_qubits(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``OMM``: singular values on qubits 0 and 1, then a rotation of SO(4) on qubits 1 and 2."""
    left, sizes, right = np.linalg.svd(states.reshape(-1, 2, 4))
    reflected = np.linalg.det(left) < 0
    left[reflected, :, 1] *= -1
    right[reflected, 1] *= -1
    # Copying |1> makes it -|1>.
    right[:, 1] *= -1
    inner = _from_one_qubit(right)
    quarter = np.full(len(states), np.pi / 2)
    outer = 2 * np.arctan2(left[:, 1, 0], left[:, 0, 0])
    first = 2 * np.arctan2(sizes[:, 1], sizes[:, 0])
    angles = [first, quarter, inner[:, 1], outer, inner[:, 0] - np.pi / 2, *inner[:, 2:].T]
    return np.stack(angles, axis=1), _all(states)


def _product_of_three(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """No CZ: each qubit's most likely state."""
    psi = np.ascontiguousarray(states.T).reshape(2, 2, 2, -1)
    turns = [direction(np.moveaxis(psi, qubit, 0)) for qubit in range(3)]
    return np.stack(turns, axis=1), _all(states)


def _one_and_two(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``R``: the most likely state of qubit 0, and the two others."""
    (first, _), rest = without_outer(np.ascontiguousarray(states.T).reshape(2, 2, 2, -1), False)
    others = two_qubit_angles(rest.reshape(4, -1).T)
    nothing = np.zeros(len(states))
    return np.column_stack([first, others[:, :2], nothing, others[:, 2]]), _all(states)


def _two_and_one(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``L``: the mirror image of ``R``."""
    image = mirrored(states.T.reshape(2, 2, 2, -1)).reshape(8, -1).T
    angles, exist = _one_and_two(image)
    return angles[:, [2, 1, 0, 4, 3]], exist


def _tree_of_three(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``RL``: ``ML`` of four qubits, the last of which is left alone."""
    longer = np.zeros((len(states), 16))
    longer[:, ::2] = states
    return np.delete(tree_angles(longer, "ML"), 3, axis=1), _all(states)


def _from_one_qubit(rows: FloatArray) -> FloatArray:
    """Angles of an SO(4) that turns |00> and |10> into the first two rows of orthogonal ones."""
    columns = rows[:, [0, 2, 1, 3]].swapaxes(1, 2)
    columns[np.linalg.det(columns) < 0, :, 3] *= -1
    return special_orthogonal_angles(columns)


def _tree(states: FloatArray, pattern: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    return tree_angles(states, pattern), _all(states)


def _pairs(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``O``: the largest singular value of the two halves."""
    left, _, right = np.linalg.svd(states.reshape(-1, 4, 4))
    nearest = left[:, :, :1] * right[:, :1]
    return _tree(nearest.reshape(-1, 16), "O")


def _rank_two(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``MOO``: the two largest singular values on qubits 1 and 2, and an SO(4) on either half."""
    left, sizes, right = np.linalg.svd(states.reshape(-1, 4, 4))
    # Copying |1> makes it -|1>.
    right[:, 1] *= -1
    # Qubit 1 before qubit 0.
    on_left = _from_one_qubit(left[:, [0, 2, 1, 3]].swapaxes(1, 2))
    on_right = _from_one_qubit(right)
    first = 2 * np.arctan2(sizes[:, 1], sizes[:, 0])
    quarter = np.full(len(states), np.pi / 2)
    angles = [on_left[:, 1], first, quarter, on_right[:, 1]]
    angles += [on_left[:, 0], on_right[:, 0] - np.pi / 2]
    for own in (2, 4):
        angles += [*on_left[:, [own + 1, own]].T, *on_right[:, own : own + 2].T]
    return np.stack(angles, axis=1), _all(states)


def _one_and_three(states: FloatArray, both: bool) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``MRR``: a factor of qubit 0 and three qubits; ``MRO`` if another CZ joins them last."""
    psi = np.ascontiguousarray(states.T).reshape(2, 2, 2, 2, -1)
    basis = inner_basis(psi) if both else np.zeros(len(states))
    (before, after), rest = without_outer(turned(psi, 1, -basis), both)
    others, exist = _three_qubits(rest.reshape(8, -1).T)
    angles = np.column_stack([before, others])
    if both:
        angles = np.insert(angles, [-2], np.stack([after, basis], axis=1), axis=1)
    return angles, exist


def _mirrored(states: FloatArray, form: Form, pattern: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The angles of the mirror image of a word, by the form of the word."""
    angles, exist = form(states.reshape(-1, 2, 2, 2, 2).transpose(0, 4, 3, 2, 1).reshape(-1, 16))
    ends = np.cumsum([len(layer.turned) for layer in line_layers(pattern)])
    layers = np.split(angles, ends[:-1], axis=1)
    return np.concatenate([layer[:, ::-1] for layer in layers], axis=1), exist


def _all(states: FloatArray) -> NDArray[np.bool_]:
    return np.ones(len(states), dtype=bool)


_FORMS: dict[str, Form] = {
    **{pattern: functools.partial(_tree, pattern=pattern) for pattern in TREES},
    "O": _pairs,
    "MRR": functools.partial(_one_and_three, both=False),
    "MRO": functools.partial(_one_and_three, both=True),
    "MOO": _rank_two,
    "MOMMR": real_six_angles,
}

CLOSED_FORMS: dict[tuple[int, str], Form] = {
    (3, ""): _product_of_three,
    (3, "L"): _two_and_one,
    (3, "R"): _one_and_two,
    (3, "RL"): _tree_of_three,
    (3, "OMM"): _three_qubits,
    **{(4, pattern): form for pattern, form in _FORMS.items()},
    **{
        (4, pattern.replace("R", "L")): functools.partial(
            _mirrored, form=_FORMS[pattern], pattern=pattern
        )
        for pattern in ("MRR", "MRO", "MOMMR")
    },
}
"""By length of the line and word, what gives angles of real unit vectors and whether they load.

Where a form says that they do, a simulation has to confirm it.
"""

NEAREST = frozenset({(3, "L"), (3, "R"), (3, "OMM"), (4, "O"), (4, "MRR"), (4, "MLL"), (4, "MOO")})
"""The closed forms that, of a vector that the word does not load, give the nearest that it does."""


def closed_form_angles(states: FloatArray, pattern: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Angles of a word that has a closed form.

    Args:
        states: Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
        pattern: The word; with n one of `CLOSED_FORMS`.

    Returns:
        Angles in radians, shape (batch, angles), in the order in which `line_layers` turns the
        qubits, and whether they load the vector, shape (batch,), up to rounding.
    """
    solve = CLOSED_FORMS[states.shape[1].bit_length() - 1, pattern]
    starts = range(0, max(1, len(states)), _BLOCK)
    found = [solve(states[start : start + _BLOCK]) for start in starts]
    angles, exist = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return angles, exist
