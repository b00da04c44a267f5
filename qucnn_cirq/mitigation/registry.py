"""The methods of mitigation by name."""

from __future__ import annotations

from noise_models.registry import Registry
from qucnn_cirq.mitigation.method import MitigationMethod
from qucnn_cirq.mitigation.pec import ErrorCancellation
from qucnn_cirq.mitigation.purity import PurityRescaling
from qucnn_cirq.mitigation.self_overlap import SelfOverlap
from qucnn_cirq.mitigation.shadows import RealShadows
from qucnn_cirq.mitigation.zne import (
    ExponentialExtrapolation,
    RichardsonExtrapolation,
    ZeroNoiseExtrapolation,
)

METHODS: Registry[type[MitigationMethod]] = Registry("mitigation", MitigationMethod, classes=True)
"""The classes of methods by name."""

for _method in (
    ZeroNoiseExtrapolation,
    RichardsonExtrapolation,
    ExponentialExtrapolation,
    ErrorCancellation,
    SelfOverlap,
    PurityRescaling,
    RealShadows,
):
    METHODS.register(_method.name, _method)
