"""The command line: parses, calls, prints, and ends in one line whatever happens.

Exit codes: 0 done, 1 a check failed or points failed, 2 bad input, 130 interrupted, 70 an internal
error.
"""

# Little is imported here: a Ctrl-C before `main` runs cannot be answered.
from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from qucnn_cirq.commands import TRACEBACK

DONE, BAD_INPUT, INTERNAL_ERROR, INTERRUPTED = 0, 2, 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments without the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _usable_streams()
        from qucnn_cirq.interruption import interruptible

        with interruptible():
            code = _run(given)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        return _told(error, TRACEBACK in given)
    finally:
        # What cannot be written now cannot be written at exit either.
        for stream in (sys.stdout, sys.stderr):
            if not _flushes(stream):
                _discard(stream)


def _run(arguments: list[str]) -> int:
    import warnings

    earlier = warnings.formatwarning
    # Those of libraries take two lines, with a place in their code.
    warnings.formatwarning = _warning_line
    try:
        from qucnn_cirq.commands.output import notes
        from qucnn_cirq.commands.parser import build_parser
        from qucnn_cirq.errors import on_command_line
        from qucnn_cirq.logs import on_terminal

        options = build_parser().parse_args(arguments)
        verbosity = options.verbose + options.louder
        with on_command_line(), notes(options.quiet), on_terminal(verbosity):
            code: int = options.run(options)
        return code
    finally:
        warnings.formatwarning = earlier


def _told(error: Exception, traceback: bool) -> int:
    """Says in one line why it ended, even where nothing can be imported any more."""
    try:
        # First without an import, each of which takes memory.
        if not _memory_ended(error):
            return _ended_by(error, traceback)
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as another:
        if not _memory_ended(another):
            _say(f"qucnn: internal error: {type(another).__name__}; please report it")
            return INTERNAL_ERROR
    _say("qucnn: error: not enough memory: ask for fewer images or points, or for fewer workers.")
    return BAD_INPUT


def _memory_ended(error: BaseException | None) -> bool:
    """Whether there was not enough memory, in whatever words a library says so."""
    import errno

    words = (os.strerror(errno.ENOMEM).lower(), "failed to map segment", "bad_alloc")
    while error is not None:
        if isinstance(error, MemoryError) or any(word in _words(error).lower() for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False


def _ended_by(error: Exception, traceback: bool) -> int:
    """Says in one line why it ended, and returns the exit code."""
    if isinstance(error, BrokenPipeError) and _reader_left():
        # The reader, such as `head`, has what it wanted.
        return DONE
    from qucnn_cirq.errors import InputError

    if isinstance(error, InputError):
        return _refuse(_words(error))
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        name = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{name}{error.strerror or _words(error)}{_advice(error.errno)}")
    if traceback:
        import traceback as tracebacks

        tracebacks.print_exception(error)
    reason = f"{type(error).__name__}: {_words(error)}".strip().removesuffix(":")
    told = _line("internal error", reason, "; please report it")
    _say(told if traceback else f"{told}, with {TRACEBACK}")
    return INTERNAL_ERROR


def _words(error: BaseException) -> str:
    """What an error says; a class of the user's may not even be able to."""
    try:
        return str(error)
    except Exception:
        return ""


def _advice(number: int | None) -> str:
    """What can be done about an error of the system."""
    import errno

    if number in (errno.ENOSPC, errno.EDQUOT):
        return "; free some space and run the same command again (what was finished is kept)"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; choose another place, or change the permissions"
    return ""


def _refuse(reason: str) -> int:
    _say(_line("error", reason))
    return BAD_INPUT


def _interrupted() -> int:
    import signal

    # A second one would only spoil the last words.
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    _say("qucnn: interrupted")
    signal.signal(signal.SIGINT, signal.SIG_DFL if earlier is None else earlier)
    return INTERRUPTED


def _line(kind: str, reason: str, end: str = "") -> str:
    """One line of at most 200 characters."""
    from noise_models.errors import LONGEST_MESSAGE, one_line

    rest = len(end) + len(f", with {TRACEBACK}") * bool(end)
    return one_line(f"qucnn: {kind}: {reason}", LONGEST_MESSAGE - rest) + end


def _say(line: str) -> None:
    # Perhaps nobody listens.
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)


def _warning_line(message: object, category: type[Warning], *_: object, **__: object) -> str:
    return _line("warning", f"{category.__name__}: {message}") + "\n"


def _usable_streams() -> None:
    """Makes sure that stdin, stdout and stderr exist and take every text.

    A stream that was closed before (`>&-`) is missing, and the next file opened would get its
    number, so that a library's messages went there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The least free number, which is this one.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            # Open until the process ends, as the one that it stands for.
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _reader_left() -> bool:
    """Whether it is stdout that is broken, and not a pipe to some worker."""
    import select

    poller = select.poll()
    try:
        poller.register(sys.stdout.fileno(), select.POLLOUT)
    except (OSError, ValueError):
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll(0))


def _flushes(stream: object) -> bool:
    try:
        stream.flush()  # type: ignore[attr-defined]
    except (OSError, ValueError):
        return False
    return True


def _discard(stream: object) -> None:
    """Lets what a stream holds go nowhere: at exit nobody could answer the error."""
    # A stream may have no number, such as one that a test put there.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[attr-defined]


if __name__ == "__main__":
    raise SystemExit(main())
