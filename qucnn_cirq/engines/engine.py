"""What every engine offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from noise_models import Noise
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.streams import Outcome, Streams


class Engine(ABC):
    """A way to execute compiled circuits: what :mod:`qucnn_cirq.execution` calls.

    Attributes:
        name: The name under which it is chosen, and which errors say.
    """

    name: str

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

        Args:
            template: The compiled circuit.
            noise: The noise.
            tables: The angle tables ``"patch"`` and ``"filter"`` and, for circuits with a reader,
                ``"upstream"``: one row for all patches or, where :meth:`gives_means` said False,
                one for each.
            shots: Shots for each item, or None for means without shot noise.
            streams: The random streams of the items.

        Raises:
            InputError: If it cannot do what is asked.
        """

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether :meth:`run` can do without shots.

        Args:
            template: The compiled circuit.
            noise: The noise.
        """
        return True
