"""What is being measured just now: how far it is and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from studies.sweep.chunks import MeasuredPoint
from studies.sweep.study import Cost

_ENOUGH = 0.02
"""The part of the circuits after which their rate tells the time that is left."""


class UnderWay:
    """The points that were handed out and have not come back.

    Args:
        costs: What each point is expected to take, by identity.
    """

    def __init__(self, costs: Mapping[str, Cost]) -> None:
        self._costs = costs
        self._begun: dict[str, float] = {}
        self._circuits: Mapping[str, int] = {}
        self._expected = self._taken = 0.0

    def __len__(self) -> int:
        return len(self._begun)

    def begin(self, identities: Collection[str]) -> None:
        """Takes note of points that were handed out.

        Args:
            identities: Those of the points.
        """
        self._begun |= dict.fromkeys(identities, time.monotonic())

    def end(self, identities: Collection[str], outcomes: Sequence[MeasuredPoint]) -> None:
        """Takes note of points that came back, measured or not.

        Args:
            identities: Those of the points that were handed out together.
            outcomes: What came back of them.
        """
        for identity in identities:
            self._begun.pop(identity, None)
        for outcome in outcomes:
            self._expected += self._cost(outcome.identity).seconds
            self._taken += outcome.seconds

    def hear(self, circuits: Mapping[str, int]) -> None:
        """Takes note of how many circuits were run of points, by identity.

        Args:
            circuits: How many were run of each point, by its identity.
        """
        self._circuits = circuits

    @property
    def progress(self) -> str:
        """The circuits of the points that are measured just now; empty while nothing is known."""
        own = {name: done for name, done in self._circuits.items() if name in self._begun}
        done, wanted = sum(own.values()), sum(self._cost(name).circuits for name in own)
        if not done:
            return ""
        # Points that take shots until they know enough may run more than was expected.
        return f"{done:,} of {wanted:,} circuits" if done <= wanted else f"{done:,} circuits"

    def seconds_left(self, workers: int) -> float | None:
        """About how long the points under way still take, or None if longer than was expected.

        Args:
            workers: How many are measured at a time.
        """
        now = time.monotonic()
        left = []
        for identity, begun in self._begun.items():
            cost, elapsed = self._cost(identity), now - begun
            part = self._circuits.get(identity, 0) / max(cost.circuits, 1)
            usual = cost.seconds * (self._taken / self._expected if self._expected else 1.0)
            # Those without noise come first and are the quick ones: not by their rate alone.
            by_rate = elapsed * (1 / part - 1) if part > _ENOUGH else 0.0
            left.append(max(by_rate, usual - elapsed))
        if not left:
            return 0.0
        whole = max(max(left), sum(max(each, 0.0) for each in left) / workers)
        return whole if whole > 0 else None

    def _cost(self, identity: str) -> Cost:
        return self._costs.get(identity, Cost(0, 0, 0.0, 0))
