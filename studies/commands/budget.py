"""`qucnn budget`: where the error of a study's circuits comes from."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from qucnn_cirq.errors import InputError
from studies.commands import note_of

HELP = "share the error of feature maps out among gates, qubits and stages"
DESCRIPTION = """\
Share the error of a configuration's circuits out among what causes it, exactly and without shots:
loading, meeting and readout, kinds of noise, qubits and couplers; and tell how the error changes
with each rate of the noise.

  qucnn budget noise --set convolution.overlap=destructive --set noise.scale=1.0
  qucnn budget my_study.toml --out budget

What the configuration says of images, convolution, device and noise is taken; what only matters for
shots or training is left. With --out the study `budget` is run: tables, figures, a map, and the
axes of the configuration as far as they are about these.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("study", metavar="NAME|CONFIG.toml", help="a built-in study, or a file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of tables and figures")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting; can be repeated",
    )


def run(options: argparse.Namespace) -> int:
    """Shares out."""
    from studies.runs.run import configured
    from studies.sweep.catalogue import study_named

    settings = list(options.settings)
    if options.seed is not None:
        settings.append(f"seed={options.seed}")
    note = note_of(options)
    _, document = configured(options.study, settings=settings)
    known = study_named("budget").study_keys
    own, left = budget_document(document, known)
    if left:
        note(f"left out, as it changes no error without shots: {', '.join(left)}")
    return _one(own, options.json) if options.out is None else _all(own, options)


def budget_document(
    document: Mapping[str, Any], known: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    """The configuration of the budget of another study's circuits.

    Args:
        document: The other configuration.
        known: The keys of the table [study] that a budget has.

    Returns:
        The configuration, and the axes of the other one that have no meaning here.
    """

    def counts(axis: str) -> bool:
        return axis in known or axis.split(".")[0] in ("convolution", "noise")

    study = {key: value for key, value in document["study"].items() if key in known}
    own: dict[str, Any] = {"study": {**study, "name": "budget"}}
    own |= {key: document[key] for key in ("convolution", "noise") if key in document}
    left = []
    for table in ("axes", "zip"):
        axes = document.get(table, {})
        kept = {axis: values for axis, values in axes.items() if counts(axis)}
        left += [axis for axis in axes if axis not in kept]
        if kept:
            own[table] = kept
    return own, left


def _one(document: dict[str, Any], as_json: bool) -> int:
    """Prints the budget of one point."""
    from studies.budget.study import budget_of
    from studies.sweep.catalogue import load_study
    from studies.sweep.plan import make_plan, seed_of

    study, whole = load_study(document)
    plan = make_plan(study, whole)
    if len(plan.points) > 1:
        axes = ", ".join(plan.points[0].values)
        raise InputError(
            f"the configuration has {len(plan.points)} points, along {axes}: choose one with "
            "--set KEY=VALUE, or give --out DIR for all."
        )
    (point,) = plan.points
    budget = budget_of(point.settings, seed_of(point.identity))
    try:
        rates = budget.rates()
    except InputError:
        rates = None
    if as_json:
        print_json(
            {
                "rms": budget.rms,
                "bias": budget.bias,
                **{
                    label: budget.by(label).to_dict("records")
                    for label in ("stage", "mechanism", "place")
                },
                "rates": [] if rates is None else rates.to_dict("records"),
            }
        )
        return 0
    print(budget)
    if rates is not None:
        print("\na tenth less of each number of the noise changes the RMS error by")
        for row in rates.itertuples():
            slope = row.square / (2 * budget.rms) if budget.rms else 0.0
            print(f"  {-0.1 * row.value * slope:+.1e}  {row.key} = {row.value:g}")
    return 0


def _all(document: dict[str, Any], options: argparse.Namespace) -> int:
    from studies.runs.run import run as run_study
    from studies.sweep.results import failure_lines

    summary = run_study(
        document, options.out, bar=not options.quiet, note=note_of(options)
    ).summary()
    if options.json:
        print_json(summary)
    else:
        for line in failure_lines(summary["failed"]):
            print(line)
        if summary["text"]:
            print(summary["text"])
        print(f"\nresults in {options.out}")
    return 1 if tell_not_drawn(summary) or summary["failed"] else 0
