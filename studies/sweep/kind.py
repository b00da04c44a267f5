"""What a kind of sweep tells the framework: how one point is read, measured and drawn."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cirq
from numpy.typing import NDArray

from noise_models import NoiseError
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    from studies.sweep.results import Results

REFUSED = "refused"
"""Stands for the digest of circuits that cannot be compiled."""

Row = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, eq=False)
class Measured:
    """What one point gave.

    Attributes:
        rows: Rows of a table, with the columns that the kind documents.
        arrays: Raw data by name, such as the counts of every patch.
        shots: Shots of each circuit so far, for kinds whose points can be measured further.
    """

    rows: list[Row]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    shots: int = 0


@dataclass(frozen=True)
class Cost:
    """What one point is expected to take.

    Attributes:
        circuits: Different circuits, one a patch, filter and shift.
        shots: Shots over all of them.
        seconds: Time on one core.
        memory: Largest array, in bytes.
    """

    circuits: int
    shots: int
    seconds: float
    memory: int


@dataclass(frozen=True)
class SweepKind:
    """A kind of sweep.

    Attributes:
        name: Its name, as in ``[study] name``.
        title: What it asks, in one sentence.
        version: Raised when the same settings would give other numbers than before.
        study_keys: Keys of the table [study] besides its name.
        read: The settings of one point from a configuration without axes.
        describe: All settings as plain data, defaults spelled out.
        identify: The settings that differ from their defaults as plain data; equal settings give
            equal data.
        digest: What decides the outcome besides the settings: digests of circuits and of data.
        cost: What a point is expected to take.
        measure: Measures one point. All random draws come from the seed. A kind with targets
            takes as third argument the arrays of the same point with fewer shots, or None, and
            adds to them.
        columns: What the columns of the rows mean.
        draw: Draws the figures of results into a folder and returns their names.
        text: Says in a few lines what results show.
        circuits: Circuits of a point to be drawn in a report, each with a title.
        program: The compiled convolution of a point, for the map of the device; None if the point
            has none.
        targets: Keys of the table [study] that say nothing but how many shots are taken.
        most_shots: The most shots of each circuit that the targets of a point ask for.
    """

    name: str
    title: str
    version: int
    study_keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    describe: Callable[[Any], Mapping[str, Any]]
    identify: Callable[[Any], Mapping[str, Any]]
    digest: Callable[[Any], Mapping[str, str]]
    cost: Callable[[Any], Cost]
    measure: Callable[..., Measured]
    columns: Mapping[str, str]
    draw: Callable[[Results, Path], list[str]]
    text: Callable[[Results], str]
    circuits: Callable[[Any], list[tuple[str, cirq.Circuit]]] | None = None
    program: Callable[[Any], Program | None] | None = None
    targets: tuple[str, ...] = ()
    most_shots: Callable[[Any], int] = lambda settings: 0


def circuits_digest(compiled: Callable[[], Program]) -> str:
    """The digest of the circuits of a point, or a fixed word if it cannot be compiled.

    What decides the refusal stands in the settings. Its words do not: they may change, and an
    identity must not change with them.

    Args:
        compiled: Compiles the point.
    """
    try:
        return compiled().digest
    except (InputError, NoiseError):
        return REFUSED


def expected_cost(kind: SweepKind, settings: Any) -> Cost:
    """What a point is expected to take: nothing, if it cannot be compiled."""
    try:
        return kind.cost(settings)
    except (InputError, NoiseError):
        return Cost(0, 0, 0.0, 0)


def lazy_figures(
    module: str,
) -> tuple[Callable[[Results, Path], list[str]], Callable[[Results], str]]:
    """The functions ``draw`` and ``text`` of a module that is imported when they are called.

    Processes that only measure start without the drawing libraries.
    """

    def draw(results: Results, folder: Path) -> list[str]:
        from studies.drawing import theme

        with theme():
            names: list[str] = importlib.import_module(module).draw(results, folder)
        return names

    def text(results: Results) -> str:
        words: str = importlib.import_module(module).text(results)
        return words

    return draw, text
