"""The estimators by name."""

from __future__ import annotations

from noise_models.registry import Registry
from qucnn_cirq.estimators.auto import Auto
from qucnn_cirq.estimators.calibrated import Readout, Regression, TwoPoint
from qucnn_cirq.estimators.estimator import Estimator, Raw
from qucnn_cirq.estimators.likelihood import Likelihood
from qucnn_cirq.estimators.mixed import AllZeros, Mixed
from qucnn_cirq.estimators.mixed_each import MixedEach
from qucnn_cirq.estimators.optimal import Optimal
from qucnn_cirq.estimators.pauli_weights import PauliWeights
from qucnn_cirq.estimators.unbiased import Unbiased

ESTIMATORS: Registry[type[Estimator]] = Registry("estimator", Estimator, classes=True)
"""The classes of estimators by name."""

for _kind in (
    Raw,
    AllZeros,
    Mixed,
    MixedEach,
    PauliWeights,
    Readout,
    TwoPoint,
    Regression,
    Optimal,
    Unbiased,
    Likelihood,
    Auto,
):
    ESTIMATORS.register(_kind.name, _kind)
