"""What a study that is one run, not a sweep, offers the command line and its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qucnn_cirq.compiler.program import Program
from studies.progress import Track


@dataclass(frozen=True)
class Kind:
    """A kind of study that is one run.

    Attributes:
        title: What it asks, in one sentence.
        keys: Keys of its table [study].
        read: Builds its configuration from plain data.
        run: Runs a configuration in a folder and returns a summary.
        text: Writes the summary for a terminal.
        numbers: The table of a report, from a folder of results.
        columns: What its columns mean.
        checks: The columns of cross-checks, from a summary; empty if there was none.
        program: The compiled convolution of a configuration.
    """

    title: str
    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    run: Callable[[Any, Path, Track, Callable[[str], None]], dict[str, Any]]
    text: Callable[[Mapping[str, Any]], str]
    numbers: Callable[[Path], pd.DataFrame]
    columns: Mapping[str, str]
    checks: Callable[[Mapping[str, Any]], pd.DataFrame]
    program: Callable[[Any], Program]
