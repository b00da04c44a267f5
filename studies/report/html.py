"""Pieces of a page: plain HTML that needs no network."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

_STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.45; color: #1a1a1a; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; border-bottom: 1px solid #ccc;
     margin-top: 2.2rem }
h3 { font-size: 1.05rem } img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: .85rem }
td { white-space: pre-line } .wide { overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left;
         vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; font-size: .8rem }
figure { margin: 1rem 0 } figcaption { font-size: .85rem; color: #444 }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def heading(text: str, level: int = 2) -> str:
    """A headline."""
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraphs(text: str) -> str:
    """Lines of text, each a paragraph."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines() if line)


def preformatted(text: str) -> str:
    """Text as it is, such as a configuration."""
    return f"<pre>{html.escape(text)}</pre>"


def image(file: Path, caption: str) -> str:
    """A PNG or SVG file, embedded."""
    return picture(file.read_bytes(), file.suffix, caption)


def picture(content: bytes, suffix: str, caption: str) -> str:
    """A picture, embedded.

    Args:
        content: The content of the file.
        suffix: ".png" or ".svg".
        caption: What it shows.
    """
    kind = {".png": "image/png", ".svg": "image/svg+xml"}[suffix]
    data = base64.b64encode(content).decode()
    words = html.escape(caption)
    return (
        f'<figure><img alt="{words}" src="data:{kind};base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are set to the right."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{whole}</div>'


def frame(data: pd.DataFrame, most: int = 60) -> str:
    """A data frame as a table, the first rows of it."""
    shown = table(list(map(str, data.columns)), data.head(most).itertuples(index=False))
    if len(data) > most:
        shown += paragraphs(f"The first {most} of {len(data)} rows.")
    return shown


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "<td></td>"
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        text = f"{value:.5g}" if isinstance(value, (float, np.floating)) else f"{value:,}"
        return f'<td class="number">{text}</td>'
    return f"<td>{html.escape(str(value))}</td>"
