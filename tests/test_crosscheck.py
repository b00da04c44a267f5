"""Studies that check themselves: work items again on qsim, and whether that can fail."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from noise_models import as_noise
from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, XZAnsatz, compile_convolution
from qucnn_cirq.engines import Engine, as_twirl
from studies.crosscheck import (
    check_lines,
    check_row,
    is_checked,
    quantile_scores,
    shifted_angles,
    z_scores,
)
from studies.point import AnsatzPoint
from studies.sweep.catalogue import study_named
from studies.sweep.plan import make_plan, seed_of

NOISE = {"depolarizing": {"p1": 0.01, "p2": 0.1}, "readout": {"p01": 0.02, "p10": 0.05}}
SMALL = {"kernel": [2, 2], "filters": {"kind": "ansatz", "layers": 1}}


def states(count: int, size: int = 4) -> np.ndarray:
    vectors = np.random.default_rng(3).normal(size=(count, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def probability_of(scores: np.ndarray) -> float:
    return float(stats.chi2.sf((scores**2).sum(), scores.size))


def test_right_noise_passes_and_wrong_noise_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1.0, 0.5, -2.0, 1.0]))
    program = compile_convolution(spec, "grid:4x5")
    none = np.zeros((1, 0))
    right = z_scores(program, NOISE, states(40), none, 500, 1)
    assert right.shape == (40,)
    assert 0.01 < probability_of(right) < 0.99
    # The engine of the shots is given gates that err twice as often.
    wrong = as_noise({**NOISE, "depolarizing": {"p1": 0.02, "p2": 0.2}})

    class Mistaken(Engine):
        name = "mistaken"

        def __init__(self, engine: Engine) -> None:
            self.engine = engine

        def run(self, template: Any, noise: Any, *others: Any) -> Any:
            return self.engine.run(template, wrong, *others)

    from studies import crosscheck

    make = crosscheck.make_engine
    monkeypatch.setattr(
        crosscheck,
        "make_engine",
        lambda name: Mistaken(make(name)) if name == "qsim" else make(name),
    )
    assert probability_of(z_scores(program, NOISE, states(40), none, 500, 1)) < 1e-4


@pytest.mark.parametrize(("name", "forms"), [("none", 1), ("conjugate", 2), ("pauli", 4)])
def test_the_circuits_of_a_twirl_are_those_that_are_checked(
    name: str, forms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studies import crosscheck

    noise = {"coherent": {"angle": 0.2}, "depolarizing": {"p2": 0.02}}
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(layers=1), overlap="inversion")
    program, angles = compile_convolution(spec, "grid:4x5"), np.array([[0.3, 1.1, -0.7, 2.0]])
    twirl, template = as_twirl(name), program.filters[0].template
    run: list[Any] = []

    class Noted(Engine):
        name = "noted"

        def __init__(self, engine: Engine) -> None:
            self.engine = engine

        def run(self, template: Any, *others: Any) -> Any:
            run.append(template)
            return self.engine.run(template, *others)

    make = crosscheck.make_engine
    monkeypatch.setattr(
        crosscheck,
        "make_engine",
        lambda name: Noted(make(name)) if name == "qsim" else make(name),
    )
    scores = z_scores(program, noise, states(15), angles, 500, 1, twirl=twirl)
    assert scores.shape == (15 * forms,) and 0.001 < probability_of(scores) < 0.999
    own = (
        [template]
        if twirl is None
        else [f.template for f in twirl.forms(template, as_noise(noise))]
    )
    assert len(own) >= forms and len(run) == forms
    assert {id(each) for each in run} <= {id(each) for each in own}


@pytest.mark.parametrize("chance", [0.0, 0.002, 0.3, 0.999, 1.0])
def test_scores_of_binomial_counts_are_normal(chance: float) -> None:
    generator = np.random.default_rng(6)
    counts = generator.binomial(400, chance, 4000)
    scores = quantile_scores(counts, 400, np.full(4000, chance), generator.random(4000))
    assert stats.kstest(scores, "norm").pvalue > 0.01
    impossible = quantile_scores(np.array([400, 0]), 400, np.array([0.0, 1.0]), np.ones(2) / 2)
    assert impossible.tolist() == [10.0, -10.0]


@pytest.mark.parametrize("upstream", [0.3, -0.8])
def test_backward_circuits_are_checked_with_their_value(upstream: float) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=[XZAnsatz(1), XZAnsatz(2)][:1], backward=True)
    program = compile_convolution(spec, "willow_pink")
    angles = np.random.default_rng(5).uniform(0, 6, (1, spec.n_parameters))
    scores = z_scores(program, NOISE, states(30), angles, 300, 2, upstream)
    assert 0.01 < probability_of(scores) < 0.99


def test_angles_are_shifted_as_the_rule_does() -> None:
    generator = np.random.default_rng(0)
    angles = np.arange(12.0).reshape(3, 4)
    moved = shifted_angles(generator, angles) - angles
    assert (np.count_nonzero(moved, axis=1) == 1).all()
    assert np.allclose(np.abs(moved).sum(axis=1), np.pi / 2)
    assert (angles == np.arange(12.0).reshape(3, 4)).all()


@pytest.mark.parametrize(
    ("name", "study", "items"),
    [
        ("gradient", {"method": "parameter_shift", "draws": 2, "shots": 100}, 6),
        ("gradient", {"method": "in_circuit", "draws": 2, "shots": 100, "upstream": -0.4}, 6),
        ("learning", {"method": "parameter_shift", "target": "random", "iterations": 1}, 6),
        ("trainability", {"samples": 10}, 6),
        ("training", {"images": 10, "test_images": 10, "epochs": 1, "shots": 20}, 24),
        ("noise", {"images": 1, "shots": 50}, 6),
    ],
)
def test_every_study_checks_its_own_circuits(name: str, study: dict[str, Any], items: int) -> None:
    convolution: dict[str, Any] = {**SMALL}
    if name == "training":
        filters = [{"kind": "ansatz", "layers": 1}] * 4
        convolution = {"kernel": [2, 2], "stride": 9, "filters": filters}
    elif name == "noise":
        convolution["stride"] = 3
    kind = study_named(name)
    checked = {"check_patches": 6, "check_shots": 200}
    rows = {}
    for fraction in (0.0, 1.0):
        settings = kind.read(
            {
                "study": {"name": name, **study, **checked, "check_fraction": fraction},
                "convolution": convolution,
                "noise": NOISE,
            }
        )
        rows[fraction] = kind.measure(settings, np.random.SeedSequence(13)).rows[-1]
    assert rows[1.0]["check_items"] == items
    total = float(rows[1.0]["check_chi_squared"] or 0)
    assert stats.chi2.ppf(0.001, items) < total < stats.chi2.ppf(0.999, items)
    # Being checked changes no other number.
    others = {key: value for key, value in rows[1.0].items() if not key.startswith("check_")}
    assert others == rows[0.0]
    assert set(rows[1.0]) <= set(kind.columns)
    assert "cross-check by qsim" in check_lines(pd.DataFrame([rows[1.0]]))[0]


def test_which_points_are_checked_is_decided_by_their_identity() -> None:
    kind = study_named("gradient")
    seeds = [
        seed_of(point.identity)
        for point in make_plan(
            kind, {"convolution": SMALL, "axes": {"repeat": list(range(60))}}
        ).points
    ]

    def chosen(fraction: float, patches: int = 1) -> list[bool]:
        settings = SimpleNamespace(check_fraction=fraction, check_patches=patches)
        return [is_checked(settings, seed) for seed in seeds]

    assert chosen(0.3) == chosen(0.3)
    assert 6 < sum(chosen(0.3)) < 32
    assert all(chosen(1.0))
    assert not any(chosen(0.0) + chosen(1.0, patches=0))


def test_agreement_is_pooled_over_points() -> None:
    table = pd.DataFrame([check_row(np.array([1.0, -2.0])), {}, check_row(np.array([0.5]))])
    (line,) = check_lines(table)
    assert "3 circuits, chi-squared 5.2, p = 0.154, largest |z| 2.00" in line
    assert check_lines(pd.DataFrame([{"rmse": 1.0}])) == []


@pytest.mark.parametrize(
    ("key", "value"), [("check_fraction", 1.5), ("check_patches", -1), ("check_shots", 3)]
)
def test_settings_out_of_range_are_named(key: str, value: float) -> None:
    class Point(AnsatzPoint):
        name = "gradient"

    with pytest.raises(InputError, match=key):
        Point(**{key: value})
