"""Figures as they are chosen: any measured column against any axis, and nothing pooled unsaid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_tables import AXES, sweep_table
from helpers import here_and_now
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats
from test_figures import check_readable

import studies
from qucnn_cirq.cli import main
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.errors import InputError
from studies import drawing
from studies.drawing import lay_out
from studies.plotting.selection import conditions_of, selected
from studies.plotting.table_figure import MOST_PANELS, TableFigure, plot_table

MEANINGS = {"rmse": "root mean square of estimate - F", "patches": "patches, " * 40}


@pytest.fixture(autouse=True)
def laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "lay_out", lay_out)


def drawn(axes: dict[str, list[Any]], study: str = "noise", **chosen: Any) -> TableFigure:
    """A figure of a sweep over axes, which can be read."""
    found = plot_table(sweep_table(study, axes), axes, MEANINGS, **chosen)
    with theme():
        check_readable(found.figure)
    return found


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


def entries(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.texts]


KINDS: dict[str, list[Any]] = {
    "shots": [10, 100, 1000],
    "noise.scale": [0.0, 0.1, 1.0, 10.0],
    "noise.depolarizing.p1": [0.011, 0.012, 0.013],
    "bias": [-1.0, 0.0, 1.0],
    "layers": [1, 2, 3],
    "one": [3.0],
    "convolution.overlap": ["ancilla", "destructive", "inversion"],
    "convolution.kernel": ["2x2", "4x4"],
    "noise": ["willow_pink", "depolarizing p1=0.001, p2=0.005; readout p01=0.01, p10=0.03"],
    "walkers": [True, False],
    "infidelity": ["auto", 0.0, 0.001],
    "gate_set": [None, "cz"],
    "money": ["$a$", "b_$"],
}


@pytest.mark.parametrize("x", KINDS)
@pytest.mark.parametrize("other", ["shots", "convolution.overlap"])
def test_every_kind_of_axis_is_drawn_and_can_be_read(x: str, other: str) -> None:
    if x == other:
        other = "noise.scale"
    axes = {x: KINDS[x], other: KINDS[other], "repeat": [0, 1, 2]}
    table = sweep_table("noise", axes)
    for chosen in ({"hue": other}, {"facet": other}):
        found = drawn(axes, x=x, y="rmse", **chosen)
        assert len(found.data) == len(KINDS[x]) * len(KINDS[other])
        assert set(found.data["repetitions"]) == {3}
        means = [own.mean() for _, own in table.groupby([x, other], dropna=False)["rmse"]]
        np.testing.assert_allclose(sorted(found.data["rmse"]), sorted(means))
        assert len(panels(found.figure)) == (len(KINDS[other]) if "facet" in chosen else 1)
        assert any("95 % interval of the mean of 3 repetitions" in each for each in
                   entries(found.figure))  # fmt: skip


def test_what_is_drawn_is_the_mean_and_student_s_interval() -> None:
    axes = {"noise.scale": [0.1, 1.0], "repeat": [0, 1, 2, 3]}
    table = sweep_table("noise", axes)
    found = drawn(axes, y="rmse")
    for row in found.data.itertuples():
        own = table[table["noise.scale"] == row[2]]["rmse"]
        low, high = stats.t.interval(0.95, 3, own.mean(), stats.sem(own))
        np.testing.assert_allclose([row.rmse, row.low, row.high], [own.mean(), low, high])
    (panel,) = panels(found.figure)
    (line,) = [each for each in panel.lines if len(each.get_xdata())]
    np.testing.assert_allclose(line.get_ydata(), found.data["rmse"])
    assert panel.get_xlabel() == "noise.scale"
    assert panel.get_ylabel().replace("\n", " ") == f"rmse: {MEANINGS['rmse']}"


def test_a_band_may_be_the_standard_error() -> None:
    axes = {"noise.scale": [0.1, 1.0], "repeat": [0, 1, 2, 3]}
    found = drawn(axes, y="rmse", band="error")
    errors = sweep_table("noise", axes).groupby("noise.scale")["rmse"].apply(stats.sem)
    np.testing.assert_allclose(found.data["high"] - found.data["rmse"], errors)
    np.testing.assert_allclose(found.data["rmse"] - found.data["low"], errors)
    assert entries(found.figure)[-1] == "standard error of the mean of 4 repetitions"
    assert (drawn({"shots": [1, 10]}, y="rmse", band="error").data["low"] > 0).all()


def test_one_repetition_has_no_interval_and_long_meanings_are_left_out() -> None:
    found = drawn({"shots": [1, 10]}, y="patches")
    assert entries(found.figure) == ["patches"]
    assert panels(found.figure)[0].get_ylabel() == "patches"
    assert (found.data["low"] == found.data["high"]).all()


def test_axes_are_logarithmic_where_that_is_sensible_and_the_same_in_all_panels() -> None:
    def scales(axes: dict[str, list[Any]], **chosen: Any) -> set[tuple[str, str]]:
        figure = drawn(axes, **chosen).figure
        assert len({axes.get_xlim() for axes in panels(figure)}) == 1
        return {(axes.get_xscale(), axes.get_yscale()) for axes in panels(figure)}

    assert scales({"shots": [1, 10]}, y="rmse") == {("log", "linear")}
    assert scales({"shots": [1, 9]}, y="rmse") == {("linear", "linear")}
    assert scales({"noise.scale": [0, 1, 10]}, y="rmse") == {("symlog", "linear")}
    assert scales({"noise.scale": [0, 5, 10, 15]}, y="rmse") == {("linear", "linear")}
    assert scales({"noise.scale": [1, 50, 99]}, y="rmse") == {("linear", "linear")}
    wide = {"convolution.overlap": ["a", "b"], "filters": [1, 2], "shots": [1000, 20]}
    assert scales(wide, x="filters", facet="convolution.overlap", hue="shots",
                  y="shots_taken", study="measured_once") == {("linear", "log")}  # fmt: skip


def test_steps_of_a_point_are_an_axis_too() -> None:
    layers = {"convolution.filters.layers": [1, 2], "repeat": [0, 1]}
    hue = "convolution.filters.layers"
    found = drawn(layers, "learning", x="iteration", hue=hue, y="fidelity")
    assert len(found.data) == 8 and entries(found.figure)[:2] == ["1 layer", "2 layers"]
    with pytest.raises(InputError, match="the same repetition"):
        drawn(layers, "learning", x=hue, y="fidelity")


def test_nothing_but_repetitions_is_pooled() -> None:
    axes = AXES["noise"]
    for chosen in ({}, {"hue": "shots"}, {"facet": "convolution.overlap"}):
        with pytest.raises(InputError, match="a mean would pool") as refused:
            drawn(axes, x="noise.scale", y="rmse", **chosen)
        assert "name it among the lines" in str(refused.value)
    found = drawn(axes, x="noise.scale", y="rmse", hue=["shots"], facet=["convolution.overlap"])
    assert len(found.data) == 18
    # What goes along with the axis is no pooling.
    table = sweep_table("noise", {"noise.scale": [1.0, 2.0]})
    table["device"] = ["weber", "rainbow"]
    assert len(plot_table(table, ["noise.scale", "device"], {}, x="device", y="rmse").data) == 2


def test_rows_that_lack_the_column_are_left_out() -> None:
    table = sweep_table("noise", {"shots": [1, 10], "method": ["a", "b"]})
    table.loc[table["method"] == "b", "rmse"] = np.nan
    found = plot_table(table, ["shots", "method"], {}, x="shots", y="rmse", hue="method")
    assert set(found.data["method"]) == {"a"}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"y": "rmse"}, "x is missing: give one of convolution.overlap, noise.scale, shots."),
        ({"x": "shots"}, "y is missing: give one of patches, rmse, systematic_rmse"),
        ({"x": "shot", "y": "rmse"}, "unknown column x = 'shot'. Did you mean 'shots'? Known: "
         "convolution.overlap, noise.scale, shots."),
        ({"x": "shots", "y": "rsme"}, "unknown measured column of numbers y = 'rsme'. Did you "
         "mean 'rmse'? Known: correct,"),
        ({"x": "shots", "y": "noise.scale"}, "measured column of numbers y = 'noise.scale'"),
        ({"x": "shots", "y": "rmse", "hue": "no"}, "unknown column hue = 'no'"),
        ({"x": "shots", "y": "rmse", "facet": ["shots"]}, "shots is named twice"),
        ({"x": "point", "y": "rmse"}, "unknown column x = 'point'"),
        ({"x": "rmse", "y": "rmse"}, "rmse is y: name another column"),
        ({"x": "shots", "y": "rmse", "band": "no"}, "unknown band 'no'. Known: error, interval."),
        ({"x": "shots", "y": "rmse", "where": "no=1"}, "unknown column 'no'. Known:"),
        ({"x": "shots", "y": "rmse", "where": {"shots": 7}},
         "no row has shots = 7; there are 100, 1000."),
        ({"x": "shots", "y": "rmse", "where": ["shots>7", "shots<8"]},
         "no row is left where shots < 8"),
        ({"x": "shots", "y": "rmse", "where": "shots"}, "filter 'shots' is not allowed"),
        ({"x": "shots", "y": "rmse", "where": "convolution.overlap<3"}, "compares a column of"),
        ({"x": "shots", "y": "rmse", "where": "shots<[3, 4]"}, "compares a column of"),
    ],
)  # fmt: skip
def test_columns_and_values_that_are_not_there_are_named(
    chosen: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        drawn(AXES["noise"], **chosen)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_more_lines_or_panels_than_can_be_told_apart_are_refused() -> None:
    many = {"shots": [1, 10], "own": list(range(MOST_PANELS + 1))}
    with pytest.raises(InputError, match="13 lines in a panel are more than 10"):
        drawn(many, x="shots", y="rmse", hue="own")
    with pytest.raises(InputError, match="13 panels are more than 12"):
        drawn(many, x="shots", y="rmse", facet="own")
    drawn(many, x="shots", y="rmse", facet="own", where="own<12")


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (None, [0, 1, 2, 3, 4]),
        ("a=1", [1]),
        ("a != 1", [0, 2, 3, 4]),
        ("a>=2", [2, 3, 4]),
        (["a>0", "a<3"], [1, 2]),
        ("a=[0, 3]", [0, 3]),
        ("a!=[0, 3]", [1, 2, 4]),
        ({"a": (0, 4)}, [0, 4]),
        ("s=0.0316227766", [1]),
        ("s>0.04", [2, 3]),
        ("k=4x4", [0, 2]),
        ("k = '4x4'", [0, 2]),
        ({"k": "4x4", "a": [0, 1]}, [0]),
        ("t=true", [0, 1]),
        ({"t": False}, [2, 3, 4]),
        ("s=none", [4]),
        ({"m": None}, [1, 2, 3, 4]),
        ("m=auto", [0]),
    ],
)
def test_rows_are_chosen_by_values(where: Any, left: list[int]) -> None:
    table = pd.DataFrame(
        {
            "a": range(5),
            "s": [0.01, 0.0316227766017, 0.1, 1.0, np.nan],
            "k": ["4x4", "2x2", "4x4", "2x2", "3x3"],
            "t": [True, True, False, False, False],
            "m": ["auto", None, None, None, None],
        }
    )
    assert selected(table, conditions_of(where))["a"].tolist() == left


def test_a_figure_says_what_was_chosen() -> None:
    found = drawn(AXES["noise"], x="noise.scale", y="rmse", hue="shots",
                  where=["convolution.overlap=ancilla", "noise.scale<=1"])  # fmt: skip
    assert found.figure.get_suptitle() == "convolution.overlap = ancilla, noise.scale <= 1"
    assert found.name == (
        "plot_rmse_against_noise_scale_by_shots_where_convolution_overlap_ancilla_noise_scale_to_1"
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> studies.Results:
    folder = tmp_path_factory.mktemp("plots") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.sweep.job.local_workers", here_and_now)
        patch.setattr("studies.sweep.job.draw_device_map", lambda *arguments: [])
        return studies.run(
            "noise",
            folder,
            {"convolution.overlap": ["inversion", "destructive"], "noise.scale": [0.1, 1.0],
             "repeat": [0, 1]},
            settings={"images": 1, "device": "grid:4x4", "convolution.stride": 5, "shots": 100,
                      "check_patches": 0},
        )  # fmt: skip


def test_results_and_the_command_line_draw_the_same(
    results: studies.Results, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr(drawing, "FORMATS", ("png", "svg", "pdf"))
    chosen = ["--x", "noise.scale", "--y", "rmse", "--hue", "convolution.overlap"]
    assert main(["plot", str(results.folder), *chosen, "--filter", "noise.scale<=1"]) == 0
    file = Path(capsys.readouterr().out.strip())
    options: dict[str, Any] = {"x": "noise.scale", "y": "rmse", "hue": "convolution.overlap"}
    where = ["noise.scale<=1"]
    own = results.write_plot(**options, where=where, out=tmp_path / "own.name")
    assert own == tmp_path / "own.name.png"
    for suffix in ("png", "svg", "pdf", "csv"):
        written = (tmp_path / f"own.name.{suffix}").read_bytes()
        assert file.with_suffix(f".{suffix}").read_bytes() == written
    assert results.write_plot(**options, where=where) == file
    data = pd.read_csv(file.with_suffix(".csv"))
    assert len(data) == 4 and set(data["repetitions"]) == {2}
    assert isinstance(results.plot(**options), Figure)
    assert main(["plot", str(results.folder), *chosen, "--json"]) == 0
    (name,) = json.loads(capsys.readouterr().out)["figures"]
    assert (results.folder / f"{name}.png").is_file()


def test_results_show_themselves(results: studies.Results) -> None:
    assert repr(results) == f"<Results of noise: 8 of 8 points, {results.folder}>"
    shown = results._repr_html_()
    for words in ("8 of 8 done, 0 failed", "noise.scale", "8 rows", "data:image/png;base64,",
                  "error against noise scale"):  # fmt: skip
        assert words in shown
    (results.folder / "error_against_noise_scale.png").rename(results.folder / "moved.png")
    assert "data:image" not in results._repr_html_()
    (results.folder / "moved.png").rename(results.folder / "error_against_noise_scale.png")


def test_files_need_a_folder(results: studies.Results, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "file"
    with pytest.raises(InputError, match="there is no folder"):
        results.write_plot(x="noise.scale", y="rmse", hue="convolution.overlap", out=missing)
    with pytest.raises(InputError, match="there is no folder"):
        results.report(missing)


def test_the_command_line_says_what_cannot_be_drawn(results: studies.Results, capsys: Any) -> None:
    for options, words in (
        (["--x", "noise.scal", "--y", "rmse"], "Did you mean 'noise.scale'?"),
        (["--y", "rmse", "--filter", "repeat=7"], "no row has repeat = 7; there are 0, 1."),
        (["--x", "noise.scale", "--y", "rmse"], "a mean would pool convolution.overlap"),
        (["--y", "rmse", "--study", "own.py:STUDY"], "--study has no effect"),
    ):
        assert main(["plot", str(results.folder), *options]) == 2
        assert words in capsys.readouterr().err
