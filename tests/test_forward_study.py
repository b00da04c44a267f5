"""The forward study: its settings, its numbers, its figures, and sweeping it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import read_study, sweep_in_process
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import NoiseError
from noise_models.writing import atomic_write
from qucnn_cirq.cli import main
from qucnn_cirq.convolution import classical_convolution, squared_cosine_similarity
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.errors import InputError
from studies.forward.configuration import ForwardPoint
from studies.forward.figures import draw_errors, points
from studies.forward.maps import ForwardMaps, image_table
from studies.images import select_images
from studies.preset_files import presets
from studies.settings import override
from studies.sweep.catalogue import load_study, study_named
from studies.sweep.plan import make_plan
from studies.sweep.results import read_results

FORWARD = study_named("forward")
SEED = np.random.SeedSequence(7)
KERNELS = np.array([[[1.0, -0.5], [0.25, 2.0]], [[0.0, 1.0], [1.0, 0.0]]])
SMALL = {
    "study": {"images": 2, "device": "grid:4x4", "shots": 2000},
    "convolution": {
        "kernel": [2, 2],
        "filters": [{"kind": "fixed", "values": kernel.tolist()} for kernel in KERNELS],
    },
    "noise": {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}},
}

ONE_FILTER = f"convolution.filters={{kind='fixed', values={KERNELS[0].tolist()}}}"


def study_with(*overrides: str, base: dict = SMALL) -> ForwardPoint:
    return ForwardPoint.from_mapping(override(base, overrides, ForwardPoint.study_keys()))


def carry_out(study: ForwardPoint, **earlier: Any) -> ForwardMaps:
    measured = FORWARD.measure(study, np.random.SeedSequence(7), earlier or None)
    (row,) = measured.rows
    assert set(row) <= set(FORWARD.columns)
    return ForwardMaps(row, measured.arrays)


@pytest.fixture(scope="module")
def maps() -> ForwardMaps:
    return carry_out(study_with())


@pytest.fixture(scope="module")
def table(maps: ForwardMaps) -> pd.DataFrame:
    return maps.patch_table()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two points, drawn by the command line."""
    path = tmp_path_factory.mktemp("results")
    document = override(
        {**SMALL, "study": {"name": "forward", **SMALL["study"]}},
        ["images=1", ONE_FILTER, "noise.scale=[0.5, 2.0]"],
        ForwardPoint.study_keys(),
    )
    sweep_in_process(FORWARD, document, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.drawing.FORMATS", ("png", "svg"))
        assert main(["plot", str(path)]) == 0
    return path


# Configuration


def test_the_preset_is_what_the_study_is_about():
    study = read_study("forward")
    assert "forward" in presets()
    assert (study.images, study.shots, study.device) == (16, 10_000, "willow_pink")
    assert study.convolution.kernel_pair == (4, 4)
    np.testing.assert_array_equal(study.convolution.filter_list[0].values, load_classical_filter())
    assert study.noise.to_mapping() == {
        "depolarizing": {"p1": 0.001, "p2": 0.005},
        "readout": {"p01": 0.01, "p10": 0.03},
    }


@settings(max_examples=15, deadline=None)
@given(
    images=st.integers(1, 2000),
    first=st.integers(0, 100),
    shots=st.integers(1, 10**15),
    seed=st.integers(0, 2**63 - 1),
    stride=st.integers(1, 5),
    p2=st.floats(0, 1),
    data=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
)
def test_settings_survive_being_written_and_read(images, first, shots, seed, stride, p2, data):
    mapping = {
        "study": {"images": images, "first": first, "shots": shots, "seed": seed},
        "convolution": {"stride": stride},
        "noise": {"depolarizing": {"p1": 0.0, "p2": p2}},
    }
    if data is not None:
        mapping["study"]["data"] = "/" + data.lstrip("~")
    study = ForwardPoint.from_mapping(mapping)
    assert ForwardPoint.from_mapping(json.loads(json.dumps(study.to_mapping()))) == study


def test_settings_override_in_order_and_leave_the_document_alone():
    before = json.dumps(SMALL)
    study = study_with(
        "shots=1e3", "study.seed=4", "shots=7", "convolution.stride=2", "noise.depolarizing.p2=0.25"
    )
    assert (study.shots, study.seed) == (7, 4)
    assert study.convolution.stride_pair == (2, 2)
    assert study.noise.depolarizing.p2 == 0.25
    assert study.noise.depolarizing.p1 == 0.002
    assert json.dumps(SMALL) == before


def test_a_text_needs_no_quotes_and_a_named_noise_can_be_changed():
    study = study_with("device=sycamore", "noise=willow_pink", "noise.scale=0.5")
    assert study.device == "sycamore"
    assert study.noise.calibrated == "willow_pink"
    assert study.noise.scale == 0.5


def test_a_noise_of_a_file_can_be_changed_and_swept_over(tmp_path: Path) -> None:
    rates, calibration = tmp_path / "fitted.toml", tmp_path / "lab.toml"
    rates.write_text("[noise.depolarizing]\np1 = 0.001\np2 = 0.004\n")
    assert main(["noise", "--export", "willow_pink", str(calibration)]) == 0
    changed = study_with(f"noise={rates}", "noise.scale=0.5", "noise.depolarizing.p2=0.002")
    assert changed.noise.scale == 0.5
    assert (changed.noise.depolarizing.p1, changed.noise.depolarizing.p2) == (0.001, 0.002)
    calibrated = study_with(f"noise={calibration}", "noise.scale=0.5").noise
    assert calibrated.calibrated == study_with(f"noise.calibrated={calibration}").noise.calibrated
    for file in (rates, calibration):
        # Points of this preset differ in the scale of their noise.
        plan = make_plan(*load_study("noise", [f"noise={file}", "images=1"], quick=True))
        scales = {point.settings.noise.scale for point in plan.points}
        assert len(scales) > 1 and 0.0 not in scales
    with pytest.raises(InputError, match=r"cannot read nowhere\.toml"):
        study_with("noise=nowhere.toml", "noise.scale=0.5")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("shoots=1", "'shots'"),
        ("stud.shots=1", "'study'"),
        ("convolution.strid=1", "'stride'"),
        ("noise.depolarising.p2=1", "'depolarizing'"),
        ("noise.depolarizing.p2=1.5", "0..1"),
        ("noise=willow_pnk", "'willow_pink'"),
        ("engine=qsym", "'qsim'"),
        ("shots=0", r"within 1\.\."),
        ("shots=1e16", r"within 1\.\."),
        ("shots=many", "whole number"),
        ("images=0", "at least 1"),
        ("device=3", "text"),
        ("seed=-1", "at least 0"),
        ("convolution.kernel.rows=1", "not a table"),
        ("convolution.backward=true", "backward"),
        ("shots", "key=value"),
    ],
)
def test_a_setting_that_is_not_allowed_is_refused_with_a_hint(setting, words):
    with pytest.raises((InputError, NoiseError), match=words):
        study_with(setting)


