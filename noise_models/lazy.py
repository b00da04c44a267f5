"""Public names of a package that are imported when they are first used.

Cirq takes seconds to import, and errors, help and completion need none of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package assigns to ``__getattr__, __dir__, __all__``.

    Args:
        package: The package's ``__name__``.
        modules: The public names by the module that defines them.
    """
    home = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(home[name]), name)

    def names() -> list[str]:
        return sorted([*vars(sys.modules[package]), *home])

    return get, names, sorted(home)
