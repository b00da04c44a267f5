"""`qucnn report`: one page about the results in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from studies.commands import add_study

HELP = "write one self-contained HTML page about the results in a folder"
DESCRIPTION = """\
Write a page with the question, what was found, figures, all rows in a table that can be sorted and
filtered, circuits, configuration and provenance of a study. It needs no network and can be sent to
others.

  qucnn report results
  qucnn report results --title "Noise of three overlap tests" --author "A. Name"

Title and author can stand in the configuration as well: [report] title and author. No author is
taken from the system.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of results")
    add_study(parser)
    parser.add_argument("--title", metavar="TEXT", help="title of the page")
    parser.add_argument("--author", metavar="TEXT", help="who wrote it")


def run(options: argparse.Namespace) -> int:
    """Writes the page."""
    from noise_models.files import read_json
    from studies.files import SUMMARY
    from studies.report.report import write_report

    path = write_report(options.folder, options.study, options.title, options.author)
    if options.json:
        print_json({"report": str(path)})
    else:
        print(path)
    return 1 if tell_not_drawn(read_json(options.folder / SUMMARY)) else 0
