"""What a study tells the framework: how one point is read, measured and drawn."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models.checks import one_of, whole_number
from noise_models.extensions import (
    FailedCodeError,
    comes_with_project,
    load_module,
    users_code,
)
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.errors import InputError, shown

if TYPE_CHECKING:
    from studies.point import PlainData
    from studies.sweep.results import Results

REFUSED = "refused"
"""Stands for the digest of circuits that cannot be compiled."""

Row = dict[str, str | int | float | bool | None]


@dataclass(frozen=True, eq=False)
class Measured:
    """What one point gave.

    Attributes:
        rows: Rows of a table, with the columns that the study documents.
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
        seconds: Time on one core, of its own.
        memory: What it returns and the largest arrays on the way, in bytes.
        shared: Time on one core that is spent once for all points with the same key, in one
            process: what they share is kept there, such as a noisy state or a trained model.
    """

    circuits: int
    shots: int
    seconds: float
    memory: int
    shared: Mapping[str, float] = field(default_factory=dict)


def shared_seconds(costs: Iterable[Cost]) -> float:
    """Time on one core that points spend once for all of them, or for some.

    Args:
        costs: What each point takes.
    """
    found: dict[str, float] = {}
    for cost in costs:
        for key, seconds in cost.shared.items():
            found[key] = max(seconds, found.get(key, 0.0))
    return sum(found.values())


def _no_digest(settings: Any) -> Mapping[str, str]:
    return {}


def _a_second(settings: Any) -> Cost:
    return Cost(1, 0, 1.0, 2**26)


def _no_shots(settings: Any) -> int:
    return 0


@dataclass(frozen=True)
class Study:
    """A study: the settings of one point, how it is measured, and what is drawn of all points.

    Its settings can be swept, sharded, resumed, merged, exported, plotted and reported without
    more. To add one, make an object and hand it to `qucnn_cirq.register_study`, or name it
    in a configuration by ``path/to/file.py:attribute``.

    Attributes:
        settings: The class of a point's settings; see `studies.point.PlainData`.
        title: What it asks, in one sentence.
        columns: What the columns of the rows mean.
        measure: Measures one point from its settings and a seed, from which all random draws come.
            One with targets takes as third argument the arrays of the same point with fewer shots,
            or None, and adds to them.
        figures: The name of the module that has ``draw(results, folder)``, which draws figures
            into a folder and returns their names, and ``text(results)``, which says in a few lines
            what results show; imported when they are drawn. Or a name that ends in ".py", of a file
            beside that of `measure`: unlike that one it may change without measuring anew. Or an
            object that has both. Empty: the module of `measure`, which may have either.
        version: Raised when the same settings would give other numbers than before.
        digest: What decides the outcome besides the settings: digests of circuits and of data.
        cost: What a point is expected to take.
        program: The compiled convolution of a point, for the map of the device; None if the point
            has none.
        circuits: Circuits of a point to be drawn in a report, each with a title; None for that of
            a random patch.
        targets: Keys of the table [study] that say nothing but how many shots are taken.
        most_shots: The most shots of each circuit that the targets of a point ask for.
        collects: Whether counts that were taken elsewhere may stand in for simulated ones:
            `measure` runs its circuits on `qucnn_cirq.engines.collected.measuring` engines, and
            it calls `qucnn_cirq.engines.collected.await_counts` wherever counts decide which
            circuits it runs next.
        predicts: Whether its results have means by its noise beside what was collected.
        withheld: Why circuits are not handed out to be run elsewhere, the rest of a sentence that
            begins with the study or the point: of all points where `collects` is false; else a
            function of a point's settings, which gives nothing where they are.
        name: Its name, as in ``[study] name``; that of the settings unless given.
        findings: What has ``findings(results)``, which says in sentences, with numbers and
            intervals, what results show: given as `figures` are. Empty: what has the figures, or
            else how measured columns change along each axis.
    """

    settings: type[PlainData]
    title: str
    columns: Mapping[str, str]
    measure: Callable[..., Measured]
    figures: Any = ""
    version: int = 1
    digest: Callable[[Any], Mapping[str, str]] = _no_digest
    cost: Callable[[Any], Cost] = _a_second
    program: Callable[[Any], Program | None] | None = None
    circuits: Callable[[Any], list[tuple[str, cirq.Circuit]]] | None = None
    targets: tuple[str, ...] = ()
    most_shots: Callable[[Any], int] = _no_shots
    collects: bool = False
    predicts: bool = True
    withheld: str | Callable[[Any], str] = ""
    name: str = ""
    findings: Any = ""

    def __post_init__(self) -> None:
        reads = getattr(self.settings, "from_mapping", None)
        if not isinstance(self.settings, type) or not callable(reads):
            raise _wrong("settings", self.settings, "a subclass of studies.point.PlainData")
        inherits = "__attrs_attrs__" not in vars(self.settings) and attrs.has(self.settings)
        if inherits and "__dataclass_fields__" in vars(self.settings):
            raise InputError(
                f"the settings {self.settings.__name__} are a dataclass that extends a class of "
                "attrs, whose fields it would lose: decorate it with attrs.frozen."
            )
        for key in ("measure", "digest", "cost", "most_shots"):
            if not callable(getattr(self, key)):
                raise _wrong(key, getattr(self, key), "a function")
        if not isinstance(self.columns, Mapping):
            raise _wrong("columns", self.columns, "a table of what each column means")
        whole_number("version", self.version, 0)
        if not self.name:
            object.__setattr__(self, "name", self.settings.name)
        for key in self.targets:
            one_of(f"target of study {self.name!r}", key, self.study_keys)

    def guarded(self, what: str) -> AbstractContextManager[None]:
        """While a function of a study of the user's own runs, what it raises is told as theirs.

        Args:
            what: Which function, for the message.
        """
        own = not comes_with_project(self.measure)
        return users_code(f"{what} of study {self.name!r}") if own else contextlib.nullcontext()

    @property
    def study_keys(self) -> tuple[str, ...]:
        """Keys of the table [study] besides its name."""
        return self.settings.study_keys()

    def read(self, mapping: Mapping[str, Any]) -> Any:
        """The settings of one point.

        Args:
            mapping: A configuration without axes.

        Raises:
            InputError: If a setting is unknown or not allowed.
        """
        with self.guarded("settings"):
            return self.settings.from_mapping(mapping)

    def examples(self, settings: Any) -> list[tuple[str, cirq.Circuit]]:
        """Circuits of a point to be drawn, each with a title.

        Args:
            settings: The point's settings.
        """
        if self.circuits is not None:
            return self.circuits(settings)
        program = None if self.program is None else self.program(settings)
        return [] if program is None else example_circuit(program)

    def draw(self, results: Results, folder: Path) -> list[str]:
        """Draws the figures of results.

        Args:
            results: The results of a sweep.
            folder: An existing folder, which takes the figures and the numbers they show.

        Returns:
            Names of the figures, without suffix; nothing if the study draws none.
        """
        from qucnn_cirq.drawing.theme import theme

        drawing = getattr(self._loaded(self.figures), "draw", None)
        with theme():
            return [] if drawing is None else list(drawing(results, folder))

    def text(self, results: Results) -> str:
        """What results show, in a few lines.

        Args:
            results: The results of a sweep.
        """
        telling = getattr(self._loaded(self.figures), "text", None)
        return "" if telling is None else str(telling(results))

    def found(self, results: Results) -> list[str]:
        """What results show, in sentences with numbers and intervals.

        Args:
            results: The results of a sweep.

        Returns:
            The most important first; nothing as long as nothing was measured.
        """
        if not results.status().done:
            return []
        from studies.effects import effects, measured_quantities
        from studies.wording import with_powers

        telling = getattr(self._loaded(self.findings or self.figures), "findings", None)
        if callable(telling):
            lines = [str(line) for line in telling(results)]
        else:
            table, columns = results.table(), results.plan.columns
            quantities = measured_quantities(table, columns)
            lines = [line for each in quantities for line in effects(table, each, columns)]
        # Names that begin a sentence, such as those of tests, are written small elsewhere.
        return [with_powers(f"{line[:1].upper()}{line[1:]}") for line in lines]

    def _loaded(self, given: Any) -> Any:
        """What draws or tells: a module that is named, an object, or the module of `measure`."""
        # Processes that only measure start without the drawing libraries.
        if isinstance(given, str) and given:
            if given.endswith(".py"):
                beside = Path(str(sys.modules[self.measure.__module__].__file__)).parent
                return load_module(f"figures = {shown(given)}", str(beside / given))
            return importlib.import_module(given)
        return given or sys.modules[self.measure.__module__]


def _wrong(key: str, value: object, wanted: str) -> InputError:
    return InputError(f"{key} = {shown(value, 60)} of a study is not allowed: give {wanted}.")


def circuits_digest(compiled: Callable[[], Program]) -> str:
    """The digest of the circuits of a point, or a fixed word if it cannot be compiled.

    What decides the refusal stands in the settings. Its words do not: they may change, and an
    identity must not change with them.

    Args:
        compiled: Compiles the point.

    Raises:
        FailedCodeError: If code of the user's own fails, which no other setting mends.
    """
    try:
        return compiled().digest
    except FailedCodeError:
        raise
    except InputError:
        return REFUSED


def expected_cost(study: Study, settings: Any) -> Cost:
    """What a point is expected to take: nothing, if it cannot be compiled.

    Args:
        study: The study.
        settings: The point's settings.

    Raises:
        FailedCodeError: If code of the user's own fails.
    """
    try:
        with study.guarded("cost"):
            cost = study.cost(settings)
        if not isinstance(cost, Cost):
            raise FailedCodeError(f"cost of study {study.name!r} is {shown(cost)}: return a Cost.")
        return cost
    except FailedCodeError:
        raise
    except InputError:
        return Cost(0, 0, 0.0, 0)


def example_circuit(program: Program) -> list[tuple[str, cirq.Circuit]]:
    """The circuit of a random patch and, for an ansatz, random angles, with a title.

    Args:
        program: The compiled convolution; its first filter is shown.
    """
    spec, report = program.spec, program.report
    generator = np.random.default_rng(0)
    patch = generator.uniform(0.1, 1.0, (spec.channels, *spec.kernel_pair))
    angles = generator.uniform(0, 2 * np.pi, spec.n_parameters) if spec.n_parameters else None
    title = (
        f"The compiled circuit of one patch on {report.device}: {report.two_qubit_gates} "
        f"{report.gateset} gates, two-qubit depth {report.two_qubit_depth}, {report.qubits} qubits."
    )
    if report.warning is not None:
        title += f" Warning: {report.warning}"
    return [(title, program.circuit(patch, angles))]
