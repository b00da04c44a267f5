"""The systems that there are, by name: each a module of its own."""

from __future__ import annotations

from qucnn_cirq.kinds import Kinds
from studies.systems.models.chen import Chen
from studies.systems.models.model import ROLES, Classifying, Model, System
from studies.systems.models.qcnn import QCNN
from studies.systems.models.quantumflow import QuantumFlow
from studies.systems.models.quanvolution import Quanvolution
from studies.systems.models.quclassi import QuClassi
from studies.systems.models.qugan import QuGAN

SYSTEMS: Kinds[System] = Kinds(System)  # type: ignore[type-abstract]
"""The systems by the word of their kind."""

for _system in (Quanvolution, Chen, QuClassi, QuGAN, QuantumFlow, QCNN):
    SYSTEMS.register(_system.kind, _system)

__all__ = ["ROLES", "SYSTEMS", "Classifying", "Model", "System"]
