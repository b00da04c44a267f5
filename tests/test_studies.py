"""What the sweeps measure, against formulas and against each other."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import re
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.cli import main
from qucnn_cirq.convolution import extract_patches, ideal_overlaps
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads.linear import LinearClassifier
from qucnn_cirq.optimizers import Adam
from studies.drawing import COLUMN, PAGE, legend_below, series_styles, set_title
from studies.learning.study import ceiling
from studies.noise.heat_map import noise_and_shots_data, plot_noise_and_shots
from studies.noise.lines import error_data, plot_error
from studies.performance.peers import PEERS
from studies.preset_files import presets
from studies.statistics import jackknife_interval, mean_interval, proportion_interval
from studies.sweep.catalogue import STUDIES, load_study, study_named
from studies.sweep.plan import make_plan

SEED = np.random.SeedSequence(11)


def row_of(name: str, **tables: Any) -> dict[str, Any]:
    kind = study_named(name)
    document = {"study": {"name": name, **tables.pop("study", {})}, **tables}
    measured = kind.measure(kind.read(document), SEED)
    assert set(measured.rows[-1]) <= set(kind.columns)
    return dict(measured.rows[-1])


# Presets


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_can_be_planned(name: str) -> None:
    kind, document = load_study(name)
    # The compiler is exercised elsewhere: here only the settings of every point.
    light = dataclasses.replace(kind, digest=lambda settings: {})
    plan = make_plan(light, document)
    assert len(plan.points) > 1 or name == "forward"
    assert all(kind.cost(point.settings).seconds > 0 for point in plan.points[:3])


def test_names_of_studies_are_their_packages() -> None:
    for name in STUDIES:
        kind = study_named(name)
        assert kind.name == name
        assert kind.title.endswith("?")
    with pytest.raises(InputError, match="Did you mean 'noise'"):
        study_named("noize")


# Gradients

SMALL = {"kernel": [2, 2], "filters": {"kind": "ansatz", "layers": 2}}


@pytest.mark.parametrize("noise", [{}, {"depolarizing": {"p1": 0.002, "p2": 0.02}}])
def test_gradients_scatter_as_the_formulas_say(noise: dict[str, Any]) -> None:
    for method in ("in_circuit", "in_circuit_absorbed", "parameter_shift"):
        row = row_of(
            "gradient",
            study={"method": method, "shots": 2000, "draws": 40},
            convolution=SMALL,
            noise=noise,
        )
        # 320 estimates or more: five standard deviations of a chi-squared are 40 %.
        assert row["formula_chi_squared"] / row["formula_items"] == pytest.approx(1, abs=0.4)
        assert row["rmse"] == pytest.approx(row["predicted_rmse"], rel=0.2)
        assert (row["bias_rmse"] < 1e-12) == (not noise)


def test_the_in_circuit_routine_costs_one_over_g_squared() -> None:
    for upstream in (0.1, 0.5, 1.0):
        shot_rmse = {
            method: row_of(
                "gradient",
                study={"method": method, "upstream": upstream, "draws": 2},
                convolution=SMALL,
            )["shot_rmse"]
            for method in ("in_circuit", "parameter_shift")
        }
        ratio = (shot_rmse["in_circuit"] / shot_rmse["parameter_shift"]) ** 2
        assert ratio >= 1 / upstream**2 * (1 - 1e-9)


def test_a_mixed_state_has_no_gradient() -> None:
    row = row_of(
        "gradient",
        study={"state": "mixed", "shots": 400, "draws": 20},
        convolution=SMALL,
    )
    assert row["gradient_norm"] < 1e-12
    assert row["overlap"] == pytest.approx(1 / 4)
    assert row["rmse"] == pytest.approx(row["predicted_rmse"], rel=0.25)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"study": {"upstream": 0.0}}, "upstream = 0"),
        ({"study": {"upstream": float("nan")}}, "upstream"),
        ({"study": {"state": "pure"}}, "state"),
        ({"study": {"method": "exact"}}, "method"),
        ({"study": {"draws": 1}}, "at least 2"),
        ({"study": {"state": "mixed", "shots": 3}}, "at least 4"),
        ({"convolution": {**SMALL, "overlap": "inversion"}}, "overlap = 'ancilla'"),
        (
            {
                "convolution": {
                    "kernel": [2, 2],
                    "filters": {"kind": "fixed", "values": [1, 2, 3, 4]},
                }
            },
            "needs filters with angles",
        ),
    ],
)
def test_gradient_settings_that_make_no_sense_are_refused(
    tables: dict[str, Any], words: str
) -> None:
    kind = study_named("gradient")
    with pytest.raises(InputError, match=words):
        kind.read({"convolution": SMALL, **tables})


# Learning


def test_learning_climbs_to_what_the_ansatz_can_reach() -> None:
    kind = study_named("learning")
    rows: dict[str, list[dict[str, Any]]] = {}
    for method, shots in (("exact", 0), ("parameter_shift", 0), ("parameter_shift", 500)):
        settings = kind.read(
            {
                "study": {
                    "target": "random",
                    "method": method,
                    "shots": shots,
                    "iterations": 60,
                    "device": "grid:3x3",
                },
                "convolution": SMALL,
            }
        )
        rows[f"{method} {shots}"] = kind.measure(settings, SEED).rows  # type: ignore[assignment]
    exact, circuit, sampled = rows.values()
    assert [row["iteration"] for row in exact] == list(range(0, 61, 2))
    assert exact[-1]["ceiling"] == pytest.approx(1, abs=1e-6)
    assert exact[-1]["fidelity"] > 0.99
    # Exact means of ideal circuits are the same function.
    for row, other in zip(exact, circuit, strict=True):
        assert row["fidelity"] == pytest.approx(other["fidelity"], abs=1e-6)
    assert circuit[-1]["circuits"] == 60 * 2 * 8
    assert sampled[-1]["shots_taken"] == 60 * 2 * 8 * 500
    assert sampled[-1]["fidelity"] > 0.95
    assert sampled[-1]["fidelity"] != circuit[-1]["fidelity"]


def test_a_product_ansatz_reaches_the_largest_schmidt_coefficient() -> None:
    from qucnn_cirq.filters import XZAnsatz

    generator = np.random.default_rng(4)
    matrix = generator.normal(size=(2, 2))
    matrix /= np.linalg.norm(matrix)
    # One layer ends in CNOTs; before them it is any product state up to phases.
    best = ceiling(XZAnsatz(layers=1), 2, tuple(matrix.ravel()), 20)
    undone = matrix.ravel()[[0, 1, 3, 2]].reshape(2, 2)
    assert best <= np.linalg.svd(undone)[1][0] ** 2 + 1e-9


def test_adam_finds_a_minimum_and_its_first_step_is_the_rate() -> None:
    optimizer = Adam(rate=0.1)
    position = np.array([3.0, -2.0])
    first = optimizer.step(2 * position)
    np.testing.assert_allclose(first, [-0.1, 0.1], rtol=1e-6)
    for _ in range(400):
        position = position + optimizer.step(2 * position)
    assert np.abs(position).max() < 1e-2


# Compilation


def test_compilation_counts_and_verifies() -> None:
    for overlap, gates, depth in (
        ("ancilla", 32, 19),
        ("destructive", 16, 6),
        ("inversion", 10, 6),
    ):
        row = row_of("compilation", convolution={"kernel": [4, 4], "overlap": overlap})
        assert row["two_qubit_gates"] <= gates
        assert row["two_qubit_depth"] <= depth
        assert row["verified"] is True
        survival = 0.999 ** row["one_qubit_gates"] * 0.995 ** row["two_qubit_gates"]
        assert row["error"] == pytest.approx(1 - survival)


@pytest.mark.parametrize("compiler", ["cirq", "qiskit", "pytket", "bqskit"])
def test_general_compilers_need_more_gates(compiler: str) -> None:
    if compiler != "cirq":
        pytest.importorskip(compiler)
    study = {"device": "grid:3x3", "gate_set": "cz", "seeds": 2}
    convolution = {"kernel": [2, 2], "overlap": "ancilla"}
    own = row_of("compilation", study=study, convolution=convolution)
    other = row_of("compilation", study={**study, "compiler": compiler}, convolution=convolution)
    assert 8 <= own["two_qubit_gates"] < other["two_qubit_gates"] < 100
    assert other["two_qubit_depth"] <= other["two_qubit_gates"]
    assert other["error"] > own["error"]


# Statistics and classification


def test_intervals_cover_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2)
    covered = [
        low <= 1 <= high
        for _, low, high in (mean_interval(generator.normal(1, 2, 5)) for _ in range(2000))
    ]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)
    successes = generator.binomial(40, 0.8, 4000)
    low, high = proportion_interval(successes, 40)
    assert np.mean((low <= 0.8) & (high >= 0.8)) == pytest.approx(0.95, abs=0.025)
    assert mean_interval([3.0]) == (3.0, 3.0, 3.0)


def test_a_linear_classifier_separates_what_is_separable() -> None:
    generator = np.random.default_rng(1)
    centres = generator.normal(0, 4, (10, 20))
    labels = np.repeat(np.arange(10), 30)
    features = centres[labels] + generator.normal(0, 0.5, (300, 20))
    classifier = LinearClassifier.fit(features, labels)
    assert (classifier.predict(centres[labels] + 0.1) == labels).all()


def test_noise_costs_accuracy_and_classes_are_counted() -> None:
    study = {
        "images": 60,
        "split": "test",
        "shots": 300,
        "classify": 400,
        "device": "grid:3x3",
    }
    convolution = {
        "kernel": [2, 2],
        "stride": 4,
        "overlap": "inversion",
        "filters": [{"kind": "ansatz", "layers": 1}] * 2,
    }
    rows = [
        row_of(
            "noise",
            study=study,
            convolution=convolution,
            noise={"depolarizing": {"p1": 0.0, "p2": p2}},
        )
        for p2 in (0.0, 0.8)
    ]
    assert rows[0]["images_classified"] == 60
    assert rows[0]["correct_exact"] == rows[1]["correct_exact"] > 24
    assert rows[0]["correct"] > rows[1]["correct"]
    with pytest.raises(InputError, match="split = 'test'"):
        row_of("noise", study={**study, "split": "train"}, convolution=convolution)


OVERLAP_MAPS = {
    "kernel": [2, 2],
    "stride": 4,
    "overlap": "ancilla",
    "filters": [{"kind": "ansatz", "layers": 1}] * 2,
}


def measured_noise(**study: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Settings, row and arrays of a point of the noise study."""
    kind = study_named("noise")
    noise = {"depolarizing": {"p1": 0.01, "p2": 0.05}} if study.pop("noisy", False) else {}
    settings = kind.read(
        {
            "study": {"name": "noise", "device": "grid:3x4", **study},
            "convolution": OVERLAP_MAPS,
            "noise": noise,
        }
    )
    measured = kind.measure(settings, SEED)
    return settings, dict(measured.rows[-1]), dict(measured.arrays)


