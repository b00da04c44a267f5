"""Progress bars: a line on a terminal; in a notebook a widget, or one text that changes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

_CELL_SECONDS = 0.5
"""Between two changes of a bar in a notebook, each of which is a message to the browser."""


def progress_bar(*arguments: Any, disable: bool | None = None, **options: Any) -> tqdm:
    """A bar of tqdm, where somebody sees it.

    Args:
        arguments: As for `tqdm`.
        disable: Whether there is none; None shows it on a terminal and in a notebook alone.
        options: As for `tqdm`.

    Returns:
        In a notebook a widget if the package ipywidgets is there, else one output of the cell
        that is replaced again and again, so that the notebook does not grow by every step.
    """
    if disable is None and in_notebook():
        return _cell_bar()(*arguments, **{"mininterval": _CELL_SECONDS} | options)
    return tqdm(*arguments, disable=disable, **options)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this process; none of it is imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _TextBar(tqdm):
    """A bar that is one output of a cell."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # What tqdm writes around the line is for terminals.
        super().__init__(
            *arguments, file=io.StringIO(), position=0, ncols=80, ascii=False, **options
        )

    @staticmethod
    def status_printer(file: object) -> Callable[[str], None]:
        """What shows the line, the first time as a new output."""
        from IPython.display import display

        output = None

        def show(line: str) -> None:
            nonlocal output
            # Nothing as HTML takes no room, when the bar goes.
            content = {"text/plain": line} if line else {"text/html": "", "text/plain": ""}
            if output is None:
                output = display(content, raw=True, display_id=True)
            else:
                output.update(content, raw=True)

        return show


def _cell_bar() -> type[tqdm]:
    from tqdm import notebook

    return _TextBar if notebook.IProgress is None else notebook.tqdm
