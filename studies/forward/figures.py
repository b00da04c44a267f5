"""Figures of the forward study: feature maps side by side, and errors against the overlap.

`plot_row` and `plot_errors` draw on Axes and return them; `figure_arrays` and `binned_errors` give
the numbers that they draw.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from noise_models.writing import atomic_write
from qucnn_cirq.drawing.symbols import GATE_NAMES
from qucnn_cirq.drawing.theme import theme
from studies.crosscheck import check_lines
from studies.drawing import COLUMN, PAGE, is_titled, legend_below, save_drawn, save_figure
from studies.estimating import mitigation_lines
from studies.forward.maps import ForwardMaps, image_table
from studies.forward.study import COLUMNS, RUNS
from studies.grouping import REPEATED, axes_of
from studies.mitigation_cost import cost_lines, with_circuits
from studies.statistics import mean_interval
from studies.sweep.results import Results
from studies.wording import left_open

MOST_IMAGES = 16
"""Images drawn; the arrays and the table hold all of them."""
MOST_POINTS = 12
"""Points drawn; the table holds all of them."""

_COLUMNS = 8
_PANEL = 0.58
"""Inches from one panel to the next."""

_LABEL_DISTANCE = 6.3
"""From a colour bar to its label, in widths of the bar."""

_TITLE_SIZE = 7.5
_DIFFERENCE = r"error ${}\hat F - F$"
_BLANK = "#dcdcdc"
_IDEAL, _NOISY = "#0072b2", "#d55e00"


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the maps of each point, a figure for each filter, and its errors.

    Beside the maps stand the numbers: `forward.csv`, one row for each patch, and
    `forward_images.csv`, errors image by image. Of a sweep each point but the first has its number
    in the names of its files.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    names: list[str] = []
    for number, maps in enumerate(points(results), start=1):
        if number > MOST_POINTS:
            break
        suffix = "" if number == 1 else f"_{number}"
        arrays = figure_arrays(maps)
        table = maps.patch_table()
        with theme("white"):
            for row in range(len(maps.arrays["exact"])):
                own = f"forward{suffix}" if row == 0 else f"forward{suffix}_filter_{row}"
                save_figure(draw_maps(maps, arrays, row), folder, own)
                names.append(own)
        for name, numbers in (("forward", table), ("forward_images", image_table(table))):
            with atomic_write(folder / f"{name}{suffix}.csv") as file:
                numbers.to_csv(file, index=False, lineterminator="\n")
        bins = [binned_errors(maps, run).assign(run=run) for run in maps.runs]
        # The points are those of the table of patches.
        save_drawn(draw_errors(maps), pd.concat(bins), folder, f"errors{suffix}")
        names.append(f"errors{suffix}")
    return names


def points(results: Results) -> Iterator[ForwardMaps]:
    """What was measured at each point, in the order of the axes.

    Args:
        results: What was measured so far.
    """
    table = with_circuits(results.table())
    for _, row in table.iterrows():
        title = ", ".join(f"{axis} = {row[axis]}" for axis in _swept(table))
        yield ForwardMaps(row, results.arrays(row["point"]), title)


def text(results: Results) -> str:
    """What results show: the errors of each run, measured and predicted.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    first = table.iloc[0]
    lines = []
    if len(table) == 1:
        facts = [
            ("images, filters", f"{first['images']}, {first['filters']}"),
            ("patches", f"{first['patches']} ({first['blank_patches']} blank, no circuit run)"),
            ("shots a patch", f"{first['shots_taken']}"),
            (
                "circuit",
                f"{first['qubits']} qubits of {first['device']}, {first['two_qubit_gates']} "
                f"{first['gate_set']} gates, {first['moments']} moments",
            ),
            ("overlap test", f"{first['overlap']}"),
        ]
        width = max(len(key) for key, _ in facts) + 2
        lines += [*(f"{key:<{width}}{value}" for key, value in facts), ""]
    axes = _swept(table)
    cells = [(*axes, "", "engine", "RMSE", "predicted", "ratio", "bias")]
    for _, row in table.iterrows():
        for run, prefix in RUNS.items():
            if pd.isna(row.get(f"{prefix}rmse", np.nan)):
                continue
            errors = (row.get(prefix + key) for key in ("rmse", "predicted_rmse", "ratio", "bias"))
            where = (str(row[axis]) for axis in axes)
            cells.append((*where, run, row[f"{prefix}engine"], *map(_figure, errors)))
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    left = len(axes) + 2
    for row in cells:
        padded = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    warned = list(table["warning"].dropna()) if "warning" in table else []
    if warned:
        points = "" if len(table) == 1 else f"{len(warned)} of {len(table)} points, first: "
        lines += ["", f"warning: {points}{warned[0]}"]
    if len(table) == 1 and isinstance(first.get("hint"), str):
        lines += ["", first["hint"]]
    if len(table) == 1:
        lines += mitigation_lines(table, "noisy_rmse")
    if len(table) > MOST_POINTS:
        lines += ["", f"the maps of the first {MOST_POINTS} of {len(table)} points are drawn"]
    lines += cost_lines(table)
    checks = check_lines(table)
    return "\n".join([*lines, *([""] if checks else []), *checks])


