"""The feature maps of one point of a forward sweep, from its raw data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qucnn_cirq.circuits.observable import Observable
from studies.forward.study import RUNS


@dataclass(frozen=True, eq=False)
class ForwardMaps:
    """What was measured at one point.

    Attributes:
        row: Its row of the table; see `studies.forward.study.COLUMNS`.
        arrays: Its raw data; see `studies.forward.study.measure`.
        title: The values of the axes, as "noise.scale = 0.5"; empty if nothing is swept.
    """

    row: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    title: str = ""

    @property
    def runs(self) -> dict[str, str]:
        """The runs there are, with the prefixes of their columns and arrays."""
        runs = RUNS.items()
        return {name: prefix for name, prefix in runs if f"{prefix}estimates" in self.arrays}

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which patches are all zero, shape (images, rows, columns)."""
        return self.arrays["blank"].astype(bool)

    def maps(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of patches as feature maps, 0 where a patch is blank.

        Args:
            values: Shape (filters, patches that are not blank).

        Returns:
            Shape (images, filters, rows, columns), of the type of the values.
        """
        flat = np.zeros((len(values), self.blank.size), dtype=values.dtype)
        flat[:, ~self.blank.ravel()] = values
        return flat.reshape(len(values), *self.blank.shape).swapaxes(0, 1)

    def errors(self, run: str) -> NDArray[np.float64]:
        """Estimates minus exact overlaps of one run, shape (filters, patches not blank).

        Args:
            run: "ideal" or "noisy", one of `runs`.
        """
        return np.asarray(self.arrays[f"{RUNS[run]}estimates"] - self.arrays["exact"])

    def variance(self, overlaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """The variance that shots alone give estimates of these overlaps.

        Args:
            overlaps: True means of the estimates, of any shape.

        Returns:
            Of the same shape.
        """
        observable = Observable((), float(self.arrays["low"]))
        return observable.variance(overlaps, self.row["shots_taken"])

    def patch_table(self) -> pd.DataFrame:
        """One row for each image, filter and patch, blank patches included, in that order.

        Columns:
            image: Position of the image in the data set.
            label: What it shows; absent if that is not known.
            filter: Number of the filter.
            row, column: Position in the feature map.
            blank: 1 if the patch is all zero (F = 0 by definition, no circuit is run), else 0.
            counts: Shots with the observable's larger value; absent for mitigation that runs
                further circuits.
            shots: Shots taken, 0 for a blank patch.
            estimate: The overlap estimated from the counts.
            exact_mean: The mean from which the engine drew the shots.
            squared_cosine: The overlap |<x|f>|^2 by linear algebra, the exact classical
                counterpart.
            classical: The plain convolution of patch and filter; absent for filters that are no
                fixed kernel.
            noisy_counts, noisy_estimate, noisy_mean: As above, for the noisy run; noisy_mean is
                absent if the engine only sampled.
        """
        arrays, blank = self.arrays, self.blank
        places: tuple[NDArray[Any], ...] = tuple(np.indices(blank.shape))
        image, row, column = places
        n_filters = len(arrays["exact"])

        def per_patch(values: NDArray[Any]) -> NDArray[Any]:
            """The same for every filter."""
            return np.repeat(values[:, np.newaxis], n_filters, axis=1).ravel()

        columns: dict[str, Any] = {"image": per_patch(arrays["ids"][image])}
        if "labels" in arrays:
            columns["label"] = per_patch(arrays["labels"][image])
        columns |= {
            "filter": np.tile(np.repeat(np.arange(n_filters), image[0].size), len(blank)),
            "row": per_patch(row),
            "column": per_patch(column),
            "blank": per_patch(blank).astype(int),
            "shots": per_patch(np.where(blank, 0, self.row["shots_taken"])),
        }
        for name, key in (
            ("counts", "counts"),
            ("estimate", "estimates"),
            ("exact_mean", "means"),
            ("squared_cosine", "exact"),
            ("classical", "classical"),
            ("noisy_counts", "noisy_counts"),
            ("noisy_estimate", "noisy_estimates"),
            ("noisy_mean", "noisy_means"),
        ):
            if key in arrays:
                columns[name] = self.maps(arrays[key]).ravel()
        return pd.DataFrame(columns)


def image_table(patches: pd.DataFrame) -> pd.DataFrame:
    """Errors image by image.

    Args:
        patches: As from `ForwardMaps.patch_table`.

    Returns:
        One row for each image and filter: `image`, `label` and `filter` where known and needed;
        `patches`, `blank`, and over the patches that are not blank `mean_overlap`, and `rmse` and
        `bias` of the estimates without and (`noisy_`) with noise.
    """
    keys = [key for key in ("image", "label", "filter") if key in patches]
    if patches["filter"].nunique() == 1:
        keys.remove("filter")
    groups = patches.groupby(keys, sort=False)
    table = groups["blank"].agg(patches="size", blank="sum")
    occupied = patches[patches["blank"] == 0]
    table["mean_overlap"] = occupied.groupby(keys)["squared_cosine"].mean()
    for prefix in RUNS.values():
        if f"{prefix}estimate" not in patches:
            continue
        errors = occupied[f"{prefix}estimate"] - occupied["squared_cosine"]
        own = [occupied[key] for key in keys]
        table[f"{prefix}rmse"] = np.sqrt((errors**2).groupby(own).mean())
        table[f"{prefix}bias"] = errors.groupby(own).mean()
    return table.reset_index()
