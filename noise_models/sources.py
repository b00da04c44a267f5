"""The source files that decide what a module of a user's own does, found without running it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from noise_models.errors import InputError
from noise_models.files import file_bytes

OWN_PACKAGES = ("noise_models", "qucnn_cirq", "studies")
"""The packages of this project."""
_LIBRARIES = ("site-packages", "dist-packages")
"""Folders where what lies side by side has nothing to do with each other."""


def digest_of_sources(module: str, path: Path) -> str:
    """The SHA-256 of a module's file and of the files of its neighbours that it imports.

    Neighbours lie beside it in its folder, or in its own package; those that they import count too.
    What is installed, what comes with Python or with this project, and what is imported by a name
    that is computed, does not.

    Args:
        module: The name of the module.
        path: Its file.

    Returns:
        64 hexadecimal digits: for a file that imports no neighbour, the SHA-256 of its content.
    """
    path = path.resolve()
    contents = {path: file_bytes(path)}
    waiting = [path]
    while waiting:
        importing = waiting.pop()
        for found in _imported(contents[importing], importing, module, path):
            if found not in contents:
                try:
                    contents[found] = file_bytes(found)
                except InputError:
                    continue
                waiting.append(found)
    digests = {each: hashlib.sha256(content).hexdigest() for each, content in contents.items()}
    if len(digests) == 1:
        return digests[path]
    # Wherever the folder is, the digest is the same.
    named = sorted((os.path.relpath(each, path.parent), digests[each]) for each in digests)
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _imported(source: bytes, importing: Path, module: str, path: Path) -> Iterator[Path]:
    """The files of neighbours that a file imports."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        # A compiled module, or one that is not imported after all.
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                for folder in _folders(alias.name, module, path):
                    yield from _files(folder, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            package = node.module.split(".") if node.module else []
            folders = list(_folders(node.module or "", module, path))
            if node.level:
                # The package that a relative import starts from is run too.
                own = importing.parents[node.level - 1 : node.level]
                folders, package = [each.parent for each in own], [*(p.name for p in own), *package]
            for folder in folders:
                for alias in node.names:
                    yield from _files(folder, [*package, alias.name])


def _folders(name: str, module: str, path: Path) -> Iterator[Path]:
    """Where the package or module of an absolute import may lie, if it is a neighbour."""
    first = name.partition(".")[0]
    if first in sys.stdlib_module_names or first in OWN_PACKAGES:
        return
    if path.parent.name not in _LIBRARIES:
        yield path.parent
    depth = module.count(".") + (path.name == "__init__.py")
    if depth and first == module.partition(".")[0]:
        yield from path.parents[depth : depth + 1]


def _files(folder: Path, parts: list[str]) -> Iterator[Path]:
    """The files of a package's or module's dotted name in a folder, as far as there are any."""
    for part in parts:
        file = folder / f"{part}.py"
        folder = folder / part
        if (folder / "__init__.py").is_file():
            yield (folder / "__init__.py").resolve()
        elif file.is_file():
            yield file.resolve()
            return
        elif not folder.is_dir():
            return
