"""`qucnn compile --by-error`: the configuration with the order of bits that errs least."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import attrs
import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, InputError, compile_convolution, error_budget
from qucnn_cirq.cli import main
from qucnn_cirq.compiler.pinning import placement_text
from qucnn_cirq.compiler.program import Program
from studies.sweep.catalogue import load_study

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
    assert told["search_seconds"] > told["compile_seconds"] > 0
    # The file says order and place, so that what is compiled of it is the same.
    document = tomllib.loads((layer.parent / "better.toml").read_text())
    assert document["study"]["placement"] == told["placement"] == placement_text(kept.placement)
    again = compile_convolution(better, "willow_pink", placement=document["study"]["placement"])
    assert error_budget(again, "willow_pink", images).rms == pytest.approx(told["rms_error"])


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


def test_filters_in_different_places_leave_the_place_to_the_program(
    layer: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qucnn_cirq.commands.compile._placement", lambda program: None)
    assert compiled(layer) == 0
    assert "filters are in different places" in capsys.readouterr().err
    assert "placement" not in (layer.parent / "better.toml").read_text()


@pytest.mark.parametrize("name", ["forward", "noise", "budget", "mitigation", "loading"])
def test_studies_take_the_place(name: str) -> None:
    place = "data = 4_9 4_10"
    texts = [
        f"placement={place}",
        "noise=willow_pink",
        "convolution.kernel=[2, 2]",
        "convolution.overlap=inversion",
        'convolution.filters={kind = "fixed", values = [1, 2, -1, 0.5]}',
    ]
    study, document = load_study({"study": {"name": name}}, texts)
    settings = study.read(document)
    assert placement_text(study.program(settings).placement) == place
    assert settings.to_identity()["study"]["placement"] == place
    assert "placement" not in attrs.evolve(settings, placement=None).to_identity()["study"]
    wrong = attrs.evolve(settings, placement="data = 4_9 9_9")
    with pytest.raises(InputError, match="no layout fits"):
        study.program(wrong)
