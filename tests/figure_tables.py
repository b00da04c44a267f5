"""Tables of results as studies store them, made by hand, with any axes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

AXES: dict[str, dict[str, list[Any]]] = {
    "noise": {
        "convolution.overlap": ["ancilla", "destructive", "inversion"],
        "noise.scale": [0.1, 1.0, 10.0],
        "shots": [100, 1000],
        "repeat": [0, 1, 2],
    },
    "gradient": {
        "method": ["in_circuit", "parameter_shift"],
        "upstream": [1.0, 0.1],
        "shots": [100, 1000, 10_000],
        "state": ["superposition", "mixed"],
        "repeat": [0, 1],
    },
    "learning": {
        "convolution.filters.layers": [1, 2, 3],
        "shots": [0, 1000],
        "repeat": [0, 1],
    },
    "measured_once": {
        "noise": ["depolarizing_readout", "willow_pink"],
        "filters": [1, 4, 24],
        "shots": [1000, 10_000],
        "method": ["measured_once", "optimal", "each", "bound"],
    },
    "training": {
        "model": ["convolution", "squared_overlap", "quantum"],
        "noise": ["ideal", "depolarizing_readout"],
        "repeat": [0, 1],
    },
    "trainability": {
        "convolution.kernel": ["2x2", "4x4"],
        "convolution.filters.layers": [1, 3],
        "data": ["isotropic", "patches"],
        "noise.scale": [0.0, 1.0],
    },
    "performance": {
        "engine": ["exact", "qsim_density", "own"],
        "convolution.kernel": ["2x2", "4x4"],
        "patches": [1, 10, 100],
        "noise.scale": [0.0, 1.0],
        "repeat": [0, 1],
    },
    "compilation": {
        "convolution.kernel": ["2x2", "3x3", "4x4"],
        "convolution.overlap": ["ancilla", "inversion"],
        "compiler": ["qucnn", "cirq"],
    },
}
"""Axes of each sweep as its preset has them, with few values."""


def sweep_table(study: str, axes: Mapping[str, Sequence[Any]], low: float = 1e-3) -> pd.DataFrame:
    """A row, or a row for each step, for each combination; no value of `rmse` twice."""
    generator = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    for number, values in enumerate(itertools.product(*axes.values())):
        point = {"point": f"{number:064x}", **dict(zip(axes, values, strict=True))}
        size = low * (1 + generator.random())
        for row in _ROWS[study](point, size):
            rows.append({**point, **row, "seconds": 1.0})
    return pd.DataFrame(rows)


def _noise(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    return [
        {
            "patches": 7,
            "rmse": size,
            "systematic_rmse": 0.6 * size,
            "shot_rmse": 0.8 * size,
            "predicted_rmse": size,
            "images_classified": 50,
            "correct": int(50 * (1 - size) * 0.8),
            "correct_exact": 44,
        }
    ]


def _gradient(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    return [
        {
            "rmse": size,
            "rmse_low": 0.9 * size,
            "rmse_high": 1.1 * size,
            "shot_rmse": size,
            "predicted_rmse": size,
            "formula_items": 10,
            "formula_chi_squared": 9.5,
        }
    ]


def _learning(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    return [
        {"iteration": step, "fidelity": 1 - size * np.exp(-step), "ceiling": 1 - 1e-4}
        for step in range(4)
    ]


def _measured_once(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    row = {"circuits": 12, "gates_of_a_shot": 4.5, "shots_taken": point["shots"]}
    for name in ("values", "gradients"):
        row |= {
            f"{name}_rmse": size,
            f"{name}_rmse_low": 0.9 * size,
            f"{name}_rmse_high": 1.1 * size,
            f"{name}_bias": -0.1 * size,
            f"{name}_systematic_rmse": 0.3 * size,
            f"{name}_coverage": 0.95,
        }
    return [row]


def _training(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "loss": size / epoch,
            "correct": int(40 + 100 * size) if epoch == 2 else None,
            "tested": 100 if epoch == 2 else None,
        }
        for epoch in (1, 2)
    ]


def _qubits(point: dict[str, Any]) -> int:
    rows, columns = map(int, str(point.get("convolution.kernel", "2x2")).split("x"))
    return int(np.ceil(np.log2(rows * columns)))


def _trainability(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    own = {"variance": size, "variance_low": 0.9 * size, "variance_high": 1.1 * size}
    qubits = _qubits(point)
    return [{"qubits": qubits, "theory": 1 / (2**qubits * (2**qubits + 2)), **own}]


def _performance(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    return [
        {
            "seconds_per_patch": size,
            "qubits": 2 * _qubits(point) + 1,
            "two_qubit_gates": 10,
            "largest_deviation": 1e-12,
        }
    ]


def _compilation(point: dict[str, Any], size: float) -> list[dict[str, Any]]:
    gates = int(10 + 1e4 * size)
    return [
        {
            "two_qubit_gates": gates,
            "two_qubit_depth": gates - 2,
            "one_qubit_gates": 2 * gates,
            "error": size,
            "register_qubits": _qubits(point),
            "verified": True if point.get("compiler", "qucnn") == "qucnn" else None,
            "layout": "line" if point.get("compiler", "qucnn") == "qucnn" else None,
        }
    ]


_ROWS = {
    "noise": _noise,
    "gradient": _gradient,
    "learning": _learning,
    "measured_once": _measured_once,
    "training": _training,
    "trainability": _trainability,
    "performance": _performance,
    "compilation": _compilation,
}


class Tabled:
    """Results of which nothing but the table is looked at."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table

    def table(self) -> pd.DataFrame:
        return self._table
