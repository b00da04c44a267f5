"""The forward study: its configuration, its numbers and its files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers import read_study
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import NoiseError
from qucnn_cirq.convolution import classical_convolution, squared_cosine_similarity
from qucnn_cirq.datasets import load_classical_filter, load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write
from studies import drawing
from studies.catalogue import presets
from studies.files import CONFIGURATION, prepare_folder
from studies.forward.configuration import ForwardStudy
from studies.forward.experiment import ForwardResult, cut_patches, run_experiment
from studies.forward.figures import draw_errors
from studies.forward.job import run_forward
from studies.forward.results import patch_table, summarize
from studies.images import select_images
from studies.settings import override

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


def study_with(*overrides: str, base: dict = SMALL) -> ForwardStudy:
    return ForwardStudy.from_mapping(override(base, overrides, ForwardStudy.study_keys()))


def carry_out(study: ForwardStudy) -> ForwardResult:
    selection = select_images(study.split, study.first, study.images, study.data)
    return run_experiment(study, selection, cut_patches(study, selection))


@pytest.fixture(scope="module")
def result() -> ForwardResult:
    return carry_out(study_with())


@pytest.fixture(scope="module")
def table(result: ForwardResult) -> pd.DataFrame:
    return patch_table(result)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    run_forward(study_with("images=1", ONE_FILTER), path)
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
def test_a_configuration_survives_being_written_and_read(
    images, first, shots, seed, stride, p2, data
):
    mapping = {
        "study": {"images": images, "first": first, "shots": shots, "seed": seed},
        "convolution": {"stride": stride},
        "noise": {"depolarizing": {"p1": 0.0, "p2": p2}},
    }
    if data is not None:
        mapping["study"]["data"] = "/" + data.lstrip("~")
    study = ForwardStudy.from_mapping(mapping)
    again = ForwardStudy.from_mapping(tomllib.loads(study.to_toml()))
    assert again == study
    assert again.to_toml() == study.to_toml()


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
        ("shots=0", "at least 1"),
        ("shots=1e16", "at most"),
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
        ForwardStudy.from_mapping({"convolution": {"kernel": 3}})


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


def test_images_without_any_ink_are_refused(tmp_path):
    np.save(tmp_path / "blank.npy", np.zeros((1, 5, 5)))
    with pytest.raises(InputError, match="all zero"):
        carry_out(study_with("images=1", f"data={tmp_path / 'blank.npy'}"))


# Numbers


def test_the_table_has_every_patch_and_the_classical_values(table, result):
    spec = result.study.convolution
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


def test_measured_errors_are_those_that_theory_predicts(result, table):
    summary = summarize(result)
    occupied = table[table["blank"] == 0]
    exact = occupied["squared_cosine"]
    for run, estimate in (("ideal", "estimate"), ("noisy", "noisy_estimate")):
        figures = summary[run]
        errors = occupied[estimate] - exact
        assert figures["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
        assert figures["rmse_all"] == pytest.approx(np.sqrt((errors**2).sum() / len(table)))
        assert figures["shot_noise_rmse"] == pytest.approx(np.sqrt((1 - exact**2).mean() / 2000))
        # More than 1,000 patches: the ratio scatters by about 2 %.
        assert figures["ratio"] == pytest.approx(1, abs=0.08)
        assert figures["within_one_sigma"] == pytest.approx(0.683, abs=0.06)
    assert summary["ideal"]["largest_mean_error"] < 5e-6
    assert summary["ideal"]["contraction"] == pytest.approx(1, abs=1e-4)
    # Depolarising noise shrinks overlaps, and reading 0 from 1 more often shifts them up.
    assert summary["noisy"]["contraction"] < 0.9
    assert summary["noisy"]["offset"] > 0.01
    assert summary["noisy"]["rmse"] > 1.5 * summary["ideal"]["rmse"]


def test_both_runs_have_shot_noise_of_their_own(table):
    occupied = table[table["blank"] == 0]
    ideal = occupied["estimate"] - occupied["exact_mean"]
    noisy = occupied["noisy_estimate"] - occupied["noisy_mean"]
    assert len(ideal) > 900
    assert abs(np.corrcoef(ideal, noisy)[0, 1]) < 0.13


def test_an_image_gives_the_same_numbers_alone(table):
    alone = patch_table(carry_out(study_with("images=1", "first=1")))
    expected = table[table["image"] == 1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected)


def test_another_seed_gives_other_shots_of_the_same_means(table):
    other = patch_table(carry_out(study_with("seed=1")))
    assert (other["counts"] != table["counts"]).any()
    assert (other["noisy_counts"] != table["noisy_counts"]).any()
    pd.testing.assert_series_equal(other["noisy_mean"], table["noisy_mean"])


def test_without_noise_there_is_one_run():
    result = carry_out(study_with("noise=ideal", "images=1"))
    assert result.noisy is None
    assert "noisy" not in summarize(result)
    assert "noisy_estimate" not in patch_table(result)


def test_trajectories_have_no_means_and_agree_with_the_exact_engine(tmp_path):
    images = np.random.default_rng(5).random((1, 3, 3))
    np.save(tmp_path / "a.npy", images)
    given = ("images=1", "shots=400", f"data={tmp_path / 'a.npy'}")
    sampled = carry_out(study_with(*given, "engine=qsim"))
    exact = carry_out(study_with(*given))
    assert sampled.noisy is not None
    assert exact.noisy is not None
    assert sampled.noisy.means is None
    assert "predicted_rmse" not in summarize(sampled)["noisy"]
    assert "noisy_mean" not in patch_table(sampled)
    assert "label" not in patch_table(sampled)
    # Eight estimates, each within five standard deviations.
    np.testing.assert_allclose(
        sampled.noisy.estimates, exact.noisy.means, atol=5 / np.sqrt(400), rtol=0
    )


def test_the_plain_convolution_is_absent_for_an_ansatz():
    filters = "convolution.filters=[{kind='ansatz'}, {kind='ansatz', rotations=['y', 'z']}]"
    result = carry_out(study_with("images=1", "convolution.stride=3", "noise=ideal", filters))
    assert "classical" not in patch_table(result)
    assert summarize(result)["ideal"]["ratio"] == pytest.approx(1, abs=0.25)


def test_noise_that_does_not_fit_the_device_is_refused():
    with pytest.raises((InputError, NoiseError), match="willow_pink"):
        carry_out(study_with("noise=willow_pink", "images=1"))


# Files


def test_ideal_and_noisy_errors_are_drawn_on_one_scale(result):
    ideal, noisy = draw_errors(result, summarize(result)).axes
    assert ideal.get_ylim() == noisy.get_ylim()
    assert ideal.get_ylabel() and not noisy.get_ylabel()


def test_the_folder_holds_everything(folder):
    names = {path.name for path in folder.iterdir()}
    figures = {
        f"{name}.{suffix}"
        for name in ("forward", "errors", "device_map")
        for suffix in ("png", "svg", "pdf")
    }
    tables = {"patches.csv", "errors.csv", "device_map.csv", "forward_figure.npz"}
    files = {*tables, "summary.json", "configuration.toml"}
    assert names == files | figures
    assert (folder / "forward.png").read_bytes()[:4] == b"\x89PNG"
    assert (folder / "forward.pdf").read_bytes()[:5] == b"%PDF-"
    assert b"</svg>" in (folder / "forward.svg").read_bytes()


def test_every_filter_has_a_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "FORMATS", ("png",))
    run_forward(study_with("images=1", "noise=ideal"), tmp_path)
    assert {path.name for path in tmp_path.glob("forward*.png")} == {
        "forward.png",
        "forward_filter_1.png",
    }


def test_the_summary_says_where_the_numbers_come_from(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seed"] == 0
    assert summary["device"] == "grid:4x4"
    assert summary["noisy"]["noise"] == SMALL["noise"]
    assert summary["circuit"]["two_qubit_gates"] > 0
    assert set(summary["seconds"]) == {"compile", "ideal", "noisy", "figures"}
    assert summary["provenance"]["packages"]["cirq-core"]
    assert summary["provenance"]["started"].endswith("+00:00")


def test_the_arrays_beside_the_figure_are_those_of_the_table(folder):
    table = pd.read_csv(folder / "patches.csv", float_precision="round_trip")
    with np.load(folder / "forward_figure.npz") as arrays:
        for name, column in (("ideal", "estimate"), ("noisy", "noisy_estimate")):
            np.testing.assert_array_equal(arrays[name].ravel(), table[column])
        np.testing.assert_allclose(
            arrays["noisy_difference"].ravel(),
            table["noisy_estimate"] - table["squared_cosine"],
            atol=1e-15,
        )


def test_the_same_configuration_gives_the_same_files(folder, tmp_path):
    study = read_study(str(folder / CONFIGURATION))
    run_forward(study, tmp_path)
    for name in ("patches.csv", "configuration.toml", "forward_figure.npz", "forward.svg"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    # Into the same folder, once more, is allowed.
    prepare_folder(folder, study.to_toml(), ["patches.csv"])


def test_a_folder_of_other_results_is_left_alone(folder, tmp_path):
    before = (folder / "patches.csv").read_bytes()
    with pytest.raises(InputError, match="another configuration"):
        run_forward(study_with("images=1", "shots=5"), folder)
    assert (folder / "patches.csv").read_bytes() == before
    (tmp_path / "patches.csv").write_text("mine")
    with pytest.raises(InputError, match="no configuration.toml"):
        run_forward(study_with("images=1"), tmp_path)
    assert (tmp_path / "patches.csv").read_text() == "mine"


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