def test_the_default_filter_is_refused_for_another_kernel():
    with pytest.raises(InputError, match=r"convolution.filters is missing.*4x4"):
        ForwardPoint.from_mapping({"convolution": {"kernel": 3}})


# Images


def test_a_selection_is_a_part_of_the_data_set():
    selection = select_images("test", 3, 2, None)
    whole = load_mnist("test")
    np.testing.assert_array_equal(selection.images, whole.images[3:5])
    np.testing.assert_array_equal(selection.labels, whole.labels[3:5])
    assert selection.ids.tolist() == [3, 4]
    with pytest.raises(InputError, match="at most 500"):
        select_images("test", 499, 2, None)


def test_images_come_from_numpy_files_with_or_without_labels(tmp_path):
    images = np.arange(2 * 36.0).reshape(2, 6, 6)
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images=images, labels=[4, 5])
    np.savez(tmp_path / "c.npz", pictures=images)
    (tmp_path / "d.npy").write_bytes(b"no array")
    assert select_images("train", 0, 2, str(tmp_path / "a.npy")).labels is None
    labelled = select_images("train", 1, 1, str(tmp_path / "b.npz"))
    assert labelled.labels is not None
    assert labelled.labels.tolist() == [5]
    np.testing.assert_array_equal(labelled.images, images[1:])
    for name, words in (("c.npz", "found: pictures"), ("d.npy", "NumPy"), ("e.npy", "cannot read")):
        with pytest.raises(InputError, match=words):
            select_images("train", 0, 1, str(tmp_path / name))


def test_images_without_any_ink_are_refused_before_anything_is_measured(tmp_path):
    np.save(tmp_path / "blank.npy", np.zeros((1, 5, 5)))
    document = override(SMALL, ["images=1", f"data={tmp_path / 'blank.npy'}"], ["images", "data"])
    with pytest.raises(InputError, match="all zero"):
        make_plan(FORWARD, document)


# Numbers


