"""The verbs of the command line about studies, one module each, as in `qucnn_cirq.commands`."""

from __future__ import annotations

import argparse


def add_study(parser: argparse.ArgumentParser) -> None:
    """Adds the option that names the study of results; see `study_of_results`.

    Args:
        parser: The parser of a verb about a folder of results.
    """
    parser.add_argument(
        "--study", metavar="FILE:ATTR", help="the study, as it was named, if it is one of your own"
    )
