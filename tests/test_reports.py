"""Reports: what was found in sentences, the table within the page, and what figures say."""

from __future__ import annotations

import ast
import base64
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from figure_tables import AXES, Tabled, sweep_table
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from scipy import stats
from test_sweeps import compute

import studies
from qucnn_cirq import InputError
from qucnn_cirq.drawing.theme import save_figure_as, theme
from studies.drawing import About, drawn_of, save_figure
from studies.effects import Quantity, effects
from studies.presentation import Presentation
from studies.report import data_table, html
from studies.report.report import _numbers, write_report
from studies.sweep.catalogue import STUDIES, load_study, study_named
from studies.sweep.conditions import conditions_text
from studies.sweep.plan import make_plan
from studies.sweep.results import load, read_results
from studies.sweep.store import open_folder

ERROR = Quantity("rmse", "RMS error")
NODE = shutil.which("node")


def crossed(repeats: int = 3, **axes: list[Any]) -> pd.DataFrame:
    """All combinations, a row for each repetition."""
    names = [*axes, "repeat"]
    rows = itertools.product(*axes.values(), range(repeats))
    return pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


# Effects


def test_the_effect_of_an_axis_of_names_is_the_ratio_at_equal_other_settings() -> None:
    table = crossed(test=["slow", "fast"], scale=[1.0, 10.0, 100.0])
    scatter = np.random.default_rng(1).normal(0, 0.05, len(table))
    slower = np.where(table["test"] == "slow", np.log(3.0), 0.0)
    table["rmse"] = np.exp(np.log(table["scale"]) + slower + scatter)
    wide = table.pivot(index=["scale", "repeat"], columns="test", values="rmse")
    ratio = np.log(wide["slow"] / wide["fast"])
    each = ratio.groupby("repeat").mean()
    half = stats.t.ppf(0.975, 2) * each.std() / np.sqrt(3)
    ends = np.exp([each.mean(), each.mean() - half, each.mean() + half])
    spread = np.exp(ratio.groupby("scale").mean())
    line = next(line for line in effects(table, ERROR, ["rmse"]) if "test" in line)
    assert "fast has the lowest RMS error" in line
    assert (
        f"slow has {ends[0]:.3g} [{ends[1]:.3g} to {ends[2]:.3g}] times as much "
        f"({spread.min():.3g} to {spread.max():.3g} over 3 other settings)" in line
    )


def test_the_effect_of_an_axis_of_numbers_is_told_at_its_ends() -> None:
    table = crossed(repeats=1, scale=[10.0, 1.0, 3.0])
    (line,) = effects(table.assign(rmse=table["scale"] / 100), ERROR, ["rmse"])
    assert line == "From scale 1 to 10, RMS error grows from 0.01 to 0.1: to 10 times."
    (line,) = effects(table.assign(rmse=[0.1, 0.2, 0.01]), ERROR, ["rmse"])
    assert "falls from 0.2 to 0.1" in line and "it is lowest, 0.01 in the mean, at 3" in line


def test_means_and_ranges_are_of_the_same_points_where_some_failed() -> None:
    # One of the repetitions of one setting failed at one end.
    table = crossed(repeats=3, test=["a", "b", "c"], scale=[1.0, 2.0])
    factor = table["test"].map({"a": 2.0, "b": 4.0, "c": 8.0})
    table["rmse"] = np.where(table["scale"] == 2.0, factor, 1.0)
    failed = (table["test"] == "c") & (table["scale"] == 2.0)
    late = table[~(failed & (table["repeat"] == 2))]
    line = next(line for line in effects(late, ERROR, ["rmse"]) if "From scale" in line)
    assert "to 4 times (2 to 8 over 3 other settings)" in line
    # Most repetitions of one setting are under way.
    late = table[~(failed & (table["repeat"] > 0))]
    line = next(line for line in effects(late, ERROR, ["rmse"]) if "From scale" in line)
    assert f"to {np.sqrt(8):.3g} times (2 to 4 over 2 other settings)" in line
    # Every setting has repetitions of its own.
    own = table.assign(repeat=table["repeat"] + 3 * table["test"].map({"a": 0, "b": 1, "c": 2}))
    line = next(line for line in effects(own, ERROR, ["rmse"]) if "From scale" in line)
    assert "to 4 times (2 to 8 over 3 other settings)" in line


