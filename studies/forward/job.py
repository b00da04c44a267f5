"""The forward study from its configuration to a folder of results."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noise_models import as_noise
from qucnn_cirq.devices import load_device
from qucnn_cirq.files import atomic_write
from studies.device_map import DEVICE_MAP, draw_device_map
from studies.drawing import FORMATS, attempt, save_drawn, save_figure, theme
from studies.files import CONFIGURATION, SUMMARY, prepare_folder, write_summary, write_text
from studies.forward.configuration import ForwardStudy
from studies.forward.experiment import ForwardResult, cut_patches, overlap_hint, run_experiment
from studies.forward.figures import binned_errors, draw_errors, draw_maps, figure_arrays
from studies.forward.results import patch_table, summarize
from studies.images import select_images
from studies.progress import Track, untracked
from studies.provenance import provenance

TABLE, ARRAYS = "patches.csv", "forward_figure.npz"


def run_forward(
    study: ForwardStudy,
    folder: Path,
    track: Track = untracked,
    note: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Runs the study and writes its results.

    The folder gets `patches.csv`, `summary.json`, `configuration.toml`, the figures
    `forward` (one for each filter), `errors` and `device_map` as PNG, SVG and PDF, and what is
    drawn, `forward_figure.npz`, `errors.csv` and `device_map.csv`. Running the same configuration
    again writes the same numbers.

    Args:
        study: The configuration.
        folder: Where the results go; it is created if it does not exist.
        track: Shows how far it is.
        note: Takes a line for the user, such as which engine was chosen and why.

    Returns:
        The content of `summary.json`.

    Raises:
        InputError: If the images, the convolution, the device and the folder do not allow it.
        NoiseError: If the noise does not fit the device.
        OSError: If writing fails.
    """
    origin = provenance()
    selection = select_images(study.split, study.first, study.images, study.data)
    patches = cut_patches(study, selection)
    load_device(study.device)
    names = [_map_name(row) for row in range(study.convolution.n_filters)]
    names += ["errors", DEVICE_MAP]
    drawn = [f"{name}.{suffix}" for name in names for suffix in (*FORMATS, "csv")]
    prepare_folder(folder, study.to_toml(), (TABLE, SUMMARY, ARRAYS, *drawn))
    if study.engine == "auto" and not as_noise(study.noise).is_ideal:
        note(
            "engine auto: the ideal run on qsim, the noisy one on the exact engine, whose shots "
            "have the distribution of qsim's trajectories and take seconds, not hours."
        )
    result = run_experiment(study, selection, patches, track)
    summary = summarize(result)
    hint = overlap_hint(study, result.program)
    if hint is not None:
        summary["overlap_hint"] = hint
    write_text(folder / CONFIGURATION, study.to_toml())
    with atomic_write(folder / TABLE) as file:
        patch_table(result).to_csv(file, index=False, lineterminator="\n")
    summary["provenance"] = origin
    summary["not_drawn"] = []
    # Before anything is drawn, which may fail.
    write_summary(folder, summary, (TABLE, CONFIGURATION))
    started = time.perf_counter()
    with attempt("figures", summary["not_drawn"]):
        _write_figures(result, summary, folder)
    with attempt("device map", summary["not_drawn"]):
        draw_device_map([result.program], folder)
    summary["seconds"]["figures"] = time.perf_counter() - started
    write_summary(folder, summary, (TABLE, CONFIGURATION))
    return summary


def _write_figures(result: ForwardResult, summary: dict[str, Any], folder: Path) -> None:
    arrays = figure_arrays(result)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    with atomic_write(folder / ARRAYS) as file:
        file.write(buffer.getvalue())
    with theme("white"):
        for row in range(len(result.overlaps)):
            save_figure(draw_maps(result, arrays, summary, row), folder, _map_name(row))
    runs = {"ideal": result.ideal} | ({} if result.noisy is None else {"noisy": result.noisy})
    bins = [binned_errors(result, run).assign(run=name) for name, run in runs.items()]
    with theme():
        # The points are those of the table.
        save_drawn(draw_errors(result, summary), pd.concat(bins), folder, "errors")


def _map_name(filter_index: int) -> str:
    return "forward" if filter_index == 0 else f"forward_filter_{filter_index}"
