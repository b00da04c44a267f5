"""The quantum convolutional network: two-qubit convolutions and pooling, to one qubit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

import attrs

from noise_models import fields
from noise_models.checks import true_or_false
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters.places import Places, round_two_rows
from qucnn_cirq.filters.shared_angles import (
    Block,
    Feed,
    Flip,
    MeasuredBlock,
    Plain,
    SharedAngles,
    Step,
    Turn,
    controlled_flip,
    general_steps,
)

BLOCKS = {"su4": 15, "so4": 6}
"""Angles of each kind of block."""

_CZ_OF_MEASURED = 2
"""Of any block on two qubits of which one is then measured."""
POOLINGS = ("deferred", "measured")
"""How the qubit that is not kept decides what happens to the other one."""
_POOLING = 2
"""Angles of the pooling of a layer."""


@attrs.frozen
class QCNNBody(SharedAngles):
    """Layers of convolution and pooling, each on half of the qubits of the one before.

    A convolution is one block, the same on all pairs of neighbours of a ring: pairs 1 2, 3 4, ...,
    n-1 0 first and then 0 1, 2 3, .... Pooling on a pair rotates the qubit that is kept by RZ if
    the other one is 1 and by RX if it is 0. Afterwards the other one is left alone: measured or
    not, it makes no difference to what is kept. Of the pairs 0 1, 2 3, ... the second and the
    first qubit are kept in turn. On eight qubits round a block of 2x4 these are the four in the
    middle, so that every ring is one of neighbours.

    The parameters are, layer by layer, the angles of the block in order of time and those of
    pooling, RZ's first. The block "su4" is general: RZ, RY, RZ on both qubits, three CNOTs with
    three rotations between them and the six rotations again. "so4" is RY on both qubits thrice,
    with CZ between: every rotation of SO(4).

    After Cong, Choi and Lukin, Nature Physics 15, 1273, with the blocks and the pooling of Hur,
    Kim and Park, arXiv:2108.00661: 51 parameters on eight qubits. There pairs 0 1, 2 3, ... come
    before the others, always the first of a pair is kept and "so4" has CNOTs, which makes other
    angles of the same rotations.

    Attributes:
        block: "su4" of 15 angles and three CZ, or "so4" of 6 angles and two CZ.
        merged: Whether a block and the pooling on its pair are written together, in three CZ; else
            pooling takes two CZ of its own. Parameters and derivatives are the same.
        pooling: "deferred": as gates on two qubits; or "measured": the qubit that is not kept is
            measured, and its record, readout error included, decides on the signs of the turns of
            the other one. Then the block on both takes two CZ at most.

    Raises:
        InputError: If a value is not among those.
    """

    kind: ClassVar[str] = "qcnn"

    block: str = fields.one_of(BLOCKS, default="su4")
    merged: bool = fields.checked(true_or_false, default=True)
    pooling: str = fields.one_of(POOLINGS, default="deferred")

    def __attrs_post_init__(self) -> None:
        if self.pooling == "measured" and not self.merged:
            raise InputError(
                "merged = false has no effect with pooling = 'measured', which takes no gates on "
                "two qubits: leave it out."
            )

    def kept(self, n_qubits: int) -> tuple[tuple[int, ...], ...]:
        """The qubits that each layer acts on, in the order of its ring; the one that is read last.

        Args:
            n_qubits: Size of the register, a power of 2.

        Raises:
            InputError: If it is none, or 1.
        """
        if n_qubits < 2 or n_qubits & (n_qubits - 1):
            raise InputError(
                f"a QCNN on {n_qubits} qubits cannot keep half of them in every layer: use a "
                "register of 2, 4, 8, ... qubits."
            )
        rings = [tuple(range(n_qubits))]
        while len(rings[-1]) > 1:
            rings.append(tuple(kept for _, kept in _pools(rings[-1])))
        return tuple(rings)

    def read_qubit(self, n_qubits: int) -> int:
        """The number of the qubit that is left after the last pooling.

        Args:
            n_qubits: Size of the register, a power of 2.
        """
        ((qubit,),) = self.kept(n_qubits)[-1:]
        return qubit

    def n_parameters(self, n_qubits: int) -> int:
        """The angles of one block and of one pooling for each layer."""
        return (len(self.kept(n_qubits)) - 1) * (BLOCKS[self.block] + _POOLING)

    def steps(self, n_qubits: int) -> Iterator[Step]:
        """The layers; see `SharedAngles.steps`."""
        block = general_steps if self.block == "su4" else _so4
        parameter = 0
        for ring in self.kept(n_qubits)[:-1]:
            pooling = parameter + BLOCKS[self.block]
            for pair in _between(ring):
                yield from block(pair, parameter)
            for pair, pool in zip(_pairs(ring), _pools(ring), strict=True):
                if self.pooling == "measured":
                    yield from _measured(pair, tuple(block(pair, parameter)), pool, pooling)
                    continue
                steps = (*block(pair, parameter), *_coherent(pool, pooling))
                yield from (Block(*pair, steps),) if self.merged else steps
            parameter = pooling + _POOLING

    def places(self, n_qubits: int) -> Places:
        """Round two rows; from 16 qubits on some pairs are apart."""
        return round_two_rows(n_qubits)


def _between(ring: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Pairs of neighbours 1 2, 3 4, ..., n-1 0 of a ring, unless it is a pair."""
    if len(ring) > 2:
        yield from zip(ring[1::2], (*ring[2::2], ring[0]), strict=True)


