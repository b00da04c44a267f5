"""The reference of packages and modules, as Markdown with what autodoc reads."""

from __future__ import annotations

import importlib
import inspect

from docstrings import escaped
from names import PACKAGES, defined, documented_data, homes, modules_of, offered, origin


def package(name: str) -> str:
    """What a package offers, as Markdown.

    Args:
        name: The package's name.
    """
    here: list[tuple[str, str]] = []
    elsewhere: list[tuple[str, str]] = []
    for each in offered(name):
        home = homes()[origin(name, each)]
        (here if home == f"{name}.{each}" else elsewhere).append((each, home))
    lines = _module_text(name)
    if elsewhere:
        links = ", ".join(f"{{py:obj}}`{each} <{home}>`" for each, home in elsewhere)
        lines += [f"Also offered here: {links}.", ""]
    for title, kind in (("Classes", "class"), ("Functions", "function"), ("Constants", "data")):
        own = [each for each, _ in here if _kind(name, each) == kind]
        if own:
            links = ", ".join(f"{{py:obj}}`{each} <{name}.{each}>`" for each in own)
            lines += [f"## {title}", "", f"{links}.", ""]
            for each in own:
                lines += _entry(name, each)
    return "\n".join(lines)


def modules(*names: str) -> str:
    """What the modules of packages define, as Markdown, a section each.

    Args:
        names: The packages' names; those in them are not among them.
    """
    lines: list[str] = []
    for name in names:
        own = modules_of(name) if name in PACKAGES else [name, *modules_of(name)]
        for module in own:
            lines += [f"## `{module}`", "", *_module_text(module)]
            here = offered(module) if module == name else defined(module)
            links = []
            for each in here:
                first = origin(module, each) if module == name else (module, each)
                home = homes().get(first, f"{module}.{each}")
                if home == f"{module}.{each}":
                    lines += _entry(module, each)
                else:
                    links.append(f"{{py:obj}}`{each} <{home}>`")
            if links:
                lines += [f"Described elsewhere: {', '.join(links)}.", ""]
    return "\n".join(lines)


def _kind(module: str, name: str) -> str:
    value = getattr(importlib.import_module(module), name)
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else "data"


def _entry(module: str, name: str) -> list[str]:
    """The description of one name, in reStructuredText within a fence."""
    kind = _kind(module, name)
    if kind == "data":
        home, first = origin(module, name)
        text = escaped(documented_data(home).get(first, []))
        body = [f".. py:data:: {name}", f"   :module: {module}", ""]
        body += [f"   {line}" for line in text]
    else:
        body = [f".. auto{kind}:: {module}.{name}"]
        if kind == "class":
            has_base = getattr(importlib.import_module(module), name).__bases__ != (object,)
            body += ["   :members:", *["   :show-inheritance:"][:has_base]]
    return ["```{eval-rst}", *body, "```", ""]


def _module_text(name: str) -> list[str]:
    """The docstring of a module, in reStructuredText within a fence."""
    module = importlib.import_module(name)
    text = escaped((inspect.getdoc(module) or "").splitlines())
    package, _, last = name.rpartition(".")
    # A function that its package offers under the same name is the one that a link means.
    kind = "currentmodule" if package and last in offered(package) else "module"
    return ["```{eval-rst}", f".. py:{kind}:: {name}", "", *text, "```", ""]