def test_errors_of_shots_follow_the_formula() -> None:
    _, row, arrays = measured_noise(images=3, shots=50)
    exact = arrays["exact"]
    # An ideal ancilla test: Var = (1 - F^2)/N.
    assert row["shot_rmse"] == pytest.approx(np.sqrt(np.mean(1 - exact**2) / 50), rel=1e-9)
    assert row["systematic_rmse"] < 1e-12
    assert row["predicted_rmse"] == pytest.approx(row["shot_rmse"], rel=1e-9)
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean((arrays["estimates"] - exact) ** 2)))


def test_bias_is_that_of_the_means_and_not_of_the_shots() -> None:
    _, row, arrays = measured_noise(images=3, shots=20)
    assert abs(np.mean(arrays["estimates"] - arrays["exact"])) > 1e-3
    assert abs(row["bias"]) < 1e-12
    few, many = (measured_noise(images=3, shots=n, noisy=True)[1] for n in (20, 2000))
    assert few["bias"] == many["bias"] < -1e-3
    # The mean of an ideal test with a wrong circuit can only be off by what every patch is off.
    assert abs(few["bias"]) <= few["systematic_rmse"]


@pytest.mark.parametrize("repeat", [0, 1])
def test_a_classifier_is_fitted_to_maps_of_the_same_angles(repeat: int) -> None:
    settings, row, arrays = measured_noise(
        images=60, split="test", shots=300, classify=200, repeat=repeat
    )
    spec = settings.convolution
    angles = np.random.default_rng([settings.seed, repeat]).uniform(
        0, 2 * np.pi, (spec.n_filters, spec.n_parameters)
    )
    maps = {}
    for split, count in (("train", 200), ("test", 60)):
        images = load_mnist(split, count)
        patches = extract_patches(np.asarray(images.images, float), spec)
        overlaps = ideal_overlaps(patches, spec, angles)
        maps[split] = patches.to_maps(overlaps).reshape(count, -1), np.asarray(images.labels)
        if split == "test":
            np.testing.assert_allclose(arrays["exact"], overlaps, atol=1e-12)
    classifier = LinearClassifier.fit(*maps["train"])
    features, labels = maps["test"]
    assert row["correct_exact"] == (classifier.predict(features) == labels).sum()


