"""Handing out points in chunks, storing what comes back, and stopping in good order."""

from __future__ import annotations

import contextlib
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from qucnn_cirq.interruption import SIGNALS, check_interruption, handled
from studies.sweep.plan import Plan, Point, summarized
from studies.sweep.store import Outcome, write_chunk
from studies.sweep.workers import Workers

_CHUNK_SECONDS = 1.0
"""What a chunk should take: long against the cost of a file, short against a lost machine."""
_LARGEST_CHUNK = 256


@dataclass
class Stop:
    """Whether the user, or the machine's batch system, asked to stop."""

    asked: bool = False


def run_points(
    plan: Plan,
    points: Sequence[Point],
    folder: Path,
    workers: Workers,
    provenance: Mapping[str, Any],
    advance: Callable[[int], None],
    stop: Stop,
) -> list[Outcome]:
    """Measures points and stores them, chunk by chunk.

    Args:
        plan: The sweep.
        points: What is left to do.
        folder: The results folder.
        workers: Who measures.
        provenance: Stored with each chunk.
        advance: Told how many points were stored.
        stop: Once asked for, nothing new is started; what is under way is finished and stored.

    Returns:
        The failures.

    Raises:
        OSError: If a chunk cannot be written.
    """
    waiting = deque(points)
    alone: deque[Point] = deque()  # Were under way when a worker died.
    running: dict[Future[list[Outcome]], list[Point]] = {}
    failures: list[Outcome] = []
    seconds, done = 0.0, 0

    resolved = {point.identity: summarized(point.resolved) for point in points}
    digest = plan.digest

    def store(outcomes: list[Outcome]) -> None:
        write_chunk(folder, plan.kind.name, digest, provenance, outcomes, resolved)
        failures.extend(outcome for outcome in outcomes if outcome.error is not None)
        advance(len(outcomes))

    while True:
        while not stop.asked and (waiting or alone):
            if alone:
                if running:
                    break
                chunk = [alone.popleft()]
            elif len(running) > workers.count:
                break
            else:
                size = _chunk_size(seconds, done, len(waiting), workers.count)
                chunk = [waiting.popleft() for _ in range(size)]
            tasks = [(point.identity, point.document) for point in chunk]
            try:
                running[workers.submit(plan.kind.name, tasks)] = chunk
            except BrokenProcessPool:
                # A worker died since the last look; its futures will tell.
                waiting.extendleft(reversed(chunk))
                break
        if not running:
            if stop.asked or not (waiting or alone):
                return failures
            workers.renew()
            continue
        finished = wait(running, return_when=FIRST_COMPLETED).done
        if any(isinstance(future.exception(), BrokenProcessPool) for future in finished):
            # All other futures of these workers are done, or broken as well.
            finished = wait(running).done
        lost: list[Point] = []
        for future in finished:
            chunk = running.pop(future)
            try:
                outcomes = future.result()
            except BrokenProcessPool:
                lost += chunk
                continue
            except Exception as error:
                # A cluster that gave up on a chunk says so in an exception of its own.
                text = f"{type(error).__name__}: {error}"
                outcomes = [Outcome(point.identity, [], error=text) for point in chunk]
            seconds += sum(outcome.seconds for outcome in outcomes)
            done += len(outcomes)
            store(outcomes)
        if len(lost) == 1:
            text = "the worker process died while it measured this point (out of memory?)."
            store([Outcome(lost[0].identity, [], error=text)])
        alone.extend(lost if len(lost) > 1 else [])
        if lost:
            workers.renew()


def _chunk_size(seconds: float, done: int, waiting: int, workers: int) -> int:
    """Points of the next chunk: about a second's worth, fewer towards the end."""
    if not done:
        return 1
    wanted = _CHUNK_SECONDS / max(seconds / done, 1e-6)
    fair = waiting / (2 * workers)
    return min(waiting, max(1, int(min(wanted, fair, _LARGEST_CHUNK))))


@contextlib.contextmanager
def stopping(note: Callable[[str], None]) -> Iterator[Stop]:
    """Turns the first Ctrl-C (or SIGTERM) into a request to stop, and a second one into an end.

    Args:
        note: Takes a line for the user.

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
        note("stopping: points under way are finished and kept; press Ctrl-C again to end at once")

    check_interruption()
    with handled(handle):
        yield stop