def test_the_table_has_every_patch_and_the_classical_values(table):
    spec = study_with().convolution
    images = load_mnist("train", 2).images
    assert len(table) == 2 * 2 * 27 * 27
    for column, maps in (
        ("squared_cosine", squared_cosine_similarity(images, KERNELS, spec)),
        ("classical", classical_convolution(images, KERNELS, spec)),
    ):
        np.testing.assert_allclose(table[column], maps.ravel(), rtol=1e-12, atol=1e-12)
    place = table.iloc[2 * 27 * 27 + 27 * 27 + 3 * 27 + 5]
    assert (place["image"], place["label"], place["filter"]) == (1, 0, 1)
    assert (place["row"], place["column"]) == (3, 5)


def test_a_blank_patch_has_no_shots_and_no_overlap(table):
    blank = table[table["blank"] == 1]
    assert len(blank) > 0
    for column in ("counts", "shots", "estimate", "squared_cosine", "noisy_counts", "noisy_mean"):
        assert (blank[column] == 0).all()
    assert (table[table["blank"] == 0]["shots"] == 2000).all()


def test_estimates_follow_from_the_counts(table):
    occupied = table[table["blank"] == 0]
    for prefix in ("", "noisy_"):
        np.testing.assert_allclose(
            occupied[f"{prefix}estimate"], 2 * occupied[f"{prefix}counts"] / 2000 - 1, atol=1e-12
        )


def test_the_ideal_engine_agrees_with_linear_algebra(table):
    np.testing.assert_allclose(table["exact_mean"], table["squared_cosine"], atol=5e-6)


