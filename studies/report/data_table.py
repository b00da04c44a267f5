"""All rows of results as a table that is sorted and filtered within the page.

The rows stand in the page as JSON, and a script shows a few of them at a time: thousands are as
quick as ten. Without the script the first ones are there, as they are for whoever prints the page.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SHOWN = 25
"""Rows that are shown at a time."""
LARGEST_LINK = 2**20
"""Bytes of the largest CSV that a link holds itself."""
LARGEST_TABLE = 2**23
"""Characters of the rows that a page holds at most."""
_DIGITS = 6
"""Of numbers; the CSV has all of them."""
_LARGEST_WHOLE = 2**53 - 1
"""Whole numbers up to here are exact in scripts."""

STYLE = """
.data { margin: .6rem 0 }
.data th button { all: unset; cursor: pointer; font-weight: 600; white-space: nowrap }
.data th button:focus-visible { outline: 2px solid #0072b2 }
.data th[aria-sort=ascending] button::after { content: " \\2191" }
.data th[aria-sort=descending] button::after { content: " \\2193" }
.data th { vertical-align: bottom } .data th.number { text-align: right }
.data input { width: 100%; min-width: 4.5rem; box-sizing: border-box; font: inherit;
              font-size: .75rem; padding: .1rem .25rem; border: 1px solid #ccc }
.data td { max-width: 18rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.data .bar { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; font-size: .85rem;
             margin: .3rem 0 }
.data .bar button { font: inherit; padding: .1rem .6rem }
@media print {
  .data .bar button, .data .filters { display: none }
  .data td { white-space: normal; overflow: visible; max-width: none; font-size: 6pt }
  .data td.number { white-space: nowrap; overflow-wrap: normal }
  .data th button { white-space: normal; overflow-wrap: anywhere; font-size: 6pt }
}
"""

SCRIPT = """
"use strict";
function matches(cell, filter) {
  const asked = /^\\s*(<=|>=|!=|<|>|=)\\s*(.*?)\\s*$/.exec(filter);
  if (!asked) return String(cell ?? "").toLowerCase().includes(filter.trim().toLowerCase());
  const [, relation, text] = asked, number = Number(text);
  const isNumber = typeof cell === "number" && text !== "" && !Number.isNaN(number);
  if (relation === "=" || relation === "!=") {
    const same = isNumber ? cell === number
      : String(cell ?? "").toLowerCase() === text.toLowerCase();
    return same === (relation === "=");
  }
  if (!isNumber) return false;
  return relation === "<" ? cell < number : relation === "<=" ? cell <= number
    : relation === ">" ? cell > number : cell >= number;
}
function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
function selected(rows, filters, column, descending) {
  const kept = rows.filter(row => filters.every((text, i) => !text || matches(row[i], text)));
  if (column === null) return kept;
  const sign = descending ? -1 : 1;
  // What is missing stays last either way.
  return kept.sort((a, b) => a[column] === null || b[column] === null
    ? compare(a[column], b[column]) : sign * compare(a[column], b[column]));
}
function written(cell) {
  if (cell === null) return "";
  if (typeof cell !== "number" || Number.isInteger(cell)) return String(cell);
  return String(Number(cell.toPrecision(5)));
}
function enliven(box) {
  const { shown, rows } = JSON.parse(box.querySelector("script").textContent);
  const head = box.querySelector("thead"), body = box.querySelector("tbody");
  const heads = [...head.querySelectorAll("th")], filters = heads.map(() => "");
  const numbers = heads.map(th => th.classList.contains("number"));
  let column = null, descending = false, start = 0, found = rows;
  const bar = document.createElement("div"), line = head.insertRow();
  bar.className = "bar"; line.className = "filters";
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button"; made.textContent = text; made.addEventListener("click", act);
    return made;
  };
  const count = document.createElement("span"); count.setAttribute("aria-live", "polite");
  const back = button("Previous", () => { start -= shown; show(); });
  const on = button("Next", () => { start += shown; show(); });
  bar.append(count, back, on);
  function show() {
    body.replaceChildren(...found.slice(start, start + shown).map(row => {
      const tr = document.createElement("tr");
      row.forEach((cell, i) => {
        const td = tr.insertCell(); td.textContent = written(cell);
        if (numbers[i]) td.className = "number";
        // Long words are cut off; pointed at they are whole.
        if (td.textContent.length > 30) td.title = td.textContent;
      });
      return tr;
    }));
    const last = Math.min(start + shown, found.length);
    count.textContent = `${found.length ? start + 1 : 0} to ${last} of ${found.length} rows`
      + (found.length < rows.length ? `, filtered from ${rows.length}` : "");
    back.disabled = start === 0; on.disabled = last === found.length;
  }
  function select() { found = selected(rows, filters, column, descending); start = 0; show(); }
  heads.forEach((th, i) => {
    const sort = button(th.textContent, () => {
      descending = column === i && !descending; column = i;
      heads.forEach(each => each.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", descending ? "descending" : "ascending");
      select();
    });
    sort.title = th.title; th.replaceChildren(sort);
    const input = document.createElement("input");
    input.placeholder = numbers[i] ? "e.g. >0.1" : "filter";
    input.setAttribute("aria-label", `filter ${sort.textContent}`);
    input.addEventListener("input", () => { filters[i] = input.value; select(); });
    line.insertCell().append(input);
  });
  box.prepend(bar); show();
}
if (typeof document !== "undefined") document.querySelectorAll(".data").forEach(enliven);
"""
"""Sorting by the heads of columns, a filter below each, and pages."""


def data_table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], meanings: Mapping[str, str]
) -> str:
    """A table of all rows; heads tell what their columns mean when they are pointed at.

    Args:
        columns: Names of the columns.
        rows: Cells by name; missing ones are empty.
        meanings: What columns mean.

    Returns:
        HTML. Of more rows than a page should hold the first ones, which is said.
    """
    cells = [[plain_cell(row.get(name)) for name in columns] for row in rows]
    numbers = [all(isinstance(row[i], int | float | None) for row in cells)
               for i in range(len(columns))]  # fmt: skip
    texts, size = [], 0
    for row in cells:
        texts.append(json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        size += len(texts[-1])
        if size > LARGEST_TABLE:
            break
    content = f'{{"shown":{SHOWN},"rows":[{",".join(texts)}]}}'
    # The only sequence that ends a script is one with this character.
    content = content.replace("<", "\\u003c")
    heads = "".join(
        f'<th scope="col" title="{html.escape(meanings.get(name, name))}"'
        f"{' class=number' if number else ''}>{html.escape(name)}</th>"
        for name, number in zip(columns, numbers, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if number else ''}>{html.escape(written(cell))}</td>"
            for cell, number in zip(row, numbers, strict=True)
        )
        + "</tr>"
        for row in cells[:SHOWN]
    )
    cut = "" if len(texts) == len(cells) else (
        f"<p>The first {len(texts):,} of {len(cells):,} rows; the file of the data has all.</p>"
    )  # fmt: skip
    return (
        f'<div class="data"><script type="application/json">{content}</script>{cut}'
        f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></div>"
    )


def data_link(name: str, content: bytes, words: str) -> str:
    """A link to data: within the page if they are small, else to a file beside it.

    Args:
        name: The file's name.
        content: The data as CSV.
        words: What the link says.
    """
    target = html.escape(name)
    if len(content) <= LARGEST_LINK:
        encoded = base64.b64encode(content).decode()
        target = f"data:text/csv;charset=utf-8;base64,{encoded}"
    return f'<a download="{html.escape(name)}" href="{target}">{html.escape(words)}</a>'


def plain_cell(value: object) -> str | int | float | None:
    """A cell as JSON holds it: numbers with the digits that a page needs, all else as text.

    Args:
        value: A cell of a table.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        # Of larger ones, such as seeds, the last digits would be others.
        return int(value) if abs(int(value)) <= _LARGEST_WHOLE else str(value)
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return None
        return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else str(value)
    return str(value)


def written(cell: str | int | float | None) -> str:
    """A cell as a reader sees it.

    Args:
        cell: As from `plain_cell`.
    """
    if cell is None:
        return ""
    return f"{cell:.5g}" if isinstance(cell, float) else str(cell)
