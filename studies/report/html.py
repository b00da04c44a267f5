"""Pieces of a page: plain HTML that needs no network."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from noise_models.files import file_bytes
from studies.report import data_table

_STYLE = """
body { font-family: system-ui, sans-serif; line-height: 1.45; color: #1a1a1a; background: #fff;
       max-width: 68rem; margin: 1.2rem auto; padding: 0 1rem; overflow-wrap: break-word }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; border-bottom: 1px solid #ccc;
     margin-top: 2.2rem }
h3 { font-size: 1.1rem; margin-top: 1.6rem } h4 { font-size: 1rem; margin-bottom: .4rem }
.byline { color: #444; font-size: .9rem; margin: -.4rem 0 1rem }
.state { border-left: 4px solid #d55e00; background: #fdf1e8; padding: .4rem .8rem;
         margin-bottom: 1rem; font-size: .9rem } .state p { margin: .2rem 0 }
.first { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 1.5rem;
         align-items: start }
.first h2, .first h3 { margin-top: 0; border: 0; font-size: 1.1rem } .first figure { margin: 0 }
.first ul { padding-left: 1.1rem; margin: .3rem 0 } .first li { margin-bottom: .35rem }
.first img { cursor: zoom-in; max-height: 33rem }
.note { color: #444; font-size: .85rem }
.first img.whole { cursor: zoom-out; position: fixed; inset: 0; margin: auto; z-index: 1;
                   max-width: 98vw; max-height: 98vh; box-shadow: 0 0 0 100vmax #000a }
.first .question { font-size: 1.05rem; margin-top: .2rem }
nav { font-size: .9rem } nav ul { padding-left: 1.1rem; columns: 18rem }
img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: .85rem }
td { white-space: pre-line } td ul { margin: 0; padding-left: 1rem; white-space: normal }
.wide { overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left;
         vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; font-size: .8rem }
figure { margin: 1rem 0 } figcaption { font-size: .85rem; color: #444 }
figure.large img { min-width: 56rem }
.stacked td:nth-child(3) { min-width: 24rem }
@media (max-width: 48rem) { .first { display: block } }
@media (max-width: 40rem) {
  .stacked td:nth-child(3) { min-width: 0 }
  .stacked thead { display: none }
  .stacked tr, .stacked td, .stacked th { display: block; border: 0 }
  .stacked tr { border-bottom: 1px solid #ccc; padding: .5rem 0 }
  .stacked td::before { content: attr(data-label); display: block; font-weight: 600;
                        font-size: .75rem; color: #555 }
}
@media print {
  body { max-width: none; margin: 0; font-size: 10pt } nav { display: none }
  .first { display: block } a { color: inherit }
  .wide { overflow: visible } th, td { overflow-wrap: anywhere; padding: .1rem .25rem }
  table { font-size: 7pt; width: 100% }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible }
  h2, h3, h4 { break-after: avoid } figure, tr { break-inside: avoid }
  img { max-height: 22cm } figure.large img { min-width: 0 }
}
"""


_ZOOM = """
document.querySelectorAll(".first img").forEach(img =>
  img.addEventListener("click", () => img.classList.toggle("whole")));
"""
"""Beside the answer there is half of the width: a click shows a figure as large as the window."""


def page(title: str, body: Iterable[str], lead: Iterable[str] = ()) -> str:
    """A whole page, with links to its sections.

    Args:
        title: Plain text, for the page and the window.
        body: Pieces of HTML, as the other functions give them.
        lead: What stands before the links: the first thing that is seen.
    """
    content, links = _with_anchors("\n".join(body))
    contents = "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in links)
    navigation = f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n' if links else ""
    scripts = [data_table.SCRIPT] if '<div class="data">' in content else []
    scripts += [_ZOOM] if lead or '<div class="first">' in content else []
    script = f"<script>{''.join(scripts)}</script>\n" if scripts else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}{data_table.STYLE}</style></head>\n"
        f"<body>\n<h1>{html.escape(title)}</h1>\n{''.join(lead)}{navigation}{content}\n{script}"
        "</body></html>\n"
    )


def group(name: str, parts: Iterable[str]) -> str:
    """Pieces of a page that stand together.

    Args:
        name: The class that says how: "first", "state" or "byline".
        parts: The pieces.
    """
    return f'<div class="{name}">{"".join(parts)}</div>'


def _with_anchors(content: str) -> tuple[str, list[tuple[str, str]]]:
    """Gives the sections of the second level names that are unique on the page."""
    links: list[tuple[str, str]] = []

    def name(match: re.Match[str]) -> str:
        links.append((f"section-{len(links) + 1}", match[1]))
        return f'<h2 id="{links[-1][0]}">{match[1]}</h2>'

    return re.sub(r"<h2>(.*?)</h2>", name, content), links


def heading(text: str, level: int = 2) -> str:
    """A headline.

    Args:
        text: Plain text.
        level: 1 to 6; `page` links to those of level 2.
    """
    return f"<h{level}>{html.escape(text)}</h{level}>"


def paragraphs(text: str, name: str = "") -> str:
    """Lines of text, each a paragraph.

    Args:
        text: Plain text; empty lines are left out.
        name: The class of the paragraphs, if they have one.
    """
    opening = f'<p class="{name}">' if name else "<p>"
    return "".join(f"{opening}{html.escape(line)}</p>" for line in text.splitlines() if line)


def text(words: str) -> str:
    """Text within a piece of HTML.

    Args:
        words: Plain text.
    """
    return html.escape(words)


def bullets(lines: Iterable[str]) -> str:
    """Lines of text as a list; nothing if there is none.

    Args:
        lines: Plain text of each item.
    """
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def preformatted(text: str) -> str:
    """Text as it is, such as a configuration.

    Args:
        text: Plain text; line breaks and spaces are kept.
    """
    return f'<pre tabindex="0">{html.escape(text)}</pre>'


def image(file: Path, caption: str) -> str:
    """A PNG or SVG file, embedded.

    Args:
        file: A file that ends in .png or .svg.
        caption: What it shows.

    Raises:
        InputError: If the file cannot be read.
    """
    return picture(file_bytes(file), file.suffix, caption)


def picture(content: bytes, suffix: str, caption: str, large: bool = False) -> str:
    """A picture, embedded.

    Args:
        content: The content of the file.
        suffix: ".png" or ".svg".
        caption: What it shows.
        large: Whether narrow windows scroll it, because it could not be read if it shrank.
    """
    kind = {".png": "image/png", ".svg": "image/svg+xml"}[suffix]
    data = base64.b64encode(content).decode()
    words = html.escape(caption)
    img = f'<img alt="{words}" src="data:{kind};base64,{data}">'
    if large:
        img = f'<div class="wide" tabindex="0">{img}</div>'
    opening = '<figure class="large">' if large else "<figure>"
    return f"{opening}{img}<figcaption>{words}</figcaption></figure>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], stacked: bool = False) -> str:
    """A table; numbers are set to the right.

    Args:
        header: Names of the columns.
        rows: Cells; a list of texts becomes a list.
        stacked: Whether narrow windows show the cells of a row below one another: for long texts.
    """
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in header)
    body = "".join(
        f"<tr>{''.join(_cell(value, name if stacked else None) for value, name in cells)}</tr>"
        for cells in (zip(row, header, strict=True) for row in rows)
    )
    opening = '<table class="stacked">' if stacked else "<table>"
    whole = f"{opening}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide" tabindex="0">{whole}</div>'


def frame(data: pd.DataFrame, most: int = 60) -> str:
    """A data frame as a table, the first rows of it.

    Args:
        data: The data frame; its index is left out.
        most: Rows that are shown; if there are more, it is said how many.
    """
    shown = table(list(map(str, data.columns)), data.head(most).itertuples(index=False))
    if len(data) > most:
        shown += paragraphs(f"The first {most} of {len(data)} rows.")
    return shown


def _cell(value: object, label: str | None = None) -> str:
    name = "" if label is None else f' data-label="{html.escape(label)}"'
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return f"<td{name}></td>"
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        text = f"{value:.5g}" if isinstance(value, (float, np.floating)) else f"{value:,}"
        return f'<td class="number"{name}>{text}</td>'
    if isinstance(value, list):
        return f"<td{name}>{bullets(value)}</td>"
    return f"<td{name}>{html.escape(str(value))}</td>"
