"""`qucnn columns`: what the columns of a study's results mean."""

from __future__ import annotations

import argparse
import sys
import textwrap

from qucnn_cirq.commands.output import print_json
from studies.commands.described import WIDTH

HELP = "say what the columns of a study's results mean"
DESCRIPTION = """\
Say what each column of the table of a study means, for `qucnn export` and `load`.

  qucnn columns noise
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("study", metavar="NAME|CONFIG.toml", help="as for `qucnn study`")


def run(options: argparse.Namespace) -> int:
    """Prints the columns."""
    from studies.sweep.catalogue import load_study

    study, _ = load_study(options.study)
    columns = {
        "point": "identity of the point, from its settings",
        **study.columns,
        "seconds": "time that the point took",
    }
    if options.json:
        print_json(columns)
        return 0
    widest = max(map(len, columns))
    # Who reads a pipe or a file looks for words in whole lines.
    width = WIDTH if sys.stdout.isatty() else sys.maxsize
    for name, meaning in columns.items():
        indent = " " * (widest + 2)
        print(textwrap.fill(meaning, width, initial_indent=f"{name:<{widest}}  ",
                            subsequent_indent=indent))  # fmt: skip
    return 0
