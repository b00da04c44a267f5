"""One look for all figures, and how a figure becomes a file."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import seaborn
from matplotlib.figure import Figure

from noise_models.writing import atomic_write
from qucnn_cirq.errors import InputError, option

LEGEND_SIZE = 7
"""Points, as of ticks: the least that can be read in a column of a journal."""

_SHOWN_DPI = 130
"""Of figures that notebooks show."""

# Without dates and random identifiers, the same data give the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
_ABOUT = {
    "png": ("Description", "Source"),
    "svg": ("Description", "Source"),
    "pdf": ("Subject", "Keywords"),
}
"""Where the metadata of a file have what it was made with, and where its numbers come from."""

SIZES: dict[str, Any] = {
    "font.size": 7.5,
    "axes.labelsize": 8,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.minor.width": 0.5,
    "ytick.minor.width": 0.5,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.8,
    "ytick.minor.size": 1.8,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "legend.fontsize": LEGEND_SIZE,
    "legend.title_fontsize": LEGEND_SIZE,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
}


@contextlib.contextmanager
def theme(style: str = "ticks") -> Iterator[None]:
    """Draws in the studies' look; the caller's own settings return afterwards.

    Args:
        style: Seaborn's name of a style.
    """
    settings = {
        **seaborn.axes_style(style),
        **seaborn.plotting_context("paper"),
        **SIZES,
        "axes.spines.top": style == "white",
        "axes.spines.right": style == "white",
        "svg.hashsalt": "qucnn",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
    }
    with matplotlib.rc_context(settings):
        yield


class _ShownFigure(Figure):
    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        with theme():
            self.savefig(buffer, format="png", dpi=_SHOWN_DPI)
        return buffer.getvalue()


def shown_figure(**options: Any) -> Figure:
    """A figure that a notebook shows, also where pyplot, which sees to that, is not imported.

    Args:
        options: As for matplotlib's Figure.
    """
    return _ShownFigure(**options)


def save_figure_as(
    figure: Figure, path: Path, dpi: int = 200, description: str = "", source: str = ""
) -> None:
    """Writes a figure in the format that the file's suffix names.

    Args:
        figure: The figure.
        path: A file in an existing folder, with one of the suffixes .png, .svg and .pdf.
        dpi: Dots per inch of a PNG and of what is rasterised in the others.
        description: What it was made with, for the metadata of the file.
        source: Where its numbers come from, likewise.

    Raises:
        InputError: If the suffix is another one.
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in _METADATA:
        known = ", ".join(f".{each}" for each in _METADATA)
        raise InputError(
            f"{option('out', path)}: figures are written to files that end in {known}."
        )
    buffer = io.BytesIO()
    own = dict(zip(_ABOUT[suffix], (description, source), strict=True))
    metadata = {**_METADATA[suffix], **{key: text for key, text in own.items() if text}}
    figure.savefig(buffer, format=suffix, dpi=dpi, metadata=metadata)
    with atomic_write(path) as file:
        file.write(buffer.getvalue())
