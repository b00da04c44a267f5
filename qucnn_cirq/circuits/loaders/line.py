"""The line loader: three to eight qubits on a line, RY rotations and few two-qubit gates.

Its circuits are words in couplers and layers of them, see `qucnn_cirq.circuits.line_circuit`. Four
qubits take 7 two-qubit gates in depth 5, and fewer for some vectors:

============  =====  ======  ==============  ==========================
pattern       gates  angles  dimension (CZ)  dimension (sqrt-iSWAP)
============  =====  ======  ==============  ==========================
(empty)       0      4       4               4
``M``         1      6       5
``R``         1      6       5
``O``         2      8       6               6
``MR``        2      8       7
``MRR``       3      10      8
``MO``        3      10      9               9
``MRO``       4      12      10
``MOM``       4      12      11              11
``OMO``       5      14      11              12
``MOO``       5      14      11
``MOMO``      6      16      14              15: most vectors
``MOMMR``     6      16      15: most
``MOMOM``     7      18      15: every one   15: all but few vectors
``MOMOMM``    8      20                      15: every one
============  =====  ======  ==============  ==========================

Those with R have a mirror image with L. For other lines see `EXACT_PATTERNS`.

The dimension is that of the set of real vectors that a pattern loads. Of four qubits on which three
CZ act at most there are no other sets than those above: M, R and their like load two qubits that
are neighbours, ``O`` both pairs, ``MRR`` one qubit and any three, and ``MO`` and its parts what
`qucnn_cirq.circuits.line_trees` says. ``MOO`` loads what has Schmidt rank 2 across the middle.

With CZ these, but ``MOM`` and ``OMO``, have closed forms of the angles, as have ``OMM`` on three
qubits, ``MOMMR`` and its mirror image ``MOMML`` (`qucnn_cirq.circuits.line_closed_forms`);
`qucnn_cirq.circuits.line_search` finds those of others.
With sqrt-iSWAP ``MOMO`` can be exact where it is not with CZ, but finding that takes ten times as
long as ``MOMOM``; it is tried only within an infidelity budget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np

from qucnn_cirq.circuits.entanglers import givens
from qucnn_cirq.circuits.line_circuit import (
    GATES,
    FloatArray,
    line_layers,
    line_states,
    n_line_angles,
)
from qucnn_cirq.circuits.line_closed_forms import CLOSED_FORMS, NEAREST, closed_form_angles
from qucnn_cirq.circuits.line_search import line_infidelities, search_version, solve_line_angles
from qucnn_cirq.circuits.line_trees import direction, mirrored
from qucnn_cirq.circuits.loaders.loader import EXACT, Loader
from qucnn_cirq.circuits.loaders.multiplexed import MultiplexedLoader
from qucnn_cirq.circuits.remembered import RememberedAngles
from qucnn_cirq.circuits.schmidt_bounds import least_beyond
from qucnn_cirq.circuits.slots import Table, TableAngle, ry
from qucnn_cirq.errors import InputError, unknown_name

N_QUBITS = 4
"""Length of the line for which there is a choice of patterns."""

PATTERNS: dict[str, tuple[str, ...]] = {
    "cz": ("", "O", "MO", "MOM", "OMO", "MOMO", "MOMOM"),
    "sqrt_iswap": ("", "O", "MO", "MOM", "OMO", "MOMO", "MOMOM", "MOMOMM"),
}
"""For each gate the useful patterns, shortest first; the last one loads every real vector."""

GENERIC = "MOMOM"
"""The shortest pattern that is tried for exact loading."""

EXACT_PATTERNS: dict[str, dict[int, tuple[str, ...]]] = {
    "cz": {
        3: ("OMM",),
        N_QUBITS: (GENERIC,),
        5: ("20103213201320", "MOMOMOMO"),
        6: ("MOMMOMOMOMOO", "OMOMOMOMOMOMO"),
        7: (10 * "MO" + "M",),
        8: (18 * "MO",),
    },
    "sqrt_iswap": {
        3: ("OMOM",),
        N_QUBITS: (GENERIC, "MOMOMM"),
        5: ("MOMOMOMO", "MOMOMOMOM"),
        6: ("OMOMOMOMOMOMO",),
        7: (10 * "MO" + "M",),
        8: (18 * "MO",),
    },
}
"""For each gate and length of the line the patterns that load generic vectors, shortest first.

