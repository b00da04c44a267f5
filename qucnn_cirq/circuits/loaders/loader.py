"""What a loader is: a circuit that turns |0...0> into the unit vector of a patch."""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.slots import FixedUnitary, Slot, Table
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]
T = TypeVar("T")

EXACT = 1e-18
"""Infidelity that counts as zero: rounding leaves 1e-24, the nearest miss seen is above 1e-12."""
_MISSED = 1e-9
"""Infidelity beyond which a vector is another one."""
_UNIT = 1e-6
"""How far the squared length of a unit vector may be from 1: that of float32 is 1e-7."""


def unit_vectors(states: object, n_qubits: int) -> FloatArray:
    """Vectors to be loaded, checked.

    Args:
        states: Real unit vectors, shape (batch, 2**n_qubits).
        n_qubits: Size of the register.

    Returns:
        The same array where it is one of float64, else a copy.

    Raises:
        InputError: If it has another shape, or a row is no real unit vector.
    """
    is_array = type(states) is np.ndarray and states.dtype == np.float64
    vectors: FloatArray = states if is_array else real_array("states", states)  # type: ignore[assignment]
    if vectors.ndim != 2 or vectors.shape[1] != 1 << n_qubits:
        raise InputError(
            f"states of shape {vectors.shape}: a loader of {n_qubits} qubits takes real unit "
            f"vectors of shape (batch, {1 << n_qubits})."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
        is_unit = np.abs(squares - 1) <= _UNIT
    if not is_unit.all():
        row = int(is_unit.argmin())
        raise InputError(
            f"row {row} of the states has length {np.sqrt(squares[row]):.6g}: a loader takes "
            "unit vectors of finite numbers."
        )
    return vectors


def _of_unit_vectors(method: Callable[..., T]) -> Callable[..., T]:
    """A method of loaders that refuses what are no unit vectors of the register's size."""

    @functools.wraps(method)
    def checked(self: Loader, states: FloatArray, *others: Any, **named: Any) -> T:
        return method(self, unit_vectors(states, self.n_qubits), *others, **named)

    return checked


class Loader(abc.ABC):
    """One structure for all real unit vectors of a size, with a table of angles, one row a vector.

    To add one, derive a class with a name, `circuit` and `angles`, and hand it to
    `qucnn_cirq.registries.register_loader`. It is then chosen by its name wherever one of the
    package's own is, and by ``loader="auto"`` where it has the fewest two-qubit gates among those
    that a layout has the couplers for. What is compiled can be checked by ``program.verify()``. Its
    `angles` and `solve` are only called with real unit vectors: what is none is refused before.

    Args:
        n_qubits: Size of the register.

    Attributes:
        name: The word by which it is chosen.
        purpose: What it is for, as "registers of 4 qubits": said where it does not fit.
        is_closed_form: Whether its angles follow from a formula, in microseconds a patch.
        is_routable: Whether a register that lacks some of its couplers may have it all the same,
            with SWAP gates; otherwise only the circuit as a whole is routed with it.
        merges_filter: Whether its circuit also undoes a known filter, so that it ends in all zeros
            with the probability |<f|x>|^2. It is made by `for_filter` then.
        n_qubits: Size of the register.
        n_angles: Columns of the angle table.
        gate: Its two-qubit gates, "cz" or those of the gate set that it is made for.
        frame: The name of a fixed unitary U if it makes U x of every vector x; "" if it makes x.
            The overlap of two registers is that of their vectors if both are in the same frame.
    """

    name: ClassVar[str]
    purpose: ClassVar[str] = "other registers"
    is_closed_form: bool = True
    is_routable: ClassVar[bool] = False
    merges_filter: ClassVar[bool] = False
    n_qubits: int
    n_angles: int
    gate: str = "cz"
    frame: str = ""

    def __init_subclass__(cls, takes_vectors: bool = True, **settings: Any) -> None:
        """Has `angles` and `solve` check their vectors.

        Args:
            takes_vectors: Whether it loads vectors; otherwise it may be handed anything.
            settings: For further base classes.
        """
        super().__init_subclass__(**settings)
        for name in ("angles", "solve") if takes_vectors else ():
            method = vars(cls).get(name)
            if inspect.isfunction(method):
                setattr(cls, name, _of_unit_vectors(method))

    def __init__(self, n_qubits: int) -> None:
        self.n_qubits = n_qubits

    @abc.abstractmethod
    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """The circuit, which starts from |0...0>.

        Args:
            qubits: The register, most significant qubit first.
            table: Name of the table that its angles are in.

        Returns:
            Open one-qubit gates (`qucnn_cirq.circuits.slots.ry`) that read the columns 0 to
            ``n_angles - 1`` of the table, and CZ gates, or native gates of its own gate set.
        """

    @abc.abstractmethod
    def angles(self, states: FloatArray) -> FloatArray:
        """Angles that load vectors.

        Args:
            states: Real unit vectors, shape (batch, 2**n_qubits).

        Returns:
            Angles in radians, shape (batch, n_angles).

        Raises:
            InputError: If the states are anything else.
        """

    @classmethod
    def for_register(cls, n_qubits: int, gate_set: str) -> Self:
        """The loader for a size and a gate set.

        Args:
            n_qubits: Size of the register, at least 1.
            gate_set: The native two-qubit gate. CZ gates are rewritten in it later; a loader that
                has a shorter form in it gives that one.

        Returns:
            The loader.

        Raises:
            InputError: If it does not exist for the size.
        """
        return cls(n_qubits)

    @classmethod
    def for_filter(cls, vector: FloatArray, gate_set: str) -> Self:
        """The loader of patches that undoes a known filter, where it merges one.

        Args:
            vector: The filter's real unit vector, shape (2**n_qubits,).
            gate_set: The native two-qubit gate: "cz", "sqrt_iswap" or "syc".

        Returns:
            The loader.

        Raises:
            InputError: If it does not exist for the size.
        """
        raise NotImplementedError(f"{cls.__name__}.for_filter")

    @functools.cached_property
    def couplers(self) -> frozenset[tuple[int, int]]:
        """Pairs (a, b), a < b, of positions in the register that its two-qubit gates join."""
        return frozenset(
            (min(pair), max(pair))
            for operation in self._on_line.all_operations()
            if len(pair := [qubit.x for qubit in operation.qubits]) == 2  # type: ignore[attr-defined]
        )

    @property
    def cost(self) -> tuple[int, int]:
        """Its two-qubit gates and their depth: of two loaders the smaller one is better."""
        gates = [op for op in self._on_line.all_operations() if len(op.qubits) == 2]
        return len(gates), len(cirq.Circuit(gates))

    @property
    def seconds(self) -> float:
        """About how long one core takes for the angles of a vector."""
        # A search takes about eight times as long for a qubit more.
        return 1e-5 if self.is_closed_form else 8e-4 * 8.0 ** (self.n_qubits - 4)

    @property
    def search_version(self) -> int:
        """Tells the angles that its search finds from those of an earlier one."""
        return 0

    @functools.cached_property
    def is_real(self) -> bool:
        """Whether amplitudes are real after each of its gates: rotations about Y, and CZ.

        A two-qubit gate with a wrong phase changes overlaps to second order only, then.
        """
        return all(_keeps_real(operation) for operation in self._on_line.all_operations())

    @functools.cached_property
    def _on_line(self) -> cirq.Circuit:
        return self.circuit(cirq.LineQubit.range(self.n_qubits), "patch")

    def parts(
        self, qubits: Sequence[cirq.Qid], table: Table
    ) -> tuple[tuple[str, cirq.Circuit], ...]:
        """The circuit in pieces, each with the part of the layer that it belongs to.

        Args:
            qubits: The register, most significant qubit first.
            table: Name of the table that its angles are in.

        Returns:
            Pairs of one of `qucnn_cirq.circuits.parts.PARTS` and a circuit, in order of time.
        """
        return (("loader", self.circuit(qubits, table)),)

    def settings(self) -> dict[str, Any]:
        """What it is made of again, written to a file: numbers, texts and arrays by name.

        They are the keyword arguments of its class.
        """
        return {"n_qubits": self.n_qubits}

    def alone(self) -> Loader:
        """What prepares a single vector: the loader itself, unless it merges a filter."""
        return self

    def forms(self) -> tuple[Loader, ...]:
        """Loaders as good as this one by itself, one of which may fit an overlap test better.

        Returns:
            One or more, this object first.
        """
        return (self,)

    def framed(self) -> Loader | None:
        """The same loader in its frame, which takes fewer gates; None if it has none."""
        return None

    def unframed(self) -> Loader:
        """The same loader in no frame."""
        return self

    def out_of_frame(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """U^+, which makes x of U x; nothing in no frame.

        Args:
            qubits: The register, most significant qubit first.
        """
        return cirq.Circuit()

    def family(self, tolerance: float | None) -> tuple[Loader, ...]:
        """The loaders of the same register that may take its place, shortest first.

        Args:
            tolerance: Infidelity at which a search for angles may stop; None for loaders that are
                as exact as this one.

        Returns:
            One or more, this object among them. The last one loads every vector, or `last_resort`
            what it misses. They may be in different frames.
        """
        return (self,)

    def last_resort(self) -> Loader | None:
        """A loader in the same frame with a closed form for what a search of the family misses.

        Its couplers may be others, so that it is routed inside the register.
        """
        return None

    def exact_for(self, vector: FloatArray) -> Loader:
        """The shortest member of the exact family that loads one vector.

        Args:
            vector: A real unit vector, shape (2**n_qubits,).
        """
        return self

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angles that load vectors as well as it can, and how well that is.

        Args:
            states: Real unit vectors, shape (batch, 2**n_qubits).

        Returns:
            Angles in radians, shape (batch, n_angles), and infidelities 1 - <x|y>^2 of the loaded
            vectors y, or 1 - |<Ux|y>|^2 in a frame U, shape (batch,).

        Raises:
            InputError: If the states are anything else.
        """
        return self.angles(states), np.zeros(len(states))

    def nearby(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angles of vectors that it loads, near those that are given.

        Args:
            states: Real unit vectors, shape (batch, 2**n_qubits).

        Returns:
            Angles in radians, shape (batch, n_angles), and the vectors that they load, up to the
            sign, of the shape of the states: NaN where it has found none.
        """
        angles, infidelities = self.solve(states)
        return angles, np.where(infidelities[:, None] <= _MISSED, states, np.nan)

    def least_infidelities(self, states: FloatArray) -> FloatArray:
        """A quick lower bound of the infidelities that `solve` would give.

        Args:
            states: Real unit vectors, shape (batch, 2**n_qubits).

        Returns:
            Infidelities, shape (batch,).
        """
        return np.zeros(len(states))

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """Unit vectors that it can load.

        Args:
            count: How many.
            generator: Where they are drawn from.

        Returns:
            Real vectors, shape (count, 2**n_qubits).
        """
        states = generator.normal(size=(count, 2**self.n_qubits))
        norms: FloatArray = np.linalg.norm(states, axis=1, keepdims=True)
        return states / norms


def _keeps_real(operation: cirq.Operation) -> bool:
    """Whether a gate makes real vectors of real ones, whatever its angles are."""
    gate = operation.gate
    if isinstance(gate, Slot):
        return all(
            not np.imag(factor.entries).any()
            if isinstance(factor, FixedUnitary)
            else factor.axis == "y"
            for factor in gate.factors
        )
    unitary = cirq.unitary(operation, None)
    return unitary is not None and not np.imag(unitary).any()
