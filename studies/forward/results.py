"""What the forward study records: one row for each patch and filter, and a summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from noise_models import Calibration, NoiseConfiguration, as_noise
from studies.crosscheck import check_lines, check_row
from studies.forward.experiment import Array, ForwardResult, ForwardRun


def patch_table(result: ForwardResult) -> pd.DataFrame:
    """One row for each image, filter and patch, blank patches included, in that order.

    Columns:
        image: Position of the image in the data set.
        label: What it shows; absent if that is not known.
        filter: Number of the filter.
        row, column: Position in the feature map.
        blank: 1 if the patch is all zero (F = 0 by definition, no circuit is run), else 0.
        counts: Shots with the observable's larger value.
        shots: Shots taken, 0 for a blank patch.
        estimate: The overlap estimated from the counts.
        exact_mean: The mean from which the engine drew the shots.
        squared_cosine: The overlap |<x|f>|^2 by linear algebra, the exact classical counterpart.
        classical: The plain convolution of patch and filter; absent for filters that are no fixed
            kernel.
        noisy_counts, noisy_estimate, noisy_mean: As above, for the noisy run; noisy_mean is
            absent if the engine only sampled.
    """
    patches, selection = result.patches, result.selection
    ideal, noisy = result.ideal, result.noisy
    image, row, column = np.indices((patches.batch, patches.rows, patches.columns))
    n_filters = len(result.overlaps)

    def flat(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """One entry for each row of the table: by image, then filter, then patch."""
        # A whole zero keeps counts whole.
        return patches.to_maps(values, fill=0).ravel()

    def per_patch(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The same for every filter."""
        return np.repeat(values[:, np.newaxis], n_filters, axis=1).ravel()

    blank = patches.blank.reshape(image.shape)
    columns: dict[str, Any] = {"image": per_patch(selection.ids[image])}
    if selection.labels is not None:
        columns["label"] = per_patch(selection.labels[image])
    columns |= {
        "filter": np.tile(np.repeat(np.arange(n_filters), image[0].size), patches.batch),
        "row": per_patch(row),
        "column": per_patch(column),
        "blank": per_patch(blank).astype(int),
        "counts": flat(ideal.counts),
        "shots": per_patch(np.where(blank, 0, result.study.shots)),
        "estimate": flat(ideal.estimates),
    }
    if ideal.means is not None:
        columns["exact_mean"] = flat(ideal.means)
    columns["squared_cosine"] = flat(result.overlaps)
    if not np.isnan(result.classical).all():
        columns["classical"] = flat(result.classical)
    if noisy is not None:
        columns["noisy_counts"] = flat(noisy.counts)
        columns["noisy_estimate"] = flat(noisy.estimates)
        if noisy.means is not None:
            columns["noisy_mean"] = flat(noisy.means)
    return pd.DataFrame(columns)


IMAGE_COLUMNS = {
    "image": "position of the image in the data set",
    "label": "the digit",
    "filter": "number of the filter",
    "patches": "patches",
    "blank": "patches that are all zero: F = 0 by definition, no circuit is run",
    "mean_overlap": "mean of the exact overlap F = |<x|f>|^2 over the other patches",
    "rmse": "root mean square of estimate - F over them, without noise",
    "bias": "mean of estimate - F, without noise",
    "noisy_rmse": "root mean square of estimate - F, with noise",
    "noisy_bias": "mean of estimate - F, with noise",
}
"""What the columns of `image_table` mean."""


def image_table(patches: pd.DataFrame) -> pd.DataFrame:
    """Errors image by image.

    Args:
        patches: As from `patch_table`.

    Returns:
        One row for each image and filter with the columns `IMAGE_COLUMNS`.
    """
    keys = [key for key in ("image", "label", "filter") if key in patches]
    if patches["filter"].nunique() == 1:
        keys.remove("filter")
    groups = patches.groupby(keys, sort=False)
    table = groups["blank"].agg(patches="size", blank="sum")
    occupied = patches[patches["blank"] == 0]
    table["mean_overlap"] = occupied.groupby(keys)["squared_cosine"].mean()
    for prefix in ("", "noisy_"):
        if f"{prefix}estimate" not in patches:
            continue
        errors = occupied[f"{prefix}estimate"] - occupied["squared_cosine"]
        own = [occupied[key] for key in keys]
        table[f"{prefix}rmse"] = np.sqrt((errors**2).groupby(own).mean())
        table[f"{prefix}bias"] = errors.groupby(own).mean()
    return table.reset_index()


def summarize(result: ForwardResult) -> dict[str, Any]:
    """The study's figures as plain data, times and provenance apart.

    Errors are those of the estimates against the exact overlaps F. Root mean squares (rmse) and
    biases are over the patches for which circuits were run; `rmse_all` is over all patches, blank
    ones included. Each `predicted_rmse` follows from theory alone: the variance of the shots, and
    in the noisy run the engine's exact noisy means; `ratio` is measured over predicted.
    """
    patches = result.patches
    runs = {"ideal": run_summary(result, result.ideal)}
    if result.noisy is not None:
        noisy = run_summary(result, result.noisy)
        runs["noisy"] = {"noise": result.study.noise.to_mapping(), **noisy}
    if result.check is not None:
        runs["check"] = check_row(result.check)
    return {
        "study": "forward",
        "images": patches.batch,
        "filters": len(result.overlaps),
        "map_rows": patches.rows,
        "map_columns": patches.columns,
        "patches": len(patches),
        "blank_patches": int(patches.blank.sum()),
        "occupied_patches": patches.n_occupied,
        "shots": result.study.shots,
        "seed": result.study.seed,
        "device": result.study.device,
        "calibration": _calibration_name(result.study.noise),
        "overlap": result.program.spec.overlap,
        **runs,
        "circuit": result.program.report.to_mapping(),
        "seconds": {
            "compile": result.compile_seconds,
            "ideal": result.ideal.seconds,
            **({} if result.noisy is None else {"noisy": result.noisy.seconds}),
        },
    }


