"""The verbs of the command line about studies, one module each, as in `qucnn_cirq.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable


def add_study(parser: argparse.ArgumentParser) -> None:
    """Adds the option that names the study of results; see `study_of_results`.

    Args:
        parser: The parser of a verb about a folder of results.
    """
    parser.add_argument(
        "--study", metavar="FILE:ATTR", help="the study, as it was named, if it is one of your own"
    )


def note_of(options: argparse.Namespace) -> Callable[[str], None]:
    """A function that tells the user a line, on standard error, or nothing with --quiet.

    Args:
        options: The parsed command line.
    """

    def note(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr)

    return note
