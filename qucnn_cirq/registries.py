"""Adding what is not in the package: one function for each kind of extension.

What was added is chosen by its name wherever one of the package's own is, in this process. A
configuration, which other processes read too, names it as ``module:attribute`` or
``path/to/file.py:attribute`` instead; then nothing needs to be registered.
"""

from __future__ import annotations

from noise_models import NoiseKind
from noise_models.configuration import NOISE_KINDS
from noise_models.errors import InputError, shown
from qucnn_cirq.circuits.loaders import LOADERS, Loader
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, OverlapTest
from qucnn_cirq.encodings import ENCODINGS, Encoding
from qucnn_cirq.engines import ENGINES, Engine
from qucnn_cirq.filters import FILTER_KINDS, Filter
from qucnn_cirq.gradient_methods import AUTO, METHODS
from qucnn_cirq.gradients import GradientMethod
from qucnn_cirq.measurements import MEASUREMENTS, Measurement


def register_overlap_test(test: OverlapTest | type[OverlapTest]) -> OverlapTest:
    """Adds an overlap test under its own name; see `OverlapTest` for what it has to be.

    Defined anew by the same code (a notebook's cell that is run twice) it replaces the old one.

    Args:
        test: The test, or its class, which is then made without arguments.

    Returns:
        The test.

    Raises:
        InputError: If it is no overlap test or an incomplete one, or its name is taken or no word.
    """
    return OVERLAP_TESTS.register(getattr(test, "name", shown(test)), test)


def register_loader(loader: type[Loader]) -> type[Loader]:
    """Adds a loader under its own name; see `Loader` for what it has to be.

    Args:
        loader: The class.

    Returns:
        The class.

    Raises:
        InputError: If it is no loader or an incomplete one, or its name is taken or no word.
    """
    return LOADERS.register(getattr(loader, "name", shown(loader)), loader)


def register_engine(engine: type[Engine]) -> type[Engine]:
    """Adds an engine under its own name; see `Engine` for what it has to be.

    Args:
        engine: The class, with a name, which can be made without arguments.

    Returns:
        The class.

    Raises:
        InputError: If it is no engine or an incomplete one, or its name is taken or no word.
    """
    return ENGINES.register(getattr(engine, "name", shown(engine)), engine)


def register_noise(kind: type[NoiseKind]) -> type[NoiseKind]:
    """Adds a kind of noise under its own key; see `noise_models.NoiseKind` for what it has to be.

    The key then stands in a configuration beside those of the package: ``[noise.KEY]`` in TOML,
    ``{"KEY": {...}}`` in a mapping.

    Args:
        kind: The class, a frozen dataclass or an ``attrs.frozen`` one; its fields are settings.

    Returns:
        The class.

    Raises:
        InputError: If it is no kind of noise or an incomplete one, or its key is taken or no word.
    """
    key = getattr(kind, "key", shown(kind))
    if key in ("scale", "scales", "others"):
        raise InputError(f"noise kind {shown(kind)} has the key {key!r} of a setting: choose one.")
    return NOISE_KINDS.register(key, kind)


def register_filter(kind: type[Filter]) -> type[Filter]:
    """Adds a kind of filter under its own word; see `Filter` for what it has to be.

    The word then stands in a configuration beside those of the package: ``{kind = "WORD", ...}``.

    Args:
        kind: The class, a frozen dataclass or an ``attrs.frozen`` one; its fields are settings.

    Returns:
        The class.

    Raises:
        InputError: If it is no kind of filter or an incomplete one, or its word is taken or none.
    """
    return FILTER_KINDS.register(getattr(kind, "kind", shown(kind)), kind)


def register_encoding(kind: type[Encoding]) -> type[Encoding]:
    """Adds an encoding under its own word; see `Encoding` for what it has to be.

    The word then stands in a configuration beside those of the package: ``encoding = "WORD"``, or
    ``{kind = "WORD", ...}`` with its settings.

    Args:
        kind: The class, a frozen dataclass or an ``attrs.frozen`` one; its fields are settings.

    Returns:
        The class.

    Raises:
        InputError: If it is no encoding or an incomplete one, or its word is taken or none.
    """
    return ENCODINGS.register(getattr(kind, "kind", shown(kind)), kind)


def register_measurement(kind: type[Measurement]) -> type[Measurement]:
    """Adds a measurement under its own word; see `Measurement` for what it has to be.

    The word then stands in a configuration beside those of the package: ``measurement = "WORD"``,
    or ``{kind = "WORD", ...}`` with its settings.

    Args:
        kind: The class, a frozen dataclass or an ``attrs.frozen`` one; its fields are settings.

    Returns:
        The class.

    Raises:
        InputError: If it is no measurement or an incomplete one, or its word is taken or none.
    """
    return MEASUREMENTS.register(getattr(kind, "kind", shown(kind)), kind)


def register_gradient(method: type[GradientMethod]) -> type[GradientMethod]:
    """Adds a gradient method under its own name; see `GradientMethod` for what it has to be.

    Args:
        method: The class, with a name, which can be made without arguments.

    Returns:
        The class.

    Raises:
        InputError: If it is no such method or an incomplete one, or its name is taken or no word.
    """
    name = getattr(method, "name", shown(method))
    if name == AUTO:
        raise InputError(f"the name {AUTO!r} chooses among gradient methods: give another.")
    return METHODS.register(name, method)