def _swept(table: pd.DataFrame) -> list[str]:
    repeated = [axis for axis in REPEATED if axis in table and table[axis].nunique() > 1]
    return [*axes_of(table, COLUMNS), *repeated]


def _figure(value: Any) -> str:
    return "-" if value is None or pd.isna(value) else f"{value:.4g}"


@dataclass(frozen=True)
class Row:
    """A row of panels.

    Attributes:
        array: Name of the array it shows.
        label: What it is, to the left of it.
        colours: Name of a colour map.
        limits: Values at the ends of the colour map.
        scale: Label of the colour bar, which rows with the same label share; empty for none.
    """

    array: str
    label: str
    colours: str
    limits: tuple[float, float]
    scale: str


def figure_arrays(maps: ForwardMaps) -> dict[str, npt.NDArray[Any]]:
    """The arrays that are drawn, by name.

    Args:
        maps: What was measured at one point.

    Returns:
        `images`, `ids` and `labels`; `blank`, of shape (images, rows, columns); and the maps
        `squared_cosine`, `ideal`, `ideal_difference`, and where present `classical`, `noisy` and
        `noisy_difference`, each of shape (images, filters, rows, columns).
    """
    found = maps.arrays
    arrays = {name: found[name] for name in ("images", "ids", "labels") if name in found}
    arrays |= {"blank": maps.blank, "squared_cosine": maps.maps(found["exact"])}
    if "classical" in found:
        arrays["classical"] = maps.maps(found["classical"])
    for run, prefix in maps.runs.items():
        arrays[run] = maps.maps(found[f"{prefix}estimates"])
        arrays[f"{run}_difference"] = maps.maps(maps.errors(run))
    return arrays


