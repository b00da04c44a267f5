"""Counts of all outcomes in results, and estimators applied to them afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from noise_models import as_noise
from qucnn_cirq.convolution import ideal_overlaps
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import extract_patches
from studies.forward.configuration import ForwardPoint
from studies.outcomes import NAMES, estimates, packed, unpacked
from studies.point import program_of
from studies.sweep.catalogue import load_study, study_named
from studies.sweep.results import read_results
from tests.helpers import sweep_in_process

SMALL = [
    "images=3",
    "shots=2000",
    "check_patches=0",
    "keep_outcomes=true",
    "convolution.kernel=[2, 2]",
    "convolution.stride=4",
    "convolution.overlap='destructive'",
    "convolution.filters=[{kind='fixed', values=[1, 2, -1, 0.5]}]",
    "noise={depolarizing = {p1 = 0.002, p2 = 0.01}, readout = {p01 = 0.01, p10 = 0.03}}",
]


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
)
def test_packed_counts_are_joined_block_by_block(seed: int, sizes: tuple[int, int, int]) -> None:
    generator = np.random.default_rng(seed)
    n_filters, *blocks = sizes
    dense = [generator.poisson(0.5, (n_filters, count, 16)) for count in blocks]
    parts = [packed([csr_array(each) for each in block]) for block in dense]
    whole = {name: np.concatenate([part[name] for part in parts], axis=-1) for name in NAMES}
    found = unpacked(whole, 16)
    for number, own in enumerate(found):
        assert (own.toarray() == np.concatenate([block[number] for block in dense])).all()


def a_point(**study: Any) -> ForwardPoint:
    _, document = load_study("forward", SMALL)
    document.pop("axes", None)
    document["study"] |= study
    return ForwardPoint.from_mapping(document)


def test_any_estimator_is_applied_to_what_was_measured() -> None:
    kind = study_named("forward")
    settings = a_point()
    arrays = kind.measure(settings, np.random.SeedSequence(2)).arrays
    program = program_of(settings)
    patches = extract_patches(arrays["images"], settings.convolution)
    outcomes = unpacked(arrays, 16, "noisy_")
    observable = program.filters[0].template.observable
    assert (outcomes[0] @ (observable.table == 1) == arrays["noisy_counts"][0]).all()
    exact = ideal_overlaps(patches, settings.convolution)
    errors = {}
    for name in ("raw", "readout+two_point", "likelihood"):
        found = estimates(
            program, patches, outcomes, name, as_noise(settings.noise), np.zeros((1, 0))
        )
        errors[name] = float(np.sqrt(((found.values - exact) ** 2).mean()))
        assert (found.variances > 0).all()
    assert errors["raw"] == pytest.approx(
        np.sqrt(((arrays["noisy_estimates"] - exact) ** 2).mean()), abs=1e-12
    )
    assert errors["likelihood"] < 0.7 * errors["raw"]


def test_outcomes_of_more_shots_are_added() -> None:
    kind = study_named("forward")
    seed = np.random.SeedSequence(2)
    first = kind.measure(a_point(shots=500), seed).arrays
    both = kind.measure(a_point(), seed, first).arrays
    for prefix in ("", "noisy_"):
        before, after = (unpacked(each, 16, prefix)[0] for each in (first, both))
        assert (before.sum(axis=1) == 500).all() and (after.sum(axis=1) == 2000).all()
        assert ((after - before).toarray() >= 0).all()


def test_results_keep_them_in_their_files(tmp_path: Path) -> None:
    sweep_in_process(*load_study("forward", SMALL), tmp_path / "results")
    results = read_results(tmp_path / "results")
    (point,) = results.table()["point"]
    (found,) = unpacked(results.arrays(point), 16, "noisy_")
    assert (found.sum(axis=1) == 2000).all()


def test_without_them_one_is_told_how_to_keep_them() -> None:
    with pytest.raises(InputError, match="measure them with keep_outcomes = true"):
        unpacked({}, 16)
    settings = a_point()
    program = program_of(settings)
    patches = extract_patches(np.ones((1, 4, 4)), settings.convolution)
    with pytest.raises(InputError, match="counts are of 1 filters and 5 patches"):
        estimates(program, patches, [csr_array((5, 16))], "raw", as_noise(None), np.zeros((1, 0)))
    with pytest.raises(InputError, match="name an estimator"):
        estimates(program, patches, [csr_array((1, 16))], None, as_noise(None), np.zeros((1, 0)))


def test_a_noise_study_says_that_it_does_not_keep_them() -> None:
    kind, document = load_study("noise", ["keep_outcomes=true"])
    document.pop("axes", None)
    with pytest.raises(InputError, match="is for the forward study"):
        kind.read(document)
