"""`qucnn reproduce`, from the command line to its page, with studies as small as they can be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import here_and_now

from qucnn_cirq.cli import main
from studies.report import documentation, reproduce
from studies.sweep import job

# Trajectories take seconds a point; other tests are about them.
UNCHECKED = "check_fraction=0.0"
SMALL = {
    "figure_3_forward": ("images=1", "convolution.stride=3", "check_patches=0"),
    "figure_4_gradient": (
        "shots=[100, 1000]",
        "upstream=[1.0, 0.1]",
        "repeat=[0]",
        "draws=3",
        UNCHECKED,
    ),
    "figure_6_learning": (
        "repeat=[0, 1]",
        "iterations=3",
        "convolution.filters.layers=[1]",
        UNCHECKED,
    ),
    "noise_and_error": ("images=1", "noise.scale=[0.1, 1.0]", "repeat=[0, 1]", UNCHECKED),
    "noise_and_accuracy": ("images=4", "classify=50", "noise.scale=[0.0, 1.0, 10.0]", UNCHECKED),
    "other_convolutions": (
        "images=100",
        "test_images=70",
        'system=[{kind="quanvolution",rotations=4}]',
        "repeat=[0]",
        UNCHECKED,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        parts = tuple(replace(part, quick=SMALL[part.folder]) for part in reproduce.PARTS)
        patch.setattr(reproduce, "PARTS", parts)
        patch.setattr(job, "local_workers", here_and_now)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("paper")
    assert main(["reproduce", "--out", str(path), "--quick", "--quiet", "--workers", "1"]) == 0
    return path


def test_one_page_holds_all_parts(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    for part in reproduce.PARTS:
        assert part.title in page
        assert part.stated in page
    # Two maps and errors of the forward study, one figure and one map of the device of each sweep.
    assert page.count("<img") - page.count("image/svg") >= 11
    assert not re.findall(r'(?:src|href)="(?!data:|#|https://arxiv)[^"]*"', page)
    assert "RMSE" in page and "willow_pink" in page and "1/g²" in page


def test_running_again_computes_nothing(folder: Path, capsys: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/chunks/*.json")}
    page = (folder / "report.html").read_bytes()
    assert main(["reproduce", "--out", str(folder), "--quick", "--json", "--workers", "1"]) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*/chunks/*.json")} == before
    assert (folder / "report.html").read_bytes() == page
    found = json.loads(capsys.readouterr().out)
    assert list(found["parts"]) == list(SMALL)
    assert found["failed"] == {}


def test_points_that_fail_do_not_stop_the_rest(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    parts = {part.folder: part for part in reproduce.PARTS}
    last = parts["noise_and_accuracy"]
    wrong = replace(last, folder="wrong", quick=(*last.quick, "device='grid:2x2'"))
    monkeypatch.setattr(reproduce, "PARTS", (parts["noise_and_error"], wrong))
    assert main(["reproduce", "--out", str(folder), "--quick", "--workers", "1"]) == 1
    output = capsys.readouterr().out
    assert "measured / predicted RMSE" in output
    assert re.search(r"failed at .*ancilla.*grid:2x2", output)
    assert "Points of this study failed" in (folder / "report.html").read_text()


def test_the_documentation_is_measured_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("images=2", "convolution.stride=9")
    quoted = (
        documentation.Quoted(
            "forward", ("README.md",), {"forward": "maps"}, (*few, "check_patches=0")
        ),
    )
    monkeypatch.setattr(documentation, "QUOTED", quoted)
    arguments = ["reproduce", "--out", str(tmp_path), "--documentation", "--quick", "--quiet"]
    assert main([*arguments, "--workers", "1"]) == 0
    measured = (tmp_path / "measured.md").read_text()
    for own in quoted:
        assert re.search(
            rf"## {own.preset} .{own.pages[0]}.\n\n`qucnn study {own.preset} .*`, \d+ s\n", measured
        )
    assert "30 cz gates, 37 moments" in measured
    drawn = (tmp_path / "figures" / "maps.png").read_bytes()
    assert drawn == (tmp_path / "forward" / "forward.png").read_bytes()
    # What is there is neither run nor timed again.
    assert main([*arguments, "--workers", "1"]) == 0
    again = (tmp_path / "measured.md").read_text()
    assert "--workers 1`\n" in again and "30 cz gates, 37 moments" in again


def test_what_is_quoted_is_there() -> None:
    root = Path(__file__).parents[1]
    for own in documentation.QUOTED:
        own.load(quick=True)
        for page in own.pages:
            assert own.preset in (root / page).read_text() or own.figures
        for quoted in own.figures.values():
            assert any(f"{quoted}.png" in (root / page).read_text() for page in own.pages)
    # What an example draws has no preset.
    drawn = {path.stem for path in (root / "docs" / "examples").glob("*.py")}
    pictures = {path.stem for path in (root / "docs").glob("*.png")} - drawn
    assert pictures == {name for own in documentation.QUOTED for name in own.figures.values()}
