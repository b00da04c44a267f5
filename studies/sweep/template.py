"""The process from which workers are forked, and what a worker does.

Imports take seconds. So they are done once, by a template that then measures nothing and runs no
threads, and every worker is forked from it in milliseconds. Workers do not need the template again.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from qucnn_cirq.advance import counted
from qucnn_cirq.errors import InputError
from qucnn_cirq.interruption import SIGNALS
from qucnn_cirq.logs import hand_on
from studies.sweep.workers import Task, measure_each

_TELL_SECONDS = 0.5
"""How often a worker tells how many circuits it ran."""


def run_template(descriptor: int, study: str, levels: str) -> None:
    """Imports what a study needs and forks workers; the whole life of a process.

    Args:
        descriptor: A socket through which the pipe of each worker comes. When it ends, so does
            the template.
        study: The study's name.
        levels: As `qucnn_cirq.logs.levels` gave them where the workers are heard, as JSON.
    """
    from studies.sweep.catalogue import study_named

    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    with contextlib.suppress(InputError):
        # Of a study that is not known here, each worker says so.
        study_named(study)
    # Nobody waits for the workers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as channel:
        channel.send(b"r")
        while True:
            message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
            if not message:
                return
            (own,) = descriptors
            if os.fork() == 0:
                channel.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _serve(Connection(own), json.loads(levels))
            os.close(own)


def _serve(pipe: Connection, levels: Mapping[str, int]) -> None:
    """Measures what comes through a pipe; the whole life of a worker."""
    code = 1
    try:
        chunks: queue.SimpleQueue[tuple[str, Sequence[Task]]] = queue.SimpleQueue()
        threading.Thread(target=_receive, args=(pipe, chunks), daemon=True).start()
        sender = _Sender(pipe)
        sender.send(os.getpid())
        hand_on(levels, sender.send)
        with counted(sender):
            while True:
                for outcome in measure_each(*chunks.get()):
                    sender.send(outcome)
                    sender.waiting = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        # Not back into the template's code; and without a word, if nobody listens any more.
        os._exit(code)


class _Sender:
    """Sends outcomes, what is logged and, now and then, how many circuits were run."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        # Threads of an engine log as well.
        self._lock = threading.Lock()
        self.waiting = 0
        self._sent = time.monotonic()

    def __call__(self, count: int) -> None:
        self.waiting += count
        if time.monotonic() - self._sent > _TELL_SECONDS:
            self.send(self.waiting)
            self.waiting, self._sent = 0, time.monotonic()

    def send(self, message: object) -> None:
        with self._lock:
            self._pipe.send(message)


def _receive(pipe: Connection, chunks: queue.SimpleQueue[Any]) -> None:
    """Ends this process when the one that started it is gone, even in the middle of a point."""
    try:
        while True:
            chunks.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)
