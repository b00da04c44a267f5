"""Clears what notebooks keep of a run: outputs, counts, and metadata of whoever ran them.

`python .ci/clear_outputs.py` does so for those of the documentation.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cleared(text: str) -> str:
    """A notebook as it is kept.

    Args:
        text: Its file's content.

    Returns:
        The same, laid out as Jupyter does, so that a change of a cell is all that a comparison
        shows.
    """
    notebook = json.loads(text)
    notebook["metadata"] = METADATA
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.ipynb")):
        path.write_text(cleared(path.read_text(encoding="utf-8")), encoding="utf-8")
