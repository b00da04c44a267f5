"""Studies: what to vary, what to record, how to draw it.

``studies.load(folder)`` gives the results of a sweep as a pandas DataFrame, and
``studies.load_arrays(folder, point)`` the raw counts of one of its points.
"""

from studies.sweep.results import load, load_arrays

__all__ = ["load", "load_arrays"]