def draw_maps(
    maps: ForwardMaps, arrays: Mapping[str, npt.NDArray[Any]], filter_index: int = 0
) -> Figure:
    """Each image above its exact map, its measured maps and their errors.

    Args:
        maps: What was measured.
        arrays: Those of `figure_arrays`, with their shapes.
        filter_index: The filter whose maps are drawn.

    Returns:
        The figure.
    """
    rows = _rows(arrays, filter_index)
    images = range(min(len(maps.blank), MOST_IMAGES))
    bands = [images[start : start + _COLUMNS] for start in range(0, len(images), _COLUMNS)]
    columns = len(bands[0])
    # All positions are in inches: panels stay square and colour bars line up with their rows.
    left, right, gap = 0.9, 0.9, 0.3
    width = max(left + columns * _PANEL + right, COLUMN)
    title = _wrapped(_map_title(maps, filter_index), width - 0.3)
    band_height = len(rows) * _PANEL + gap
    height = 0.1 + 0.155 * len(title) + len(bands) * band_height
    figure = Figure(figsize=(width, height))

    def add_axes(x: float, y: float, across: float, up: float) -> Axes:
        return figure.add_axes((x / width, y / height, across / width, up / height))

    for number, band in enumerate(bands):
        ceiling = (len(bands) - number) * band_height - gap + 0.08
        for index, row in enumerate(rows):
            floor = ceiling - (index + 1) * _PANEL
            axes = add_axes(left, floor, len(band) * _PANEL, _PANEL)
            plot_row(axes, arrays, row, band, filter_index)
            if index == 0:
                for column, image in enumerate(band):
                    axes.text(column + 0.47, 1.03, _caption(arrays, image), ha="center", size=7)
            same = [other.scale == row.scale for other in rows]
            if row.scale and same.index(True) == index:
                span = sum(same) * _PANEL
                bar_axes = add_axes(
                    left + len(band) * _PANEL + 0.04,
                    floor + _PANEL - span + 0.05,
                    0.09,
                    span - 0.13,
                )
                _colour_bar(figure, bar_axes, axes.images[-1], row)
    figure.text(
        0.15 / width,
        1 - 0.1 / height,
        "\n".join(title),
        size=_TITLE_SIZE,
        va="top",
        linespacing=1.4,
    )
    return figure


def plot_row(
    axes: Axes,
    arrays: Mapping[str, npt.NDArray[Any]],
    row: Row,
    images: Sequence[int],
    filter_index: int,
) -> Axes:
    """Draws one row of panels, one unit wide each, with blank patches in grey.

    Args:
        axes: Where to draw.
        arrays: Those of `figure_arrays`, with their shapes.
        row: What to draw.
        images: Positions of the images in the arrays, from left to right.
        filter_index: The filter whose maps are drawn; images are the same for all.

    Returns:
        The axes; a colour bar may stand for any of their images.
    """
    colours = matplotlib.colormaps[row.colours].with_extremes(bad=_BLANK)
    low, high = row.limits
    for column, image in enumerate(images):
        values = arrays[row.array][image]
        if row.array == "images":
            shown = values.mean(axis=0) if values.ndim == 3 else values
        else:
            shown = np.ma.masked_where(arrays["blank"][image], values[filter_index])
        box = (column, column + 0.94, 0.0, 0.94)
        axes.imshow(
            shown, colours, vmin=low, vmax=high, interpolation="nearest", extent=box, aspect="auto"
        )
        frame = Rectangle((column, 0), 0.94, 0.94, fill=False, lw=0.4, ec="black", clip_on=False)
        axes.add_patch(frame)
    axes.set(xlim=(0, len(images)), ylim=(0, 1))
    axes.axis("off")
    axes.text(-0.08, 0.47, row.label, ha="right", va="center", size=7.5)
    return axes


def _colour_bar(figure: Figure, axes: Axes, picture: AxesImage, row: Row) -> None:
    bar = figure.colorbar(picture, cax=axes)
    low, high = row.limits
    if low < 0:
        bar.set_ticks([low, 0, high], labels=[f"\u2212{high:g}", "0", f"{high:g}"])
    bar.outline.set_linewidth(0.4)
    axes.tick_params(labelsize=7, width=0.4, length=2, pad=1.5)
    bar.set_label(row.scale, size=7)
    # One distance for all bars, whatever the length of their numbers.
    axes.yaxis.set_label_coords(_LABEL_DISTANCE, 0.5)


