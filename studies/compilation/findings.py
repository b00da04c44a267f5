"""What a compilation study found, in sentences."""

from __future__ import annotations

from studies.compilation.study import COLUMNS
from studies.effects import Quantity, effects
from studies.sweep.results import Results

_GATES = Quantity("two_qubit_gates", "number of two-qubit gates", form=".3g")
_ERROR = Quantity("error", "predicted error of a circuit")


def findings(results: Results) -> list[str]:
    """How gates and predicted errors change along each axis, and what was verified.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    lines = [*effects(table, _GATES, COLUMNS), *effects(table, _ERROR, COLUMNS)]
    if len(table) == 1:
        row = table.iloc[0]
        lines.append(
            f"The circuit has {row['two_qubit_gates']} two-qubit gates in a chain of "
            f"{row['two_qubit_depth']}, and a predicted error of {row['error']:.3f}."
        )
    if "verified" in table and table["verified"].notna().any():
        known = table["verified"].dropna()
        lines.append(
            f"{int(known.astype(bool).sum())} of {len(known)} circuits that were checked give the "
            "right outcomes for random patches and are accepted by the device."
        )
    return lines
