"""Loaders, one file each: circuits that turn |0...0> into the unit vector of a patch."""

from qucnn_cirq.circuits.loaders.comparison import Comparison
from qucnn_cirq.circuits.loaders.framed import FramedLoader
from qucnn_cirq.circuits.loaders.line import LineLoader
from qucnn_cirq.circuits.loaders.loader import EXACT, Loader
from qucnn_cirq.circuits.loaders.multiplexed import MultiplexedLoader
from qucnn_cirq.circuits.loaders.native import NativeLoader
from qucnn_cirq.circuits.loaders.registry import AUTO, BUILT_IN, LOADERS, made, make_loader
from qucnn_cirq.circuits.loaders.ring_comparison import RingComparison
from qucnn_cirq.circuits.loaders.schmidt import SchmidtLoader
from qucnn_cirq.circuits.loaders.side_by_side import SideBySide
from qucnn_cirq.circuits.loaders.state import StateLoader
from qucnn_cirq.circuits.loaders.symplectic import SymplecticLoader

__all__ = [
    "AUTO",
    "BUILT_IN",
    "EXACT",
    "LOADERS",
    "Comparison",
    "FramedLoader",
    "LineLoader",
    "Loader",
    "MultiplexedLoader",
    "NativeLoader",
    "RingComparison",
    "SchmidtLoader",
    "SideBySide",
    "StateLoader",
    "SymplecticLoader",
    "made",
    "make_loader",
]
