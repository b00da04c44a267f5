"""Formulas as MathML, which browsers draw by themselves: no script and nothing to fetch."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

NAME = "mathml"
"""What `html_math_renderer` calls it."""

# Bars of kets and strokes of fractions have no space around them, and brackets of means are as
# high as letters.
_TIGHT = {
    '<mo stretchy="false">|</mo>': '<mo stretchy="false" lspace="0" rspace="0">|</mo>',
    '<mo stretchy="false">/</mo>': '<mo stretchy="false" lspace="0" rspace="0">/</mo>',
    "<mo>⟨</mo>": '<mo stretchy="false">⟨</mo>',
    "<mo>⟩</mo>": '<mo stretchy="false">⟩</mo>',
}
_logger = logging.getLogger(__name__)


def _markup(node: nodes.Element, is_block: bool) -> str:
    """The MathML of a formula; of one that cannot be read nothing, and a warning."""
    try:
        written = str(tex2mathml(node.astext(), as_block=is_block))
    except MathError as error:
        _logger.warning("%r is no formula: %s", node.astext(), error, location=node)
        return ""
    for plain, tight in _TIGHT.items():
        written = written.replace(plain, tight)
    return written


def _inline(writer: Any, node: nodes.Element) -> None:
    writer.body.append(_markup(node, is_block=False))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Element) -> None:
    writer.body.append(f'<div class="formula">{_markup(node, is_block=True)}</div>\n')
    raise nodes.SkipNode


def connect(app: Sphinx) -> None:
    """Adds the renderer.

    Args:
        app: The build.
    """
    app.add_html_math_renderer(NAME, (_inline, None), (_block, None))
