"""Collected counts as the engine of a study takes them: each shot once, shared out at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import load_device
from qucnn_cirq.engines.collected import CountsSource, angle_rows
from qucnn_cirq.errors import InputError
from studies.elsewhere.counts import Collected
from studies.elsewhere.manifest import JobPoint, Manifest

_SAME_ANGLE = 1e-6
"""Radians by which angles may differ that another machine solved for."""

Sparse = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Outcomes and their counts."""


class Replay(CountsSource):
    """Hands out the counts of one point; see `qucnn_cirq.engines.collected.CountsSource`.

    Points of different repetitions, and equal patches of one point, get different shots of a
    circuit: all shots are dealt out at random, without replacement, the same way each time.

    Args:
        manifest: The jobs.
        found: What was collected.
        point: The point.
        scale: Shots that are wanted now over those that the jobs asked for.
        noise: The noise that predicts; None for that of the point.
    """

    def __init__(
        self,
        manifest: Manifest,
        found: Collected,
        point: JobPoint,
        scale: float = 1.0,
        noise: Noise | None = None,
    ) -> None:
        self.noise = noise
        self._manifest = manifest
        self._found = found
        self._point = point
        self._scale = scale
        self._numbers = {each.digest: number for number, each in enumerate(manifest.templates)}
        self._trees: dict[tuple[int, int], cKDTree] = {}
        self._places: dict[int, list[Template]] = {}
        self._left: dict[str, Sparse] = {}
        self._dealers: dict[str, np.random.Generator] = {}

    def counts(self, template: Template, tables: AngleTables, shots: int) -> list[Sparse]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        number, circuits = self._circuits(template, tables)
        return [self._dealt(number, circuit, shots) for circuit in circuits.tolist()]

    def places(
        self, template: Template, tables: AngleTables
    ) -> tuple[Sequence[Template], NDArray[np.intp]]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        rows = angle_rows(tables)
        number = self._numbers.get(template.digest)
        if number is None:
            # Predicted alone, such as a gradient in other circuits.
            return [template], np.zeros(len(rows), dtype=np.intp)
        jobs = self._manifest.templates[number]
        # What a reader multiplies by is predicted from other values than those that are run.
        angles = rows.shape[1] - np.shape(tables["upstream"])[1]
        distances, circuits = self._tree(number, angles).query(rows[:, :angles], p=np.inf)
        chosen = np.where(distances > _SAME_ANGLE, len(jobs.places), 0)
        known = chosen == 0
        chosen[known] = jobs.chosen[circuits[known]]
        return [*self._moved(template, number), template], chosen.astype(np.intp)

    def _moved(self, template: Template, number: int) -> list[Template]:
        """A template in each of its places."""
        if number in self._places:
            return self._places[number]
        jobs = self._manifest.templates[number]
        qubits = {str(qubit): qubit for qubit in load_device(jobs.device).graph}
        moved = []
        for place in jobs.places:
            try:
                positions = {
                    own: qubits[name] for own, name in zip(template.qubits, place, strict=True)
                }
            except (KeyError, ValueError):
                raise InputError(
                    f"device {jobs.device!r} is not the one that the jobs were made for."
                ) from None
            same = all(own == qubit for own, qubit in positions.items())
            moved.append(template if same else template.moved(positions))
        self._places[number] = moved
        return moved

    def _tree(self, number: int, angles: int) -> cKDTree:
        """The circuits of a template, by the first of their angles."""
        if (number, angles) not in self._trees:
            rows = self._manifest.templates[number].rows
            self._trees[number, angles] = cKDTree(np.ascontiguousarray(rows[:, :angles]))
        return self._trees[number, angles]

    def _circuits(self, template: Template, tables: AngleTables) -> tuple[int, NDArray[np.intp]]:
        """The number of a template, and of the circuits that rows of angles make of it."""
        number = self._numbers.get(template.digest)
        if number is None:
            raise InputError(
                "the study runs circuits that are not among the jobs: it was compiled otherwise, "
                "or asks for more than when they were made."
            )
        rows = angle_rows(tables)
        width = self._manifest.templates[number].rows.shape[1]
        if rows.shape[1] != width:
            raise InputError("the study binds its circuits otherwise than when jobs were made.")
        distances, circuits = self._tree(number, width).query(rows, p=np.inf)
        if (distances > _SAME_ANGLE).any():
            raise InputError(
                f"{(distances > _SAME_ANGLE).sum()} of {len(rows)} circuits are not among the "
                "jobs: images, filters or angles are others than when they were made."
            )
        return number, circuits

    def _dealt(self, template: int, circuit: int, shots: int) -> Sparse:
        """Shots of a circuit that this point did not have before."""
        key = self._manifest.templates[template].ids[circuit]
        if key not in self._left:
            self._left[key] = self._share(template, circuit)
            self._dealers[key] = _generator(key, self._point.draw, 1)
        outcomes, left = self._left[key]
        if left.sum() < shots:
            raise InputError(
                f"circuit {key} has {left.sum()} shots left for this point, which takes {shots}."
            )
        taken = _drawn(self._dealers[key], left, shots)
        self._left[key] = outcomes, left - taken
        return outcomes, taken

    def _share(self, template: int, circuit: int) -> Sparse:
        """What the point's repetition gets of a circuit."""
        key = self._manifest.templates[template].ids[circuit]
        pairs = sorted(self._found.counts.get(key, {}).items())
        outcomes, left = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        for draw, shots in self._manifest.needs[template][circuit].items():
            wanted = min(int(np.ceil(shots * self._scale)), int(left.sum()))
            taken = _drawn(_generator(key, draw, 0), left, wanted)
            if draw == self._point.draw:
                return outcomes, taken
            left = left - taken
        return outcomes, 0 * left


def has_all(manifest: Manifest, found: Collected, point: JobPoint, scale: float = 1.0) -> list[str]:
    """The circuits that a point lacks shots of.

    Args:
        manifest: The jobs.
        found: What was collected.
        point: The point.
        scale: As for `Replay`.
    """
    lacking = []
    for (template, circuit), shots in manifest.shots_of(point).items():
        key = manifest.templates[template].ids[circuit]
        before = sum(
            int(np.ceil(own * scale))
            for draw, own in manifest.needs[template][circuit].items()
            if draw < point.draw
        )
        if found.shots(key) < before + int(np.ceil(shots * scale)):
            lacking.append(key)
    return lacking


def _generator(key: str, draw: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([int(key[1:], 16), draw, purpose])


def _drawn(
    generator: np.random.Generator, counts: NDArray[np.int64], shots: int
) -> NDArray[np.int64]:
    """So many of the counted shots, at random."""
    if counts.sum() == shots:
        return counts
    return generator.multivariate_hypergeometric(counts, shots, method="marginals")
