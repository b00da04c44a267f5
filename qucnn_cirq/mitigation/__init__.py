"""Mitigation with more circuits than the plain one: classical methods, each with its cost."""

from qucnn_cirq.mitigation.executor import executor
from qucnn_cirq.mitigation.in_layer import CircuitMitigation, layer_mitigation
from qucnn_cirq.mitigation.method import Cost, MitigationMethod, Plan, Run
from qucnn_cirq.mitigation.pec import ErrorCancellation
from qucnn_cirq.mitigation.purity import PurityRescaling
from qucnn_cirq.mitigation.quasi import as_depolarizing
from qucnn_cirq.mitigation.readout import measured_readout
from qucnn_cirq.mitigation.registry import METHODS
from qucnn_cirq.mitigation.self_overlap import SelfOverlap
from qucnn_cirq.mitigation.shadows import RealShadows
from qucnn_cirq.mitigation.zne import (
    ExponentialExtrapolation,
    RichardsonExtrapolation,
    ZeroNoiseExtrapolation,
    folded,
)

__all__ = [
    "CircuitMitigation",
    "layer_mitigation",
    "METHODS",
    "Cost",
    "ErrorCancellation",
    "ExponentialExtrapolation",
    "MitigationMethod",
    "Plan",
    "PurityRescaling",
    "RealShadows",
    "RichardsonExtrapolation",
    "Run",
    "SelfOverlap",
    "ZeroNoiseExtrapolation",
    "as_depolarizing",
    "executor",
    "folded",
    "measured_readout",
]
