"""The engine of counts that were taken elsewhere: it runs nothing and hands out what it has."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.drifting import DriftingEngine
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.outcomes import check_outcomes
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError

Array = NDArray[np.float64]


class CountsError(InputError):
    """Circuits that cannot be handed out, or whose counts are not there.

    A study that tells of what is not possible in its table must not take this for that.
    """


class CountsSource(ABC):
    """Where the counts of bound circuits come from.

    Attributes:
        predicts: Whether means are wanted beside the counts.
        noise: The noise that predicts them; None for that of whoever asks.
    """

    predicts: bool = True
    noise: Noise | None = None

    @abstractmethod
    def counts(
        self, template: Template, tables: AngleTables, shots: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """How often outcomes were recorded, for every filter and patch.

        Args:
            template: The compiled circuit.
            tables: As for `qucnn_cirq.engines.Engine.run`.
            shots: Shots of each circuit.

        Returns:
            For each row of `angle_rows` some outcomes, the first measured qubit being the most
            significant bit, and their counts, which add up to the shots, each of shape (outcomes,).

        Raises:
            CountsError: If it has none.
        """

    @abstractmethod
    def places(
        self, template: Template, tables: AngleTables
    ) -> tuple[Sequence[Template], NDArray[np.intp]]:
        """Where on the device circuits were run.

        Args:
            template: The compiled circuit.
            tables: As for `counts`.

        Returns:
            The circuit in each of its places, and the number of its place for each row of
            `angle_rows`, shape (filters * patches,).
        """

    @abstractmethod
    def await_counts(self) -> None:
        """Says that counts decide what is run next; see the function of this name."""


def angle_rows(tables: AngleTables) -> Array:
    """The angles that bind a circuit, for every filter and patch.

    Args:
        tables: As for `qucnn_cirq.engines.Engine.run`.

    Returns:
        Shape (filters * patches, angles), patches varying fastest; the tables in the order of their
        names.
    """
    n_filters, n_patches = _shape(tables)
    parts = []
    for name in sorted(tables):
        table = np.asarray(tables[name], dtype=float)
        parts.append(
            np.repeat(table, n_patches, axis=0)
            if name == "filter"
            else np.tile(np.broadcast_to(table, (n_patches, table.shape[1])), (n_filters, 1))
        )
    return np.concatenate(parts, axis=1)


def _shape(tables: AngleTables) -> tuple[int, int]:
    """How many filters and patches there are."""
    return len(tables["filter"]), len(tables["patch"])


class CollectedEngine(Engine):
    """Hands out counts, and has another engine predict what they should be.

    Args:
        predicting: Gives means and distributions under the layer's noise, each circuit in the place
            where it was run.
        source: Where the counts come from.
        noise: The noise that predicts; None for that of the source.
    """

    label = "collected counts"
    samples = True
    is_measured = True

    def __init__(
        self, predicting: Engine, source: CountsSource, noise: Noise | None = None
    ) -> None:
        self.name = f"collected, beside {predicting.name}"
        self._engine, self._predicting = predicting, DriftingEngine(predicting)
        self._source, self._noise = source, noise

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether the engine of the predictions does."""
        return self._predicting.gives_means(template, self.predicted_noise(noise))

    def predicted_noise(self, noise: Noise) -> Noise:
        """The noise that the counts come with, if any, or else that of whoever asks."""
        return self._noise or self._source.noise or noise

    def predicting(self, noise: Noise) -> Engine:
        """See `Engine.predicting`: the same counts beside predictions of that noise."""
        return CollectedEngine(self._engine, self._source, noise)

    def predicts(self, template: Template, noise: Noise) -> bool:
        """See `Engine.predicts`: not where it is only noted which circuits are run."""
        return self._source.predicts and self.gives_means(template, noise)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """See `Engine.run`: counts that were taken and, where they are wanted, predicted means.

        Without shots there are means alone.
        """
        means = None
        # Of a reader that differs from patch to patch engines give no means at once.
        is_possible = len(tables["upstream"]) == 1
        if shots is None or (is_possible and self.predicts(template, noise)):
            means = self._in_places(
                template, tables, lambda each: self._means(each, noise, tables, streams)
            )
        if shots is None:
            return Outcome(means, None)
        is_larger = template.observable.table == 1
        found = self._source.counts(template, tables, shots)
        counts = np.array([own[is_larger[outcomes]].sum() for outcomes, own in found], np.int64)
        return Outcome(means, counts.reshape(_shape(tables)))

    def distribution(self, template: Template, noise: Noise, tables: AngleTables) -> Array:
        """See `Engine.distribution`: what is predicted, of each circuit where it was run.

        The noise is that of `predicted_noise`.
        """
        own = self.predicted_noise(noise)
        return self._in_places(
            template, tables, lambda each: self._predicting.distribution(each, own, tables)
        )

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """See `Engine.outcome_counts`: those that were taken; noise and streams play no part."""
        check_outcomes(template.observable.qubits)
        found = self._source.counts(template, tables, shots)
        counts = np.zeros((len(found), len(template.observable.table)), dtype=np.int64)
        for row, (outcomes, own) in zip(counts, found, strict=True):
            row[outcomes] = own
        return counts.reshape(*_shape(tables), -1)

    def _means(
        self, template: Template, noise: Noise, tables: AngleTables, streams: Streams
    ) -> Array:
        own = self.predicted_noise(noise)
        means = self._predicting.run(template, own, tables, None, streams).means
        assert means is not None
        return means

    def _in_places(
        self, template: Template, tables: AngleTables, predicted: Callable[[Template], Array]
    ) -> Array:
        """What is predicted of each circuit in the place where it was run."""
        templates, numbers = self._source.places(template, tables)
        chosen = numbers.reshape(_shape(tables))
        found: Array | None = None
        for number in np.unique(chosen):
            own = predicted(templates[number])
            found = own.copy() if found is None else found
            here = chosen == number
            found[here] = own[here]
        return predicted(template) if found is None else found


_SOURCE: ContextVar[CountsSource | None] = ContextVar("counts of collected circuits", default=None)


@contextlib.contextmanager
def handing_out(source: CountsSource) -> Iterator[None]:
    """While it lasts, `measuring` makes engines that hand out counts.

    Args:
        source: Where the counts come from.
    """
    token = _SOURCE.set(source)
    try:
        yield
    finally:
        _SOURCE.reset(token)


def hands_out() -> bool:
    """Whether counts are handed out now."""
    return _SOURCE.get() is not None


def predicted_under(noise: NoiseConfiguration) -> NoiseConfiguration:
    """The noise that predicts what is measured: a study's, unless counts come with another.

    Args:
        noise: The study's.
    """
    source = _SOURCE.get()
    other = None if source is None or source.noise is None else source.noise.configuration
    return noise if other is None else other


def await_counts() -> None:
    """Says that the counts of all circuits run so far decide which circuits are run next.

    A study calls it where it decides, and as seldom as it can: what it asks for between two calls
    is handed out together. It has no effect where circuits are simulated.
    """
    source = _SOURCE.get()
    if source is not None:
        source.await_counts()


def measuring(engine: Engine) -> Engine:
    """The engine that measures in a study: the one that is given, or one of collected counts.

    Args:
        engine: What simulates; beside collected counts it predicts.
    """
    source = _SOURCE.get()
    return engine if source is None else CollectedEngine(engine, source)
