"""Work on several items at the same time, in threads, with results in the order of the items."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

VARIABLE = "OMP_NUM_THREADS"
"""The environment variable that limits threads, here as in the libraries below; workers set it."""


def n_threads() -> int:
    """How many threads may compute: the processors at hand, or fewer if `VARIABLE` says so."""
    if hasattr(os, "sched_getaffinity"):
        available = len(os.sched_getaffinity(0))
    else:
        available = os.cpu_count() or 1
    limit = os.environ.get(VARIABLE, "")
    return min(available, max(1, int(limit))) if limit.isdigit() else available


_LIMITED = threading.Lock()
"""Held while BLAS is limited."""


@contextlib.contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keeps NumPy's products of matrices to the thread that asks for them.

    Products of many small matrices take longer in several threads than in one, and on a busy
    machine, where the threads wait for each other, many times longer. The limit is the process's:
    whoever sets it takes it back, and those who meet it leave it alone.
    """
    if not _LIMITED.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _LIMITED.release()


@functools.cache
def _controller() -> ThreadpoolController:
    # It looks through all libraries of the process, which takes a millisecond.
    return ThreadpoolController()


def in_order(
    run: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[tuple[Item, Result]]:
    """Runs a function on items, some at the same time.

    One item is read ahead of those that threads work on, so that none waits for the reading; no
    more than ``threads + 1`` are alive.

    Args:
        run: The function; what it raises is raised when its item's turn comes.
        items: What it is run on, read in this thread.
        threads: How many at the same time; with 1 all is done in this thread.

    Yields:
        Each item with its result, in the order of the items.
    """
    if threads == 1:
        for item in items:
            yield item, run(item)
        return
    pending: deque[tuple[Item, Future[Result]]] = deque()
    # Here, as what one of several threads limits another one would be the last to set free.
    with single_threaded_blas(), ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                # Whoever listens to progress here hears of it from there.
                context = contextvars.copy_context()
                pending.append((item, pool.submit(context.run, run, item)))
                del item
                if len(pending) > threads:
                    done, future = pending.popleft()
                    yield done, future.result()
                    del done, future
            while pending:
                done, future = pending.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(cancel_futures=True)
