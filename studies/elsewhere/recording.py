"""Which circuits the points of a study run, found out by measuring them without any counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.feed_forward import controlling
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import Device
from qucnn_cirq.engines.collected import CountsError, CountsSource, angle_rows
from studies.elsewhere.replay import Replay, RoundsReplay

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, eq=False)
class Call:
    """Circuits that a point runs together.

    Attributes:
        template: The number of their template among the recorded ones.
        shots: Shots of each.
        circuits: The number of each among those of the template, shape (filters, patches).
    """

    template: int
    shots: int
    circuits: NDArray[np.int64]


@dataclass(eq=False)
class RecordedTemplate:
    """A compiled circuit, and all angles that it is bound with.

    Attributes:
        template: The compiled circuit.
        device: What it is compiled for.
        gate_set: The native two-qubit gate.
        widths: Names and columns of its tables, in the order of `angle_rows`.
        numbers: The number of each different row, by its bytes.
    """

    template: Template
    device: Device
    gate_set: str
    widths: tuple[tuple[str, int], ...]
    numbers: dict[bytes, int] = field(default_factory=dict)

    @property
    def rows(self) -> NDArray[np.float64]:
        """The different angles, shape (circuits, angles)."""
        return np.array([np.frombuffer(row, dtype="<f8") for row in self.numbers])

    def tables(self, row: NDArray[np.float64]) -> AngleTables:
        """The angle tables of one circuit.

        Args:
            row: One of `rows`, shape (angles,).
        """
        ends = np.cumsum([width for _, width in self.widths])
        parts = np.split(row[None], ends[:-1], axis=1)
        return {name: part for (name, _), part in zip(self.widths, parts, strict=True)}


def made_up(
    template: Template, circuits: int, shots: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Counts that nothing is kept of, such that bits and values differ from circuit to circuit.

    Args:
        template: The compiled circuit.
        circuits: How many.
        shots: Shots of each.

    Returns:
        For each circuit some outcomes and their counts, each of shape (outcomes,): the first and
        the last, in which every bit differs, and where both have the same value one of another.
    """
    table = template.observable.table
    others = table != table[0]
    ends = {0, len(table) - 1, int(np.argmax(others))} if others.any() else {0, len(table) - 1}
    outcomes = np.array(sorted(ends))
    # Parts that are far from those of the circuits before and after.
    parts = 0.05 + 0.9 * (_GOLDEN * np.arange(circuits) % 1)
    first = np.rint(parts * shots).astype(np.int64)
    counts = np.zeros((circuits, len(outcomes)), dtype=np.int64)
    counts[:, 0] = first
    counts[:, 1] = (shots - first) // (len(outcomes) - 1)
    counts[:, -1] += shots - counts.sum(axis=1)
    return [(outcomes, each) for each in counts]


class WaitingForCounts(BaseException):
    """Ends the measurement of a point whose next circuits are decided by counts to come.

    No `Exception`: whatever a study mends itself is none of this.
    """


class Recorder(CountsSource):
    """A source of no counts that takes note of the circuits it is asked for.

    A part of the shots is said to have had the first outcome and the others the last, a different
    part for each circuit, so that whatever is made of counts can be made of these, as what
    calibrations tell; nothing is kept of it. Where counts decide what is run next the point's
    measurement ends.

    Attributes:
        templates: The templates of the circuits that were noted.
        known: All templates that were asked for, by digest, those of earlier rounds too.
        waits: Whether the point that was begun last waits for counts.
    """

    predicts = False

    def __init__(self) -> None:
        self.templates: list[RecordedTemplate] = []
        self.known: dict[str, RecordedTemplate] = {}
        self.waits = False
        self._numbers: dict[str, int] = {}
        self._calls: list[Call] = []
        self._compiled_for: tuple[Device, str] | None = None
        self._earlier: RoundsReplay | None = None

    def begin(self, device: Device, gate_set: str, earlier: RoundsReplay | None = None) -> None:
        """Begins with another point.

        Args:
            device: What its circuits are compiled for.
            gate_set: The native two-qubit gate.
            earlier: The counts of earlier rounds; what is asked for in these is not noted.
        """
        self._compiled_for = device, gate_set
        self._earlier = earlier
        self._calls = []
        self.waits = False

    def calls(self) -> list[Call]:
        """What the point ran that was begun last."""
        return self._calls

    def await_counts(self) -> None:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        if self._earlier is not None and not self._earlier.is_over:
            self._earlier.await_counts()
        elif self._calls:
            self.waits = True
            raise WaitingForCounts

    def counts(
        self, template: Template, tables: AngleTables, shots: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        recorded = self._recorded(template, tables)
        if self._earlier is not None and not self._earlier.is_over:
            return self._earlier.counts(template, tables, shots)
        number = self._numbers.setdefault(template.digest, len(self.templates))
        if number == len(self.templates):
            self.templates.append(recorded)
        known = recorded.numbers
        rows = angle_rows(tables).astype("<f8")
        own = [known.setdefault(row.tobytes(), len(known)) for row in rows]
        shape = len(tables["filter"]), len(tables["patch"])
        self._calls.append(Call(number, shots, np.array(own, np.int64).reshape(shape)))
        return made_up(template, len(rows), shots)

    def places(
        self, template: Template, tables: AngleTables
    ) -> tuple[Sequence[Template], NDArray[np.intp]]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        return [template], np.zeros(len(angle_rows(tables)), dtype=np.intp)

    def _recorded(self, template: Template, tables: AngleTables) -> RecordedTemplate:
        found = self.known.get(template.digest)
        if found is not None:
            return found
        if template.given is not None:
            raise CountsError(
                "a state that is given is no circuit of the device, which could be run elsewhere: "
                "choose encoding = 'amplitudes'."
            )
        if controlling(template.circuit):
            raise CountsError(
                "gates that measurements in the middle of a circuit control are not handed out: "
                "choose pooling = 'deferred'."
            )
        assert self._compiled_for is not None
        widths = tuple((name, np.shape(tables[name])[1]) for name in sorted(tables))
        made = RecordedTemplate(template, *self._compiled_for, widths)
        return self.known.setdefault(template.digest, made)


class NumberingRecorder(Recorder):
    """Takes note of circuits by their numbers in jobs that were made.

    Args:
        replay: The jobs.
    """

    def __init__(self, replay: Replay) -> None:
        super().__init__()
        self._replay = replay

    def counts(
        self, template: Template, tables: AngleTables, shots: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """See `qucnn_cirq.engines.collected.CountsSource`."""
        number, circuits = self._replay.circuits(template, tables)
        shape = len(tables["filter"]), len(tables["patch"])
        self._calls.append(Call(number, shots, circuits.astype(np.int64).reshape(shape)))
        return made_up(template, len(circuits), shots)