# Figures, reports


def test_every_sweep_can_be_run_drawn_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["images=1", "device=grid:3x3", "convolution.kernel=[2, 2]", "shots=[10, 100]"]
    sweeps = {
        "shots": [*small, "noise.scale=[0.5, 2.0]", "repeat=[0, 1]",
                  "convolution.filters={kind = 'ansatz', layers = 1}", "convolution.stride=4"],
        "gradient": ["convolution.kernel=[2, 2]", "draws=2",
                     "shots=[100, 1000]", "upstream=[1.0, 0.5]", "repeat=0"],
        "learning": ["device=grid:3x3", "convolution.kernel=[2, 2]", "target=random",
                     "iterations=4", "convolution.filters.layers=[1, 2]", "repeat=[0, 1]"],
        "compilation": ["convolution.kernel=[[2, 2], [2, 3]]"],
    }  # fmt: skip
    from test_sweeps import compute

    from studies.sweep.plan import make_plan
    from studies.sweep.store import open_folder

    for preset, changes in sweeps.items():
        kind, document = load_study(preset, changes)
        folder = tmp_path / preset
        plan = make_plan(kind, document)
        open_folder(folder, plan)
        assert not compute(plan, folder)
        assert main(["report", str(folder), "--quiet"]) == 0
        names = [path.stem for path in folder.glob("*.png")]
        assert names
        for name in names:
            assert len(pd.read_csv(folder / f"{name}.csv")) > 1
        page = (folder / "report.html").read_text()
        assert page.count("data:image/png;base64,") == len(names)
        assert "data:image/svg+xml;base64," in page
        assert "http" not in page.replace("http://www.w3.org", "")
        assert "device_map" in names
        for words in (kind.title, *SECTIONS):
            assert words in page
        check_page(page)
    assert (tmp_path / "shots" / "noise_and_shots.png").exists()


