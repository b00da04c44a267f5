"""The loading study from its configuration to a folder of results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qucnn_cirq.files import atomic_write
from qucnn_cirq.patches import extract_patches
from studies.crosscheck import check_lines
from studies.device_map import DEVICE_MAP, draw_device_map
from studies.drawing import FORMATS, attempt, save_figure, theme
from studies.files import CONFIGURATION, SUMMARY, prepare_folder, write_summary, write_text
from studies.images import select_images
from studies.loading.configuration import LoadingStudy
from studies.loading.experiment import measure_loading, program_of
from studies.loading.figures import draw_loading
from studies.progress import Track, untracked
from studies.provenance import provenance

TABLE, FIGURE = "loading.csv", "loading"


def run_loading(
    study: LoadingStudy,
    folder: Path,
    track: Track = untracked,
    note: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Runs the study and writes its results.

    The folder gets `loading.csv`, `summary.json`, `configuration.toml`, and the figures `loading`
    and `device_map` as PNG, SVG and PDF. Running the same configuration again writes the same
    numbers, the seconds apart.

    Args:
        study: The configuration.
        folder: Where the results go; it is created if it does not exist.
        track: Shows how far it is.
        note: Not used: there is no choice to tell of.

    Returns:
        The content of `summary.json`.

    Raises:
        InputError: If the images, the convolution, the device and the folder do not allow it.
        NoiseError: If the noise does not fit the device.
        OSError: If writing fails.
    """
    origin = provenance()
    selection = select_images(study.split, study.first, study.images, study.data)
    patches = extract_patches(selection.images, study.convolution)
    drawn = [f"{name}.{suffix}" for name in (FIGURE, DEVICE_MAP) for suffix in FORMATS]
    prepare_folder(folder, study.to_toml(), (TABLE, SUMMARY, *drawn))
    table = measure_loading(study, patches, track)
    write_text(folder / CONFIGURATION, study.to_toml())
    with atomic_write(folder / TABLE) as file:
        table.to_csv(file, index=False, lineterminator="\n")
    failures: list[str] = []
    budgets = table.to_dict(orient="records")
    summary = {"budgets": budgets, "provenance": origin, "not_drawn": failures}
    # Before anything is drawn, which may fail.
    write_summary(folder, summary, (TABLE, CONFIGURATION))
    with attempt("figure", failures), theme():
        save_figure(draw_loading(table), folder, FIGURE)
    with attempt("device map", failures):
        draw_device_map([program_of(study)], folder)
    write_summary(folder, summary, (TABLE, CONFIGURATION))
    return summary


def summary_text(summary: Mapping[str, Any]) -> str:
    """The summary as a table for a terminal."""
    lines = ["budget   gates/loader   largest infidelity   mean |error|   loading alone   gain"]
    for row in summary["budgets"]:
        lines.append(
            f"{row['budget']:<8} {row['loader_gates']:12.3f}   {row['largest_infidelity']:18.1e}   "
            f"{row['error']:12.6f}   {row['error_without_noise']:13.6f}   "
            f"{row['gain']:.6f} +- {row['gain_standard_error']:.6f}"
        )
    return "\n".join([*lines, *check_lines(pd.DataFrame(summary["budgets"]))])
