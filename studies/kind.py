"""What a study that is one run, not a sweep, offers the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studies.progress import Track


@dataclass(frozen=True)
class Kind:
    """A kind of study that is one run.

    Attributes:
        keys: Keys of its table [study].
        read: Builds its configuration from plain data.
        run: Runs a configuration in a folder and returns a summary.
        text: Writes the summary for a terminal.
    """

    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    run: Callable[[Any, Path, Track, Callable[[str], None]], dict[str, Any]]
    text: Callable[[Mapping[str, Any]], str]
