"""How the gallery's examples are run, for Sphinx-Gallery, which makes its pages of them.

The configuration names what is here by this module, since it is stored with the build.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import matplotlib
from sphinx_gallery.scrapers import figure_rst

DPI = 150
"""Dots an inch: figures for a journal's column, in letters as large as the page's."""
ORDER = (
    "circuit",
    "placement",
    "noisy_maps",
    "noise_scale",
    "shots",
    "heat_map",
    "device_noise",
    "mitigation_ladder",
    "gradient_error",
    "learning_curve",
    "learned_filter",
)
"""The examples, as they are shown."""


class Order:
    """A key that sorts examples, and refuses one that is not among them.

    Args:
        folder: That of the examples.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, example: str) -> int:
        """The place of an example.

        Args:
            example: The name of its file.
        """
        return ORDER.index(Path(example).stem)


def look(settings: dict[str, Any], example: str) -> None:
    """What is the same for all figures; called before each example.

    Args:
        settings: The gallery's.
        example: The name of its file.
    """
    matplotlib.rcParams["savefig.dpi"] = DPI
    # A package of furo's has all loggers speak when it is imported.
    logging.getLogger().setLevel(logging.WARNING)


def drawings(block: tuple[Any, ...], names: dict[str, Any], settings: dict[str, Any]) -> str:
    """Takes the pictures that an example wrote to files; those of pyplot need not be written.

    Args:
        block: The part of the example that was run.
        names: Where pictures go, under "image_path_iterator", and more.
        settings: The gallery's.

    Returns:
        The pictures, as reStructuredText.
    """
    found = []
    for file in sorted(Path(names["src_file"]).parent.iterdir()):
        if file.suffix in (".svg", ".png"):
            place = Path(next(names["image_path_iterator"])).with_suffix(file.suffix)
            found.append(os.fspath(place))
            shutil.move(file, place)
    return figure_rst(found, settings["src_dir"])
