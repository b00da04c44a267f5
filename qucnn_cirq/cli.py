"""The command line: parses, calls, prints.

Exit codes: 0 done, 1 a check failed or points failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from qucnn_cirq.commands import (
    compile,
    devices,
    draw,
    export,
    merge,
    noise,
    plot,
    report,
    reproduce,
    status,
    study,
    validate,
)
from qucnn_cirq.errors import InputError
from qucnn_cirq.interruption import interruptible

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130

_FULL = "; free some space and run the same command again (what was finished is kept)"
_FORBIDDEN = "; choose another place, or change the permissions"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
}
"""What can be done about an error of the system."""

# Adding a verb is adding a module and a line.
VERBS = {
    "reproduce": reproduce,
    "study": study,
    "status": status,
    "merge": merge,
    "export": export,
    "plot": plot,
    "report": report,
    "compile": compile,
    "validate": validate,
    "draw": draw,
    "devices": devices,
    "noise": noise,
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; global options may stand before or after the verb."""
    parser = argparse.ArgumentParser(
        prog="qucnn",
        description="Compile, execute and study quantum convolutions on grids of qubits.",
        epilog="exit codes: 0 done, 1 a check or points failed, 2 bad input, 130 interrupted",
    )
    _add_global_options(parser, seed=None, quiet=False, json=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        own = verbs.add_parser(
            name,
            help=verb.HELP,
            description=verb.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # A verb's own defaults would overwrite what was given before the verb.
        silent = argparse.SUPPRESS
        _add_global_options(own, seed=silent, quiet=silent, json=silent)
        verb.configure(own)
        own.set_defaults(run=verb.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments without the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    options = build_parser().parse_args(arguments)
    try:
        with interruptible(), _notes(options.quiet):
            code: int = options.run(options)
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("qucnn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has what it wanted. Nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ValueError as error:
        from noise_models import NoiseError

        # Any other ValueError is a fault of the program, and its traceback is wanted.
        if not isinstance(error, InputError | NoiseError):
            raise
        return _refuse(str(error))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{name}{error.strerror or error}{_ADVICE.get(error.errno or 0, '')}")


@contextlib.contextmanager
def _notes(quiet: bool) -> Iterator[None]:
    """Writes notes on data that was put right as one line each, or not at all."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str, category: type[Warning], *others: Any, **named: Any
        ) -> None:
            # By name: importing the category would import Cirq.
            if category.__name__ != "NoiseNote":
                usual(message, category, *others, **named)
            elif not quiet:
                print(f"qucnn: note: {' '.join(str(message).split())}", file=sys.stderr)

        warnings.showwarning = show
        yield


def _refuse(reason: str) -> int:
    print(f"qucnn: error: {' '.join(reason.split())}", file=sys.stderr)
    return BAD_INPUT


def _add_global_options(
    parser: argparse.ArgumentParser, seed: object, quiet: object, json: object
) -> None:
    group = parser.add_argument_group("global options")
    group.add_argument("--seed", type=int, default=seed, help="seed of all random draws")
    group.add_argument(
        "--quiet", action="store_true", default=quiet, help="no progress and no notes"
    )
    group.add_argument("--json", action="store_true", default=json, help="print the result as JSON")


if __name__ == "__main__":
    raise SystemExit(main())
