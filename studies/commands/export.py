"""`qucnn export`: the results of a sweep as one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json

HELP = "write the results of a sweep as one CSV or Parquet table"
DESCRIPTION = """\
Write all results of a sweep as one tidy table, one row a point, in the order of the axes.

  qucnn export results --out table.csv
  qucnn export results --out table.parquet      (with the extra [parquet])
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of results")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a .csv or .parquet file"
    )


def run(options: argparse.Namespace) -> int:
    """Exports."""
    from studies.sweep.results import export

    rows = export(options.folder, options.out)
    if options.json:
        print_json({"rows": rows, "file": str(options.out)})
    else:
        print(f"{rows} rows in {options.out}")
    return 0
