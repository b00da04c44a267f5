"""Handing out points in chunks, storing what comes back, and stopping in good order."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.interruption import SIGNALS, check_interruption, handled
from studies.sweep.chunks import MeasuredPoint, write_chunk
from studies.sweep.plan import Plan, Point, resolve
from studies.sweep.under_way import UnderWay
from studies.sweep.workers import Task, Workers

_LOGGER = logging.getLogger(__name__)
_CHUNK_SECONDS = 1.0
"""What a chunk should take: long against the cost of a file, short against a lost machine."""
_LARGEST_CHUNK = 256
_MOST_DEATHS = 4
_MOST_DEATHS_FROM_OUTSIDE = 24
"""How many workers a point may cost: if nothing else kills them, and if something does."""
_DEADLY = "the worker processes died that measured this point (out of memory?)."


@dataclass
class Stop:
    """Whether the user, or the machine's batch system, asked to stop."""

    asked: bool = False


def check_workers(plan: Plan, here: Mapping[str, str], workers: Workers) -> None:
    """Makes sure that workers read every point as it was planned; nothing is measured.

    Args:
        plan: The sweep.
        here: Names that were registered in this process, with what they are names of.
        workers: Who would measure.

    Raises:
        InputError: If they do not, as they do not know a name.
    """
    tasks = [Task(each.identity, each.document, None, each.digests, True) for each in plan.points]
    waiting = {each.identity for each in tasks}
    while not workers.free:
        for _ in workers.reports():
            pass
    workers.hand_out(plan.study.name, tasks)
    while waiting:
        for report in workers.reports():
            waiting.difference_update(report.identities)
            failed = next((each for each in report.outcomes if each.error), None)
            if failed is None:
                continue
            document = repr(next(each.document for each in tasks if each[0] == failed.identity))
            for name, kind in here.items():
                if repr(name) in document:
                    raise InputError(
                        f"worker processes do not know {kind} {shown(name, 40)}, which this "
                        "process registered: name it as path/to/file.py:attribute or "
                        "module:attribute instead."
                    )
            raise InputError(failed.error)


def stored_points(
    plan: Plan,
    points: Sequence[Point],
    folder: Path,
    workers: Workers,
    provenance: Mapping[str, Any],
    stop: Stop,
    earlier: Callable[[str], MeasuredPoint | None] = lambda identity: None,
    under_way: UnderWay | None = None,
) -> Iterator[list[MeasuredPoint]]:
    """Measures points, and hands them on once they are stored, chunk by chunk.

    Args:
        plan: The sweep.
        points: What is left to do.
        folder: The results folder.
        workers: Who measures.
        provenance: Stored with each chunk.
        stop: Once asked for, nothing new is started; what is under way is finished and stored.
        earlier: What a point, by its identity, gave with fewer shots, raw arrays included.
        under_way: Told what is handed out and what comes back.

    Yields:
        What became of the points of a chunk, which are stored; none when some time has passed.

    Raises:
        OSError: If a chunk cannot be written.
    """
    waiting = deque(points)
    own = {point.identity: point for point in points}
    resolved = {point.identity: resolve(plan.study, point) for point in points}
    spent: dict[str, float] = {}
    digest = plan.digest
    deaths = _Deaths()
    under_way = UnderWay({}) if under_way is None else under_way
    seconds, done, running = 0.0, 0, 0
    while True:
        while not stop.asked and waiting and workers.free:
            size = _chunk_size(seconds, done, len(waiting), workers.count)
            chunk = [waiting.popleft() for _ in range(size)]
            tasks = []
            for each in chunk:
                before = earlier(each.identity)
                spent[each.identity] = before.seconds if before else 0.0
                arrays = before.arrays if before else None
                tasks.append(Task(each.identity, each.document, arrays, each.digests))
            workers.hand_out(plan.study.name, tasks)
            _LOGGER.debug("%s: %d point(s) handed to a worker", plan.study.name, size)
            under_way.begin([each.identity for each in chunk])
            running += 1
        if not running and (stop.asked or not waiting):
            return
        for report in workers.reports():
            running -= bool(report.identities)
            outcomes = list(report.outcomes)
            under_way.end(report.identities, outcomes)
            rest = [own[identity] for identity in report.identities[len(outcomes) :]]
            deaths.survived(outcomes)
            if report.died:
                _LOGGER.info("%s: a worker died, another takes its place", plan.study.name)
                suspect = rest.pop(0) if rest else None
                if not deaths.blames(suspect):
                    # Last, so that whatever it does, the others come first.
                    waiting.extend([suspect] if suspect else [])
                elif suspect:
                    outcomes.append(MeasuredPoint(suspect.identity, [], error=_DEADLY))
            waiting.extendleft(reversed(rest))
            if outcomes:
                seconds += sum(outcome.seconds for outcome in outcomes)
                done += len(outcomes)
                outcomes = [
                    replace(each, seconds=each.seconds + spent[each.identity]) for each in outcomes
                ]
                write_chunk(folder, plan.study.name, digest, provenance, outcomes, resolved)
                _log(plan.study.name, outcomes, done, len(points))
                yield outcomes
        under_way.hear(workers.circuits)
        yield []


