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

With --x or --y draw instead one figure of a measured column against an axis, as PNG, SVG and PDF,
with the numbers that it shows as CSV. Means are taken over repetitions alone.

  qucnn plot results --x noise.scale --y rmse --hue convolution.overlap
  qucnn plot results --x shots --y bias --hue noise.scale --facet device --filter "noise.scale<=1"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of results")
    add_study(parser)
    group = parser.add_argument_group("a figure of your own")
    group.add_argument("--x", metavar="COLUMN", help="the axis (default: the only one that varies)")
    group.add_argument("--y", metavar="COLUMN", help="the measured column, of numbers")
    for option, what in (("--hue", "lines"), ("--facet", "panels")):
        group.add_argument(
            option,
            action="append",
            default=[],
            metavar="COLUMN",
            help=f"a column that tells {what} apart; can be repeated",
        )
    group.add_argument(
        "--filter",
        dest="where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only such rows; a list of values, or !=, <, <=, > and >=; can be repeated",
    )
    group.add_argument(
        "--band",
        choices=("interval", "error"),
        help="around means: Student's 95 %% interval (default), or the standard error",
    )


def run(options: argparse.Namespace) -> int:
    """Draws."""
    own = (options.x, options.y, options.hue, options.facet, options.where, options.band)
    return _plot_chosen(options) if any(own) else _plot_all(options)


def _plot_chosen(options: argparse.Namespace) -> int:
    """One figure of what was named."""
    from qucnn_cirq.errors import InputError
    from studies.runs.results import read_results

    if options.study is not None:
        raise InputError("--study has no effect on a figure of your own: leave it out.")
    file = read_results(options.folder).write_plot(
        x=options.x,
        hue=options.hue,
        facet=options.facet,
        y=options.y,
        where=options.where,
        band=options.band or "interval",
    )
    if options.json:
        print_json({"figures": [file.stem]})
    else:
        print(file)
    return 0


def _plot_all(options: argparse.Namespace) -> int:
    """The figures of the study."""
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