def test_axes_that_vary_together_are_told_of_as_one() -> None:
    table = pd.DataFrame(
        {"state": ["a", "b"], "noise": ["none", "some"], "repeat": 0, "rmse": [1.0, 2.0]}
    )
    (line,) = effects(table, ERROR, ["rmse"])
    assert "a, none has the lowest" in line and "b, some has 2 times as much" in line


def test_no_shots_are_no_small_number_of_shots() -> None:
    table = crossed(repeats=1, shots=[0, 100]).assign(rmse=[0.1, 0.2])
    (line,) = effects(table, ERROR, ["rmse"])
    assert line.startswith("By shots: exact means has the lowest")


def test_differences_of_accuracies_are_told_as_differences() -> None:
    table = crossed(repeats=1, model=["a", "b"]).assign(accuracy=[0.9, 0.75])
    quantity = Quantity("accuracy", "accuracy", by_ratio=False, form=".3f", best="highest")
    (line,) = effects(table, quantity, ["accuracy"])
    assert (
        "a has the highest accuracy (0.900)" in line and "b differs by \N{MINUS SIGN}0.150" in line
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 2.0]), st.integers(0, 2),
                  st.one_of(st.none(), st.floats(0, 1e3))),
        max_size=12, unique_by=lambda row: row[:3],
    )
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_part_of_a_sweep_gives_sentences_or_none(rows: list[tuple[Any, ...]]) -> None:
    table = pd.DataFrame(rows, columns=["test", "noise.scale", "repeat", "rmse"])
    for line in effects(table, ERROR, ["rmse"]):
        assert line.endswith(".") and "nan" not in line and "inf" not in line


@pytest.mark.parametrize("study", [study for study in STUDIES if study in AXES])
def test_every_study_tells_what_was_found_in_sentences_with_numbers(study: str) -> None:
    results: Any = Tabled(sweep_table(study, AXES[study]))
    results.status = lambda: type("Done", (), {"done": 1})
    found = study_named(study).found(results)
    assert found and all(re.search(r"\d", line) for line in found)
    assert not any("nan" in line for line in found)


# The page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of which one point is missing."""
    path = tmp_path_factory.mktemp("reported") / "results"
    kind, document = load_study("noise", [
        "images=1", "device=grid:3x3", "convolution.kernel=[2, 2]", "convolution.stride=6",
        "convolution.filters={kind='ansatz', layers=1}", "convolution.overlap=inversion",
        "shots=[10, 100]", "noise.scale=[0.5, 2.0]", "repeat=[0]",
        'report.author="A. <Name>"', "check_fraction=0.0",
    ])  # fmt: skip
    plan = make_plan(kind, document)
    open_folder(path, plan)
    assert not compute(plan, path, plan.points[:3])
    return path


def test_the_first_screen_says_whose_it_is_and_what_is_missing(folder: Path) -> None:
    page = write_report(folder).read_text()
    first = page[: page.index("<nav")]
    assert "<h1>Noise against the error of feature maps, for each overlap test</h1>" in first
    assert "A. &lt;Name&gt;" in first
    assert "of 4 points 3 were measured, 1 missing" in first
    for words in ("The question", "What was found", "RMS error of feature maps", "<img"):
        assert words in first
    named = write_report(folder, title="Mine", author="").read_text()
    assert "<h1>Mine</h1>" in named and "Name" not in named[: named.index("<nav")]


def test_what_was_found_of_one_point_is_its_error_beside_the_prediction(tmp_path: Path) -> None:
    _, document = load_study("noise", ["images=1", "shots=100", "device=grid:3x3"])
    document |= {"convolution": {"kernel": [2, 2], "filters": {"kind": "ansatz", "layers": 1}}}
    document |= {"axes": {}, "noise": "depolarizing"}
    results = studies.run(document, out=tmp_path / "one")
    row = results.table().iloc[0]
    (told,) = results.findings()
    assert told.startswith(f"The measured error, RMSE {row['rmse']:.4f}, is ")
    assert told.endswith(f", {row['predicted_rmse']:.4f}.")
    page = results.report().read_text()
    assert told in page and "Nothing was measured" not in page


