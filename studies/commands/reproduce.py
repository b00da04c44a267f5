"""`qucnn reproduce`: the paper's figures, ideal and noisy; and what the documentation quotes."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from qucnn_cirq.commands.output import print_json
from qucnn_cirq.errors import InputError
from studies.commands import note_of

HELP = "compute the paper's figures 3, 4 and 6 again, ideal and noisy, with one report"
DESCRIPTION = """\
Compute the figures of QuCNN (arXiv:2210.05443) again, ideally and with willow_pink's calibrated
noise, and noise against error and accuracy. An interrupted run goes on where it was; points that
failed are tried again. Exit code 1 if any fails.

  qucnn reproduce --out paper
  qucnn reproduce --out paper-quick --quick

--documentation measures instead what the documentation quotes: every figure and number of its
pages that no example there prints, with the extra [peers] on a quiet machine.

  qucnn reproduce --out quoted --documentation --workers 2
"""
_MOST_WORKERS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument("--quick", action="store_true", help="fewer images, points and repetitions")
    parser.add_argument(
        "--documentation", action="store_true", help="the documentation's figures and numbers"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one for each core, up to 8)"
    )


def run(options: argparse.Namespace) -> int:
    """Reproduces."""
    from studies.report.documentation import measure_documentation
    from studies.report.reproduce import reproduce
    from studies.sweep.results import failure_lines

    if options.seed is not None:
        raise InputError("--seed is fixed in the studies that are reproduced: leave it out.")
    workers = options.workers
    if workers is None:
        workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    if workers < 1:
        raise InputError(f"--workers {workers} is not allowed: give at least 1.")

    run = measure_documentation if options.documentation else reproduce
    found = run(options.out, options.quick, workers, options.quiet, note_of(options))
    if options.json:
        print_json(found)
    else:
        for name, text in found["parts"].items():
            failures = failure_lines(found["failed"].get(name, []))
            print("\n".join([name, text, *failures]), end="\n\n")
        page = found.get("report") or found["measured"]
        print(f"report: {page}")
    return 1 if found["failed"] else 0
