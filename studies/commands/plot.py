"""`qucnn plot`: draws the figures of a sweep again."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from studies.commands import add_study

HELP = "draw the figures of the results in a folder"
DESCRIPTION = """\
Draw the figures of a sweep from what is in its folder so far, complete or not.

  qucnn plot results
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of results")
    add_study(parser)


def run(options: argparse.Namespace) -> int:
    """Draws."""
    from qucnn_cirq.errors import InputError
    from studies.sweep.catalogue import study_of_results
    from studies.sweep.job import finish
    from studies.sweep.stored_plan import read_plan

    study = study_of_results(read_plan(options.folder).study, options.study)
    summary = finish(study, options.folder)
    if not summary["done"]:
        raise InputError(f"{options.folder} has no measured points yet: run the study first.")
    if options.json:
        print_json({"figures": summary["figures"]})
    else:
        for name in summary["figures"]:
            print(options.folder / f"{name}.png")
    return 1 if tell_not_drawn(summary) else 0
