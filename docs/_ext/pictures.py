"""How the gallery's examples are run, for Sphinx-Gallery, which makes its pages of them.

It names these functions by their module, since a function in ``conf.py`` cannot be stored.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import matplotlib
from sphinx_gallery.scrapers import figure_rst

DPI = 150
"""Dots an inch: figures for a journal's column, in letters as large as the page's."""


def look(settings: dict[str, Any], example: str) -> None:
    """What is the same for all figures; called before each example.

    Args:
        settings: The gallery's.
        example: The name of the file.
    """
    matplotlib.rcParams["savefig.dpi"] = DPI


def drawings(block: tuple[Any, ...], names: dict[str, Any], settings: dict[str, Any]) -> str:
    """Takes what an example wrote as SVG, beside its figures, for its pictures.

    Args:
        block: The part of the example that was run.
        names: Where pictures go, under "image_path_iterator", and more.
        settings: The gallery's.

    Returns:
        The pictures, as reStructuredText.
    """
    found = []
    folder = Path(names["src_file"]).parent
    for file, place in zip(sorted(folder.glob("*.svg")), names["image_path_iterator"]):
        found.append(os.fspath(Path(place).with_suffix(".svg")))
        shutil.move(file, found[-1])
    return figure_rst(found, settings["src_dir"])
