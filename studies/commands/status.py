"""`qucnn status`: how far a sweep is."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json

HELP = "say how far the sweep in a folder is"
DESCRIPTION = """\
Say how many points of a sweep are done, failed and missing. Exit code 1 if any failed.

  qucnn status results
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of results")


def run(options: argparse.Namespace) -> int:
    """Prints the status."""
    from studies.sweep.results import state_text, status

    state = status(options.folder)
    if options.json:
        print_json(state.to_mapping())
    else:
        print(state_text(state))
    return 1 if state.failed else 0