def draw_errors(maps: ForwardMaps) -> Figure:
    """Errors of the estimates against the exact overlap, one panel for each run, on one scale.

    Args:
        maps: What was measured at one point.
    """
    colours = {"ideal": _IDEAL, "noisy": _NOISY}
    figure = Figure(figsize=(PAGE if len(maps.runs) > 1 else COLUMN, 3.0), layout="constrained")
    # Errors that are compared have one scale, as those of the maps have.
    panels = figure.subplots(1, len(maps.runs), squeeze=False, sharey=True)[0]
    for axes, (run, prefix) in zip(panels, maps.runs.items(), strict=True):
        plot_errors(axes, maps, run, colours[run])
        lines = [f"{run}, RMSE {maps.row[f'{prefix}rmse']:.4f}"]
        slope = maps.row.get(f"{prefix}contraction")
        if run == "noisy" and slope is not None and not pd.isna(slope):
            offset = _signed(maps.row[f"{prefix}offset"])
            lines.append(rf"mean of ${{}}\hat F$ about {slope:.3f} ${{}}F$ {offset}")
        lines += [maps.title] if maps.title else []
        axes.set_title("\n".join(_wrapped(lines, 2.75)))
        axes.label_outer()
    legend_below(figure, panels)
    return figure


def plot_errors(axes: Axes, maps: ForwardMaps, run: str, colour: str) -> Axes:
    """Errors of one run against the exact overlap.

    Every point is a patch. The dashed lines enclose one standard deviation of shot noise about
    zero, sqrt((1 - F^2)/N) for the SWAP tests; without other errors 68 % of the points lie
    between them. The solid line is what `binned_errors` gives.

    Args:
        axes: Where to draw.
        maps: What was measured.
        run: "ideal" or "noisy".
        colour: Colour of the points.

    Returns:
        The axes.
    """
    exact, errors = maps.arrays["exact"].ravel(), maps.errors(run).ravel()
    axes.plot(
        exact,
        errors,
        "o",
        ms=1.7,
        alpha=0.3,
        mew=0,
        color=colour,
        rasterized=True,
    )
    axes.plot([], [], "o", ms=3, mew=0, color="0.5", label="a patch")
    grid = np.linspace(0, min(1.0, float(exact.max()) * 1.02), 200)
    sigma = np.sqrt(maps.variance(grid))
    for edge, label in ((sigma, r"${}\pm 1\sigma$ of shot noise alone (68 %)"), (-sigma, None)):
        axes.plot(grid, edge, "--", color="black", lw=0.9, label=label)
    bins = binned_errors(maps, run)
    axes.errorbar(
        bins["squared_cosine"],
        bins["mean_error"],
        yerr=[bins["mean_error"] - bins["low"], bins["high"] - bins["mean_error"]],
        fmt="-o",
        ms=3,
        lw=1.1,
        elinewidth=0.8,
        capsize=1.5,
        color="black",
        mfc="white",
        mew=0.8,
        label="mean in bins of ${}F$, 95 % interval",
    )
    axes.axhline(0, color="0.5", lw=0.5, zorder=0)
    axes.set_xlabel(r"exact overlap ${}F = |\langle x|f\rangle|^2$")
    axes.set_ylabel(rf"error of the estimate, ${{}}\hat F - F$ ({len(exact):,} patches)")
    return axes


def binned_errors(maps: ForwardMaps, run: str, bins: int = 12, fewest: int = 5) -> pd.DataFrame:
    """Mean errors of one run in equal bins of the exact overlap.

    Args:
        maps: What was measured.
        run: "ideal" or "noisy".
        bins: How many.
        fewest: Bins with fewer patches are left out.

    Returns:
        One row for each bin: the mean overlap, the mean error with Student's 95 % interval over
        patches, and the number of patches.
    """
    exact, errors = maps.arrays["exact"].ravel(), maps.errors(run).ravel()
    edges = np.linspace(0, float(exact.max()) or 1.0, bins + 1)
    index = np.clip(np.digitize(exact, edges) - 1, 0, bins - 1)
    rows = []
    for number in range(bins):
        own = index == number
        if own.sum() >= fewest:
            mean, low, high = mean_interval(errors[own])
            rows.append((float(exact[own].mean()), mean, low, high, int(own.sum())))
    columns = ["squared_cosine", "mean_error", "low", "high", "patches"]
    return pd.DataFrame(rows, columns=columns)


