"""Figures of a systems sweep: each model among its controls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from qucnn_cirq.drawing.ticks import TickTexts
from studies import drawing
from studies.crosscheck import check_lines
from studies.drawing import COLUMN, PAGE, explain_band, explain_line, series_styles, set_title
from studies.grouping import Lines, arrange, cells, groups, line_axes, require
from studies.line_figures import Others
from studies.statistics import proportion_interval
from studies.sweep.results import Results
from studies.systems.study import COLUMNS
from studies.wording import axis_text, noise_text

SCALE, SHOTS = "noise.scale", "shots"
_LINES = ("role", "control")
_ROLE_NAMES = {
    "model": "model",
    "unentangled": "without entanglers",
    "qucnn": "QuCNN",
    "classical": "classical",
}
_COMPARED = 1.0
"""The scale of the noise that gates are drawn at, if it was measured, else the next larger one."""
_WILSON = "Wilson's 95 % interval over test images, of the model"
_NOISE = {"depolarizing_readout": "depolarising, readout", "willow_pink": "as willow_pink"}


class _Look(NamedTuple):
    """How the lines of a role look: models and controls of one family of colours."""

    colours: str
    lines: tuple[Any, ...]
    marker: str


_LOOKS = {
    "model": _Look("Blues", ("-",), "o"),
    "unentangled": _Look("Blues", ("--",), "s"),
    "qucnn": _Look("Oranges", ("--",), "D"),
    "classical": _Look("Greys", (":", "-.", (0, (1, 3)), (0, (8, 2)), (0, (6, 1, 1, 1, 1, 1))), ""),
}
_WIDTH = 0.12
"""Half of the length of lines where there is one place, as a part of its number."""
_GAP = 0.045
"""Least distance of points of as many gates, in decades of the axis."""

Looks = Mapping[str, Mapping[str, Any]]
"""What `Axes.plot` takes for each line, by its name."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws accuracy against the scale of the noise and shots, and against two-qubit gates.

    Of systems that make data the distance from real ones takes its place, against noise alone.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = _scaled(results.table())
    names = []
    if "hellinger" in table:
        own = table[table["hellinger"].notna()]
        names += _draw_accuracy(own, SCALE, folder, "systems_distance") if len(own) else []
    if "accuracy" not in table or not table["accuracy"].notna().any():
        return names
    table = table[table["accuracy"].notna()]
    if table[SCALE].nunique() > 1 or SHOTS not in table:
        names += _draw_accuracy(table, SCALE, folder, "systems")
    if SHOTS in table and table[SHOTS].nunique() > 1:
        names += _draw_accuracy(table, SHOTS, folder, "systems_shots")
    return [*names, _draw_gates(table, folder)]


