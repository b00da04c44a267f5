"""Processes of this machine that measure points, each with its own pipe.

A process that dies takes nobody along: what it had measured has been sent, what it was measuring
is known, and another process takes its place. `concurrent.futures` gives up all processes when one
of them dies, with what they were doing, and cannot say which piece of work killed it.

They are forked from a template that has done the imports (`studies.sweep.template`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection

from qucnn_cirq.errors import InputError, option
from qucnn_cirq.interruption import SIGNALS
from qucnn_cirq.logs import levels, receive
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.workers import Report, Task, Workers

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# What this process can import, that one can, wherever it was started.
_PROGRAM = (
    "import sys; number, study, levels, *sys.path[:] = sys.argv[1:]; "
    "from studies.sweep.template import run_template; run_template(int(number), study, levels)"
)
_LOOK_SECONDS = 1.0
"""How often to look for processes whose end the pipe did not tell, and for a request to stop."""
_MOST_FAILED_STARTS = 3
_MOST_KILLED_STARTS = 25
"""How many processes in a row may end before they are ready: by themselves, or (for each worker)
by a signal. Somebody who kills one every second gets many of a busy machine that starts slowly."""


class LocalWorkers(Workers):
    """Processes of this machine, started afresh (not forked), one thread each.

    They do not hear Ctrl-C and what a batch system sends to all processes of a job, which is for
    the process that hands out the work. They end with it, however that happens.

    Args:
        count: How many processes, at least 1.
        study: The study whose points they measure, as its registry names it.
    """

    def __init__(self, count: int, study: str) -> None:
        super().__init__(count)
        self._study = study
        self._templates: list[_Template] = []
        self._workers: list[_Worker] = []
        self._lost: list[Report] = []
        # One template is enough, unless somebody kills it before it is ready.
        self._templates_wanted = 1
        self._failed_starts = 0
        self._start_missing()

    @property
    def free(self) -> int:
        """How many chunks can be handed out now."""
        return sum(worker.idle for worker in self._workers)

    @property
    def circuits(self) -> Mapping[str, int]:
        """How many circuits were run of the points that are measured just now."""
        return dict(worker.circuits for worker in self._workers if not worker.idle)

    def hand_out(self, study: str, tasks: Sequence[Task]) -> None:
        """Starts a chunk."""
        worker = next(worker for worker in self._workers if worker.idle)
        try:
            worker.start(study, tasks)
        except OSError:
            # It died since the last look, which the next one tells; it has begun nothing.
            self._lost.append(Report([task.identity for task in tasks], [], died=False))

    def reports(self) -> Iterator[Report]:
        """What came back since the last call; waits for something, but not for long."""
        lost, self._lost = self._lost, []
        yield from lost
        pipes = [each.pipe for each in self._processes()]
        heard = multiprocessing.connection.wait(pipes, 0.0 if lost else _LOOK_SECONDS)
        for template in list(self._templates):
            if template.pipe in heard and not template.receive():
                self._templates.remove(template)
                code = template.end()
                if not template.ready:
                    self._note_failed_start(code)
                yield Report([], [], died=code < 0)
        for worker in list(self._workers):
            # A child of the worker may hold the pipe open after its death.
            if worker.pipe not in heard and not worker.has_ended:
                continue
            try:
                report = worker.receive()
            except (EOFError, OSError):
                self._workers.remove(worker)
                worker.end()
                if worker.pid is None:
                    self._note_failed_start(-signal.SIGKILL)
                yield worker.last_report()
                continue
            self._failed_starts = 0
            if report is not None:
                yield report
        self._start_missing()

    def close(self) -> None:
        """Ends the processes at once, whatever they are doing."""
        for each in self._processes():
            each.end()

    def _processes(self) -> list[_Template | _Worker]:
        return [*self._templates, *self._workers]

    def _start_missing(self) -> None:
        while len(self._templates) < self._templates_wanted:
            self._templates.append(_Template(self._study))
        ready = next((template for template in self._templates if template.ready), None)
        while ready and len(self._workers) < self.count:
            pipe, theirs = multiprocessing.Pipe()
            try:
                ready.fork(theirs)
            except OSError:
                # It died since the last look, which the next one tells.
                pipe.close()
                return
            finally:
                theirs.close()
            self._workers.append(_Worker(pipe))

    def _note_failed_start(self, code: int) -> None:
        self._failed_starts += 1
        self._templates_wanted = min(self.count, self._templates_wanted + 1)
        most = _MOST_FAILED_STARTS if code >= 0 else _MOST_KILLED_STARTS * self.count
        if self._failed_starts >= most:
            raise InputError(
                f"worker processes end while they start (exit code {code}): free some memory or "
                f"use fewer {option('workers')}; what was finished is kept."
            )


class _Template:
    """A process that has imported what workers need, and forks them."""

    def __init__(self, study: str) -> None:
        self.ready = False
        self.pipe, theirs = socket.socketpair()
        # Until it says that it does not care, a signal to the whole group would end it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _PROGRAM,
                    str(theirs.fileno()),
                    study,
                    json.dumps(levels()),
                    *sys.path,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **dict.fromkeys(_THREADS, "1")},
            )
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def receive(self) -> bool:
        """Takes the message that it is ready; False if it has ended."""
        try:
            self.ready = bool(self.pipe.recv(1))
        except OSError:
            return False
        return self.ready

    def fork(self, pipe: Connection) -> None:
        """Forks a worker that gets an end of a pipe."""
        socket.send_fds(self.pipe, [b"f"], [pipe.fileno()])

    def end(self) -> int:
        """Makes sure that it has ended, and returns its exit code."""
        self._process.kill()
        self.pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        return self._process.returncode or 0


class _Worker:
    """A process that was forked, its pipe, and the chunk that it is measuring."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.pid: int | None = None
        self._identities: list[str] = []
        self._outcomes: list[MeasuredPoint] = []
        self._circuits = 0

    @property
    def idle(self) -> bool:
        return self.pid is not None and not self._identities

    @property
    def has_ended(self) -> bool:
        try:
            if self.pid is not None:
                os.kill(self.pid, 0)
        except OSError:
            return True
        return False

    @property
    def circuits(self) -> tuple[str, int]:
        """The point that it is measuring, and how many of its circuits were run."""
        return "".join(self._identities[len(self._outcomes) :][:1]), self._circuits

    def start(self, study: str, tasks: Sequence[Task]) -> None:
        self.pipe.send((study, tasks))
        self._identities = [task.identity for task in tasks]

    def receive(self) -> Report | None:
        """Takes a message: its number once it is ready, circuits, a record of a log, or an outcome.

        Returns:
            A report once the chunk is done.

        Raises:
            EOFError: If it has ended.
        """
        if not self.pipe.poll():
            raise EOFError
        message = self.pipe.recv()
        if self.pid is None:
            self.pid = message
            return None
        if isinstance(message, int):
            self._circuits += message
            return None
        if isinstance(message, logging.LogRecord):
            receive(message)
            return None
        self._circuits = 0
        self._outcomes.append(message)
        if len(self._outcomes) < len(self._identities):
            return None
        report = self.last_report(died=False)
        self._identities, self._outcomes = [], []
        return report

    def last_report(self, died: bool = True) -> Report:
        return Report(self._identities, self._outcomes, died)

    def end(self) -> None:
        """Ends it at once; who forked it, or the system, tidies up."""
        if self.pid is not None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
        self.pipe.close()


@contextlib.contextmanager
def local_workers(count: int, study: str) -> Iterator[Workers]:
    """Processes of this machine for a study; they are ended on leaving.

    Args:
        count: How many processes, at least 1.
        study: The study whose points they measure, as its registry names it.
    """
    with contextlib.closing(LocalWorkers(count, study)) as workers:
        yield workers
