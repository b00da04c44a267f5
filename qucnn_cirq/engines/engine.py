"""What every engine offers: the contract of an engine of your own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError


class Engine(ABC):
    """A way to execute compiled circuits: what `qucnn_cirq.execution` calls.

    A subclass that defines `run`, and can be made without arguments, is an engine: give an
    object of it to a layer, or register the class with `qucnn_cirq.register_engine`, or
    name it as ``module:attribute``. One that only samples returns False from `gives_means`.

    Attributes:
        name: The name under which it is chosen, and which errors say; its module and its class
            if it has none.
        label: What figures call it; the name if empty.
        samples: Whether shots are simulated one by one, so that their number decides the time.
        is_threaded: Whether `run` may be called in several threads at the same time, and gains by
            it: a layer then runs blocks of images so, as many as there are processors.
        is_measured: Whether its counts were measured, so that none may be drawn from the means or
            distributions that it gives beside them.
    """

    name: str
    label: ClassVar[str] = ""
    samples: ClassVar[bool] = False
    is_threaded: ClassVar[bool] = False
    is_measured: bool = False

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if not hasattr(cls, "name"):
            cls.name = f"{cls.__module__}:{cls.__qualname__}"

    def __repr__(self) -> str:
        return f"make_engine({self.name!r})"

    @abstractmethod
    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Executes every filter (row of its table) on every patch (row of its table).

        One that takes long says from time to time how many circuits it ran, for progress bars: see
        `qucnn_cirq.advance.circuits_run`.

        Args:
            template: The compiled circuit.
            noise: The noise.
            tables: The angle tables ``"patch"`` and ``"filter"``, shape (rows, angles), in radians,
                and, for circuits with a reader, ``"upstream"``: one row for all patches or, where
                `gives_means` said False, one for each. A patch that is handed over has its state
                in place of angles.
            shots: Shots for each item, or None for means without shot noise.
            streams: The random streams of the items.

        Raises:
            InputError: If it cannot do what is asked.
        """

    def weighted_means(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        factors: NDArray[np.float64],
        streams: Streams,
    ) -> NDArray[np.float64]:
        """Means without shot noise, multiplied by factors for each patch and summed over patches.

        Args:
            template: The compiled circuit.
            noise: The noise.
            tables: As for `run`.
            factors: One or more for each patch, shape (sums, patches).
            streams: The random streams of the items, which no mean depends on.

        Returns:
            As many sums for each filter, shape (filters, sums).

        Raises:
            InputError: As `run` does.
        """
        means = self.run(template, noise, tables, None, streams).means
        if means is None:
            raise InputError(f"engine {self.name!r} gives no means: set shots.")
        sums: NDArray[np.float64] = means @ factors.T
        return sums

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """The probability of every recorded outcome, for every filter and patch.

        Args:
            template: The compiled circuit, with m measured qubits.
            noise: The noise.
            tables: As for `run`.

        Returns:
            Shape (filters, patches, 2^m); the first measured qubit is the most significant bit.
            Rounding may leave what should be 0 below it.

        Raises:
            InputError: If it gives no distributions, or there are more than
                `qucnn_cirq.engines.outcomes.MOST_BITS` measured qubits.
        """
        raise InputError(
            f"engine = {self.name!r} gives no distributions of outcomes: choose engine = 'exact'."
        )

    def parities(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        groups: Sequence[tuple[int, ...]],
    ) -> NDArray[np.float64]:
        """Means of products of signs, 1 for a bit 0 and -1 for a bit 1, as they are recorded.

        Args:
            template: The compiled circuit, with m measured qubits.
            noise: The noise.
            tables: As for `run`.
            groups: For each product the places of its qubits among the measured ones.

        Returns:
            Shape (filters, products, patches).

        Raises:
            InputError: As `distribution` does.
        """
        chances = self.distribution(template, noise, tables)
        n_bits = len(template.observable.qubits)
        signs = 1 - 2 * ((np.arange(1 << n_bits) >> np.arange(n_bits)[::-1, None]) & 1)
        values = np.array([signs[list(group)].prod(axis=0) for group in groups], dtype=float)
        return np.ascontiguousarray((chances @ values.T).swapaxes(1, 2))

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """How often every outcome is recorded: a sample of `distribution`.

        Args:
            template: The compiled circuit, with m measured qubits.
            noise: The noise.
            tables: As for `run`.
            shots: Shots for each item.
            streams: The random streams of the items.

        Returns:
            Shape (filters, patches, 2^m), as for `distribution`.

        Raises:
            InputError: If it cannot do what is asked.
        """
        return streams.multinomial(shots, self.distribution(template, noise, tables))

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether `run` can do without shots.

        Args:
            template: The compiled circuit.
            noise: The noise.
        """
        return True

    def predicts(self, template: Template, noise: Noise) -> bool:
        """Whether means and distributions are wanted beside what was measured.

        Args:
            template: The compiled circuit.
            noise: The noise.
        """
        return self.gives_means(template, noise)

    def predicted_noise(self, noise: Noise) -> Noise:
        """The noise of means and distributions: what counts were measured with may be another.

        Args:
            noise: The noise that is asked for.
        """
        return noise

    def predicting(self, noise: Noise) -> Engine:
        """The engine, of which means and distributions are of a noise in place of another.

        Args:
            noise: The noise that will be asked for.
        """
        return self

    @classmethod
    def seconds(cls, template: Template, noise: Noise, shots: int, variant: str = "") -> float:
        """About how long a patch takes, in seconds on one core: for estimates alone.

        Args:
            template: The compiled circuit.
            noise: The noise.
            shots: Shots for each patch.
            variant: What follows the engine's name and a colon; not given where nothing does.
        """
        return 0.03 * relative_size(template)

    @classmethod
    def variants(cls) -> tuple[str, ...]:
        """What may follow its name and a colon, "" where its name stands alone.

        What follows is handed to the class: ``"exact:torch"`` is ``ExactEngine("torch")``.
        """
        return ("",)


def relative_size(template: Template) -> float:
    """The size of a circuit's density matrix, relative to that of nine qubits and at least 1.

    Args:
        template: The compiled circuit.
    """
    return float(2.0 ** max(0, len(template.qubits) - 9))
