"""How far a run of a sweep is, for whoever started it."""

from __future__ import annotations

from collections.abc import Callable
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
