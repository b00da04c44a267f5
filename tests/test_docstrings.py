"""Public functions explain every argument, once, in one dialect (Google's, names in backticks)."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("noise_models", "qucnn_cirq", "studies")
_MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
_EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))

_SECTION = re.compile(r"^(?:Args|Attributes):\n((?:[ ]{4}.*\n|\n)*)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*):", re.MULTILINE)
_IS_ARRAY = re.compile(r"\b(?:\w*Array|Counts|Bits)\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _entries(docstring: str) -> set[str]:
    """The names that the sections Args and Attributes of a docstring explain."""
    return {
        name.strip().lstrip("*")
        for section in _SECTION.findall(docstring + "\n")
        for names in _ENTRY.findall(section)
        for name in names.split(",")
    }


def _arguments(function: Function) -> list[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [each.arg for each in every if each.arg not in ("self", "cls")]


def _is_hidden(function: Function) -> bool:
    """Whether it has no arguments of its own: properties' setters and overloads included."""
    names = {ast.unparse(each).split(".")[-1] for each in function.decorator_list}
    return bool(names & {"setter", "overload"})


def _public(
    body: list[ast.stmt], owner: ast.ClassDef | None = None
) -> Iterator[tuple[ast.ClassDef | None, Function]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node.body, node)
        is_function = isinstance(node, Function)
        if is_function and not node.name.startswith("_") and not _is_hidden(node):
            yield owner, node


@functools.cache
def _methods() -> dict[str, set[str]]:
    """The methods of every class of the project, by the name of the class.

    Classes of one name in several modules are taken together.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for node in _classes():
        found[node.name] |= {each.name for each in node.body if isinstance(each, Function)}
    return found


@functools.cache
def _bases() -> dict[str, list[str]]:
    """The names of the bases of every class of the project, taken together as `_methods`."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in _classes():
        names = [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
        found[node.name] += [name for name in names if name not in (node.name, *found[node.name])]
    return found


def _classes() -> Iterator[ast.ClassDef]:
    for path in (*_MODULES, *_EXAMPLES):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef):
                yield node


_CIRQ_HOOKS = {"noisy_moment", "on_each", "value"}
"""Methods that classes of Cirq define, whose arguments Cirq explains."""


def _overrides(owner: ast.ClassDef | None, name: str) -> bool:
    """Whether a method implements one of a base class, which has the explanation."""
    bases = [] if owner is None else list(_bases()[owner.name])
    while bases:
        base = bases.pop()
        if name in _methods().get(base, ()):
            return True
        bases += _bases().get(base, [])
    return False


def gaps(path: Path, root: Path = ROOT) -> list[str]:
    """What the docstrings of a module leave unexplained, one line each."""
    found = []
    tree = _tree(path)
    is_verb = "commands" in path.parts
    for owner, function in _public(tree.body):
        where = f"{path.relative_to(root)}:{function.lineno} {function.name}"
        text = ast.get_docstring(function)
        if text is None:
            found.append(f"{where}: has no docstring")
            continue
        if is_verb and function.name in ("add_arguments", "run"):
            continue  # The contract of all verbs stands in `qucnn_cirq.commands`.
        if _overrides(owner, function.name) or function.name in _CIRQ_HOOKS:
            continue
        missing = [each for each in _arguments(function) if each not in _entries(text)]
        if missing:
            found.append(f"{where}: Args without {', '.join(missing)}")
        annotations = [function.returns] if function.returns is not None else []
        annotations += [
            each.annotation
            for each in (*function.args.args, *function.args.kwonlyargs)
            if each.annotation is not None
        ]
        if "shape" not in text.lower() and any(
            _IS_ARRAY.search(ast.unparse(each)) for each in annotations
        ):
            found.append(f"{where}: takes or returns an array and gives no shape")
    for node in ast.walk(tree):
        is_public_class = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if not is_public_class:
            continue
        text = ast.get_docstring(node) or ""
        makers = [each for each in node.body if isinstance(each, Function)]
        for maker in makers:
            if maker.name == "__init__":
                explained = _entries(text) | _entries(ast.get_docstring(maker) or "")
                missing = [each for each in _arguments(maker) if each not in explained]
                if missing:
                    where = f"{path.relative_to(root)}:{node.lineno} {node.name}"
                    found.append(f"{where}: Args without {', '.join(missing)}")
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_argument_of_a_public_function_is_explained(package: str) -> None:
    modules = [path for path in _MODULES if path.relative_to(ROOT).parts[0] == package]
    assert modules
    assert [line for path in modules for line in gaps(path)] == []


def test_every_argument_of_the_examples_is_explained() -> None:
    assert _EXAMPLES
    assert [line for path in _EXAMPLES for line in gaps(path)] == []


def test_names_in_docstrings_stand_in_backticks_without_a_role() -> None:
    role = re.compile(r":(?:class|func|meth|data|attr|mod|exc|obj):`")
    found = [path.name for path in _MODULES if role.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_an_argument_left_out_and_an_array_without_shape_are_found(tmp_path: Path) -> None:
    source = '''
def told(a: int, *b: int) -> None:
    """Does.

    Args:
        a: One.
        b: More.
    """


def untold(a: int, b: "FloatArray") -> None:
    """Does.

    Args:
        a: One.
    """
'''
    module = tmp_path / "module.py"
    module.write_text(source, encoding="utf-8")
    lines = [line.split(": ", 1)[1] for line in gaps(module, tmp_path)]
    assert lines == ["Args without b", "takes or returns an array and gives no shape"]
