"""The configurations that come with the package, as files: to list them, no study is imported."""

from __future__ import annotations

import importlib.resources
from contextlib import AbstractContextManager
from importlib.resources.abc import Traversable
from pathlib import Path

_COMMENT = "#"


def presets() -> tuple[str, ...]:
    """Names of the configurations that come with the package."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _folder().iterdir()))


def preset_file(preset: str) -> AbstractContextManager[Path]:
    """The file of a preset, while it is used.

    Args:
        preset: One of `presets`.
    """
    return importlib.resources.as_file(_folder() / f"{preset}.toml")


def about(preset: str) -> str:
    """What a preset does, in one sentence: the first one of the comment it begins with.

    Args:
        preset: One of `presets`.
    """
    return heading(preset).partition(". ")[0].removesuffix(".")


def heading(preset: str) -> str:
    """The comment that a preset begins with, on one line.

    Args:
        preset: As for `about`.
    """
    file = _folder() / f"{preset}.toml"
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith(_COMMENT):
            break
        lines.append(line.removeprefix(_COMMENT).strip())
    return " ".join(lines)


def _folder() -> Traversable:
    return importlib.resources.files("studies") / "presets"
