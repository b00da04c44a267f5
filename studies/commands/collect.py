"""`qucnn collect`: counts of circuits that were run elsewhere, and results made of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from qucnn_cirq.errors import InputError
from studies.commands import note_of

HELP = "take counts of circuits that were run elsewhere, and make results of them"
DESCRIPTION = """\
Take counts of the circuits that qucnn jobs wrote. Their points become results in DIR/results, as of
qucnn study, with what the study's noise predicts beside what was measured.

  qucnn collect jobs results_*.json
  qucnn collect jobs counts.csv --bit-order little
  qucnn collect jobs                                   (says what is missing)
  qucnn collect jobs --noise fitted.toml               (predicted by the noise that qucnn fit wrote)

Files hold cirq.Result as JSON, one or a list; or {"CIRCUIT": {"0101": 12, ...}, ...}; or CSV with
the columns circuit,bits,count. Counts of several files add up; the same counts are taken once.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of `qucnn jobs`")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="a file of counts")
    parser.add_argument(
        "--bit-order",
        choices=("big", "little"),
        help="the first measured qubit is the first bit of a text (big, default) or the last",
    )
    parser.add_argument(
        "--shots",
        type=int,
        metavar="N",
        help="shots of each circuit that results are made of, if not those asked for",
    )
    parser.add_argument(
        "--noise",
        metavar="NAME|FILE",
        help="the noise that predicts beside what was measured: a name or a file (default: the "
        "noise of the study)",
    )


def run(options: argparse.Namespace) -> int:
    """Collects."""
    from noise_models.files import read_json
    from studies.elsewhere.collecting import collect
    from studies.files import SUMMARY
    from studies.sweep.results import failure_lines

    found = collect(
        options.folder,
        options.files,
        bit_order=options.bit_order,
        shots=options.shots,
        noise=options.noise,
        note=note_of(options),
    )
    failed = []
    if found.results is not None:
        failed = found.results.status().to_mapping()["failed"]
    if options.json:
        print_json({**found.to_mapping(), "failed": failed})
    else:
        for line in [*found.lines(), *failure_lines(failed)]:
            print(line)
        if found.results is not None:
            if text := found.results.summary()["text"]:
                print(f"\n{text}")
            print(f"\nresults in {found.results.folder}")
    for line in found.refused[:-1]:
        print(f"error: {line}", file=sys.stderr)
    if found.refused:
        raise InputError(found.refused[-1])
    summary = None if found.results is None else found.results.folder / SUMMARY
    not_drawn = summary and summary.exists() and tell_not_drawn(read_json(summary))
    return 1 if failed or not_drawn else 0