def _log(study: str, outcomes: Sequence[MeasuredPoint], done: int, count: int) -> None:
    """Says what was stored, and what failed."""
    first = done - len(outcomes)
    for number, outcome in enumerate(outcomes, first + 1):
        of_all = study, outcome.identity, number, count
        if outcome.error is not None:
            _LOGGER.warning("%s: point %.12s (%d of %d) failed: %s", *of_all, outcome.error)
        else:
            _LOGGER.info("%s: point %.12s (%d of %d) stored, %.2f s", *of_all, outcome.seconds)


class _Deaths:
    """Tells points that kill their workers from workers that are killed by somebody else.

    A worker that dies while it measures nothing, or measured a point that is measured later, was
    killed from outside. Where that happens, a point is blamed much later.
    """

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()
        self._from_outside = False

    def survived(self, outcomes: Sequence[MeasuredPoint]) -> None:
        """Takes note of points that were measured."""
        self._from_outside |= any(self._of[outcome.identity] for outcome in outcomes)

    def blames(self, point: Point | None) -> bool:
        """Takes note of a death, and says whether the point under way is to blame."""
        if point is None:
            self._from_outside = True
            return False
        self._of[point.identity] += 1
        most = _MOST_DEATHS_FROM_OUTSIDE if self._from_outside else _MOST_DEATHS
        return self._of[point.identity] >= most


def _chunk_size(seconds: float, done: int, waiting: int, workers: int) -> int:
    """Points of the next chunk: about a second's worth, fewer towards the end."""
    if not done:
        return 1
    wanted = _CHUNK_SECONDS / max(seconds / done, 1e-6)
    fair = waiting / (2 * workers)
    return min(waiting, max(1, int(min(wanted, fair, _LARGEST_CHUNK))))


@contextlib.contextmanager
def stopping(
    note: Callable[[str], None], left: Callable[[], tuple[int, float | None]]
) -> Iterator[Stop]:
    """Turns the first Ctrl-C (or other signal) into a request to stop, and a second into an end.

    Args:
        note: Takes a line for the user.
        left: How many points are under way, and about how many seconds they still take (None if
            nobody knows).

    Yields:
        Whether stopping was asked for.

    Raises:
        KeyboardInterrupt: If the user asked for it before, unheard.
    """
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            # What is ended now must not be interrupted once more.
            for each in SIGNALS:
                signal.signal(each, signal.SIG_IGN)
            raise KeyboardInterrupt
        stop.asked = True
        with contextlib.suppress(OSError):
            # The terminal may be gone: that is what SIGHUP says.
            note(_stopping_text(*left()))

    check_interruption()
    with handled(handle):
        yield stop


def _stopping_text(points: int, seconds: float | None) -> str:
    if not points:
        return "stopping: no point is under way"
    time = "longer than expected" if seconds is None else f"about {max(seconds, 1):.0f} s more"
    return (
        f"stopping: {points} point(s) under way are finished and kept, which takes {time}; press "
        f"Ctrl-C again to end at once and lose {'it' if points == 1 else 'them'} alone"
    )
