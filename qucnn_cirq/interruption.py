"""Being stopped by the user (Ctrl-C), a batch system (SIGTERM) or a closed terminal (SIGHUP)."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()
_AGAIN_SECONDS = 0.02


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raises KeyboardInterrupt on any of the signals; the earlier handlers return afterwards."""
    _asked.clear()
    with handled(_interrupt), _raised_again():
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


@contextlib.contextmanager
def _raised_again() -> Iterator[None]:
    """Interrupts again where Python drops the exception, as in finalizers and weak references."""
    earlier, timers = sys.unraisablehook, list[threading.Timer]()

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if not (_asked.is_set() and issubclass(dropped.exc_type, KeyboardInterrupt)):
            earlier(dropped)
            return
        # In a moment: what is raised in this hook is dropped, too.
        timer = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
        timer.daemon = True
        timers.append(timer)
        timer.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = earlier
        for timer in timers:
            timer.cancel()


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
