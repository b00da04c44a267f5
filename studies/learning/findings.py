"""What a learning study found, in sentences."""

from __future__ import annotations

from studies.effects import Quantity, effects
from studies.grouping import axes_of, cells, groups
from studies.learning.figures import last_rows, way
from studies.learning.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import LAYERS, layers_text, span_text


def findings(results: Results) -> list[str]:
    """The fidelity that each ansatz reached, and how it changes along each axis.

    Args:
        results: What was measured so far, at least one point.
    """
    last = last_rows(results.table())
    axes = [axis for axis in axes_of(last, COLUMNS) if axis != "iteration"]
    keys = [axis for axis in axes if axis != LAYERS]
    depth = [LAYERS] if LAYERS in last else []
    starts = span_text([len(own) for _, own in cells(last, [*depth, *keys], COLUMNS)])
    lines = [
        f"Fidelity after {span_text(last['iteration'])} iterations, median [lowest to highest] of "
        f"{starts} starts:"
    ]
    for values, own in groups(last, depth):
        ways = []
        for chosen, part in groups(own, keys):
            fidelity = part["fidelity"]
            using = f" with {way(chosen)}" if chosen else ""
            ways.append(
                f"{fidelity.median():.3f} [{fidelity.min():.3f} to {fidelity.max():.3f}]{using}"
            )
        name = layers_text(values[LAYERS]) if depth else "this ansatz"
        lines.append(f"{name} (at most {own['ceiling'].max():.3f}): {'; '.join(ways)}.")
    quantity = Quantity("fidelity", "fidelity", by_ratio=False, form=".3f", best="highest")
    return [*lines, *effects(last, quantity, [*COLUMNS, "iteration"])]
