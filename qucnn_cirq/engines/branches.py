"""Shots of a noisy circuit by the branches of its channels: errors are drawn before states.

Where every Kraus operator of a channel is a multiple of a unitary, how often each of them acts
depends on no state. So the errors of all shots can be drawn first; shots with the same errors
share one state vector, and most shots have none. The distribution is that of one quantum
trajectory a shot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.qsim_circuits import (
    Gate,
    Matrices,
    blocks_of,
    entries,
    evolved,
    probabilities_of,
    qubit_numbers,
)

_SHOTS_AT_ONCE = 2**16
_ROUNDING = 1e-12
Pattern = tuple[tuple[int, int], ...]
"""The errors of a shot: the numbers of a channel and of its branch, in order of time."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A gate, or a channel that applies one of several unitaries by chance.

    Attributes:
        chances: How likely each branch is, shape (branches,); one branch for a gate. The first is
            the likeliest: every other is an error.
        unitaries: Shape (branches, d, d).
    """

    chances: NDArray[np.float64]
    unitaries: Matrices

    @classmethod
    def of(cls, operation: cirq.Operation) -> Mixture | None:
        """The mixture that an operation is.

        Args:
            operation: A gate or channel.

        Returns:
            None if one of its Kraus operators is no multiple of a unitary.
        """
        kraus = np.asarray(cirq.kraus(operation, ()), dtype=complex)
        if not len(kraus):
            return None
        grams = kraus.conj().swapaxes(1, 2) @ kraus
        chances = np.trace(grams, axis1=1, axis2=2).real / kraus.shape[-1]
        if abs(grams - chances[:, None, None] * np.eye(kraus.shape[-1])).max() > _ROUNDING:
            return None
        order = np.argsort(-chances, kind="stable")
        order = order[chances[order] > 0]
        unitaries = kraus[order] / np.sqrt(chances[order])[:, None, None]
        return cls(chances[order] / chances.sum(), unitaries)

    @cached_property
    def usual(self) -> Matrices | None:
        """What acts where there is no error, shape (1, d, d); None if that is nothing."""
        first = self.unitaries[0]
        is_nothing = abs(first - first[0, 0] * np.eye(len(first))).max() < _ROUNDING
        return None if is_nothing else first[None]

    @cached_property
    def written(self) -> list[list[float]]:
        """The entries of each branch, as qsim takes them."""
        return _listed(self.unitaries)


def error_patterns(
    mixtures: Sequence[Mixture], shots: int, generator: np.random.Generator
) -> Counter[Pattern]:
    """Draws the errors of every shot.

    Args:
        mixtures: The channels; gates among them have no errors.
        shots: How many shots.
        generator: The source of chance.

    Returns:
        For each pattern of errors that occurred the number of its shots.
    """
    patterns: Counter[Pattern] = Counter()
    for start in range(0, shots, _SHOTS_AT_ONCE):
        own = min(_SHOTS_AT_ONCE, shots - start)
        # Rare errors are drawn for the shots that have them, not for all.
        drawn = []
        for number, mixture in enumerate(mixtures):
            errors = mixture.chances[1:]
            count = generator.binomial(own, min(1.0, errors.sum())) if len(errors) else 0
            if count:
                which = generator.choice(own, count, replace=False, shuffle=False)
                branches = 1 + generator.choice(len(errors), count, p=errors / errors.sum())
                drawn.append((which, np.full(count, number), branches))
        if not drawn:
            patterns[()] += own
            continue
        which, numbers, branches = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
        order = np.argsort(which, kind="stable")
        errors_in_order = list(zip(numbers[order].tolist(), branches[order].tolist(), strict=True))
        ends = np.cumsum(np.unique(which, return_counts=True)[1]).tolist()
        patterns.update(
            tuple(errors_in_order[begin:end])
            for begin, end in zip([0, *ends[:-1]], ends, strict=True)
        )
        patterns[()] += own - len(ends)
    return +patterns


def expected_patterns(mixtures: Sequence[Mixture], shots: int) -> float:
    """About how many patterns `error_patterns` draws.

    Args:
        mixtures: As for `error_patterns`.
        shots: As for `error_patterns`.

    Returns:
        A number within 1..shots. Shots with several errors count as different from one another.
    """
    none = float(np.prod([mixture.chances[0] for mixture in mixtures]))
    single = np.concatenate([m.chances[1:] * none / m.chances[0] for m in mixtures])
    several = max(0.0, 1 - none - single.sum())
    return float(min(1 + np.sum(1 - (1 - single) ** shots) + shots * several, shots))


class BranchedCircuit:
    """A noisy circuit of mixtures, run on qsim with given errors.

    Args:
        n_qubits: How many qubits.
        places: The qubits of each mixture, as qsim counts them, in order of time.
        mixtures: The mixtures.
        threads: Threads of one simulation.

    Attributes:
        mixtures: The mixtures.
    """

    def __init__(
        self,
        n_qubits: int,
        places: Sequence[Sequence[int]],
        mixtures: Sequence[Mixture],
        threads: int = 1,
    ) -> None:
        self._n_qubits, self._threads = n_qubits, threads
        self.mixtures = mixtures
        self._places = places
        self._blocks = blocks_of(places)
        self._block_of = {g: b for b, block in enumerate(self._blocks) for g, _ in block.gates}
        usual = [mixture.usual for mixture in mixtures]
        self._ideal: list[Gate] = [
            (block.numbers, _listed(block.product(usual))[0]) for block in self._blocks
        ]

    @classmethod
    def of(
        cls, circuit: cirq.Circuit, qubits: Sequence[cirq.Qid], threads: int = 1
    ) -> BranchedCircuit | None:
        """A circuit with its noise in it.

        Args:
            circuit: The circuit; its measurements are left out.
            qubits: All its qubits, most significant first.
            threads: Threads of one simulation.

        Returns:
            None if it holds what is no mixture of unitaries.
        """
        numbers = qubit_numbers(qubits)
        known: dict[int, tuple[object, Mixture | None]] = {}
        places, mixtures = [], []
        for operation in circuit.all_operations():
            if cirq.is_measurement(operation) or not operation.qubits:
                continue
            # Not every channel is hashable. Some operations make their gate anew when asked: it is
            # kept, so that no other one gets its identity.
            acting = operation if operation.gate is None else operation.gate
            if id(acting) not in known:
                known[id(acting)] = acting, Mixture.of(operation)
            mixture = known[id(acting)][1]
            if mixture is None:
                return None
            places.append([numbers[qubit] for qubit in operation.qubits])
            mixtures.append(mixture)
        return cls(len(qubits), places, mixtures, threads)

    def sample(
        self,
        reading: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        shots: int,
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Draws the errors of all shots, and runs the circuit with each pattern of them.

        Args:
            reading: What is wanted of the probabilities of all bit patterns, shape (2^qubits,).
            shots: How many shots.
            generator: The source of chance.

        Returns:
            The number of shots of each pattern that was drawn, shape (patterns,), and what was
            read, shape (patterns, ...).
        """
        patterns = error_patterns(self.mixtures, shots, generator)
        found: dict[int, NDArray[np.float64]] = {}
        for number, state in self.states(list(patterns)):
            found[number] = reading(probabilities_of(state))
        read = np.array([found[number] for number in range(len(patterns))])
        return np.array(list(patterns.values()), dtype=np.int64), read

    def states(self, patterns: Sequence[Pattern]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The final state of every pattern of errors.

        Args:
            patterns: The patterns.

        Yields:
            The number of a pattern and its state, shape (2^(qubits + 1),), in an order in which
            what comes before the first error is simulated once for all.
        """
        n_blocks = len(self._blocks)
        first = [min((self._block_of[g] for g, _ in p), default=n_blocks) for p in patterns]
        state, reached = None, 0
        for number in sorted(range(len(patterns)), key=first.__getitem__):
            if first[number] > reached or state is None:
                gates = self._ideal[reached : first[number]]
                state = evolved(self._n_qubits, gates, self._threads, state)
                reached = first[number]
            errors = dict(patterns[number])
            changed = {self._block_of[gate] for gate in errors}
            gates = []
            for block in range(reached, n_blocks):
                gates += self._written(block, errors) if block in changed else [self._ideal[block]]
            yield number, evolved(self._n_qubits, gates, self._threads, state)

    def _written(self, block: int, errors: Mapping[int, int]) -> list[Gate]:
        """The gates of a block one by one, which takes less time than their product."""
        return [
            (self._places[gate], self.mixtures[gate].written[errors.get(gate, 0)])
            for gate, _ in self._blocks[block].gates
            if gate in errors or self.mixtures[gate].usual is not None
        ]


def _listed(matrices: Matrices) -> list[list[float]]:
    listed: list[list[float]] = entries(matrices).tolist()
    return listed
