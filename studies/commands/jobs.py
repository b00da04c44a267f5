"""`qucnn jobs`: the circuits of a study, to be run elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json
from qucnn_cirq.errors import InputError
from studies.commands import note_of

HELP = "write the circuits of a study, to be run elsewhere"
DESCRIPTION = """\
Write the circuits of all points of a study into files, each once, validated against its device,
with markers that show the order of the bits. What comes back goes to qucnn collect. Where counts
decide what is run next, the same command writes the next round of circuits once they are collected.

  qucnn jobs forward --out jobs --set images=4 --set noise=willow_pink
  qucnn jobs sweep.toml --out jobs --parallel 4 --format qasm

With --design they are circuits that tell numbers of the study's noise best for so many shots.

  qucnn jobs noise --out jobs --set noise=expected.toml --design depolarizing.p2 --shots 100000

With --files a shell does all rounds, with a program that writes counts to files ran_...:

  while files=$(qucnn jobs learning.toml --out jobs --files) && [ -n "$files" ]; do
    python run.py $files && qucnn collect jobs ran_*.json || break
  done
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
    parser.add_argument(
        "--design",
        action="append",
        metavar="KEY",
        help="circuits that tell a number of the noise best, such as depolarizing.p2, in place of "
        "the study's; can be repeated; all for all numbers",
    )
    parser.add_argument("--shots", type=int, metavar="N", help="all shots of a design")
    parser.add_argument(
        "--free",
        action="append",
        metavar="KEY",
        help="a number that a design takes for unknown; can be repeated (default: as qucnn fit)",
    )
    parser.add_argument(
        "--files",
        action="store_true",
        help="print nothing but the files of circuits that are to be run, one a line; none if all "
        "rounds are done",
    )


def run(options: argparse.Namespace) -> int:
    """Writes the circuits."""
    if options.files and options.json:
        raise InputError("--files and --json exclude each other: to_run in JSON has the files.")
    settings = list(options.settings)
    if options.seed is not None:
        settings.append(f"seed={options.seed}")
    if options.design is not None:
        return _design(options, settings)
    for name, instead in (("shots", "write --set shots=N"), ("free", "leave it out")):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for --design; of a study's own circuits {instead}.")
    from studies.elsewhere.handing_out import jobs

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
        for line in found.files if options.files else found.lines():
            print(line)
    return 0


def _design(options: argparse.Namespace, settings: list[str]) -> int:
    """Writes the circuits of a design."""
    from studies.elsewhere.designing import design_jobs

    for name, usual in (("quick", False), ("parallel", 1)):
        if getattr(options, name) != usual:
            raise InputError(f"--{name} has no effect on a design: leave it out.")
    if options.shots is None:
        raise InputError("--design splits shots among circuits: give --shots, how many in all.")
    found = design_jobs(
        options.study,
        options.out,
        options.shots,
        None if options.design == ["all"] else options.design,
        free=options.free,
        settings=settings,
        form=options.format,
    )
    if options.json:
        errors = {"relative_errors": found.design.relative_errors}
        print_json({**found.jobs.summary(), "expected": str(found.expected), **errors})
    elif options.files:
        for path in found.jobs.files:
            print(path)
    else:
        print(found.design)
        for line in found.jobs.lines():
            print(line)
        print(f"qucnn fit {options.out} starts from the noise in {found.expected.name}")
    return 0
