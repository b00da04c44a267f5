"""What reports and figures say besides results: the table [report] of a configuration.

None of it is a setting of a point: the same points, seeds and numbers come of any of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noise_models.checks import only_known_keys, text, true_or_false
from qucnn_cirq.documents import REPORT

_KEYS = ("title", "author", "figure_titles")


@dataclass(frozen=True)
class Presentation:
    """The table [report].

    Attributes:
        title: The title of the report; empty for the study's own.
        author: Who wrote it, in any words; empty for nobody. Nothing is taken from the system: a
            page that is sent to others names whom its author named.
        figure_titles: Whether figures say above what they were measured with. Otherwise it stands
            in the captions of the report and in the metadata of the files alone.
    """

    title: str = ""
    author: str = ""
    figure_titles: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Presentation:
        """What a configuration says of it.

        Args:
            document: The configuration.

        Raises:
            InputError: If its table holds anything else.
        """
        table = only_known_keys(f"[{REPORT}]", document.get(REPORT, {}), _KEYS)
        title, author = (text(f"[{REPORT}] {key}", table.get(key, "")) for key in _KEYS[:2])
        titles = true_or_false(f"[{REPORT}] figure_titles", table.get("figure_titles", False))
        return cls(title, author, titles)