def test_the_page_holds_its_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_report(folder).read_text()
    (encoded,) = re.findall(r'href="data:text/csv;charset=utf-8;base64,([^"]*)"', page)
    table = load(folder)
    lines = base64.b64decode(encoded).decode().splitlines()
    assert lines[0].split(",") == list(table.columns) and len(lines) == 1 + len(table)
    assert not (folder / "data.csv").exists()
    monkeypatch.setattr(data_table, "LARGEST_LINK", 10)
    assert '<a download="data.csv" href="data.csv">' in write_report(folder).read_text()
    assert (folder / "data.csv").read_text().splitlines() == lines


def test_a_study_that_cannot_tell_what_was_found_costs_the_sentences_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(results: object) -> list[str]:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr("studies.noise.findings.findings", fail)
    page = write_report(folder).read_text()
    assert "what was found could not be told (ZeroDivisionError: of nothing" in page
    assert "Numbers" in page


def test_cells_cannot_end_the_script_and_numbers_stay_numbers() -> None:
    rows = [{"a": "</script><b>", "b": 0.1 + 0.2, "c": np.nan}, {"a": None, "b": np.inf, "c": 3}]
    table = data_table.data_table(["a", "b", "c"], rows, {"a": 'what "a" is'})
    assert table.count("</script>") == 1 and "<b>" not in table
    assert 'title="what &quot;a&quot; is"' in table
    (content,) = re.findall(r'<script type="application/json">(.*?)</script>', table)
    assert json.loads(content)["rows"] == [["</script><b>", 0.3, None], [None, "inf", 3]]


def test_large_whole_numbers_keep_their_digits_in_scripts() -> None:
    seed = 2**63 + 1
    table = data_table.data_table(["seed"], [{"seed": seed}, {"seed": 2**53 - 1}], {})
    assert f'[["{seed}"],[{2**53 - 1}]]' in table


def test_what_differs_in_its_last_digits_is_not_said_to_be_the_same() -> None:
    rows = [{"scale": 1.0 + number * 1e-9, "one": 1, "none": None} for number in range(2)]
    results: Any = Tabled(pd.DataFrame())
    results.rows = lambda: (["scale", "one", "none"], rows)
    results.plan = type("Plan", (), {"columns": {}})
    page = "".join(_numbers(results, 2))
    assert "The same in all rows: one = 1." in page and ">scale</th>" in page


def test_a_table_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_table, "LARGEST_TABLE", 50)
    table = data_table.data_table(["a"], [{"a": number} for number in range(100)], {})
    (told,) = re.findall(r"The first (\d+) of 100 rows", table)
    (content,) = re.findall(r'<script type="application/json">(.*?)</script>', table)
    assert len(json.loads(content)["rows"]) == int(told) < 100


@pytest.mark.skipif(NODE is None, reason="Node.js runs the page's script")
def test_the_script_sorts_and_filters() -> None:
    rows = [[3, "b"], [None, "A"], [1.5, "ab"], [20, None]]
    cases: dict[str, Any] = {
        "selected(rows, ['', ''], 0, false)": [[1.5, "ab"], [3, "b"], [20, None], [None, "A"]],
        "selected(rows, ['', ''], 0, true)": [[20, None], [3, "b"], [1.5, "ab"], [None, "A"]],
        "selected(rows, ['>=3', ''], null, false)": [[3, "b"], [20, None]],
        "selected(rows, ['!=3', ''], null, false)": [[None, "A"], [1.5, "ab"], [20, None]],
        "selected(rows, ['', 'a'], null, false)": [[None, "A"], [1.5, "ab"]],
        "selected(rows, ['', '=a'], null, false)": [[None, "A"]],
        "selected(rows, ['<2', 'b'], null, false)": [[1.5, "ab"]],
        "written(0.000123456)": "0.00012346",
    }
    told = f"console.log(JSON.stringify([{','.join(cases)}]))"
    script = f"const rows = {json.dumps(rows)};{data_table.SCRIPT};{told}"
    ran = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == list(cases.values())


def test_a_page_without_a_table_has_no_script() -> None:
    assert "<script" not in html.page("Title", [html.paragraphs("words")])


