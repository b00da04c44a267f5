"""The studies there are, and how a configuration becomes one of them."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from noise_models.errors import shown
from noise_models.extensions import NotNamedError, reading_stored
from noise_models.registry import Registry
from qucnn_cirq.documents import QUICK, REPORT, check_tables, read_document
from qucnn_cirq.errors import InputError, option, unknown_name
from studies.presentation import Presentation
from studies.preset_files import about, preset_file, presets
from studies.settings import override, plain, quick_settings
from studies.sweep.study import Study

# Adding a study to the package is adding a package with a module `study` and a name here. Only the
# one that is asked for is imported: processes of a sweep start in half the time.
STUDIES = (
    "forward",
    "noise",
    "gradient",
    "learning",
    "loading",
    "budget",
    "mitigation",
    "measured_once",
    "compilation",
    "benchmark",
    "training",
    "performance",
    "trainability",
    "systems",
)


class _OwnStudies(Registry[Study]):
    def _comes_with_project(self, member: Study) -> bool:
        return False


OWN: Registry[Study] = _OwnStudies("study", Study)
"""Studies of users; see `qucnn_cirq.register_study`."""


def study_named(name: str) -> Study:
    """The study of a name.

    Args:
        name: One of `STUDIES`, of a study that was registered or that an installed package
            offers; or ``module:attribute`` or ``path/to/file.py:attribute``.

    Raises:
        InputError: If there is none.
    """
    if name in STUDIES:
        study: Study = importlib.import_module(f"studies.{name}.study").STUDY
        return study
    found = OWN.find(name, beside=STUDIES)
    # The name under which worker processes, and whoever reads the results, find it again.
    return found if found.name == name else replace(found, name=name)


def study_of_results(stored: str, named: str | None = None) -> Study:
    """The study of a folder of results, which never decides what is imported.

    Args:
        stored: The name that stands in the folder.
        named: The name that the user wrote for it; needed for a study of the user's own, unless it
            was named or registered in this process before.

    Raises:
        InputError: If there is none, the names differ, or it is one that the user has to name.
    """
    if named is not None:
        if named != stored:
            raise InputError(f"the results are of the study {shown(stored)}, not {shown(named)}.")
        return study_named(named)
    try:
        with reading_stored():
            return study_named(stored)
    except NotNamedError:
        raise InputError(
            f"the results are of {shown(stored)}, a study of your own, and a folder imports "
            f"nothing: name it, by {option('study', stored)}."
        ) from None


def load_study(
    source: object, settings: Iterable[str] = (), quick: bool = False
) -> tuple[Study, dict[str, Any]]:
    """Reads a study's configuration.

    Args:
        source: A preset's name, the path of a TOML file, or the name of a study of the user's own
            (registered, or ``path/to/file.py:attribute``), which is taken with its defaults. Or
            the tables of a configuration as a mapping, or the settings of one point.
        settings: Settings that override it; see `studies.settings.override`.
        quick: Whether the `settings` of its table [quick] override it before.

    Returns:
        The study, and its configuration as plain data.

    Raises:
        InputError: If there is no such preset or file, or it holds what is not allowed.
        InputError: If its noise is not allowed.
    """
    document, origin = _document(source)
    table = document.get("study")
    name = table.get("name") if isinstance(table, dict) else None
    if name is None:
        raise InputError(
            f"{origin} does not say which study it is: add [study] with name = one of "
            f"{', '.join(STUDIES)}."
        )
    if not isinstance(name, str):
        raise unknown_name("study", name, STUDIES)
    study = study_named(name)
    shorter = quick_settings(document)
    document.pop(QUICK, None)
    if quick and not shorter:
        raise InputError(
            f"{origin} has no quick version: leave {option('quick')} out, or use {option('set')}."
        )
    document = override(document, [*(shorter if quick else []), *settings], study.study_keys)
    Presentation.of(document)
    table = document["study"]
    # What a study is called in its own table is what it can be run again by.
    if isinstance(table, dict) and table.get("name") != name:
        raise InputError(
            f"study.name = {shown(table.get('name'))} cannot be set: it is {name!r} in {origin}; "
            "give the name or the file of another study instead."
        )
    return study, document


def _document(source: object) -> tuple[dict[str, Any], str]:
    """The tables of a configuration, and what it is called in errors."""
    if isinstance(source, Path):
        return read_document(source), str(source)
    if isinstance(source, str):
        return _named_document(source), source
    if isinstance(source, Mapping):
        document: dict[str, Any] = plain("the configuration", source)
        check_tables(document, "the configuration")
        return document, "the configuration"
    if isinstance(source, type) or not callable(getattr(source, "to_mapping", None)):
        raise InputError(
            f"the configuration {shown(source, 40)} is not allowed: give the name of a study or "
            "preset, a path, a mapping, or the settings of a point."
        )
    return _document_of_settings(source), type(source).__name__


def _named_document(source: str) -> dict[str, Any]:
    if source.endswith(".py"):
        raise InputError(
            f"{source} is Python, not a configuration: name the study in it, as in {source}:STUDY."
        )
    if source.endswith(".toml") or Path(source).is_file():
        return read_document(Path(source))
    if source in presets():
        with preset_file(source) as path:
            # What a preset asks for is what a report on it is called, unless it is named.
            return {REPORT: {"title": about(source)}} | read_document(path)
    if OWN.may_hold(source):
        return {"study": {"name": source}}
    near = difflib.get_close_matches(source[:100], presets(), n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"unknown study {shown(source, 40)}.{hint} All stand in docs/sweeps.md; a configuration of "
        "your own is a file whose name ends in .toml."
    )


def _document_of_settings(settings: Any) -> dict[str, Any]:
    """The configuration of which a point has these settings."""
    document: dict[str, Any] = plain("the settings", settings)
    # A study of the user's own may have another name than its settings.
    own = (name for name, study in OWN.items() if study.settings is type(settings))
    name = next(own, document.get("study", {}).get("name"))
    if not isinstance(settings, study_named(name).settings):
        raise InputError(
            f"the settings {type(settings).__name__} are not those of the study {shown(name)}: "
            "register their study, or give a mapping that names it."
        )
    document["study"]["name"] = name
    filters = document.get("convolution", {}).get("filters")
    if isinstance(filters, list) and len(filters) == 1:
        # Of a table single keys can be set and swept over.
        document["convolution"]["filters"] = filters[0]
    return document


def register_study(study: Study) -> Study:
    """Adds a study under its own name; see `studies.sweep.study.Study` for what it has to be.

    Args:
        study: The study.

    Returns:
        The study.

    Raises:
        InputError: If it is no study, or its name is taken or no word.
    """
    name = getattr(study, "name", shown(study))
    if name in STUDIES:
        raise InputError(f"the name {name!r} is taken by a study of the package: give another.")
    return OWN.register(name, study)
