"""What a trainability study found, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from studies.effects import Quantity, effects
from studies.grouping import axes_of, groups, value_texts
from studies.sweep.results import Results
from studies.trainability.study import COLUMNS
from studies.wording import axis_text

_VARIANCE = Quantity("variance", "variance of a gradient")
_KERNEL = "convolution.kernel"
_MOST_TOLD = 6


def findings(results: Results) -> list[str]:
    """How fast gradients vanish with the qubits, and how their variance changes along each axis.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    lines = [*_decay(table), *effects(table, _VARIANCE, COLUMNS)]
    ratio = table["variance"] / table["theory"]
    lines.append(
        f"The variance is {ratio.median():.2f} times 1/(d(d + 2)), d = 2^qubits, in the median "
        f"({ratio.min():.2f} to {ratio.max():.2f} over {len(ratio)} points)."
    )
    return lines


def _decay(table: pd.DataFrame) -> list[str]:
    """By what factor the variance falls with each qubit, in every setting of the other axes."""
    others = [axis for axis in axes_of(table, COLUMNS) if axis not in (_KERNEL, "qubits")]
    texts = {axis: dict(zip(table[axis], value_texts(table[axis]), strict=True)) for axis in others}
    told = []
    for values, own in groups(table, others):
        known = own[own["variance"] > 0]
        if known["qubits"].nunique() < 2:
            continue
        slope = float(np.polyfit(known["qubits"], np.log(known["variance"]), 1)[0])
        where = ", ".join(axis_text(axis, texts[axis][value]) for axis, value in values.items())
        told.append(f"{np.exp(slope):.3g}{f' ({where})' if where else ''}")
    if not told:
        return []
    left = len(told) - _MOST_TOLD
    more = f" and {left} further settings" if left > 0 else ""
    return [f"Each qubit more multiplies the variance by {', '.join(told[:_MOST_TOLD])}{more}."]
