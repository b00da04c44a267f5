"""Overlap tests, one file each: how data and filter meet, and what is measured then."""

from qucnn_cirq.circuits.overlap_tests.ancilla import AncillaTest
from qucnn_cirq.circuits.overlap_tests.destructive import DestructiveTest
from qucnn_cirq.circuits.overlap_tests.inversion import InversionTest
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace, OverlapTest, Pair, WalkStep
from qucnn_cirq.circuits.overlap_tests.registry import AUTO, OVERLAP_TESTS

__all__ = [
    "AUTO",
    "OVERLAP_TESTS",
    "AncillaTest",
    "DestructiveTest",
    "InversionTest",
    "MeetingPlace",
    "OverlapTest",
    "Pair",
    "WalkStep",
]
