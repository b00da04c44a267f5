"""The parser of the command line: every verb, and the options that all of them have."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from qucnn_cirq import __version__
from qucnn_cirq.commands import TRACEBACK

VERBS = {
    "reproduce": "studies.commands.reproduce",
    "study": "studies.commands.study",
    "jobs": "studies.commands.jobs",
    "collect": "studies.commands.collect",
    "fit": "studies.commands.fit",
    "status": "studies.commands.status",
    "merge": "studies.commands.merge",
    "export": "studies.commands.export",
    "columns": "studies.commands.columns",
    "plot": "studies.commands.plot",
    "report": "studies.commands.report",
    "budget": "studies.commands.budget",
    "compile": "qucnn_cirq.commands.compile",
    "validate": "qucnn_cirq.commands.validate",
    "fix": "qucnn_cirq.commands.fix",
    "draw": "qucnn_cirq.commands.draw",
    "devices": "qucnn_cirq.commands.devices",
    "noise": "qucnn_cirq.commands.noise",
    "completion": "studies.commands.completion",
}
"""The module of each verb: see `qucnn_cirq.commands`. Adding one is a module and a line."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; global options may stand before or after the verb."""
    parser = argparse.ArgumentParser(
        prog="qucnn",
        description="Compile, execute and study quantum convolutions on grids of qubits.",
        epilog="exit codes: 0 done, 1 a check or points failed, 2 bad input, 130 interrupted, "
        "70 an internal error (--traceback says where)",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show the version and the commit, and exit"
    )
    _add_global_options(parser, "verbose")
    parser.set_defaults(seed=None, quiet=False, json=False, traceback=False, verbose=0, louder=0)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module in VERBS.items():
        verb = importlib.import_module(module)
        own = verbs.add_parser(
            name,
            help=verb.HELP,
            description=verb.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=not getattr(verb, "ADDS_HELP", False),
        )
        _add_global_options(own, "louder")
        verb.add_arguments(own)
        own.set_defaults(run=verb.run)
    return parser


class _Version(argparse.Action):
    """Prints the version and the commit; in a checkout git is asked for it, which takes time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Prints and exits."""
        from pathlib import Path

        # By name, as the verbs of studies are: nothing of this package rests on theirs.
        provenance = importlib.import_module("studies.provenance")
        assert provenance.__file__ is not None
        found = provenance.commit(Path(provenance.__file__).resolve())
        commit = found["commit"] or f"not known ({found['no_commit']})"
        print(f"qucnn_cirq {__version__}, commit {commit}")
        parser.exit()


def _add_global_options(parser: argparse.ArgumentParser, verbosity: str) -> None:
    # A verb's own defaults would overwrite what was given before the verb.
    silent = argparse.SUPPRESS
    group = parser.add_argument_group("global options", argument_default=silent)
    group.add_argument("--seed", type=int, help="seed of all random draws")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    # Counted apart before and behind the verb, whose own would take the place of the others.
    group.add_argument(
        "-v",
        "--verbose",
        dest=verbosity,
        action="count",
        help="log finished steps to standard error; twice: choices and times as well",
    )
    group.add_argument(TRACEBACK, action="store_true", help="show where an internal error arose")
