"""What a noise study found, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from studies.effects import Quantity, effects
from studies.grouping import axes_of
from studies.noise.lines import accuracy_data, error_data
from studies.noise.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import interval_text, left_open, plus_minus, span_text

_SCALE = "noise.scale"
_MOST_LINES = 4
"""Lines of a figure of which each is told of by itself."""
_ERROR = Quantity("rmse", "RMS error of feature maps")
_ACCURACY = Quantity("accuracy", "accuracy", by_ratio=False, form=".3f", best="highest")


def findings(results: Results) -> list[str]:
    """The error at about the noise as configured, how it changes along each axis, and accuracies.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    lines = effects(table, _ERROR, COLUMNS)
    if "correct" not in table:
        lines += _errors(table)
    else:
        lines = [*_accuracies(table), *lines]
        accuracy = table["correct"] / table["images_classified"]
        lines += effects(table.assign(accuracy=accuracy), _ACCURACY, COLUMNS)
    return [*lines, *_agreement(table), *_bias(table)]


def _errors(table: pd.DataFrame) -> list[str]:
    """The error of each line at about the noise as configured, and where noise takes over."""
    if _SCALE not in table:
        return []
    data = error_data(table, _SCALE)
    if data["series"].nunique() > _MOST_LINES:
        return []
    scale = _nearest(data[_SCALE], 1.0)
    lines = []
    for name, own in data[data[_SCALE] == scale].groupby("series", sort=False):
        row = own.iloc[0]
        predicted = row["predicted"]
        beside = f" (predicted {predicted:.4f})" if np.isfinite(predicted) else ""
        begin = f"{name}, " if name else ""
        lines.append(
            f"{begin}{scale:.3g} times the configured noise: RMSE "
            f"{plus_minus(row['rmse'], row['low'], row['high'])}{beside}"
            f"{_crossing(table, own)}."
        )
    return lines


def _crossing(table: pd.DataFrame, line: pd.DataFrame) -> str:
    """Where along the noise the systematic error of a line equals its shot noise."""
    keys = [axis for axis in axes_of(table, COLUMNS) if axis in line and axis != _SCALE]
    own = table
    for key in keys:
        own = own[own[key].astype(str) == str(line[key].iloc[0])]
    errors = ["systematic_rmse", "shot_rmse"]
    if not set(errors) <= set(own) or own["shots_taken"].nunique() > 1:
        return ""
    part = own[own[_SCALE] > 0].groupby(_SCALE)[errors].mean().dropna()
    part = part[(part > 0).all(axis=1)]
    ratio = np.log(part["systematic_rmse"] / part["shot_rmse"])
    shots = f"the shot noise of {int(own['shots_taken'].iloc[0]):,} shots"
    if len(ratio) and ratio.min() > 0:
        return f"; the systematic error exceeds {shots} at every scale"
    if len(ratio) and ratio.max() < 0:
        return f"; the systematic error is below {shots} at every scale"
    if ratio.empty:
        return ""
    equal = float(np.exp(np.interp(0.0, ratio, np.log(part.index))))
    return f"; the systematic error exceeds {shots} above {equal:.2g} times"


def _accuracies(table: pd.DataFrame) -> list[str]:
    """The accuracy of each line without noise, as configured, and with the most noise."""
    if _SCALE not in table:
        return []
    data = accuracy_data(table, _SCALE)
    wanted = {0.0 if 0 in set(data[_SCALE]) else data[_SCALE].min(),
              _nearest(data[_SCALE], 1.0), _nearest(data[_SCALE], 10.0)}  # fmt: skip
    exact = span_text(data["exact_maps"], ".3f")
    lines = [f"Exact maps: accuracy {exact} on {span_text(data['images'])} test images."]
    for name, own in data.groupby("series", sort=False):
        rows = own.set_index(_SCALE)
        told = []
        for scale in sorted(wanted & set(rows.index)):
            mean, low, high = map(float, rows.loc[scale, ["accuracy", "low", "high"]])
            told.append(f"{interval_text(mean, low, high, '.3f')} at {scale:g}")
        found = ", ".join(told)
        lines.append(f"{name or 'Noisy maps'}: accuracy {found} times the configured noise.")
    return lines


def _agreement(table: pd.DataFrame) -> list[str]:
    """How measured errors compare with what exact noisy means and shots predict."""
    if "predicted_rmse" not in table:
        return []
    ratio = (table["rmse"] / table["predicted_rmse"]).dropna()
    if ratio.empty:
        return []
    if len(ratio) == 1:
        row = table.loc[ratio.index[0]]
        return [
            f"The measured error, RMSE {row['rmse']:.4f}, is {ratio.iloc[0]:.3f} times that "
            f"predicted from exact noisy means and shot noise, {row['predicted_rmse']:.4f}"
            f"{left_open(row, 'predicted_rmse')}."
        ]
    return [
        f"Measured errors are {ratio.median():.3f} times those predicted from exact noisy means "
        f"and shot noise (median; {span_text(ratio, '.3f')} over {len(ratio)} points)."
    ]


def _bias(table: pd.DataFrame) -> list[str]:
    """The bias of collected counts beside the predicted one."""
    if not {"measured_bias", "measured_bias_error", "systematic_rmse"} <= set(table):
        return []
    own = table.dropna(subset=["measured_bias", "measured_bias_error", "systematic_rmse"])
    if len(own) == 1:
        row = own.iloc[0]
        return [
            f"Collected estimates are {row['measured_bias']:+.4f} ± "
            f"{row['measured_bias_error']:.4f} off on average (standard error by shots); "
            f"{row['bias']:+.4f} is predicted."
        ]
    distances = (own["measured_bias"] - own["bias"]).abs() / own["measured_bias_error"]
    distances = distances[own["measured_bias_error"] > 0]
    if distances.empty:
        return []
    return [
        f"Measured biases are {distances.median():.2g} standard errors from the predicted ones "
        f"(median; at most {distances.max():.2g})."
    ]


def _nearest(values: pd.Series, wanted: float) -> float:
    unique = np.unique(values)
    return float(unique[np.abs(unique - wanted).argmin()])
