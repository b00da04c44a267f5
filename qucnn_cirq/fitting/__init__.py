"""Noise learned from counts: fits, comparisons of kinds of noise, and designs of experiments."""

from qucnn_cirq.fitting.circuits import Counted, FitCircuit, preparations
from qucnn_cirq.fitting.comparison import ModelComparison, compare_models
from qucnn_cirq.fitting.designs import Design, Job, design, design_circuits
from qucnn_cirq.fitting.fit import GoodnessOfFit, NoiseFit, fit_noise
from qucnn_cirq.fitting.ordinary import FromPatches, fit_with_patches
from qucnn_cirq.fitting.prediction import Prediction
from qucnn_cirq.fitting.uncertainty import Uncertainty

__all__ = [
    "Counted",
    "Design",
    "FitCircuit",
    "FromPatches",
    "GoodnessOfFit",
    "Job",
    "ModelComparison",
    "NoiseFit",
    "Prediction",
    "Uncertainty",
    "compare_models",
    "design",
    "design_circuits",
    "fit_noise",
    "fit_with_patches",
    "preparations",
]
