"""Links of names in docstrings and signatures, which stand there without the module's name."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment


def _only_exact(app: Sphinx, doctree: nodes.document) -> None:
    """Leaves names of types to `_resolve`, for Sphinx guesses where several end with a name."""
    for node in doctree.findall(pending_xref):
        if node.get("refdomain") == "py":
            node.attributes.pop("refspecific", None)


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Links a name that only one object ends with, or that its module knows."""
    domain = env.domains["py"]
    if node.get("refdomain") != "py" or not isinstance(domain, PythonDomain):
        return None
    name, module = node["reftarget"], node.get("py:module")
    full = _by_ending(domain).get(name, ())
    # A word in small letters may be an argument's name, and several objects may have one name.
    if len(full) > 1 or name.islower() and "." not in name:
        known = getattr(sys.modules.get(module), name, None)
        full = [each for each in full if known is not None and _object(each) is known]
    if len(full) != 1:
        return None
    docname = node.get("refdoc", "")
    return domain.resolve_xref(env, docname, app.builder, "obj", full[0], node, content)


def _object(full: str) -> Any:
    module, _, name = full.rpartition(".")
    return getattr(sys.modules.get(module), name, None)


_endings: dict[int, dict[str, list[str]]] = {}


def _by_ending(domain: PythonDomain) -> dict[str, list[str]]:
    """The full names of all objects by each way to shorten them from the left."""
    found = _endings.get(len(domain.objects))
    if found is None:
        found = _endings[len(domain.objects)] = defaultdict(list)
        for full, entry in domain.objects.items():
            words = [] if entry.aliased else full.split(".")
            for start in range(1, len(words)):
                found[".".join(words[start:])].append(full)
    return found


def connect(app: Sphinx) -> None:
    """Connects what resolves names.

    Args:
        app: The build.
    """
    app.connect("doctree-read", _only_exact)
    app.connect("missing-reference", _resolve)
