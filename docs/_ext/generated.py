"""Fills what a page leaves to the build: ``<!-- generated: WHAT ARGUMENT ... -->`` on a line.

In a repository browser such a page is plain Markdown with nothing in that place.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import columns
import docstrings
import formulas
import links
import reference
from sphinx.application import Sphinx
from sphinx.ext.autodoc.mock import mock

GENERATORS: dict[str, Callable[..., str]] = {
    "columns": columns.page,
    "package": reference.package,
    "modules": reference.modules,
}
"""What writes each part, as Markdown of MyST, from the words behind its name."""

_MARK = re.compile(r"^<!-- generated: (\w+) ?(.*?) -->$", re.MULTILINE)


def fill(app: Sphinx, name: str, source: list[str]) -> None:
    """Replaces the marks of a page that is read.

    Args:
        app: The build.
        name: The page's.
        source: Its text, the only item, which is replaced.
    """
    if _MARK.search(source[0]):
        for path in Path(__file__).parent.glob("*.py"):
            app.env.note_dependency(str(path))
    source[0] = _MARK.sub(lambda mark: GENERATORS[mark[1]](*mark[2].split()), source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls.

    Args:
        app: The build.
    """
    app.connect("source-read", fill)
    if importlib.util.find_spec("torch") is None:
        # All other extras are imported where they are used.
        with mock(["torch"]):
            importlib.import_module("qucnn_cirq.torch_layer")
    docstrings.connect(app)
    formulas.connect(app)
    links.connect(app)
    return {"parallel_read_safe": True}
