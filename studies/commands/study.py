"""`qucnn study`: runs a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from qucnn_cirq.errors import InputError
from studies.commands import note_of
from studies.commands.described import HelpOfStudy, list_text, listed

HELP = "run or resume a study and write its results to a folder"
DESCRIPTION = """\
Run a study: a built-in one by name, or the one that a TOML file configures. One that was
interrupted goes on where it was.

  qucnn study forward --out results
  qucnn study forward --out few --set images=4 --set noise.depolarizing.p2=0.01
  qucnn study noise --out sweep --workers 2
  qucnn study noise --out one --set noise.scale=1.0 --set 'shots=[100, 1000, 10000]'
  qucnn study results/configuration.toml --out again

qucnn study --list tells the studies, qucnn study NAME --help what each has to set, and --dry-run
what it would take.

settings: the keys of the table [study]; convolution.kernel, .stride, .padding, .channels, .filters,
.overlap; noise (a name, see qucnn noise) or noise.scale, .depolarizing, .readout, ...; a list or a
range is swept over.
"""
ADDS_HELP = True
"""The help is the study's own where one is named."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "study", nargs="?", metavar="NAME|CONFIG.toml", help="a built-in study, or a file"
    )
    parser.add_argument(
        "-h",
        "--help",
        action=HelpOfStudy,
        nargs=0,
        default=argparse.SUPPRESS,
        help="show this help or, after NAME, the study's",
    )
    parser.add_argument("--list", action="store_true", help="list the built-in studies")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting; can be repeated",
    )
    parser.add_argument(
        "--quick", action="store_true", help="the study's own quick version, if it has one"
    )
    group = parser.add_argument_group("how it is run, which changes no number")
    group.add_argument(
        "--workers", type=int, default=None, metavar="N", help="processes (default 1)"
    )
    group.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="a Dask scheduler, by address or file",
    )
    group.add_argument("--shard", metavar="I/N", help="only the I-th of N shards of the points")
    group.add_argument("--retry", action="store_true", help="try points again that failed before")
    group.add_argument(
        "--dry-run", action="store_true", help="say what the sweep would take; compute nothing"
    )


def run(options: argparse.Namespace) -> int:
    """Runs the study."""
    if options.list:
        if options.json:
            print_json(listed())
        else:
            print(list_text())
        return 0
    if options.study is None:
        raise InputError("NAME is missing: qucnn study --list tells the studies there are.")
    from noise_models.errors import shown
    from studies.runs.run import configured
    from studies.runs.run import run as run_study
    from studies.sweep.job import MOST_WORKERS, dry_run, dry_run_text
    from studies.sweep.results import failure_lines

    settings = list(options.settings)
    if options.seed is not None:
        settings.append(f"seed={options.seed}")
    workers = 1 if options.workers is None else options.workers
    if not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"--workers {shown(workers)} is not allowed: give 1 to {MOST_WORKERS}.")
    if options.dask is not None and options.workers is not None:
        raise InputError("--workers and --dask exclude each other: leave one out.")
    shard = _shard(options.shard)
    if options.dry_run:
        study, document = configured(options.study, settings=settings, quick=options.quick)
        plan = dry_run(study, document, options.quiet)
        if options.json:
            print_json(plan)
        else:
            print(dry_run_text(plan, workers))
        return 1 if plan["failed"] else 0
    if options.out is None:
        configured(options.study, settings=settings, quick=options.quick)
        raise InputError("--out DIR is missing: give the folder that the results go to.")
    summary = run_study(
        options.study,
        options.out,
        workers=workers,
        settings=settings,
        quick=options.quick,
        dask=options.dask,
        shard=shard,
        retry=options.retry,
        bar=not options.quiet,
        note=note_of(options),
    ).summary()
    if options.json:
        print_json(summary)
    else:
        print(f"{summary['done']} of {summary['points']} points done")
        for line in failure_lines(summary["failed"]):
            print(line)
        if summary["text"]:
            print(summary["text"])
        print(f"\nresults in {options.out}")
    return 1 if tell_not_drawn(summary) or summary["failed"] else 0


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    first, separator, second = text.partition("/")
    try:
        number, count = int(first), int(second)
    except ValueError:
        number = count = 0
    if not separator or not 1 <= number <= count:
        raise InputError(f"--shard {text} is not allowed: give I/N with 1 <= I <= N, such as 1/3.")
    return number, count
