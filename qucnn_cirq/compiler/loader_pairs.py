"""Which loaders a patch and a fixed filter have together.

A loader may leave out a last unitary that is the same for every vector, its frame. Overlaps do not
change if patch and filter are in the same frame, so that both are loaded with fewer gates; but a
patch or filter that a short word loads, which is in no frame, is better off without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader, SideBySide, StateLoader

_FOR_REAL = 2
"""How many more gates real amplitudes are worth."""


class LoaderPair(NamedTuple):
    """The loaders of both registers.

    Attributes:
        patch: That of the patch.
        filter: That of a filter with a fixed vector, or that is loaded as one; other filters do not
            look at it.
    """

    patch: Loader
    filter: Loader

    @property
    def gates(self) -> int:
        """Two-qubit gates of both."""
        return self.patch.cost[0] + self.filter.cost[0]


@dataclass(frozen=True, eq=False)
class LoaderPairs:
    """The pairs of loaders of a filter.

    Attributes:
        generic: The pair that loads every patch with the fewest gates.
        of_filter: What prepares the filter; its table of angles serves every pair.
        by_frame: The loader of the filter that goes with each frame of the patch's.
        prefers_real: Whether real amplitudes on the way are worth a few gates.
    """

    generic: LoaderPair
    of_filter: Loader
    by_frame: Mapping[str, Loader]
    prefers_real: bool

    @classmethod
    def of(
        cls,
        loader: Loader,
        vector: NDArray[np.float64] | None,
        prefers_real: bool,
        loads_circuit: bool = False,
        tolerance: float | None = None,
    ) -> Self:
        """The pairs of a loader of patches.

        Args:
            loader: It loads every patch, in no frame.
            vector: The filter's real unit vector, shape (2^n,); None if it has none.
            prefers_real: Whether real amplitudes on the way are worth a few gates, see
                `Request.prefers_real`.
            loads_circuit: Whether a filter that has none is a circuit that is loaded as a vector.
            tolerance: Of `family`, as for `Loader.family`.
        """
        if vector is None and loads_circuit:
            return cls._of_circuit(loader)
        if vector is None or loader.merges_filter:
            by_frame = {loader.frame: loader}
            return cls(LoaderPair(loader, loader), loader.alone(), by_frame, prefers_real)
        framed = loader.framed()
        if framed is None:
            own = loader.exact_for(vector)
            return cls(LoaderPair(loader, own), own, {loader.frame: own}, prefers_real)
        filter_framed = framed.exact_for(vector)
        in_frame = LoaderPair(framed, filter_framed)
        least = sum(min(each.cost[0] for each in loader.family(of)) for of in (tolerance, None))
        if least > in_frame.gates + _FOR_REAL:
            # No patch is better off in no frame: no need to search for the filter there.
            return cls(in_frame, filter_framed, {framed.frame: filter_framed}, prefers_real)
        both = SideBySide((loader.exact_for(vector), filter_framed))
        plain, in_frame = LoaderPair(loader, both.part(0)), LoaderPair(framed, both.part(1))
        return cls(
            min(plain, in_frame, key=lambda pair: pair.gates),
            both,
            {pair.patch.frame: pair.filter for pair in (plain, in_frame)},
            prefers_real,
        )

    @property
    def filter_words(self) -> tuple[str, ...]:
        """What circuits of filters must have in common to differ in their angles alone."""
        of_filter = self.of_filter
        each_frame = of_filter.loaders if isinstance(of_filter, SideBySide) else (of_filter,)
        return tuple(f"{each.name} {each.settings()}" for each in each_frame)

    @property
    def last_resort(self) -> LoaderPair | None:
        """The pair for what the family misses; None if it has closed forms for all patches."""
        last = self.generic.patch.last_resort()
        return None if last is None else LoaderPair(last, self.generic.filter)

    @classmethod
    def _of_circuit(cls, loader: Loader) -> Self:
        """The pairs where the filter is a circuit that is loaded as a vector.

        Its angles are searched for once, in the patch's frame if there is one; it is complex in any
        case, so that real amplitudes of the patch are not worth more gates.
        """
        framed = loader.framed()
        if framed is None:
            state = StateLoader(loader.n_qubits)
            return cls(LoaderPair(loader, state), state, {loader.frame: state}, False)
        state = StateLoader(loader.n_qubits, framed)
        released = StateLoader(loader.n_qubits, framed, leaves_frame=True)
        by_frame = {framed.frame: state, loader.frame: released}
        return cls(LoaderPair(framed, state), state, by_frame, False)

    def family(self, tolerance: float | None) -> tuple[LoaderPair, ...]:
        """The pairs for all patches, best first.

        They are those that are better than the generic one for what they load, the generic one,
        and what loads in the same frame what it misses.

        Args:
            tolerance: As for `Loader.family`.
        """
        loader = self.generic.patch
        others = loader.unframed().family(tolerance)
        frames = self.by_frame
        pairs = [LoaderPair(each, frames[each.frame]) for each in others if each.frame in frames]
        if not loader.frame:
            return tuple(pairs)
        in_frame = loader.family(tolerance)
        own = [LoaderPair(each, self.generic.filter) for each in in_frame]
        place = in_frame.index(loader)
        # Not for what loads a patch worse, where the frame has shorter words for that.
        takes_real = self.prefers_real and not place
        better = [
            pair
            for pair in pairs
            if pair.gates < self.generic.gates
            or (takes_real and pair.patch.is_real and pair.gates <= self.generic.gates + _FOR_REAL)
        ]
        # Of as many gates in all those for the filter, which is exact, first.
        shorter = sorted([*own[:place], *better], key=lambda pair: (pair.gates, pair.patch.cost[0]))
        return (*shorter, *own[place:])