SECTIONS = (
    "The question",
    "What was found",
    "Numbers",
    "Circuits",
    "Device",
    "Cross-checks",
    "Configuration",
    "Where the numbers come from",
    "To run it again",
)


def check_page(page: str) -> None:
    """Headings in order, tags closed, alternative texts, links that lead somewhere."""
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(re.search(r'alt="[^"]{10,}"', image) for image in re.findall("<img [^>]*>", page))
    anchors = re.findall(r'id="([^"]*)"', page)
    assert len(set(anchors)) == len(anchors) > 3
    assert set(re.findall(r'href="#([^"]*)"', page)) == set(anchors)
    for tag in ("table", "tr", "td", "ul", "li", "figure", "div", "pre", "nav"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>")


def test_functions_that_plot_take_and_return_axes() -> None:
    modules = [importlib.import_module(f"studies.{name}.figures") for name in STUDIES]
    modules.append(importlib.import_module("qucnn_cirq.drawing.device_figure"))
    plots = [
        function
        for module in modules
        for name, function in vars(module).items()
        if name.startswith("plot_") and function.__module__ == module.__name__
    ]
    assert len(plots) > len(STUDIES)
    for function in plots:
        hints = typing.get_type_hints(function)
        assert next(iter(hints.values())) is Axes
        assert hints["return"] is Axes


def noise_table() -> pd.DataFrame:
    """Errors as of SWAP tests with F = 0 whose systematic error is a tenth of the noise scale."""
    rows = []
    for scale, shots, repeat in itertools.product((0.1, 1.0), (100, 10_000), (0, 1)):
        bias, noise = scale / 10, shots**-0.5
        rmse = np.hypot(bias, noise) * (1 + 0.01 * repeat)
        point = {"point": "", "noise.scale": scale, "shots": shots, "repeat": repeat}
        errors = {"systematic_rmse": bias, "shot_rmse": noise, "predicted_rmse": rmse}
        rows.append({**point, "patches": 7, "rmse": rmse, **errors})
    return pd.DataFrame(rows)


def test_the_shots_beyond_which_more_do_not_help() -> None:
    data = noise_and_shots_data(noise_table()).set_index("noise.scale")["shots_worthwhile"]
    assert data[0.1].unique() == pytest.approx([1 / 0.01**2])
    assert data[1.0].unique() == pytest.approx([1 / 0.1**2])
    axes = plot_noise_and_shots(Figure().subplots(), noise_table())
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [1e4, 1e2])
    # Cells meet halfway on the logarithmic axis, and the values lie in their middle.
    assert axes.get_xlim() == pytest.approx((0.1 / 10**0.5, 10**0.5))
    assert axes.get_ylim() == pytest.approx((10, 1e5))


