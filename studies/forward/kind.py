"""The forward study as the command line knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from studies.files import read_frame
from studies.forward.configuration import ForwardStudy
from studies.forward.experiment import program_of
from studies.forward.job import TABLE, run_forward
from studies.forward.results import IMAGE_COLUMNS, image_table, summary_text
from studies.kind import Kind


def _numbers(folder: Path) -> pd.DataFrame:
    return image_table(read_frame(folder / TABLE))


def _checks(summary: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([summary["check"]] if "check" in summary else [])


KIND = Kind(
    title="How wrong do the feature maps of a quantum convolution become, and why?",
    keys=ForwardStudy.study_keys(),
    read=ForwardStudy.from_mapping,
    run=run_forward,
    text=summary_text,
    numbers=_numbers,
    columns=IMAGE_COLUMNS,
    checks=_checks,
    program=program_of,
)
