"""How far a run of a sweep is, for whoever started it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        study: The study's name.
        points: The points of the run: all, or those of its shard.
        done: Those that are finished, by this run or before; failed ones are among them.
        failed: Those that failed in this run.
        seconds: Time since the run began to measure.
    """

    study: str
    points: int
    done: int
    failed: int
    seconds: float


Watch = Callable[[Progress], object]
"""Is told how far a run is: when it begins, and whenever points were stored. What it raises ends
the run; what was finished is kept."""


class Teller:
    """Counts the points of a run and tells a watch, the first time at once.

    Args:
        study: The study's name.
        points: The points of the run.
        done: Those that are finished already.
        watch: Is told; None tells nobody.
    """

    def __init__(self, study: str, points: int, done: int, watch: Watch | None) -> None:
        self._study, self._points, self._done, self._failed = study, points, done, 0
        self._watch = watch
        self._began = time.monotonic()
        self._tell()

    def stored(self, errors: Sequence[str | None]) -> None:
        """Counts points that were stored.

        Args:
            errors: Why each of them failed; None for one that was measured.
        """
        if errors:
            self._done += len(errors)
            self._failed += sum(error is not None for error in errors)
            self._tell()

    def _tell(self) -> None:
        if self._watch is not None:
            seconds = time.monotonic() - self._began
            self._watch(Progress(self._study, self._points, self._done, self._failed, seconds))
