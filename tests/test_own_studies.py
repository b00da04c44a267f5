"""A study of the user's own that is wrong is refused where it is, in one sentence."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers import here_and_now

from noise_models import NoiseConfiguration
from noise_models.extensions import load_object
from qucnn_cirq import ConvolutionSpec, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.verification import check_own_code
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, filter_from_mapping
from studies.forward.configuration import ForwardPoint
from studies.noise.configuration import NoisePoint
from studies.noise.study import STUDY as NOISE
from studies.sweep.measured import stored_form
from studies.sweep.plan import identified
from studies.sweep.study import Measured, Study
from studies.sweep.workers import Task, measure_each

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (None, "measure returned None: return a"),
        (Measured({"a": 1}), "rows = {'a': 1}: give a list"),  # type: ignore[arg-type]
        (Measured([]), "rows = .*: give a list of one row"),
        (Measured([1]), "row 0 = 1: give cells by column"),  # type: ignore[list-item]
        (Measured([{"point": "x"}]), "'point', which names the point: rename it"),
        (Measured([{"a": [1, 2]}]), r"a = \[1, 2\]: give a number"),  # type: ignore[dict-item]
        (Measured([{"a": np.zeros(2)}]), "cell a .* = array.* is neither a number"),  # type: ignore[dict-item]
        (Measured([{"a": 10**400}]), "a = 1000.*: give a number"),
        (Measured([{"a": 1j}]), "cell a .* = 1j is neither a number"),  # type: ignore[dict-item]
        (Measured([{"a": "\ud800"}]), "cell a .* is neither a number, a text"),
        (Measured([{"a": 1}], {"x": [1]}), "array 'x' = .1.: give numbers"),  # type: ignore[dict-item]
        (Measured([{"a": 1}], {"x": np.array([None])}), "array 'x' = .*: give numbers"),
        (Measured([{"a": 1}], shots="x"), "shots that measure returned = 'x'"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_stored_is_refused_where_it_was_measured(measured: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        stored_form(measured)


def test_numbers_of_numpy_are_stored_as_plain_ones_and_what_is_not_finite_as_nothing() -> None:
    row = {"a": np.float32(0.5), "b": np.int64(2), "c": np.bool_(True), "d": np.nan, "e": "t"}
    rows, arrays, shots = stored_form(Measured([row], {"x": np.eye(2)}, shots=7))
    assert rows == [{"a": 0.5, "b": 2, "c": True, "d": None, "e": "t"}]
    assert [type(value) for value in rows[0].values()] == [float, int, bool, type(None), str]
    assert list(arrays) == ["x"] and shots == 7


class _SilentError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(3), "SystemExit: 3 (test_own_studies.py:"),
        (_SilentError(), "_SilentError:  (test_own_studies.py:"),
        (ValueError("two\nlines \x1b[31m" + 500 * "x"), "ValueError: two lines"),
    ],
)
def test_whatever_a_study_raises_is_one_line_of_its_point(
    error: BaseException, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(settings: object, seed: object) -> Measured:
        raise error

    failing = dataclasses.replace(NOISE, measure=measure, targets=())
    monkeypatch.setattr("studies.sweep.catalogue.study_named", lambda name: failing)
    settings = {"study": {"images": 1}, "convolution": {"kernel": 2, "filters": {"kind": "ansatz"}}}
    (outcome,) = measure_each("noise", [Task("0", settings)])
    assert outcome.error is not None and outcome.error.startswith(words.replace("  ", " "))
    assert len(outcome.error) <= 200 and outcome.error.isprintable()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": dict}, "settings = .*: give a subclass of studies.point.PlainData"),
        ({"measure": None}, "measure = None of a study is not allowed: give a function"),
        ({"columns": None}, "columns = None"),
        ({"version": None}, "version = None"),
        ({"targets": ("nosuch",)}, "unknown target of study 'noise' 'nosuch'"),
    ],
)
def test_a_study_that_cannot_be_is_refused_when_it_is_made(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        dataclasses.replace(NOISE, **change)


def test_settings_extend_those_of_a_study_as_a_class_of_attrs_alone() -> None:
    @attrs.frozen
    class Later(NoisePoint):
        extra: tuple[int, ...] = attrs.field(factory=tuple)
        key: str = "x"

    later = dataclasses.replace(NOISE, settings=Later)
    convolution = {"kernel": 2, "filters": {"kind": "ansatz"}}
    settings = {"study": {"images": 1}, "convolution": convolution}
    of = [identified(each, each.read(settings)) for each in (NOISE, later)]
    assert of[0] == of[1]
    given = {**settings, "study": {"images": 1, "extra": []}}
    assert identified(later, later.read(given)) == of[0]

    @dataclasses.dataclass(frozen=True)
    class Lost(NoisePoint):
        mode: str = "ok"

    with pytest.raises(InputError, match="decorate it with attrs.frozen"):
        dataclasses.replace(NOISE, settings=Lost)


def test_an_overlap_test_that_measures_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = (EXAMPLES / "own_overlap_test.py").read_text()
    Path("right.py").write_text(source)
    Path("wrong.py").write_text(source.replace("h(x), h(f))", "h(x))"))
    for file in ("right", "wrong"):
        spec = ConvolutionSpec(kernel=2, overlap=f"{file}.py:CrossedTest")
        program = compile_convolution(spec, "grid:3x3")
        if file == "right":
            check_own_code(program)
            continue
        with pytest.raises(InputError, match=r"overlap test 'wrong.py:CrossedTest' do not measure"):
            check_own_code(program)
    Path("layer.toml").write_text('[convolution]\nkernel = 2\noverlap = "wrong.py:CrossedTest"\n')
    assert main(["compile", "layer.toml", "--device", "grid:3x3", "--out", "c.json"]) == 2
    assert not Path("c.json").exists()


def test_a_circuit_with_symbols_is_a_filter_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "import cirq, sympy\na, b = cirq.LineQubit.range(2)\n"
        "circuit = cirq.Circuit(cirq.ry(sympy.Symbol('t'))(a), cirq.CNOT(a, b))\n"
    )
    found = filter_from_mapping({"kind": "mine.py:circuit"})
    assert isinstance(found, CircuitFilter) and found.parameters == ("t",)
    # It is stored as what it is, so that reading it imports nothing.
    assert found.to_mapping()["kind"] == "circuit"
    with pytest.raises(InputError, match="key of circuit filter 'layers'"):
        filter_from_mapping({"kind": "mine.py:circuit", "layers": 2})


def test_results_of_a_study_of_ones_own_are_drawn_once_the_command_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("noise_models.extensions._NAMED", set())
    monkeypatch.setattr("studies.sweep.job.local_workers", here_and_now)
    shutil.copy(EXAMPLES / "own_study.py", "mine.py")
    settings = ["--set", "images=1", "--set", "convolution.kernel=2", "--set", "device=grid:4x4"]
    settings += ["--set", 'convolution.filters={kind="ansatz"}', "--quiet"]
    assert main(["study", "mine.py:STUDY", "--out", "out", *settings]) in (0, 1)
    monkeypatch.setattr("noise_models.extensions._NAMED", set())
    assert main(["plot", "out"]) == 2
    assert "name it, by --study mine.py:STUDY" in capsys.readouterr().err
    assert main(["plot", "out", "--study", "other.py:STUDY"]) == 2
    assert main(["plot", "out", "--study", "mine.py:STUDY"]) == 0
    assert main(["report", "out", "--study", "mine.py:STUDY"]) == 0


def test_the_module_of_figures_may_be_a_file_beside_that_of_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES / "own_study.py", "mine.py")
    Path("figures_of_mine.py").write_text("def text(results):\n    return 'seen'\n")
    own = load_object("study", "mine.py:STUDY")
    assert isinstance(own, Study)
    beside = dataclasses.replace(own, figures="figures_of_mine.py")
    monkeypatch.chdir("/")
    assert beside.text(None) == "seen"  # type: ignore[arg-type]
    absent = dataclasses.replace(own, figures="absent.py")
    with pytest.raises(InputError, match="there is no file"):
        absent.text(None)  # type: ignore[arg-type]


def test_forward_settings_in_python_are_checked_as_in_a_configuration() -> None:
    with pytest.raises(InputError, match="infidelity = 2 is not allowed: .*, or 'auto'"):
        ForwardPoint(infidelity=2)
    with pytest.raises(InputError, match="convolution is a dict: give what ConvolutionSpec"):
        ForwardPoint(convolution={})  # type: ignore[arg-type]
    noise = {"idle": 0.01}
    assert ForwardPoint(noise=noise).noise == NoiseConfiguration(idle=0.01)  # type: ignore[arg-type]
