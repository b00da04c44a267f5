"""The studies there are, and how a configuration becomes one of them."""

from __future__ import annotations

import functools
import importlib
import importlib.resources
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from noise_models.errors import shown
from qucnn_cirq.errors import InputError, unknown_name
from studies.files import CONFIGURATION
from studies.kind import Kind
from studies.settings import QUICK, override, quick_settings, read_document
from studies.sweep.kind import SweepKind

# Adding a study is adding a package with a module `kind` and a name here. Only the one that is
# asked for is imported: processes of a sweep start in half the time.
RUNS = ("forward",)
SWEEPS = (
    "noise",
    "gradient",
    "learning",
    "compilation",
    "training",
    "performance",
    "trainability",
    "loading",
)
STUDIES = (*RUNS, *SWEEPS)


def presets() -> tuple[str, ...]:
    """Names of the configurations that come with the package."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _presets().iterdir()))


@functools.cache
def study_kind(name: str) -> Kind | SweepKind:
    """The kind of study of a name.

    Raises:
        InputError: If there is none.
    """
    if name not in STUDIES:
        raise unknown_name("study", name, STUDIES)
    kind: Kind | SweepKind = importlib.import_module(f"studies.{name}.kind").KIND
    return kind


def sweep_kind(name: str) -> SweepKind:
    """The kind of sweep of a name.

    Raises:
        InputError: If there is none, or the study is one run and not a sweep.
    """
    kind = study_kind(name)
    if not isinstance(kind, SweepKind):
        raise InputError(f"{name} is one run, not a sweep; sweeps are {', '.join(SWEEPS)}.")
    return kind


def load_study(
    source: str, settings: Iterable[str] = (), quick: bool = False
) -> tuple[str, Kind | SweepKind, dict[str, Any]]:
    """Reads a study's configuration.

    Args:
        source: A preset's name, or the path of a TOML file.
        settings: Settings that override it; see `studies.settings.override`.
        quick: Whether the `settings` of its table [quick] override it before.

    Returns:
        The study's name, its kind, and its configuration as plain data.

    Raises:
        InputError: If there is no such preset or file, or it holds what is not allowed.
        NoiseError: If its noise is not allowed.
    """
    if source.endswith(".toml") or Path(source).is_file():
        document = read_document(Path(source))
    elif source in presets():
        with importlib.resources.as_file(_presets() / f"{source}.toml") as path:
            document = read_document(path)
    else:
        raise InputError(
            f"{unknown_name('study', source, presets())} A configuration of your own is a file "
            f"whose name ends in .toml, such as the {CONFIGURATION} of earlier results."
        )
    table = document.get("study")
    name = table.get("name") if isinstance(table, dict) else None
    if name is None:
        raise InputError(
            f"{source} does not say which study it is: add [study] with name = one of "
            f"{', '.join(STUDIES)}."
        )
    if not isinstance(name, str):
        raise unknown_name("study", name, STUDIES)
    kind = study_kind(name)
    keys = kind.study_keys if isinstance(kind, SweepKind) else kind.keys
    shorter = quick_settings(document)
    document.pop(QUICK, None)
    if quick and not shorter:
        raise InputError(f"{source} has no quick version: leave --quick out, or use --set.")
    document = override(document, [*(shorter if quick else []), *settings], keys)
    table = document["study"]
    # What a study is called in its own table is what it can be run again by.
    if isinstance(table, dict) and table.get("name") != name:
        raise InputError(
            f"study.name = {shown(table.get('name'))} cannot be set: it is {name!r} in {source}; "
            "give the name or the file of another study instead."
        )
    return name, kind, document


def _presets() -> Any:
    return importlib.resources.files("studies") / "presets"
