"""How far a run of a sweep is, for whoever started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qucnn_cirq import progress


@dataclass(frozen=True)
class Progress(progress.Progress):
    """How far a run is; of a point that was stored just now, `numbers` and `values`.

    What is common to all that iterates, see `qucnn_cirq.progress.Progress`: `what` is the study's
    name, a step is a point, finished by this run or before, and failed ones are among them.
    `numbers` are those of the point's last row, with `failed`, the points that failed in this run.

    Attributes:
        identity: Of the point that was stored; None when the run begins.
        values: The values of its axes, by name.
        failed: Points that failed in this run.
    """

    identity: str | None
    values: Mapping[str, Any]
    failed: int

    @property
    def study(self) -> str:
        """The study's name."""
        return self.what

    @property
    def points(self) -> int:
        """The points of the run: all, or those of its shard."""
        return self.total

    @property
    def done(self) -> int:
        """Those that are finished."""
        return self.step


Watch = Callable[[Progress], object]
"""Is told how far a run is: when it begins, and of each point once it is stored. What it raises
ends the run; what was finished is kept."""
