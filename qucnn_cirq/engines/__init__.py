"""Engines: ways to execute a compiled circuit, behind one interface.

An engine is a subclass of `Engine`, registered in `ENGINES`.
"""

from __future__ import annotations

from typing import Any

import cirq

from noise_models import Noise
from noise_models.extensions import source_digest
from noise_models.registry import Registry, made, try_to_make
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.auto import AutoEngine
from qucnn_cirq.engines.drifting import drift_passes
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.exact import ExactEngine
from qucnn_cirq.engines.qsim import QsimDensityEngine, QsimEngine
from qucnn_cirq.engines.sampler import SamplerEngine, VirtualEngine
from qucnn_cirq.engines.streams import Outcome, Streams
from qucnn_cirq.engines.twirling import (
    TWIRLS,
    ConjugateTwirl,
    Form,
    PauliTwirl,
    Twirl,
    TwirledEngine,
    as_twirl,
    twirled_engine,
)
from qucnn_cirq.errors import InputError, shown, unknown_name

ENGINES: Registry[type[Engine]] = Registry("engine", Engine, classes=True)
"""The classes of engines by name; some take what follows a colon, see `Engine.variants`."""

ENGINES.register("qsim", QsimEngine)
ENGINES.register("qsim_density", QsimDensityEngine)
ENGINES.register("exact", ExactEngine)
ENGINES.register("sampler", SamplerEngine)
ENGINES.register("auto", AutoEngine)
ENGINES.register("virtual", VirtualEngine)


def make_engine(engine: str | Engine | cirq.Sampler) -> Engine:
    """An engine by name, or of a sampler; an engine is returned as it is.

    Args:
        engine: A name out of `engine_names`; ``module:attribute`` or
            ``path/to/file.py:attribute``, whose attribute is a subclass of `Engine`; a
            sampler; or an engine.

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
    found: Engine = made(*_making(engine))
    if engine.partition(":")[0] not in ENGINES:
        # The name under which it is found again.
        found.name = engine
    return found


def engine_class(name: str) -> type[Engine]:
    """The class of an engine, as `make_engine` would make it.

    Args:
        name: As for `make_engine`.

    Raises:
        InputError: If the name is unknown.
    """
    base, colon, _ = name.partition(":")
    if base not in ENGINES:
        return ENGINES[name]
    found = ENGINES[base]
    if found.variants() == ("",) if colon else "" not in found.variants():
        raise unknown_name("engine", name, engine_names())
    return found


def check_engine_name(name: object) -> str:
    """Refuses the name of an engine that there cannot be; imports nothing.

    Args:
        name: A text that `make_engine` may take; code of the user's own is not looked at.

    Returns:
        The name.

    Raises:
        InputError: If the name is unknown.
    """
    if not isinstance(name, str) or name.partition(":")[0] not in ENGINES:
        return ENGINES.check_name(name)
    if name not in engine_names():
        raise unknown_name("engine", name, engine_names())
    return name


def engine_digest(name: str) -> dict[str, str]:
    """What tells results of one state of an engine's code from another's.

    An engine of the user's own is made once, as in `Registry.digests`.

    Args:
        name: As for `make_engine`.

    Returns:
        "engine" with the SHA-256 of its source file; nothing for engines of this package.

    Raises:
        InputError: If the name is unknown, or the engine cannot be made.
    """
    digest = source_digest(engine_class(name))
    if digest is not None:
        try_to_make(*_making(name))
    return {} if digest is None else {"engine": digest}


def _making(name: str) -> tuple[Any, ...]:
    """The arguments with which `made` makes an engine."""
    base, colon, variant = name.partition(":")
    arguments = [variant] if colon and base in ENGINES else []
    return f"engine = {shown(name)}", engine_class(name), *arguments


def expected_seconds(name: str, template: Template, noise: Noise, shots: int) -> float:
    """About how long an engine takes for a patch, see `Engine.seconds`.

    Args:
        name: As for `make_engine`.
        template: The compiled circuit.
        noise: The noise.
        shots: Shots for each patch.

    Returns:
        Seconds on one core.

    Raises:
        InputError: If the name is unknown.
    """
    _, engine, *variant = _making(name)
    seconds = float(engine.seconds(template, noise.nominal, shots, *variant))
    # Means are computed at several rates; what samples runs each image at its own.
    return seconds * (1 if engine.samples else drift_passes(noise.drift))


def engine_label(name: str) -> str:
    """What figures call an engine; imports nothing.

    Args:
        name: A text that `make_engine` takes.

    Returns:
        The engine's label, with what follows the colon; the name where it has none.
    """
    base, _, variant = name.partition(":")
    label = ENGINES[base].label if base in ENGINES else ""
    return f"{label}, {variant}" if label and variant else label or name


def engine_names() -> tuple[str, ...]:
    """The names of all registered engines, each with what may follow its colon."""
    return tuple(
        f"{name}:{variant}" if variant else name
        for name, engine in ENGINES.items()
        for variant in engine.variants()
    )
