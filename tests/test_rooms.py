"""The rooms of the code: who may import whom. A room is a package, or a module beside packages."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("noise_models", "qucnn_cirq", "studies")

FLOORS: tuple[str, ...] = (
    "noise_models",
    "qucnn_cirq bars",
    "qucnn_cirq advance documents errors finite interruption logs optimizers text threads",
    "qucnn_cirq arrays guard preparations progress",
    "qucnn_cirq array_files exchange image_ids kinds patch_grid quantum_data",
    "qucnn_cirq datasets devices",
    "qucnn_cirq augmentation circuits",
    "qucnn_cirq adjoint drawing filters measurements validation",
    "qucnn_cirq encodings",
    "qucnn_cirq specification",
    "qucnn_cirq configuration patches",
    "qucnn_cirq convolution image_blocks",
    "qucnn_cirq compiler",
    "qucnn_cirq engines",
    "qucnn_cirq budget estimators",
    "qucnn_cirq commands measured",
    "qucnn_cirq cli",
    "qucnn_cirq execution",
    "qucnn_cirq __main__ forward_pass gradients mitigation windows_layer",
    "qucnn_cirq fitting measured_once",
    "qucnn_cirq measured_gradient",
    "qucnn_cirq gradient_methods",
    "qucnn_cirq layer registries",
    "qucnn_cirq heads torch_layer",
    "studies files grouping preset_files provenance statistics",
    "studies drawing images presentation settings wording",
    "studies effects line_figures",
    "studies plotting",
    "studies sweep",
    "studies crosscheck mitigation_cost outcomes over_drift",
    "studies estimating expected",
    "studies point",
    "studies compilation performance",
    "studies benchmark budget forward gradient learning loading mitigation trainability training",
    "studies measured_once noise systems",
    "studies report",
    "studies runs",
    "studies elsewhere",
    "studies commands",
)
"""Rooms from the lowest up; those of one floor do not import each other."""


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def imported(path: Path, inside_functions: bool = True) -> Iterator[str]:
    """The project's modules that a file imports, those for types alone left out."""
    nodes = nodes_of(path)
    left_out = {
        id(inner)
        for node in nodes
        if (isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"))
        or (isinstance(node, ast.FunctionDef) and not inside_functions)
        for inner in ast.walk(node)
    }
    for node in nodes:
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else str(node.module)


@functools.cache
def imports() -> dict[str, set[str]]:
    """Not while tests are collected, which every process of pytest does."""
    return {name: set(imported(path)) - {name} for name, path in MODULES.items()}


def room(module: str) -> str:
    package, *inside = module.split(".")
    return package if package == "noise_models" or not inside else f"{package}.{inside[0]}"


def floors() -> dict[str, int]:
    numbers = {}
    for number, line in enumerate(FLOORS):
        package, *inside = line.split()
        for name in inside or [""]:
            numbers[f"{package}.{name}".rstrip(".")] = number
    return numbers


def test_every_room_has_one_floor():
    doors = {"qucnn_cirq", "studies"}
    assert set(floors()) == {room(module) for module in MODULES} - doors


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_a_room_that_is_not_below_it(package):
    numbers = floors()
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        for target in targets
        # The packages' own modules only hand out public names, when they are first used.
        if room(module).startswith(package)
        and room(module) in numbers
        and room(target) in numbers
        and room(target) != room(module)
        and numbers[room(target)] >= numbers[room(module)]
    ]
    assert not wrong


def test_no_circle_of_modules():
    # But for what a method imports when it is called, as `Program.save` what writes programs.
    graph = nx.DiGraph(
        (name, target)
        for name, path in MODULES.items()
        for target in imported(path, inside_functions=False)
        if target != name
    )
    assert nx.number_of_edges(graph) > len(MODULES)
    circles = [sorted(each) for each in nx.strongly_connected_components(graph) if len(each) > 1]
    assert not circles
