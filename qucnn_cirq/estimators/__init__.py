"""Estimators: from counts of all outcomes to overlaps and gradients, with their variances."""

from qucnn_cirq.estimators.auto import Auto
from qucnn_cirq.estimators.calibrated import Calibrated, Readout, Regression, TwoPoint
from qucnn_cirq.estimators.chain import chain, check_chain
from qucnn_cirq.estimators.effects import Effects, effects_of, fitted_effects
from qucnn_cirq.estimators.estimator import Estimates, Estimator, LinearEstimator, Raw
from qucnn_cirq.estimators.evaluation import Evaluation, Recording, evaluate, images_of
from qucnn_cirq.estimators.forms import evaluated, gradient_forms, overlap_forms
from qucnn_cirq.estimators.likelihood import Likeliest, Likelihood
from qucnn_cirq.estimators.mitigation import TWIRL, Mitigation, MitigationLike, as_mitigation
from qucnn_cirq.estimators.mixed import AllZeros, Mixed
from qucnn_cirq.estimators.mixed_each import MixedEach
from qucnn_cirq.estimators.optimal import Optimal
from qucnn_cirq.estimators.pauli_weights import PauliWeights
from qucnn_cirq.estimators.reading import Reading, readings_of
from qucnn_cirq.estimators.registry import ESTIMATORS
from qucnn_cirq.estimators.training import Training
from qucnn_cirq.estimators.unbiased import Unbiased

__all__ = [
    "ESTIMATORS",
    "TWIRL",
    "AllZeros",
    "Auto",
    "Calibrated",
    "Effects",
    "Estimates",
    "Estimator",
    "Evaluation",
    "Likeliest",
    "Likelihood",
    "LinearEstimator",
    "Mitigation",
    "MitigationLike",
    "Mixed",
    "MixedEach",
    "Optimal",
    "PauliWeights",
    "Raw",
    "Reading",
    "Readout",
    "Recording",
    "Regression",
    "Training",
    "TwoPoint",
    "Unbiased",
    "as_mitigation",
    "chain",
    "check_chain",
    "evaluate",
    "effects_of",
    "evaluated",
    "fitted_effects",
    "gradient_forms",
    "images_of",
    "overlap_forms",
    "readings_of",
]
