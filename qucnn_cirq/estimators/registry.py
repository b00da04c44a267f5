"""The estimators by name."""

from __future__ import annotations

from noise_models.registry import Registry
from qucnn_cirq.estimators.estimator import Estimator, Raw

ESTIMATORS: Registry[type[Estimator]] = Registry("estimator", Estimator, classes=True)
"""The classes of estimators by name."""

ESTIMATORS.register(Raw.name, Raw)
