"""`qucnn fit`: the noise that the counts of circuits tell that were run elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json

HELP = "fit noise to counts of circuits that were run elsewhere"
DESCRIPTION = """\
Find the numbers of a noise configuration under which the counts are most likely that qucnn collect
took, and write it.

  qucnn fit jobs --out noise.toml
  qucnn fit jobs --noise start.toml --free depolarizing.p2 --free readout.p10 --out noise.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of `qucnn jobs`")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.toml", help="where the fitted noise is written"
    )
    parser.add_argument(
        "--noise",
        metavar="NAME|FILE",
        help="start values: a name or a file (default: the noise of the study, or the one that a "
        "design expects)",
    )
    parser.add_argument(
        "--free",
        action="append",
        metavar="KEY",
        help="a number to find, as depolarizing.p2 or scale; can be repeated (default: scale if "
        "the noise is calibrated, else all its rates, but no durations)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="intervals by profile likelihood, which take longer"
    )


def run(options: argparse.Namespace) -> int:
    """Fits, prints what was found, and writes it."""
    from studies.elsewhere.fitting import fit_collected

    fit = fit_collected(options.folder, options.noise, options.free)
    intervals = fit.profile() if options.profile else fit.table
    if options.out is not None:
        fit.write(options.out)
    good = fit.chi_squared
    if options.json:
        print_json(
            {
                "noise": fit.noise.to_mapping(),
                "numbers": [
                    {**row, "error": error}
                    for row, error in zip(
                        intervals[["key", "value", "low", "high"]].to_dict("records"),
                        fit.errors.tolist(),
                        strict=True,
                    )
                ],
                "log_likelihood": fit.log_likelihood,
                "chi_squared": [good.value, good.degrees, good.chance],
                "hard_to_tell": list(fit.hard_to_tell),
            }
        )
        return 0
    for row in intervals.itertuples():
        print(f"{row.key} = {row.value:.4g} (95 %: {row.low:.4g} to {row.high:.4g})")
    for line in fit.hard_to_tell:
        print(line)
    print(
        f"chi-squared {good.value:.0f} of {good.degrees} degrees of freedom, p = {good.chance:.2g}"
    )
    if options.out is not None:
        print(options.out)
    return 0
