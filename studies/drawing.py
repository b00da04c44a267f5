"""One look for all figures, and one way of writing them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import seaborn
from matplotlib.figure import Figure

from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write

FORMATS = ("png", "svg", "pdf")

# Without dates and random identifiers, the same data give the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
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
        "svg.hashsalt": "qucnn",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
    }
    with matplotlib.rc_context(settings):
        yield


def save_figure(figure: Figure, folder: Path, name: str, dpi: int = 200) -> None:
    """Writes a figure as PNG, SVG and PDF.

    Args:
        figure: The figure.
        folder: An existing folder.
        name: Name of the files, without suffix.
        dpi: Dots per inch of the PNG and of what is rasterised in the others.
    """
    for suffix in FORMATS:
        save_figure_as(figure, folder / f"{name}.{suffix}", dpi)


def save_figure_as(figure: Figure, path: Path, dpi: int = 200) -> None:
    """Writes a figure in the format that the file's suffix names.

    Args:
        figure: The figure.
        path: A file in an existing folder, with one of the suffixes .png, .svg and .pdf.
        dpi: Dots per inch of a PNG and of what is rasterised in the others.

    Raises:
        InputError: If the suffix is another one.
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in _METADATA:
        known = ", ".join(f".{each}" for each in _METADATA)
        raise InputError(f"--out {path}: figures are written to files that end in {known}.")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, dpi=dpi, metadata=_METADATA[suffix])
    with atomic_write(path) as file:
        file.write(buffer.getvalue())


def save_drawn(figure: Figure, data: pd.DataFrame, folder: Path, name: str) -> None:
    """Writes a figure as :func:`save_figure` does, with the numbers drawn beside it as CSV."""
    save_figure(figure, folder, name)
    with atomic_write(folder / f"{name}.csv") as file:
        data.to_csv(file, index=False, lineterminator="\n")
