"""`qucnn merge`: brings the results of shards together."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from studies.commands import add_study

HELP = "bring folders of one sweep, such as shards, together"
DESCRIPTION = """\
Copy the results of several folders of the same sweep to one folder and draw its figures.

  qucnn merge shard-1 shard-2 shard-3 --out results
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="folders of results")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the merged results"
    )
    add_study(parser)


def run(options: argparse.Namespace) -> int:
    """Merges."""
    from studies.sweep.results import merge, state_text

    state = merge(options.folders, options.out)
    # These take seconds to import: what cannot be merged is told before.
    from studies.sweep.catalogue import study_of_results
    from studies.sweep.job import finish

    study = study_of_results(state.study, options.study)
    summary = finish(study, options.out)
    if options.json:
        print_json(summary)
    else:
        print(state_text(state))
    return 1 if tell_not_drawn(summary) or state.failed else 0
