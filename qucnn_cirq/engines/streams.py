"""Random streams that belong to images and filters, and what an engine returns."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noise_models.drift import FIRST_CONTENT_ID
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.patches import Patches


@dataclass(frozen=True, eq=False)
class Streams:
    """One random stream for each image and filter of a run.

    A stream is derived from what it is for, never from when it is used, so the same image gives
    the same shots in any batch, order or process. Rows of equal numbers, those of one filter with
    its angles shifted, say, take from one stream, one after the other.

    Attributes:
        seed: Seed of the run.
        filters: Number of each filter (row).
        images: Identifying number of the image of each patch (column), shape (patches,); patches of
            one image side by side in raster order.
        variant: Number of the circuit, where the patches of an image are shared among several.
        purpose: Sets runs of the same seed apart: see `forward_purpose` and
            `backward_purpose`.
    """

    seed: int
    filters: tuple[int, ...]
    images: NDArray[np.integer]
    variant: int = 0
    purpose: int = 0

    def of_variant(self, variant: int) -> Streams:
        """The streams of another circuit.

        Args:
            variant: Its number.
        """
        return replace(self, variant=variant)

    def binomial(
        self, shots: int | NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Counts of an event in ``shots`` independent shots.

        Args:
            shots: Shots for each item, one number for all or shape (filters, patches).
            probabilities: Shape (filters, patches). Rounding may leave one outside [0, 1] by
                1e-7; it is taken as the nearest end.
        """
        clipped = np.clip(probabilities, 0, 1)
        trials = np.broadcast_to(shots, clipped.shape)
        counts = np.empty(clipped.shape, dtype=np.int64)
        for items, sequence in self._sequences():
            generator = np.random.default_rng(sequence)
            counts[items] = generator.binomial(trials[items], clipped[items])
        return counts

    def multinomial(self, shots: int, distributions: NDArray[np.float64]) -> NDArray[np.int64]:
        """Counts of every outcome in ``shots`` independent shots.

        Args:
            shots: Shots for each item.
            distributions: Probabilities, shape (filters, patches, outcomes). What rounding leaves
                below 0 is taken as 0, and a sum that is not quite 1 as 1.

        Returns:
            Counts of the same shape.
        """
        counts = np.empty(distributions.shape, dtype=np.int64)
        for items, sequence in self._sequences():
            own = np.maximum(distributions[items], 0.0)
            own /= own.sum(axis=-1, keepdims=True)
            counts[items] = np.random.default_rng(sequence).multinomial(shots, own)
        return counts

    def item_seeds(self) -> NDArray[np.uint64]:
        """A seed for each item, shape (filters, patches)."""
        seeds = np.empty((len(self.filters), len(self.images)), dtype=np.uint64)
        for items, sequence in self._sequences():
            shape = seeds[items].shape
            seeds[items] = sequence.generate_state(math.prod(shape), np.uint64).reshape(shape)
        return seeds

    def _sequences(self) -> Iterator[tuple[tuple[_Places, _Places], np.random.SeedSequence]]:
        """The items of each stream, as an index of two axes, and the stream."""
        columns_of = _places(self.images)
        for number, rows in _places(np.array(self.filters)):
            for image, columns in columns_of:
                identity = [self.seed, self.purpose, image, number, self.variant]
                sequence = np.random.SeedSequence(identity)
                if isinstance(rows, slice) or isinstance(columns, slice):
                    yield (rows, columns), sequence
                else:
                    yield (rows[:, None], columns), sequence


_Places = slice | NDArray[np.intp]


def _places(numbers: NDArray[np.integer]) -> list[tuple[int, _Places]]:
    """Each number and where it stands, ascending; side by side as a rule."""
    order = np.argsort(numbers, kind="stable")
    distinct, starts, counts = np.unique(numbers[order], return_index=True, return_counts=True)
    found: list[tuple[int, _Places]] = []
    for number, start, count in zip(distinct.tolist(), starts, counts, strict=True):
        places = order[start : start + count]
        first, last = int(places[0]), int(places[-1])
        is_run = last - first + 1 == count
        found.append((number, slice(first, last + 1) if is_run else places))
    return found


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an engine found for every filter (row) and patch (column).

    Attributes:
        means: Means of the observable without shot noise, shape (filters, patches); None if the
            engine only sampled.
        counts: Shots with the observable's larger value, shape (filters, patches); None if no shots
            were asked for.
    """

    means: NDArray[np.float64] | None
    counts: NDArray[np.int64] | None


def content_ids(patches: Patches, seen: Counter[bytes] | None = None) -> NDArray[np.int64]:
    """Numbers that identify images by what is in their patches.

    Equal images of one call are told apart by how many of them came before. The numbers are the
    same on every machine, and larger than any with which a user would count images.

    Args:
        patches: The patches of all images of a call, blank ones included, or of some of them.
        seen: How many images of each content came before; it counts these as well. None if none
            came.

    Returns:
        Shape (images,): one number for each image, from `FIRST_CONTENT_ID` to 2^63 - 1.
    """
    ids = np.empty(patches.batch, dtype=np.int64)
    seen = Counter() if seen is None else seen
    # Adding zero turns -0.0 into 0.0, so that equal images have equal bytes.
    values = (patches.vectors + 0.0).astype("<f8", copy=False)
    whole = memoryview(values.tobytes())
    size = len(whole) // max(1, patches.batch)
    for image in range(patches.batch):
        content = hashlib.sha256(whole[image * size : (image + 1) * size]).digest()
        number = hashlib.sha256(content + seen[content].to_bytes(8, "little")).digest()
        seen[content] += 1
        ids[image] = FIRST_CONTENT_ID + int.from_bytes(number[:8], "little") % FIRST_CONTENT_ID
    return ids


def forward_purpose(draw: int) -> int:
    """The purpose of the streams of a forward pass.

    Args:
        draw: Number of the run, at least 0.
    """
    return 2 * draw


def backward_purpose(draw: int) -> int:
    """The purpose of the streams of a gradient.

    Args:
        draw: Number of the gradient, at least 0.
    """
    return 2 * draw + 1


def outcome_from_means(
    means: NDArray[np.float64], template: Template, shots: int | None, streams: Streams
) -> Outcome:
    """Draws shots from exact means: shots are independent, so the counts are binomial.

    Args:
        means: Means of the observable, shape (filters, patches).
        template: The circuit, whose observable it is.
        shots: Shots for each item; None for the means alone.
        streams: The random streams of the items.
    """
    if shots is None:
        return Outcome(means, None)
    return Outcome(means, streams.binomial(shots, template.observable.probability(means)))
