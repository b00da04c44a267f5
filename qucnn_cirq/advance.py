"""How many circuits have been run: engines tell it, and whoever shows progress listens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

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
