"""The studies there are, and how a configuration becomes one of them."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qucnn_cirq.errors import InputError, unknown_name
from studies.files import CONFIGURATION
from studies.forward import results as forward
from studies.forward.configuration import ForwardStudy
from studies.forward.job import run_forward
from studies.loading import job as loading
from studies.loading.configuration import LoadingStudy
from studies.loading.job import run_loading
from studies.progress import Track
from studies.settings import override, read_document


@dataclass(frozen=True)
class Kind:
    """What a kind of study offers the command line.

    Attributes:
        keys: Keys of its table [study].
        read: Builds its configuration from plain data.
        run: Runs a configuration in a folder and returns a summary.
        text: Writes the summary for a terminal.
    """

    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    run: Callable[[Any, Path, Track, Callable[[str], None]], dict[str, Any]]
    text: Callable[[Mapping[str, Any]], str]


STUDIES: dict[str, Kind] = {
    "forward": Kind(
        keys=ForwardStudy.study_keys(),
        read=ForwardStudy.from_mapping,
        run=run_forward,
        text=forward.summary_text,
    ),
    "loading": Kind(
        keys=LoadingStudy.study_keys(),
        read=LoadingStudy.from_mapping,
        run=run_loading,
        text=loading.summary_text,
    ),
}


def presets() -> tuple[str, ...]:
    """Names of the configurations that come with the package."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _presets().iterdir()))


def load_study(source: str, settings: Iterable[str] = ()) -> tuple[Kind, Any]:
    """Reads a study's configuration.

    Args:
        source: A preset's name, or the path of a TOML file.
        settings: Settings that override it; see `studies.settings.override`.

    Returns:
        The kind of study and its configuration.

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
    if not isinstance(name, str) or name not in STUDIES:
        raise unknown_name("study", name, STUDIES)
    kind = STUDIES[name]
    return kind, kind.read(override(document, settings, kind.keys))


def _presets() -> Any:
    return importlib.resources.files("studies") / "presets"