def test_measured_errors_are_those_that_theory_predicts(maps, table):
    row = maps.row
    occupied = table[table["blank"] == 0]
    exact = occupied["squared_cosine"]
    for prefix in ("", "noisy_"):
        errors = occupied[f"{prefix}estimate"] - exact
        assert row[f"{prefix}rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
        assert row[f"{prefix}rmse_all"] == pytest.approx(np.sqrt((errors**2).sum() / len(table)))
        expected = np.sqrt((1 - exact**2).mean() / 2000)
        assert row[f"{prefix}shot_noise_rmse"] == pytest.approx(expected)
        # More than 1,000 patches: the ratio scatters by about 2 %.
        assert row[f"{prefix}ratio"] == pytest.approx(1, abs=0.08)
        assert row[f"{prefix}within_one_sigma"] == pytest.approx(0.683, abs=0.06)
    assert row["largest_mean_error"] < 5e-6
    assert row["contraction"] == pytest.approx(1, abs=1e-4)
    # Depolarising noise shrinks overlaps, and reading 0 from 1 more often shifts them up.
    assert row["noisy_contraction"] < 0.9
    assert row["noisy_offset"] > 0.01
    assert row["noisy_rmse"] > 1.5 * row["rmse"]


def test_both_runs_have_shot_noise_of_their_own(table):
    occupied = table[table["blank"] == 0]
    ideal = occupied["estimate"] - occupied["exact_mean"]
    noisy = occupied["noisy_estimate"] - occupied["noisy_mean"]
    assert len(ideal) > 900
    assert abs(np.corrcoef(ideal, noisy)[0, 1]) < 0.13


def test_an_image_gives_the_same_numbers_alone(table):
    alone = carry_out(study_with("images=1", "first=1")).patch_table()
    expected = table[table["image"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected)


def test_without_noise_there_is_one_run():
    maps = carry_out(study_with("noise=ideal", "images=1"))
    assert list(maps.runs) == ["ideal"]
    assert "noisy_rmse" not in maps.row and "noisy_estimate" not in maps.patch_table()


def test_shots_of_qsim_have_no_means_and_agree_with_the_exact_engine(tmp_path):
    images = np.random.default_rng(5).random((1, 3, 3))
    np.save(tmp_path / "a.npy", images)
    given = ("images=1", "shots=400", f"data={tmp_path / 'a.npy'}")
    sampled, exact = (carry_out(study_with(*given, f"engine={e}")) for e in ("qsim", "auto"))
    assert "noisy_means" not in sampled.arrays and "noisy_predicted_rmse" not in sampled.row
    assert not {"noisy_mean", "label"} & set(sampled.patch_table())
    # Eight estimates, each within five standard deviations.
    np.testing.assert_allclose(
        sampled.arrays["noisy_estimates"],
        exact.arrays["noisy_means"],
        atol=5 / np.sqrt(400),
        rtol=0,
    )


def test_counts_of_both_runs_add(maps):
    more = carry_out(study_with("shots=5000"), **maps.arrays)
    assert more.arrays["rounds"].tolist() == [2000, 3000]
    for prefix in ("", "noisy_"):
        added = more.arrays[f"{prefix}counts"] - maps.arrays[f"{prefix}counts"]
        errors = 2 * added / 3000 - 1 - maps.arrays[f"{prefix}means"]
        before = maps.arrays[f"{prefix}estimates"] - maps.arrays[f"{prefix}means"]
        expected = np.sqrt((1 - maps.arrays[f"{prefix}means"] ** 2).mean() / 3000)
        assert np.sqrt((errors**2).mean()) == pytest.approx(expected, rel=0.1)
        assert abs(np.corrcoef(errors.ravel(), before.ravel())[0, 1]) < 0.13
        assert more.row[f"{prefix}ratio"] == pytest.approx(1, abs=0.08)


def test_the_plain_convolution_is_absent_for_an_ansatz():
    filters = "convolution.filters=[{kind='ansatz'}, {kind='ansatz', rotations=['y', 'z']}]"
    maps = carry_out(study_with("images=1", "convolution.stride=3", "noise=ideal", filters))
    assert "classical" not in maps.patch_table()
    assert maps.row["ratio"] == pytest.approx(1, abs=0.25)


def test_noise_that_does_not_fit_the_device_is_refused():
    with pytest.raises((InputError, NoiseError), match="willow_pink"):
        carry_out(study_with("noise=willow_pink", "images=1"))


# Figures and files


def test_ideal_and_noisy_errors_are_drawn_on_one_scale(maps):
    ideal, noisy = draw_errors(maps).axes
    assert ideal.get_ylim() == noisy.get_ylim()
    assert ideal.get_ylabel() and not noisy.get_ylabel()


def test_a_sweep_has_one_table_and_the_maps_of_each_point(folder):
    names = {path.name for path in folder.iterdir() if path.is_file()}
    drawn = ("forward", "forward_2", "errors", "errors_2", "device_map")
    figures = {f"{name}.{suffix}" for name in drawn for suffix in ("png", "svg")}
    tables = {f"{name}.csv" for name in (*drawn, "forward_images", "forward_images_2")}
    assert names == figures | tables | {"summary.json", "configuration.toml", "plan.json"}
    assert b"noise.scale = 2.0" in (folder / "forward_2.svg").read_bytes()
    table = read_results(folder).table()
    assert table["noise.scale"].tolist() == [0.5, 2.0]
    assert table["noisy_rmse"].is_monotonic_increasing
    summary = json.loads((folder / "summary.json").read_text())
    assert [line.split()[:2] for line in summary["text"].splitlines()[1:5]] == [
        ["0.5", "ideal"], ["0.5", "noisy"], ["2.0", "ideal"], ["2.0", "noisy"]
    ]  # fmt: skip
    assert main(["report", str(folder)]) == 0
    assert (folder / "report.html").read_text().count("noise.scale") >= 2


def test_every_filter_has_a_figure(maps, tmp_path, monkeypatch):
    monkeypatch.setattr("studies.forward.figures.points", lambda results: [maps])
    assert FORWARD.draw(None, tmp_path) == ["forward", "forward_filter_1", "errors"]


def test_the_numbers_beside_the_figures_are_those_of_the_raw_data(folder):
    for suffix, maps in zip(("", "_2"), points(read_results(folder)), strict=True):
        table = pd.read_csv(folder / f"forward{suffix}.csv", float_precision="round_trip")
        pd.testing.assert_frame_equal(table, maps.patch_table(), check_exact=True)
        images = pd.read_csv(folder / f"forward_images{suffix}.csv", float_precision="round_trip")
        pd.testing.assert_frame_equal(images, image_table(table), check_exact=True)
        assert images["noisy_rmse"].iloc[0] == pytest.approx(maps.row["noisy_rmse"])


def test_a_list_of_settings_is_swept_over_where_the_setting_is_none() -> None:
    def axes(setting: str) -> dict[str, Any]:
        _, document = load_study("forward", [setting])
        return dict(document.get("axes", {}))

    assert axes("noise.scale=[0.5, 1, 2]") == {"noise.scale": [0.5, 1, 2]}
    assert axes("shots={start=1, stop=9, points=3}") == {
        "shots": {"start": 1, "stop": 9, "points": 3}
    }
    assert axes('infidelity=[0.0, 1e-3, "auto"]') == {"infidelity": [0.0, 1e-3, "auto"]}
    assert axes("convolution.kernel=[[4, 4], [2, 2]]") == {"convolution.kernel": [[4, 4], [2, 2]]}
    assert axes("convolution.stride=[1, 2, 3]") == {"convolution.stride": [1, 2, 3]}
    assert axes("convolution.filters.layers=[1, 2]") == {"convolution.filters.layers": [1, 2]}
    for value in ("kernel=[2, 2]", "stride=[1, 2]", "filters=[{kind='ansatz'}]"):
        assert axes(f"convolution.{value}") == {}


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
