"""Figures and means: what is pooled, what is drawn, and whether it can be read."""

from __future__ import annotations

import importlib
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_tables import AXES, Tabled, sweep_table
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from qucnn_cirq import InputError, load_device
from qucnn_cirq.drawing.device_figure import device_figure
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.drawing.ticks import log_axis, log_ticks, shown_labels, tick_numbers, tick_text
from studies import drawing
from studies.drawing import lay_out, series_styles
from studies.gradient.figures import gradient_error_data, plot_gradient_error
from studies.grouping import MOST_LINES, REPEATED, arrange, cells, groups
from studies.learning.figures import learning_data
from studies.noise.figures import _draw_against, _draw_noise_and_shots
from studies.noise.heat_map import noise_and_shots_data, plot_noise_and_shots
from studies.noise.lines import accuracy_data, error_data, name_line, plot_error
from studies.sweep.catalogue import STUDIES, study_named
from studies.sweep.results import _cell
from studies.training.figures import loss_data
from studies.wording import (
    LAYERS,
    axis_text,
    axis_words,
    layers_text,
    name_by_axis,
    noise_text,
    span_text,
)

SWEEP_NAMES = tuple(AXES)
STEPS = {"learning": 4, "training": 2}
"""Rows of a point."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Figure, pd.DataFrame]]:
    """Figures as they would be saved, laid out but not written, which takes most of the time."""
    kept: list[tuple[str, Figure, pd.DataFrame]] = []

    def keep(figure: Figure, data: pd.DataFrame, folder: Path, name: str) -> None:
        kept.append((name, figure, data))

    monkeypatch.setattr(drawing, "save_drawn", keep)
    return kept


# Pooling

VALUES: dict[str, st.SearchStrategy[list[Any]]] = {
    "shots": st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True),
    "noise.scale": st.lists(st.floats(0, 100), min_size=1, max_size=4, unique=True),
    "noise.depolarizing.p1": st.lists(st.floats(1e-6, 0.5), min_size=1, max_size=3, unique=True),
    "convolution.overlap": st.lists(
        st.sampled_from(["ancilla", "destructive", "inversion"]), min_size=1, unique=True
    ),
    "infidelity": st.sampled_from([[0.0, 1e-3, "auto"], [0.0, None], [1, 2]]),
    "walkers": st.sampled_from([[True, False], [None, True]]),
    "repeat": st.sampled_from([[0], [0, 1], [0, 1, 2]]),
    "seed": st.sampled_from([[0], [0, 1]]),
    "first": st.sampled_from([[0], [0, 16]]),
}
SWEPT = st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names})
)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(axes=SWEPT, shuffled=st.booleans())
def test_every_mean_pools_repetitions_alone_and_every_setting_is_drawn(
    axes: dict[str, list[Any]], shuffled: bool
) -> None:
    table = sweep_table("noise", axes)
    if shuffled:
        table = table.sample(frac=1, random_state=3, axis=1)
    varying = [name for name, values in axes.items() if name not in REPEATED and len(values) > 1]
    wanted = int(np.prod([len(axes[name]) for name in varying]))
    repetitions = int(np.prod([len(axes.get(name, [0])) for name in REPEATED]))
    for x in (varying or list(axes))[:1]:
        parts = arrange(table, [x], set(table) - set(axes), lambda values, texts: str(texts))
        panels = [panel for figure in parts.figures for panel in figure]
        assert sum(len(panel.table) for panel in panels) == len(table)
        assert len({panel.title for panel in panels}) == len(panels)
        for panel in panels:
            assert sum(1 for _ in groups(panel.table, parts.lines)) <= MOST_LINES
        data = pd.concat([error_data(panel.table, x, parts.lines) for panel in panels])
        if x in varying:
            assert len(data) == wanted
            assert (data["repetitions"] == repetitions).all()
        # The mean of each point is that of the rows with its settings.
        means = [own["rmse"].mean() for _, own in groups(table, varying)]
        if x in varying:
            np.testing.assert_allclose(sorted(data["rmse"]), sorted(means))
        axes_ = plot_error(Figure().subplots(), table, x)
        points = [line for line in axes_.lines if line.get_marker() not in ("None", "", None)]
        assert sum(len(line.get_xdata()) for line in points) == len(error_data(table, x))
        looks = [look(handle) for handle in axes_.get_legend_handles_labels()[0]]
        assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("study", SWEEP_NAMES)
def test_figures_of_every_sweep_hold_every_setting_whatever_else_varies(
    study: str, drawn: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "legend_below", lambda *_: None)
    table = sweep_table(study, {**AXES[study], "own.setting": [1, 2]})
    assert study_named(study).draw(Tabled(table), Path())
    values = [len(each) for name, each in AXES[study].items() if name not in REPEATED]
    wanted = int(np.prod(values)) * 2
    by_kind: dict[str, int] = {}
    for name, _, data in drawn:
        if "quantity" in data:
            data = data[data["quantity"].isin(["rmse", "loss", "values"])]
        kind = re.sub(r"_\d+$", "", name)
        by_kind[kind] = by_kind.get(kind, 0) + len(data)
    assert set(by_kind.values()) == {wanted * STEPS.get(study, 1)}
    assert study_named(study).text(Tabled(table))


@pytest.mark.parametrize(
    ("study", "mean"),
    [
        ("noise", lambda table: error_data(table, "shots", ["convolution.overlap"])),
        ("noise", lambda table: plot_error(Figure().subplots(), table, "shots", [])),
        ("noise", lambda table: accuracy_data(table, "noise.scale", ["shots"])),
        ("noise", noise_and_shots_data),
        ("noise", lambda table: plot_noise_and_shots(Figure().subplots(), table)),
        ("gradient", lambda table: gradient_error_data(table, ["method", "upstream"])),
        ("gradient", lambda table: plot_gradient_error(Figure().subplots(), table, [])),
        ("learning", lambda table: learning_data(table, ["shots"])),
        ("training", lambda table: loss_data(table, ["model"])),
    ],
)
def test_means_over_a_setting_are_refused_in_a_sentence(study: str, mean: Any) -> None:
    with pytest.raises(InputError, match="would pool") as refused:
        mean(sweep_table(study, AXES[study]))
    assert len(str(refused.value)) <= 200


def test_rows_that_nothing_tells_apart_are_refused() -> None:
    table = sweep_table("noise", {"shots": [10, 100], "repeat": [0, 1]})
    assert set(error_data(table, "shots")["repetitions"]) == {2}
    for twice in (pd.concat([table, table]), table.drop(columns="repeat")):
        with pytest.raises(InputError, match="the same repetition"):
            error_data(twice, "shots")
    with pytest.raises(InputError, match="no rows"):
        error_data(table[:0], "shots")
    with pytest.raises(InputError, match="no column 'nothing'|no column nothing"):
        error_data(table, "nothing")


def test_missing_values_and_lists_are_settings_too() -> None:
    table = pd.DataFrame({"a": [None, np.nan, 1.0], "b": [[1], [2], [1]], "v": [1.0, 2.0, 3.0]})
    found = [(values["b"], len(own)) for values, own in cells(table, ["a", "b"], ["v"])]
    assert found == [([1], 1), ([2], 1), ([1], 1)]


def test_more_panels_than_can_be_looked_at_are_refused() -> None:
    values = {"shots": [1, 2], "noise.scale": list(range(200)), "own": list(range(10))}
    table = sweep_table("noise", values)
    with pytest.raises(InputError, match="more than") as refused:
        arrange(table, ["shots"], ["rmse"], lambda values, texts: "", lines=())
    assert len(str(refused.value)) <= 200


def test_settings_that_go_along_with_the_axis_need_no_lines() -> None:
    table = sweep_table("noise", {"noise.scale": [0.1, 1.0, 10.0]})
    table["noise.depolarizing.p1"] = table["noise.scale"] * 1e-3
    parts = arrange(table, ["noise.scale"], set(table) - {"noise.scale", "noise.depolarizing.p1"},
                    lambda values, texts: "")  # fmt: skip
    assert parts.lines == () and parts.along == ("noise.depolarizing.p1",)


def test_intervals_of_accuracy_count_each_image_once() -> None:
    table = sweep_table("noise", {"noise.scale": [1.0], "repeat": [0, 1], "first": [0, 25, 50]})
    assert list(accuracy_data(table, "noise.scale")["images"]) == [100]


# What is drawn can be read


def look(handle: Any) -> tuple[object, ...]:
    """Everything by which an entry of a legend can be told from others."""
    if hasattr(handle, "get_marker"):
        marker = handle.get_marker()
        faces = () if marker in ("None", "", None) else (to_rgba(handle.get_markerfacecolor()),)
        return ("line", marker, handle.get_linestyle(), to_rgba(handle.get_color()), faces)
    widths = tuple(width > 0 for width in np.atleast_1d(handle.get_linewidth()))
    return ("patch", tuple(np.ravel(handle.get_facecolor())), widths)


def check_readable(figure: Figure) -> None:
    """No labels over each other or twice side by side, no entry of a legend that looks as another.

    Colours that are compared have one scale, and no text is too small for a journal's column.
    """
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 7
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axes.axison:
                continue
            labels = [text for _, text in shown_labels(axis)]
            texts = [text.get_text() for text in labels]
            assert all(a != b for a, b in itertools.pairwise(texts)), texts
            boxes = [text.get_window_extent() for text in labels]
            overlapping = [a.overlaps(b) for a, b in itertools.combinations(boxes, 2)]
            assert not any(overlapping), texts
    for legend in figure.legends:
        looks = [look(handle) for handle in legend.legend_handles]
        assert len(set(looks)) == len(looks), [text.get_text() for text in legend.texts]
    panels = [
        mesh
        for axes in figure.axes
        for mesh in axes.collections
        if hasattr(mesh, "get_coordinates") and axes.get_label() != "<colorbar>"
    ]
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for mesh in panels}) <= 1


@pytest.mark.parametrize("study", SWEEP_NAMES)
def test_figures_of_every_sweep_can_be_read(study: str, drawn: list[Any]) -> None:
    # Figures of the others have tests of their own.
    others = {"forward", "loading", "budget", "benchmark", "mitigation", "systems"}
    assert set(SWEEP_NAMES) == set(STUDIES) - others
    names = study_named(study).draw(Tabled(sweep_table(study, AXES[study])), Path())
    assert names == [name for name, _, _ in drawn]
    with theme():
        for _, figure, _ in drawn:
            lay_out(figure)
            check_readable(figure)


def test_a_figure_is_laid_out_before_it_is_saved_and_once_for_all_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[Figure] = []
    monkeypatch.setattr(drawing, "lay_out", lambda figure: laid.append(figure) or lay_out(figure))
    monkeypatch.setattr(drawing, "FORMATS", ("png", "svg", "pdf"))
    figure = Figure(figsize=(3, 2), layout="constrained")
    figure.subplots().set_ylabel("two\nlines")
    before = figure.axes[0].get_position().x0
    drawing.save_figure(figure, tmp_path, "one")
    assert laid == [figure]
    assert figure.axes[0].get_position().x0 > before
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg", ".pdf"}


SPANS = [(1.0, 1.01), (1.0, 1.2), (2.1, 4.9), (1.0, 3.0), (3e-4, 9e-3), (0.9, 30.0), (1e-12, 1e9),
         (2.345e-7, 2.351e-7), (1, 1e5)]  # fmt: skip


@pytest.mark.parametrize("span", SPANS)
def test_logarithmic_axes_of_any_length_have_a_few_labels(span: tuple[float, float]) -> None:
    with theme():
        figure = Figure(figsize=(2.4, 1.6), layout="constrained")
        axes = figure.subplots()
        axes.plot(span, span)
        log_axis(axes, "x")
        log_axis(axes, "y")
        lay_out(figure)
        check_readable(figure)
        for axis in (axes.xaxis, axes.yaxis):
            assert 2 <= len(shown_labels(axis)) <= 9


@pytest.mark.parametrize("span", [(0.02, 0.0202), (0.0195, 0.0204), (1e-4, 0.3), (0.0199999, 0.02)])
def test_percentages_have_digits_enough(span: tuple[float, float]) -> None:
    figure = Figure(figsize=(2, 2.5))
    axes = figure.subplots()
    axes.set(ylim=span, yscale="log")
    log_ticks(axes.yaxis, percent=True)
    check_readable(figure)
    texts = [text.get_text() for _, text in shown_labels(axes.yaxis)]
    assert len(texts) >= 2 and all(text.endswith(" %") for text in texts)
    assert all(span[0] * 0.999 <= float(text[:-2]) / 100 <= span[1] * 1.001 for text in texts)


def test_numbers_at_ticks_say_what_they_are() -> None:
    texts = {
        0.5: "0.5",
        20_000: "20000",
        1e6: "${}10^{6}$",
        2e-4: r"${}2\times10^{-4}$",
        -0.1: "−0.1",
    }
    assert {number: tick_text(number) for number in texts} == texts
    assert tick_text(0.0251, percent=True) == "2.51 %"


def test_many_categories_are_turned_or_left_out() -> None:
    with theme():
        figure = Figure(figsize=(2, 2), layout="constrained")
        left, right = figure.subplots(2, 1)
        for axes, count in ((left, 6), (right, 40)):
            drawing.place_on_axis(axes, pd.Series([f"overlap test {n}" for n in range(count)]))
            axes.set_xlim(-0.5, count)
        left.set_xticks(range(4), ["ancilla", "destructive", "inversion", "another"])
        lay_out(figure)
        check_readable(figure)
    assert len(shown_labels(left.xaxis)) == 4


def test_long_categories_are_wrapped_and_told_apart() -> None:
    tables = [{"kind": "fixed", "values": [0.125] * 30 + [last]} for last in (0.25, 0.5)]
    noise = {"depolarizing": {"p1": 0.001, "p2": 0.03}, "readout": {"p01": 0.1}}
    texts = ["ideal", *map(_cell, (noise, *tables)), _cell([{"layers": 1}, {"layers": 2}])]
    assert texts[1] == "depolarizing p1=0.001, p2=0.03; readout p01=0.1"
    assert texts[-1] == "layers=1 + layers=2"
    with theme():
        figure = Figure(figsize=(7, 3), layout="constrained")
        axes = figure.subplots()
        drawing.place_on_axis(axes, pd.Series(texts))
        lay_out(figure)
        check_readable(figure)
        labels = [text for _, text in shown_labels(axes.xaxis)]
        assert len({label.get_text() for label in labels}) == len(texts)
        assert all(label.get_window_extent().y0 >= 0 for label in labels)
        assert axes.get_window_extent().height > 40


def test_what_is_left_to_the_compiler_says_of_what() -> None:
    values = {"convolution.overlap": "ancilla", "infidelity": "auto"}
    assert name_line(values, values) == "ancilla, infidelity auto"


def test_ranges_and_names_say_what_is_the_same_once() -> None:
    assert span_text([50, 50]) == "50" and span_text([1000, 2], ",") == "2 to 1,000"
    assert span_text([0.8771, 0.8774], ".3f") == "0.877"
    name = name_by_axis({"noise.scale": noise_text, LAYERS: layers_text})
    texts = {"noise.scale": "0.0", LAYERS: "1", "own.setting": "2"}
    assert name({"noise.scale": 0.0, LAYERS: 1, "own.setting": 2}, texts) == (
        "ideal, 1 layer, setting 2"
    )
    assert (noise_text(0.5), layers_text(3)) == ("noise x 0.5", "3 layers")


def test_keys_that_several_kinds_of_noise_have_are_named_with_their_kind() -> None:
    names = {
        "noise.crosstalk.p": "crosstalk p",
        "noise.preparation.p": "preparation p",
        "noise.coherent.angle": "coherent angle",
        "noise.correlated_readout.both": "correlated readout both",
        "noise.drift.sd": "drift sd",
        "noise.readout.p10": "p10",
        'noise."own.py:Mine".p': "p",
    }
    assert {axis: axis_words(axis) for axis in names} == names
    assert {axis: axis_text(axis, 1) for axis in names} == {
        axis: f"{name} 1" for axis, name in names.items()
    }


@pytest.mark.parametrize("count", [2, 10, 11, 37])
@pytest.mark.parametrize("ordered", [False, True])
def test_no_two_lines_look_the_same(count: int, ordered: bool) -> None:
    looks = {(to_rgba(style.colour), style.marker) for style in series_styles(count, ordered)}
    assert len(looks) == count


def test_maps_of_noise_and_shots_share_their_colours(drawn: list[Any]) -> None:
    table = sweep_table("noise", AXES["noise"])
    table.loc[table["convolution.overlap"] == "ancilla", "rmse"] *= 50
    _draw_noise_and_shots(table[table["convolution.overlap"] != "inversion"], Path())
    ((_, figure, data),) = drawn
    check_readable(figure)
    mesh = next(mesh for mesh in figure.axes[0].collections if hasattr(mesh, "get_coordinates"))
    assert mesh.norm.vmin == pytest.approx(data["rmse"].min())
    assert mesh.norm.vmax == pytest.approx(data["rmse"].max())


def test_errors_of_feature_maps_share_their_colours() -> None:
    from studies.forward.figures import _rows

    generator = np.random.default_rng(2)
    shape = (1, 2, 3, 3)
    arrays: dict[str, Any] = {"images": np.ones((1, 5, 5))}
    for name, size in (("squared_cosine", 0.5), ("ideal", 0.5), ("noisy", 0.9)):
        arrays[name] = size * generator.random(shape)
    for name, size in (("ideal", 0.01), ("noisy", 0.2)):
        arrays[f"{name}_difference"] = size * generator.normal(size=shape)
    for number in (0, 1):
        rows = {row.array: row for row in _rows(arrays, number)}
        largest = np.abs(arrays["noisy_difference"]).max()
        ends = {rows[name].limits for name in ("ideal_difference", "noisy_difference")}
        assert len(ends) == 1
        assert next(iter(ends))[1] == pytest.approx(largest, rel=0.1)
        assert rows["ideal_difference"].scale == rows["noisy_difference"].scale


def test_loading_is_drawn_against_exact_loading_once() -> None:
    plot = importlib.import_module("studies.loading.figures").draw_loading
    table = pd.DataFrame(
        {
            "infidelity": [0.0, 0.001, 0.0015, "auto"],
            "loader_gates": [4.0, 3.0, 2.5, 3.0],
            "error": [0.02, 0.018, 0.019, 0.018],
            "gain": [0.0, 2e-3, 1e-3, 2e-3],
            "gain_standard_error": [0.0, 1e-4, 1e-4, 1e-4],
            "error_without_noise": [0.0, 1e-4, 1.2e-4, 1e-4],
        }
    )
    with theme():
        figure = plot(table)
        lay_out(figure)
        check_readable(figure)
        # Whether "auto" was measured or not.
        assert len(plot(table[table["infidelity"] != "auto"]).axes) == 3
    for wrong in (pd.concat([table, table]), table[1:]):
        with pytest.raises(InputError, match="one row with infidelity = 0"):
            plot(wrong)


def test_circuits_that_differ_in_more_than_the_kernel_have_a_row_each(drawn: list[Any]) -> None:
    circuits = [
        ("2x4", "kind=qcnn, block=su4", "ancilla", "kind=z, qubits=5"),
        ("1x16", "kind=dual, architecture=s", "ancilla", "overlap"),
        ("1x16", "kind=dual, architecture=s", "destructive", "overlap"),
        ("2x2", "kind=random_circuit, rotations=4", "ancilla", "z"),
    ]
    names = ("kernel", "filters", "overlap", "measurement")
    rows = [
        {
            "compiler": compiler,
            **{f"convolution.{name}": value for name, value in zip(names, own, strict=True)},
            "two_qubit_gates": (place + 1) * number,
            "two_qubit_depth": place + 1 + number,
            "error": 0.01 * (place + 1 + number),
        }
        for place, compiler in enumerate(("qucnn", "cirq"))
        for number, own in enumerate(circuits)
    ]
    with theme():
        assert study_named("compilation").draw(Tabled(pd.DataFrame(rows)), Path()) == [
            "compilation"
        ]
        ((_, figure, data),) = drawn
        lay_out(figure)
        check_readable(figure)
    first, *others = figure.axes[:3]
    labels = [text.get_text() for text in first.get_yticklabels()]
    assert labels == [
        "qcnn, su4, 2x4",
        "dual, s, 1x16, ancilla",
        "dual, s, 1x16, destructive",
        "random_circuit, 4, 2x2",
    ]
    assert not any(text.get_visible() for axes in others for text in axes.get_yticklabels())
    assert len(data) == len(rows)
    # No gates have a place on the axis, too.
    assert first.get_xlim()[0] < 0 == min(line.get_xdata().min() for line in first.lines)


def test_colour_bars_of_devices_can_be_read() -> None:
    figure = device_figure(load_device("willow_pink"))
    check_readable(figure)


@pytest.mark.parametrize("most", range(3, 10))
def test_ticks_of_a_long_logarithmic_axis_do_not_crowd_at_its_end(most: int) -> None:
    for decades in np.linspace(1.01, 12, 45):
        for first in np.linspace(0, 1, 24, endpoint=False):
            low, high = 10**first, 10 ** (first + decades)
            numbers = tick_numbers(low, high, most)
            assert 2 <= len(numbers) <= most
            gaps = np.diff(np.log10([low, *numbers, high])) / decades
            assert gaps.max() <= 0.7, (low, high, numbers)


@pytest.mark.parametrize(
    ("axis", "name"),
    [
        ("shots", "error_against_shots"),
        ("noise.depolarizing.p2", "error_against_noise_depolarizing_p2"),
        ("convolution.filters.layers", "error_against_layers"),
        ('noise."sub/own.py:Own".p', "error_against_noise_sub_own_py_Own_p"),
        ('noise."../C:\\\0\né".p', "error_against_noise_C_p"),
        ("x" * 300, "error_against_" + "x" * 100),
    ],
)
def test_any_axis_gives_a_figure_a_name_that_a_file_can_have(
    axis: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Named:
        def arrange(self, *_: Any, **__: Any) -> None: ...

        def draw(self, *arguments: Any, **_: Any) -> list[str]:
            return [arguments[4]]

    monkeypatch.setattr("studies.noise.figures.FIGURES", Named())
    assert _draw_against(pd.DataFrame(), axis, tmp_path) == [name]