def test_the_figure_shows_the_data_and_says_what_it_means() -> None:
    axes = plot_error(Figure().subplots(), noise_table(), "shots", ["noise.scale"])
    data = error_data(noise_table(), "shots", ["noise.scale"])
    for label, own in data.groupby("series"):
        (line,) = (line for line in axes.lines if line.get_label() == label)
        np.testing.assert_allclose(line.get_ydata(), own["rmse"])
    _, labels = axes.get_legend_handles_labels()
    assert labels[:2] == ["noise x 0.1", "noise x 1"]
    assert any("slope" in label for label in labels)
    assert any("95 %" in label for label in labels)
    assert any("predicted" in label for label in labels)
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_a_legend_stands_below_the_panels_and_fits() -> None:
    with theme():
        figure = Figure(figsize=(COLUMN, 2.0), layout="constrained")
        axes = plot_error(figure.subplots(), noise_table(), "shots", ["noise.scale"])
        legend_below(figure, [axes])
        figure.draw_without_rendering()
    assert figure.get_figheight() > 2.2
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert box.y1 <= axes.get_tightbbox().y0 + 1


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_titles_keep_clear_of_each_other(columns: int) -> None:
    with theme():
        figure = Figure(figsize=(PAGE * columns / 3, 2.0), layout="constrained")
        panels = figure.subplots(1, columns, squeeze=False, sharey=True).ravel()
        for axes in panels:
            axes.set_ylabel("error")
            set_title(axes, "maximally mixed (null test), noise of willow_pink, 1,000 shots")
        figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in panels]
    ends = [box.x0 for box in boxes[1:]] + [figure.bbox.x1]
    assert all(box.x1 < end for box, end in zip(boxes, ends, strict=True))


def test_styles_differ_without_colours() -> None:
    styles = series_styles(9, ordered=True)
    assert len({style.marker for style in styles}) == 9
    luminance = [float(np.dot(style.colour[:3], (0.3, 0.59, 0.11))) for style in styles]
    assert luminance == sorted(luminance)


def test_the_jackknife_gives_the_interval_of_a_mean() -> None:
    values = np.random.default_rng(8).normal(size=12)
    groups = [pd.DataFrame({"x": [value]}) for value in values]
    found = jackknife_interval(groups, lambda table: float(table["x"].mean()))
    assert found == pytest.approx(mean_interval(values))
    assert jackknife_interval(groups[:1], lambda table: 3.0) == (3.0, 3.0, 3.0)


def test_a_report_needs_results(tmp_path: Path, capsys: Any) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no results" in capsys.readouterr().err


# Training


def _models() -> list[tuple[Any, Any]]:
    from studies.training.models import ConvolutionModel, IdealQuantumModel, SquaredOverlapModel

    kind = study_named("training")
    spec = kind.read({"convolution": {**SMALL, "stride": 2}}).convolution
    generator = np.random.default_rng(5)
    return [
        (IdealQuantumModel, (spec, generator.uniform(0, 6, (1, 8)))),
        (SquaredOverlapModel, (spec, generator.normal(size=(1, 4)))),
        (ConvolutionModel, (spec, generator.normal(size=(1, 5)))),
    ]


@pytest.mark.parametrize("number", range(3))
def test_gradients_of_the_trained_models_are_right(number: int) -> None:
    make, arguments = _models()[number]
    model = make(*arguments)
    generator = np.random.default_rng(6)
    images = generator.uniform(0, 255, (3, 6, 6)) * (generator.random((3, 6, 6)) > 0.3)
    ids = np.arange(3)
    upstream = generator.normal(size=model.maps(images, ids, 0).shape)
    found = model.gradient(upstream, 0)
    for index in np.ndindex(model.weights.shape):
        values = []
        for step in (1e-5, -1e-5):
            other = make(*arguments)
            moved = arguments[1].copy()
            moved[index] += step
            other.weights = moved
            values.append((other.maps(images, ids, 0) * upstream).sum())
        assert found[index] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-5)


