"""An overlap test is one object in one file, the package's own and anybody's alike."""

from __future__ import annotations

import ast
import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cirq
import numpy as np
import pytest
from helpers import density_matrix_mean, here_and_now

import qucnn_cirq
from noise_models import extensions
from noise_models.registry import Registry
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    QuantumData,
    XZAnsatz,
    compile_convolution,
    compile_windows,
)
from qucnn_cirq.circuits.loaders import LOADERS
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, MeetingPlace, OverlapTest
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.verification import simulated_mean
from qucnn_cirq.drawing.placement import placement_of
from qucnn_cirq.errors import InputError
from qucnn_cirq.registries import register_overlap_test
from studies.compilation.peers import textbook_circuit
from studies.files import SUMMARY
from studies.report.report import study_sections

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "examples" / "own_overlap_test.py"
NAMED = "own_overlap_test:CrossedTest"
NOISE = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
VECTORS = [np.random.default_rng(seed).normal(size=4) for seed in (1, 2)]
PATCH, KERNEL = (vector.reshape(2, 2) for vector in VECTORS)
BUILT_IN = tuple(OVERLAP_TESTS)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of the documentation's example, outside the package; forgotten afterwards."""
    shutil.copy(EXAMPLE, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(OVERLAP_TESTS, "_members", dict(OVERLAP_TESTS._members))
    monkeypatch.setattr(extensions, "_NAMED", set())
    yield importlib.import_module(EXAMPLE.stem)
    sys.modules.pop(EXAMPLE.stem, None)


def spec_of(overlap: str, **more: object) -> ConvolutionSpec:
    return ConvolutionSpec(kernel=(2, 2), filters=FixedFilter(KERNEL), overlap=overlap, **more)


@pytest.mark.parametrize("name", [*BUILT_IN, "crossed"])
def test_every_overlap_test_takes_the_qubits_that_it_says_and_has_a_textbook_circuit(
    own: ModuleType, name: str
) -> None:
    register_overlap_test(own.CrossedTest)
    test = OVERLAP_TESTS[name]
    assert (test.name, isinstance(test, OverlapTest)) == (name, True)
    spec = ConvolutionSpec(
        kernel=(2, 2), filters=XZAnsatz(1), overlap=name, backward=test.takes_reader
    )
    program = compile_convolution(spec, "willow_pink")
    assert program.report.layout != "routed"
    assert program.report.qubits == test.n_qubits(2, 1) + spec.backward
    assert bool(program.placement.get("filter")) is not test.undoes_filter
    assert program.spec.overlap_test is test
    textbook, observable = textbook_circuit(spec)
    assert len(textbook.all_qubits()) == test.n_qubits(2, 1)
    x, f = (vector / np.linalg.norm(vector) for vector in VECTORS)
    assert simulated_mean(textbook, observable) == pytest.approx((x @ f) ** 2, abs=1e-7)


def test_a_test_of_ones_own_is_registered_in_one_call_and_measures_the_overlap(
    own: ModuleType,
) -> None:
    assert own.__file__ is not None and not Path(own.__file__).is_relative_to(ROOT)
    qucnn_cirq.register_overlap_test(own.CrossedTest)
    program = compile_convolution(spec_of("crossed"), "willow_pink")
    assert program.digest != compile_convolution(spec_of("destructive"), "willow_pink").digest
    expected = density_matrix_mean(program, PATCH, NOISE)
    images = PATCH[None]

    def mean(engine: str, shots: int | None = None) -> float:
        layer = QuantumConvolution(program, engine, NOISE, shots, seed=2)
        return float(layer.forward(images)[0, 0, 0, 0])

    assert mean("exact") == pytest.approx(expected, abs=1e-9)
    assert mean("qsim") == pytest.approx(expected, abs=1e-5)
    assert mean("qsim", 4000) == pytest.approx(expected, abs=5 * np.sqrt((1 - expected**2) / 4000))
    pairs = placement_of(program.circuit(PATCH)).pairs
    met = zip(program.placement["data"], program.placement["filter"], strict=True)
    assert set(pairs) == {(min(pair), max(pair)) for pair in met}


def test_a_test_defined_anew_takes_the_place_of_the_old_one(own: ModuleType) -> None:
    digests = []
    for base in (own.CrossedTest, type(OVERLAP_TESTS["destructive"])):
        register_overlap_test(_with(base))
        digests.append(compile_convolution(spec_of("other"), "willow_pink").digest)
    assert digests[0] != digests[1]


def test_auto_considers_a_test_of_ones_own(own: ModuleType) -> None:
    register_overlap_test(own.CrossedTest)
    for name in ("destructive", "inversion"):
        del OVERLAP_TESTS._members[name]
    for walkers in (1, 2):
        program = compile_convolution(spec_of("auto"), "willow_pink", walkers=walkers)
        assert program.spec.overlap == "crossed"


def test_a_test_of_ones_own_is_reached_by_module_from_toml_and_the_command_line(
    own: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studies.compilation.figures.draw", lambda table, folder: [])
    monkeypatch.setattr("studies.sweep.job.draw_device_map", lambda programs, folder: [])
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    text = f'[convolution]\nkernel = [2, 2]\noverlap = "{NAMED}"\n'
    spec = ConvolutionSpec.from_toml(text)
    assert isinstance(spec.overlap_test, own.CrossedTest)
    assert spec.overlap_test is ConvolutionSpec(overlap=NAMED).overlap_test
    assert "crossed" not in OVERLAP_TESTS
    # Its code is part of what the convolution is.
    before = spec.identity
    with open(EXAMPLE.name, "a") as file:
        file.write("# changed\n")
    # This process goes on with the code that it imported; the next one has the new.
    assert ConvolutionSpec.from_toml(text).identity == before
    extensions._DIGESTS.clear()
    assert ConvolutionSpec.from_toml(text).identity != before
    (tmp_path / "own.toml").write_text(
        '[study]\nname = "compilation"\ndevice = "grid:2x2"\n[convolution]\nkernel = [1, 2]\n'
        '[axes]\ncompiler = ["qucnn", "cirq"]\n'
    )
    overlap = f"convolution.overlap={EXAMPLE.name}:CrossedTest"
    assert main(["study", "own.toml", "--out", "out", "--quiet", "--set", overlap]) == 0
    summary = json.loads((tmp_path / "out" / SUMMARY).read_text())
    assert summary["done"] == 2
    # A page about the folder imports nothing: in another process it has no circuits.
    pages = []
    for _ in range(2):
        pages.append(study_sections(tmp_path / "out", summary=summary).body)
        extensions._NAMED.clear()
    assert [any("Circuits" in part for part in page) for page in pages] == [True, False]


def test_what_is_stored_never_imports_a_test(own: ModuleType, tmp_path: Path) -> None:
    register_overlap_test(own.CrossedTest())
    for number, name in enumerate(("crossed", NAMED)):
        compile_convolution(spec_of(name), "willow_pink").save(f"{number}.json")
        assert Program.load(f"{number}.json").spec.overlap == name
    # As in another process.
    del OVERLAP_TESTS._members["crossed"], sys.modules[EXAMPLE.stem]
    extensions._NAMED.clear()
    for number, advice in enumerate(("register it first", "name it yourself")):
        with pytest.raises(InputError, match=advice) as refused:
            Program.load(f"{number}.json")
        assert len(str(refused.value)) <= 200
        assert "\n" not in str(refused.value)
        assert EXAMPLE.stem not in sys.modules


class _Incomplete(OverlapTest):
    name, title = "incomplete", "without a textbook circuit"

    def meeting(self, place: MeetingPlace) -> tuple:
        return ()


def _with(base: type[OverlapTest], **settings: object) -> type[OverlapTest]:
    return type("Other", (base,), {"__module__": __name__, "name": "other", **settings})


def test_what_is_no_overlap_test_is_not_registered(own: ModuleType) -> None:
    taken = _with(own.CrossedTest, name="inversion")
    for given, reason in (
        (3, "give an object of a subclass"),
        (own, "give an object of a subclass"),
        (_Incomplete, "has no method textbook"),
        (taken, "'inversion' is taken"),
        (taken(), "'inversion' is taken"),
        (_with(own.CrossedTest, name="two words"), "without spaces"),
        (_with(own.CrossedTest, name="a:b"), "without spaces or colons"),
        (_with(own.CrossedTest, name="auto"), "has name = 'auto'"),
        (_with(own.CrossedTest, title=""), "has title"),
        (_with(own.CrossedTest, most_walkers=3), "most_walkers = 3: give 0, 1 or 2"),
        (_with(own.CrossedTest, native_gate_sets=("syc",)), "a tuple with 'cz'"),
    ):
        with pytest.raises(InputError, match=reason) as refused:
            register_overlap_test(given)  # type: ignore[arg-type]
        assert len(str(refused.value)) <= 200
    assert tuple(OVERLAP_TESTS) == BUILT_IN


def test_a_test_is_refused_what_it_says_that_it_cannot_do(own: ModuleType) -> None:
    register_overlap_test(own.CrossedTest)
    with pytest.raises(InputError, match="use overlap = 'ancilla'"):
        spec_of("crossed", backward=True)
    with pytest.raises(InputError, match="the crossed test has no ancilla that walks"):
        compile_convolution(spec_of("crossed"), walkers=2)
    alone = register_overlap_test(
        _with(type(OVERLAP_TESTS["ancilla"]), most_walkers=1, takes_quantum_data=False)
    )
    with pytest.raises(InputError, match="there can be only 1"):
        compile_convolution(spec_of("other"), walkers=2)
    data = QuantumData(cirq.Circuit(cirq.H.on_each(*cirq.LineQubit.range(3))))
    with pytest.raises(InputError, match="overlap = 'other' needs data that are known vectors"):
        compile_windows(data, XZAnsatz(1), "willow_pink", size=2, overlap=alone.name)
    assert compile_windows(data, XZAnsatz(1), size=2, overlap="crossed").verify().passed


def _compared(tree: ast.AST, built_in: set[str]) -> Iterator[tuple[int, set[str]]]:
    """Texts that a module compares something with, and the entries of its collections."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue):
            inside = ast.walk(node)
            yield node.lineno, {each.value for each in inside if isinstance(each, ast.Constant)}
        entries: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            entries = node.keys
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            entries = [*node.elts]
        names = {each.value for each in entries if isinstance(each, ast.Constant)}
        # One name may be a role of qubits, or a default.
        if len(names & built_in) > 1:
            yield node.lineno, names


@pytest.mark.parametrize(
    ("folder", "registry"), [("overlap_tests", OVERLAP_TESTS), ("loaders", LOADERS)]
)
def test_no_module_compares_the_name_of_an_overlap_test_or_a_loader(
    folder: str, registry: Registry[Any]
) -> None:
    found = []
    built_in = set(registry)
    files = [*ROOT.glob("qucnn_cirq/**/*.py"), *ROOT.glob("studies/**/*.py")]
    for path in (*files, *ROOT.glob("noise_models/*.py")):
        text = path.read_text()
        if path.parent.name != folder and any(f'"{name}"' in text for name in built_in):
            compared = _compared(ast.parse(text), built_in)
            found += [f"{path}:{line}" for line, texts in compared if texts & built_in]
        if path.parts[-2] in ("compiler", "exchange"):
            classes = {each.__name__ for each in registry.values()} if folder == "loaders" else ()
            found += [f"{path}: {each}" for each in classes if each in text]
    assert found == []


def test_the_documentation_shows_the_example() -> None:
    page = (ROOT / "docs" / "overlap_tests.md").read_text()
    assert f"```python\n{EXAMPLE.read_text()}```" in page
