"""Adding what is not in the package: one function for each kind of extension.

What was added is chosen by its name wherever one of the package's own is, in this process. A
configuration, which other processes read too, names it as ``module:attribute`` or
``path/to/file.py:attribute`` instead; then nothing needs to be registered.
"""

from __future__ import annotations

from noise_models.errors import shown
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, OverlapTest
from qucnn_cirq.engines import ENGINES, Engine


def register_overlap_test(test: OverlapTest | type[OverlapTest]) -> OverlapTest:
    """Adds an overlap test under its own name; see :class:`OverlapTest` for what it has to be.

    Defined anew by the same code (a notebook's cell that is run twice) it replaces the old one.

    Args:
        test: The test, or its class, which is then made without arguments.

    Returns:
        The test.

    Raises:
        InputError: If it is no overlap test or an incomplete one, or its name is taken or no word.
    """
    return OVERLAP_TESTS.register(getattr(test, "name", shown(test)), test)


def register_engine(engine: type[Engine]) -> type[Engine]:
    """Adds an engine under its own name; see :class:`Engine` for what it has to be.

    Args:
        engine: The class, with a name, which can be made without arguments.

    Returns:
        The class.

    Raises:
        InputError: If it is no engine or an incomplete one, or its name is taken or no word.
    """
    return ENGINES.register(getattr(engine, "name", shown(engine)), engine)
