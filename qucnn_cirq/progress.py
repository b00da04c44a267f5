"""What everything that iterates tells whoever listens: the one form of a callback.

Trainers, fits and sweeps take ``callback=``, or ``progress=`` of `studies.run`: a function of one
`Progress`. It is called after each finished step; what it raises ends the computation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from noise_models.checks import listener
from qucnn_cirq.advance import steps


@dataclass(frozen=True)
class Progress:
    """A step that was finished.

    Attributes:
        what: What iterates: the name of a learner's class or of a study.
        unit: What a step is, a word in the plural, such as "epochs".
        step: How many steps are finished.
        total: How many there are; searches may end before.
        seconds: Time since the first began.
        numbers: What is known of the step, by name, such as "loss".
    """

    what: str
    unit: str
    step: int
    total: int
    seconds: float
    numbers: Mapping[str, float]


Callback = Callable[[Progress], object]
"""Is told of each finished step."""


class Steps:
    """Steps with a bar on a terminal; each is told to a callback, and logged, once it is finished.

    Iterating gives the numbers of the steps, from 0. The loop says `finished` at the end of each.

    Args:
        logger: That of the module that iterates.
        what: As of `Progress`.
        total: As of `Progress`.
        unit: As of `Progress`.
        callback: Is told of each step; None for nobody.
        level: At which steps are logged.

    Raises:
        InputError: If the callback cannot be called.
    """

    def __init__(
        self,
        logger: logging.Logger,
        what: str,
        total: int,
        unit: str,
        callback: Callback | None = None,
        level: int = logging.INFO,
    ) -> None:
        listener("callback", callback, "a Progress")
        self._logger, self._level = logger, level
        self._what, self._total, self._unit = what, total, unit
        self._callback = callback
        self._step, self._began = 0, time.monotonic()

    def __iter__(self) -> Iterator[int]:
        return steps(self._total, self._unit)

    def finished(self, **numbers: float) -> None:
        """Tells of a step.

        Args:
            **numbers: What is known of it.
        """
        self._step += 1
        if self._logger.isEnabledFor(self._level):
            self._logger.log(
                self._level,
                "%s: %d of %d %s%s",
                self._what,
                self._step,
                self._total,
                self._unit,
                "".join(f", {name} {value:.6g}" for name, value in numbers.items()),
            )
        if self._callback is not None:
            seconds = time.monotonic() - self._began
            self._callback(
                Progress(self._what, self._unit, self._step, self._total, seconds, numbers)
            )
