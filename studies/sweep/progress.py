"""How far a run of a sweep is, for whoever started it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qucnn_cirq import progress
from studies.sweep.chunks import MeasuredPoint


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


class Teller:
    """Counts the points of a run and tells a watch of each, the first time when it begins.

    Args:
        study: The study's name.
        total: The points of the run.
        todo: The values of the axes of those that are not finished, by identity.
        watch: Is told; None tells nobody.
    """

    def __init__(
        self, study: str, total: int, todo: Mapping[str, Mapping[str, Any]], watch: Watch | None
    ) -> None:
        self._study, self._total, self._todo = study, total, todo
        self._done, self._failed = total - len(todo), 0
        self._watch = watch
        self._began = time.monotonic()
        self._tell(None)

    def stored(self, outcomes: Sequence[MeasuredPoint]) -> None:
        """Counts points that were stored.

        Args:
            outcomes: What became of them.
        """
        for outcome in outcomes:
            self._done += 1
            self._failed += outcome.error is not None
            self._tell(outcome)

    def _tell(self, outcome: MeasuredPoint | None) -> None:
        if self._watch is None:
            return
        self._watch(
            Progress(
                what=self._study,
                unit="points",
                step=self._done,
                total=self._total,
                seconds=time.monotonic() - self._began,
                numbers={**_numbers(outcome), "failed": self._failed},
                identity=outcome.identity if outcome else None,
                values=dict(self._todo[outcome.identity]) if outcome else {},
                failed=self._failed,
            )
        )


def _numbers(outcome: MeasuredPoint | None) -> dict[str, float]:
    """The numbers of a point's last row; those of training end with its last epoch."""
    last = outcome.rows[-1] if outcome and outcome.rows else {}
    return {
        name: cell
        for name, cell in last.items()
        if isinstance(cell, int | float) and not isinstance(cell, bool)
    }
