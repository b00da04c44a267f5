"""One look for all figures, and how a figure becomes a file."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import seaborn
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from noise_models.writing import atomic_write
from qucnn_cirq.errors import InputError, option

LEGEND_SIZE = 7
"""Points, as of ticks: the least that can be read in a column of a journal."""

_SHOWN_DPI = 130
"""Of figures that notebooks show."""

# A formula of the package or of matplotlib's own ticks, or else a dollar sign that is not escaped.
_DOLLAR = re.compile(r"\$(?:\{\}|\\mathdefault)[^$]*\$|(?<!\\)\$")

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
        keep_words(self)
        with theme():
            self.savefig(buffer, format="png", dpi=_SHOWN_DPI)
        return buffer.getvalue()


def shown_figure(**options: Any) -> Figure:
    """A figure that a notebook shows, also where pyplot, which sees to that, is not imported.

    Args:
        options: As for matplotlib's Figure.
    """
    return _ShownFigure(**options)


def keep_words(figure: Figure) -> None:
    """Has dollar signs drawn as they are, as in the name of a file: two are no formula.

    Formulas of the package begin with ``${}``, which nobody writes by chance and which is drawn as
    nothing. Where a text is put, nobody needs to know whose it is.

    Args:
        figure: A figure that is not yet drawn; it may have been here before.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not isinstance(axis.get_major_locator(), FixedLocator):
            continue
        # They are written again, whenever they are drawn, from what was given for the ticks.
        given = [label.get_text() for label in axis.get_ticklabels()]
        if (kept := [_escaped(text) for text in given]) != given:
            axis.set_ticklabels(kept)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if "$" in text.get_text():
            text.set_text(_escaped(text.get_text()))


def _escaped(text: str) -> str:
    """A text in which formulas of the package alone are such."""
    return _DOLLAR.sub(lambda found: found[0] if len(found[0]) > 1 else r"\$", text)


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
    keep_words(figure)
    buffer = io.BytesIO()
    own = dict(zip(_ABOUT[suffix], (description, source), strict=True))
    metadata = {**_METADATA[suffix], **{key: text for key, text in own.items() if text}}
    figure.savefig(buffer, format=suffix, dpi=dpi, metadata=metadata)
    with atomic_write(path) as file:
        file.write(buffer.getvalue())