def _calibration_name(noise: NoiseConfiguration) -> str | None:
    calibrated = noise.calibrated
    return calibrated.name if isinstance(calibrated, Calibration) else calibrated


def run_summary(result: ForwardResult, run: ForwardRun) -> dict[str, Any]:
    """Errors of one run, measured and predicted; see `summarize`.

    Besides the figures named there:
        shot_noise_rmse: What shots alone would cause, sqrt(mean(Var)) at the exact overlaps.
        bias: Mean error.
        largest_mean_error: Largest |engine's mean - F|: rounding in the ideal run, the largest
            systematic error in the noisy one.
        systematic_rmse: Root mean square of the engine's mean - F.
        within_one_sigma: Fraction of estimates within a standard deviation of the engine's mean.
        contraction, offset: Least-squares fit of the engine's means by contraction * F + offset.
    """
    exact = result.overlaps
    errors = run.estimates - exact
    occupied = result.patches.n_occupied / len(result.patches)
    rmse = _rms(errors)
    figures: dict[str, Any] = {
        "engine": run.engine,
        "shot_seed": run.seed,
        "rmse": rmse,
        # A blank patch has no error: its overlap is 0 by definition.
        "rmse_all": rmse * np.sqrt(occupied),
        "shot_noise_rmse": float(np.sqrt(_variance(result, exact).mean())),
        "bias": float(errors.mean()),
    }
    if run.means is not None:
        systematic = run.means - exact
        variance = _variance(result, run.means)
        predicted = float(np.sqrt((systematic**2 + variance).mean()))
        slope, offset = _line(exact.ravel(), run.means.ravel())
        within = np.abs(run.estimates - run.means) <= np.sqrt(variance)
        figures |= {
            "predicted_rmse": predicted,
            "predicted_rmse_all": predicted * np.sqrt(occupied),
            "ratio": rmse / predicted if predicted > 0 else None,
            "predicted_bias": float(systematic.mean()),
            "systematic_rmse": _rms(systematic),
            "largest_mean_error": float(np.abs(systematic).max()),
            "within_one_sigma": float(within.mean()),
            "contraction": slope,
            "offset": offset,
        }
    return figures


def summary_text(summary: Mapping[str, Any]) -> str:
    """The summary as a short table for a terminal."""
    circuit, runs = summary["circuit"], [r for r in ("ideal", "noisy") if r in summary]
    rows = [
        ("images, filters", f"{summary['images']}, {summary['filters']}"),
        (
            "patches",
            f"{summary['patches']} ({summary['blank_patches']} blank, no circuit run)",
        ),
        ("shots a patch", f"{summary['shots']}"),
        (
            "circuit",
            f"{circuit['qubits']} qubits of {circuit['device']}, {circuit['two_qubit_gates']} "
            f"{circuit['gateset']} gates, {circuit['moments']} moments",
        ),
        # Older summaries lack it.
        *([("overlap test", summary["overlap"])] if "overlap" in summary else []),
    ]
    width = max(len(key) for key, _ in rows) + 2
    lines = [f"{key:<{width}}{value}" for key, value in rows]
    header = ("", "engine", "RMSE", "predicted", "ratio", "bias", "seconds")
    table = [header]
    for name in runs:
        run = summary[name]
        cells = (_figure(run.get(key)) for key in ("rmse", "predicted_rmse", "ratio", "bias"))
        table.append((name, run["engine"], *cells, f"{summary['seconds'][name]:.1f}"))
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines.append("")
    for row in table:
        first = [row[i].ljust(widths[i]) for i in range(2)]
        lines.append("  ".join([*first, *(row[i].rjust(widths[i]) for i in range(2, len(row)))]))
    if "overlap_hint" in summary:
        lines += ["", summary["overlap_hint"]]
    if "check" in summary:
        lines += ["", *check_lines(pd.DataFrame([summary["check"]]))]
    return "\n".join(line.rstrip() for line in lines)


def noise_text(result: ForwardResult) -> str:
    """The noise in a line, such as "depolarizing p1=0.001, p2=0.005"."""
    if as_noise(result.study.noise).is_ideal:
        return "no noise"
    calibration = _calibration_name(result.study.noise)
    return "; ".join(
        f"calibrated {calibration}"
        if key == "calibrated"
        else f"{key} " + ", ".join(f"{name}={_plain(item)}" for name, item in value.items())
        if isinstance(value, Mapping)
        else f"{key} {_plain(value)}"
        for key, value in result.study.noise.to_mapping().items()
    )


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _variance(result: ForwardResult, means: Array) -> Array:
    """Variance of estimates from shots; single-precision means may lie a rounding beyond 1."""
    observable = result.program.filters[0].template.observable
    clipped = np.clip(means, observable.low, 1.0)
    variance: Array = observable.variance(clipped, result.study.shots)
    return variance


def _rms(values: Array) -> float:
    return float(np.sqrt((values**2).mean()))


def _line(x: Array, y: Array) -> tuple[float | None, float | None]:
    """Slope and offset of the least-squares line, None where the points do not fix it."""
    spread = x - x.mean()
    if not spread.any():
        return None, None
    slope = float((spread * y).sum() / (spread**2).sum())
    return slope, float(y.mean() - slope * x.mean())
