"""How many circuits have been run: engines tell it, and whoever shows progress listens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from tqdm import tqdm

_BAR_DELAY = 2.0
"""Seconds before progress is shown."""

_LISTENER: ContextVar[Callable[[int], object] | None] = ContextVar("listener", default=None)


def circuits_run(count: int) -> None:
    """Says that circuits were run; a long computation says so about every second.

    Args:
        count: How many, since it was said last.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener(count)


@contextlib.contextmanager
def counted(listener: Callable[[int], object]) -> Iterator[None]:
    """Has a function hear how many circuits are run, in this thread.

    Args:
        listener: Takes the number of circuits since its last call; it is called often.
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextlib.contextmanager
def shown(what: str) -> Iterator[Callable[[float], None]]:
    """Shows on a terminal how many circuits are run, if it takes long and nobody else listens.

    Args:
        what: What is done, a word.

    Yields:
        A function that is told how many circuits there will be, as soon as that is known.
    """
    if _LISTENER.get() is not None:
        yield lambda _: None
        return
    # None means: only on a terminal.
    with tqdm(desc=what, unit=" circuits", delay=_BAR_DELAY, leave=False, disable=None) as bar:

        def expected(circuits: float) -> None:
            bar.total = max(round(circuits), bar.n)

        if bar.disable:
            yield expected
            return
        with counted(bar.update):
            yield expected
