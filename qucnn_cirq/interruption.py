"""Being stopped by the user (Ctrl-C), a batch system (SIGTERM) or a closed terminal (SIGHUP)."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raises KeyboardInterrupt on any of the signals; the earlier handlers return afterwards."""
    _asked.clear()
    with handled(_interrupt):
        yield


def check_interruption() -> None:
    """Raises KeyboardInterrupt if it was raised before and some library swallowed it."""
    if _asked.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Has a function handle the signals, if this is the main thread.

    SIGHUP stays ignored where it was: that is what `nohup` is for.

    Args:
        handler: Called with the signal's number and the interrupted frame, as by ``signal.signal``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hears_hangup = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    numbers = [each for each in SIGNALS if each is not signal.SIGHUP or hears_hangup]
    earlier = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in earlier.items():
            # None: the earlier handler was not installed from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
