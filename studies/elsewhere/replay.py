"""Collected counts as the engine of a study takes them: each shot once, shared out at random."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import load_device
from qucnn_cirq.engines.collected import CountsError, CountsSource, angle_rows
from studies.elsewhere.counts import Collected
from studies.elsewhere.manifest import JobPoint, Manifest, TemplateJobs
from studies.elsewhere.rounds import Rounds

_SAME_ANGLE = 1e-6
"""Radians by which angles may differ that another machine solved for."""

Sparse = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Outcomes and their counts."""


class Replay:
    """Hands out the counts of one point in one round.

    Points of different repetitions, and equal patches of one point, get different shots of a
    circuit: all shots are dealt out at random, without replacement, the same way each time.

    Args:
        manifest: The jobs.
        found: What was collected.
        point: The point.
    """

    def __init__(self, manifest: Manifest, found: Collected, point: JobPoint) -> None:
        self._manifest = manifest
        self._found = found
        self._point = point
        self._numbers = {each.digest: number for number, each in enumerate(manifest.templates)}
        self._trees: dict[tuple[int, int], cKDTree] = {}
        self._places: dict[int, list[Template]] = {}
        self._left: dict[str, Sparse] = {}
        self._dealers: dict[str, np.random.Generator] = {}

    def counts(self, template: Template, tables: AngleTables, shots: int) -> list[Sparse]:
        """Counts of circuits; see `qucnn_cirq.engines.collected.CountsSource.counts`.

        Args:
            template: The compiled circuit.
            tables: The angle tables.
            shots: Shots of each circuit.

        Returns:
            For each row of `angle_rows` outcomes and counts, each of shape (outcomes,).

        Raises:
            InputError: If the point has too few of a circuit.
        """
        number, circuits = self.circuits(template, tables)
        return [self._dealt(number, circuit, shots) for circuit in circuits.tolist()]

    def places(
        self, template: Template, tables: AngleTables
    ) -> tuple[Sequence[Template], NDArray[np.intp]]:
        """Where circuits were run; see `qucnn_cirq.engines.collected.CountsSource.places`.

        Args:
            template: The compiled circuit.
            tables: The angle tables.

        Returns:
            The circuit in each of its places, and the number of its place for each row of
            `angle_rows`, shape (rows,).
        """
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
        self._places[number] = [
            in_place(template, jobs, place) for place in range(len(jobs.places))
        ]
        return self._places[number]

    def _tree(self, number: int, angles: int) -> cKDTree:
        """The circuits of a template, by the first of their angles."""
        if (number, angles) not in self._trees:
            rows = self._manifest.templates[number].rows
            self._trees[number, angles] = cKDTree(np.ascontiguousarray(rows[:, :angles]))
        return self._trees[number, angles]

    def circuits(self, template: Template, tables: AngleTables) -> tuple[int, NDArray[np.intp]]:
        """Which circuits of the jobs rows of angles make of a template.

        Args:
            template: The compiled circuit.
            tables: As for `qucnn_cirq.engines.Engine.run`.

        Returns:
            The number of the template, and of the circuit for each row of `angle_rows`, shape
            (rows,).

        Raises:
            CountsError: If there is one that is not among the jobs.
        """
        number = self._numbers.get(template.digest)
        if number is None:
            raise CountsError(
                "the study runs circuits that are not among the jobs: it was compiled otherwise, "
                "or asks for more than when they were made."
            )
        rows = angle_rows(tables)
        width = self._manifest.templates[number].rows.shape[1]
        if rows.shape[1] != width:
            raise CountsError("the study binds its circuits otherwise than when jobs were made.")
        distances, circuits = self._tree(number, width).query(rows, p=np.inf)
        if (distances > _SAME_ANGLE).any():
            raise CountsError(
                f"{(distances > _SAME_ANGLE).sum()} of {len(rows)} circuits are not among the "
                "jobs: images, filters or angles are others than when they were made."
            )
        return number, circuits

    def _dealt(self, template: int, circuit: int, shots: int) -> Sparse:
        """Shots of a circuit that this point did not have before."""
        key = self._manifest.templates[template].ids[circuit]
        if key not in self._left:
            self._left[key] = self._share(template, circuit)
        outcomes, left = self._left[key]
        if left.sum() < shots:
            raise CountsError(
                f"circuit {key} has {left.sum()} shots left for this point, which takes {shots}."
            )
        taken = _drawn(lambda: self._dealer(key), left, shots)
        self._left[key] = outcomes, left - taken
        return outcomes, taken

    def _dealer(self, key: str) -> np.random.Generator:
        if key not in self._dealers:
            self._dealers[key] = _generator(key, self._point.draw, 1)
        return self._dealers[key]

    def _share(self, template: int, circuit: int) -> Sparse:
        """What the point's repetition gets of a circuit."""
        key = self._manifest.templates[template].ids[circuit]
        pairs = sorted(self._found.used(key).items())
        outcomes, left = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        for draw, shots in self._manifest.needs[template][circuit].items():
            wanted = min(shots, int(left.sum()))
            taken = _drawn(functools.partial(_generator, key, draw, 0), left, wanted)
            if draw == self._point.draw:
                return outcomes, taken
            left = left - taken
        return outcomes, 0 * left


