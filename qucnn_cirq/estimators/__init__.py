"""Estimators: from counts of all outcomes to overlaps and gradients, with their variances."""

from qucnn_cirq.estimators.estimator import Estimates, Estimator, LinearEstimator, Raw
from qucnn_cirq.estimators.forms import evaluated, gradient_forms, overlap_forms
from qucnn_cirq.estimators.mitigation import Mitigation, as_mitigation
from qucnn_cirq.estimators.reading import Reading, readings_of
from qucnn_cirq.estimators.registry import ESTIMATORS

__all__ = [
    "ESTIMATORS",
    "Estimates",
    "Estimator",
    "LinearEstimator",
    "Mitigation",
    "Raw",
    "Reading",
    "as_mitigation",
    "evaluated",
    "gradient_forms",
    "overlap_forms",
    "readings_of",
]
