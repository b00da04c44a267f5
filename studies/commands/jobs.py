"""`qucnn jobs`: the circuits of a study, to be run elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json
from studies.commands import note_of

HELP = "write the circuits of a study, to be run elsewhere"
DESCRIPTION = """\
Write the circuits of all points of a study into files, each once, validated against its device,
with markers that show the order of the bits. What comes back goes to qucnn collect. Where counts
decide what is run next, the same command writes the next round of circuits once they are collected.

  qucnn jobs forward --out jobs --set images=4 --set noise=willow_pink
  qucnn jobs sweep.toml --out jobs --parallel 4 --format qasm
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("study", metavar="NAME|CONFIG.toml", help="as for `qucnn study`")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the circuits"
    )
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
    parser.add_argument(
        "--parallel",
        type=int,
        default=1,
        metavar="N",
        help="circuits that are run side by side on the device (default 1)",
    )
    parser.add_argument(
        "--format",
        choices=("cirq", "qasm"),
        default="cirq",
        help="Cirq's JSON (default) or OpenQASM 3",
    )


def run(options: argparse.Namespace) -> int:
    """Writes the circuits."""
    from studies.elsewhere.handing_out import jobs

    settings = list(options.settings)
    if options.seed is not None:
        settings.append(f"seed={options.seed}")
    found = jobs(
        options.study,
        options.out,
        settings=settings,
        quick=options.quick,
        parallel=options.parallel,
        form=options.format,
        note=note_of(options),
    )
    if options.json:
        print_json(found.summary())
    else:
        for line in found.lines():
            print(line)
    return 0
