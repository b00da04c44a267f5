"""What is read after a circuit on the data register, by name."""

from __future__ import annotations

from qucnn_cirq.kinds import Kinds
from qucnn_cirq.measurements.applied import Applied
from qucnn_cirq.measurements.measurement import Measurement, Numbers
from qucnn_cirq.measurements.of_bits import (
    BitCount,
    Distribution,
    EachZ,
    MostLikely,
    PauliStrings,
)

MEASUREMENTS: Kinds[Measurement] = Kinds(Measurement)  # type: ignore[type-abstract]
"""The measurements that there are, by name."""

for _measurement in (EachZ, BitCount, MostLikely, PauliStrings, Distribution):
    MEASUREMENTS.register(_measurement.kind, _measurement)

__all__ = [
    "MEASUREMENTS",
    "Applied",
    "BitCount",
    "Distribution",
    "EachZ",
    "Measurement",
    "MostLikely",
    "Numbers",
    "PauliStrings",
]
