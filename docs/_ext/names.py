"""The public names of packages and modules, and where each is described.

An object is described once: by the package that offers it with the shortest name, else by the
module that defines it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

PACKAGES = ("qucnn_cirq", "noise_models", "studies")


def offered(package: str) -> list[str]:
    """The names that a package offers: its ``__all__``, else what it imports of its own modules.

    Args:
        package: The package's name.
    """
    found = importlib.import_module(package)
    if hasattr(found, "__all__"):
        return list(found.__all__)
    return sorted(
        name
        for name, value in vars(found).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and (module_of(value) or "").startswith(package)
        or name in documented_data(package)
    )


def module_of(value: Any) -> str | None:
    """The module that defines a class or function; None of data.

    Args:
        value: What a name stands for.
    """
    described = inspect.isclass(value) or inspect.isroutine(value)
    return getattr(value, "__module__", None) if described else None


@functools.cache
def documented_data(module: str) -> dict[str, list[str]]:
    """The public constants of a module that have a docstring, with its lines.

    Args:
        module: The module's name.
    """
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return {
        name: lines
        for (owner, name), lines in analyzer.attr_docs.items()
        if not owner and not name.startswith("_")
    }


def modules_of(package: str) -> list[str]:
    """The public modules directly in a package; its packages are not among them.

    Args:
        package: The package's name.
    """
    path = importlib.import_module(package).__path__
    return [
        f"{package}.{each.name}"
        for each in pkgutil.iter_modules(path)
        if not each.ispkg and not each.name.startswith("_")
    ]


def defined(module: str) -> list[str]:
    """The public classes, functions and documented constants that a module defines, in order.

    Args:
        module: The module's name.
    """
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    data = documented_data(module)
    found = importlib.import_module(module)
    names = [
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and (module_of(value) == module or name in data)
    ]
    return sorted(names, key=lambda name: analyzer.tagorder.get(name, 0))


@functools.cache
def every_package() -> tuple[str, ...]:
    """All packages of the project, those with the shortest names first."""
    found = list(PACKAGES)
    for name in PACKAGES:
        path = importlib.import_module(name).__path__
        walked = pkgutil.walk_packages(path, f"{name}.")
        found += [each.name for each in walked if each.ispkg]
    return tuple(sorted(found, key=lambda name: (name.count("."), name)))


@functools.cache
def homes() -> dict[tuple[str, str], str]:
    """Where each object that a package offers is described, by its module and name."""
    found: dict[tuple[str, str], str] = {}
    for package in every_package():
        for name in offered(package):
            found.setdefault(origin(package, name), f"{package}.{name}")
    return found


def origin(package: str, name: str) -> tuple[str, str]:
    """The module that defines what a package offers, and the name.

    Args:
        package: The package's name.
        name: One that it offers.
    """
    value = getattr(importlib.import_module(package), name)
    module = module_of(value)
    if module is not None:
        return module, name
    if name in documented_data(package):
        return package, name
    holders = [
        module
        for module in modules_of(package)
        if name in documented_data(module)
        and getattr(importlib.import_module(module), name) is value
    ]
    return (holders or [package])[0], name
