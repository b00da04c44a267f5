"""`qucnn study`: runs a study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qucnn_cirq.commands.output import print_json

HELP = "run a study and write its results to a folder"
DESCRIPTION = """\
Run a study: a built-in one by name (forward, loading), or the one that a TOML file configures.

  qucnn study forward --out results
  qucnn study forward --out few --set images=4 --set noise.depolarizing.p2=0.01
  qucnn study forward --out pink --set noise=willow_pink
  qucnn study results/configuration.toml --out again

settings of forward: images, split, first, shots, seed, engine, device, data;
convolution.kernel, .stride, .padding, .channels, .filters, .overlap;
noise (a name, see qucnn noise) or noise.scale, .depolarizing, .readout, ...
settings of loading: images, split, first, device, gate_set, infidelities, data; convolution; noise
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("study", metavar="NAME|CONFIG.toml", help="a built-in study, or a file")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results"
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting; can be repeated",
    )


def run(options: argparse.Namespace) -> int:
    """Runs the study."""
    from studies.catalogue import load_study
    from studies.progress import progress_bar, untracked

    settings = list(options.settings)
    if options.seed is not None:
        settings.append(f"seed={options.seed}")
    kind, configuration = load_study(options.study, settings)

    def note(line: str) -> None:
        if not options.quiet:
            print(line, file=sys.stderr)

    track = untracked if options.quiet else progress_bar
    summary = kind.run(configuration, options.out, track, note)
    if options.json:
        print_json(summary)
    else:
        print(kind.text(summary))
        print(f"\nresults in {options.out}")
    return 0
