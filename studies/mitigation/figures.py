"""Figures of the mitigation study: the ladder of methods, and who wins where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.errors import InputError
from studies.drawing import (
    COLUMN,
    LEGEND_SIZE,
    PAGE,
    explain_line,
    legend_below,
    save_drawn,
    series_styles,
    set_title,
)
from studies.grouping import MOST_FIGURES, Values, axes_of, groups, require
from studies.mitigation.lines import LABELS, draw_against
from studies.mitigation.methods import BOUND
from studies.mitigation.study import COLUMNS
from studies.mitigation_cost import cost_text
from studies.sweep.results import Results
from studies.wording import mitigation_text, noise_text

METHOD, SHOTS, SCALE = "method", "shots", "noise.scale"
_ONLY = "the method"
"""What is said of a method that is not swept: tables hold what varies."""
_PANELS_ACROSS = 2
_MOST_LISTED = 3
"""Settings of which all methods are listed; the numbers of more stand beside the figures."""
_TIE = 0.02
"""Methods whose RMSE is within 2 % of the best share a win."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the ladder of methods and, over noise and shots, which is best.

    Where assumed rates or the shots of calibrations vary, errors against these instead.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table, names = possible(results.table()), []
    against = [x for x in LABELS if x in table and table[x].nunique() > 1]
    if against:
        return [name for x in against for name in draw_against(table, x, folder)]
    if METHOD in table and table[METHOD].nunique() > 1:
        panels = list(groups(table, _others(table, (METHOD, SHOTS))))
        names += _draw_panels(panels, _ladder_figure, folder, "ladder")
    if {METHOD, SHOTS, SCALE} <= set(table) and table[SCALE].nunique() > 1:
        panels = list(groups(table, _others(table, (METHOD, SHOTS, SCALE))))
        names += _draw_panels(panels, _map_figure, folder, "best_method")
    return names