def test_classifiers_learn_and_the_layer_agrees_with_linear_algebra() -> None:
    small = {
        "images": 60,
        "test_images": 60,
        "epochs": 3,
        "batch": 20,
        "device": "willow_pink",
    }
    convolution = {**SMALL, "stride": 4}
    kind = study_named("training")

    def losses(**study: Any) -> tuple[list[float], dict[str, Any]]:
        settings = kind.read({"study": {**small, **study}, "convolution": convolution})
        rows = kind.measure(settings, SEED).rows
        return [float(row["loss"] or 0) for row in rows], dict(rows[-1])

    for model in ("convolution", "squared_overlap", "quantum"):
        found, last = losses(model=model)
        assert found[-1] < 0.9 * found[0]
        assert 0 < last["correct"] <= last["tested"] == 60
    ideal, _ = losses()
    # A million shots: the same training but for their noise.
    sampled, _ = losses(shots=1_000_000, train="as_run")
    np.testing.assert_allclose(sampled, ideal, atol=0.02)
    assert sampled != ideal
    with pytest.raises(InputError, match="neither shots nor noise"):
        losses(model="convolution", shots=5)


# Performance


@pytest.mark.parametrize("engine", ["exact", "qsim_density", "qsim", "sampler", *PEERS])
def test_every_engine_that_is_timed_computes_the_same(engine: str) -> None:
    if engine in PEERS and engine != "cirq":
        pytest.importorskip({"aer": "qiskit_aer"}.get(engine, engine))
    row = row_of(
        "performance",
        study={"engine": engine, "patches": 3, "runs": 1, "shots": 300, "device": "grid:4x5"},
        convolution={"kernel": [2, 2]},
        noise={"depolarizing": {"p1": 0.01, "p2": 0.03}, "readout": {"p01": 0.02, "p10": 0.05}},
    )
    assert row["seconds_per_patch"] > 0
    if engine in ("qsim", "sampler"):
        assert row["largest_z"] < 4.5
    else:
        assert row["largest_deviation"] < (1e-6 if engine == "qsim_density" else 1e-9)


# Trainability


@pytest.mark.parametrize(("kernel", "qubits"), [([2, 2], 2), ([2, 4], 3)])
@pytest.mark.parametrize("layers", [1, 3])
def test_isotropic_data_give_the_variance_of_theory(
    kernel: list[int], qubits: int, layers: int
) -> None:
    row = row_of(
        "trainability",
        study={"samples": 3000},
        convolution={
            "kernel": kernel,
            "filters": {"kind": "ansatz", "layers": layers, "rotations": ["y"]},
        },
    )
    assert row["qubits"] == qubits
    assert row["variance"] == pytest.approx(row["theory"], rel=0.1)
    assert row["variance_low"] < row["variance"] < row["variance_high"]


def test_noise_flattens_gradients_and_its_absence_changes_nothing() -> None:
    settings: dict[str, Any] = {
        "study": {"samples": 25, "device": "willow_pink"},
        "convolution": SMALL,
    }
    ideal = row_of("trainability", **settings)
    nearly = row_of("trainability", **settings, noise={"depolarizing": {"p1": 1e-9, "p2": 1e-9}})
    noisy = row_of("trainability", **settings, noise={"depolarizing": {"p1": 0.01, "p2": 0.05}})
    # The same angles and data, once by linear algebra and once through the compiled circuits.
    assert nearly["variance"] == pytest.approx(ideal["variance"], rel=1e-5)
    assert nearly["mean_overlap"] == pytest.approx(ideal["mean_overlap"], abs=1e-6)
    assert noisy["variance"] < 0.6 * ideal["variance"]


@pytest.mark.parametrize(
    "name", ["accuracy", "dataset", "gradient", "learning", "noise", "trainability", "training"]
)
def test_quick_versions_are_shorter(name: str) -> None:
    seconds = {}
    for quick in (False, True):
        kind, document = load_study(name, quick=quick)
        light = dataclasses.replace(kind, digest=lambda settings: {})
        plan = make_plan(light, document)
        seconds[quick] = sum(kind.cost(point.settings).seconds for point in plan.points)
    assert seconds[True] < 0.5 * seconds[False]


def test_a_study_without_a_quick_version_says_so(capsys: Any) -> None:
    assert main(["study", "compilation", "--quick", "--dry-run"]) == 2
    assert "no quick version" in capsys.readouterr().err
