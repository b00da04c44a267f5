"""Running something on files of strangers within bounds of time and memory.

Whoever wrote a file decides how long reading it takes: a number in it can ask for a million
qubits or a power of a power of a power. So the work is done by a child process that is stopped
when it exceeds its bounds, and what comes back is a result or one reason.
"""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

from qucnn_cirq.errors import InputError

SECONDS = 60.0
MEMORY_BYTES = 2 * 2**30
"""Bounds of one call."""


Others = TypeVarTuple("Others")
T = TypeVar("T")


def guarded(path: Path, function: Callable[[Path, *Others], T], *others: *Others) -> T:
    """Calls a function of a file in a child process with `SECONDS` and `MEMORY_BYTES`.

    Args:
        path: The file.
        function: A function of a module; its first argument is the file, and its result must be
            picklable.
        *others: Its other arguments.

    Returns:
        What the function returned.

    Raises:
        InputError: If the function raised one; or one that names the file, if it raised another
            error, took too long, needed too much memory or ended the process.
    """
    # Forking spares importing Cirq again, which takes seconds; elsewhere it is not safe.
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, function, path, others))
    with warnings.catch_warnings():
        # The child does not touch what threads of this process may be holding.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        if not receiver.poll(SECONDS):
            raise refusal(path, f"takes longer than {SECONDS:g} s to read; make it smaller.")
        answer, content = receiver.recv()
    except EOFError:
        raise refusal(path, "cannot be read within the memory allowed.") from None
    finally:
        child.kill()
        child.join()
        receiver.close()
    if answer == "refused":
        raise refusal(path, content)
    result: T = content
    return result


def refusal(path: Path, reason: object) -> InputError:
    """An error about a file.

    Args:
        path: The file.
        reason: What is wrong; may name the file already.
    """
    text = str(reason)
    # In a message that was too long the path has lost its first folders.
    is_named = "/".join(path.parts[-2:]) in text
    return InputError(text if is_named else f"{path}: {text}")


def _child(
    sender: Connection, function: Callable[..., Any], path: Path, others: tuple[Any, ...]
) -> None:
    _limit_memory()
    try:
        answer: tuple[str, Any] = ("done", function(path, *others))
    except InputError as error:
        answer = ("refused", str(error))
    except MemoryError:
        answer = ("refused", "needs more memory to read than is allowed.")
    except RecursionError:
        answer = ("refused", "is nested too deeply.")
    except Exception as error:
        # Whatever a stranger's file breaks in Cirq.
        answer = ("refused", f"cannot be handled ({type(error).__name__}: {error}).")
    sender.send(answer)
    sender.close()


def _limit_memory() -> None:
    """Caps the address space, where the system can, at what is mapped now and an allowance."""
    try:
        import resource

        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES, hard))
    except (ImportError, OSError, ValueError):
        return