class RoundsReplay(CountsSource):
    """Hands out the counts of one point, round after round.

    Each call is served by the round that it was made in, with the counts that decided the next
    one: however many counts come later, an earlier call gets the same.

    Args:
        rounds: The rounds.
        found: What was collected.
        identity: The point.
        noise: The noise that predicts; None for that of the point.
    """

    def __init__(
        self, rounds: Rounds, found: Collected, identity: str, noise: Noise | None = None
    ) -> None:
        self.noise = noise
        own = rounds.of_point(identity)
        self._rounds = [Replay(manifest, found, point) for manifest, point in own]
        self._number = 0
        self._is_asked = False

    @property
    def is_over(self) -> bool:
        """Whether what is asked for now belongs to no round that was made."""
        return self._number == len(self._rounds)

    def counts(self, template: Template, tables: AngleTables, shots: int) -> list[Sparse]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        if self.is_over:
            raise CountsError("the study asks for more circuits than when the jobs were made.")
        self._is_asked = True
        return self._rounds[self._number].counts(template, tables, shots)

    def places(
        self, template: Template, tables: AngleTables
    ) -> tuple[Sequence[Template], NDArray[np.intp]]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        if not self._rounds:
            return [template], np.zeros(len(angle_rows(tables)), dtype=np.intp)
        # What is predicted at the end was run last.
        return self._rounds[min(self._number, len(self._rounds) - 1)].places(template, tables)

    def await_counts(self) -> None:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        if self._is_asked:
            self._number += 1
            self._is_asked = False


def in_place(template: Template, jobs: TemplateJobs, place: int) -> Template:
    """A template on the qubits where it was run.

    Args:
        template: The compiled circuit.
        jobs: Its circuits.
        place: The number of the place.

    Raises:
        CountsError: If the device is another by now.
    """
    qubits = {str(qubit): qubit for qubit in load_device(jobs.device).graph}
    try:
        positions = {
            own: qubits[name] for own, name in zip(template.qubits, jobs.places[place], strict=True)
        }
    except (KeyError, ValueError):
        raise CountsError(
            f"device {jobs.device!r} is not the one that the jobs were made for."
        ) from None
    same = all(own == qubit for own, qubit in positions.items())
    return template if same else template.moved(positions)


def lacking_of(manifest: Manifest, found: Collected, point: JobPoint) -> list[str]:
    """The circuits that a point lacks shots of.

    Args:
        manifest: The jobs.
        found: What was collected.
        point: The point.
    """
    lacking = []
    for (template, circuit), shots in manifest.shots_of(point).items():
        key = manifest.templates[template].ids[circuit]
        before = sum(
            own for draw, own in manifest.needs[template][circuit].items() if draw < point.draw
        )
        if found.shots(key) < before + shots:
            lacking.append(key)
    return lacking


def _generator(key: str, draw: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([int(key[1:], 16), draw, purpose])


def _drawn(
    generator: Callable[[], np.random.Generator], counts: NDArray[np.int64], shots: int
) -> NDArray[np.int64]:
    """So many of the counted shots, at random; most often all, for which nothing is drawn."""
    if counts.sum() == shots:
        return counts
    return generator().multivariate_hypergeometric(counts, shots, method="marginals")
