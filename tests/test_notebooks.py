"""The notebooks of the documentation run, check their numbers, and are kept without outputs."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 240
"""For a cell, on a machine with much else to do."""

_spec = importlib.util.spec_from_file_location("clear_outputs", ROOT / ".ci" / "clear_outputs.py")
assert _spec and _spec.loader
clear_outputs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clear_outputs)

needs_kernel = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("nbclient", "ipykernel")),
    reason="notebooks are run with the extra [notebooks]",
)


def content(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def sources(path: Path, kind: str) -> list[str]:
    cells = content(path)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def executed(cells: list[str], folder: Path) -> list[list[dict[str, Any]]]:
    """The outputs of cells of code that a kernel runs in a folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=where).execute()
    return [cell["outputs"] for cell in notebook["cells"]]


@pytest.fixture(autouse=True)
def of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel imports what this process imports."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_there_are_three_and_each_is_on_the_site_and_in_the_readme() -> None:
    assert len(NOTEBOOKS) == 3
    index, readme = ((ROOT / name).read_text() for name in ("docs/index.md", "README.md"))
    for path in NOTEBOOKS:
        assert f"\nnotebooks/{path.stem}\n" in index
        assert f"(docs/notebooks/{path.name})" in readme


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    kept = path.read_text(encoding="utf-8")
    assert kept == clear_outputs.cleared(kept)
    notebook = content(path)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    # As a run leaves it.
    output = {"output_type": "stream", "name": "stdout", "text": "1"}
    code[0] |= {"outputs": [output], "execution_count": 3, "metadata": {"scrolled": True}}
    notebook["metadata"]["language_info"]["version"] = "3.11"
    assert clear_outputs.cleared(json.dumps(notebook)) == kept


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_explain_themselves_and_assert_numbers(path: Path) -> None:
    texts = sources(path, "markdown")
    assert texts[0].startswith("# ")
    assert all("\n# " not in text for text in texts)
    assert sum("assert " in each for each in sources(path, "code")) >= 3


@needs_kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_is_about(path: Path, tmp_path: Path) -> None:
    outputs = [output for each in executed(sources(path, "code"), tmp_path) for output in each]
    shown = [output["data"] for output in outputs if "data" in output]
    assert any("text/html" in data for data in shown)
    assert any("image/png" in data for data in shown)
    # Neither warnings nor bars.
    printed = [output for output in outputs if output["output_type"] == "stream"]
    assert [output["text"] for output in printed if output["name"] == "stderr"] == []
    assert all(output["text"].count("\n") < 12 and "\r" not in output["text"] for output in printed)


@needs_kernel
def test_a_wrong_number_fails(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    cells = sources(FOLDER / "compile_and_look.ipynb", "code")
    (number,) = (i for i, each in enumerate(cells) if "two_qubit_gates == 8" in each)
    cells[number] = cells[number].replace("two_qubit_gates == 8", "two_qubit_gates == 9")
    with pytest.raises(CellExecutionError, match="AssertionError"):
        executed(cells[: number + 1], tmp_path)


@needs_kernel
def test_bars_in_a_kernel_are_one_output_and_figures_need_no_pyplot(tmp_path: Path) -> None:
    bar = "for _ in progress_bar(range(10_000), desc='steps', leave={leave}): pass"
    kept, gone, long, figure = executed(
        [
            "from qucnn_cirq.bars import progress_bar\n" + bar.format(leave=True),
            bar.format(leave=False),
            "import time\nfor _ in progress_bar(range(100)): time.sleep(0.01)",
            "from qucnn_cirq import load_device\n"
            "from qucnn_cirq.drawing.device_figure import device_figure\n"
            "device_figure(load_device('grid:2x2'))",
        ],
        tmp_path,
    )
    if importlib.util.find_spec("ipywidgets") is None:
        (shown,) = kept
        assert re.fullmatch(r"steps: 100%\|█+\| 10000/10000 \[.*\]", shown["data"]["text/plain"])
        assert [each["data"]["text/plain"] for each in gone] == [""]
        assert "100/100" in long[0]["data"]["text/plain"]
    assert all(len(each) == 1 for each in (kept, gone, long))
    assert figure[0]["data"]["image/png"]