With fewer CZ than 3, 14, 30, 63 and 126 on other lines than that of four qubits there are not as
many directions as vectors. Where a search misses vectors, the last pattern of a line loads them.
"""

SHORTER_PATTERNS: dict[int, tuple[str, ...]] = {
    5: ("123202", "21303210", "12302310211"),
    6: ("2130241304", "0132130241304", "024132130241304", "20341023412130241304"),
}
"""In CZ and by length of the line, patterns that come close to patches of images; shortest first.

Found by exchanging couplers: the mean infidelity of 24 patches of digits is small.
"""

THREE_QUBITS: dict[str, tuple[str, ...]] = {
    "cz": ("", "L", "R", "RL"),
    "sqrt_iswap": ("", "L", "R"),
}
"""For each gate of three qubits the words in CZ, exact in closed form, that take fewer gates.

One CZ is two sqrt-iSWAP.
"""

_SECONDS = {3: 2e-4, N_QUBITS: 8e-4, 5: 0.015, 6: 0.06, 7: 0.25, 8: 1.5}
"""What the search takes for a vector, by the length of the line."""

_CLOSED = 1e-24
"""Infidelity of a closed form beyond which rounding has spoilt it."""
_FAR = 0.05
"""Infidelity that no budget allows for, beyond which a lower bound need not be sharp."""


def _least_infidelities(states: FloatArray, pattern: str, gate: str) -> FloatArray:
    """A lower bound of the infidelity with which a pattern can load each state.

    Where k CZ cross a cut of the line its two sides have Schmidt rank 2^k at most, with sqrt-iSWAP
    4^k, so that the other Schmidt coefficients are lost; the largest loss of all cuts counts.
    """
    bound = np.zeros(len(states))
    n_qubits = states.shape[1].bit_length() - 1
    if n_qubits > N_QUBITS:
        return bound
    layers = line_layers(pattern, gate, n_qubits)
    crossings = Counter(a for layer in layers for a, _ in layer.edges)
    psi = np.ascontiguousarray(states.T).reshape((2,) * n_qubits + (-1,))
    for coupler, outer_first in ((0, psi), (n_qubits - 2, mirrored(psi))):
        if not crossings[coupler]:
            # Beside the nearest product, which keeps the digits of a small coefficient.
            half = direction(outer_first) / 2
            lost = np.cos(half) * outer_first[1] - np.sin(half) * outer_first[0]
            lost = lost.reshape(1 << n_qubits - 1, -1)
            bound = np.maximum(bound, np.einsum("kn,kn->n", lost, lost))
    if n_qubits < N_QUBITS:
        return bound
    rank = (2 if gate == "cz" else 4) ** crossings[1]
    near = np.flatnonzero(bound < _FAR)
    if rank < 4 and len(near):
        halves = psi.reshape(4, 4, -1)[..., near]
        bound[near] = np.maximum(bound[near], least_beyond(halves, rank))
    return bound


def loads(loader: Loader, vector: FloatArray) -> bool:
    """Whether a loader loads one vector exactly.

    Args:
        loader: The loader.
        vector: A real unit vector, shape (2^n,).
    """
    state = vector[None]
    may = loader.least_infidelities(state)[0] <= EXACT
    return bool(may and loader.solve(state)[1][0] <= EXACT)


def words_of_three(tolerance: float | None, gate: str = "cz") -> tuple[Loader, ...]:
    """The words of three qubits that load some vectors, in closed form, shortest first.

    Args:
        tolerance: As for `Loader.family`; the words that have a nearest state come close to others.
        gate: The gate that they are compared with.
    """
    found = []
    for word in THREE_QUBITS[gate]:
        own = (tolerance or 0.0) if (3, word) in NEAREST else 0.0
        found.append(LineLoader(3, word, own))
    return tuple(found)


class LineLoader(Loader):
    """Loads real vectors on a line of three to eight qubits with the pattern's two-qubit gates.

    Args:
        n_qubits: Length of the line, 3 to 8; see `EXACT_PATTERNS`.
        pattern: The word; None for the shortest that loads generic vectors. For four qubits that
            is 7 CZ in depth 5, which with sqrt-iSWAP loads all but one random vector in about two
            hundred.
        tolerance: For shorter patterns, the infidelity that is good enough, as for
            `solve_line_angles`.
        gate: "cz" or "sqrt_iswap".

    Raises:
        InputError: For any other size, an unknown pattern or an unknown gate.
    """

    name = "line"
    purpose = "registers of 3 to 8 qubits"
    is_closed_form = False

    def __init__(
        self,
        n_qubits: int = N_QUBITS,
        pattern: str | None = None,
        tolerance: float = 0.0,
        gate: str = "cz",
    ) -> None:
        if gate not in GATES:
            raise unknown_name("gate", gate, GATES)
        if n_qubits not in EXACT_PATTERNS[gate]:
            raise InputError(
                f"the line loader is for {self.purpose}, not {n_qubits}; "
                "choose loader = 'multiplexed'."
            )
        super().__init__(n_qubits)
        self.pattern = EXACT_PATTERNS[gate][n_qubits][0] if pattern is None else pattern
        self.tolerance = tolerance
        self.gate = gate
        self.n_angles = n_line_angles(self.pattern, n_qubits)
        # Within a tolerance a form has to come close to vectors that the pattern does not load.
        forms = NEAREST if tolerance else CLOSED_FORMS
        self.is_closed_form = gate == "cz" and (n_qubits, self.pattern) in forms
        self._remembered = RememberedAngles(self.n_angles)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and native gates."""
        circuit = cirq.Circuit()
        column = 0
        for layer in line_layers(self.pattern, self.gate, self.n_qubits):
            for a, b in layer.edges:
                if self.gate == "cz":
                    circuit.append(cirq.CZ(qubits[a], qubits[b]))
                else:
                    circuit.append(givens(qubits[a], qubits[b]))
            for qubit in layer.turned:
                circuit.append(ry(TableAngle(table, column)).on(qubits[qubit]))
                column += 1
        return circuit

    @classmethod
    def for_register(cls, n_qubits: int, gate_set: str) -> Self:
        """As `Loader.for_register`: in the native gate where it has patterns, else in CZ."""
        return cls(n_qubits, gate=gate_set if gate_set in GATES else "cz")

    def settings(self) -> dict[str, Any]:
        """Size, pattern, tolerance and gate."""
        return {name: getattr(self, name) for name in ("n_qubits", "pattern", "tolerance", "gate")}

    def family(self, tolerance: float | None) -> tuple[Loader, ...]:
        """The other exact patterns; within a tolerance also those that load some vectors.

        Of three qubits also the shorter words that have a closed form.
        """
        exact = EXACT_PATTERNS[self.gate][self.n_qubits]
        if self.pattern != exact[0]:
            return (self,)
        if self.n_qubits == 3:
            return (*words_of_three(tolerance, self.gate), self)
        shorter: tuple[str, ...] = ()
        if tolerance is not None and self.n_qubits == N_QUBITS:
            shorter = PATTERNS[self.gate][: -len(exact)]
        elif tolerance is not None and self.gate == "cz":
            shorter = SHORTER_PATTERNS.get(self.n_qubits, ())
        return (
            *(LineLoader(self.n_qubits, each, tolerance or 0.0, self.gate) for each in shorter),
            self,
            *(LineLoader(self.n_qubits, each, gate=self.gate) for each in exact[1:]),
        )

    def last_resort(self) -> Loader | None:
        """Of three and four qubits a closed form on the line, in CZ; else the multiplexed one."""
        if self.is_closed_form:
            return None
        if self.n_qubits == 3:
            return LineLoader(3)
        if self.n_qubits > N_QUBITS:
            return MultiplexedLoader(self.n_qubits)
        # It is made of line loaders itself.
        from qucnn_cirq.circuits.loaders.symplectic import SymplecticLoader

        return SymplecticLoader()

    def exact_for(self, vector: FloatArray) -> Loader:
        """The first exact pattern that solves for the vector, else the last resort."""
        exact = (each for each in self.family(None) if loads(each, vector))
        return next(exact, self.last_resort() or self)

    @property
    def seconds(self) -> float:
        """As `Loader.seconds`; shorter words within a tolerance are looked for briefly."""
        if self.is_closed_form:
            return super().seconds
        return _SECONDS[self.n_qubits] / (8 if self.tolerance else 1)

    @property
    def search_version(self) -> int:
        """As `Loader.search_version`."""
        return search_version(self.n_qubits)

    def angles(self, states: FloatArray) -> FloatArray:
        """As `Loader.angles`: the angles of `solve`."""
        return self.solve(states)[0]

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """As `Loader.random_states`: what the pattern makes of random angles."""
        angles = generator.uniform(-np.pi, np.pi, (count, self.n_angles))
        return line_states(angles, self.pattern, self.gate, self.n_qubits)

    def least_infidelities(self, states: FloatArray) -> FloatArray:
        """As `Loader.least_infidelities`, for four qubits from the Schmidt rank; else 0."""
        return _least_infidelities(states, self.pattern, self.gate)

    def _infidelities(self, states: FloatArray, angles: FloatArray) -> FloatArray:
        """Those of angles from elsewhere; infinite if they cannot be a solution of these states."""
        found = line_infidelities(states, angles, self.pattern, self.gate)
        if self.gate == "cz" and self.pattern == EXACT_PATTERNS["cz"][self.n_qubits][-1]:
            # It loads every vector: what is worse is the solution of other states.
            found = np.where(found > max(self.tolerance, EXACT), np.inf, found)
        return found

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.solve`, in closed form where the pattern has one, else by a search.

        In closed form a state that the pattern does not load has infidelity 1; within a tolerance
        it is the least there can be, or it is searched for. What was searched for is remembered in
        this process and on disk (`qucnn_cirq.circuits.angle_cache`), so that the same images are
        solved for only once.
        """
        states = np.ascontiguousarray(states, dtype=float)
        if self.gate != "cz" or (self.n_qubits, self.pattern) not in CLOSED_FORMS:
            return self._searched(states)
        angles, exist = closed_form_angles(states, self.pattern)
        infidelities = line_infidelities(states, angles, self.pattern, self.gate)
        if self.tolerance and self.is_closed_form:
            return angles, infidelities
        loaded = exist & (infidelities <= max(_CLOSED, self.tolerance))
        infidelities[~loaded] = 1
        if self.tolerance and not loaded.all():
            angles[~loaded], infidelities[~loaded] = self._searched(states[~loaded])
        return angles, infidelities

    def nearby(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As `Loader.nearby`; of a closed form what its angles make, the nearest one as a rule."""
        if self.gate != "cz" or (self.n_qubits, self.pattern) not in CLOSED_FORMS:
            return super().nearby(states)
        angles = closed_form_angles(np.ascontiguousarray(states, dtype=float), self.pattern)[0]
        return angles, line_states(angles, self.pattern, self.gate, self.n_qubits)

    def _searched(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The angles of a search, which are remembered."""
        # Four qubits have no number in their name: what was solved for them stays known.
        line = "line" if self.n_qubits == N_QUBITS else f"line{self.n_qubits}"
        return self._remembered.solve(
            states,
            f"{self.search_version} {line} {self.gate} {self.pattern} {self.tolerance!r}",
            lambda rows: solve_line_angles(
                rows, self.pattern, tolerance=self.tolerance, gate=self.gate
            ),
            self._infidelities,
            expense=4 ** max(0, self.n_qubits - N_QUBITS),
        )
