"""`qucnn budget`: where the error of a study's circuits comes from."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qucnn_cirq.commands.output import print_json, tell_not_drawn
from qucnn_cirq.documents import read_document
from qucnn_cirq.errors import InputError
from studies.commands import note_of

HELP = "share the error of feature maps out among gates, qubits and stages"
DESCRIPTION = """\
Share the error of a configuration's circuits out among what causes it, exactly and without shots:
loading, meeting and readout, kinds of noise, qubits and couplers; and tell how the error changes
with each rate of the noise.

  qucnn budget noise --set convolution.overlap=destructive --set noise.scale=1.0
  qucnn budget my_study.toml --out budget

What the configuration says of images, convolution, device and noise is taken; what else there is,
of shots, training or a system of other circuits, is left out and named. A file with [convolution]
and [noise] alone does. With --out the study `budget` is run: tables, figures, a map, and the axes
of the configuration as far as they are about these.
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
    _, document = configured(_source(options.study), settings=settings)
    known = study_named("budget").study_keys
    own, left, ideal = budget_document(document, known)
    if ideal:
        note(f"left out, as there is no noise: {', '.join(ideal)}")
    if left:
        note(f"left out, as a budget has no such setting: {', '.join(left)}")
    return _one(own, options.json) if options.out is None else _all(own, options)


def _source(name: str) -> str | dict[str, Any]:
    """What is budgeted: a file that names no study, such as one of a layer, has its budget."""
    if not (name.endswith(".toml") or Path(name).is_file()):
        return name
    document = read_document(Path(name))
    if "name" in (study := document.get("study", {})):
        return name
    if "convolution" not in document:
        raise InputError(f"{name} has no table [convolution] and names no study: add one of these.")
    return {**document, "study": {**study, "name": "budget"}}


def budget_document(
    document: Mapping[str, Any], known: tuple[str, ...]
) -> tuple[dict[str, Any], list[str], list[str]]:
    """The configuration of the budget of another study's circuits.

    Args:
        document: The other configuration.
        known: The keys of the table [study] that a budget has.

    Returns:
        The configuration, the settings and axes of the other one that have no meaning here, and the
        values of those that have one which make the noise none.
    """

    def counts(axis: str) -> bool:
        return axis in known or axis.split(".")[0] in ("convolution", "noise")

    study = {key: value for key, value in document["study"].items() if key in known}
    own: dict[str, Any] = {"study": {**study, "name": "budget"}}
    own |= {key: document[key] for key in ("convolution", "noise") if key in document}
    left = [key for key in document["study"] if key not in known and key != "name"]
    ideal: list[str] = []
    for table in ("axes", "zip"):
        axes = document.get(table, {})
        kept = {axis: values for axis, values in axes.items() if counts(axis)}
        left += [axis for axis in axes if axis not in kept]
        together = table == "zip"
        for names in [tuple(kept)] if together else [(axis,) for axis in kept]:
            steps = _steps([kept[name] for name in names], once=together)
            if steps is None:
                continue
            noisy = [step for step in steps if not any(map(_is_ideal, names, step))]
            ideal += [
                f"{name} = {value!r}"
                for step in steps
                for name, value in zip(names, step, strict=True)
                if _is_ideal(name, value)
            ]
            for number, name in enumerate(names):
                kept[name] = [step[number] for step in noisy or steps]
        if kept:
            own[table] = kept
    return own, left, list(dict.fromkeys(ideal))


def _steps(columns: Sequence[Any], once: bool) -> list[tuple[Any, ...]] | None:
    """What axes that vary together are set to; None if they are no lists of one length.

    What only differed in what is left out is there once.
    """
    if not columns or not all(isinstance(column, list) for column in columns):
        return None
    if len({len(column) for column in columns}) > 1:
        return None
    steps: list[tuple[Any, ...]] = []
    for step in zip(*columns, strict=True):
        if not once or step not in steps:
            steps.append(step)
    return steps


def _is_ideal(axis: str, value: object) -> bool:
    if axis == "noise.scale":
        return value == 0 and not isinstance(value, bool)
    return axis == "noise" and value in ({}, "ideal")


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
    rates = budget.rates()
    if as_json:
        print_json(
            {
                "rms": budget.rms,
                "bias": budget.bias,
                **{
                    label: budget.by(label).to_dict("records")
                    for label in ("stage", "mechanism", "place")
                },
                "rates": rates.to_dict("records"),
            }
        )
        return 0
    print(budget)
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
