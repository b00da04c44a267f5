"""`qucnn compile --by-error`: the configuration with the order of bits that errs least."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, compile_convolution, error_budget
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.program import Program

LAYER = """
[study]
name = "noise"
shots = 100

[convolution]
kernel = [2, 2]
overlap = "inversion"
filters = { kind = "fixed", values = [1, 2, -1, 0.5] }

[noise]
depolarizing = { p1 = 0.001, p2 = 0.01 }
readout = { p01 = 0.01, p10 = 0.05 }
"""


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    path = tmp_path / "layer.toml"
    path.write_text(LAYER)
    return path


def compiled(layer: Path, *options: str) -> int:
    out = layer.parent
    names = ("--out", str(out / "circuit.json"), "--by-error", str(out / "better.toml"))
    return main(["compile", str(layer), "--device", "willow_pink", *names, *options])


def test_it_writes_an_order_that_errs_less(layer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.random.default_rng(1).uniform(size=(3, 6, 6))
    np.save(layer.parent / "images.npy", images)
    more = ("--images", str(layer.parent / "images.npy"), "--noise", "willow_pink")
    program = layer.parent / "program.json"
    assert main(["--json", "compile", str(layer), "--device", "willow_pink", "--out",
                 str(layer.parent / "circuit.json"), "--program", str(program), "--by-error",
                 str(layer.parent / "better.toml"), *more]) == 0  # fmt: skip
    told = json.loads(capsys.readouterr().out)
    better = ConvolutionSpec.from_toml(layer.parent / "better.toml")
    usual = compile_convolution(ConvolutionSpec.from_toml(layer), "willow_pink")
    as_compiled = error_budget(usual, "willow_pink", images).rms
    assert told["rms_error_as_compiled"] == pytest.approx(as_compiled)
    kept = Program.load(program)
    assert told["rms_error"] == pytest.approx(error_budget(kept, "willow_pink", images).rms)
    assert told["rms_error"] < 0.99 * as_compiled
    assert kept.spec == better != usual.spec


def test_the_noise_of_the_file_is_weighed_and_all_its_tables_are_kept(layer: Path) -> None:
    assert compiled(layer, "--infidelity", "0") == 0
    text = (layer.parent / "better.toml").read_text()
    assert 'name = "noise"' in text
    assert "p2 = 0.01" in text
    assert sorted(ConvolutionSpec.from_toml(text).encoding.order) == [0, 1]
    assert main(["study", str(layer.parent / "better.toml"), "--dry-run"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--qubits", "2_2,2_3"], "--by-error looks for the place itself"),
        (["--noise", "nowhere"], "nowhere"),
        (["--images", "nowhere.npy"], "nowhere.npy"),
    ],
)
def test_what_does_not_go_is_told_in_a_line(
    layer: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiled(layer, *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (layer.parent / "better.toml").exists()


def test_it_needs_a_noise_and_images_need_it(
    layer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer.write_text(LAYER.split("[noise]")[0])
    assert compiled(layer) == 2
    assert "give --noise" in capsys.readouterr().err
    plain = ["compile", str(layer), "--device", "willow_pink", "--out", "c.json"]
    assert main([*plain, "--images", "images.npy"]) == 2
    assert "no effect without --by-error" in capsys.readouterr().err
