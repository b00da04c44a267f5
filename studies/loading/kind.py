"""The loading study as the command line knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from studies.crosscheck import CHECK_COLUMNS
from studies.files import read_frame
from studies.kind import Kind
from studies.loading.configuration import LoadingStudy
from studies.loading.experiment import COLUMNS, program_of
from studies.loading.job import TABLE, run_loading, summary_text


def _numbers(folder: Path) -> pd.DataFrame:
    table = read_frame(folder / TABLE, dtype={"budget": str})
    return table.drop(columns=[column for column in CHECK_COLUMNS if column in table])


def _checks(summary: Mapping[str, Any]) -> pd.DataFrame:
    table = pd.DataFrame(summary["budgets"])
    kept = [column for column in ("budget", *CHECK_COLUMNS) if column in table]
    return table[kept] if len(kept) > 1 else pd.DataFrame()


KIND = Kind(
    title="What do shorter, inexact loaders cost, and what do they gain under noise?",
    keys=LoadingStudy.study_keys(),
    read=LoadingStudy.from_mapping,
    run=run_loading,
    text=summary_text,
    numbers=_numbers,
    columns=COLUMNS,
    checks=_checks,
    program=program_of,
)
