"""Progress bars: on terminals, in notebooks with and without widgets, and nowhere else."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import types
from typing import Any

import numpy as np
import pytest
from tqdm import notebook

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    QuantumConvolution,
    advance,
    compile_convolution,
)
from qucnn_cirq.bars import in_notebook, progress_bar
from qucnn_cirq.mitigation import SelfOverlap
from studies.sweep.catalogue import load_study
from studies.sweep.plan import make_plan


class Cell:
    """The outputs of a cell, of which those that are displayed can be replaced."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, str]] = []
        self.messages = 0

    def display(self, content: dict[str, str], raw: bool, display_id: bool) -> Any:
        assert raw and display_id
        self.outputs.append(content)
        self.messages += 1
        place = len(self.outputs) - 1

        def update(content: dict[str, str], raw: bool) -> None:
            assert raw
            self.outputs[place] = content
            self.messages += 1

        return types.SimpleNamespace(update=update)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """What IPython is in a kernel, as far as it matters, without widgets."""
    cell = Cell()
    package, module = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    package.get_ipython = lambda: types.SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    module.display = cell.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(notebook, "IProgress", None)
    return cell


def test_a_bar_in_a_notebook_is_one_output_that_changes(
    cell: Cell, capfd: pytest.CaptureFixture[str]
) -> None:
    assert in_notebook()
    with progress_bar(total=3, desc="outer", mininterval=0, leave=True) as outer:
        for number in range(3):
            for _ in progress_bar(range(5), desc="inner", mininterval=0, leave=False):
                assert "inner" in cell.outputs[number + 1]["text/plain"]
            outer.update()
    texts = [output["text/plain"] for output in cell.outputs]
    assert texts[0].startswith("outer: 100%") and "3/3" in texts[0] and "\n" not in texts[0]
    # Bars that go leave nothing to be seen.
    assert texts[1:] == ["", "", ""]
    assert capfd.readouterr() == ("", "")


def test_thousands_of_steps_are_a_few_messages(cell: Cell) -> None:
    for _ in progress_bar(range(10_000)):
        pass
    assert "10000/10000" in cell.outputs[0]["text/plain"]
    assert cell.messages < 5


def test_what_is_short_shows_nothing_in_a_notebook(cell: Cell) -> None:
    assert list(advance.steps(3, "steps")) == [0, 1, 2]
    with advance.shown("forward") as expected:
        expected(10)
        advance.circuits_run(10)
    assert cell.outputs == []


def test_what_is_quiet_is_quiet_in_a_notebook(cell: Cell) -> None:
    list(progress_bar(range(3), disable=True))
    study, document = load_study("noise", ["images=1", "repeat=[0, 1]"])
    make_plan(study, document, quiet=True)
    assert cell.outputs == []


def test_with_the_package_of_widgets_the_bar_is_one(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(notebook, "IProgress", object)
    monkeypatch.setattr(notebook, "tqdm", lambda *_, **options: made.append(options))
    progress_bar(range(3), desc="a")
    # Not "only on a terminal", which a notebook is not.
    assert made == [{"desc": "a", "mininterval": 0.5}]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_elsewhere_a_bar_is_for_terminals(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = stream()
    monkeypatch.setattr("sys.stderr", shown)
    list(progress_bar(range(3), desc="steps"))
    assert ("steps: 100%" in shown.getvalue()) is (stream is Terminal)


def test_a_bar_appears_although_the_first_step_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(advance, "_BAR_DELAY", 0.05)
    with advance.shown("forward"):
        time.sleep(0.2)
        assert "forward: 0 circuits" in screen.getvalue()
    # Nothing comes when the work is done.
    with advance.shown("gradient"):
        pass
    time.sleep(0.1)
    assert "gradient" not in screen.getvalue()


@pytest.mark.parametrize("mitigation", ["two_point", SelfOverlap(calibration_shots=50)])
def test_calibrations_have_a_bar_of_their_own(
    mitigation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 2, 3, -1]), overlap="inversion")
    program = compile_convolution(spec, "grid:4x5")
    images = np.random.default_rng(1).uniform(0.1, 1, (1, 4, 4))

    def forward() -> np.ndarray:
        noise = {"depolarizing": {"p2": 0.01}}
        layer = QuantumConvolution(program, noise=noise, shots=100, seed=1, mitigation=mitigation)
        return layer.forward(images)

    unseen = forward()
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(advance, "_BAR_DELAY", 0.0)
    np.testing.assert_array_equal(forward(), unseen)
    shown = screen.getvalue()
    assert "calibration:   0%" in shown and "forward" in shown
    # What a sweep's worker reports to hears of all circuits, and nobody else.
    heard: list[int] = []
    before = len(shown)
    with advance.counted(heard.append):
        forward()
    assert sum(heard) > 9 and len(screen.getvalue()) == before


def test_a_shell_of_ipython_is_a_terminal(
    cell: Cell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for shell in (None, object()):
        monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda shell=shell: shell)
        assert not in_notebook()
    list(progress_bar(range(3)))
    assert cell.outputs == [] and capfd.readouterr() == ("", "")


def test_nothing_of_notebooks_is_imported_to_find_out() -> None:
    code = "import sys; from qucnn_cirq.bars import *; progress_bar(range(3)); "
    code += "print({'IPython', 'tqdm.notebook', 'ipywidgets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
