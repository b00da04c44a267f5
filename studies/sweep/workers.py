"""Who measures the points, and what comes back; the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from noise_models.errors import one_line, place_of, words_of
from qucnn_cirq.errors import InputError, missing_extra, option
from studies.sweep.chunks import MeasuredPoint, decoded
from studies.sweep.measured import stored_form
from studies.sweep.plan import digests_of, seed_of


class Task(NamedTuple):
    """A point to be measured.

    Attributes:
        identity: The point's identity.
        document: Its configuration.
        earlier: What it gave with fewer shots, encoded as `encode_array` does; or None.
        digests: What decides its outcome besides its settings, as its plan has it; None if that
            is not to be compared.
        only_read: Whether it is to be read and compared alone, and not measured.
    """

    identity: str
    document: Mapping[str, Any]
    earlier: Mapping[str, Any] | None = None
    digests: Mapping[str, str] | None = None
    only_read: bool = False


def measure_each(study: str, tasks: Sequence[Task]) -> Iterator[MeasuredPoint]:
    """Measures points; runs in a worker.

    Args:
        study: The study's name.
        tasks: The points.

    Yields:
        What became of each, as soon as it is known; an error is an outcome, not an exception.
    """
    from studies.sweep.catalogue import study_named

    try:
        found = study_named(study)
    except InputError as error:
        yield from (_failed(task.identity, time.perf_counter(), str(error)) for task in tasks)
        return
    for identity, document, earlier, digests, only_read in tasks:
        started = time.perf_counter()
        try:
            settings = found.read(document)
            _check_digests(digests, digests_of(found, settings))
            if only_read:
                yield MeasuredPoint(identity, [])
                continue
            more = [None if earlier is None else decoded(earlier)] if found.targets else []
            measured = stored_form(found.measure(settings, seed_of(identity), *more))
        except InputError as error:
            yield _failed(identity, started, str(error))
        except (Exception, SystemExit) as error:
            # Whatever goes wrong in one point must not cost the others theirs.
            where = place_of(error)
            yield _failed(identity, started, f"{type(error).__name__}: {words_of(error)} ({where})")
        else:
            rows, arrays, shots = measured
            seconds = time.perf_counter() - started
            yield MeasuredPoint(identity, rows, arrays, seconds, shots=shots)


def _check_digests(planned: Mapping[str, str] | None, own: Mapping[str, str]) -> None:
    """Makes sure that a worker would measure what was planned.

    Raises:
        InputError: If it has other code, data or versions, as a cluster's worker may that was
            started long ago or elsewhere.
    """
    if planned is None or planned == own:
        return
    keys = sorted(key for key in {*planned, *own} if planned.get(key) != own.get(key))
    raise InputError(
        f"the worker has other {' and '.join(keys)} than the process that planned the point: start "
        "the workers anew with the same code, files and registered names, and try again."
    )


def run_chunk(study: str, tasks: Sequence[Task]) -> list[MeasuredPoint]:
    """The outcomes of `measure_each`, together.

    Args:
        study: The study's name.
        tasks: The points.
    """
    return list(measure_each(study, tasks))


@dataclass(frozen=True, eq=False)
class Report:
    """What came back of a chunk.

    Attributes:
        identities: Its points; none if a worker died that was measuring nothing.
        outcomes: What became of the first of them. The others were not measured.
        died: Whether the worker died, while it measured the next one.
    """

    identities: Sequence[str]
    outcomes: Sequence[MeasuredPoint]
    died: bool


class Workers(ABC):
    """Something that measures chunks of points, and goes on when a part of it dies.

    Attributes:
        count: How many points are measured at a time.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    @property
    @abstractmethod
    def free(self) -> int:
        """How many chunks can be handed out now."""

    @property
    def circuits(self) -> Mapping[str, int]:
        """How many circuits were run of points that are measured just now, where that is known."""
        return {}

    @abstractmethod
    def hand_out(self, study: str, tasks: Sequence[Task]) -> None:
        """Starts a chunk; there must be somebody free.

        Args:
            study: The study's name.
            tasks: The chunk's points, which one worker measures one after the other.

        Raises:
            InputError: If there are no workers any more.
        """

    @abstractmethod
    def reports(self) -> Iterator[Report]:
        """What came back since the last call; waits for something, but not for long."""


class _ClusterWorkers(Workers):
    """The workers of a Dask cluster; it reruns by itself what a lost worker was doing."""

    def __init__(self, executor: Executor, count: int, address: str) -> None:
        super().__init__(count)
        self._executor = executor
        self._address = address
        self._running: dict[Future[list[MeasuredPoint]], tuple[str, Sequence[Task]]] = {}

    @property
    def free(self) -> int:
        """How many chunks can be handed out now: one lies ready for whoever is done first."""
        return max(0, self.count + 1 - len(self._running))

    def hand_out(self, study: str, tasks: Sequence[Task]) -> None:
        """Starts a chunk."""
        try:
            self._running[self._executor.submit(run_chunk, study, tasks)] = (study, tasks)
        except (RuntimeError, OSError) as error:
            raise self._gone() from error

    def reports(self) -> Iterator[Report]:
        """What came back since the last call."""
        for future in wait(self._running, 1.0, return_when=FIRST_COMPLETED).done:
            study, tasks = self._running.pop(future)
            identities = [task.identity for task in tasks]
            try:
                outcomes = future.result()
            except CancelledError as error:
                raise self._gone() from error
            except Exception as error:
                if type(error).__name__ != "KilledWorker":
                    text = f"{type(error).__name__}: {error}"
                    yield Report(
                        identities, [MeasuredPoint(i, [], error=text) for i in identities], False
                    )
                elif len(tasks) == 1:
                    yield Report(identities, [], died=True)
                else:
                    # One of them is to blame.
                    for task in tasks:
                        self.hand_out(study, [task])
            else:
                yield Report(identities, outcomes, died=False)

    def _gone(self) -> InputError:
        return InputError(
            f"{option('dask', self._address)}: the scheduler is gone; what was finished is kept. "
            "Start one and run the same again."
        )


@contextlib.contextmanager
def cluster_workers(address: str) -> Iterator[Workers]:
    """The workers of a running Dask scheduler.

    Args:
        address: The scheduler's address ("tcp://host:8786") or the path of its scheduler file.

    Raises:
        InputError: If Dask is not installed, nobody answers, or there are no workers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise missing_extra(option("dask"), "dask", option("workers")) from None
    # What it logs of a scheduler that is gone are tracebacks, and one sentence says it here.
    for name in ("distributed", "distributed.client", "distributed.comm", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    if "://" not in address and not Path(address).is_file():
        raise InputError(
            f"{option('dask', address)}: give the scheduler's address, such as "
            "tcp://host:8786, or the path of an existing scheduler file."
        )
    target = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        client = Client(**target, timeout="20s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"{option('dask', address)}: no scheduler answers ({error}).") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=60)
        except TimeoutError:
            raise InputError(
                f"{option('dask', address)}: the scheduler has no workers; start some."
            ) from None
        threads = sum(client.nthreads().values())
        with client.get_executor(pure=False, retries=2) as executor:
            yield _ClusterWorkers(executor, threads, address)


def _failed(identity: str, started: float, error: str) -> MeasuredPoint:
    seconds = time.perf_counter() - started
    return MeasuredPoint(identity, [], seconds=seconds, error=one_line(error))
