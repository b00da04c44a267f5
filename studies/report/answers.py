"""What the reproduction measured on each statement of the paper, with uncertainties."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from studies.forward.figures import points
from studies.gradient.figures import gradient_error_data
from studies.grouping import cells, groups
from studies.learning.figures import last_rows, way
from studies.learning.study import COLUMNS
from studies.noise.lines import accuracy_data, error_data
from studies.statistics import CONFIDENCE, jackknife_interval
from studies.sweep.results import load, read_results
from studies.wording import LAYERS, layers_text, span_text

_SCALE = "noise.scale"
_TEST = "convolution.overlap"


def forward_answer(folder: Path) -> list[str]:
    """How closely the maps of the forward study agree with the classical ones.

    Intervals come from leaving out one image at a time: patches of one image overlap.

    Args:
        folder: The results of a forward study of one point.
    """
    (maps,) = points(read_results(folder))
    table = maps.patch_table()
    images = [own for _, own in table[table["blank"] == 0].groupby("image")]
    lines = []
    for run, prefix in maps.runs.items():
        column = f"{prefix}estimate"
        noise = "Without noise" if run == "ideal" else f"With {maps.row['noise_in_words']} noise"
        error = jackknife_interval(images, partial(_rmse, column=column))
        agreement = jackknife_interval(images, partial(_correlation, column=column))
        predicted = maps.row.get(f"{prefix}predicted_rmse")
        beside = "" if predicted is None else f" (predicted {predicted:.5f})"
        lines.append(
            f"{noise}: estimate against squared cosine F, correlation {_between(agreement, 4)}, "
            f"RMSE {_plus_minus(error)}{beside}."
        )
        if run == "noisy":
            slope = jackknife_interval(images, partial(_slope, column=column))
            offset = jackknife_interval(images, partial(_offset, column=column))
            lines.append(
                f"The noise maps F to about {_plus_minus(slope)} F + {_plus_minus(offset)}."
            )
    if "classical" in table:
        plain = jackknife_interval(
            images, lambda own: _correlation(own.assign(size=own["classical"].abs()), "size")
        )
        lines.append(
            f"The size of the plain convolution |x·f|, with the norm of the patch, has a "
            f"correlation of {_between(plain, 3)} with F."
        )
    return lines


def gradient_answer(folder: Path) -> list[str]:
    """How closely both ways of multiplying by g agree, and what they cost.

    Args:
        folder: The results of a gradient study with the axes state, noise, method, upstream and
            shots.
    """
    table = load(folder)
    lines = []
    for values, own in groups(table, ["state", "noise"]):
        state, noise = values["state"], values["noise"]
        data = gradient_error_data(own, ["method", "upstream"])
        shots = data["shots"].max()
        last = data[data["shots"] == shots].set_index(["method", "upstream"])
        largest, smallest = data["upstream"].max(), data["upstream"].min()
        both = " and ".join(
            f"{_interval(last.loc[(method, largest)])} {words}"
            for method, words in (("in_circuit", "in circuit"), ("parameter_shift", "afterwards"))
        )
        at = f"RMSE with g = {largest:g} and {shots:,} shots: {both}"
        if state == "mixed":
            predicted = last.loc[("in_circuit", largest), "predicted"]
            lines.append(
                f"Mixed state, whose gradient is 0 (null test), {at}; "
                f"{_scientific(predicted)} is predicted from shot noise alone."
            )
            continue
        if noise != "ideal":
            lines.append(f"Equal superposition, noise of {noise}, {at}: a bias remains.")
            continue
        power = _power(data[(data["method"] == "in_circuit") & (data["upstream"] == largest)])
        lines.append(f"Equal superposition, ideal, {at}; it falls as shots^({power}).")
        if smallest < largest:
            pair = [last.loc[(method, smallest)] for method in ("in_circuit", "parameter_shift")]
            lines.append(
                f"With g = {smallest:g} the in-circuit gradient needs {_ratio(*pair)} times the "
                "shots of the post-processed one for the same error (1/g² = "
                f"{1 / smallest**2:.0f})."
            )
    return lines


def learning_answer(folder: Path) -> list[str]:
    """The fidelity that each ansatz reached.

    Args:
        folder: The results of a learning study with the axes method, shots, noise and `LAYERS`.
    """
    table = load(folder)
    last = last_rows(table)
    keys = ["method", "shots", "noise"]
    starts = span_text([len(own) for _, own in cells(last, [LAYERS, *keys], COLUMNS)])
    lines = [
        f"Fidelity after {last['iteration'].max()} iterations, median [lowest to highest] of "
        f"{starts} starts:"
    ]
    for layers, own in last.groupby(LAYERS):
        ways = []
        for chosen, part in groups(own, keys):
            fidelity = part["fidelity"]
            ways.append(
                f"{fidelity.median():.3f} [{fidelity.min():.3f} to {fidelity.max():.3f}] with "
                f"{way(chosen)}"
            )
        lines.append(
            f"{layers_text(layers)} (at most {own['ceiling'].max():.3f}): {'; '.join(ways)}."
        )
    return lines


def noise_answer(folder: Path) -> list[str]:
    """The error of each overlap test at about the noise as configured.

    Args:
        folder: The results of a noise study with the axes noise.scale and convolution.overlap.
    """
    table = load(folder)
    data = error_data(table, _SCALE, [_TEST])
    scale = _nearest(data[_SCALE], 1.0)
    lines = []
    for test, own in data[data[_SCALE] == scale].groupby("series", sort=False):
        row = own.iloc[0]
        value = (row["rmse"], row["low"], row["high"])
        errors = ["systematic_rmse", "shot_rmse"]
        # That `error_data` took its means says that rows of one scale are repetitions.
        part = table[table[_TEST] == test].groupby(_SCALE)[errors].mean()
        ratio = np.log(part["systematic_rmse"] / part["shot_rmse"])
        equal = float(np.exp(np.interp(0.0, ratio, np.log(part.index))))
        lines.append(
            f"{test} test at {scale:.3g} times the configured noise: RMSE {_plus_minus(value)} "
            f"(predicted {row['predicted']:.4f}); the systematic error exceeds the shot noise of "
            f"{int(table['shots_taken'].iloc[0]):,} shots above {equal:.2g} times."
        )
    return lines


def accuracy_answer(folder: Path) -> list[str]:
    """The accuracy of each overlap test without noise, as configured, and with the most noise.

    Args:
        folder: The results of a noise study with the same axes that classified its maps.
    """
    data = accuracy_data(load(folder), _SCALE, [_TEST])
    scales = sorted({0.0 if 0 in set(data[_SCALE]) else data[_SCALE].min(),
                     _nearest(data[_SCALE], 1.0), _nearest(data[_SCALE], 10.0)})  # fmt: skip
    images = int(data["images"].max())
    exact = span_text(data["exact_maps"], ".3f")
    lines = [f"Exact maps: accuracy {exact} on {images} test images."]
    for test, own in data.groupby("series", sort=False):
        rows = own.set_index(_SCALE)
        found = ", ".join(
            f"{_between(tuple(rows.loc[scale, ['accuracy', 'low', 'high']]), 3)} at {scale:g}"
            for scale in scales
        )
        lines.append(f"{test} test: {found} times the configured noise.")
    return lines


def systems_answer(folder: Path) -> list[str]:
    """How good each other quantum convolution is beside its controls, ideal and with noise.

    Args:
        folder: The results of a systems study with the axes system, noise, noise.scale and repeat.
    """
    table = load(folder)
    lines = []
    for model, own in table.groupby("model", sort=False):
        measure = next(key for key in _SYSTEM_MEASURES if key in own and own[key].notna().any())
        parts = []
        for scale in sorted({own[_SCALE].min(), _nearest(own[_SCALE], 1.0)}):
            at = own[own[_SCALE] == scale]
            roles = [
                f"{role if role == 'model' else control} {_over_starts(rows, measure)}"
                for (role, control), rows in at.groupby(["role", "control"], sort=False)
            ]
            parts.append(
                f"{'ideal' if scale == 0 else f'noise times {scale:g}'}: {', '.join(roles)}"
            )
        lines.append(f"{model}, {_SYSTEM_MEASURES[measure]}, {'; '.join(parts)}.")
    return lines


_SYSTEM_MEASURES = {"accuracy": "accuracy", "hellinger": "Hellinger distance (0 is best)"}


def _over_starts(rows: pd.DataFrame, measure: str) -> str:
    """The mean over starts, with Wilson's interval over test images where there is one."""
    mean = f"{rows[measure].mean():.3f}"
    low, high = f"{measure}_low", f"{measure}_high"
    if low in rows and rows[low].notna().all():
        return f"{mean} [{rows[low].mean():.3f} to {rows[high].mean():.3f}]"
    return mean