def _pairs(ring: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Pairs of neighbours 0 1, 2 3, ... of a ring."""
    return zip(ring[::2], ring[1::2], strict=True)


def _pools(ring: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """(left, kept) of each of these pairs, so that the kept ones are neighbours."""
    return (pair if n % 2 == 0 else pair[::-1] for n, pair in enumerate(_pairs(ring)))


def _so4(pair: tuple[int, int], parameter: int) -> Iterator[Plain]:
    for layer in range(3):
        if layer:
            yield Flip(*pair)
        yield from (Turn("y", qubit, parameter + 2 * layer + n) for n, qubit in enumerate(pair))


def _measured(
    pair: tuple[int, int], block: tuple[Plain, ...], pool: tuple[int, int], parameter: int
) -> Iterator[Step]:
    """A block of two CZ as it is, one of three in two, and pooling by a record."""
    pooling = tuple(_pooling(pool, parameter, (Feed(*pool),)))
    if sum(isinstance(step, Flip) for step in block) > _CZ_OF_MEASURED:
        yield MeasuredBlock(*pair, block, pooling, between=1)
    else:
        yield from block
        yield from pooling


def _coherent(pair: tuple[int, int], parameter: int) -> Iterator[Plain]:
    """Pooling in two CZ."""
    return _pooling(pair, parameter, controlled_flip("y", pair))


_Flip = TypeVar("_Flip", bound=Step)


def _pooling(
    pair: tuple[int, int], parameter: int, flip: tuple[_Flip, ...]
) -> Iterator[Turn | _Flip]:
    """RZ(a) on the second qubit if the first is 1, RX(b) if it is 0, by two flips Y if it is 1.

    RX(b) = RX(b/2) RX(b/2), and with a flip Y on both sides of RX(b/2) RZ(-a/2) it is
    RX(-b/2) RZ(a/2): so RX(b/2) Y RX(b/2) RZ(-a/2) Y RZ(a/2) = RZ(a).
    """
    kept = pair[1]
    yield Turn("z", kept, parameter, 0.5)
    yield from flip
    yield Turn("z", kept, parameter, -0.5)
    yield Turn("x", kept, parameter + 1, 0.5)
    yield from flip
    yield Turn("x", kept, parameter + 1, 0.5)
