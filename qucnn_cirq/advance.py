"""How far a computation is: engines and searches tell it, and who shows progress listens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from tqdm import tqdm

from qucnn_cirq.bars import in_notebook, progress_bar

_BAR_DELAY = 2.0
"""Seconds before progress is shown."""

_Listener = ContextVar[Callable[[int], object] | None]

_LISTENER: _Listener = ContextVar("listener", default=None)
_SOLVED: _Listener = ContextVar("solved", default=None)


def circuits_run(count: int) -> None:
    """Says that circuits were run; a long computation says so about every second.

    Args:
        count: How many, since it was said last.
    """
    _tell(_LISTENER, count)


def vectors_solved(count: int) -> None:
    """Says that the loading angles of vectors were found.

    Args:
        count: How many, since it was said last.
    """
    _tell(_SOLVED, count)


@contextlib.contextmanager
def counted(listener: Callable[[int], object]) -> Iterator[None]:
    """Has a function hear how many circuits are run, in this thread.

    Args:
        listener: Takes the number of circuits since its last call; it is called often.
    """
    with _heard(_LISTENER, listener):
        yield


@contextlib.contextmanager
def shown(what: str) -> Iterator[Callable[[float], None]]:
    """Shows how many circuits are run, if it takes long and nobody else listens.

    On a terminal or in a notebook.

    Args:
        what: What is done, a word.

    Yields:
        A function that is told how many circuits there will be, as soon as that is known.
    """
    if _LISTENER.get() is not None:
        yield lambda _: None
        return
    with progress_bar(desc=what, unit=" circuits", delay=_BAR_DELAY, leave=False) as bar:

        def expected(circuits: float) -> None:
            bar.total = max(round(circuits), bar.n)

        if bar.disable:
            yield expected
            return
        with counted(bar.update), _shown_late(bar):
            yield expected


@contextlib.contextmanager
def calibrating(circuits: int) -> Iterator[None]:
    """Shows a bar of calibration circuits, if they take long.

    Below a bar of circuits, to whose number they do not count; where something else listens by
    `counted`, it hears of them as of any others.

    Args:
        circuits: How many there are.
    """
    listener = _LISTENER.get()
    if _is_elsewhere(listener):
        yield
        return
    with (
        progress_bar(
            total=circuits, desc="calibration", unit=" circuits", delay=_BAR_DELAY, leave=False
        ) as bar,
        _shown_late(bar),
        counted(bar.update),
    ):
        yield


@contextlib.contextmanager
def _shown_late(bar: tqdm) -> Iterator[None]:
    """Shows a bar after its delay, also if nothing was told until then: one step may take long."""
    # The cells of a notebook are written to by the thread that runs them.
    if bar.disable or in_notebook():
        yield
        return
    timer = threading.Timer(_BAR_DELAY, bar.refresh)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _is_elsewhere(listener: Callable[[int], object] | None) -> bool:
    """Whether something else than a bar listens, such as what a sweep's worker reports to."""
    return listener is not None and not isinstance(getattr(listener, "__self__", None), tqdm)


@contextlib.contextmanager
def solving(total: int) -> Iterator[None]:
    """Shows a bar of the vectors that are solved for, if it takes long.

    Below a bar of circuits; where something else listens by `counted`, the place is that one's.

    Args:
        total: How many vectors there are.
    """
    hidden = _is_elsewhere(_LISTENER.get())
    with (
        progress_bar(
            total=total, desc="angles", disable=hidden or None, delay=_BAR_DELAY, leave=False
        ) as bar,
        _heard(_SOLVED, bar.update),
    ):
        yield


def steps(count: int, unit: str) -> Iterator[int]:
    """The numbers of steps, with a bar if they take long and nobody else listens.

    Args:
        count: How many steps there are.
        unit: What they are, a word in the plural.

    Yields:
        From 0 to `count` - 1.
    """
    # Where something listens by `counted`, as in a sweep's worker, the place is that one's.
    hidden = True if _LISTENER.get() is not None else None
    yield from progress_bar(
        range(count), unit=f" {unit}", disable=hidden, delay=_BAR_DELAY, leave=False
    )


def _tell(heard_by: _Listener, count: int) -> None:
    listener = heard_by.get()
    if listener is not None:
        listener(count)


@contextlib.contextmanager
def _heard(heard_by: _Listener, listener: Callable[[int], object]) -> Iterator[None]:
    token = heard_by.set(listener)
    try:
        yield
    finally:
        heard_by.reset(token)