def _rmse(table: pd.DataFrame, column: str) -> float:
    return float(np.sqrt(((table[column] - table["squared_cosine"]) ** 2).mean()))


def _correlation(table: pd.DataFrame, column: str) -> float:
    return float(np.corrcoef(table[column], table["squared_cosine"])[0, 1])


def _slope(table: pd.DataFrame, column: str) -> float:
    return float(np.polyfit(table["squared_cosine"], table[column], 1)[0])


def _offset(table: pd.DataFrame, column: str) -> float:
    return float(np.polyfit(table["squared_cosine"], table[column], 1)[1])


def _power(data: pd.DataFrame) -> str:
    """The power of the shots with which an error falls, where there are three points or more."""
    fit = stats.linregress(np.log(data["shots"]), np.log(data["rmse"]))
    if len(data) < 3:
        return f"{fit.slope:.2f}"
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 2) * fit.stderr
    return _plus_minus((fit.slope, fit.slope - half, fit.slope + half))


def _ratio(one: pd.Series, other: pd.Series) -> str:
    """The ratio of two mean squares, its interval from those of both."""
    value = 2 * np.log(one["rmse"] / other["rmse"])
    # An interval that reaches down to 0 says nothing of a ratio.
    halves = [
        np.log(each["high"] / each["low"]) if each["low"] > 0 else np.inf for each in (one, other)
    ]
    half = float(np.hypot(halves[0], halves[1]))
    ends = [np.exp(value + sign * half) for sign in (-1, 1)]
    return f"{np.exp(value):.3g} [{ends[0]:.3g} to {ends[1]:.3g}]"


def _interval(row: pd.Series) -> str:
    value, low, high = (_scientific(row[name]) for name in ("rmse", "low", "high"))
    return f"{value} [{low} to {high}]"


def _scientific(value: float) -> str:
    """A number with three digits and a power of ten, for people."""
    digits, _, power = f"{value:.2e}".partition("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def _between(value: tuple[float, ...], digits: int) -> str:
    mean, low, high = value
    return f"{mean:.{digits}f} [{low:.{digits}f} to {high:.{digits}f}]"


def _plus_minus(value: tuple[float, float, float]) -> str:
    """A value and half its interval, with two significant digits of the latter."""
    mean, low, high = value
    half = (high - low) / 2
    if not half > 0:
        return f"{mean:.4g}"
    digits = max(0, 1 - int(np.floor(np.log10(half))))
    return f"{mean:.{digits}f} \N{PLUS-MINUS SIGN} {half:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _nearest(values: pd.Series, wanted: float) -> float:
    unique = np.unique(values)
    return float(unique[np.abs(unique - wanted).argmin()])