def _draw_accuracy(table: pd.DataFrame, x: str, folder: Path, name: str) -> list[str]:
    """A panel for whatever varies besides the axis, the model and its controls in each."""
    names = []
    table = _with_roles(table)
    arrangement = arrange(table, [x], list(COLUMNS), _name, _LINES)
    for number, parts in enumerate(arrangement.figures, start=1):
        columns = 2 if len(parts) == 4 else min(len(parts), 3)
        rows = -(-len(parts) // columns)
        width = PAGE if columns > 1 else COLUMN
        figure = Figure(figsize=(width, 2.5 * rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).ravel())
        drawn = [accuracy_data(part.table, x, _LINES).assign(panel=part.title) for part in parts]
        # The same model has the same look in all panels, and no other has it.
        looks = _looks(pd.concat(drawn))
        for label, look in looks.items():
            # Lines stand before what explains them, also those that the first panel lacks.
            panels[0].plot([], [], label=label, **look)
        used = panels[: len(parts)]
        for axes, part in zip(used, parts, strict=True):
            plot_accuracy(axes, part.table, x, _LINES, looks)
        # Panels that share an axis share its name, or name nothing that is their own.
        shared = len({axes.get_ylabel() for axes in used}) == 1
        for index, (axes, part) in enumerate(zip(used, parts, strict=True)):
            tested = int(part.table["tested"].max())
            set_title(axes, part.title if shared else f"{part.title}; {tested} images")
            if index % columns:
                axes.set_ylabel("")
            elif not shared:
                axes.set_ylabel(_quantity_text(part.table))
        for unused in panels[len(parts) :]:
            unused.set_axis_off()
        drawing.legend_below(figure, used)
        names.append(name if number == 1 else f"{name}_{number}")
        drawing.save_drawn(figure, pd.concat(drawn), folder, names[-1])
    return names


def _draw_gates(table: pd.DataFrame, folder: Path) -> str:
    """A panel for each kind of noise."""
    kinds = list(groups(table, ["noise"] if "noise" in table else []))
    figure = Figure(figsize=(PAGE, 2.8), layout="constrained")
    panels = list(figure.subplots(1, len(kinds), squeeze=False, sharey=True).ravel())
    for axes, (values, own) in zip(panels, kinds, strict=True):
        plot_gates(axes, own)
        set_title(axes, _name(values, {}))
        if axes is not panels[0]:
            axes.set_ylabel("")
    drawing.legend_below(figure, panels)
    drawing.save_drawn(figure, gates_data(table), folder, "systems_gates")
    return "systems_gates"


def accuracy_data(table: pd.DataFrame, x: str = SCALE, others: Others = None) -> pd.DataFrame:
    """Accuracy on test images against the scale of the noise, or against shots.

    Where no images are named it is the distance of what is made, `hellinger` in place of
    `accuracy`, and the interval is the range of the starts.

    Args:
        table: The results.
        x: "noise.scale" or "shots".
        others: What tells lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each model or control, value of x and start (`start`, `accuracy`), with the mean
        over starts and its Wilson's 95 % interval on as many images as there are: starts are tested
        with the same images and do not make it narrower.

    Raises:
        InputError: If a mean would pool anything but starts.
    """
    table = _scaled(table)
    value = _value(table)
    require(table, [value, "tested", *_LINES])
    lines = _lines(table, x, others)
    rows = []
    for values, own in cells(table, [*lines.axes, x], list(COLUMNS)):
        mean, tested = float(own[value].mean()), float(own["tested"].max())
        low, high = float(own[value].min()), float(own[value].max())
        if value == "accuracy":
            low, high = (float(x) for x in proportion_interval(mean * tested, tested))
        starts = own["repeat"] if "repeat" in own else pd.Series(0, own.index)
        rows += [
            {
                "series": lines.label(values),
                "role": own["role"].iloc[0],
                "control": own["control"].iloc[0],
                x: values[x],
                "start": start,
                value: found,
                "mean": mean,
                "low": low,
                "high": high,
            }
            for start, found in zip(starts, own[value], strict=True)
        ]
    data = pd.DataFrame(rows)
    order = np.lexsort((_order(data[x]), data["series"].map(lines.labels.index)))
    return data.iloc[order].reset_index(drop=True)


def plot_accuracy(
    axes: Axes,
    table: pd.DataFrame,
    x: str = SCALE,
    others: Others = None,
    looks: Looks | None = None,
) -> Axes:
    """Draws what `accuracy_data` gives; thin lines are single starts.

    Args:
        axes: Where to draw.
        table: The results.
        x: "noise.scale" or "shots".
        others: What tells lines apart: names of axes, or all that vary if None.
        looks: How each line looks, by its name.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but starts.
    """
    data = accuracy_data(table, x, others)
    value = _value(table)
    places = _places(axes, data[x])
    several = data["start"].nunique() > 1
    looks = looks or _looks(data)
    for series, own in data.groupby("series", sort=False):
        role, look = str(own["role"].iloc[0]), looks[str(series)]
        colour = look["color"]
        mean = own.drop_duplicates(x)
        at = mean[x].map(places)
        if len(places) == 1:
            # A single place has no length: lines and bands get some.
            (mean, at), look = _wide(mean, at), {**look, "markevery": [1]}
        axes.plot(at, mean["mean"], label=series, **look)
        if role == "model":
            axes.fill_between(at, mean["low"], mean["high"], color=colour, alpha=0.2, lw=0)
        if several and role != "classical":
            for _, each in own.groupby("start"):
                thin = each[x].map(places)
                if len(places) == 1:
                    each, thin = _wide(each, thin)
                axes.plot(thin, each[value], ls=look["ls"], color=colour, lw=0.4, alpha=0.7)
    is_accuracy = value == "accuracy"
    if is_accuracy or several:
        explain_band(axes, _WILSON if is_accuracy else "range of the starts, of the model")
    if several:
        explain_line(axes, "thin: single starts", "-")
    axes.set_ylabel(_quantity_text(table, int(table["tested"].max())))
    axes.grid(axis="y", lw=0.4)
    return axes


def _quantity_text(table: pd.DataFrame, tested: int | None = None) -> str:
    """What is measured of the images that were tested, with their number if it is told."""
    what = "accuracy on" if _value(table) == "accuracy" else "Hellinger distance,"
    return f"{what} test images" if tested is None else f"{what} {tested} test images"


def _wide(own: pd.DataFrame, at: pd.Series) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """A row three times, and places around its own."""
    place = float(at.iloc[0])
    around = place + _WIDTH * (place or 1.0) * np.array([-1.0, 0.0, 1.0])
    return own.loc[own.index.repeat(3)], around


def gates_data(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy without noise and with it, beside the two-qubit gates of a circuit.

    Args:
        table: The results.

    Returns:
        A row for each model or control that has circuits, the mean over starts: `gates`; `ideal`
        (NaN where it was not measured); `noisy` at the scale `scale`, the calibrated one where that
        was measured, with its Wilson's 95 % interval `low` to `high` over test images.

    Raises:
        InputError: If a mean would pool anything but starts.
    """
    table = _scaled(table)
    require(table, ["accuracy", "tested", "two_qubit_gates", "circuits", *_LINES])
    chosen = _compared_scale(table)
    run = table[(table["circuits"] > 0) & (table.get(SHOTS, 0) == _most_shots(table))]
    axes = _lines(run, SCALE, None).axes
    kinds = Lines(run, [axis for axis in axes if axis not in (*_LINES, "noise")], _name)
    rows = []
    for values, own in groups(run, axes):
        for _, same in cells(own, [SCALE], list(COLUMNS)):
            mean = float(same["accuracy"].mean())
            at = float(same[SCALE].iloc[0])
            if at not in (0.0, chosen):
                continue
            tested = float(same["tested"].max())
            low, high = (float(x) for x in proportion_interval(mean * tested, tested))
            rows.append(
                {
                    "system": kinds.label(values) or str(own["model"].iloc[0]),
                    "noise": str(values.get("noise", "")),
                    "role": own["role"].iloc[0],
                    "control": own["control"].iloc[0],
                    "gates": float(own["two_qubit_gates"].mean()),
                    "scale": at,
                    "mean": mean,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def plot_gates(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `gates_data` gives: a line from the ideal accuracy to that with noise.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but starts.
    """
    data = gates_data(table)
    systems = list(dict.fromkeys(data["system"]))
    styles = dict(zip(systems, series_styles(len(systems)), strict=True))
    keys = ["system", "noise", "role", "control"]
    parts = list(data.groupby(keys, sort=False))
    axes.set_xscale("symlog", linthresh=1)
    places = _apart(axes, np.array([float(own["gates"].mean()) for _, own in parts]))
    for at, ((system, _, role, _), own) in zip(places, parts, strict=True):
        colour, look = styles[system].colour, _LOOKS[role]
        axes.plot([at] * len(own), own["mean"], "-", color=colour, lw=0.8)
        for row in own.itertuples():
            face = "none" if row.scale == 0 else colour
            axes.plot(at, row.mean, look.marker, color=colour, mfc=face, ms=4.5)
            if row.scale > 0:
                axes.plot([at] * 2, [row.low, row.high], "-", color=colour, lw=2.5, alpha=0.25)
    for system in systems:
        axes.plot([], [], "-", color=styles[system].colour, label=system)
    for role in dict.fromkeys(data["role"]):
        axes.plot([], [], _LOOKS[role].marker, color="0.4", ms=4.5, label=_ROLE_NAMES[role])
    scales = sorted(data["scale"].unique())
    if 0.0 in scales:
        axes.plot([], [], "^", mfc="none", color="0.4", ms=4.5, label="open: ideal")
    if SCALE in table and table[SCALE].nunique() > 1:
        filled = noise_text(float(scales[-1]))
        axes.plot([], [], "^", color="0.4", ms=4.5, label=f"filled: {filled}")
    explain_band(axes, "Wilson's 95 % interval over test images")
    most = 1.5 * max(1.0, float(places.max()))
    powers = 10.0 ** np.arange(np.ceil(np.log10(most)))
    ticks = np.r_[0.0, np.outer(powers, [1.0, 2.0, 5.0]).ravel()]
    axes.set_xticks(ticks[ticks <= most])
    axes.xaxis.set_major_formatter(TickTexts())
    axes.set_xlim(min(-0.3, float(places.min()) - 0.1), most)
    axes.set_xlabel("two-qubit gates of a circuit")
    axes.set_ylabel("accuracy on test images")
    axes.grid(axis="y", lw=0.4)
    return axes


def _apart(axes: Axes, gates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places as near to the gates of some points as leaves all points to be seen."""
    scale = axes.xaxis.get_transform()
    order = np.argsort(gates, kind="stable")
    steps = _GAP * np.arange(len(gates))
    places = np.empty(len(gates))
    places[order] = isotonic_regression(scale.transform(gates[order]) - steps).x + steps
    apart: NDArray[np.float64] = scale.inverted().transform(places)
    return apart


def _places(axes: Axes, values: pd.Series) -> dict[object, float]:
    """Makes the x axis of scales or of shots, and says where each value is."""
    distinct = sorted(set(values), key=lambda each: _order(pd.Series([each], name=values.name))[0])
    if values.name == SHOTS:
        axes.set_xticks(
            range(len(distinct)), [f"{each:,}" if each else "exact" for each in distinct]
        )
        axes.set_xlabel("shots of a circuit")
        return {each: float(place) for place, each in enumerate(distinct)}
    positive = [float(each) for each in distinct if each > 0]
    if positive:
        axes.set_xscale("symlog", linthresh=positive[0])
        axes.xaxis.set_major_formatter(TickTexts())
        axes.set_xlim(-0.15 * positive[0], 1.3 * positive[-1])
    axes.set_xlabel("scale of the noise")
    return {each: float(each) for each in distinct}


def _order(values: pd.Series) -> list[float]:
    """Ascending, with exact means after all shots."""
    if values.name == SCALE:
        return [float(each) for each in values]
    return [float(each) if each else np.inf for each in values]


def _most_shots(table: pd.DataFrame) -> int:
    """Exact means if there are any, else the most shots."""
    if SHOTS not in table:
        return 0
    return 0 if (table[SHOTS] == 0).any() else int(table[SHOTS].max())


def _compared_scale(table: pd.DataFrame) -> float:
    scales = sorted(float(each) for each in table[SCALE].unique())
    return next((each for each in scales if each >= _COMPARED), scales[-1])


def text(results: Results) -> str:
    """What a table shows: the accuracy of each model and control.

    Args:
        results: What was measured so far, at least one point.
    """
    found = results.table()
    table = _scaled(found)
    lines = []
    for value, what in (("accuracy", "accuracy"), ("hellinger", "Hellinger distance")):
        if value not in table or not table[value].notna().any():
            continue
        data = accuracy_data(table[table[value].notna()])
        for series, own in data.groupby("series", sort=False):
            starts = own["start"].nunique()
            has_range = value == "accuracy" or starts > 1
            parts = []
            for scale, same in own.groupby(SCALE, sort=False):
                mean, low, high = same[["mean", "low", "high"]].iloc[0]
                where = f"{noise_text(float(scale))}: " if SCALE in found else ""
                span = f" ({low:.3f} to {high:.3f})" if has_range else ""
                parts.append(f"{where}{mean:.3f}{span}")
            lines.append(f"{series or 'model'}: {what}, {starts} start(s), {'; '.join(parts)}")
        if value == "accuracy":
            lines.append("in brackets Wilson's 95 % intervals over test images")
        elif data["start"].nunique() > 1:
            lines.append("in brackets ranges of starts")
    return "\n".join([*lines, *check_lines(table)])


def _value(table: pd.DataFrame) -> str:
    is_named = "accuracy" in table and bool(table["accuracy"].notna().any())
    return "accuracy" if is_named else "hellinger"


def _scaled(table: pd.DataFrame) -> pd.DataFrame:
    """A table with the scale of the noise, 1 where it is not swept over, and systems by name."""
    changed: dict[str, object] = {} if SCALE in table else {SCALE: 1.0}
    if "system" in table and "model" in table:
        changed["system"] = table["model"]
    return table.assign(**changed)


def _lines(table: pd.DataFrame, x: str, others: Others) -> Lines:
    if isinstance(others, Lines):
        return others
    if others is None:
        others = line_axes(table, x, list(COLUMNS), ())
    return Lines(table, [each for each in others if each in table], _name)


def _with_roles(table: pd.DataFrame) -> pd.DataFrame:
    """A table in which what each system calls otherwise has the name of its role.

    Panels of several systems then share the looks of lines; classical controls keep their names.
    """
    names = table["control"].copy()
    for role, own in table.groupby("role", sort=False):
        called = own.groupby("model")["control"].nunique()
        if role != "classical" and own["control"].nunique() > 1 and called.max() == 1:
            names[own.index] = _ROLE_NAMES[str(role)]
    return table.assign(control=names)


def _looks(data: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """How each line looks: shades of its role's family."""
    found: dict[str, dict[str, Any]] = {}
    for role, own in data.groupby("role", sort=False):
        series = list(dict.fromkeys(own["series"]))
        look = _LOOKS[str(role)]
        dark = 0.9 if role in ("model", "classical") else 0.65
        shades = np.linspace(dark, 0.4, len(series)) if len(series) > 1 else [dark]
        for number, (name, shade) in enumerate(zip(series, shades, strict=True)):
            found[name] = {
                "ls": look.lines[number % len(look.lines)],
                "marker": look.marker,
                "ms": 3.5,
                "color": matplotlib.colormaps[look.colours](shade),
            }
    return found


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    """Names a line or a panel."""
    parts = []
    for axis, value in values.items():
        if axis == "system":
            parts.append(str(value))
        elif axis == "noise":
            parts.append(_NOISE.get(str(value), str(value)))
        elif axis == "control":
            parts.append(str(value))
        elif axis == "digits":
            parts.append(_digits(str(value)))
        elif axis == SHOTS:
            parts.append(f"{int(str(value)):,} shots" if value else "exact means")
        elif axis == SCALE:
            parts.append(noise_text(float(str(value)), texts[axis]))
        elif axis not in ("role", "model"):
            parts.append(axis_text(axis, texts[axis]))
    return ", ".join(parts)


def _digits(value: str) -> str:
    """Digits as a table has them, "3x6" or "all"."""
    return "all digits" if value == "all" else f"digits {value.replace('x', ', ')}"