# Titles, authors, and what figures say


def test_what_reports_say_changes_no_point() -> None:
    kind, document = load_study("noise", ["repeat=[0]", "noise.scale=[1.0]"])
    other = {**document, "report": {"title": "t", "author": "a", "figure_titles": True}}
    plans = [make_plan(kind, each) for each in (document, other)]
    assert plans[0].digest == plans[1].digest
    assert [p.document for p in plans[0].points] == [p.document for p in plans[1].points]
    assert load_study({**other})[1]["report"] == other["report"]


@pytest.mark.parametrize("table", [{"titel": "t"}, {"author": 3}, {"figure_titles": "yes"}])
def test_what_no_report_says_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        load_study({"study": {"name": "noise"}, "report": table})
    with pytest.raises(InputError):
        Presentation.of({"report": table})


def test_the_device_and_the_noise_are_named_in_words() -> None:
    kind, document = load_study("noise")
    assert conditions_text(kind, document) == (
        "Device willow_pink; noise: depolarizing p1=0.001, p2=0.005; readout p01=0.01, p10=0.03; "
        "swept: convolution.overlap (ancilla, destructive, inversion), noise.scale (0.01 to 10.0, "
        "20 values)."
    )
    kind, document = load_study("noise", ["noise=willow_pink", "device=willow_pink"])
    assert "noise: calibrated willow_pink" in conditions_text(kind, document)


@pytest.mark.parametrize("titled", [False, True])
def test_figures_say_what_they_are_of_in_their_metadata(
    titled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    figure = Figure(layout="constrained")
    figure.subplots().plot([1, 2])
    with drawn_of(About("Device grid:3x3 & no noise.", "qucnn_cirq 1, commit ab", titled)):
        save_figure(figure, tmp_path, "name", dpi=40)
    with Image.open(tmp_path / "name.png") as picture:
        assert picture.text["Description"] == "Device grid:3x3 & no noise."
        assert picture.text["Source"] == "qucnn_cirq 1, commit ab"
    assert figure.get_suptitle() == ("Device grid:3x3 & no noise." if titled else "")


def test_results_are_of_one_moment(folder: Path) -> None:
    results = read_results(folder)
    assert results.started is None or results.started[0] <= results.started[1]


def test_words_that_only_look_like_formulas_are_drawn_as_they_are(tmp_path: Path) -> None:
    words = [r"n$\frac{$.toml", "a$_{b$", "$x$", "5 $ or 6 $", "$", "$a$\nb$c"]
    with theme():
        figure = Figure(figsize=(4, 3), layout="constrained")
        axes = figure.subplots()
        axes.plot([1, 2, 3], label=words[0])
        axes.set_title(words[1])
        axes.set_xticks([0, 1, 2], [words[2], words[4], r"${}F$ of $x$"])
        axes.set_yscale("log")
        axes.set_yticks([1, 10, 100])
        axes.set_ylabel(r"${}\hat F$ of " + words[2])
        axes.text(0, 1, words[5])
        axes.legend()
        figure.suptitle(words[3])
        save_figure(figure, tmp_path, "words")
        save_figure_as(figure, tmp_path / "words.svg")
    # What is written to the file without being typeset is what was given.
    written = {each.text for each in ElementTree.parse(tmp_path / "words.svg").iter() if each.text}
    assert {*words[:5], "$a$", "b$c"} <= written
    texts = {each.get_text() for each in figure.findobj(Text)}
    assert {r"${}\hat F$ of \$x\$", r"${}F$ of \$x\$", r"\$x\$"} <= texts
    assert any(text.startswith(r"$\mathdefault") for text in texts)


def test_formulas_of_the_package_are_marked_as_such() -> None:
    root = Path(__file__).parents[1]
    files = [*(root / "qucnn_cirq" / "drawing").glob("*.py"), *(root / "studies").rglob("*.py")]
    constants = [
        node.value
        for path in files
        # Commands for shells, a script for browsers, and the pattern of formulas itself.
        if path.parent.name != "commands" and path.name not in ("data_table.py", "theme.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    formulas = [each for text in constants for each in re.findall(r"\$[^$`\n]+\$", text)]
    assert len(formulas) > 15 and all(each.startswith("${}") for each in formulas)
