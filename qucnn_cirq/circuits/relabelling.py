"""How bits that a circuit records give those that are asked for: by parities.

Gates at the end of a circuit that permute computational basis states, such as CNOTs, need not be
run: what is recorded before them tells what would have been recorded after them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class Relabelling:
    """Each bit that is asked for as a parity of recorded bits, perhaps flipped.

    Attributes:
        places: For each bit its places among the recorded ones; no parity follows from others.
        flips: For each bit 1 if the parity is flipped, else 0.
        n_recorded: How many bits are recorded.
    """

    places: tuple[tuple[int, ...], ...]
    flips: tuple[int, ...]
    n_recorded: int

    @property
    def is_plain(self) -> bool:
        """Whether the recorded bits are those that are asked for."""
        own = tuple((place,) for place in range(self.n_recorded))
        return self.places == own and not any(self.flips)

    @functools.cached_property
    def _outcomes(self) -> NDArray[np.intp]:
        """What each recorded outcome, big-endian, stands for, shape (2^recorded,)."""
        recorded = np.arange(1 << self.n_recorded)
        found = np.zeros(len(recorded), dtype=np.intp)
        for places, flip in zip(self.places, self.flips, strict=True):
            bit = np.full(len(recorded), flip)
            for place in places:
                bit ^= (recorded >> (self.n_recorded - 1 - place)) & 1
            found = 2 * found + bit
        return found

    def read(self, recorded: NDArray[Number]) -> NDArray[Number]:
        """Numbers of recorded outcomes, summed for each outcome that they stand for.

        Args:
            recorded: Counts or probabilities, shape (..., 2^recorded).

        Returns:
            Shape (..., 2^bits).
        """
        # Each outcome is that of equally many recorded ones, as no parity follows from others.
        order = np.argsort(self._outcomes, kind="stable").reshape(1 << len(self.places), -1)
        found: NDArray[Number] = recorded[..., order].sum(axis=-1)
        return found

    def products(
        self, products: Sequence[tuple[int, ...]]
    ) -> tuple[list[tuple[int, ...]], NDArray[np.float64]]:
        """Products of signs of bits as such of recorded ones.

        Args:
            products: For each the places of its bits among those that are asked for.

        Returns:
            For each the places among the recorded bits, and 1 or -1 to multiply it by, shape
            (products,).
        """
        found, signs = [], []
        for product in products:
            own: set[int] = set()
            for bit in product:
                own ^= set(self.places[bit])
            found.append(tuple(sorted(own)))
            signs.append((-1.0) ** sum(self.flips[bit] for bit in product))
        return found, np.array(signs)