def _rows(arrays: Mapping[str, npt.NDArray[Any]], filter_index: int) -> list[Row]:
    maps = [name for name in ("squared_cosine", "ideal", "noisy") if name in arrays]
    largest = max(float(arrays[name].max()) for name in maps)
    overlap = (0.0, min(1.0, np.ceil(10 * largest) / 10) or 0.1)
    pixels = (float(arrays["images"].min()), float(arrays["images"].max()))
    rows = [Row("images", "image", "gray_r", pixels, "")]
    if "classical" in arrays and not np.isnan(arrays["classical"][:, filter_index]).any():
        # As below: filters are compared.
        bound = _rounded_up(float(np.nanmax(np.abs(arrays["classical"]))))
        rows.append(
            Row("classical", "plain\nconvolution", "PuOr_r", (-bound, bound), r"${}x \cdot f$")
        )
    labels = {
        "squared_cosine": "exact ${}F$",
        "ideal": "ideal\nestimate",
        "noisy": "noisy\nestimate",
    }
    rows += [Row(name, labels[name], "viridis", overlap, r"overlap ${}F$") for name in maps]
    errors = [name for name in ("ideal", "noisy") if f"{name}_difference" in arrays]
    # Both are compared, also with those of other filters, so that they share one scale.
    bound = _rounded_up(max(float(np.abs(arrays[f"{name}_difference"]).max()) for name in errors))
    rows += [
        Row(f"{name}_difference", f"{name}\nminus exact", "RdBu_r", (-bound, bound), _DIFFERENCE)
        for name in errors
    ]
    return rows


def _caption(arrays: Mapping[str, npt.NDArray[Any]], image: int) -> str:
    number = f"#{arrays['ids'][image]}"
    # As much as a panel has room for.
    return f"{number}: {arrays['labels'][image]}" if "labels" in arrays else number


def _map_title(maps: ForwardMaps, filter_index: int) -> list[str]:
    """Which of several maps these are, and what grey is; if asked for, what they were made with."""
    row, batch = maps.row, len(maps.blank)
    named = [f"Filter {filter_index} of {row['filters']}"] if row["filters"] > 1 else []
    named += [maps.title] if maps.title else []
    title = [", ".join(named)] if named else []
    if is_titled():
        shown = min(batch, MOST_IMAGES)
        which = f"{shown} of {batch}" if shown < batch else f"{shown}"
        title.append(
            f"{which} image{'s' * (shown > 1)}: {row['shots_taken']:,} shots a patch, "
            f"{row['qubits']} qubits and {row['two_qubit_gates']} "
            f"{GATE_NAMES[row['gate_set']]} gates on {row['device']}."
        )
        title.append(f"Ideal: {_error_text(maps, 'ideal')}.")
        if "noisy" in maps.runs:
            title.append(f"Noisy: {_error_text(maps, 'noisy')} ({row['noise_in_words']}).")
    return [*title, *(["grey: blank patch, F = 0"] if row["blank_patches"] else [])]


def _error_text(maps: ForwardMaps, run: str) -> str:
    row, prefix = maps.row, RUNS[run]
    measured = f"RMSE {row[f'{prefix}rmse']:.4f}"
    predicted = row.get(f"{prefix}predicted_rmse")
    if predicted is not None and not pd.isna(predicted):
        measured += f", predicted {predicted:.4f}{left_open(row, f'{prefix}predicted_rmse')}"
    return f"{measured}, bias {_signed(row[f'{prefix}bias'])}"


def _signed(value: float) -> str:
    """A number with its sign, a proper minus."""
    return f"{value:+.2g}".replace("-", "\u2212")


def _wrapped(lines: list[str], width: float) -> list[str]:
    """Lines broken so as to fit a width in inches."""
    # The mean width of a character is about 0.56 times its size, and a point is 1/72 inch.
    characters = int(width * 72 / (0.56 * _TITLE_SIZE))
    return [piece for line in lines for piece in textwrap.wrap(line, characters)]


def _rounded_up(value: float) -> float:
    """The next number with two significant digits, or 1 for 0."""
    if value == 0:
        return 1.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(np.ceil(value / unit - 1e-9) * unit)
