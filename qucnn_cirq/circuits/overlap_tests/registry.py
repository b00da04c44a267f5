"""The overlap tests that there are, by name."""

from __future__ import annotations

import functools

from noise_models.registry import Registry, made
from qucnn_cirq.circuits.overlap_tests.ancilla import AncillaTest
from qucnn_cirq.circuits.overlap_tests.destructive import DestructiveTest
from qucnn_cirq.circuits.overlap_tests.inversion import InversionTest
from qucnn_cirq.circuits.overlap_tests.overlap_test import OverlapTest
from qucnn_cirq.errors import InputError, shown

AUTO = "auto"
"""In place of a name: the test with the smallest predicted error on the device."""


class OverlapTests(Registry[OverlapTest]):
    """Overlap tests by name; a class stands for an object of it."""

    def register(self, name: str, member: OverlapTest | type[OverlapTest]) -> OverlapTest:
        """Adds an overlap test; see `qucnn_cirq.registries.register_overlap_test`."""
        return super().register(name, self._checked(f"{self.kind} {shown(name)}", member))

    def _checked(self, what: str, member: object) -> OverlapTest:
        if isinstance(member, type) and issubclass(member, OverlapTest):
            if missing := ", ".join(sorted(member.__abstractmethods__)):
                raise InputError(f"{what} has no method {missing}: define it, see OverlapTest.")
            member = _object_of(member)
        test = super()._checked(what, member)
        for key in ("name", "title"):
            value = getattr(test, key, None)
            if not isinstance(value, str) or not value or value == AUTO:
                raise InputError(f"{what} has {key} = {shown(value)}: give it a text of its own.")
        if test.most_walkers not in (0, 1, 2):
            raise InputError(
                f"{what} has most_walkers = {shown(test.most_walkers)}: give 0, 1 or 2."
            )
        if not isinstance(test.native_gate_sets, tuple) or "cz" not in test.native_gate_sets:
            raise InputError(
                f"{what} has native_gate_sets = {shown(test.native_gate_sets)}: give a tuple with "
                "'cz'."
            )
        return test


@functools.cache
def _object_of(test: type[OverlapTest]) -> OverlapTest:
    """One object for a class, however often it is named: what is compiled is kept for it."""
    return made(f"overlap test {test.__name__}", test)


OVERLAP_TESTS = OverlapTests("overlap test", OverlapTest)
"""The ways to measure the overlap of patch and filter, by name."""

for _test in (AncillaTest, DestructiveTest, InversionTest):
    OVERLAP_TESTS.register(_test.name, _test)
