"""What a systems study found, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from studies.grouping import axes_of, groups, value_texts
from studies.sweep.results import Results
from studies.systems.study import COLUMNS
from studies.wording import interval_text, noise_text, span_text

_SCALE = "noise.scale"
_MEASURES = {"accuracy": "accuracy", "hellinger": "Hellinger distance (0 is best)"}
_CONTROLS = {
    "unentangled": "the same circuits without entanglers",
    "classical": "the best classical control",
    "qucnn": "QuCNN",
}
_LINES = ("role", "control", "model", "system", _SCALE)
_MOST_SETTINGS = 8
"""Settings besides the scale of the noise that are told of one by one."""
_TIE = 5e-4
"""Differences that are none."""


def findings(results: Results) -> list[str]:
    """How good each system is beside its controls, without noise and with it.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    if _SCALE not in table:
        table = table.assign(**{_SCALE: 1.0})
    others = [axis for axis in axes_of(table, COLUMNS) if axis not in _LINES]
    texts = {axis: dict(zip(table[axis], value_texts(table[axis]), strict=True)) for axis in others}
    parts = list(groups(table, [*others, "model"]))
    lines = _in_all(parts)
    for values, own in parts[:_MOST_SETTINGS]:
        where = [f"{axis.rpartition('.')[2]} {texts[axis][values[axis]]}" for axis in others]
        measure = _measure(own)
        if measure is not None:
            lines += _beside_controls(own, measure, ", ".join([str(values["model"]), *where]))
    left = len(parts) - _MOST_SETTINGS
    return [*lines, f"{left} further settings: see the table."] if left > 0 else lines


def _measure(table: pd.DataFrame) -> str | None:
    return next((key for key in _MEASURES if key in table and table[key].notna().any()), None)


def _in_all(parts: Sequence[tuple[Mapping[str, object], pd.DataFrame]]) -> list[str]:
    """How models stand beside each kind of control, over all settings and scales of the noise."""
    found: dict[tuple[str, str], list[float]] = {}
    for _, own in parts:
        measure = _measure(own)
        for _, at in groups(own, [_SCALE]) if measure is not None else ():
            assert measure is not None
            sign = 1 if measure == "accuracy" else -1
            means = (sign * at[measure]).groupby([at["role"], at["control"]]).mean()
            best = means.groupby(level=0).max()
            for role in best.index.drop("model", errors="ignore") if "model" in best else ():
                found.setdefault((measure, role), []).append(best["model"] - best[role])
    return [
        f"{_MEASURES[measure]} of the models beside {_CONTROLS[role]}: ahead by "
        f"{np.mean(ahead):+.3f} in the mean ({span_text(ahead, '+.3f')}), better in "
        f"{sum(each > _TIE for each in ahead)} of {len(ahead)} settings.".replace(
            "-", "\N{MINUS SIGN}"
        )
        for (measure, role), ahead in found.items()
    ]


def _beside_controls(table: pd.DataFrame, measure: str, name: str) -> list[str]:
    """A model and its controls, and how far it is ahead of the best of them."""
    lines = []
    for scale in sorted({table[_SCALE].min(), _nominal(table[_SCALE])}):
        at = table[(table[_SCALE] == scale) & table[measure].notna()]
        means = at.groupby(["role", "control"], sort=False)[measure].mean()
        told = [
            f"{role if role == 'model' else control} {_over_starts(rows, measure)}"
            for (role, control), rows in at.groupby(["role", "control"], sort=False)
        ]
        text = f"{name}, {noise_text(float(scale))}: {_MEASURES[measure]} {', '.join(told)}"
        model, controls = means.get("model"), means.drop("model", errors="ignore")
        if model is not None and len(controls):
            sign = 1 if measure == "accuracy" else -1
            best = (sign * controls).idxmax()
            ahead = sign * (float(model.max()) - float(controls[best]))
            word = "better" if ahead > 0 else "worse"
            how = f"{abs(ahead):.3f} {word} than" if abs(ahead) > _TIE else "as good as"
            text += f"; the model is {how} the best control, {best[1]}"
        lines.append(f"{text}.")
    return lines


def _over_starts(rows: pd.DataFrame, measure: str) -> str:
    """The mean over starts, with Wilson's interval over test images where there is one."""
    low, high = f"{measure}_low", f"{measure}_high"
    if low in rows and rows[low].notna().all():
        ends = rows[low].mean(), rows[high].mean()
        return interval_text(rows[measure].mean(), *ends, ".3f")
    return f"{rows[measure].mean():.3f}"


def _nominal(scales: pd.Series) -> float:
    """The scale next to the noise as configured."""
    return float(scales.iloc[int((scales - 1.0).abs().argmin())])
