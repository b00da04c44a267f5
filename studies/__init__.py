"""Studies: what to vary, what to record, how to draw it.

``studies.load(folder)`` gives the results of a sweep as a pandas DataFrame, and
``studies.load_arrays(folder, point)`` the raw counts of one of its points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.sweep.results import load, load_arrays

__all__ = ["load", "load_arrays"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: pandas and Cirq take seconds to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from studies.sweep import results

    return getattr(results, name)
