"""Engines: ways to execute a compiled circuit, behind one interface.

Adding an engine is adding a subclass of :class:`Engine` and one line in :data:`ENGINES`.
"""

from __future__ import annotations

from collections.abc import Callable

import cirq

from noise_models import CALIBRATIONS
from qucnn_cirq.engines.arrays import ARRAY_LIBRARIES
from qucnn_cirq.engines.auto import AutoEngine
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.exact import EXACT, ExactEngine
from qucnn_cirq.engines.qsim import QsimDensityEngine, QsimEngine
from qucnn_cirq.engines.sampler import VIRTUAL, SamplerEngine, virtual_engine
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.errors import InputError, shown, unknown_name

ENGINES: dict[str, Callable[[], Engine]] = {
    "qsim": QsimEngine,
    "qsim_density": QsimDensityEngine,
    "exact": ExactEngine,
    "sampler": SamplerEngine,
    "auto": AutoEngine,
}
"""Engines by name; besides these, "virtual:" and a calibrated processor's name, and "exact:" and
the name of an array library."""


def make_engine(engine: str | Engine | cirq.Sampler) -> Engine:
    """An engine by name, or of a sampler; an engine is returned as it is.

    Raises:
        InputError: If the name is unknown, or what is given is no engine.
    """
    if not isinstance(engine, str):
        if isinstance(engine, cirq.Sampler):
            return SamplerEngine(engine)
        if not isinstance(engine, Engine):
            raise InputError(
                f"engine = {shown(engine)} is not an engine: give one of {', '.join(ENGINES)}, a "
                "cirq.Sampler, or an object of a subclass of qucnn_cirq.engines.Engine."
            )
        return engine
    if engine.startswith(VIRTUAL):
        return virtual_engine(engine)
    if engine.startswith(EXACT):
        return ExactEngine(engine.removeprefix(EXACT))
    if engine not in ENGINES:
        raise unknown_name("engine", engine, engine_names())
    return ENGINES[engine]()


def engine_names() -> tuple[str, ...]:
    """The names of all engines."""
    return (
        *ENGINES,
        *(f"{EXACT}{library}" for library in ARRAY_LIBRARIES if library != "numpy"),
        *(f"{VIRTUAL}{name}" for name in CALIBRATIONS),
    )


__all__ = ["ENGINES", "Engine", "Outcome", "Streams", "engine_names", "make_engine"]
