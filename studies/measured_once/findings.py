"""What a measured_once study found, in sentences."""

from __future__ import annotations

from studies.effects import Quantity, effects
from studies.grouping import axes_of, groups
from studies.measured_once.configuration import BOUND, IDEAL
from studies.measured_once.figures import ERRORS, METHOD, QUANTITIES, comparison, rows_with, whole
from studies.measured_once.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import axis_text

_ACCURACY = Quantity("accuracy", "accuracy", by_ratio=False, form=".3f", best="highest")


def findings(results: Results) -> list[str]:
    """How much less one measurement errs than a circuit for each filter, and along each axis.

    Args:
        results: What was measured so far, at least one point.
    """
    table = whole(results.table())
    lines = []
    errors = rows_with(table, ERRORS)
    others = [a for a in axes_of(errors, (*COLUMNS, "refused")) if a not in (METHOD, "shots")]
    for values, own in groups(errors, others) if len(errors) else ():
        where = ", ".join(axis_text(axis, value) for axis, value in values.items())
        begin = f"{where}: " if where else ""
        lines += [f"{begin}{line.strip()}." for line in comparison(own)]
    run = errors[errors[METHOD] != BOUND]
    for name in QUANTITIES:
        quantity = Quantity(f"{name}_rmse", f"RMS error of {name}")
        lines += effects(run, quantity, [*COLUMNS, "refused"])
    trained = rows_with(table, ["correct"])
    if len(trained):
        trained = trained.assign(accuracy=trained["correct"] / trained["tested"])
        ideal = trained.loc[trained[METHOD] == IDEAL, "accuracy"]
        if len(ideal):
            lines.append(f"Accuracy without noise and shots: {ideal.mean():.3f}.")
        lines += effects(trained[trained[METHOD] != IDEAL], _ACCURACY, [*COLUMNS, "accuracy"])
    return lines
