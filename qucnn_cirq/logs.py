"""Loggers of the packages: their levels for other processes, and lines for a terminal."""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Iterator, Mapping

PACKAGES = ("qucnn_cirq", "noise_models", "studies")
"""Each has a logger of its name, whose children are named by its modules."""

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""By how often ``--verbose`` is given."""
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def levels() -> dict[str, int]:
    """At which level each logger is heard: the packages', and those of modules set apart."""
    found = {name: logging.getLogger(name).getEffectiveLevel() for name in PACKAGES}
    for name, logger in logging.root.manager.loggerDict.items():
        own = isinstance(logger, logging.Logger) and logger.level
        if own and name.partition(".")[0] in PACKAGES:
            found[name] = own
    return found


def hand_on(wanted: Mapping[str, int], send: Callable[[logging.LogRecord], object]) -> None:
    """Has what is logged in this process handed on, as in a worker that is heard elsewhere.

    Args:
        wanted: The levels, as `levels` gave them there.
        send: Takes each record, which can be pickled.
    """
    handler = _Sending(send)
    for name, level in wanted.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if name in PACKAGES:
            logger.addHandler(handler)
            logger.propagate = False


def receive(record: logging.LogRecord) -> None:
    """Logs a record of another process as if it were this one's.

    Args:
        record: What `hand_on` sent.
    """
    logging.getLogger(record.name).handle(record)


@contextlib.contextmanager
def on_terminal(verbosity: int) -> Iterator[None]:
    """While it lasts, writes what is logged to standard error.

    Args:
        verbosity: 0 for nothing, 1 for finished steps and warnings, 2 or more for choices and
            times as well.
    """
    if not verbosity:
        yield
        return
    handler = _Terminal()
    handler.setFormatter(logging.Formatter(_LINE, "%H:%M:%S"))
    before = {}
    for name in PACKAGES:
        logger = logging.getLogger(name)
        before[logger] = logger.level
        logger.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
            logger.removeHandler(handler)


class _Terminal(logging.Handler):
    """Writes above a bar, if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        import sys

        from tqdm import tqdm

        # The terminal may be gone.
        with contextlib.suppress(OSError, ValueError):
            tqdm.write(self.format(record), file=sys.stderr)


class _Sending(logging.Handler):
    """Sends records whose texts are made here: their arguments stay."""

    def __init__(self, send: Callable[[logging.LogRecord], object]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        sent = copy.copy(record)
        sent.msg, sent.args = self.format(record), None
        sent.exc_info = sent.exc_text = sent.stack_info = None
        # Nobody may listen any more.
        with contextlib.suppress(OSError):
            self._send(sent)
