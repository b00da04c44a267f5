"""Messages name options as whoever reads them writes them: on the command line, or in Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import studies
from noise_models.errors import one_line
from qucnn_cirq.cli import main
from qucnn_cirq.errors import InputError

CASES: dict[str, tuple[dict[str, Any], list[str], str, str]] = {
    "folder": (
        {"out": "file"},
        ["--out", "file"],
        "--out file is not a folder",
        "out = file is not a folder",
    ),
    "quick": (
        {"quick": True, "configuration": "own.toml"},
        ["--quick", "--out", "x"],
        "leave --quick out, or use --set",
        "leave quick out, or use settings",
    ),
    "dask": (
        {"dask": "nowhere.json", "out": "x"},
        ["--dask", "nowhere.json", "--out", "x"],
        "--dask nowhere.json: give the scheduler's address",
        "dask = nowhere.json: give the scheduler's address",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_messages_name_options_as_whoever_asked_writes_them(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("own.toml").write_text('[study]\nname = "noise"\nimages = 1\nrepeat = 0\nshots = 10\n')
    keywords, options, on_line, in_python = CASES[name]
    assert main(["study", "own.toml", *options]) == 2
    assert on_line in capsys.readouterr().err
    with pytest.raises(InputError) as refused:
        studies.run(**{"configuration": "own.toml", **keywords})
    assert in_python in str(refused.value) and "--" not in str(refused.value)


def test_no_message_outside_the_command_line_names_an_option() -> None:
    """Those of functions take the word from `qucnn_cirq.errors.option`."""
    root = Path(__file__).parents[1]
    found = []
    for package in ("qucnn_cirq", "noise_models", "studies"):
        for file in (root / package).rglob("*.py"):
            if file.parent.name == "commands" or file.name == "cli.py":
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            raised = [each for each in ast.walk(tree) if isinstance(each, ast.Raise)]
            texts = [
                text.value
                for each in raised
                for text in ast.walk(each)
                if isinstance(text, ast.Constant) and isinstance(text.value, str)
            ]
            found += [(file.name, text) for text in texts if re.search(r"(^|\s)--[a-z]", text)]
    assert found == []


@pytest.mark.parametrize("name", ["nois", "results", "a/very/long/path/" * 9])
def test_an_unknown_study_is_refused_in_whole_sentences(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", name]) == 2
    said = capsys.readouterr().err
    assert ("Did you mean 'noise'? " in said) == (name == "nois")
    assert "All stand in docs/sweeps.md; a configuration of your own is a file" in said
    assert " ... ... " not in said


def test_a_text_that_is_cut_twice_has_one_ellipsis() -> None:
    names = ", ".join(f"name_{number:03}" for number in range(60))
    once = one_line(names)
    for before in range(60):
        twice = one_line(f"{'x' * before} {once}", 150)
        assert len(twice) <= 150 and "... ..." not in twice and twice.endswith("name_059")