def possible(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of methods that serve their test.

    Args:
        table: The results.
    """
    return table[table["rmse"].notna()] if "rmse" in table else table[:0]


def text(results: Results) -> str:
    """What results show: which method is best for each setting, and of few settings all methods.

    Args:
        results: What was measured so far, at least one point.
    """
    whole = results.table()
    table, lines = possible(whole), []
    settings = list(groups(table, _others(table, (METHOD,)))) if len(table) else []
    for values, own in settings if len(settings) <= _MOST_LISTED else []:
        lines += [_named(values)] if values else []
        raw = own["raw_rmse"].iloc[0]
        for _, row in own.sort_values("rmse").iterrows():
            name = row.get(METHOD, _ONLY)
            lines.append(
                f"  {name!s:<28} RMSE {row['rmse']:.5f} ({row['rmse'] / raw:.2f} of raw), mean "
                f"error {row['bias']:+.5f}, systematic {row['systematic_rmse']:.5f}{_cost(row)}"
            )
    lines += [f"{_named(values) or 'best'}: {best}" for values, best in _winners(table)]
    if "refused" in whole:
        refused = whole[whole["refused"].notna()]
        for reason, own in refused.groupby("refused", sort=False):
            methods = ", ".join(dict.fromkeys(map(str, own.get(METHOD, [_ONLY]))))
            lines.append(f"not possible: {methods}: {reason}")
    return "\n".join(lines)


def rungs(table: pd.DataFrame) -> list[str]:
    """The methods from the largest median RMSE to the smallest, the bound last.

    Args:
        table: The results of one or more tests and noises.
    """
    order = table.groupby(METHOD)["rmse"].median().sort_values(ascending=False).index
    names = [str(name) for name in order if name != BOUND]
    return [*names, BOUND] if BOUND in order else names


def ladder_data(table: pd.DataFrame, names: Sequence[str] | None = None) -> pd.DataFrame:
    """The RMSE of each method for each number of shots.

    Args:
        table: The results of one test and noise.
        names: The methods in order, those of a figure of which this is a panel; as `rungs` if None.

    Returns:
        Columns `method`, `shots`, `rmse`, `systematic_rmse` and `bias`.

    Raises:
        InputError: If a method is there twice for as many shots.
    """
    require(table, [METHOD, "rmse"])
    shots = table[SHOTS] if SHOTS in table else pd.Series(0, table.index)
    data = table.assign(shots=shots)[[METHOD, SHOTS, "rmse", "systematic_rmse", "bias"]]
    if data.duplicated([METHOD, SHOTS]).any():
        raise InputError("a method is there twice with as many shots: draw one setting.")
    place = data[METHOD].map((rungs(table) if names is None else list(names)).index)
    return data.assign(place=place).sort_values(["place", SHOTS]).reset_index(drop=True)


def plot_ladder(axes: Axes, table: pd.DataFrame, names: Sequence[str] | None = None) -> Axes:
    """The RMSE of each method, a mark for each number of shots; the bound as dashed lines.

    Args:
        axes: Where to draw.
        table: The results of one test and noise.
        names: As for `ladder_data`.

    Returns:
        The axes.
    """
    names = rungs(table) if names is None else names
    data = ladder_data(table, names)
    methods = data[data[METHOD] != BOUND]
    budgets = sorted(data[SHOTS].unique())
    styles = series_styles(len(budgets), ordered=True)
    for shots, style in zip(budgets, styles, strict=True):
        own = methods[methods[SHOTS] == shots]
        style.plot(axes, own["rmse"], own["place"], "", label=f"{shots:,} shots")
        least = data[(data[METHOD] == BOUND) & (data[SHOTS] == shots)]["rmse"]
        for value in least:
            axes.axvline(value, color=style.colour, ls="--", lw=0.9, zorder=0)
    if (data[METHOD] == BOUND).any():
        explain_line(axes, "Cramér-Rao bound, noiseless: F (1 \N{MINUS SIGN} F)/N")
    shown = [name for name in names if name != BOUND]
    axes.set_yticks(range(len(shown)), [mitigation_text(name) for name in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(axis="y", lw=0.3)
    log_axis(axes, "x")
    axes.set_xlabel(r"RMSE of ${}\hat F - F$")
    return axes


def best_data(table: pd.DataFrame) -> pd.DataFrame:
    """The best method for each noise scale and number of shots.

    Args:
        table: The results of one test.

    Returns:
        Columns `noise.scale`, `shots`, `method`, `rmse`, and `margin`, by what part the RMSE of
        the second best is larger.
    """
    require(table, [METHOD, SHOTS, SCALE, "rmse"])
    rows = []
    for values, own in groups(table[table[METHOD] != BOUND], [SCALE, SHOTS]):
        ranked = own.sort_values("rmse")
        best, second = ranked.iloc[0], ranked.iloc[min(1, len(ranked) - 1)]
        margin = second["rmse"] / best["rmse"] - 1
        rows.append({**values, METHOD: best[METHOD], "rmse": best["rmse"], "margin": margin})
    return pd.DataFrame(rows).sort_values([SCALE, SHOTS], ignore_index=True)


def plot_best(axes: Axes, table: pd.DataFrame, colours: Mapping[str, Any]) -> Axes:
    """Which method is best over noise and shots, with its margin over the second in percent.

    Args:
        axes: Where to draw.
        table: The results of one test.
        colours: The colour of each method.

    Returns:
        The axes.
    """
    data = best_data(table)
    names = [name for name in colours if name in set(data[METHOD])]
    grid = data.pivot(index=SHOTS, columns=SCALE, values=METHOD)
    numbers = grid.map(lambda name: names.index(name) if name in names else np.nan)
    cells = np.ma.masked_invalid(numbers.to_numpy(float))
    axes.pcolormesh(
        cells, cmap=ListedColormap([colours[name] for name in names]), vmin=-0.5,
        vmax=len(names) - 0.5, alpha=0.8,
    )  # fmt: skip
    margins = data.pivot(index=SHOTS, columns=SCALE, values="margin").to_numpy(float)
    for row, column in np.ndindex(*margins.shape):
        if np.isfinite(margins[row, column]):
            share = f"{100 * margins[row, column]:.0f} %"
            axes.text(
                column + 0.5, row + 0.5, share, ha="center", va="center", fontsize=LEGEND_SIZE
            )
    for name in names:
        axes.plot([], [], "s", color=colours[name], label=mitigation_text(name))
    axes.set_xticks(np.arange(len(grid.columns)) + 0.5, [f"{each:g}" for each in grid.columns])
    axes.set_yticks(np.arange(len(grid.index)) + 0.5, [f"{each:,}" for each in grid.index])
    axes.set(xlabel="noise scale", ylabel="shots a patch")
    return axes


_Panels = list[tuple[dict[str, object], pd.DataFrame]]
_Make = Callable[[_Panels], tuple[Figure, pd.DataFrame]]


def _draw_panels(panels: _Panels, make: _Make, folder: Path, name: str) -> list[str]:
    names: list[str] = []
    step = 3 * _PANELS_ACROSS
    for start in range(0, len(panels), step):
        if len(names) == MOST_FIGURES:
            raise InputError(f"more than {MOST_FIGURES} figures {name}: sweep fewer other axes.")
        names.append(name if not names else f"{name}_{len(names) + 1}")
        own = panels[start : start + step]
        figure, data = make(own)
        save_drawn(figure, data, folder, names[-1])
    return names


def _grid(count: int, height: float, sharey: bool = True) -> tuple[Figure, list[Axes]]:
    columns = min(count, _PANELS_ACROSS)
    rows = -(-count // columns)
    figure = Figure(figsize=(PAGE if columns > 1 else COLUMN, height * rows), layout="constrained")
    # Panels are compared, so that they have the same axes.
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=sharey).ravel())
    for unused in grid[count:]:
        unused.set_axis_off()
    return figure, grid[:count]


def _label_outer(grid: list[Axes]) -> None:
    """Leaves labels to the outer panels, which share their axes with the others."""
    for number, axes in enumerate(grid):
        if number + _PANELS_ACROSS < len(grid):
            axes.set_xlabel("")
        else:
            # Also above a place that is left empty.
            axes.tick_params(labelbottom=True)
        if number % _PANELS_ACROSS:
            axes.set_ylabel("")


def _ladder_figure(panels: _Panels) -> tuple[Figure, pd.DataFrame]:
    names = rungs(pd.concat([own for _, own in panels]))
    # Each has the rows of its own methods: not all serve every test.
    figure, grid = _grid(len(panels), 0.6 + 0.13 * len(names), sharey=False)
    drawn = []
    for axes, (values, own) in zip(grid, panels, strict=True):
        plot_ladder(axes, own, [name for name in names if name in set(own[METHOD])])
        set_title(axes, _named(values))
        drawn.append(ladder_data(own).drop(columns="place").assign(panel=_named(values)))
    _label_outer(grid)
    legend_below(figure, grid)
    return figure, pd.concat(drawn)


def _map_figure(panels: _Panels) -> tuple[Figure, pd.DataFrame]:
    names = list(dict.fromkeys(name for _, own in panels for name in own[METHOD] if name != BOUND))
    styles = series_styles(len(names))
    colours = {name: style.colour for name, style in zip(names, styles, strict=True)}
    figure, grid = _grid(len(panels), 1.8)
    drawn = []
    for axes, (values, own) in zip(grid, panels, strict=True):
        plot_best(axes, own, colours)
        set_title(axes, _named(values))
        drawn.append(best_data(own).assign(panel=_named(values)))
    # Behind the names of the methods of all panels.
    grid[-1].plot([], [], " ", label="numbers: by how much the second best is worse")
    _label_outer(grid)
    legend_below(figure, grid)
    return figure, pd.concat(drawn)


def _others(table: pd.DataFrame, apart: tuple[str, ...]) -> list[str]:
    """The axes that panels stand for."""
    texts = ("refused",)
    return [axis for axis in axes_of(table, (*COLUMNS, *texts)) if axis not in apart]


def _winners(table: pd.DataFrame) -> list[tuple[Values, str]]:
    """For each setting the method with the least RMSE, and those that tie with it."""
    found: list[tuple[Values, str]] = []
    if METHOD not in table or table[METHOD].nunique() < 2:
        return found
    for values, own in groups(table[table[METHOD] != BOUND], _others(table, (METHOD,))):
        ranked = own.sort_values("rmse")
        best = ranked.iloc[0]
        ties = ranked[ranked["rmse"] <= (1 + _TIE) * best["rmse"]][METHOD].tolist()
        found.append(
            (
                values,
                f"{' and '.join(ties)}, RMSE {best['rmse']:.5f} (raw {best['raw_rmse']:.5f}), mean "
                f"error {best['bias']:+.5f}{_cost(best)}",
            )
        )
    return found


def _cost(row: pd.Series) -> str:
    """What a method takes besides the shots of a patch."""
    parts = [cost_text(row)] if cost_text(row) else []
    if row.get("sampled") == 1 and pd.notna(row.get("coverage")):
        parts.append(f"95 % intervals cover {100 * row['coverage']:.1f} %")
    return "".join(f", {part}" for part in parts)


def _named(values: Values) -> str:
    """A setting in words."""
    parts = []
    for axis, value in values.items():
        if axis == SCALE:
            parts.append(noise_text(float(str(value))))
        elif axis == "convolution.overlap":
            parts.append(f"{value} test")
        elif axis == SHOTS:
            parts.append(f"{value:,} shots")
        elif axis == "noise":
            parts.append(f"noise: {value}")
        else:
            parts.append(f"{axis.rpartition('.')[2]} {value}")
    return ", ".join(parts)
