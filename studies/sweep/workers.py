"""Who computes the points: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from noise_models import NoiseError
from qucnn_cirq.errors import InputError, missing_extra
from qucnn_cirq.interruption import SIGNALS
from studies.sweep.plan import seed_of
from studies.sweep.store import Outcome, encode_array

Task = tuple[str, Mapping[str, Any]]
"""Identity and configuration of a point."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def run_chunk(study: str, tasks: Sequence[Task]) -> list[Outcome]:
    """Measures points; runs in a worker.

    Args:
        study: The kind of sweep.
        tasks: The points.

    Returns:
        What became of each; an error is an outcome, not an exception.
    """
    from studies.catalogue import sweep_kind

    kind = sweep_kind(study)
    outcomes = []
    for identity, document in tasks:
        started = time.perf_counter()
        try:
            measured = kind.measure(kind.read(document), seed_of(identity))
        except (InputError, NoiseError) as error:
            outcomes.append(_failed(identity, started, " ".join(str(error).split())))
        except Exception as error:
            # Whatever goes wrong in one point must not cost the others theirs.
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            text = f"{type(error).__name__}: {error} ({where})"
            outcomes.append(_failed(identity, started, text))
        else:
            rows = [{key: _plain(value) for key, value in row.items()} for row in measured.rows]
            arrays = {name: encode_array(array) for name, array in measured.arrays.items()}
            seconds = time.perf_counter() - started
            outcomes.append(Outcome(identity, rows, arrays, seconds))
    return outcomes


class Workers(ABC):
    """Something that runs chunks, and can be replaced when a process of it dies."""

    def __init__(self, count: int) -> None:
        self.count = count

    @abstractmethod
    def submit(self, study: str, tasks: Sequence[Task]) -> Future[list[Outcome]]:
        """Starts a chunk."""

    @abstractmethod
    def renew(self) -> None:
        """Replaces workers that died."""


class LocalWorkers(Workers):
    """Processes of this machine, started afresh (not forked), one thread each.

    They ignore Ctrl-C, which is for the process that hands out the work, and end with it.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
        )

    def submit(self, study: str, tasks: Sequence[Task]) -> Future[list[Outcome]]:
        """Starts a chunk."""
        # A process started now inherits the environment and which signals are held back.
        kept = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            return self._pool.submit(run_chunk, study, tasks)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            for name, value in kept.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def renew(self) -> None:
        """Starts new processes."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._start()

    def close(self, at_once: bool) -> None:
        """Ends the processes."""
        if at_once:
            # The public way to do this, `kill_workers`, is new in Python 3.14. They hold back the
            # signal of `terminate`.
            for process in list((self._pool._processes or {}).values()):
                process.kill()
        # Idle processes end by themselves; figures need not wait for that.
        self._pool.shutdown(wait=False, cancel_futures=True)


class ClusterWorkers(Workers):
    """The workers of a Dask cluster; it reruns by itself what a lost worker was doing."""

    def __init__(self, executor: Executor, count: int) -> None:
        super().__init__(count)
        self._executor = executor

    def submit(self, study: str, tasks: Sequence[Task]) -> Future[list[Outcome]]:
        """Starts a chunk."""
        return self._executor.submit(run_chunk, study, tasks)

    def renew(self) -> None:
        """Nothing to do: the cluster replaces its workers itself."""


@contextlib.contextmanager
def local_workers(count: int) -> Iterator[Workers]:
    """Processes of this machine; they are ended on leaving, at once if that is by an exception."""
    workers = LocalWorkers(count)
    try:
        yield workers
    except BaseException:
        workers.close(at_once=True)
        raise
    workers.close(at_once=False)


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
        raise missing_extra("--dask", "dask", "--workers") from None
    if "://" not in address and not Path(address).is_file():
        raise InputError(
            f"--dask {address}: give the scheduler's address, such as tcp://host:8786, or the path "
            "of an existing scheduler file."
        )
    target = {"address": address} if "://" in address else {"scheduler_file": address}
    try:
        client = Client(**target, timeout="20s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--dask {address}: no scheduler answers ({error}).") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=60)
        except TimeoutError:
            raise InputError(
                f"--dask {address}: the scheduler has no workers; start some."
            ) from None
        threads = sum(client.nthreads().values())
        with client.get_executor(pure=False, retries=2) as executor:
            yield ClusterWorkers(executor, threads)


def _end_with_parent() -> None:
    """Makes this process end when the one that started it is gone, however that happened."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _failed(identity: str, started: float, error: str) -> Outcome:
    return Outcome(identity, [], seconds=time.perf_counter() - started, error=error)


def _plain(value: Any) -> Any:
    """A number as JSON knows it; what is not finite becomes null."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
